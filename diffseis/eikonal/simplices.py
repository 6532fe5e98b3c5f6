"""The local solution of the eikonal equation where times along an axis do not tell from which side the wave comes.

In anisotropic media, and on grids whose axes are not at right angles, a wave may reach a node from the side of a neighbour whose time is
later. What counts is the direction of the ray: a simplex of neighbours gives a node its time if the ray comes out of it.

References:
    Tsai, Cheng, Osher & Zhao (2003), Fast sweeping algorithms for a class of Hamilton-Jacobi equations, doi:10.1137/S0036142901396533.
    Waheed, Yarman & Flagg (2015), An iterative, fast-sweeping-based eikonal solver for 3D tilted anisotropic media,
    doi:10.1190/geo2014-0375.1.
"""

from collections.abc import Sequence
from itertools import combinations

import jax.numpy as jnp
from jaxtyping import Array

from diffseis.eikonal.slowness_surface import SlownessSurface

NEWTON_STEPS = 4
"""From the solution of the quadratic part to that of the whole equation."""


def first_arrival(surface: SlownessSurface, sides: Sequence[Array], slopes, offsets, *, far: float):
    """The earliest rise of tau from the simplices that one neighbour per axis spans, and along each axis how far the ray comes from there: zero
    where the neighbour has no part in it.

    The slowness along an axis is ``side (a rise - b)``, with a the slopes and b the offsets. Only the quadratic part of the equation counts.
    """
    lengths = inverse(surface.form())
    best = jnp.full_like(surface.squared_slowness, far)
    rays = [jnp.zeros_like(best) for _ in sides]
    for number in range(1, len(sides) + 1):
        for axes in combinations(range(len(sides)), number):
            # The ray lies in the span of these axes: what the slowness is along the others follows.
            form = inverse([[lengths[a][b] for b in axes] for a in axes])
            lines = [(sides[a] * slopes[a], sides[a] * offsets[a]) for a in axes]
            rise, real = _larger_root(form, lines, surface.squared_slowness)
            slowness = [a * rise - b for a, b in lines]
            ray = [sum(m * p for m, p in zip(row, slowness, strict=True)) for row in form]
            inside = [sides[a] * r for a, r in zip(axes, ray, strict=True)]
            better = real & (jnp.min(jnp.stack(inside), axis=0) > 0) & (rise < best)
            best = jnp.where(better, rise, best)
            found = dict(zip(axes, inside, strict=True))
            rays = [jnp.where(better, found.get(a, 0.0), r) for a, r in enumerate(rays)]
    return best, rays


def from_neighbours(surface: SlownessSurface, codes, sides, slopes, offsets, leans):
    """The rise of tau with which the slowness lies on its surface.

    The slowness along an axis is ``side (a rise - b)`` where there is an upwind neighbour (codes above 0). Else it follows from the ray, which
    hardly leans towards that axis: its component (`SlownessSurface.ray`) is that of `leans`.
    """
    used = [code > 0.5 for code in codes]
    lines = [
        (jnp.where(there, side * a, 0), jnp.where(there, side * b, 0))
        for there, side, a, b in zip(used, sides, slopes, offsets, strict=True)
    ]
    form = surface.form()
    reduced, left = _eliminate(form, used, leans, surface.squared_slowness)
    rise, real = _larger_root(reduced, lines, left)
    if surface.thomsen is None:
        return rise
    slowness = [a * rise - b for a, b in lines]
    for step in range(NEWTON_STEPS + 1):
        if step:
            excess = surface.excess(slowness)
            slope = 2 * sum(g * a for g, (a, _) in zip(surface.ray(slowness), lines, strict=True))
            rises = real & (slope > 0)  # Without a root the slope is zero, but for rounding.
            change = jnp.where(rises, excess * surface.squared_slowness / jnp.where(rises, slope, 1), 0)
            rise = rise - change
            slowness = [
                jnp.where(there, a * rise - b, p)
                for there, (a, b), p in zip(used, lines, slowness, strict=True)
            ]
        for axis, there in enumerate(used):
            off = (surface.ray(slowness)[axis] - leans[axis]) / form[axis][axis]
            slowness[axis] = jnp.where(there, slowness[axis], slowness[axis] - off)
    return rise


def _eliminate(form, used, leans, squared):
    """The form of the axes that are used, given the rays' components along the others, and what is left for it of the squared slowness."""
    num, form, leans = len(form), [list(row) for row in form], list(leans)
    for axis, there in enumerate(used):
        own = form[axis][axis]
        squared = squared - jnp.where(there, 0, leans[axis] ** 2 / own)
        ratios = [jnp.where(there, 0, form[b][axis] / own) for b in range(num)]
        for b in (b for b in range(num) if b != axis):
            leans[b] = leans[b] - ratios[b] * leans[axis]
            form[b] = [x - ratios[b] * y for x, y in zip(form[b], form[axis], strict=True)]
    return form, squared


def inverse(form: list[list[Array]]) -> list[list[Array]]:
    """Of a symmetric matrix of one to three rows, given entry by entry."""
    if len(form) == 1:
        return [[1 / form[0][0]]]
    if len(form) == 2:
        (a, b), (_, d) = form
        determinant = a * d - b * b
        return [[d / determinant, -b / determinant], [-b / determinant, a / determinant]]
    (a, b, c), (_, d, e), (_, _, f) = form
    first = [d * f - e * e, c * e - b * f, b * e - c * d]
    determinant = a * first[0] + b * first[1] + c * first[2]
    others = [(a * f - c * c) / determinant, (b * c - a * e) / determinant, (a * d - b * b) / determinant]
    first = [x / determinant for x in first]
    return [first, [first[1], others[0], others[1]], [first[2], others[1], others[2]]]


def _larger_root(form, lines, squared):
    """Of ``p M p = s^2`` with ``p = a rise - b`` per axis, and whether there is one; where not, the rise that comes nearest."""
    product = lambda i, j: sum(
        m * one[i] * two[j]
        for row, one in zip(form, lines, strict=True)
        for m, two in zip(row, lines, strict=True)
    )
    aa, ab, bb = product(0, 0), product(0, 1), product(1, 1)
    some = aa > 0
    aa = jnp.where(some, aa, 1)
    root = ab * ab - aa * (bb - squared)
    real = some & (root > 0)
    return (ab + jnp.where(real, jnp.sqrt(jnp.where(real, root, 1)), 0)) / aa, real
