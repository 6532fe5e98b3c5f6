"""First motions of QuakeML: polarities of picks, with the angles of their arrivals."""

import math
from pathlib import Path
from typing import Any

from diffseis.core.errors import InputError
from diffseis.core.radiation_table import RadiationTable
from diffseis.core.tables import EventTable
from diffseis.io.notices import Notice
from diffseis.io.obspy_events import event_ids, number, preferred_origin, resource_of, tabulate_origins
from diffseis.io.obspy_guard import read_catalog_file
from diffseis.io.phases import normalise_phase
from diffseis.io.rays import EMERGENT_SIZE, Ray, check_ray, collect_rays, motion_sign, station_name


def read_quakeml_polarities(path: str | Path) -> tuple[RadiationTable, EventTable, list[Notice]]:
    """Read the P picks whose polarity is positive or negative.

    An emergent or questionable onset gives half the size. Azimuth and take-off angle (0 = down) are those of the arrival of the
    preferred origin that refers to the pick, NaN where it lacks one of them.

    Returns:
        The rays; the preferred origins, one per event; what was left out, and how many P picks have no polarity that is decided.
    """
    catalog, notices = read_catalog_file(path, "QUAKEML")
    if len(catalog) == 0:
        raise InputError("holds no event", file=path, field="event", fix="check that it is QuakeML")
    events = tabulate_origins(catalog, path, "QUAKEML")
    rays: list[Ray] = []
    refused: list[InputError] = []
    undecidable = 0
    for event, event_id, time in zip(catalog, event_ids(catalog, "QUAKEML"), events.time, strict=True):
        origin = preferred_origin(event)
        arrivals = (
            {} if origin is None else {a.pick_id.id: a for a in origin.arrivals if a.pick_id is not None}
        )
        for pick in event.picks:
            arrival = arrivals.get(resource_of(pick))
            hint = pick.phase_hint or ("" if arrival is None else arrival.phase) or ""
            if normalise_phase(hint) != "P":
                continue
            if pick.polarity not in ("positive", "negative"):
                undecidable += 1
                continue
            try:
                rays.append(check_ray(_ray(pick, arrival, event_id, time), path, None))
            except InputError as error:
                refused.append(error)
    table, more = collect_rays(rays, refused, path, unsigned=undecidable)
    return table, events, notices + more


def _ray(pick: Any, arrival: Any, event_id: str, time: Any) -> Ray:
    stream = pick.waveform_id
    network, station, channel = (
        "" if stream is None else getattr(stream, f"{name}_code") or ""
        for name in ("network", "station", "channel")
    )
    azimuth_deg = takeoff_deg = takeoff_sigma_deg = math.nan
    # Arrivals have no uncertainty of the azimuth.
    if arrival is not None and arrival.azimuth is not None and arrival.takeoff_angle is not None:
        azimuth_deg, takeoff_deg = number(arrival.azimuth), number(arrival.takeoff_angle)
        errors = arrival.takeoff_angle_errors
        takeoff_sigma_deg = math.nan if errors is None else number(errors.uncertainty)
    size = EMERGENT_SIZE if pick.onset in ("emergent", "questionable") else 1.0
    return Ray(
        event_id,
        station_name(network, station),
        azimuth_deg=azimuth_deg,
        takeoff_deg=takeoff_deg,
        takeoff_sigma_deg=takeoff_sigma_deg,
        polarity=motion_sign(pick.polarity) * size,
        network=network,
        channel=channel,
        time=time,
    )
