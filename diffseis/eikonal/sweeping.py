"""Factored fast sweeping: a first-order monotone pass finds where waves come from, a second-order pass follows them.

The first pass is Godunov's scheme. From its times each node learns on which side of each axis its upwind
neighbours lie and whether the next but one may be used. With that frozen, the second-order equations form a
directed graph without cycles: Gauss-Seidel along it is direct. Two things it cannot hold exactly, the
derivative along axes without an upwind neighbour (a wave that passes at right angles), taken from the last
round by a central difference, and paths that turn from one octant to another, converge in a few rounds.

References:
    Fomel, Luo & Zhao (2009), Fast sweeping method for the factored eikonal equation,
    doi:10.1016/j.jcp.2009.05.029. Treister & Haber (2016), A fast marching algorithm for the factored eikonal
    equation, doi:10.1016/j.jcp.2016.08.012. Zhao (2005), A fast sweeping method for eikonal equations,
    doi:10.1090/S0025-5718-04-01678-3.
"""

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array

from diffseis.eikonal.factored import FAR_S_PER_KM, Factored, godunov
from diffseis.eikonal.local import (
    first_order_terms,
    leans_of_rays,
    local_update,
    passing,
    upwind,
    upwind_terms,
    weighed,
)
from diffseis.eikonal.planes import Plane, sweep
from diffseis.eikonal.simplices import first_arrival, from_neighbours
from diffseis.eikonal.stencils import shortened, stencils

FIRST_PASS_TOLERANCE = 1e-2
"""What the first pass may leave where a second follows: it only decides on which side neighbours lie."""
RELAXATION = 0.96
"""How far what rounds take from the last one follows it. What is left changes sign from round to round in smooth media, by a factor of -0.03
to -0.12 (measured), so that a little less makes it smaller."""
ROUNDING = 16
"""Units of rounding that a node's tau is known to, from those of its neighbours (measured: about 5)."""


def first_order_sweeps(equation: Factored, *, max_rounds: int, tolerance: float, final: bool = True):
    """Godunov's monotone first-order scheme: tau, rounds and what is left (relative).

    Swept until a round changes nothing any more where it is `final`; otherwise until neighbours agree, which saves that round
    but holds only roughly where two waves meet.
    """

    def update(plane: Plane) -> Array:
        squared, near, *more = plane.fields
        distance, gradient = _along(equation, plane)
        base, slopes, offsets = first_order_terms(equation, near > 0, plane.first, distance, gradient)
        if equation.surface is None:
            rise = godunov(*weighed(more, slopes, offsets), squared)
        else:
            surface = jax.tree.unflatten(jax.tree.structure(equation.surface), more)
            rise, _ = first_arrival(surface, list(plane.sign), slopes, offsets, far=FAR_S_PER_KM)
        return jnp.where(near > 0, plane.old, jnp.minimum(plane.old, base + rise))

    more = (equation.weights or ()) if equation.surface is None else jax.tree.leaves(equation.surface)
    fields = [equation.squared_slowness, equation.near.astype(jnp.int8), *more]
    tau = jnp.where(equation.near, equation.near_tau, FAR_S_PER_KM)

    def one_round(tau):
        return sweep(tau, fields, update, equation.axes_km, fill=FAR_S_PER_KM)

    def wanted(tau):
        return local_update(equation, tau, stencils(equation, tau, order=1), order=1)

    return _until_converged(one_round, None if final else wanted, tau, max_rounds, tolerance)


