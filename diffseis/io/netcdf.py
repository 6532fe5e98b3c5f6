"""Opening netCDF files that somebody else wrote."""

from pathlib import Path
from typing import Any

from diffseis.core.errors import InputError
from diffseis.io.guards import read_bytes

_ENGINES = {b"\x89HDF": "h5netcdf", b"CDF\x01": "scipy", b"CDF\x02": "scipy"}
"""By the first bytes: netCDF-4, classic, classic with long offsets."""


def load_netcdf(path: str | Path, *, fix: str, decode_times: bool = True) -> Any:
    """A netCDF file in memory as an `xarray.Dataset`.

    Raises:
        InputError: with `fix` where it is no netCDF file; also where it is damaged.
    """
    import xarray as xr

    engine = _ENGINES.get(read_bytes(path)[:4])
    if engine is None:
        raise InputError("is no netCDF file", file=path, field="format", fix=fix)
    try:
        with xr.open_dataset(path, engine=engine, decode_times=decode_times) as dataset:
            return dataset.load()
    except Exception as error:  # HDF5 raises OSError, KeyError, RuntimeError and others for a damaged file.
        raise InputError(
            f"cannot be read as netCDF ({type(error).__name__}: {error})", file=path, fix="write it anew"
        ) from error
