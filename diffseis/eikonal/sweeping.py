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

from functools import reduce

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float, Int

from diffseis.eikonal.factored import FAR_S_PER_KM, Factored, godunov
from diffseis.eikonal.planes import Plane, neighbour, sweep

FIRST_PASS_TOLERANCE = 1e-2
"""What the first pass may leave where a second follows: it only decides on which side neighbours lie."""
ROUNDING = 16
"""Units of rounding that a node's tau is known to, from those of its neighbours (measured: about 5)."""
LEAST_RISE = 0.003
"""Where a wave gains less from one node of an axis to the next, as a share of what it would gain along its ray, stencils have first order
there (judged)."""
PASSING = 4
"""The code of an axis along which a wave passes at right angles, smoothly."""
KINK = 0.2
"""Change of slowness from one cell to the next, as a share of the mean slowness, that is taken for a kink (judged)."""
MOST_PASSING = 0.05
"""Largest share that such an axis may have in the squared slowness, away from the source (judged)."""


def first_order_sweeps(equation: Factored, *, max_rounds: int, tolerance: float, final: bool = True):
    """Godunov's monotone first-order scheme: tau, rounds and what is left (relative).

    Swept until a round changes nothing any more where it is `final`; otherwise until neighbours agree, which saves that round
    but holds only roughly where two waves meet.
    """
    spacing = equation.spacing_km

    def update(plane: Plane) -> Array:
        squared, near, *weights = plane.fields
        distance, gradient = _along(equation, plane)
        # Near the source nothing is computed, and a slope may be zero.
        slopes = [jnp.where(near > 0, 1, distance / h + g) for g, h in zip(gradient, spacing, strict=True)]
        base = reduce(jnp.minimum, plane.first)
        offsets = [
            distance / h * (one - base) - g * base
            for one, g, h in zip(plane.first, gradient, spacing, strict=True)
        ]
        tau = base + godunov(*_weighed(weights, slopes, offsets), squared)
        return jnp.where(near > 0, plane.old, jnp.minimum(plane.old, tau))

    fields = [equation.squared_slowness, equation.near.astype(jnp.int8), *(equation.weights or ())]
    tau = jnp.where(equation.near, equation.near_tau, FAR_S_PER_KM)

    def one_round(tau):
        return sweep(tau, fields, update, equation.axes_km, fill=FAR_S_PER_KM)

    def wanted(tau):
        return local_update(equation, tau, stencils(equation, tau, order=1), order=1)

    return _until_converged(one_round, None if final else wanted, tau, max_rounds, tolerance)


def second_order_sweeps(equation: Factored, tau, codes, *, max_rounds: int, tolerance: float):
    """Tau of second order, the stencils it came to, rounds and what is left (relative)."""
    spacing = equation.spacing_km

    def update(plane: Plane) -> Array:
        squared, *more = plane.fields
        codes, weights = more[: equation.num_dims], more[equation.num_dims :]
        distance, gradient = _along(equation, plane)
        turned = [c.astype(distance.dtype) * s for c, s in zip(codes, plane.sign, strict=True)]
        rising = [
            _behind(equation, plane, axis, 2) * two * two <= _behind(equation, plane, axis, 1) * one * one
            for axis, (one, two) in enumerate(zip(plane.first, plane.second, strict=True))
        ]
        terms = _terms(turned, plane.first, plane.second, rising, distance, gradient, spacing, base=plane.old)
        new = plane.old + godunov(*_weighed(weights, *terms), squared)
        # A node's turn is the orientation that has all its upwind neighbours behind.
        mine = jnp.stack(turned).min(axis=0) >= 0
        some = jnp.stack(turned).max(axis=0) > 0
        return jnp.where(mine & some, new, plane.old)

    def one_round(tau, codes):
        squared = equation.squared_slowness - passing(equation, tau, codes)
        fields = [squared, *_upwind(codes), *(equation.weights or ())]
        return sweep(tau, fields, update, equation.axes_km, fill=0.0, reach=2)

    def next_round(state):
        tau, codes, rounds, _ = state
        new = one_round(tau, codes)
        fewer = _shortened(equation, new, codes)
        change = jnp.where(jnp.all(fewer == codes), jnp.max(jnp.abs(tau - new) / new), jnp.inf)
        left = jnp.max(jnp.abs(local_update(equation, new, fewer, order=2) - new) / new)
        return new, fewer, rounds + 1, jnp.minimum(change, left)

    start = (tau, _shortened(equation, tau, codes), jnp.asarray(0), jnp.asarray(jnp.inf, tau.dtype))
    unfinished = lambda s: (s[3] > tolerance) & (s[2] < max_rounds)
    return jax.lax.while_loop(unfinished, next_round, start)


def _shortened(equation: Factored, tau, codes):
    """The stencils without second neighbours that are later than the first, or hardly earlier: those of a node where the ray turns would
    come and go from round to round. None comes back, so that stencils settle."""
    time = equation.at_nodes()[0] * tau
    kept = []
    for a in range(equation.num_dims):
        one, two = upwind_values(time, codes, a)
        rises = one - two > LEAST_RISE * equation.spacing_at_nodes(a) * tau
        kept.append(jnp.where((jnp.abs(codes[a]) == 2) & ~rises, jnp.sign(codes[a]), codes[a]))
    return jnp.stack(kept).astype(codes.dtype)


