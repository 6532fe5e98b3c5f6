"""Rows of picks on their way from a bulletin into a `PickTable`, whatever the format they come from."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.tables import PickTable
from diffseis.core.words import plural
from diffseis.io.notices import Notice
from diffseis.io.phases import (
    MAX_UNCERTAINTY_S,
    check_default,
    default_for,
    default_notice,
    normalise_phase,
    usable_uncertainty,
)
from diffseis.io.times import FIRST_YEAR, LAST_YEAR

DEFAULT_UNCERTAINTY_S: Mapping[str, float] = {"P": 0.1, "S": 0.2}
"""What a pick of a bulletin gets that states no error; always with a notice."""


@dataclass(frozen=True)
class PickRow:
    """One arrival of a bulletin.

    Attributes:
        event_id, network, station, phase: as in `PickTable`; the phase as the file writes it.
        time: UTC.
        uncertainty_s: as stated, or NaN.
        quality_weight: the analyst's weight, 0 to 1; a default error is divided by it, and 0 leaves the
        pick out.
        distance_km, azimuth_deg, takeoff_deg, residual_s, weight: what the bulletin reports of its own
        location, or NaN.
    """

    event_id: str
    network: str
    station: str
    phase: str
    time: np.datetime64
    uncertainty_s: float = math.nan
    quality_weight: float = 1.0
    distance_km: float = math.nan
    azimuth_deg: float = math.nan
    takeoff_deg: float = math.nan
    residual_s: float = math.nan
    weight: float = math.nan


REPORTED = ("distance_km", "azimuth_deg", "takeoff_deg", "residual_s", "weight")
"""Columns of `extra` that hold what the bulletin reports of its own location."""


def build_picks(
    rows: list[PickRow],
    *,
    default_uncertainty_s: float | Mapping[str, float],
    keep_unweighted: bool,
    file: str,
) -> tuple[PickTable, list[Notice]]:
    """A `PickTable` of rows: phases normalised, errors checked or replaced, zero-weight picks left out,
    all of it said.
    """
    check_default(default_uncertainty_s)
    kept = [row for row in rows if keep_unweighted or row.quality_weight > 0]
    notices = []
    if len(kept) < len(rows):
        message = f"{plural(len(rows) - len(kept), 'pick')} left out, because the analyst gave no weight"
        notices.append(Notice("zero-weight", message, count=len(rows) - len(kept), file=file))
    phase = np.array([normalise_phase(row.phase) for row in kept], dtype=object)
    uncertainty_s = np.array([row.uncertainty_s for row in kept], dtype=np.float64)
    missing = np.array([not usable_uncertainty(float(u)) for u in uncertainty_s], dtype=bool)
    for i in np.flatnonzero(missing):
        default = default_for(str(phase[i]), default_uncertainty_s)
        uncertainty_s[i] = min(default / max(kept[i].quality_weight, 0.1), MAX_UNCERTAINTY_S)
    if missing.any():
        notices.append(default_notice(phase[missing], default_uncertainty_s, file))
    extra = {"phase_label": np.array([row.phase for row in kept], dtype=object)}
    for name in ("quality_weight", *REPORTED):
        extra[name] = np.array([getattr(row, name) for row in kept], dtype=np.float64)
    table = PickTable(
        event_id=np.array([row.event_id for row in kept], dtype=object),
        network=np.array([row.network for row in kept], dtype=object),
        station=np.array([row.station for row in kept], dtype=object),
        phase=phase,
        time=np.array([row.time for row in kept], "datetime64[ns]"),
        uncertainty_s=uncertainty_s,
        probability=np.full(len(kept), np.nan),
        extra=extra,
    )
    return table, notices


def check_row(row: PickRow, *, file: str, line: int | None = None) -> None:
    """Refuse a pick without a station, or with a time that cannot be."""
    if not row.station:
        raise InputError(
            f"a pick of event {row.event_id} names no station",
            file=file,
            line=line,
            field="station",
            fix="add it",
        )
    check_time(row.time, file=file, line=line, event_id=row.event_id)


def check_time(time: np.datetime64, *, file: str, event_id: str, line: int | None = None) -> None:
    """Refuse a time that is no instrumental seismology."""
    year = int(str(time.astype("datetime64[Y]"))) if not np.isnat(time) else FIRST_YEAR
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise InputError(
            f"event {event_id} has a time in the year {year}",
            file=file,
            line=line,
            field="time",
            fix="check the date",
        )
