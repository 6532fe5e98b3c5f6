"""Stations from StationXML, with epochs and borehole depths."""

from pathlib import Path
from typing import Any

import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.tables import StationTable
from diffseis.io.notices import Notice
from diffseis.io.obspy_guard import read_inventory_file
from diffseis.io.stations_csv import MAX_ELEVATION_M, merge_duplicates, suspicious_sign

_SENSOR_DEPTH_TOLERANCE_M = 5.0
_SEISMOMETERS = "HLNGEP"


def read_stationxml(path: str | Path) -> tuple[StationTable, list[Notice]]:
    """Read stations of a StationXML file; one row per station, or per epoch where it moved.

    The elevation is the sensor's: that of the station less the depth of its seismometers where they agree
    on one; where they do not (surface and borehole under one code) it is the surface's, with a notice.
    """
    inventory, notices = read_inventory_file(path, "STATIONXML")
    rows = [(network, station) for network in inventory for station in network]
    if not rows:
        raise InputError(
            "holds no station",
            file=path,
            field="Station",
            fix="ask the data centre for level=station or channel",
        )
    depths = []
    for network, station in rows:
        depth_m, odd = _sensor_depth_m(station)
        if odd:
            message = f"{network.code}.{station.code} has sensors at several depths; it is put at the surface"
            notices.append(Notice("sensor-depth", message, file=str(path)))
        depths.append(depth_m)
        _check(network, station, depth_m, path)
    table = StationTable(
        network=np.array([n.code for n, _ in rows], dtype=object),
        station=np.array([s.code for _, s in rows], dtype=object),
        latitude=np.array([float(s.latitude) for _, s in rows]),
        longitude=np.array([float(s.longitude) for _, s in rows]),
        elevation_m=np.array([float(s.elevation) - d for (_, s), d in zip(rows, depths, strict=True)]),
        extra={
            "start": np.array([_when(s.start_date) for _, s in rows], "datetime64[ns]"),
            "end": np.array([_when(s.end_date) for _, s in rows], "datetime64[ns]"),
        },
    )
    notices += suspicious_sign(table.elevation_m, str(path))
    merged, more = merge_duplicates(table, file=str(path))
    return merged, notices + more


def _sensor_depth_m(station: Any) -> tuple[float, bool]:
    """Depth of the seismometers below the ground, and whether they disagree."""
    depths = [
        float(channel.depth)
        for channel in station.channels
        if channel.depth is not None and len(channel.code) == 3 and channel.code[1] in _SEISMOMETERS
    ]
    if not depths:
        return 0.0, False
    if max(depths) - min(depths) > _SENSOR_DEPTH_TOLERANCE_M:
        return 0.0, True
    return float(np.median(depths)), False


def _check(network: Any, station: Any, depth_m: float, path: str | Path) -> None:
    name = f"{network.code}.{station.code}"
    limits = {
        "Latitude": (station.latitude, 90.0),
        "Longitude": (station.longitude, 180.0),
        "Elevation": (station.elevation, MAX_ELEVATION_M),
        "Depth": (depth_m, MAX_ELEVATION_M),
    }
    if not station.code:
        raise InputError("a station has no code", file=path, field="Station", fix="give it one")
    for field, (value, largest) in limits.items():
        if value is None or not np.isfinite(float(value)) or abs(float(value)) > largest:
            raise InputError(
                f"{value} is none for station {name}", file=path, field=field, fix="correct the element"
            )


def _when(time: Any) -> np.datetime64:
    """Of ObsPy's UTCDateTime; times out of the range of nanoseconds (2599-12-31, the open end) are open."""
    if time is None or not 1700 < time.year < 2250:
        return np.datetime64("NaT", "ns")
    return np.datetime64(int(time.ns), "ns")
