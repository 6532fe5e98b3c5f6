"""Hypocentres on their way from a bulletin into an `EventTable`, whatever the format they come from."""

import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.tables import EventTable
from diffseis.io.pick_rows import check_time

_DEEPEST_KM = 1000.0

ORIGIN_EXTRA = (
    "time_error_s",
    "latitude_error_km",
    "longitude_error_km",
    "vertical_error_km",
    "rms_s",
    "gap_deg",
    "num_stations",
)
"""Columns of `EventTable.extra`: what the bulletin says of its own locations, NaN where it does not."""

_PLAIN = ("latitude", "longitude", "depth_km", "magnitude")


def blank_origin(event_id: str, **facts: Any) -> dict[str, Any]:
    """An origin of which only the given facts are known; the others are NaN or NaT."""
    known: dict[str, Any] = dict.fromkeys((*_PLAIN, *ORIGIN_EXTRA), math.nan)
    return known | {"event_id": event_id, "time": np.datetime64("NaT", "ns")} | facts


def origin_table(origins: Sequence[Mapping[str, Any]]) -> EventTable:
    """One row per origin, in order."""
    column = lambda name: np.array([o[name] for o in origins], dtype=np.float64)
    return EventTable(
        event_id=np.array([o["event_id"] for o in origins], dtype=object),
        time=np.array([o["time"] for o in origins], "datetime64[ns]"),
        **{name: column(name) for name in _PLAIN},
        extra={name: column(name) for name in ORIGIN_EXTRA},
    )


def check_origin(facts: Mapping[str, Any], path: str | Path, line: int | None = None) -> None:
    """Refuse a hypocentre that is nowhere, or at a time of no instrumental seismology."""
    check_place(facts, facts["event_id"], path, line)
    check_time(facts["time"], file=str(path), line=line, event_id=facts["event_id"])


def check_place(facts: Mapping[str, Any], event_id: str, path: str | Path, line: int | None = None) -> None:
    """Refuse a hypocentre that is nowhere."""
    for field, largest in (("latitude", 90.0), ("longitude", 360.0), ("depth_km", _DEEPEST_KM)):
        value = facts[field]
        if math.isinf(value) or abs(value) > largest:
            raise InputError(
                f"event {event_id} is at {field} {value:g}",
                file=path,
                line=line,
                field=field,
                fix="check the unit and the order of the coordinates",
            )


def new_name(name: str, taken: Collection[str]) -> str:
    """The name, or ``event00001`` and so on for none; with a number behind if another event has it."""
    name = name or f"event{len(taken) + 1:05d}"
    return name if name not in taken else f"{name}_{len(taken) + 1}"
