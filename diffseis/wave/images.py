"""Finite differences at faces: what lies beyond a face is an image of what lies inside, or is not used.

An operator that is zero outside the grid differs from the one wanted in a few nodes near a face: by a small matrix.
"""

from collections.abc import Callable
from functools import cache

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffseis.wave.linear import Side
from diffseis.wave.stencils import second_coefficients, staggered_coefficients

ODD, EVEN, INSIDE, WRAPPED = "odd", "even", "inside", "wrapped"
"""Images of opposite sign, of the same sign, none (stencils shorten towards the face), and the other end of the axis."""


class Image(eqx.Module):
    """What is to be added to a derivative, in nodes near a face.

    Attributes:
        matrix: (nodes of the derivative, nodes of the field), from the face's own in the order of nodes; as nested tuples (static).
        reads, adds: the faces near which the field is read and the derivative changed; they differ on periodic axes (static).
    """

    matrix: tuple[tuple[float, ...], ...] = eqx.field(static=True)
    reads: Side = eqx.field(static=True)
    adds: Side = eqx.field(static=True)

    @property
    def width(self) -> int:
        """Nodes of the field that are read."""
        return len(self.matrix[0])

    @property
    def rows(self) -> int:
        """Nodes of the derivative that are changed."""
        return len(self.matrix)

    def __call__(self, near: Float[Array, "..."]) -> Float[Array, "..."]:
        """What to add, of the field near the face."""
        matrix = jnp.asarray(self.matrix, near.dtype)
        axis = self.reads[0]
        return jnp.moveaxis(jnp.tensordot(matrix, near, ((1,), (axis,))), 0, axis)


@cache
def second_images(side: Side, kind: str, order: int) -> tuple[Image, ...]:
    """For second differences at nodes."""
    centre, *sides = second_coefficients(order)
    taps = {0: centre} | {k: c for n, c in enumerate(sides, 1) for k in (n, -n)}
    return _images(side, kind, order, lambda i: taps, shift=0)


@cache
def staggered_images(side: Side, kind: str, order: int, forward: bool) -> tuple[Image, ...]:
    """For differences between nodes of fields at nodes (`forward`), or at nodes of fields between them."""

    def taps(available: int):
        coefficients = staggered_coefficients(max(2, min(order, 2 * available)))
        right = {k - (0 if forward else 1): c for k, c in enumerate(coefficients, 1)}
        left = {(1 if forward else 0) - k: -c for k, c in enumerate(coefficients, 1)}
        return right | left

    return _images(side, kind, order, taps, shift=0 if forward else 1)


def _images(side: Side, kind: str, order: int, taps: Callable, shift: int) -> tuple[Image, ...]:
    """Matrices by comparison: rows of the operator on an axis long enough that its ends do not meet."""
    num = 4 * order
    wanted, plain = np.zeros((num, num)), np.zeros((num, num))
    between = shift == 1  # whether the field lies between nodes; its last entry then lies beyond the last face
    # Derivatives between nodes have one more tap inside than those at the node before.
    for i in range(num):
        distance = (num - 1 - i if side[1] else i) + (0 if between else (0 if side[1] else 1))
        for j, c in taps(order).items():
            if 0 <= i + j < num:
                plain[i, i + j] += c
        inside = kind == INSIDE
        for j, c in taps(distance if inside and distance > 0 else order).items():
            place, sign = _image(i + j, num, kind, between, side[1])
            if place is not None:
                wanted[i, place] += sign * c
    difference = wanted - plain
    if kind != WRAPPED:
        return _corner(difference, side, side)
    axis, at_end = side
    return _corner(difference, side, (axis, not at_end))


def _image(place: int, num: int, kind: str, between: bool, at_end: bool) -> tuple[int | None, float]:
    """Where the value of a place is found, and its sign. Places beyond the other face than the one asked for are zero."""
    last = num - 2 if between and kind != WRAPPED else num - 1
    if at_end:
        if place <= last:
            return (place, 1.0) if place >= 0 else (None, 0.0)
        mirrored = (2 * (num - 1) - 1 - place) if between else 2 * (num - 1) - place
    else:
        if place >= 0:
            return (place, 1.0) if place < num else (None, 0.0)
        mirrored = -1 - place if between else -place
    if kind == WRAPPED:
        return place % num, 1.0
    return (None, 0.0) if kind == INSIDE else (mirrored, -1.0 if kind == ODD else 1.0)


def _corner(difference: np.ndarray, adds: Side, reads: Side) -> tuple[Image, ...]:
    rows, columns = (np.flatnonzero(np.any(difference != 0, axis=a)) for a in (1, 0))
    if not rows.size:
        return ()
    row = slice(rows[0], None) if adds[1] else slice(0, rows[-1] + 1)
    column = slice(columns[0], None) if reads[1] else slice(0, columns[-1] + 1)
    matrix = tuple(tuple(float(x) for x in line) for line in difference[row, column])
    return (Image(matrix, reads, adds),)