def second_order_sweeps(equation: Factored, tau, codes, *, max_rounds: int, tolerance: float):
    """Tau of second order, the stencils it came to, rounds and what is left (relative)."""
    spacing, num = equation.spacing_km, equation.num_dims

    def update(plane: Plane) -> Array:
        squared, codes, more = plane.fields[0], plane.fields[1 : 1 + num], plane.fields[1 + num :]
        distance, gradient = _along(equation, plane)
        turned = [c.astype(distance.dtype) * s for c, s in zip(codes, plane.sign, strict=True)]
        rising = [
            equation.surface is not None or _rises(equation, plane, axis, one, two, distance)
            for axis, (one, two) in enumerate(zip(plane.first, plane.second, strict=True))
        ]
        terms = upwind_terms(
            turned, plane.first, plane.second, rising, distance, gradient, spacing, base=plane.old
        )
        if equation.surface is None:
            rise = godunov(*weighed(more, *terms), squared)
        else:
            surface = jax.tree.unflatten(jax.tree.structure(equation.surface), more[num:])
            rise = from_neighbours(surface, turned, list(plane.sign), *terms, more[:num])
        new = plane.old + rise
        # A node's turn is the orientation that has all its upwind neighbours behind.
        mine = jnp.stack(turned).min(axis=0) >= 0
        some = jnp.stack(turned).max(axis=0) > 0
        return jnp.where(mine & some, new, plane.old)

    def one_round(tau, lagged, codes):
        if equation.surface is None:
            squared, more = (
                equation.squared_slowness - passing(equation, lagged, codes),
                equation.weights or (),
            )
        else:
            squared = equation.squared_slowness
            more = [
                *leans_of_rays(equation, equation.surface, lagged, codes),
                *jax.tree.leaves(equation.surface),
            ]
        fields = [squared, *upwind(codes), *more]
        return sweep(tau, fields, update, equation.axes_km, fill=0.0, reach=2)

    def next_round(state):
        tau, lagged, codes, rounds, _ = state
        new = one_round(tau, lagged, codes)
        lagged = jnp.where(rounds == 0, new, lagged + RELAXATION * (new - lagged))
        fewer = shortened(equation, new, codes)
        change = jnp.where(jnp.all(fewer == codes), jnp.max(jnp.abs(tau - new) / new), jnp.inf)
        left = jnp.max(jnp.abs(local_update(equation, new, fewer, order=2) - new) / new)
        return new, lagged, fewer, rounds + 1, jnp.minimum(change, left)

    start = (tau, tau, shortened(equation, tau, codes), jnp.asarray(0), jnp.asarray(jnp.inf, tau.dtype))
    unfinished = lambda s: (s[4] > tolerance) & (s[3] < max_rounds)
    tau, _, codes, rounds, left = jax.lax.while_loop(unfinished, next_round, start)
    return tau, codes, rounds, left


def attainable(tolerance: float, equation: Factored) -> float:
    """The tolerance, or what rounding allows."""
    return max(tolerance, ROUNDING * float(jnp.finfo(equation.near_tau.dtype).eps))


def solve_sweeps(equation: Factored, *, order: int, max_rounds: int, tolerance: float):
    """tau, stencils, rounds of all passes, and whether the last has converged; without derivatives."""
    equation = jax.tree.map(stop_gradient, equation)
    tolerance = attainable(tolerance, equation)
    first = tolerance if order == 1 else max(tolerance, FIRST_PASS_TOLERANCE)
    final = order == 1 or equation.surface is not None
    tau, rounds, left = first_order_sweeps(equation, max_rounds=max_rounds, tolerance=first, final=final)
    codes = stencils(equation, tau, order=order)
    if order == 1:
        return tau, codes, rounds, left <= tolerance
    tau, codes, more, left = second_order_sweeps(
        equation, tau, codes, max_rounds=max_rounds, tolerance=tolerance
    )
    return tau, codes, rounds + more, left <= tolerance


def _along(equation: Factored, plane: Plane):
    """T0 on a plane, and its derivatives in the direction of the sweep."""
    position = [s * x for s, x in zip(plane.sign, plane.position_km, strict=True)]
    distance, gradient = equation.distance(position)
    return distance, [s * g for s, g in zip(plane.sign, gradient, strict=True)]


def _rises(equation: Factored, plane: Plane, axis: int, one, two, distance):
    """Where the second node behind is earlier than the first; beside the source (`Factored.beside_source`), than the node itself."""
    beside = equation.is_beside(axis, plane.sign[axis] * plane.position_km[axis])
    second = _behind(equation, plane, axis, 2) * two * two
    return jnp.where(
        beside,
        second < (distance * plane.old) ** 2,
        second <= _behind(equation, plane, axis, 1) * one * one,
    )


def _behind(equation: Factored, plane: Plane, axis: int, nodes: int):
    """Square of T0 some nodes behind a plane along an axis."""
    position = list(plane.position_km)
    position[axis] = position[axis] - nodes * equation.spacing_km[axis]
    return equation.squared_distance([s * x for s, x in zip(plane.sign, position, strict=True)])


def _until_converged(one_round, wanted, tau, max_rounds: int, tolerance: float):
    """Rounds until every node has what its neighbours want it to have, or, where that is not given, what it had before:
    tau, rounds, the largest relative difference."""

    def next_round(state):
        tau, rounds, _ = state
        new = one_round(tau)
        other = tau if wanted is None else wanted(new)
        return new, rounds + 1, jnp.max(jnp.abs(other - new) / new)

    start = (tau, jnp.asarray(0), jnp.asarray(jnp.inf, tau.dtype))
    return jax.lax.while_loop(lambda s: (s[2] > tolerance) & (s[1] < max_rounds), next_round, start)
