"""Stations as CSV: ``network,station,latitude,longitude,elevation_m`` and, where a station moved,
``start,end``.
"""

from pathlib import Path

import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.tables import PickTable, StationTable
from diffseis.core.words import plural
from diffseis.io.delimited import Delimited, code_column, is_missing, number_column, read_delimited
from diffseis.io.guards import read_text
from diffseis.io.notices import Notice
from diffseis.io.times import parse_time

REQUIRED = ("network", "station", "latitude", "longitude", "elevation_m")
EPOCH = ("start", "end")

MAX_ELEVATION_M = 9000.0
_KM_SUSPECT_M = 10.0
_SIGN_SUSPECT_M = -100.0
_DEPTHS = {
    "depth_km": ("elevation_m", "give elevations above sea level: multiply the depths by -1000, and call the column `elevation_m`"),
    "depth_m": ("elevation_m", "give elevations above sea level: change the sign of the depths, and call the column `elevation_m`"),
}  # fmt: skip
_OPEN_ENDS = np.array(["1700-01-01", "2250-01-01"], "datetime64[ns]")


def read_stations_csv(path: str | Path) -> tuple[StationTable, list[Notice]]:
    """Read stations; order and case of the columns are free, unknown columns are kept as strings in `extra`.

    Rows that say the same twice are merged. One id with two places is refused, unless ``start`` and
    ``end`` (ISO times, empty for open) make them epochs that do not overlap; `resolve_epochs` then picks
    the one that holds for the data.

    Returns:
        The table and what was merged or looks odd.

    Raises:
        InputError: for a place that is none on Earth, elevations that are not metres, and everything else.
    """
    table = read_delimited(path, REQUIRED, EPOCH, instead=_DEPTHS)
    notices = []
    if len(table) == 0:
        notices.append(Notice("empty", "the file has a header but no stations", count=0, file=str(path)))
    latitude = number_column(table, "latitude")
    longitude = number_column(table, "longitude")
    _check_places(table, latitude, longitude)
    elevation_m, more = _elevations(table)
    for name in _DEPTHS:
        if name in table.names:
            message = f"the column `{name}` is not used: `elevation_m` has to be that of the sensor"
            notices.append(Notice("unused-depth", message, count=len(table), file=str(path)))
    extra = table.extra(REQUIRED)
    for name in EPOCH:
        if name in table.names:
            extra[name] = _epoch_column(table, name)
    stations = StationTable(
        network=code_column(table, "network", empty_ok=True),
        station=code_column(table, "station"),
        latitude=latitude,
        longitude=np.where(longitude > 180.0, longitude - 360.0, longitude),
        elevation_m=elevation_m,
        extra=extra,
    )
    merged, even_more = merge_duplicates(stations, file=str(path), lines=table.lines)
    return merged, notices + more + even_more


def _check_places(table: Delimited, latitude: np.ndarray, longitude: np.ndarray) -> None:
    for i in np.flatnonzero(np.abs(latitude) > 90.0):
        swapped = abs(latitude[i]) <= 180.0 and abs(longitude[i]) <= 90.0
        fix = (
            "latitude and longitude look swapped: exchange the columns"
            if swapped
            else "give degrees from -90 to 90"
        )
        raise table.error(int(i), "latitude", f"{latitude[i]:g} is no latitude", fix)
    for i in np.flatnonzero((longitude < -180.0) | (longitude > 360.0)):
        raise table.error(
            int(i), "longitude", f"{longitude[i]:g} is no longitude", "give degrees from -180 to 180"
        )


def _elevations(table: Delimited) -> tuple[np.ndarray, list[Notice]]:
    values = number_column(table, "elevation_m")
    for i in np.flatnonzero(np.abs(values) > MAX_ELEVATION_M):
        raise table.error(
            int(i),
            "elevation_m",
            f"{values[i]:g} m is higher than any mountain"
            if values[i] > 0
            else f"{values[i]:g} m is below any sea floor",
            "give metres above sea level (were they centimetres or feet?)",
        )
    fractional = np.any(values != np.round(values))
    if len(values) >= 3 and np.all(np.abs(values) < _KM_SUSPECT_M) and fractional and np.ptp(values) > 0:
        message = f"all elevations lie within {np.max(np.abs(values)):g} m of sea level: were km given for m?"
        return values, [Notice("suspicious-units", message, count=len(values), file=table.path)]
    return values, suspicious_sign(values, table.path)


def suspicious_sign(elevation_m: np.ndarray, file: str) -> list[Notice]:
    """A notice if a whole network lies under the sea."""
    if not len(elevation_m) or np.max(elevation_m) > 0 or np.median(elevation_m) > _SIGN_SUSPECT_M:
        return []
    message = (
        f"all elevations are negative, down to {np.min(elevation_m):g} m: are these ocean-bottom stations, or is the sign "
        "wrong (depths given for elevations)?"
    )
    return [Notice("suspicious-sign", message, count=len(elevation_m), file=file)]


def _epoch_column(table: Delimited, name: str) -> np.ndarray:
    times = np.full(len(table), np.datetime64("NaT"), "datetime64[ns]")
    for i, cell in enumerate(table.column(name)):
        if is_missing(cell):
            continue
        try:
            times[i] = parse_time(cell)
        except ValueError as error:
            raise table.error(
                i, name, str(error), "write UTC as 2016-10-14T00:00:00Z, or leave it empty"
            ) from error
    return times


