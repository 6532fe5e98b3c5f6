"""Grids whose upper side is the surface of the earth."""

from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffseis.core.concrete import is_concrete
from diffseis.core.grids import RegularGrid
from diffseis.core.interpolate import evaluate_spline, spline_coefficients
from diffseis.eikonal.metric import AbstractMetric, Straight


class Surface(eqx.Module):
    """The depth of the ground, negative above sea level: a cubic B-spline through nodal values.

    Attributes:
        grid: the nodes, along one horizontal axis or (north, east).
        coefficients: of the spline.
    """

    grid: RegularGrid
    coefficients: Float[Array, "..."]

    def __init__(self, grid: RegularGrid, depth_km):
        depth_km = jnp.asarray(depth_km, dtype=float)
        if depth_km.shape != grid.shape:
            raise ValueError(f"`depth_km` has shape {depth_km.shape}, its grid {grid.shape}")
        if is_concrete(depth_km) and not np.all(np.isfinite(np.asarray(depth_km))):
            raise ValueError("`depth_km` must be finite at every node")
        self.grid = grid
        self.coefficients = spline_coefficients(depth_km, grid.num_dims)

    def __call__(self, x_km: Float[Array, " horizontal"]) -> Float[Array, ""]:
        """Depth in km of the ground at a place."""
        return evaluate_spline(self.coefficients, self.grid.to_index(x_km))


class Terrain(AbstractMetric):
    """The distance of a flat space on a grid that is bent to follow the ground.

    The first node of each column lies on the ground, the last at `bottom_km`, the others evenly between: waves travel below the ground
    only, along it where it is in the way, and no node is cut. Of the grid's vertical axis only its first and last value have a meaning:
    they must be `top_km` and `bottom_km`, and nodes are as far apart as it says where the ground lies at `top_km`. Sources and receivers are
    given by their true depths; beyond the ground they are taken to be on it.

    Attributes:
        surface: depth of the ground in km at a place, such as `Surface`; differentiable.
        top_km: of the grid's vertical axis.
        bottom_km: of the grid; below all of the ground.
        flat: distance in the space that was bent.

    References:
        Lan & Zhang (2013), Topography-dependent eikonal equation and its solver for calculating first-arrival traveltimes with an
        irregular surface, doi:10.1093/gji/ggt036.
    """

    surface: Callable[..., Any]
    top_km: Float[Array, ""]
    bottom_km: Float[Array, ""]
    flat: AbstractMetric

    def __init__(self, surface: Callable, top_km, bottom_km, flat: AbstractMetric | None = None):
        # A plain function is no leaf that JAX could carry.
        as_tree: Any = surface if isinstance(surface, eqx.Module) else jax.tree_util.Partial(surface)
        self.surface = as_tree
        self.top_km = jnp.asarray(top_km, dtype=float)
        self.bottom_km = jnp.asarray(bottom_km, dtype=float)
        self.flat = Straight() if flat is None else flat

    def _bent(self, position_km: Sequence[Array]):
        """Depth, its derivatives along the horizontal axes, and that along the vertical one."""
        position_km = list(position_km)
        shape = jnp.broadcast_shapes(*(jnp.shape(x) for x in position_km))
        flat = [jnp.broadcast_to(x, shape) for x in position_km]
        places = jnp.stack([x.reshape(-1) for x in flat[:-1]], axis=-1)
        ground, slopes = jax.vmap(jax.value_and_grad(self.surface))(places)
        ground = ground.reshape(shape)
        share = (flat[-1] - self.top_km) / (self.bottom_km - self.top_km)
        depth = ground + share * (self.bottom_km - ground)
        slopes = [(1 - share) * slopes[:, a].reshape(shape) for a in range(len(position_km) - 1)]
        return depth, slopes, (self.bottom_km - ground) / (self.bottom_km - self.top_km)

    def squared_distance(self, position_km: Sequence[Array], source_km: Sequence[Array]) -> Array:
        depth, *_ = self._bent(position_km)
        below, *_ = self._bent(source_km)
        return self.flat.squared_distance([*position_km[:-1], depth], [*source_km[:-1], below])

    def half_gradient(self, position_km: Sequence[Array], source_km: Sequence[Array]) -> list[Array]:
        depth, slopes, stretch = self._bent(position_km)
        below, *_ = self._bent(source_km)
        *across, down = self.flat.half_gradient([*position_km[:-1], depth], [*source_km[:-1], below])
        return [*(g + down * s for g, s in zip(across, slopes, strict=True)), down * stretch]

    def weights(self, position_km: Sequence[Array]) -> None:
        return None

    def shear(self, position_km: Sequence[Array]) -> tuple[list[Array], Array]:
        _, slopes, stretch = self._bent(position_km)
        return slopes, stretch

    def grid_point(self, x_km: Float[Array, " dim"]) -> Float[Array, " dim"]:
        ground = self.surface(x_km[:-1])
        share = (x_km[-1] - ground) / (self.bottom_km - ground)
        return x_km.at[-1].set(self.top_km + jnp.maximum(share, 0) * (self.bottom_km - self.top_km))

    def model_point(self, x_km: Float[Array, " dim"]) -> Float[Array, " dim"]:
        depth, *_ = self._bent(list(x_km))
        return x_km.at[-1].set(depth)

    def middle(self, a_km: Float[Array, " dim"], b_km: Float[Array, " dim"]) -> Float[Array, " dim"]:
        return self.grid_point(0.5 * (self.model_point(a_km) + self.model_point(b_km)))
