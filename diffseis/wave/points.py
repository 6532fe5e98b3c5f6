"""Point sources and receivers on the nodes of a domain."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from diffseis.core.concrete import is_concrete
from diffseis.wave.domain import Domain
from diffseis.wave.sinc import RADIUS, axis_weights

_ON_NODE = 1e-6
"""Distance in nodes at which a point counts as on one."""


class Stencil(eqx.Module):
    """How points are spread over nodes: a patch for each, and its weights along each axis.

    Attributes:
        first: the patches' first nodes.
        weights: one array for each axis, (point, node).
    """

    first: Int[Array, "point dim"]
    weights: tuple[Float[Array, "point _"], ...]

    @property
    def num_points(self) -> int:
        return self.first.shape[0]

    def add(
        self,
        field: Float[Array, "*shape"],
        factor: Float[Array, "*shape"],
        amplitudes: Float[Array, " point"],
    ) -> Float[Array, "*shape"]:
        """The field with each point's amplitude spread over its patch, times a factor of the nodes."""

        def one(number, field):
            weights = self._outer(
                [jax.lax.dynamic_index_in_dim(w, number, keepdims=False) for w in self.weights]
            )
            first = jax.lax.dynamic_index_in_dim(self.first, number, keepdims=False)
            begin = [first[a] for a in range(field.ndim)]
            patch, scale = (jax.lax.dynamic_slice(x, begin, weights.shape) for x in (field, factor))
            return jax.lax.dynamic_update_slice(field, patch + amplitudes[number] * (weights * scale), begin)

        if self.num_points <= 4:
            for number in range(self.num_points):
                field = one(jnp.asarray(number), field)
            return field
        return jax.lax.fori_loop(0, self.num_points, one, field)

    def read(self, field: Float[Array, "*shape"]) -> Float[Array, " point"]:
        """The field at each point."""
        sizes = tuple(w.shape[1] for w in self.weights)

        def one(first, *weights):
            patch = jax.lax.dynamic_slice(field, [first[a] for a in range(field.ndim)], sizes)
            return jnp.sum(patch * self._outer(weights))

        return jax.vmap(one)(self.first, *self.weights)

    @staticmethod
    def _outer(weights) -> Float[Array, "..."]:
        product = weights[0]
        for w in weights[1:]:
            product = product[..., None] * w.reshape((1,) * product.ndim + w.shape)
        return product


def spread(position_km: Any, domain: Domain, dtype) -> Stencil:
    """Weights of points. Those that can be seen to lie on nodes along an axis need one node there."""
    shape = domain.shape
    if is_concrete(position_km, domain.grid.origin_km, domain.grid.spacing_km):
        # In NumPy: while JAX traces, its operations give no numbers even of numbers.
        first = np.asarray([w[0] for w in domain.boundary.widths])
        position, origin, spacing = (
            np.asarray(x) for x in (position_km, domain.grid.origin_km, domain.grid.spacing_km)
        )
        index = (position - origin) / spacing + first
    else:
        index = domain.to_index(position_km)
    first, weights = [], []
    for axis, num in enumerate(shape):
        along = index[:, axis]
        if isinstance(along, np.ndarray) and np.all(np.abs(along - np.round(along)) < _ON_NODE):
            first.append(jnp.asarray(np.round(along), jnp.int32))
            weights.append(jnp.ones((index.shape[0], 1), dtype))
            continue
        begin, w = jax.vmap(axis_weights)(jnp.asarray(along, dtype))
        begin, w = jax.vmap(lambda b, w, num=num: _folded(b, w, num))(begin, w)
        first.append(begin)
        weights.append(w)
    return Stencil(jnp.stack(first, axis=1), tuple(weights))


def _folded(first, weights, num: int):
    """Nodes beyond a face count for their mirror images with the sign changed: pressure is odd about the node beyond the last, where it is zero."""
    nodes = first + jnp.arange(2 * RADIUS, dtype=first.dtype)
    begin = jnp.clip(first, 0, max(num - 2 * RADIUS, 0))
    low, high = nodes < 0, nodes > num - 1
    mirrored = jnp.where(low, -2 - nodes, jnp.where(high, 2 * num - nodes, nodes))
    signed = jnp.where(low | high, -weights, weights)
    # The node on the surface is its own image.
    on_it = (nodes == -1) | (nodes == num)
    signed, mirrored = jnp.where(on_it, 0, signed), jnp.where(on_it, begin, mirrored)
    return begin, jnp.zeros(min(2 * RADIUS, num), weights.dtype).at[mirrored - begin].add(signed)


def check_inside(what: str, position_km: Any, grid) -> None:
    """Refuse points outside the grid, where they can be seen."""
    if not is_concrete(position_km, grid.origin_km, grid.spacing_km):
        return
    low, spacing = np.asarray(grid.origin_km), np.asarray(grid.spacing_km)
    high = low + spacing * (np.asarray(grid.shape) - 1)
    slack = 1e-6 * (high - low)
    outside = np.any(
        (np.asarray(position_km) < low - slack) | (np.asarray(position_km) > high + slack), axis=1
    )
    if outside.any():
        number = int(np.flatnonzero(outside)[0])
        raise ValueError(
            f"{what} {number} at {np.asarray(position_km)[number]} km lies outside the grid, which spans {low} to {high} km"
        )