def merge_duplicates(
    stations: StationTable, *, file: str, lines: list[int] | None = None
) -> tuple[StationTable, list[Notice]]:
    """One row per id and epoch. Rows of one id that contradict each other are refused, naming both lines."""
    lines = list(range(1, len(stations) + 1)) if lines is None else lines
    start, end = epochs(stations)
    rows_of: dict[str, list[int]] = {}
    twin = np.arange(len(stations))
    for row, name in enumerate(stations.ids):
        for other in rows_of.get(name, []):
            if _same_place(stations, row, other):
                twin[row] = min(int(twin[row]), other)
            elif start[row] < end[other] and start[other] < end[row]:
                raise InputError(
                    f"station {name} is at another place than on line {lines[other]} "
                    f"({stations.latitude[row]:g}, {stations.longitude[row]:g})",
                    file=file,
                    line=lines[row],
                    field="station",
                    fix="remove one of them, or add the columns start,end if the station moved",
                )
        rows_of.setdefault(name, []).append(row)
    keep = np.flatnonzero(twin == np.arange(len(stations)))
    dropped = len(stations) - len(keep)
    if not dropped:
        return stations, []
    message = f"{plural(dropped, 'repeated station row')} merged"
    notice = Notice("merged-stations", message, count=dropped, file=file)
    merged = stations.take(keep)
    for name, combine, column in (("start", min, start), ("end", max, end)):
        if name in merged.extra:
            ends = [combine(column[twin == row]) for row in keep]
            united = np.array(ends, "datetime64[ns]")
            merged.extra[name] = np.where(np.isin(united, _OPEN_ENDS), np.datetime64("NaT"), united)
    return merged, [notice]


def epochs(stations: StationTable) -> tuple[np.ndarray, np.ndarray]:
    """Start and end of each row's validity; open ends are the first and last time there is."""
    ends = []
    for name, default in zip(EPOCH, _OPEN_ENDS, strict=True):
        column = stations.extra.get(name)
        times = np.full(len(stations), np.datetime64("NaT"), "datetime64[ns]") if column is None else column
        ends.append(np.where(np.isnat(times), default, times))
    return ends[0], ends[1]


def resolve_epochs(stations: StationTable, picks: PickTable) -> tuple[StationTable, list[Notice]]:
    """One row per station id: of a station that moved, the epoch that the picks fall into.

    Raises:
        InputError: if the picks of one station fall into several epochs with different places.
    """
    ids = stations.ids
    if len(set(ids)) == len(ids):
        return stations, []
    start, end = epochs(stations)
    pick_ids = picks.station_ids
    keep = []
    chosen = 0
    for name in dict.fromkeys(ids):
        rows = np.flatnonzero(ids == name)
        times = picks.time[pick_ids == name]
        used = [int(r) for r in rows if np.any((times >= start[r]) & (times < end[r]))]
        if len(used) > 1 and not all(_same_place(stations, used[0], r) for r in used[1:]):
            raise InputError(
                f"station {name} moved while the picks were made ({len(used)} epochs have picks)",
                field="station",
                fix="locate the time before and after the move separately",
            )
        keep.append(used[0] if used else int(rows[-1]))
        chosen += len(rows) > 1
    message = f"{plural(chosen, 'station')} with several epochs: the one that holds for the picks was taken"
    return stations.take(np.array(keep)), [Notice("station-epochs", message, count=chosen)]


def _same_place(stations: StationTable, a: int, b: int) -> bool:
    """Within about a metre: below what codes and rounding of coordinates do."""
    close = (
        np.hypot(stations.latitude[a] - stations.latitude[b], stations.longitude[a] - stations.longitude[b])
        < 1e-5
    )
    return bool(close and abs(stations.elevation_m[a] - stations.elevation_m[b]) < 1.0)


def is_on_section(path: str | Path) -> bool:
    """Whether a file is a table of stations with places along a section instead of degrees."""
    if Path(path).suffix.lower() in (".xml", ".stationxml"):
        return False
    head = next(
        (line for line in read_text(path).splitlines() if line.strip() and line.lstrip()[0] != "#"), ""
    )
    names = {cell.strip().strip('"').lower() for cell in head.split(",")}
    return "x_km" in names and "latitude" not in names


def read_section_stations_csv(path: str | Path) -> dict[str, np.ndarray]:
    """Read ``network`` (optional), ``station,x_km,z_km``: places along a section and down, by ``network.station``.

    Raises:
        InputError: also for names that appear twice.
    """
    table = read_delimited(path, ("station", "x_km", "z_km"), ("network",))
    networks = code_column(table, "network", empty_ok=True) if "network" in table.names else [""] * len(table)
    places = np.stack([number_column(table, n) for n in ("x_km", "z_km")], axis=-1)
    found: dict[str, np.ndarray] = {}
    for row, (network, station) in enumerate(zip(networks, code_column(table, "station"), strict=True)):
        name = f"{network}.{station}" if network else str(station)
        if name in found:
            raise table.error(row, "station", f"{name!r} is given twice", "give each station one row")
        found[name] = places[row]
    return found
