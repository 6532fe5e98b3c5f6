"""Finite differences at faces: what lies beyond a face is an image of what lies inside, or is not used.

An operator that is zero outside the grid differs from the one wanted in a few nodes near a face: by a small matrix.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

from diffseis.wave.stencils import second_coefficients, staggered_coefficients

ODD, EVEN, INSIDE, WRAPPED = "odd", "even", "inside", "wrapped"
"""Images of opposite sign, of the same sign, none (stencils shorten towards the face), and the other end of the axis."""


class Image(NamedTuple):
    """What is to be added to a derivative in nodes near a face: a matrix, for the outermost nodes in the order of nodes.

    Attributes:
        matrix: (nodes of the derivative, nodes of the field).
        opposite: whether the field is read at the other face of the axis.
    """

    matrix: np.ndarray
    opposite: bool


@cache
def second_image(kind: str, order: int, *, at_end: bool) -> Image:
    """For second differences at nodes."""
    centre, *sides = second_coefficients(order)
    taps = {0: centre} | {k: c for n, c in enumerate(sides, 1) for k in (n, -n)}
    return _compare(at_end, kind, order, lambda i: taps, between=False)


@cache
def staggered_image(kind: str, order: int, *, at_end: bool, forward: bool) -> Image:
    """For differences between nodes of fields at nodes (`forward`), or at nodes of fields between them."""

    def taps(available: int):
        coefficients = staggered_coefficients(max(2, min(order, 2 * available)))
        right = {k - (0 if forward else 1): c for k, c in enumerate(coefficients, 1)}
        left = {(1 if forward else 0) - k: -c for k, c in enumerate(coefficients, 1)}
        return right | left

    return _compare(at_end, kind, order, taps, between=not forward)


def _compare(at_end: bool, kind: str, order: int, taps: Callable, between: bool) -> Image:
    """A matrix by comparison: rows of the operator on an axis long enough that its ends do not meet. Of a field between nodes the last entry
    lies beyond the last face."""
    num = 4 * order
    wanted, plain = np.zeros((num, num)), np.zeros((num, num))
    for i in range(num):
        # Derivatives between nodes have one more tap inside than those at the node before.
        available = num - 1 - i if at_end else i + (0 if between else 1)
        for j, c in taps(order).items():
            if 0 <= i + j < num:
                plain[i, i + j] += c
        for j, c in taps(available if kind == INSIDE and available > 0 else order).items():
            place, sign = _image(i + j, num, kind, between, at_end)
            if place is not None:
                wanted[i, place] += sign * c
    difference = wanted - plain
    opposite = kind == WRAPPED
    rows, columns = (np.flatnonzero(np.any(difference != 0, axis=a)) for a in (1, 0))
    if not rows.size:
        return Image(np.zeros((0, 0)), opposite)
    row = slice(rows[0], None) if at_end else slice(0, rows[-1] + 1)
    column = slice(columns[0], None) if at_end != opposite else slice(0, columns[-1] + 1)
    return Image(difference[row, column], opposite)


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
