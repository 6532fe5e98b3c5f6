"""Point sources and receivers on the nodes of a domain."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from diffseis.core.concrete import is_concrete
from diffseis.wave.base import Place
from diffseis.wave.boundary import FreeSurface, Rigid
from diffseis.wave.domain import Domain
from diffseis.wave.sinc import RADIUS, axis_slopes, axis_weights

_ON_NODE = 1e-6
"""Distance in nodes at which a point counts as on one, besides the rounding of its number."""


class Stencil(eqx.Module):
    """How points are spread over nodes: a patch for each, and its weights along each axis.

    Attributes:
        first: the patches' first nodes.
        weights: one array for each axis, (point, node).
        shared: the axis of a mesh of devices that the first axis of fields is divided among (static); None where one device has all of it.
    """

    first: Int[Array, "point dim"]
    weights: tuple[Float[Array, "point _"], ...]
    shared: str | None = eqx.field(static=True, default=None)

    @property
    def num_points(self) -> int:
        return self.first.shape[0]

    def patches(self, factor: Float[Array, "..."]) -> Float[Array, "point ..."]:
        """What a unit of each point adds to the nodes of its patch, of a `factor` of all nodes or one for all."""
        sizes = tuple(w.shape[1] for w in self.weights)

        def one(first, *weights):
            outer = self._outer(weights)
            scale = factor if factor.ndim == 0 else jax.lax.dynamic_slice(factor, [*first], sizes)
            return outer * scale

        return jax.vmap(one)(self.first, *self.weights)

    def add(
        self,
        field: Float[Array, "*shape"],
        patches: Float[Array, "point ..."],
        amplitudes: Float[Array, " point"],
    ) -> Float[Array, "*shape"]:
        """The field with each point's patch added, times its amplitude."""

        def one(number, field):
            begin, patch = self._here(self.first[number], patches[number], field)
            before = jax.lax.dynamic_slice(field, begin, patch.shape)
            return jax.lax.dynamic_update_slice(field, before + amplitudes[number] * patch, begin)

        if self.num_points <= 4:
            for number in range(self.num_points):
                field = one(jnp.asarray(number), field)
            return field
        return jax.lax.fori_loop(0, self.num_points, one, field)

    def read(self, field: Float[Array, "*shape"]) -> Float[Array, " point"]:
        """The field at each point."""
        sizes = tuple(w.shape[1] for w in self.weights)

        def one(first, *weights):
            return jnp.sum(self._patch(field, first, sizes) * self._outer(weights))

        return jax.vmap(one)(self.first, *self.weights)

    def _patch(self, field, first, sizes: tuple[int, ...]):
        begin = [*first]
        if self.shared is None:
            return jax.lax.dynamic_slice(field, begin, sizes)
        # Every device gives the rows that it has: what is summed is the same on all, and as if one had them all.
        begin[0] = begin[0] - jax.lax.axis_index(self.shared) * field.shape[0]
        rows = begin[0] + jnp.arange(sizes[0], dtype=first.dtype)
        found = field.at[rows].get(mode="fill", fill_value=0, wrap_negative_indices=False)
        found = jax.lax.dynamic_slice(found, [jnp.zeros_like(begin[0]), *begin[1:]], sizes)
        return jax.lax.psum(found, self.shared)

    def _here(self, first, patch, field):
        """Where a patch begins, and what it adds; of those of its rows that are on this device."""
        begin = [*first]
        if self.shared is None:
            return begin, patch
        low = begin[0] - jax.lax.axis_index(self.shared) * field.shape[0]
        num = min(patch.shape[0], field.shape[0])
        begin[0] = jnp.clip(low, 0, field.shape[0] - num)
        rows = begin[0] - low + jnp.arange(num, dtype=low.dtype)
        return begin, patch.at[rows].get(mode="fill", fill_value=0, wrap_negative_indices=False)

    @staticmethod
    def _outer(weights) -> Float[Array, "..."]:
        product = weights[0]
        for w in weights[1:]:
            product = product[..., None] * w.reshape((1,) * product.ndim + w.shape)
        return product


