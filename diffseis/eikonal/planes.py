"""Gauss-Seidel sweeps over a grid, vectorised on anti-diagonal planes.

On a plane of constant ``i + j (+ k)`` no node depends on another one of the same plane, so that a sweep in
one of the ``2^d`` orientations is a `lax.scan` over planes with the result of a serial sweep.

References:
    Detrixhe, Gibou & Min (2013), A parallel fast sweeping method for the Eikonal equation,
    doi:10.1016/j.jcp.2012.11.042.
"""

import itertools
from collections.abc import Callable, Sequence
from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def orientations(num_dims: int) -> list[tuple[int, ...]]:
    """All directions of sweeping: +1 for increasing, -1 for decreasing node numbers along each axis."""
    return list(itertools.product((1, -1), repeat=num_dims))


def neighbour(x: Float[Array, "*shape"], axis: int, side: int, fill: float) -> Float[Array, "*shape"]:
    """The value one node before (`side` = 1) or after (`side` = -1) along an axis; `fill` outside the
    grid."""
    edge = jnp.full_like(jax.lax.slice_in_dim(x, 0, 1, axis=axis), fill)
    if side > 0:
        return jnp.concatenate([edge, jax.lax.slice_in_dim(x, 0, x.shape[axis] - 1, axis=axis)], axis=axis)
    return jnp.concatenate([jax.lax.slice_in_dim(x, 1, x.shape[axis], axis=axis), edge], axis=axis)


@lru_cache(maxsize=16)
def _maps(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Flat node number of each place of the skewed layout (or the number of nodes), and the inverse."""
    size = int(np.prod(shape))
    nodes = np.indices(shape).reshape(len(shape), -1)
    rest = shape[1:]
    skewed_shape = (sum(shape) - len(shape) + 1, *rest)
    place = np.ravel_multi_index((nodes.sum(axis=0), *nodes[1:]), skewed_shape)
    to_skewed = np.full(int(np.prod(skewed_shape)), size, np.int32)
    to_skewed[place] = np.arange(size, dtype=np.int32)
    return to_skewed.reshape(skewed_shape), np.asarray(place, np.int32)


def sweep(
    x: Float[Array, "*shape"],
    fields: Sequence[Float[Array, "*shape"]],
    update: Callable,
    direction: tuple[int, ...],
    *,
    fill: float,
) -> Float[Array, "*shape"]:
    """One sweep.

    Args:
        x: current values.
        fields: further arrays on the grid that the update needs.
        update: ``update(old, neighbours, fields) -> new`` on a plane; `neighbours` are the new values one
            node behind, axis by axis.
        direction: of the sweep, from `orientations`.
        fill: value outside the grid.
    """
    flips = [axis for axis, sign in enumerate(direction) if sign < 0]
    to_skewed, place = _maps(x.shape)

    def skew(v, outside):
        padded = jnp.concatenate([jnp.flip(v, flips).reshape(-1), jnp.full((1,), outside, v.dtype)])
        return padded.at[to_skewed].get(mode="promise_in_bounds")

    planes = (skew(x, fill), tuple(skew(f, 0) for f in fields))
    inside = jnp.asarray(to_skewed < x.size)

    def step(behind, plane):
        (old, fields), inside = plane
        neighbours = [behind, *(neighbour(behind, axis, 1, fill) for axis in range(behind.ndim))]
        new = jnp.where(inside, update(old, neighbours, fields), fill)
        return new, new

    start = jnp.full(to_skewed.shape[1:], fill, x.dtype)
    _, swept = jax.lax.scan(step, start, (planes, inside))
    return jnp.flip(swept.reshape(-1).at[place].get(mode="promise_in_bounds").reshape(x.shape), flips)
