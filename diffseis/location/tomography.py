"""Travel times to speeds: the medium, station terms and hypocentres that picks ask for, and how well they are known.

References:
    Thurber (1983), Earthquake locations and three-dimensional crustal structure in the Coyote Lake area, doi:10.1029/JB088iB10p08226.
    Kissling et al. (1994), Initial reference models in local earthquake tomography, doi:10.1029/93JB03138.
    Marquardt (1963), An algorithm for least-squares estimation of nonlinear parameters, doi:10.1137/0111030.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from diffseis.core.results import RESULTS, Solution
from diffseis.location.data import EventData
from diffseis.location.linearised import Linearised, linearise
from diffseis.location.normal_equations import normal_equations
from diffseis.location.shared_solvers import AbstractSharedSolver, Dense
from diffseis.location.tomography_posterior import TomographyPosterior, laplace_posterior
from diffseis.location.tomography_problem import TomographyProblem, Unknowns

_FIRST_DAMPING = 1e-2
_LEAST_DAMPING = 1e-6
_LARGEST_DAMPING = 1e8
"""Of refused steps only: what is better than nothing has no such damping."""
_BACKTRACK = 0.25
"""What is left of a step that was refused."""
_SHORTER, _SHORT, _LONGER = 0.5, 0.7, 1.5
"""What steps become after one that was refused, that gained less than half of what it should, and that did as it should."""
_SHORTEST = 0.1
"""Of steps, in whole ones."""
_CREASE = 0.5
"""A maximum on a crease counts as found if a smooth density would rise by less: all unknowns together are one standard deviation off."""


class _Search(eqx.Module):
    """State of the search.

    Attributes:
        best: the best point yet.
        log_density: there.
        linear: derivatives there, where the solver keeps them as a matrix.
        trial: the point to look at next.
        damping: of the step that led there.
        length: of that step, in whole ones.
        decrement: log density that this step should gain.
        promised: log density that a whole step from the best point should gain.
        start: log density at the first point.
    """

    best: Unknowns
    log_density: Float[Array, ""]
    linear: Linearised | None
    trial: Unknowns
    damping: Float[Array, ""]
    length: Float[Array, ""]
    decrement: Float[Array, ""]
    promised: Float[Array, ""]
    start: Float[Array, ""]
    step_idx: Int[Array, ""]
    converged: Bool[Array, ""]


def invert_travel_times(
    problem: TomographyProblem,
    data: EventData,
    solver: AbstractSharedSolver | None = None,
    *,
    max_steps: int = 100,
    tolerance: float = 1e-3,
    throw: bool = True,
) -> Solution[TomographyPosterior]:
    """The medium that picks of many events ask for, jointly with their hypocentres.

    Levenberg-Marquardt steps on the log posterior density, which never falls; then Laplace's approximation.

    Args:
        problem: medium, prior, law of residuals, start.
        data: picks, ``"event pick"``; times after the events' reference times, as those of `problem.start`.
        solver: of the normal equations; `Dense()` by default, `ConjugateGradients()` for many unknowns.
        max_steps: largest number of steps, refused ones included.
        tolerance: log units of density that a further step would gain, at which to stop; or that the last one gained, where a further one
            could not gain half a unit.
        throw: raise unless successful.

    Returns:
        `Solution` of a `TomographyPosterior`; ``stats`` has `num_steps`, `log_density` and `log_density_start`, and `decrement`, what a
        further step would have gained. Without any pick the value is the prior, the result `no_data`.

    Example:
        ``invert_travel_times(TomographyProblem(LayeredMedium(prior, depth_km), start), data).value.speed_km_s``
    """
    if max_steps < 1:
        raise ValueError(f"`max_steps` must be >= 1, got {max_steps}")
    events = problem.start.origin_time_s.shape[0]
    if data.mask.ndim != 2 or data.mask.shape[0] != events:
        raise ValueError(
            f"`data` must hold the picks of {events} events (the start's), got a mask of shape {data.mask.shape}"
        )
    data = jax.tree.map(jnp.asarray, data)
    value, stats, code = _invert(
        problem, data, Dense() if solver is None else solver, max_steps, jnp.asarray(tolerance, float)
    )
    if throw:
        value = code.error_if(value, code != RESULTS.successful)
    return Solution(value=value, result=code, stats=stats)


@eqx.filter_jit
def _invert(
    problem: TomographyProblem, data: EventData, solver: AbstractSharedSolver, max_steps: int, tolerance
):
    start = problem.at_prior()
    dtype = start.shared.dtype
    look = lambda unknowns: linearise(problem, unknowns, data, batch_size=solver.columns_at_once)
    infinity = jnp.asarray(jnp.inf, dtype)
    nothing = _nothing_known(look, start)
    first = _Search(
        best=start,
        log_density=-infinity,
        linear=nothing if nothing.products is None else None,
        trial=start,
        damping=jnp.asarray(_FIRST_DAMPING, dtype),
        length=jnp.ones((), dtype),
        decrement=infinity,
        promised=infinity,
        start=-infinity,
        step_idx=jnp.asarray(0),
        converged=jnp.asarray(False),
    )
    step = lambda state: _step(look, solver, tolerance.astype(dtype), state)
    going = lambda s: ~s.converged & (s.step_idx < max_steps) & (s.damping < _LARGEST_DAMPING)
    last = jax.lax.while_loop(going, step, first)
    linear = look(last.best) if last.linear is None else last.linear
    value = laplace_posterior(problem, data, solver, last.best, linear)
    code = RESULTS.where(last.converged, RESULTS.successful, RESULTS.max_steps_reached)
    code = RESULTS.where(jnp.isfinite(last.log_density), code, RESULTS.non_finite)
    code = RESULTS.where(jnp.any(data.mask), code, RESULTS.no_data)
    stats = {
        "num_steps": last.step_idx,
        "log_density_start": last.start,
        "log_density": last.log_density,
        "decrement": last.promised,
    }
    return value, stats, code


def _nothing_known(look, start: Unknowns) -> Linearised:
    """Zeros in the shapes of what a look will tell."""
    return jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), eqx.filter_eval_shape(look, start))


def _step(look, solver: AbstractSharedSolver, tolerance, state: _Search) -> _Search:
    """Looks at the trial point; from there a Gauss-Newton step, or back towards the best point where it is no better.

    The trial's derivatives are found before it is known whether it is any good. They seldom are in vain, and a separate look would
    double what is compiled.
    """
    linear = look(state.trial)
    density = linear.log_density
    # A sum of thousands of terms is not known better than its rounding.
    rounding = 8 * jnp.finfo(density.dtype).eps * jnp.abs(density)
    gained = density - state.log_density
    better = gained >= -rounding
    good = gained >= 0.5 * state.decrement - rounding
    # First arrivals change from one ray to another: a step that gains less than it should is no reason to go on slowly.
    damping = state.damping * jnp.where(better, jnp.where(good, 0.1, 0.4), 4.0).astype(density.dtype)
    damping = jnp.maximum(damping, _LEAST_DAMPING)
    equations = normal_equations(linear, state.trial, damping)
    move, expected = equations.whole_step(solver.step(equations))
    # On a crease every event sees the curvature of one side only: whole steps leap over the maximum again and again.
    change = jnp.where(better, jnp.where(good, _LONGER, _SHORT), _SHORTER).astype(density.dtype)
    length = jnp.clip(state.length * change, _SHORTEST, 1)
    onwards = jax.tree.map(lambda t, m: t + length * m, state.trial, move)
    back = jax.tree.map(lambda b, t: b + _BACKTRACK * (t - b), state.best, state.trial)
    choose = lambda new, old: jax.tree.map(lambda n, o: jnp.where(better, n, o), new, old)
    # Damping shortens a step, so only one that was hardly damped tells how far the maximum is.
    least = jnp.maximum(tolerance, rounding)
    whole = better & (damping <= 1)
    settled = whole & (expected < least)
    stalled = whole & (gained < least) & (expected < _CREASE)
    promised = jnp.where(better, expected, state.promised)
    # Where first arrivals change from ray to ray the density has creases, on which nothing is gained any more by steps however short.
    left = state.decrement * _BACKTRACK
    creased = ~better & (left < tolerance) & (promised < _CREASE)
    return _Search(
        best=choose(state.trial, state.best),
        log_density=jnp.where(better, density, state.log_density),
        linear=None if state.linear is None else choose(linear, state.linear),
        trial=choose(onwards, back),
        damping=damping,
        length=length,
        decrement=jnp.where(better, length * (2 - length) * expected, left),
        promised=promised,
        start=jnp.where(state.step_idx == 0, density, state.start),
        step_idx=state.step_idx + 1,
        converged=settled | stalled | creased,
    )
