"""Station lists of HASH: of 4-character codes (drivers 2 and 3) and of 5-character codes (driver 4).

4: station in column 1, channel in 6, and the network after the dates. 5: network in column 1, station in 5, channel in 11.
Both: latitude, longitude (signed degrees), elevation in m, and first and last day.

References:
    Hardebeck & Shearer (2002), doi:10.1785/0120010200; manual of HASH v1.2.
"""

import re
from pathlib import Path

import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.tables import StationTable
from diffseis.io.fixed_columns import FixedLine, fixed_lines
from diffseis.io.instruments import check_instrument, instrument_table
from diffseis.io.notices import Notice
from diffseis.io.rays import left_out

# The columns of the place differ between editions of the 5-character list; its numbers are the last ones of the line in all.
_PLACE = re.compile(
    r"\s(-?\d{1,2}\.\d+)\s+(-?\d{1,3}\.\d+)\s+(-?\d{1,5})"
    r"(?:\s+(\d{4}/\d\d/\d\d)\s+(\d{4}/\d\d/\d\d))?(?:\s+([A-Z0-9]{2}))?\s*$",
    re.ASCII,
)
_NOT_A_TIME = np.datetime64("NaT", "ns")


def read_hash_stations(path: str | Path) -> tuple[StationTable, list[Notice]]:
    """One row per channel, as the list has them; see `instrument_table`. Lines that are no stations are left out and counted."""
    rows, refused = [], []
    for line in fixed_lines(path):
        if not line.text.strip():
            continue
        try:
            rows.append(_row(line))
        except InputError as error:
            refused.append(error)
    if not rows:
        raise (
            refused[0]
            if refused
            else InputError("holds no station", file=path, field="format", fix="name another")
        )
    return instrument_table(rows), left_out(refused, path)


def _row(line: FixedLine) -> dict:
    found = _PLACE.search(line.text, 8)
    if found is None:
        raise line.error("has no latitude, longitude and elevation at its end", "station")
    latitude, longitude, elevation_m = (float(found.group(k)) for k in (1, 2, 3))
    check_instrument(latitude, longitude, elevation_m, line.path, line.line)
    network = found.group(6)
    station = line.word(1, 4) if network else line.word(5, 5)
    if not station:
        raise line.error("names no station", "station")
    return {
        "network": network or line.word(1, 2),
        "station": station,
        "channel": line.word(6, 3) if network else line.word(11, 3),
        "latitude": latitude,
        "longitude": longitude,
        "elevation_m": elevation_m,
        "start": _day(found.group(4)),
        "end": _day(found.group(5)),
    }


def _day(text: str | None) -> np.datetime64:
    """NaT for no day, and for one that only says that there is no end."""
    if text is None or not "1850" <= text[:4] <= "2150":
        return _NOT_A_TIME
    try:
        return np.datetime64(text.replace("/", "-"), "ns")
    except ValueError:
        return _NOT_A_TIME
