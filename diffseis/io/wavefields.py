"""Computed seismograms and snapshots of wavefields as netCDF, for xarray."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from diffseis.io.atomic import atomic_path


def write_records_netcdf(
    path: str | Path,
    records: Float[np.ndarray, "station component time"],
    *,
    name: str,
    units: str,
    station_ids: Sequence[str],
    station_km: Float[np.ndarray, "station dim"],
    components: Sequence[str],
    times_s: Float[np.ndarray, " time"],
    attributes: Mapping[str, Any] | None = None,
) -> None:
    """Write seismograms on the axes of the medium (down is positive), with the stations' places.

    Args:
        path: the file.
        records: what was recorded.
        name, units: of it.
        station_ids, station_km, components: coordinates.
        times_s: after the reference time, which should be among the attributes.
        attributes: of the file.
    """
    import xarray as xr

    axes = [f"axis {i}" for i in range(station_km.shape[1])]
    data = xr.Dataset(
        {
            name: (("station", "component", "time"), records, {"units": units}),
            "position": (("station", "axis"), station_km, {"units": "km"}),
        },
        {
            "station": np.asarray(station_ids, dtype=object),
            "component": np.asarray(components, dtype=object),
            "axis": np.asarray(axes, dtype=object),
            "time": ("time", times_s, {"units": "s", "long_name": "seconds after the reference time"}),
        },
        dict(attributes or {}),
    )
    _write(path, data)


def write_snapshots_netcdf(
    path: str | Path,
    frames: Float[np.ndarray, "frame component along down"],
    *,
    name: str,
    units: str,
    components: Sequence[str],
    axes: Mapping[str, np.ndarray],
    times_s: Float[np.ndarray, " frame"],
    attributes: Mapping[str, Any] | None = None,
) -> None:
    """Write a wavefield on a plane at several times; `axes` are its two coordinates in km, by name."""
    import xarray as xr

    dims = ("time", "component", *axes)
    coordinates: dict[str, Any] = {n: (n, v, {"units": "km"}) for n, v in axes.items()}
    coordinates |= {
        "component": np.asarray(components, dtype=object),
        "time": ("time", times_s, {"units": "s"}),
    }
    _write(path, xr.Dataset({name: (dims, frames, {"units": units})}, coordinates, dict(attributes or {})))


def _write(path: str | Path, data: Any) -> None:
    packed = {n: {"zlib": True, "complevel": 4} for n in data.data_vars}
    with atomic_path(path) as temporary:
        data.to_netcdf(temporary, engine="h5netcdf", encoding=packed)
