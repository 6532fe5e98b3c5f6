"""Posterior particles as netCDF, for xarray: dimensions ``event`` (coordinate: the ids) and ``particle``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from diffseis.core.errors import InputError
from diffseis.io.atomic import atomic_path
from diffseis.io.netcdf import load_netcdf
from diffseis.io.times import format_time, parse_time
from diffseis.location.catalogue import LocatedCatalogue

_VARIABLES = {
    "latitude": ("degrees_north", "latitude", "WGS84 latitude"),
    "longitude": ("degrees_east", "longitude", "WGS84 longitude"),
    "depth_km": ("km", "depth", "depth below sea level"),
    "origin_time_s": ("s", "", "origin time after reference_time of the event"),
    "log_density": ("1", "", "unnormalised log posterior in north, east, down (km) and origin time (s)"),
}


def write_posterior_netcdf(
    path: str | Path, catalogue: LocatedCatalogue, *, provenance: Mapping[str, Any] | None = None
) -> None:
    """Write all particles; they are equally weighted draws, NaN for events without a posterior.

    Args:
        path: the file.
        catalogue: what was located.
        provenance: further global attributes (command, version, seed); everything but numbers is written
            as text.
    """
    import xarray as xr

    particles = catalogue.particles
    data: dict[str, Any] = {}
    for name, (units, standard_name, long_name) in _VARIABLES.items():
        attributes = {"units": units, "long_name": long_name}
        if standard_name:
            attributes["standard_name"] = standard_name
        if name == "depth_km":
            attributes["positive"] = "down"
        data[name] = (("event", "particle"), np.asarray(getattr(particles, name), np.float64), attributes)
    reference = [format_time(t, digits=9) for t in np.asarray(catalogue.events.reference_time)]
    data["reference_time"] = (
        "event",
        np.array(reference, dtype=object),
        {"long_name": "reference time of the event, UTC, ISO 8601"},
    )
    data["status"] = (
        "event",
        np.array(catalogue.events.status, dtype=object),
        {"long_name": "outcome of the location"},
    )
    attributes = {
        "Conventions": "CF-1.10",
        "title": "Posterior of earthquake hypocentres",
        "comment": "equally weighted draws from the posterior of each event",
        "frame_latitude_deg": catalogue.frame.latitude_deg,
        "frame_longitude_deg": catalogue.frame.longitude_deg,
    }
    for key, value in (provenance or {}).items():
        attributes[str(key)] = (
            value if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
        )
    coordinates = {
        "event": ("event", np.array(catalogue.events.event_id, dtype=object), {"long_name": "event id"})
    }
    dataset = xr.Dataset(data, coords=coordinates, attrs=attributes)
    packing = {"zlib": True, "complevel": 4}
    encoding = {
        name: packing | {"_FillValue": np.nan} for name in _VARIABLES if np.size(getattr(particles, name))
    }
    with atomic_path(path) as temporary:
        dataset.to_netcdf(temporary, engine="h5netcdf", encoding=encoding)


def read_posterior_netcdf(path: str | Path) -> Any:
    """Read ``posterior.nc`` into memory as an `xarray.Dataset`.

    `reference_time` is text there (nanoseconds in CF's integers are not read alike by all tools);
    `reference_times` turns it into ``datetime64[ns]``.
    """
    loaded = load_netcdf(path, fix="name the posterior.nc of a run")
    for name in (*_VARIABLES, "reference_time"):
        if name not in loaded:
            raise InputError(
                f"the variable `{name}` is missing",
                file=path,
                field=name,
                fix="name the posterior.nc of a run",
            )
    return loaded


def reference_times(dataset: Any) -> np.ndarray:
    """The reference time of each event of `read_posterior_netcdf`."""
    return np.array([parse_time(str(text)) for text in dataset["reference_time"].values], "datetime64[ns]")
