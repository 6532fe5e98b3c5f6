"""The catalogue as an ObsPy Catalog and as QuakeML, with ellipsoids, arrivals and the events that failed.

Quantity errors are half-widths of central 68 % intervals of the posterior's marginals; the ellipse and the
ellipsoid are joint 68 % regions of a Gaussian of the posterior's covariance. An event that was not located
carries no origin, or one whose `evaluationStatus` is "rejected"; both say why in a comment.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np

from diffseis.core.units import KM_PER_DEGREE
from diffseis.io.atomic import atomic_path
from diffseis.io.ellipsoids import ellipsoid, horizontal_ellipse
from diffseis.location.catalogue import LocatedCatalogue

CONFIDENCE_PERCENT = 68.0
_METHOD = "smi:local/diffseis/locate"


def resource_name(text: str) -> str:
    """A name that QuakeML's identifiers allow: other characters become ``~`` and their code. Different
    names stay different.
    """
    safe = re.sub(r"[^A-Za-z0-9_.()\-]", lambda m: f"~{ord(m.group()):x}~", str(text))
    return safe or "~"


def to_obspy_catalog(catalogue: LocatedCatalogue) -> Any:
    """An `obspy.Catalog` with one Event per event of the input, in its order.

    Resource ids derive from event ids and rows, so that they are the same in every run:
    ``smi:local/event/<id>``, ``smi:local/origin/<id>``, ``smi:local/pick/<id>/<n>``.
    """
    from obspy.core.event import Catalog

    rows_of: list[list[int]] = [[] for _ in range(len(catalogue))]
    for row, event_row in enumerate(np.asarray(catalogue.arrivals.event_row)):
        if 0 <= event_row < len(rows_of):
            rows_of[int(event_row)].append(row)
    events = [_event(catalogue, i, rows) for i, rows in enumerate(rows_of)]
    return Catalog(events=events, resource_id=identifier("smi:local/catalogue"), creation_info=_creation())


def write_quakeml(path: str | Path, catalogue: LocatedCatalogue) -> None:
    """Write ``catalog.xml``."""
    converted = to_obspy_catalog(catalogue)
    with atomic_path(path) as temporary:
        converted.write(str(temporary), format="QUAKEML")


def identifier(text: str) -> Any:
    """A resource identifier of this very text."""
    from obspy.core.event import ResourceIdentifier

    return ResourceIdentifier(id=text)


def _creation() -> Any:
    from obspy.core.event import CreationInfo

    return CreationInfo(agency_id="diffseis", author="diffseis locate")


def utc(time: np.datetime64) -> Any:
    """As ObsPy has times."""
    from obspy import UTCDateTime

    return UTCDateTime(ns=int(time.astype("datetime64[ns]").astype(np.int64)))


def finite_or_none(value: Any) -> float | None:
    """Finite numbers only, rounded to what a double of a physical quantity can mean."""
    return float(f"{float(value):.10g}") if np.isfinite(value) else None


def _event(catalogue: LocatedCatalogue, row: int, pick_rows: list[int]) -> Any:
    from obspy.core.event import Comment, Event

    events = catalogue.events
    name = resource_name(events.event_id[row])
    picks = [_pick(catalogue, p, f"smi:local/pick/{name}/{n}") for n, p in enumerate(pick_rows)]
    event = Event(
        resource_id=identifier(f"smi:local/event/{name}"),
        event_type="earthquake",
        picks=picks,
        creation_info=_creation(),
    )
    status = str(events.status[row])
    text = f"diffseis status: {status}"
    if status != "located":
        text += f"; {events.reason[row]}" if events.reason[row] else ""
    event.comments.append(Comment(text=text, resource_id=identifier(f"smi:local/comment/{name}/status")))
    if np.isfinite(events.latitude[row]) and np.isfinite(events.origin_time_s[row]):
        origin = _origin(catalogue, row, name)
        origin.arrivals = _arrivals(catalogue, pick_rows, picks, name)
        if status != "located":
            origin.evaluation_status = "rejected"
            origin.comments.append(
                Comment(text=text, resource_id=identifier(f"smi:local/comment/{name}/origin"))
            )
        event.origins = [origin]
        event.preferred_origin_id = origin.resource_id
    return event


def _pick(catalogue: LocatedCatalogue, row: int, resource: str) -> Any:
    from obspy.core.event import Pick, QuantityError, WaveformStreamID

    picks = catalogue.picks
    codes = {
        f"{key}_code": str(picks.extra[key][row])
        for key in ("location", "channel")
        if key in picks.extra and str(picks.extra[key][row])
    }
    label = picks.extra.get("phase_label")
    return Pick(
        resource_id=identifier(resource),
        time=utc(picks.time[row]),
        time_errors=QuantityError(uncertainty=finite_or_none(picks.uncertainty_s[row])),
        waveform_id=WaveformStreamID(
            network_code=str(picks.network[row]), station_code=str(picks.station[row]), **codes
        ),
        phase_hint=str(picks.phase[row] if label is None else label[row]),
    )


def _origin(catalogue: LocatedCatalogue, row: int, name: str) -> Any:
    from obspy.core.event import Origin, OriginQuality, QuantityError

    events = catalogue.events
    error = lambda value: QuantityError(
        uncertainty=finite_or_none(value), confidence_level=CONFIDENCE_PERCENT
    )
    north_km, east_km = marginal_half_widths_km(catalogue, row)
    shrink = max(float(np.cos(np.radians(events.latitude[row]))), 1e-6)
    return Origin(
        resource_id=identifier(f"smi:local/origin/{name}"),
        time=utc(events.time[row]),
        time_errors=error(events.origin_time_error_s[row]),
        latitude=finite_or_none(events.latitude[row]),
        latitude_errors=error(north_km / KM_PER_DEGREE),
        longitude=finite_or_none(events.longitude[row]),
        longitude_errors=error(min(east_km / KM_PER_DEGREE / shrink, 180.0)),
        depth=finite_or_none(1000.0 * events.depth_km[row]),
        depth_errors=error(1000.0 * events.vertical_error_km[row]),
        depth_type="from location",
        method_id=identifier(_METHOD),
        origin_type="hypocenter",
        evaluation_mode="automatic",
        evaluation_status="preliminary",
        quality=OriginQuality(
            associated_phase_count=int(np.sum(np.asarray(catalogue.arrivals.event_row) == row)),
            used_phase_count=int(events.num_phases[row]),
            used_station_count=int(events.num_stations[row]),
            standard_error=finite_or_none(events.rms_s[row]),
            azimuthal_gap=finite_or_none(events.gap_deg[row]),
            minimum_distance=finite_or_none(events.nearest_km[row] / KM_PER_DEGREE),
        ),
        origin_uncertainty=_uncertainty(catalogue, row),
        creation_info=_creation(),
    )


def marginal_half_widths_km(catalogue: LocatedCatalogue, row: int) -> tuple[float, float]:
    """Half-widths of the central 68 % of the posterior in north and in east; of its covariance where there
    are no particles.
    """
    ned = np.asarray(catalogue.particles.ned_km[row], np.float64)
    good = ned[np.all(np.isfinite(ned), axis=-1)]
    if len(good) >= 20:
        low, high = np.quantile(good[:, :2], [0.16, 0.84], axis=0)
        north, east = 0.5 * (high - low)
    else:
        north, east = 0.9945 * np.sqrt(np.diagonal(catalogue.events.covariance_km2[row])[:2])
    return float(north), float(east)


def horizontal_radius_km(catalogue: LocatedCatalogue, row: int) -> float:
    """Radius of the circle about the epicentre that holds 68 % of the particles."""
    ned = np.asarray(catalogue.particles.ned_km[row], np.float64)
    good = ned[np.all(np.isfinite(ned), axis=-1)][:, :2]
    if len(good) < 20:
        return horizontal_ellipse(np.asarray(catalogue.events.covariance_km2[row])).semi_major_km
    return float(np.quantile(np.hypot(*(good - good.mean(axis=0)).T), 0.01 * CONFIDENCE_PERCENT))


def _uncertainty(catalogue: LocatedCatalogue, row: int) -> Any:
    from obspy.core.event import ConfidenceEllipsoid, OriginUncertainty

    covariance = np.asarray(catalogue.events.covariance_km2[row], np.float64)
    if not np.all(np.isfinite(covariance)):
        return None
    flat, solid = horizontal_ellipse(covariance), ellipsoid(covariance)
    metres = lambda km: finite_or_none(1000.0 * float(km))
    return OriginUncertainty(
        horizontal_uncertainty=metres(horizontal_radius_km(catalogue, row)),
        min_horizontal_uncertainty=metres(flat.semi_minor_km),
        max_horizontal_uncertainty=metres(flat.semi_major_km),
        azimuth_max_horizontal_uncertainty=finite_or_none(flat.azimuth_deg),
        confidence_ellipsoid=ConfidenceEllipsoid(
            semi_major_axis_length=metres(solid.semi_axes_km[0]),
            semi_intermediate_axis_length=metres(solid.semi_axes_km[1]),
            semi_minor_axis_length=metres(solid.semi_axes_km[2]),
            major_axis_plunge=finite_or_none(solid.plunge_deg),
            major_axis_azimuth=finite_or_none(solid.azimuth_deg),
            major_axis_rotation=finite_or_none(solid.rotation_deg),
        ),
        preferred_description="confidence ellipsoid",
        confidence_level=CONFIDENCE_PERCENT,
    )


def _arrivals(catalogue: LocatedCatalogue, pick_rows: list[int], picks: list[Any], name: str) -> list[Any]:
    """One Arrival per pick that has a residual."""
    from obspy.core.event import Arrival

    table = catalogue.arrivals
    arrivals = []
    for number, (row, pick) in enumerate(zip(pick_rows, picks, strict=True)):
        if not np.isfinite(table.residual_s[row]):
            continue
        arrivals.append(
            Arrival(
                resource_id=identifier(f"smi:local/arrival/{name}/{number}"),
                pick_id=pick.resource_id,
                phase=str(catalogue.picks.phase[row]),
                azimuth=finite_or_none(table.azimuth_deg[row]),
                distance=finite_or_none(table.distance_km[row] / KM_PER_DEGREE),
                takeoff_angle=finite_or_none(table.takeoff_deg[row]),
                time_residual=finite_or_none(table.residual_s[row]),
                time_weight=finite_or_none(table.weight[row]),
                time_correction=finite_or_none(table.station_term_s[row]),
            )
        )
    return arrivals