def spread(
    position_km: Any, domain: Domain, place: Place, dtype, *, reading: bool, slope: int | None = None
) -> Stencil:
    """Weights of points on a field, for `reading` it or for adding to it; of its derivative (per km) along the axis `slope`, if given.

    Points that can be seen to lie on nodes along an axis need one node there.
    """
    index = _index(position_km, domain, place)
    first, weights = [], []
    for axis, num in enumerate(domain.shape):
        along = index[:, axis]
        on_nodes = isinstance(along, np.ndarray) and np.all(
            np.abs(along - np.round(along)) < _rounding(along, position_km)
        )
        if on_nodes and axis != slope:
            nodes = jnp.asarray(np.round(along), jnp.int32) % num
            begin, w = nodes, jnp.ones((nodes.shape[0], 1), dtype)
            w = w * _own_image(nodes[:, None], axis, domain, place, reading).astype(dtype)
        else:
            along = jnp.asarray(along, dtype)
            if axis == slope:
                begin, w = jax.vmap(axis_slopes)(along)
                w = w / domain.grid.spacing_km[axis].astype(dtype)
            else:
                begin, w = jax.vmap(axis_weights)(along)
            nodes = begin[:, None] + jnp.arange(2 * RADIUS, dtype=begin.dtype)[None, :]
            w = w * _own_image(nodes, axis, domain, place, reading).astype(dtype)
            begin, w = jax.vmap(lambda n, w, axis=axis: _folded(n, w, axis, domain, place))(nodes, w)
        first.append(begin)
        weights.append(w)
    return Stencil(jnp.stack(first, axis=1), tuple(weights))


def _index(position_km: Any, domain: Domain, place: Place):
    """Fractional numbers of a field's nodes; in NumPy where positions can be seen: while JAX traces, its operations give no numbers
    even of numbers."""
    before = np.asarray([w[0] for w in domain.boundary.widths]) - 0.5 * np.asarray(place.between)
    origin, spacing = domain.grid.origin_km, domain.grid.spacing_km
    if is_concrete(position_km, origin, spacing):
        return (np.asarray(position_km) - np.asarray(origin)) / np.asarray(spacing) + before
    # Places are counted as exactly as the grid's, whatever the precision of the waves.
    position_km = position_km.astype(np.promote_types(position_km.dtype, domain.grid.origin_km.dtype))
    shift = jnp.asarray([0.5 * b for b in place.between], position_km.dtype)
    return domain.to_index(position_km) - jnp.broadcast_to(shift, position_km.shape)


def _rounding(index: np.ndarray, position_km: Any) -> float:
    return _ON_NODE + 4 * float(np.finfo(np.asarray(position_km).dtype).eps) * float(
        np.max(np.abs(index), initial=1)
    )


def _sign(domain: Domain, place: Place, axis: int, at_end: bool) -> float:
    """Of the images at a face; 0 where there are none."""
    if not isinstance(domain.face((axis, at_end)), FreeSurface | Rigid):
        return 0.0
    return -1.0 if place.odd[axis][at_end] else 1.0


def _own_image(nodes, axis: int, domain: Domain, place: Place, reading: bool):
    """What a node on a face counts for. A source there acts on half a cell, or together with its image."""
    if reading or place.between[axis]:
        return jnp.ones(nodes.shape)
    low, high = (_sign(domain, place, axis, end) for end in (False, True))
    last = domain.shape[axis] - 1
    count = jnp.where((nodes == 0) & (low != 0), 1 + low, 1.0)
    return jnp.where((nodes == last) & (high != 0), 1 + high, count)


def _folded(nodes, weights, axis: int, domain: Domain, place: Place):
    """Nodes beyond a face count for their images, nodes beyond a layer not at all."""
    num = domain.shape[axis]
    if domain.boundary.periodic[axis]:
        return jnp.zeros((), nodes.dtype), jnp.zeros(num, weights.dtype).at[nodes % num].add(weights)
    between = int(place.between[axis])
    low_sign, high_sign = (_sign(domain, place, axis, end) for end in (False, True))
    last = num - 1 - (between if high_sign else 0)
    low, high = nodes < 0, nodes > last
    mirrored = jnp.where(low, -between - nodes, jnp.where(high, 2 * (num - 1) - between - nodes, nodes))
    signed = jnp.where(low, low_sign, jnp.where(high, high_sign, 1.0)).astype(weights.dtype) * weights
    size = min(2 * RADIUS, num)
    begin = jnp.clip(nodes[0], 0, num - size)
    return begin, jnp.zeros(size, weights.dtype).at[mirrored - begin].add(signed, mode="drop")


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
