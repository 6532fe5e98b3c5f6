"""Media of ``diffseis wave`` out of its settings."""

import math
from typing import Any

import jax.numpy as jnp
import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.grids import RegularGrid
from diffseis.io import read_media_arrays, read_velocity_csv
from diffseis.wave import (
    Acoustic,
    AcousticMedium,
    AcousticVTI,
    Elastic,
    ElasticMedium,
    Fluid,
    FluidMedium,
    Viscoelastic,
    ViscoelasticMedium,
    VTIMedium,
)
from diffseis.workflows.wave_config import MediumTable, WaveConfig

MOST_NODES = 500_000_000
"""Of a grid that is made of a table of layers."""


def make_medium(config: WaveConfig) -> tuple[Any, Any]:
    """The equation and its medium."""
    values, grid = _values(config.medium)
    dtype = np.float64 if config.double_precision else np.float32
    need = lambda name: _need(config, values, name)
    arrays = lambda *names: tuple(jnp.asarray(need(n), dtype) for n in names)
    if config.equation == "acoustic":
        return Acoustic(config.order), AcousticMedium(grid, *arrays("vp"))
    if config.equation == "fluid":
        return Fluid(config.order), FluidMedium(grid, *arrays("vp", "rho"))
    if config.equation == "vti":
        return AcousticVTI(config.order), VTIMedium(grid, *arrays("vp", "epsilon", "delta"))
    elastic = ElasticMedium(grid, *arrays("vp", "vs", "rho"))
    if config.equation == "elastic":
        return Elastic(config.order), elastic
    band = config.band_hz or (config.frequency_hz / 5.5, config.frequency_hz * 5.5)
    qualities = (jnp.asarray(q, dtype) for q in _qualities(config, values))
    return Viscoelastic(band_hz=band, order=config.order), ViscoelasticMedium(elastic, *qualities)


def _values(table: MediumTable) -> tuple[dict[str, np.ndarray], RegularGrid]:
    if table.file.suffix.lower() == ".csv":
        return _layers(table)
    values, own = read_media_arrays(table.file)
    for name, least in (("vp", "above 0"), ("rho", "above 0"), ("vs", "0 or more")):
        if name in values and not (np.all(values[name] > 0) or (name == "vs" and np.all(values[name] >= 0))):
            raise InputError(
                f"reaches down to {np.min(values[name]):g}",
                file=table.file,
                field=name,
                fix=f"give values {least}",
            )
    num = values["vp"].ndim
    if own is None:
        if table.spacing_km is None:
            raise InputError(
                "is missing", field="medium.spacing_km", fix="give the distance between nodes in km"
            )
        origin = _vector(table.origin_km or (0.0,) * num, num, "medium.origin_km")
        own = (origin, np.broadcast_to(_vector(table.spacing_km, num, "medium.spacing_km"), (num,)))
    return values, RegularGrid(*own, values["vp"].shape)


def _layers(table: MediumTable) -> tuple[dict[str, np.ndarray], RegularGrid]:
    try:
        model = read_velocity_csv(table.file, table.kind, vp_vs=table.vp_vs)
    except InputError as error:
        # There are options in the place of settings for the commands that have no file of them.
        fix = (error.fix or "").replace("--vp-vs 1.73", "medium.vp_vs = 1.73")
        raise InputError(error.why, file=error.file, line=error.line, field=error.field, fix=fix) from error
    if table.end_km is None or table.spacing_km is None:
        raise InputError(
            "are missing",
            field="medium.end_km, medium.spacing_km",
            fix="say how far the grid reaches, and its spacing",
        )
    num = len(table.end_km)
    if num not in (2, 3):
        raise InputError(f"has {num} numbers", field="medium.end_km", fix="give two or three")
    origin = _vector(table.origin_km or (0.0,) * num, num, "medium.origin_km")
    spacing = np.broadcast_to(_vector(table.spacing_km, num, "medium.spacing_km"), (num,))
    count = np.round((np.asarray(table.end_km) - origin) / spacing).astype(int) + 1
    if math.prod(int(n) for n in count) > MOST_NODES:
        raise InputError(
            f"{table.spacing_km} makes a grid of {' x '.join(map(str, count))} nodes",
            field="medium.spacing_km",
            fix=f"give a larger one: {MOST_NODES:.0e} nodes are the most",
        )
    if np.any(count < 4):
        raise InputError(
            f"a grid from {origin} to {np.asarray(table.end_km)} km has {count} nodes",
            field="medium.end_km",
            fix="give a smaller medium.spacing_km, or coordinates farther beyond origin_km",
        )
    depth = origin[-1] + spacing[-1] * np.arange(count[-1])
    if table.kind == "linear":
        at = lambda v: np.interp(depth, model.depth_km, v)
    else:
        # A node on an interface has the mean of both sides: waves then see it where it is.
        rows = [
            np.maximum(np.searchsorted(model.depth_km, depth, side=side) - 1, 0) for side in ("left", "right")
        ]
        at = lambda v: (v[rows[0]] + v[rows[1]]) / 2
    column = lambda v: np.broadcast_to(at(v), tuple(count))
    return {"vp": column(model.vp_km_s), "vs": column(model.vs_km_s)}, RegularGrid(
        origin, spacing, tuple(count)
    )


def _vector(value, num: int, field: str) -> np.ndarray:
    found = np.atleast_1d(np.asarray(value, float))
    if found.shape not in ((1,), (num,)):
        raise InputError(f"needs {num} numbers, got {len(found)}", field=field, fix="give one for each axis")
    return found


def _need(config: WaveConfig, values: dict[str, np.ndarray], name: str) -> np.ndarray:
    if name in values:
        return values[name]
    vp, table = values["vp"], config.medium
    if name == "vs" and table.vp_vs is not None:
        return vp / table.vp_vs
    if name == "rho":
        # Gardner, Gardner & Gregory (1974), doi:10.1190/1.1440465.
        return np.full(vp.shape, table.density_g_cm3) if table.density_g_cm3 else 1.741 * vp**0.25
    fix = "add it, or give medium.vp_vs" if name == "vs" else "add it, or choose another equation"
    raise InputError(
        f"holds no {name}, which the {config.equation} equation needs", file=table.file, field=name, fix=fix
    )


def _qualities(config: WaveConfig, values: dict[str, np.ndarray]):
    given = config.medium.quality
    for name, other in (("qp", 0), ("qs", 1)):
        found = values.get(name, values.get("q"))
        if found is None and given is None:
            raise InputError(
                "holds no q, which the viscoelastic equation needs",
                file=config.medium.file,
                field=name,
                fix="add it, or give medium.quality",
            )
        yield np.full(values["vp"].shape, given[other]) if found is None and given else np.asarray(found)
