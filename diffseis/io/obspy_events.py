"""Bulletins that ObsPy reads (QuakeML, NORDIC, hypoDD phases, NonLinLoc .hyp), as tables."""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.tables import EventTable, PickTable
from diffseis.core.units import KM_PER_DEGREE
from diffseis.io.notices import Notice
from diffseis.io.obspy_guard import read_catalog_file
from diffseis.io.origins import blank_origin, check_place, origin_table
from diffseis.io.pick_rows import DEFAULT_UNCERTAINTY_S, PickRow, build_picks, check_row, check_time

_SEISAN_WEIGHTS = {"0": 1.0, "1": 0.75, "2": 0.5, "3": 0.25, "4": 0.0, "9": 0.0}


def read_obspy_events(
    path: str | Path,
    format: str,
    *,
    default_uncertainty_s: float | Mapping[str, float],
    keep_unweighted: bool = False,
) -> tuple[PickTable, EventTable, list[Notice]]:
    """Read by ObsPy, then screen and tabulate. See `read_events`."""
    catalog, notices = read_catalog_file(path, format)
    picks, events, more = tabulate(
        catalog, path, format, default_uncertainty_s=default_uncertainty_s, keep_unweighted=keep_unweighted
    )
    return picks, events, notices + more


def from_obspy_catalog(
    catalog: Any,
    *,
    default_uncertainty_s: float | Mapping[str, float] = DEFAULT_UNCERTAINTY_S,
) -> tuple[PickTable, EventTable, list[Notice]]:
    """Picks and hypocentres of an ObsPy ``Catalog`` in memory, as `read_events` gives those of a file."""
    return tabulate(
        catalog, "<catalog>", "QUAKEML", default_uncertainty_s=default_uncertainty_s, keep_unweighted=False
    )


def tabulate(
    catalog: Any,
    path: str | Path,
    format: str,
    *,
    default_uncertainty_s: float | Mapping[str, float],
    keep_unweighted: bool,
) -> tuple[PickTable, EventTable, list[Notice]]:
    """Screen the events of a catalogue and put them into tables."""
    notices: list[Notice] = []
    if len(catalog) == 0:
        raise InputError("holds no event", file=path, field="event", fix=f"check that it is {format}")
    rows: list[PickRow] = []
    origins: list[dict[str, Any]] = []
    skipped = 0
    ids = event_ids(catalog, format)
    for event, event_id in zip(catalog, ids, strict=True):
        origin = preferred_origin(event)
        facts = _origin_facts(event, origin, event_id, path)
        origins.append(facts)
        event_rows, not_phases = _pick_rows(event, origin, event_id, format, path)
        skipped += not_phases
        for row in event_rows:
            check_row(row, file=str(path))
        rows += event_rows
    if skipped:
        message = f"{skipped} amplitude, duration and azimuth readings are no phase picks and were left out"
        notices.append(Notice("not-phases", message, count=skipped, file=str(path)))
    picks, more = build_picks(
        rows, default_uncertainty_s=default_uncertainty_s, keep_unweighted=keep_unweighted, file=str(path)
    )
    return picks, _event_table(origins), notices + more


def tabulate_origins(catalog: Any, path: str | Path, format: str) -> EventTable:
    """The preferred or first origin of each event of a catalogue."""
    ids = event_ids(catalog, format)
    events = zip(catalog, ids, strict=True)
    return _event_table([_origin_facts(event, preferred_origin(event), name, path) for event, name in events])


def resource_of(thing: Any) -> str:
    """The resource id of an event or pick; damaged files have some without."""
    return "" if thing.resource_id is None else str(thing.resource_id.id)


def preferred_origin(event: Any) -> Any:
    """The preferred origin of an event, else its first; None where there is none."""
    return event.preferred_origin() or (event.origins[0] if event.origins else None)


def _event_table(origins: list[dict[str, Any]]) -> EventTable:
    table = origin_table(origins)
    table.extra["evaluation_status"] = np.array([o["evaluation_status"] for o in origins], dtype=object)
    return table


def event_ids(catalog: Any, format: str) -> list[str]:
    """Short and unique: the end of the resource id, or the origin time where the format has no ids of its
    own.
    """
    ids: list[str] = []
    seen: dict[str, int] = {}
    for number, event in enumerate(catalog, start=1):
        origin = preferred_origin(event)
        if format == "NORDIC":
            time = None if origin is None else origin.time
            name = f"event{number:05d}" if time is None else time.strftime("%Y%m%dT%H%M%S")
        else:
            name = re.split(r"[/=#]", resource_of(event))[-1] or f"event{number:05d}"
        seen[name] = seen.get(name, 0) + 1
        ids.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return ids


