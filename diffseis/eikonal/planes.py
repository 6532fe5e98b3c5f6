"""Gauss-Seidel sweeps over a grid, vectorised on anti-diagonal planes.

On a plane of constant ``i + j (+ k)`` no node depends on another one of the same plane, so that a sweep in
one of the ``2^d`` orientations is a `lax.scan` over planes with the result of a serial sweep. All
orientations share one compiled body: an orientation is nothing but signs of the strides.

References:
    Detrixhe, Gibou & Min (2013), A parallel fast sweeping method for the Eikonal equation,
    doi:10.1016/j.jcp.2012.11.042.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def orientations(num_dims: int) -> np.ndarray:
    """All directions of sweeping: +1 for increasing, -1 for decreasing node numbers along each axis."""
    return np.asarray(list(itertools.product((1, -1), repeat=num_dims)), np.int32)


def neighbour(
    x: Float[Array, "*shape"], axis: int, side: int, fill: float, *, nodes: int = 1
) -> Float[Array, "*shape"]:
    """The value `nodes` before (`side` = 1) or after (`side` = -1) along an axis; `fill` outside the grid."""
    nodes = min(nodes, x.shape[axis])
    edge = jnp.full_like(jax.lax.slice_in_dim(x, 0, nodes, axis=axis), fill)
    if side > 0:
        kept = jax.lax.slice_in_dim(x, 0, x.shape[axis] - nodes, axis=axis)
        return jnp.concatenate([edge, kept], axis=axis)
    return jnp.concatenate([jax.lax.slice_in_dim(x, nodes, x.shape[axis], axis=axis), edge], axis=axis)


class Plane(NamedTuple):
    """What an update sees of one plane. In the sweep's own axes: "behind" is always the lower node number.

    Attributes:
        old: values before the sweep.
        first, second: per axis, what the nodes one and two behind have handed on.
        fields: the further arrays.
        position_km: per axis, coordinates times the sign of the orientation.
        sign: of the sweep, per axis.
        turn: number of the orientation, a row of `orientations` (also where the sweep runs backwards).
    """

    old: Array
    first: list[Array]
    second: list[Array]
    fields: list[Array]
    position_km: list[Array]
    sign: Array
    turn: Array


def sweep(
    x: Float[Array, "*shape"],
    fields: Sequence[Array],
    update: Callable[[Plane], Array],
    axes_km: Sequence[Float[Array, " _"]],
    *,
    fill: float,
    reach: int = 1,
    hand_on: Callable[[Array, Plane], tuple[list[Array], list[Array]]] | None = None,
    backwards: bool = False,
) -> Float[Array, "*shape"]:
    """One sweep in every orientation, one after the other.

    Args:
        x: values.
        fields: further arrays on the grid that the update needs.
        update: new values of a `Plane`.
        axes_km: evenly spaced coordinates along each axis.
        fill: what lies outside the grid.
        reach: how many nodes behind the update looks (1 or 2).
        hand_on: what a plane shows, per axis, to those one and two nodes further on; by default its new
            values, and nothing two nodes on where `reach` is 1.
        backwards: the orientations in opposite order and each in opposite direction.
    """
    shape, num_dims = x.shape, x.ndim
    strides = np.asarray([int(np.prod(shape[a + 1 :])) for a in range(num_dims)], np.int32)
    table = jnp.asarray(orientations(num_dims))
    rest = [jnp.asarray(r, jnp.int32) for r in np.indices(shape[1:])]
    num_planes = sum(shape) - num_dims + 1
    halo = [(reach, 0)] * (num_dims - 1)

    def shown(plane, axis, nodes):
        """A padded plane as seen by nodes `nodes` further along an axis (0: the axis across planes)."""
        start = [reach - (nodes if a == axis else 0) for a in range(1, num_dims)]
        return plane[tuple(slice(b, b + n) for b, n in zip(start, shape[1:], strict=True))]

    def one_orientation(count, x):
        turn = 2**num_dims - 1 - count if backwards else count
        sign = -table[turn] if backwards else table[turn]
        step = sign * strides
        corner = sum(jnp.where(sign[a] < 0, (shape[a] - 1) * int(strides[a]), 0) for a in range(num_dims))
        across = corner + sum((step[a + 1] - step[0]) * rest[a] for a in range(num_dims - 1))
        real = sign.astype(x.dtype)
        lines = [jnp.where(sign[a] > 0, axes_km[a], -jnp.flip(axes_km[a])) for a in range(num_dims)]
        flat = [f.reshape(-1) for f in (x, *fields)]

        def one_plane(behind, number):
            one, two = behind
            along = number - sum(rest)
            inside = (along >= 0) & (along < shape[0])
            node = jnp.where(inside, across + step[0] * number, 0)
            old, *of_nodes = (f.at[node].get(mode="promise_in_bounds") for f in flat)
            # Read, not computed: every part of the solver sees the same rounded coordinates.
            position = [lines[0].at[along].get(mode="clip")]
            position += [
                jnp.expand_dims(lines[a], tuple(b for b in range(num_dims - 1) if b != a - 1))
                for a in range(1, num_dims)
            ]
            first = [shown(one[0][min(a, len(one[0]) - 1)], a, 1) for a in range(num_dims)]
            second = [shown(two[min(a, len(two) - 1)], a, 2) for a in range(num_dims)] if reach > 1 else first
            plane = Plane(old, first, second, of_nodes, position, real, turn)
            new = update(plane)
            ones, twos = ([new], [new]) if hand_on is None else hand_on(new, plane)
            pad = lambda v: jnp.pad(jnp.where(inside, v, fill), halo, constant_values=fill)
            ones, twos = [pad(v) for v in ones], [pad(v) for v in twos] if reach > 1 else []
            return ((ones, twos), one[1]), new

        outside = jnp.full(tuple(n + reach for n in shape[1:]), fill, x.dtype)
        counts = (1, 1) if hand_on is None else (num_dims, num_dims)
        ones, twos = [outside] * counts[0], [outside] * counts[1] if reach > 1 else []
        _, planes = jax.lax.scan(one_plane, ((ones, twos), twos), jnp.arange(num_planes, dtype=jnp.int32))
        numbers = [
            jnp.expand_dims(
                jnp.where(sign[a] > 0, jnp.arange(n), n - 1 - jnp.arange(n)).astype(jnp.int32),
                tuple(b for b in range(num_dims) if b != a),
            )
            for a, n in enumerate(shape)
        ]
        place = sum(numbers) * int(strides[0]) + sum(
            n * int(s) for n, s in zip(numbers[1:], strides[1:], strict=True)
        )
        return planes.reshape(-1).at[place].get(mode="promise_in_bounds")

    return jax.lax.fori_loop(0, 2**num_dims, one_orientation, x)
