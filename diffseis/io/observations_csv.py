"""First motions and amplitudes as CSV: ``event_id,station`` and what was measured of each ray."""

import csv
import io
import math
from pathlib import Path
from typing import Any

import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.radiation_table import RadiationTable
from diffseis.core.words import plural
from diffseis.io.atomic import write_text
from diffseis.io.delimited import Delimited, code_column, is_missing, parse_number, read_delimited
from diffseis.io.notices import Notice
from diffseis.io.rays import RANGES, Ray, check_ray, motion_sign, ray_table, station_name, table_notices
from diffseis.io.times import format_time, parse_time

REQUIRED = ("event_id", "station")
NUMBERS = (
    "azimuth_deg",
    "takeoff_deg",
    "takeoff_sigma_deg",
    "azimuth_sigma_deg",
    "polarity",
    "polarity_probability",
    "log10_sp",
    "p_amplitude",
    "s_takeoff_deg",
    "sv_polarity",
    "sh_polarity",
    "log10_svp",
    "log10_shp",
    "log10_svsh",
)
WORDS = ("network", "channel")
COLUMNS = (*REQUIRED, *NUMBERS, *WORDS, "time")
"""Columns that are known, in the order in which they are written."""

_SIGNS = ("polarity", "sv_polarity", "sh_polarity")
_RATIOS = ("log10_sp", "log10_svp", "log10_shp", "log10_svsh")
_LARGE_LOGARITHM = 5.0
_FROM_DOWN = "give degrees from straight down (0 = down, 180 = up; HASH's and SKHASH's take-off is 180 minus that) as `takeoff_deg`"
_INSTEAD = dict.fromkeys(
    ("takeoff", "takeoff_angle", "take_off_deg", "incidence_deg"), ("takeoff_deg", _FROM_DOWN)
) | {
    "sp_ratio": ("log10_sp", "give the logarithm (base 10) of the ratio of S to P as `log10_sp`"),
    "p_polarity": ("polarity", "call the column `polarity`; 1 is up, -1 is down"),
    "azimuth": ("azimuth_deg", "call the column `azimuth_deg`; degrees from north over east, at the source"),
}


def read_observations_csv(path: str | Path) -> tuple[RadiationTable, list[Notice]]:
    """Read observations of rays; order and case of the columns are free, unknown columns are kept as strings in `extra`.

    Needed are ``event_id`` and ``station``; all of `NUMBERS`, `WORDS` and ``time`` may be there, with empty cells where nothing
    was observed. Take-off angles are from straight down: 0 = down, 90 = horizontal, 180 = up; no reader can tell whether they
    are. An azimuth and a take-off angle come together or not at all; without them they are computed of the hypocentre.
    Polarities are numbers from -1 to 1, or U, C and + for 1, D and - for -1. Repeated stations are kept.

    Args:
        path: the file, UTF-8, may be gzip.

    Returns:
        The table, and what looks odd: rows without measurement, repeated stations.

    Raises:
        InputError: with line and column, for everything that cannot be.
    """
    table = read_delimited(path, REQUIRED, (*NUMBERS, *WORDS, "time"), instead=_INSTEAD)
    notices = []
    if len(table) == 0:
        notices.append(Notice("empty", "the file has a header but no observations", count=0, file=str(path)))
    for name in REQUIRED:
        code_column(table, name)
    rays = [_ray(table, row) for row in range(len(table))]
    observed = ray_table(rays)
    _check_ratios(observed, path)
    observed.extra.update(table.extra(COLUMNS))
    return observed, notices + table_notices(observed, path)


def write_observations_csv(path: str | Path, table: RadiationTable) -> None:
    """Write the columns that hold anything, and those of `extra`; numbers are read back the same to the last bit.

    Columns of numbers in `extra` come back as strings.
    """
    names = [name for name in COLUMNS if name in REQUIRED or _holds_anything(getattr(table, name))]
    columns = {name: getattr(table, name) for name in names}
    columns |= {name: np.asarray(values) for name, values in table.extra.items() if name not in COLUMNS}
    stream = io.StringIO()
    # A line that starts with `#` would be a comment to the reader.
    hashes = any(str(name).startswith("#") for name in table.event_id)
    quoting = csv.QUOTE_ALL if hashes else csv.QUOTE_MINIMAL
    writer = csv.writer(stream, lineterminator="\n", quoting=quoting)
    writer.writerow(columns)
    for row in range(len(table)):
        writer.writerow([_cell(column[row]) for column in columns.values()])
    write_text(path, stream.getvalue())


def _ray(table: Delimited, row: int) -> Ray:
    number: dict[str, Any] = {name: _number(table, row, name) for name in NUMBERS if name in table.names}
    word: dict[str, Any] = {name: _cell_of(table, row, name) for name in WORDS}
    station = _cell_of(table, row, "station")
    if word["network"] and not station.startswith(word["network"] + "."):
        station = station_name(word["network"], station)
    ray = Ray(_cell_of(table, row, "event_id"), station, time=_time(table, row), **number, **word)
    return check_ray(ray, table.path, table.lines[row])


def _cell_of(table: Delimited, row: int, name: str) -> str:
    return table.rows[row][table.names.index(name)] if name in table.names else ""


def _number(table: Delimited, row: int, name: str) -> float:
    cell = _cell_of(table, row, name)
    if name in _SIGNS:
        sign = motion_sign(cell)
        if not math.isnan(sign):
            return sign
        if not is_missing(cell) and cell[:1].isalpha():
            raise table.error(row, name, f"{cell[:20]!r} is no first motion", RANGES["polarity"][2])
    return parse_number(table, row, name, cell, missing_ok=True)


def _time(table: Delimited, row: int) -> np.datetime64:
    cell = _cell_of(table, row, "time")
    if is_missing(cell):
        return np.datetime64("NaT", "ns")
    try:
        return parse_time(cell)
    except ValueError as error:
        fix = "write UTC as 2016-10-14T00:00:10.51Z, or leave it empty"
        raise table.error(row, "time", str(error), fix) from error


def _check_ratios(table: RadiationTable, path: str | Path) -> None:
    """Refuse ratios in the place of their logarithms, and amplitudes that are all nothing."""
    for name in _RATIOS:
        given = getattr(table, name)[np.isfinite(getattr(table, name))]
        if len(given) and np.median(np.abs(given)) > _LARGE_LOGARITHM:
            raise InputError(
                f"the median size of {plural(len(given), 'value')} is {np.median(np.abs(given)):g}: plain ratios?",
                file=path,
                field=name,
                fix="give logarithms to the base 10: 0 for equal amplitudes, 1 for ten times",
            )
    amplitude = table.p_amplitude[np.isfinite(table.p_amplitude)]
    if len(amplitude) and not np.any(amplitude):
        raise InputError(
            "all amplitudes are zero",
            file=path,
            field="p_amplitude",
            fix="leave cells empty where there is no amplitude",
        )


def _holds_anything(column: np.ndarray) -> bool:
    if column.dtype.kind == "M":
        return bool(np.any(~np.isnat(column)))
    return any(column) if column.dtype.kind == "O" else bool(np.any(np.isfinite(column)))


def _cell(value) -> str:
    if isinstance(value, np.datetime64):
        return format_time(value, digits=9)
    if isinstance(value, float | np.floating):
        return repr(float(value)) if math.isfinite(value) else ""
    return str(value)