def _origin_facts(event: Any, origin: Any, event_id: str, path: str | Path) -> dict[str, Any]:
    """Time, place and published errors of one event; what there is not is NaN."""
    facts = blank_origin(event_id, evaluation_status="")
    magnitude = event.preferred_magnitude() or (event.magnitudes[0] if event.magnitudes else None)
    if magnitude is not None:
        facts["magnitude"] = number(magnitude.mag)
    if origin is None:
        return facts
    facts["evaluation_status"] = str(origin.evaluation_status or "")
    if origin.time is not None:
        facts["time"] = when(origin.time)
        check_time(facts["time"], file=str(path), event_id=event_id)
    facts["latitude"], facts["longitude"] = number(origin.latitude), number(origin.longitude)
    facts["depth_km"] = number(origin.depth) / 1000.0
    check_place(facts, event_id, path)
    facts["time_error_s"] = _error(origin.time_errors)
    facts["latitude_error_km"] = _error(origin.latitude_errors) * KM_PER_DEGREE
    shrink = math.cos(math.radians(facts["latitude"])) if math.isfinite(facts["latitude"]) else math.nan
    facts["longitude_error_km"] = _error(origin.longitude_errors) * KM_PER_DEGREE * shrink
    facts["vertical_error_km"] = _error(origin.depth_errors) / 1000.0
    if origin.quality is not None:
        facts["rms_s"] = number(origin.quality.standard_error)
        facts["gap_deg"] = number(origin.quality.azimuthal_gap)
        facts["num_stations"] = number(origin.quality.used_station_count)
    return facts


def _pick_rows(
    event: Any, origin: Any, event_id: str, format: str, path: str | Path
) -> tuple[list[PickRow], int]:
    """One row per phase pick, and how many readings are no phases."""
    arrivals = {} if origin is None else {a.pick_id.id: a for a in origin.arrivals if a.pick_id is not None}
    amplitudes = {a.pick_id.id for a in event.amplitudes if a.pick_id is not None}
    rows = []
    skipped = 0
    for pick in event.picks:
        arrival = arrivals.get(resource_of(pick))
        phase = (pick.phase_hint or (arrival.phase if arrival is not None else "") or "").strip()
        if arrival is None and (resource_of(pick) in amplitudes or _is_no_phase(phase)):
            skipped += 1
            continue
        if pick.time is None:
            raise InputError(
                f"a pick of event {event_id} has no time", file=path, field="time", fix="remove the pick"
            )
        stream = pick.waveform_id
        rows.append(
            PickRow(
                event_id=event_id,
                network="" if stream is None else (stream.network_code or ""),
                station="" if stream is None else (stream.station_code or ""),
                phase=phase or "?",
                time=when(pick.time),
                uncertainty_s=_pick_error(pick),
                quality_weight=_quality_weight(pick, arrival, format),
                **_reported(arrival),
            )
        )
    return rows, skipped


def _is_no_phase(phase: str) -> bool:
    upper = phase.upper()
    return upper in {"END", "BAZ", "AML", "IAML", "A", "E"} or upper.startswith(("IAML", "IVM", "AM", "SPEC"))


def _pick_error(pick: Any) -> float:
    errors = pick.time_errors
    if errors is None or errors.uncertainty is not None:
        return _error(errors)
    return 0.5 * (number(errors.lower_uncertainty) + number(errors.upper_uncertainty))


def _quality_weight(pick: Any, arrival: Any, format: str) -> float:
    """The analyst's weight, where the format has one that ObsPy hands on."""
    if format == "NORDIC":
        extra = getattr(pick, "extra", {}) or {}
        code = str(extra.get("nordic_pick_weight", {}).get("value", "0")).strip()
        return _SEISAN_WEIGHTS.get(code, 1.0)
    if format == "HYPODDPHA" and arrival is not None and arrival.time_weight is not None:
        return min(abs(float(arrival.time_weight)), 1.0)
    return 1.0


def _reported(arrival: Any) -> dict[str, float]:
    if arrival is None:
        return {}
    return {
        "distance_km": number(arrival.distance) * KM_PER_DEGREE,
        "azimuth_deg": number(arrival.azimuth),
        "takeoff_deg": number(arrival.takeoff_angle),
        "residual_s": number(arrival.time_residual),
        "weight": number(arrival.time_weight),
    }


def _error(errors: Any) -> float:
    return math.nan if errors is None else number(errors.uncertainty)


def number(value: Any) -> float:
    """A float; NaN for None."""
    return math.nan if value is None else float(value)


def when(time: Any) -> np.datetime64:
    """Of ObsPy's UTCDateTime, exactly; a year that nanoseconds do not reach is left to `check_time` as
    year 1700.
    """
    if not 1700 < time.year < 2250:
        return np.datetime64("1700-01-01", "ns")
    return np.datetime64(int(time.ns), "ns")
