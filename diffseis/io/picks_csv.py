"""Picks as CSV: ``event_id,network,station,phase,time,uncertainty_s[,probability]`` and whatever else the
file has.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.tables import PickTable
from diffseis.io.delimited import (
    Delimited,
    code_column,
    is_missing,
    number_column,
    parse_number,
    read_delimited,
)
from diffseis.io.notices import Notice
from diffseis.io.phases import (
    MAX_UNCERTAINTY_S,
    MIN_UNCERTAINTY_S,
    check_default,
    default_for,
    default_notice,
    normalise_phase,
    usable_uncertainty,
)
from diffseis.io.times import parse_time

REQUIRED = ("event_id", "network", "station", "phase", "time", "uncertainty_s")
OPTIONAL = ("probability",)

_LARGE_MEDIAN_S = 5.0


def read_picks_csv(
    path: str | Path, *, default_uncertainty_s: float | Mapping[str, float] | None = None
) -> tuple[PickTable, list[Notice]]:
    """Read picks; order and case of the columns are free, unknown columns are kept as strings in `extra`.

    Pg, Pn, Pb, P* (in either case) become P, likewise S; the label of the file stays in
    ``extra["phase_label"]``. Other phases are kept and counted by the location. Duplicate picks are kept,
    too.

    Args:
        path: the file, UTF-8, may be gzip.
        default_uncertainty_s: what a pick gets whose error is zero, negative, missing or NaN: one number,
        or one by
            phase. Without it such a pick is refused. It is never given infinite weight.

    Returns:
        The table and what was replaced or looks odd.

    Raises:
        InputError: for anything else that is wrong, with line and column.
    """
    if default_uncertainty_s is not None:
        check_default(default_uncertainty_s)
    required = REQUIRED if default_uncertainty_s is None else REQUIRED[:-1]
    table = read_delimited(path, required, [*OPTIONAL, "uncertainty_s"])
    notices = []
    if len(table) == 0:
        notices.append(Notice("empty", "the file has a header but no picks", count=0, file=str(path)))
    event_id = code_column(table, "event_id")
    labels = code_column(table, "phase")
    phase = np.array([normalise_phase(label) for label in labels], dtype=object)
    uncertainty_s, more = _uncertainties(table, phase, default_uncertainty_s)
    notices += more
    picks = PickTable(
        event_id=event_id,
        network=code_column(table, "network", empty_ok=True),
        station=code_column(table, "station"),
        phase=phase,
        time=_times(table),
        uncertainty_s=uncertainty_s,
        probability=_probabilities(table),
        extra={"phase_label": labels} | table.extra([*REQUIRED, *OPTIONAL]),
    )
    return picks, notices


def _times(table: Delimited) -> np.ndarray:
    times = np.empty(len(table), "datetime64[ns]")
    for i, cell in enumerate(table.column("time")):
        try:
            times[i] = parse_time(cell)
        except ValueError as error:
            raise table.error(i, "time", str(error), "write UTC as 2016-10-14T00:00:10.51Z") from error
    return times


def _uncertainties(
    table: Delimited, phase: np.ndarray, default: float | Mapping[str, float] | None
) -> tuple[np.ndarray, list[Notice]]:
    field = "uncertainty_s"
    cells = table.column(field) if field in table.names else [""] * len(table)
    values = np.empty(len(table), np.float64)
    replaced = []
    for i, cell in enumerate(cells):
        values[i] = parse_number(table, i, field, cell, missing_ok=True)
        if usable_uncertainty(float(values[i])):
            continue
        if default is None:
            more = sum(_looks_unusable(other) for other in cells[i + 1 :])
            also = f" ({more} more rows likewise)" if more else ""
            raise table.error(
                i,
                field,
                _why_unusable(cell, float(values[i])) + also,
                "correct it, or give such picks a default error: --default-uncertainty-s P_S,S_S",
            )
        values[i] = default_for(str(phase[i]), default)
        replaced.append(i)
    given = np.setdiff1d(np.arange(len(table)), replaced)
    if len(given) and np.median(values[given]) > _LARGE_MEDIAN_S:
        raise InputError(
            f"the median pick error is {np.median(values[given]):g} s",
            file=table.path,
            field=field,
            fix="are they milliseconds? divide by 1000",
        )
    if replaced and default is not None:
        return values, [default_notice(phase[replaced], default, table.path)]
    return values, []


def _looks_unusable(cell: str) -> bool:
    try:
        return is_missing(cell) or not usable_uncertainty(float(cell))
    except ValueError:
        return False


def _why_unusable(cell: str, value: float) -> str:
    if is_missing(cell):
        return "there is no pick error"
    if value <= 0:
        return f"the pick error {cell} is not positive: the pick would have infinite or no weight"
    return f"the pick error {cell} s lies outside {MIN_UNCERTAINTY_S:g} to {MAX_UNCERTAINTY_S:g} s"


def _probabilities(table: Delimited) -> np.ndarray:
    if "probability" not in table.names:
        return np.full(len(table), np.nan)
    values = number_column(table, "probability", missing_ok=True)
    for i in np.flatnonzero((values < 0) | (values > 1)):
        raise table.error(
            int(i),
            "probability",
            f"{values[i]:g} is no probability",
            "give it from 0 to 1 (per cent? divide by 100)",
        )
    return values
