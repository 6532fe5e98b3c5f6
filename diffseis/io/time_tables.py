"""Travel-time tables of a station as netCDF, bound to the medium they were solved for."""

from pathlib import Path
from typing import Any

import numpy as np

from diffseis.io.atomic import atomic_path

KIND = "travel-time table"


def write_time_table(
    path: str | Path,
    tau_s_km: dict[str, np.ndarray],
    axes_km: tuple[np.ndarray, np.ndarray, np.ndarray],
    *,
    fingerprint: str,
    station_ned_km: np.ndarray,
    attributes: dict[str, Any],
) -> None:
    """Write one station's mean slownesses ``tau = T / distance`` by phase.

    Args:
        path: the file, ``.nc``.
        tau_s_km: at the nodes, ``"north east down"``.
        axes_km: coordinates of the nodes in the local frame.
        fingerprint: of medium, grid, station and solver.
        station_ned_km: the station in the local frame.
        attributes: numbers and texts to keep with it (station, latitude and longitude of the frame).
    """
    import xarray as xr

    names = ("north", "east", "down")
    coordinates = {
        n: (n, np.asarray(a, np.float64), {"units": "km"}) for n, a in zip(names, axes_km, strict=True)
    }
    data = {
        f"tau_{phase}": (
            names,
            np.asarray(tau, np.float32),
            {"units": "s/km", "long_name": f"{phase} time from the station over distance to it"},
        )
        for phase, tau in tau_s_km.items()
    }
    about = {"Conventions": "CF-1.10", "title": KIND, "fingerprint": fingerprint, **attributes}
    about |= {"station_ned_km": np.asarray(station_ned_km, np.float64)}
    encoding = {name: {"zlib": True, "complevel": 1, "shuffle": True} for name in data}
    with atomic_path(path) as temporary:
        xr.Dataset(data, coordinates, about).to_netcdf(temporary, engine="h5netcdf", encoding=encoding)


def read_time_table(path: str | Path, fingerprint: str) -> dict[str, np.ndarray] | None:
    """tau by phase; None where there is no sound table with this fingerprint."""
    import xarray as xr

    if not Path(path).is_file():
        return None
    try:
        with xr.open_dataset(path, engine="h5netcdf") as opened:
            if opened.attrs.get("fingerprint") != fingerprint:
                return None
            found = {str(name)[4:]: np.asarray(v.values) for name, v in opened.data_vars.items()}
    except Exception:  # A damaged file is solved anew; the HDF5 stack raises errors of many types.
        return None
    return found if all(np.all(np.isfinite(v)) for v in found.values()) else None
