"""Recorded ground motions of one earthquake with their places, and the places that a map of it shall have."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.tables import StationTable
from diffseis.core.words import plural
from diffseis.io.delimited import Delimited, is_missing, number_column, parse_number, read_delimited
from diffseis.io.notices import Notice

_SPECTRAL = re.compile(r"sa\((\d+\.?\d*|\.\d+)\)")
_PLACE = ("latitude", "longitude")


@dataclass(frozen=True)
class MotionPlaces:
    """Places of sites.

    Attributes:
        path: of the file.
        name: of each, may be empty.
        latitude, longitude: degrees.
        vs30_m_s: NaN where it is not stated.
    """

    path: str
    name: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray
    vs30_m_s: np.ndarray

    def __len__(self) -> int:
        return len(self.latitude)


@dataclass(frozen=True)
class MotionRecords:
    """What stations recorded of one earthquake.

    Attributes:
        places: of the stations.
        observed: by measure, in g, cm/s, m/s or s; NaN where there is none.
    """

    places: MotionPlaces
    observed: dict[str, np.ndarray]


def read_motion_records_csv(
    path: str | Path, stations: StationTable | None = None, component: str = "rotd50"
) -> tuple[MotionRecords, list[Notice]]:
    """Read records: ``latitude,longitude,vs30`` and columns of measures (``PGA``, ``SA(1.0)``), or the table that `write_intensity_csv` writes, whose places are those of `stations`.

    Args:
        path: the file; may be gzip.
        stations: with ``vs30`` among their own columns where it is known.
        component: which rows of a file with several components count.

    Raises:
        InputError: for a file without places or measures, a number that is none, a measure that is not positive.
    """
    table = read_delimited(path, [], [*_PLACE, "station", "vs30"])
    measures = {name: m for name in table.names if (m := _measure(name)) is not None}
    if not measures:
        raise InputError("has no measure", file=path, line=1, fix="add a column such as PGA, PGV or SA(1.0)")
    said: list[Notice] = []
    rows = _rows(table, component, said)
    if all(name in table.names for name in _PLACE):
        places = _places(table, rows)
    elif stations is not None and "station" in table.names:
        places, rows = _places_of(table, rows, stations, said)
    else:
        raise InputError(
            "does not say where the stations are",
            file=path,
            line=1,
            field="latitude",
            fix="add latitude and longitude, or name a file of stations with --stations",
        )
    observed = {m: np.array([_positive(table, r, name) for r in rows]) for name, m in measures.items()}
    return MotionRecords(places, observed), said


def read_motion_places_csv(path: str | Path) -> MotionPlaces:
    """Read ``latitude,longitude`` and, where known, ``vs30`` in m/s, of the places that a map shall have.

    Raises:
        InputError: for places that are not on Earth, and everything else.
    """
    table = read_delimited(path, _PLACE, ["vs30", "station"])
    if len(table) == 0:
        raise InputError("holds no places", file=path, fix="add at least one row")
    return _places(table, list(range(len(table))))


def _measure(name: str) -> str | None:
    """Name of the measure of a column, whose names are in lower case."""
    match = _SPECTRAL.fullmatch(name)
    if match:
        return f"SA({float(match[1]):g})"
    upper = name.upper()
    return upper if upper in ("PGA", "PGV", "IA", "CAV", "RSD575", "RSD595", "RSD2080") else None


def _rows(table: Delimited, component: str, said: list[Notice]) -> list[int]:
    rows = list(range(len(table)))
    if "status" in table.names:
        good = [r for r in rows if _cell(table, r, "status") == "ok"]
        if len(good) < len(rows):
            left = len(rows) - len(good)
            message = f"{plural(left, 'row')} left out, whose status is not ok"
            said.append(Notice("not-ok", message, count=left, file=table.path))
        rows = good
    if "component" in table.names:
        rows = [r for r in rows if _cell(table, r, "component") == component]
        if not rows:
            there = sorted(set(table.column("component")))
            raise InputError(
                f"has no row of {component}",
                file=table.path,
                field="component",
                fix=f"choose another with --component: {', '.join(there)}",
            )
    if not rows:
        raise InputError("holds no records", file=table.path, fix="leave --records out for a map without any")
    return rows


def _places(table: Delimited, rows: list[int]) -> MotionPlaces:
    latitude, longitude = (number_column(table, name) for name in _PLACE)
    for values, name, most in ((latitude, "latitude", 90), (longitude, "longitude", 360)):
        for row in np.flatnonzero((np.abs(values) > most) | ((values < -180) & (name == "longitude"))):
            fix = "were latitude and longitude exchanged?"
            raise table.error(int(row), name, f"{values[row]:g} is no {name}", fix)
    name = table.column("station") if "station" in table.names else [""] * len(table)
    vs30 = [_vs30(table, r) for r in rows] if "vs30" in table.names else [np.nan] * len(rows)
    return MotionPlaces(
        table.path,
        np.array([name[r] for r in rows], object),
        latitude[rows],
        np.where(longitude[rows] > 180, longitude[rows] - 360, longitude[rows]),
        np.array(vs30),
    )


def _vs30(table: Delimited, row: int) -> float:
    value = parse_number(table, row, "vs30", _cell(table, row, "vs30"), missing_ok=True)
    if value < 20:
        raise table.error(row, "vs30", f"{value:g} m/s cannot be", "write m/s; were km/s given?")
    return value


def _positive(table: Delimited, row: int, field: str) -> float:
    value = parse_number(table, row, field, _cell(table, row, field), missing_ok=True)
    if value <= 0:
        raise table.error(row, field, f"{value:g} is no motion", "leave the cell empty for none")
    return value


def _places_of(table: Delimited, rows: list[int], stations: StationTable, said: list[Notice]):
    """Places of a table that names stations, and the rows of those that have one."""
    known = {
        (str(n), str(s)): k for k, (n, s) in enumerate(zip(stations.network, stations.station, strict=True))
    }
    alone: dict[str, list[int]] = {}
    for (_, station), k in known.items():
        alone.setdefault(station, []).append(k)
    network = table.column("network") if "network" in table.names else [""] * len(table)
    found, kept, lost = [], [], []
    for row in rows:
        name = _cell(table, row, "station")
        only = alone.get(name, [])
        place = known.get((network[row], name), only[0] if len(only) == 1 else None)
        if place is None:
            lost.append(name)
        else:
            found.append(place)
            kept.append(row)
    if lost:
        message = (
            f"{plural(len(lost), 'record')} left out, of stations without a place: {', '.join(lost[:5])}"
        )
        said.append(Notice("no-place", message, count=len(lost), file=table.path))
    if not kept:
        raise InputError(
            "names no station that has a place", file=table.path, field="station", fix="see --stations"
        )
    cells = stations.extra.get("vs30", np.full(len(stations.station), "", object))
    vs30 = [_station_vs30(str(cells[k]), str(stations.station[k])) for k in found]
    places = MotionPlaces(
        table.path,
        np.array([_cell(table, r, "station") for r in kept], object),
        np.asarray(stations.latitude)[found],
        np.asarray(stations.longitude)[found],
        np.array(vs30, float),
    )
    return places, kept


def _cell(table: Delimited, row: int, field: str) -> str:
    return table.rows[row][table.names.index(field)]


def _station_vs30(cell: str, name: str) -> float:
    if is_missing(cell):
        return np.nan
    try:
        value = float(cell)
    except ValueError:
        value = 0.0
    if not 20 <= value < 1e4:
        raise InputError(f"{cell!r} of station {name} cannot be", field="vs30", fix="write m/s in --stations")
    return value
