"""A plain catalogue of hypocentres as CSV: ``event_id,time,latitude,longitude,depth_km[,magnitude]``."""

from pathlib import Path

import numpy as np

from diffseis.core.tables import EventTable
from diffseis.io.delimited import Delimited, read_delimited
from diffseis.io.times import parse_time

REQUIRED = ("event_id", "time", "latitude", "longitude", "depth_km")
RANGES = {
    "latitude": (-90.0, 90.0),
    "longitude": (-180.0, 360.0),
    "depth_km": (-10.0, 1000.0),
    "magnitude": (-5.0, 11.0),
}


def read_events_csv(path: str | Path) -> EventTable:
    """Read hypocentres to compare with; an empty cell is an unknown number. A ``catalog.csv`` of a run is one, too.

    Raises:
        InputError: with line and column, for numbers that no hypocentre has.
    """
    table = read_delimited(path, REQUIRED, ["magnitude"])
    time = np.empty(len(table), "datetime64[ns]")
    for row, cell in enumerate(table.column("time")):
        try:
            time[row] = parse_time(cell) if cell.strip() else np.datetime64("NaT", "ns")
        except ValueError as error:
            raise table.error(row, "time", str(error), "write UTC as 2016-10-14T00:00:10.51Z") from error
    columns = {name: _numbers(table, name) for name in ("latitude", "longitude", "depth_km")}
    known = "magnitude" in table.names
    magnitude = _numbers(table, "magnitude") if known else np.full(len(table), np.nan)
    return EventTable(
        event_id=np.array([cell.strip() for cell in table.column("event_id")], dtype=object),
        time=time,
        magnitude=magnitude,
        latitude=columns["latitude"],
        longitude=columns["longitude"],
        depth_km=columns["depth_km"],
    )


def _numbers(table: Delimited, name: str) -> np.ndarray:
    low, high = RANGES[name]
    out = np.full(len(table), np.nan)
    for row, cell in enumerate(table.column(name)):
        if not cell.strip():
            continue
        try:
            out[row] = float(cell)
        except ValueError as error:
            raise table.error(
                row, name, f"{cell!r} is no number", "give a number or leave it empty"
            ) from error
        if not low <= out[row] <= high:
            raise table.error(
                row, name, f"{cell} lies outside {low:g} to {high:g}", "check the units and the column"
            )
    return out
