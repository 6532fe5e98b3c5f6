"""Instruments whose polarity is reversed for some time, as HASH and SKHASH list them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.words import plural
from diffseis.io.delimited import Delimited, read_delimited
from diffseis.io.fixed_columns import fixed_lines
from diffseis.io.notices import Notice
from diffseis.io.rays import Ray, left_out, shown
from diffseis.io.times import parse_time

_FIRST = np.datetime64("1700-01-01", "ns")
_LAST = np.datetime64("2250-01-01", "ns")
_DAY = np.timedelta64(1, "D")
_OPEN = ("", "0", "nan", "none")
CODES = ("network", "station", "location", "channel")


@dataclass(frozen=True)
class Reversal:
    """One instrument and the time in which up and down are exchanged.

    Attributes:
        codes: those of `CODES` that have to agree.
        start, end: from, and up to but without.
    """

    codes: dict[str, str]
    start: np.datetime64
    end: np.datetime64

    def concerns(self, ray: Ray) -> bool:
        """Whether the ray was recorded by the instrument at that time; a ray without a time was recorded by it at any time."""
        if any(code_of(ray, name) != code for name, code in self.codes.items()):
            return False
        return bool(np.isnat(ray.time) or self.start <= ray.time < self.end)


def code_of(ray: Ray, name: str) -> str:
    """One of `CODES` of a ray, without the network in the name of the station; no location is an empty one."""
    if name == "station":
        return ray.station.removeprefix(f"{ray.network}.") if ray.network else ray.station
    return plain_location(str(ray.extra.get("location", ""))) if name == "location" else getattr(ray, name)


def plain_location(code: str) -> str:
    """A location code, of which ``--`` means none."""
    return "" if code == "--" else code


def apply_reversals(
    rays: Sequence[Ray], reversals: Sequence[Reversal], path: str | Path
) -> tuple[list[Ray], list[Notice]]:
    """The rays with the polarities of P of reversed instruments exchanged."""
    by_station: dict[str, list[Reversal]] = {}
    for reversal in reversals:
        by_station.setdefault(reversal.codes["station"], []).append(reversal)
    turned, names = [], []
    for ray in rays:
        if any(r.concerns(ray) for r in by_station.get(code_of(ray, "station"), ())):
            names.append(ray.station)
            ray = replace(ray, polarity=-ray.polarity)
        turned.append(ray)
    if not names:
        return turned, []
    message = f"the signs of {plural(len(names), 'first motion')} were exchanged: {shown(names)} reversed"
    return turned, [Notice("reversed", message, count=len(names), file=str(path))]


def read_hash_reversals(path: str | Path) -> tuple[list[Reversal], list[Notice]]:
    """HASH's and FPFIT's list: station, first and last day as yyyymmdd; 0 leaves an end open."""
    reversals, refused = [], []
    for line in fixed_lines(path):
        words = line.text.split()
        if not words:
            continue
        try:
            if len(words) < 3:
                raise ValueError(f"has {len(words)} words where station, first and last day are needed")
            start, end = _day(words[1], _FIRST), _day(words[2], _LAST - _DAY) + _DAY
            reversals.append(Reversal({"station": words[0]}, start, end))
        except ValueError as error:
            fix = "write: station 19940101 19941231"
            refused.append(InputError(str(error), file=path, line=line.line, field="reversal", fix=fix))
    return reversals, left_out(refused, path)


def _day(word: str, when_open: np.datetime64) -> np.datetime64:
    if word.strip("0") == "":
        return when_open
    if len(word) != 8 or not word.isdecimal():
        raise ValueError(f"{word[:20]!r} is no day as yyyymmdd")
    if word > "2249":
        return when_open
    try:
        return np.datetime64(f"{word[:4]}-{word[4:6]}-{word[6:]}", "ns")
    except ValueError:
        raise ValueError(f"{word[:20]!r} is no day of the calendar") from None


def read_skhash_reversals(path: str | Path) -> tuple[list[Reversal], list[Notice]]:
    """SKHASH's list: CSV with ``station``, others of `CODES`, ``start_time`` and ``end_time``; 0 or nothing leaves an end open."""
    table = read_delimited(path, ("station", "start_time", "end_time"), CODES)
    reversals, refused = [], []
    for row in range(len(table)):
        try:
            ends = [_time(table, row, *end) for end in (("start_time", _FIRST), ("end_time", _LAST))]
        except InputError as error:
            refused.append(error)
            continue
        cells = dict(zip(table.names, table.rows[row], strict=True))
        codes = {name: cells[name] for name in CODES if name in cells}
        if "location" in codes:
            codes["location"] = plain_location(codes["location"])
        reversals.append(Reversal(codes, *ends))
    return reversals, left_out(refused, path)


def _time(table: Delimited, row: int, name: str, when_open: np.datetime64) -> np.datetime64:
    cell = table.rows[row][table.names.index(name)]
    if cell.lower() in _OPEN or (cell[:4].isdecimal() and not "1850" <= cell[:4] <= "2150"):
        return when_open
    try:
        return parse_time(cell if len(cell) > 10 else f"{cell}T00:00:00")
    except ValueError as error:
        raise table.error(row, name, str(error), "write UTC as 1994-01-01 or 1994-01-01T00:00:00") from error