def attainable(tolerance: float, equation: Factored) -> float:
    """The tolerance, or what rounding allows."""
    return max(tolerance, ROUNDING * float(jnp.finfo(equation.near_tau.dtype).eps))


def solve_sweeps(equation: Factored, *, order: int, max_rounds: int, tolerance: float):
    """tau, stencils, rounds of all passes, and whether the last has converged; without derivatives."""
    equation = jax.tree.map(stop_gradient, equation)
    tolerance = attainable(tolerance, equation)
    first = tolerance if order == 1 else max(tolerance, FIRST_PASS_TOLERANCE)
    tau, rounds, left = first_order_sweeps(equation, max_rounds=max_rounds, tolerance=first, final=order == 1)
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


def stencils(equation: Factored, tau: Float[Array, "*shape"], *, order: int) -> Int[Array, "dim *shape"]:
    """Which neighbours each node may compute its time from, axis by axis.

    0: none. 1 or -1: the one before or after it. 2 or -2: the one next to that, too, where tau is smooth. `PASSING`: none,
    but both sides tell the derivative. Only earlier nodes count, so that the graph has no cycle.
    """
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
        passes = jnp.where(_bend(distance, tau, None, axis, apart) < KINK * tau, PASSING, 0)
        code = jnp.where(first < time, side * jnp.where((second <= first) & smooth, 2, 1), passes)
        if order == 1:  # as Godunov's scheme itself chooses
            enters = [
                neighbour(tau, axis, side, FAR_S_PER_KM)
                / jnp.where(equation.near, 1, 1 + side * gradient[axis] * h / distance)
                for side in (1, -1)
            ]
            side = jnp.where(enters[0] <= enters[1], 1, -1)
            code = jnp.where(jnp.minimum(*enters) < tau, side, 0)
        codes.append(jnp.where(equation.near, 0, code).astype(jnp.int8))
    return jnp.stack(codes)


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


def _terms(codes, first, second, rising, distance, gradient, spacing, *, base):
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


def _weighed(weights, slopes, offsets):
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
    distance, gradient = equation.at_nodes()
    total = jnp.zeros_like(tau)
    for axis, h in enumerate(equation.spacing_km):
        before, after = (neighbour(tau, axis, side, 0.0) for side in (1, -1))
        number = jax.lax.broadcasted_iota(jnp.int32, tau.shape, axis)
        inner, outer = (
            [neighbour(tau, axis, side, 0.0, nodes=nodes) for side in (-1, 1)] for nodes in (1, 2)
        )
        rise = after - before
        for side, edge in enumerate((number == 0, number == tau.shape[axis] - 1)):
            rise = jnp.where(edge, (1 - 2 * side) * (4 * inner[side] - 3 * tau - outer[side]), rise)
        along = equation.weigh(axis, tau * gradient[axis] + distance * rise / (2 * h))
        apart = equation.spacing_at_nodes(axis)
        # Beside the source a straight ray may lean by half a spacing.
        most = jnp.maximum(MOST_PASSING, 0.5 * (apart / jnp.where(equation.near, apart, distance)) ** 2)
        square = jnp.minimum(along * along, most * equation.squared_slowness)
        total = total + jnp.where(codes[axis] == PASSING, square, 0)
    return total


def _upwind(codes):
    """The codes of upwind neighbours alone."""
    return jnp.where(codes == PASSING, 0, codes).astype(codes.dtype)


def upwind_values(tau, codes, axis: int):
    """tau one and two nodes upwind along an axis; 0 where there is none."""
    codes = _upwind(codes)
    before = codes[axis] > 0
    one, two = (
        jnp.where(before, *(neighbour(tau, axis, side, 0.0, nodes=n) for side in (1, -1))) for n in (1, 2)
    )
    return jnp.where(codes[axis] != 0, one, 0), jnp.where(jnp.abs(codes[axis]) > 1, two, 0)


def local_update(equation: Factored, tau, codes, *, order: int) -> Float[Array, "*shape"]:
    """Every node's tau from those of its neighbours: what the sweeps have converged to."""
    upwind = [upwind_values(tau, codes, a) for a in range(equation.num_dims)]
    new = update_from(equation, tau, codes, [u[0] for u in upwind], [u[1] for u in upwind], order=order)
    return jnp.where(equation.near, equation.near_tau, new)


def update_from(equation: Factored, tau, codes, first, second, *, order: int) -> Float[Array, "*shape"]:
    """Every node's tau from its upwind ones, given per axis, and from `passing`."""
    distance, gradient = equation.at_nodes()
    squared = equation.squared_slowness - (passing(equation, tau, codes) if order > 1 else 0)
    codes = _upwind(codes)
    sides = [jnp.sign(c).astype(tau.dtype) for c in codes]
    away = [jnp.abs(c).astype(tau.dtype) for c in codes]
    along = [s * g for s, g in zip(sides, gradient, strict=True)]
    rising = [True] * equation.num_dims
    base = stop_gradient(tau)
    terms = _terms(away, first, second, rising, distance, along, equation.spacing_km, base=base)
    new = base + godunov(*_weighed(equation.weights or (), *terms), squared)
    return jnp.where(jnp.any(codes != 0, axis=0), new, stop_gradient(tau))
