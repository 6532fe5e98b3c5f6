"""Speed on the nodes of a regular grid, smooth between them."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffseis.core.concrete import is_concrete
from diffseis.core.grids import RegularGrid
from diffseis.core.interpolate import evaluate_spline, spline_coefficients
from diffseis.velocity.base import AbstractVelocityModel


class Gridded(AbstractVelocityModel):
    """A smooth model: a cubic B-spline of the logarithm of slowness through nodal values.

    The logarithm keeps the speed positive between nodes. The model is twice differentiable, fourth-order
    accurate, and constant outside the grid. Axes by the grid's dimension: 1 is down; 2 is north and down
    (the same at every east coordinate); 3 is north, east, down.

    Attributes:
        grid: the nodes.
        coefficients: of the spline; linear in the nodal logarithms of slowness (s/km).
    """

    grid: RegularGrid
    coefficients: Float[Array, "..."]

    def __init__(self, grid: RegularGrid, speed_km_s):
        speed = jnp.asarray(speed_km_s, dtype=float)
        if speed.shape != grid.shape:
            raise ValueError(f"`speed_km_s` has shape {speed.shape}, its grid {grid.shape}")
        if is_concrete(speed) and not (np.all(np.isfinite(speed)) and np.all(np.asarray(speed) > 0)):
            raise ValueError("`speed_km_s` must be positive and finite at every node")
        self.grid = grid
        self.coefficients = spline_coefficients(-jnp.log(speed), grid.num_dims)

    def __check_init__(self):
        if not 1 <= self.grid.num_dims <= 3:
            raise ValueError(f"a model needs a grid of 1 to 3 dimensions, got {self.grid.num_dims}")

    def speed(self, x_ned_km: Float[Array, "3"]) -> Float[Array, ""]:
        axes = {1: [2], 2: [0, 2], 3: [0, 1, 2]}[self.grid.num_dims]
        index = self.grid.to_index(jnp.stack([x_ned_km[a] for a in axes]))
        return jnp.exp(-evaluate_spline(self.coefficients, index))
