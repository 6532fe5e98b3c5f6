"""Media as arrays: NumPy files, or netCDF with coordinates."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from diffseis.core.errors import InputError
from diffseis.io.guards import read_bytes
from diffseis.io.netcdf import load_netcdf

NAMES = ("vp", "vs", "rho", "epsilon", "delta", "q", "qp", "qs")
"""Speeds in km/s, density in g/cm3, Thomsen's parameters, quality factors (q of P and S alike)."""
_LARGEST = {"vp": 20.0, "vs": 12.0, "rho": 15.0}
_AXES = (("north_km", "east_km", "depth_km"), ("x_km", "depth_km"))


def read_media_arrays(
    path: str | Path,
) -> tuple[dict[str, np.ndarray], tuple[np.ndarray, np.ndarray] | None]:
    """Arrays by name (`NAMES`), and origin and spacing of their grid where the file has them (netCDF).

    A ``.npy`` file holds ``vp`` alone, a ``.npz`` file any of the names; axes are north, east, down or along, down. In netCDF the variables have the
    dimensions ``north_km``, ``east_km``, ``depth_km`` or ``x_km``, ``depth_km``, whose coordinates are evenly spaced.

    Raises:
        InputError: for other names, shapes that differ, values that no rock has, and damaged files.
    """
    suffix = Path(path).suffix.lower()
    grid = None
    if suffix in (".nc", ".nc4", ".cdf"):
        values, grid = _netcdf(path)
    elif suffix in (".npy", ".npz"):
        values = _numpy(path)
    else:
        raise InputError(
            f"has the ending {suffix!r}", file=path, field="medium.file", fix="give .npy, .npz, .nc or .csv"
        )
    unknown = sorted(set(values) - set(NAMES))
    if unknown or "vp" not in values:
        why = f"holds {', '.join(unknown)}" if unknown else "holds no vp"
        raise InputError(why, file=path, field="names", fix=f"arrays are called {', '.join(NAMES)}")
    shape = values["vp"].shape
    for name, array in values.items():
        if array.shape != shape or array.ndim not in (2, 3):
            raise InputError(
                f"has shape {array.shape}, vp {shape}: arrays of two or three axes, all alike, are needed",
                file=path,
                field=name,
                fix="interpolate all on one grid",
            )
        if not np.all(np.isfinite(array)):
            raise InputError("has places without a number", file=path, field=name, fix="fill them")
        if name in _LARGEST and np.max(array) > _LARGEST[name]:
            raise InputError(
                f"reaches {np.max(array):g}: no rock does",
                file=path,
                field=name,
                fix="give km/s and g/cm3 (divide by 1000)",
            )
    return values, grid


def _numpy(path: str | Path) -> dict[str, np.ndarray]:
    try:
        found: Any = np.load(io.BytesIO(read_bytes(path)), allow_pickle=False)
        arrays = {"vp": found} if isinstance(found, np.ndarray) else {k: found[k] for k in found.files}
        return {name: np.asarray(a, np.float64) for name, a in arrays.items()}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, KeyError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"cannot be read as NumPy arrays ({error})",
            file=path,
            field="format",
            fix="write it with numpy.savez",
        ) from error


def _netcdf(path: str | Path):
    dataset = load_netcdf(path, fix="write it with xarray.Dataset.to_netcdf")
    axes = next((a for a in _AXES if set(a) == set(dataset.sizes)), None)
    if axes is None:
        raise InputError(
            f"has the dimensions {', '.join(map(str, dataset.sizes))}",
            file=path,
            field="dimensions",
            fix="call them north_km, east_km, depth_km, or x_km, depth_km",
        )
    origin, spacing = [], []
    for name in axes:
        at = np.asarray(dataset[name].values, np.float64)
        steps = np.diff(at)
        if len(at) < 2 or not np.all(steps > 0) or np.ptp(steps) > 1e-4 * steps.mean():
            raise InputError(
                "is not evenly spaced and rising", file=path, field=name, fix="interpolate on an even grid"
            )
        origin.append(at[0])
        spacing.append(steps.mean())
    values = {str(n): np.asarray(v.transpose(*axes).values, np.float64) for n, v in dataset.data_vars.items()}
    return values, (np.asarray(origin), np.asarray(spacing))
