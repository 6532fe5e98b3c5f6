"""Draws of mechanisms as netCDF, for xarray: dimensions ``event`` (coordinate: the ids), ``draw`` and ``component``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from diffseis.core.errors import InputError
from diffseis.io.atomic import atomic_path
from diffseis.io.netcdf import load_netcdf
from diffseis.mechanism import MechanismCatalogue

COMPONENTS = ("nn", "ee", "dd", "sqrt2_ne", "sqrt2_nd", "sqrt2_ed")
"""Of a six-vector: inner products of such vectors are those of tensors."""


def write_mechanism_posterior(
    path: str | Path, catalogue: MechanismCatalogue, *, provenance: Mapping[str, Any] | None = None
) -> None:
    """Write all draws: equally weighted, of unit scalar moment; NaN for events without a mechanism.

    Args:
        path: the file.
        catalogue: of mechanisms.
        provenance: further global attributes (command, seed); everything but numbers is written as text.
    """
    import xarray as xr

    table = catalogue.mechanisms
    words = lambda column, about: ("event", np.array(column, dtype=object), {"long_name": about})
    draws = np.asarray(catalogue.draws, np.float32)
    about = {
        "units": "1",
        "long_name": "moment tensors of unit scalar moment (Frobenius norm: root of 2) in north, east, down",
    }
    data = {
        "six_vector": (("event", "draw", "component"), draws, about),
        "status": words(table.status, "outcome of the inversion"),
        "log_evidence": (
            "event",
            np.asarray(table.log_evidence, np.float64),
            {"units": "1", "long_name": "log evidence of the data, whatever the source"},
        ),
    }
    attributes: dict[str, Any] = {
        "Conventions": "CF-1.10",
        "title": "Posterior of earthquake mechanisms",
        "comment": "equally weighted draws from the posterior of each event",
        "source_kind": catalogue.source,
        "method": catalogue.method,
    }
    for key, value in (provenance or {}).items():
        plain = isinstance(value, int | float) and not isinstance(value, bool)
        attributes[str(key)] = value if plain else str(value)
    coordinates = {
        "event": words(table.event_id, "event id"),
        "component": ("component", np.array(COMPONENTS, dtype=object), {"long_name": "of the six-vector"}),
    }
    dataset = xr.Dataset(data, coords=coordinates, attrs=attributes)
    packing = {"six_vector": {"zlib": True, "complevel": 4, "_FillValue": np.float32(np.nan)}}
    with atomic_path(path) as temporary:
        dataset.to_netcdf(temporary, engine="h5netcdf", encoding=packing if draws.size else {})


def read_mechanism_posterior(path: str | Path) -> Any:
    """Read ``posterior.nc`` of mechanisms into memory as an `xarray.Dataset`."""
    fix = "name the posterior.nc of a run of `diffseis mechanism`"
    loaded = load_netcdf(path, fix=fix)
    if "six_vector" not in loaded:
        raise InputError("the variable `six_vector` is missing", file=path, field="six_vector", fix=fix)
    return loaded
