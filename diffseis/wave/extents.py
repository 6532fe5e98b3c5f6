"""Where networks of waves hold: in the medium that they were trained in, and as long as they were marched."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffseis.core.concrete import is_concrete
from diffseis.core.grids import RegularGrid

Box = Float[Array, "2 dim"]


def box_of(grid: RegularGrid) -> Box:
    """Its lowest and its highest corner."""
    low = np.asarray(grid.origin_km, float)
    return jnp.asarray(np.stack([low, low + np.asarray(grid.spacing_km) * (np.asarray(grid.shape) - 1)]))


def check_within(what: str, x_km: Any, box: Box | None) -> None:
    """Refuse points outside a box, where they can be seen: behind its faces a network has learnt layers, and farther away nothing."""
    if box is None or not is_concrete(x_km, box):
        return
    low, high = np.asarray(box)
    if np.shape(x_km)[-1:] != (low.size,):
        raise ValueError(f"{what}s need {low.size} coordinates, got an array of shape {np.shape(x_km)}")
    points = np.asarray(x_km).reshape(-1, low.size)
    slack = 1e-6 * (high - low)
    outside = np.flatnonzero(~np.all((points >= low - slack) & (points <= high + slack), axis=1))
    if outside.size:
        raise ValueError(
            f"{what} at {points[outside[0]]} km lies outside the network's medium, which spans {low} to {high} km"
        )


def check_times(time_s: Any, last_s: Any) -> None:
    """Refuse times before a march began or after it ended, where they can be seen."""
    if not is_concrete(time_s, last_s):
        return
    time, last = np.asarray(time_s), float(last_s)
    if time.ndim:
        raise ValueError(f"`time_s` must be one time, got an array of shape {time.shape}: use `jax.vmap`")
    if not (-1e-9 * last <= time <= last * (1 + 1e-6)):
        raise ValueError(f"`time_s` {time} lies outside the network's series, which span 0 to {last:g} s")
