"""Sources and receivers as CSV, and the travel times between them."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.tables import PointTable
from diffseis.io.atomic import write_text
from diffseis.io.delimited import Delimited, code_column, number_column, read_delimited

LOCAL = ("x_km", "y_km", "z_km")
GEOGRAPHIC = ("latitude", "longitude", "depth_km")

_LIMITS = {
    "latitude": (-90.0, 90.0, "were latitude and longitude exchanged?"),
    "longitude": (-180.0, 360.0, "were latitude and longitude exchanged?"),
    "depth_km": (-12.0, 1000.0, "were metres given? divide by 1000"),
    "x_km": (-2e4, 2e4, "were metres given? divide by 1000"),
    "y_km": (-2e4, 2e4, "were metres given? divide by 1000"),
    "z_km": (-12.0, 1000.0, "were metres given? divide by 1000"),
}


def read_points_csv(path: str | Path) -> PointTable:
    """Read ``id,x_km,y_km,z_km`` (x east, y north, z down from sea level) or ``id,latitude,longitude,depth_km``.

    Raises:
        InputError: also for names that appear twice, and places that are not on Earth.
    """
    geographic = _is_geographic(path)
    names = GEOGRAPHIC if geographic else LOCAL
    table = read_delimited(path, ["id", *names])
    if len(table) == 0:
        raise InputError("holds no points", file=path, fix="add at least one row")
    ids = code_column(table, "id")
    first: dict[str, int] = {}
    for row, name in enumerate(ids):
        if name in first:
            raise table.error(
                row, "id", f"{name!r} also stands in line {table.lines[first[name]]}", "give each its own"
            )
        first[name] = row
    columns = [_limited(table, name) for name in names]
    return PointTable(ids, np.stack(columns, axis=-1), geographic)


def write_travel_times_csv(path: str | Path, rows: Iterable[tuple[str, str, str, float]]) -> None:
    """Write ``source_id,receiver_id,phase,time_s``; the time is empty where there is none."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["source_id", "receiver_id", "phase", "time_s"])
    for source, receiver, phase, time_s in rows:
        writer.writerow([source, receiver, phase, f"{time_s:.7f}" if np.isfinite(time_s) else ""])
    write_text(path, stream.getvalue())


def _is_geographic(path) -> bool:
    names = read_delimited(path, ["id"]).names
    local, geographic = (any(n in names for n in words) for words in (LOCAL, GEOGRAPHIC[:2]))
    if local and geographic:
        raise InputError(
            "has local and geographic columns",
            file=path,
            field="x_km" if "x_km" in names else "y_km",
            fix=f"keep {','.join(LOCAL)} or {','.join(GEOGRAPHIC)}",
        )
    if not local and not geographic:
        raise InputError(
            "has no coordinates",
            file=path,
            field="x_km",
            fix=f"the header must hold id,{','.join(LOCAL)} or id,{','.join(GEOGRAPHIC)}",
        )
    return geographic


def _limited(table: Delimited, name: str) -> np.ndarray:
    values = number_column(table, name)
    low, high, fix = _LIMITS[name]
    for row in np.flatnonzero((values < low) | (values > high)):
        raise table.error(int(row), name, f"{values[row]:g} is out of range", fix)
    return values
