"""From which neighbours the time at a node comes, axis by axis."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from diffseis.eikonal.factored import FAR_S_PER_KM, Factored
from diffseis.eikonal.local import PASSING, first_order_terms, upwind_values
from diffseis.eikonal.planes import neighbour, orientations
from diffseis.eikonal.simplices import first_arrival
from diffseis.eikonal.slowness_surface import SlownessSurface

LEAST_RISE = 0.003
"""Where a wave gains less from one node of an axis to the next, as a share of what it would gain along its ray, stencils have first order
there (judged)."""
KINK = 0.2
"""Change of slowness from one cell to the next, as a share of the mean slowness, that is taken for a kink (judged)."""


def stencils(equation: Factored, tau: Float[Array, "*shape"], *, order: int) -> Int[Array, "dim *shape"]:
    """Which neighbours each node may compute its time from, axis by axis.

    0: none. 1 or -1: the one before or after it. 2 or -2: the one next to that, too, where tau is smooth. `PASSING`: none,
    but both sides tell the derivative (at an edge of the grid only beside the source). Only earlier nodes count, so that the graph has no cycle.
    """
    if equation.surface is not None:
        return _stencils_of_rays(equation, equation.surface, tau)
    distance, gradient = equation.at_nodes()
    time = distance * tau
    codes = []
    for axis, h in enumerate(equation.spacing_km):
        near = [neighbour(time, axis, side, jnp.inf) for side in (1, -1)]
        next_but_one = [neighbour(time, axis, side, jnp.inf, nodes=2) for side in (1, -1)]
        before = near[0] <= near[1]
        side = jnp.where(before, 1, -1)
        first, second = (jnp.where(before, *v) for v in (near, next_but_one))
        apart = equation.spacing_at_nodes(axis)
        smooth = _bend(distance, tau, before, axis, apart) < KINK * tau
        beside = equation.beside_source(axis)
        inner = beside | ~_at_edge(tau, axis)
        passes = jnp.where(inner & (_bend(distance, tau, None, axis, apart) < KINK * tau), PASSING, 0)
        rises = jnp.where(beside, second < time, second <= first)
        code = jnp.where(first < time, side * jnp.where(rises & smooth, 2, 1), passes)
        if order == 1:  # as Godunov's scheme itself chooses
            # Of the two sides the one along which time rises more: with it the node's tau is the smaller.
            ratio = distance / h
            rises = [
                (ratio + side * gradient[axis]) * tau - ratio * neighbour(tau, axis, side, FAR_S_PER_KM)
                for side in (1, -1)
            ]
            code = jnp.where(jnp.maximum(*rises) > 0, jnp.where(rises[0] >= rises[1], 1, -1), 0)
        codes.append(jnp.where(equation.near, 0, code).astype(jnp.int8))
    return jnp.stack(codes)


def _at_edge(tau, axis: int):
    """The first and last nodes along an axis. Where no ray comes from inside, those that would come from outside are missing, and
    waves go along the edge."""
    number = jax.lax.broadcasted_iota(jnp.int32, tau.shape, axis)
    return (number == 0) | (number == tau.shape[axis] - 1)


def _stencils_of_rays(
    equation: Factored, surface: SlownessSurface, tau: Float[Array, "*shape"]
) -> Int[Array, "dim *shape"]:
    """The same where the earlier neighbour need not be the one that the wave comes from."""
    distance, gradient = equation.at_nodes()
    best = jnp.full_like(tau, jnp.inf)
    rays = [jnp.zeros_like(tau)] * equation.num_dims
    for signs in orientations(equation.num_dims):
        ahead = [neighbour(tau, a, int(s), FAR_S_PER_KM) for a, s in enumerate(signs)]
        turned = [int(s) * g for s, g in zip(signs, gradient, strict=True)]
        base, slopes, offsets = first_order_terms(equation, equation.near, ahead, distance, turned)
        side = [jnp.full(tau.shape, int(s), tau.dtype) for s in signs]
        rise, ahead = first_arrival(surface, side, slopes, offsets, far=FAR_S_PER_KM)
        better = base + rise < best
        best = jnp.where(better, base + rise, best)
        rays = [jnp.where(better, s * one, old) for s, one, old in zip(side, ahead, rays, strict=True)]
    codes = []
    for axis, ray in enumerate(rays):
        side = _settled(ray, distance * tau, axis)
        apart = equation.spacing_at_nodes(axis)
        smooth = _bend(distance, tau, side > 0, axis, apart) < KINK * tau
        passes = jnp.where(_bend(distance, tau, None, axis, apart) < KINK * tau, PASSING, 0)
        code = jnp.where(side != 0, side * jnp.where(smooth, 2, 1), passes)
        codes.append(jnp.where(equation.near, 0, code).astype(jnp.int8))
    return jnp.stack(codes)


def _settled(ray, time, axis: int):
    """From which side (-1, 0, 1) nodes are reached along an axis, so that no two of them wait for each other and none stands between two waves
    that meet."""
    side = jnp.sign(ray).astype(jnp.int8)
    before, after = (neighbour(ray, axis, s, 0.0) for s in (1, -1))
    parting = ((ray > 0) & (before < 0) & (ray <= -before)) | ((ray < 0) & (after > 0) & (-ray < after))
    earlier = neighbour(time, axis, 1, jnp.inf) <= neighbour(time, axis, -1, jnp.inf)
    between = (ray == 0) & (before > 0) & (after < 0)
    return jnp.where(parting, 0, jnp.where(between, jnp.where(earlier, 1, -1), side)).astype(jnp.int8)


def _bend(distance, tau, before, axis: int, h):
    """Change of the derivative along an axis, upwind (`before`: on which side; infinite where there are not two nodes) or
    about the node, at an edge of the grid about its neighbour."""
    lower, upper = (neighbour(tau, axis, side, jnp.inf) for side in (1, -1))
    if before is None:
        second = upper - 2 * tau + lower
        inner = [neighbour(second, axis, side, jnp.inf) for side in (-1, 1)]
        second = jnp.where(jnp.isinf(lower), inner[0], jnp.where(jnp.isinf(upper), inner[1], second))
    else:
        one = jnp.where(before, lower, upper)
        two = jnp.where(before, *(neighbour(tau, axis, side, jnp.inf, nodes=2) for side in (1, -1)))
        second = tau - 2 * one + two
    bend = jnp.abs(distance / h * second)
    return jnp.where(jnp.isnan(bend), jnp.inf, bend)


def shortened(equation: Factored, tau, codes):
    """The stencils without second neighbours that are later than the first, or hardly earlier: those of a node where the ray turns would
    come and go from round to round. None comes back, so that stencils settle."""
    if equation.surface is not None:
        return codes
    time = equation.at_nodes()[0] * tau
    kept = []
    for a in range(equation.num_dims):
        one, two = upwind_values(time, codes, a)
        later = jnp.where(equation.beside_source(a), time, one)
        rises = later - two > LEAST_RISE * equation.spacing_at_nodes(a) * tau
        kept.append(jnp.where((jnp.abs(codes[a]) == 2) & ~rises, jnp.sign(codes[a]), codes[a]))
    return jnp.stack(kept).astype(codes.dtype)
