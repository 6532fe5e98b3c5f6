"""Derivatives of the swept solution by the implicit function theorem.

At convergence ``tau = U(tau, equation)`` with the stencils frozen, so that ``(I - dU/dtau) dtau = dU``: one
linear system, for reverse mode its transpose. The matrix comes from differentiating U; what solves it is the
causal graph, along which a linear Gauss-Seidel sweep is direct except for the few terms that the forward
sweeps, too, take from the last round. Which neighbour a wave comes from is never differentiated.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from diffseis.eikonal.factored import Factored
from diffseis.eikonal.local import PASSING, local_update, update_from, upwind_values
from diffseis.eikonal.planes import Plane, sweep
from diffseis.eikonal.sweeping import ROUNDING, attainable, solve_sweeps


@partial(jax.custom_jvp, nondiff_argnums=(1, 2, 3))
def solve_implicit(equation: Factored, order: int, max_rounds: int, tolerance: float):
    """`sweeping.solve_sweeps`, differentiable in the equation, any number of times and in both directions."""
    return solve_sweeps(equation, order=order, max_rounds=max_rounds, tolerance=tolerance)


@solve_implicit.defjvp
def _solve_implicit_jvp(order, max_rounds, tolerance, primals, tangents):
    (equation,), (moved,) = primals, tangents
    tau, codes, rounds, converged = solve_implicit(equation, order, max_rounds, tolerance)
    _, known = jax.jvp(lambda e: local_update(e, tau, codes, order=order), (equation,), (moved,))
    tangent = linear_solve(
        equation, tau, codes, known, order=order, max_rounds=max_rounds, tolerance=tolerance
    )
    none = [np.zeros(np.shape(x), jax.dtypes.float0) for x in (codes, rounds, converged)]
    return (tau, codes, rounds, converged), (tangent, *none)


def linear_solve(
    equation: Factored,
    tau,
    codes,
    rhs: Float[Array, "*shape"],
    *,
    order: int,
    max_rounds: int,
    tolerance: float,
) -> Float[Array, "*shape"]:
    """``(I - dU/dtau)^-1 rhs``; differentiable in the equation, tau and `rhs`. NaN where it did not converge."""
    tolerance = attainable(tolerance, equation)

    def matrix(x):
        return x - jax.jvp(lambda t: local_update(equation, t, codes, order=order), (tau,), (x,))[1]

    weights, own = _graph(*jax.tree.map(stop_gradient, (equation, tau, codes)), order=order)

    def solver(causal):
        def solve(apply, b):
            size = lambda y: jnp.max(jnp.abs(y))
            wanted = tolerance * size(b)
            # Sums along the graph are larger than what is summed, and so is their rounding.
            rounding = lambda x: ROUNDING * jnp.finfo(b.dtype).eps * size(x)

            def one_round(state):
                x, left, before, rounds = state
                before = size(left)
                x = x + causal(left)
                return x, b - apply(x), before, rounds + 1

            def unfinished(state):
                x, left, before, rounds = state
                as_exact_as_can_be = (size(left) > 0.5 * before) & (size(left) <= rounding(x))
                return (size(left) > wanted) & ~as_exact_as_can_be & (rounds < max_rounds)

            start = (jnp.zeros_like(b), b, jnp.full((), jnp.inf, b.dtype), jnp.asarray(0))
            x, left, *_ = jax.lax.while_loop(unfinished, one_round, start)
            return jnp.where(size(left) <= jnp.maximum(wanted, rounding(x)), x, jnp.nan)

        return solve

    along = partial(_along, weights=weights, own=own, axes_km=stop_gradient(equation.axes_km))
    return jax.lax.custom_linear_solve(
        matrix,
        rhs,
        solver(along),
        solver(partial(along, transposed=True)),
    )


def _graph(equation: Factored, tau, codes, *, order: int):
    """Derivatives of each node's tau with respect to its upwind ones (first and second, per axis), and the
    orientation in which each node has its turn (-1: prescribed)."""
    upwind = [upwind_values(tau, codes, a) for a in range(equation.num_dims)]
    update = lambda first, second: update_from(equation, tau, codes, first, second, order=order)
    _, pullback = jax.vjp(update, [u[0] for u in upwind], [u[1] for u in upwind])
    regular = ~equation.near & jnp.any((codes != 0) & (codes != PASSING), axis=0)
    weights = [
        jnp.where(regular, w, 0) for pair in zip(*pullback(jnp.ones_like(tau)), strict=True) for w in pair
    ]
    num = equation.num_dims
    # The number of an orientation has a bit for every axis, the first the highest.
    own = sum((codes[a] < 0).astype(jnp.int8) * np.int8(2 ** (num - 1 - a)) for a in range(num))
    return weights, jnp.where(regular, own, -1).astype(jnp.int8)


def _along(rhs: Float[Array, "*shape"], *, weights, own, axes_km, transposed: bool = False):
    """The linear Gauss-Seidel along the graph, once through all orientations: the inverse, but for edges that lead
    from an orientation to an earlier one. Transposed: exactly its transpose."""
    num = rhs.ndim
    if not transposed:

        def update(plane: Plane) -> Array:
            *weights, own, rhs = plane.fields
            upwind = [x for pair in zip(plane.first, plane.second, strict=True) for x in pair]
            value = rhs + sum(w * x for w, x in zip(weights, upwind, strict=True))
            return jnp.where(own == plane.turn, value, plane.old)

        start = jnp.where(own < 0, rhs, 0)
        return sweep(start, [*weights, own, rhs], update, axes_km, fill=0.0, reach=2)

    def gather(plane: Plane) -> Array:
        *_, own = plane.fields
        value = plane.old + sum(plane.first) + sum(plane.second)
        return jnp.where(own <= plane.turn, value, plane.old)

    def hand_on(new, plane: Plane):
        *weights, own = plane.fields
        mine = jnp.where(own == plane.turn, new, 0)
        return [weights[2 * a] * mine for a in range(num)], [weights[2 * a + 1] * mine for a in range(num)]

    return sweep(rhs, [*weights, own], gather, axes_km, fill=0.0, reach=2, hand_on=hand_on, backwards=True)
