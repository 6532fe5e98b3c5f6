"""The eikonal equation at a node, given its neighbours: what sweeps solve, and what their solution fulfils."""

from functools import reduce

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from diffseis.eikonal.factored import FAR_S_PER_KM, Factored, godunov
from diffseis.eikonal.planes import neighbour
from diffseis.eikonal.simplices import from_neighbours
from diffseis.eikonal.slowness_surface import SlownessSurface

PASSING = 4
"""The code of an axis along which a wave passes at right angles, smoothly."""
MOST_PASSING = 0.05
"""Largest share that such an axis may have in the squared slowness, away from the source (judged)."""
MOST_LEAN = 0.0004
"""The same where rays may cross the grid's axes aslant, so that a wrong lean shows on both sides of an axis (judged)."""


def local_update(equation: Factored, tau, codes, *, order: int) -> Float[Array, "*shape"]:
    """Every node's tau from those of its neighbours: what the sweeps have converged to."""
    upwind = [upwind_values(tau, codes, a) for a in range(equation.num_dims)]
    new = update_from(equation, tau, codes, [u[0] for u in upwind], [u[1] for u in upwind], order=order)
    return jnp.where(equation.near, equation.near_tau, new)


def update_from(equation: Factored, tau, codes, first, second, *, order: int) -> Float[Array, "*shape"]:
    """Every node's tau from its upwind ones, given per axis, and from `passing`."""
    distance, gradient = equation.at_nodes()
    squared = equation.squared_slowness
    if order > 1 and equation.surface is None:
        squared = squared - passing(equation, tau, codes)
    passing_codes, codes = codes, upwind(codes)
    sides = [jnp.sign(c).astype(tau.dtype) for c in codes]
    away = [jnp.abs(c).astype(tau.dtype) for c in codes]
    along = [s * g for s, g in zip(sides, gradient, strict=True)]
    rising = [True] * equation.num_dims
    base = stop_gradient(tau)
    terms = upwind_terms(away, first, second, rising, distance, along, equation.spacing_km, base=base)
    if equation.surface is None:
        rise = godunov(*weighed(equation.weights or (), *terms), squared)
    else:
        leans = leans_of_rays(equation, equation.surface, tau, passing_codes)
        rise = from_neighbours(equation.surface, away, sides, *terms, leans)
    new = base + rise
    return jnp.where(jnp.any(codes != 0, axis=0), new, stop_gradient(tau))


def upwind_terms(codes, first, second, rising, distance, gradient, spacing, *, base):
    """Slopes and offsets of the axes: ``a (tau - base) - b`` is the upwind difference of ``T0 tau``, positive when
    upwind; for codes and gradients turned so that upwind is behind. Relative to a `base` near tau, since far from the source the
    squares of ``T0 tau / h`` are many times that of the slowness, and in single precision nothing would be left of it.

    The second neighbour counts while it is earlier than the first (`rising`): otherwise the difference would carry a
    falling time on.
    """
    slopes, offsets = [], []
    for code, one, two, rises, along, h in zip(codes, first, second, rising, gradient, spacing, strict=True):
        ratio = distance / h
        curved = 0.5 * ((code > 1.5) & rises).astype(distance.dtype)
        used = code > 0.5
        # An axis that is not used never joins.
        slopes.append(jnp.where(used, ratio * (1 + curved) + along, 1))
        rise = (1 + 2 * curved) * (one - base) - curved * (two - base)
        offsets.append(jnp.where(used, ratio * rise - along * base, FAR_S_PER_KM))
    return slopes, offsets


def first_order_terms(equation: Factored, near, first, distance, gradient):
    """The earliest of the neighbours' tau, and relative to it what `upwind_terms` gives where all of them count, with stencils of first order."""
    # Near the source nothing is computed, and a slope may be zero.
    ratios = [distance / h for h in equation.spacing_km]
    base = reduce(jnp.minimum, first)
    slopes = [jnp.where(near, 1, r + g) for r, g in zip(ratios, gradient, strict=True)]
    offsets = [r * (one - base) - g * base for r, one, g in zip(ratios, first, gradient, strict=True)]
    return base, slopes, offsets


def weighed(weights, slopes, offsets):
    """Both times the weights of the axes, where there are any."""
    if not weights:
        return slopes, offsets
    return [w * a for w, a in zip(weights, slopes, strict=True)], [
        w * b for w, b in zip(weights, offsets, strict=True)
    ]


def passing(equation: Factored, tau, codes) -> Float[Array, "*shape"]:
    """Square of the slowness along axes without an upwind neighbour, by central differences.

    The wave passes at right angles there, so that time has a minimum along the axis.
    """
    total = jnp.zeros_like(tau)
    for axis in range(equation.num_dims):
        along = equation.weigh(axis, _slowness_along(equation, tau, axis))
        square = jnp.minimum(along * along, _most_passing(equation, axis) * equation.squared_slowness)
        total = total + jnp.where(codes[axis] == PASSING, square, 0)
    return total


def leans_of_rays(equation: Factored, surface: SlownessSurface, tau, codes) -> list[Float[Array, "*shape"]]:
    """How far rays lean towards axes without an upwind neighbour, by central differences."""
    rays = surface.ray([_slowness_along(equation, tau, axis) for axis in range(equation.num_dims)])
    found = []
    for axis, ray in enumerate(rays):
        most = equation.weigh(axis, jnp.sqrt(_most_passing(equation, axis) * equation.squared_slowness))
        found.append(jnp.where(codes[axis] == PASSING, jnp.clip(ray, -most, most), 0))
    return found


def _slowness_along(equation: Factored, tau, axis: int) -> Float[Array, "*shape"]:
    """The derivative of times along an axis, by central differences of tau (one-sided at the edges, of second order, too)."""
    distance, gradient = equation.at_nodes()
    before, after = (neighbour(tau, axis, side, 0.0) for side in (1, -1))
    number = jax.lax.broadcasted_iota(jnp.int32, tau.shape, axis)
    inner, outer = ([neighbour(tau, axis, side, 0.0, nodes=nodes) for side in (-1, 1)] for nodes in (1, 2))
    rise = after - before
    for side, edge in enumerate((number == 0, number == tau.shape[axis] - 1)):
        rise = jnp.where(edge, (1 - 2 * side) * (4 * inner[side] - 3 * tau - outer[side]), rise)
    return tau * gradient[axis] + distance * rise / (2 * equation.spacing_km[axis])


def _most_passing(equation: Factored, axis: int) -> Float[Array, "*shape"]:
    """`MOST_PASSING`, and more beside the source, where a straight ray may lean by half a spacing."""
    apart = equation.spacing_at_nodes(axis)
    distance = equation.at_nodes()[0]
    least = MOST_PASSING if equation.surface is None else MOST_LEAN
    return jnp.maximum(least, 0.5 * (apart / jnp.where(equation.near, apart, distance)) ** 2)


def upwind(codes):
    """The codes of upwind neighbours alone."""
    return jnp.where(codes == PASSING, 0, codes).astype(codes.dtype)


def upwind_values(tau, codes, axis: int):
    """tau one and two nodes upwind along an axis; 0 where there is none."""
    codes = upwind(codes)
    before = codes[axis] > 0
    one, two = (
        jnp.where(before, *(neighbour(tau, axis, side, 0.0, nodes=n) for side in (1, -1))) for n in (1, 2)
    )
    return jnp.where(codes[axis] != 0, one, 0), jnp.where(jnp.abs(codes[axis]) > 1, two, 0)
