"""Fitting ground-motion models with random effects of events and of sites, by their joint likelihood.

ln Y = f(theta) + tau b_event + phi_s2s s_site + phi_ss w, with b, s and w standard normal. Both effects are integrated out exactly and at once, crossed as they are (an event is recorded at many sites, a site records many events): no alternation, no two steps. ln tau and ln phi_ss may vary linearly with columns of events and of records, such as magnitude.

References:
    Bates & DebRoy (2004), Linear mixed models and penalized least squares, doi:10.1016/j.jmva.2004.04.013.
    Abrahamson & Youngs (1992), Bulletin of the Seismological Society of America 82, 505-510.
    Stafford (2014), Crossed and nested mixed-effects approaches, doi:10.1785/0120130145.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int, PyTree

from diffseis.core.results import RESULTS, Solution
from diffseis.groundmotion.crossed import (
    Deviations,
    Slopes,
    normal_equations,
    own_variances,
    scaled_effects,
)
from diffseis.groundmotion.mixed_problem import MixedProblem, as_columns

MeanFunction = Callable[[PyTree], Float[Array, " record"]]
"""ln of the medians of all records, by the parameters."""

_NORMAL_95 = 1.959963984540054


class Effects(eqx.Module):
    """Terms in ln, and what is not known of them: their standard deviations given the records, with that of the fixed part in them."""

    event: Float[Array, " event"]
    event_sd: Float[Array, " event"]
    site: Float[Array, " site"]
    site_sd: Float[Array, " site"]


class MixedFit(eqx.Module):
    """A fitted model.

    Attributes:
        theta: parameters of the mean.
        theta_covariance: of their flattened values.
        deviations: found; where they vary, those where all columns are 0.
        low, high: limits of 95 % of `tau`, `phi_s2s`, `phi_ss`.
        slopes: by which they vary, if they do.
        effects: of events and sites.
        log_likelihood: at the found values (restricted, if that was asked for; with that of the priors).
    """

    theta: PyTree
    theta_covariance: Float[Array, "parameter parameter"]
    deviations: Deviations
    low: Float[Array, "3"]
    high: Float[Array, "3"]
    slopes: Slopes
    effects: Effects
    log_likelihood: Float[Array, ""]


def fit_mixed_effects(
    mean: MeanFunction,
    log_observed: Float[Array, " record"],
    theta: PyTree,
    *,
    event: Int[Array, " record"],
    site: Int[Array, " record"],
    num_events: int,
    num_sites: int,
    start: Deviations | None = None,
    prior_precision: PyTree | None = None,
    tau_columns: Float[Array, "event event_column"] | None = None,
    phi_ss_columns: Float[Array, "record record_column"] | None = None,
    slope_precision: float = 0.0,
    site_effects: bool = True,
    restricted: bool = True,
    rtol: float = 1e-9,
    max_steps: int = 100,
    throw: bool = True,
) -> Solution:
    """Fit the parameters of a mean and all deviations together.

    Each step is one of Gauss & Newton's for the parameters (exact where the mean is linear) and one of Newton's for the logarithms of the deviations, halved until the likelihood grows. The two hardly depend on each other.

    Args:
        mean: ln of the medians of the records, differentiable by its parameters. A module that holds the predictors is compiled once for all; a function that closes over them is compiled anew with each.
        log_observed: natural logarithms of the records.
        theta: where to start.
        event, site: whose each record is, from 0.
        num_events, num_sites: of them.
        start: deviations to start from; half of the residuals' spread each by default.
        prior_precision: like `theta`: of a normal prior about 0 for each parameter; none by default. With it the fit is the most probable one, and the restricted likelihood Laplace's approximation of the evidence.
        tau_columns: of each event: ln tau varies linearly with them. Centre them, and let one unit be of the order of their spread.
        phi_ss_columns: of each record: likewise of ln phi_ss.
        slope_precision: of a normal prior about 0 of every slope; none by default.
        site_effects: whether sites have terms of their own.
        restricted: restricted likelihood (REML), which does not make deviations too small for the parameters that were fitted; for means that are not linear, by their derivatives at the parameters.
        rtol: of the log likelihood between two steps, at which they end; deviations then change by less than its root.
        max_steps: at most.
        throw: whether not to get there is an error.

    Returns:
        A `MixedFit`; `stats` has the steps.

    Raises:
        ValueError: if there are fewer than two events, as few records as parameters, or a column is not finite or the same for all.
    """
    flat = ravel_pytree(theta)[0]
    size = flat.shape[0]
    prior = jnp.zeros_like(flat) if prior_precision is None else ravel_pytree(prior_precision)[0]
    if num_events < 2 or (prior_precision is None and log_observed.shape[0] <= size + 2):
        raise ValueError(
            f"{log_observed.shape[0]} records of {num_events} events cannot determine {size} parameters and the deviations"
        )
    problem = MixedProblem(
        mean,
        log_observed,
        event,
        site,
        prior,
        as_columns("tau_columns", tau_columns, num_events, flat.dtype),
        as_columns("phi_ss_columns", phi_ss_columns, log_observed.shape[0], flat.dtype),
        jnp.asarray(slope_precision, flat.dtype),
        num_events,
        num_sites,
        site_effects,
        restricted,
    )
    fit, steps, settled = _fit(problem, theta, start, jnp.asarray(rtol, float), max_steps)
    told = (fit.log_likelihood, fit.high, fit.slopes)
    finite = all(bool(jnp.all(jnp.isfinite(x))) for x in jax.tree.leaves(told))
    result = RESULTS.successful if bool(settled) else RESULTS.max_steps_reached
    result = result if finite else RESULTS.non_finite
    if throw and result != RESULTS.successful:
        raise RuntimeError(RESULTS[result])
    return Solution(value=fit, result=result, stats={"steps": int(steps)})


@eqx.filter_jit
def _fit(
    problem: MixedProblem, theta: PyTree, start: Deviations | None, rtol: Float[Array, ""], max_steps: int
):
    flat, unravel = ravel_pytree(theta)
    mean = lambda x: problem.mean(unravel(x))
    least = _least(problem, mean(flat))

    def step(state):
        flat, logs, loss, steps, _ = state
        deviations, design = problem.deviations(logs), jax.jacfwd(mean)(flat)
        solved = problem.covariance_solve(deviations, design)
        pull = solved.T @ (problem.log_observed - mean(flat)) - problem.prior * flat
        move = jnp.linalg.solve(design.T @ solved + jnp.diag(problem.prior), pull)
        loss_at = lambda x, logs: problem.loss(x, problem.log_observed - mean(x), design, logs)
        at = lambda size: loss_at(flat + size * move, logs)
        flat = flat + _halved(at, at(jnp.zeros_like(loss))) * move
        design = jax.jacfwd(mean)(flat)
        of_logs = lambda x: problem.loss(flat, problem.log_observed - mean(flat), design, x)
        before, turn = of_logs(logs), _newton(of_logs, logs)
        along = lambda size: of_logs(jnp.maximum(logs + size * turn, least))
        moved = jnp.maximum(logs + _halved(along, before) * turn, least)
        after = of_logs(moved)
        still = jnp.abs(loss - after) < rtol * (1 + jnp.abs(after))
        still = still & (jnp.max(jnp.abs(moved - logs)) < jnp.sqrt(rtol))
        return flat, moved, after, steps + 1, still

    going = lambda state: (state[3] < max_steps) & ~state[4]
    logs = _first(problem, mean(flat), start)
    state = (flat, logs, jnp.asarray(jnp.inf, flat.dtype), 0, jnp.asarray(False))
    flat, logs, _, steps, settled = jax.lax.while_loop(going, step, state)
    return _described(problem, mean, unravel, flat, logs), steps, settled


def _least(problem: MixedProblem, mean):
    """Deviations do not become smaller than this: the logarithm of one that is 0 has no end. Slopes have no such limit."""
    level = jnp.log(1e-4 * jnp.std(problem.log_observed - mean))
    free = jnp.full_like(_no_slopes(problem), -jnp.inf)
    return jnp.concatenate([jnp.broadcast_to(level, (problem.num_levels,)), free])


def _no_slopes(problem: MixedProblem):
    num = problem.tau_columns.shape[1] + problem.phi_ss_columns.shape[1]
    return jnp.zeros(num, problem.log_observed.dtype)


def _first(problem: MixedProblem, mean, start: Deviations | None):
    half = jnp.std(problem.log_observed - mean) / 2
    first = Deviations(half, half, half) if start is None else start
    levels = jnp.log(jnp.stack([first.tau, first.phi_ss] + [first.phi_s2s] * problem.site_effects))
    return jnp.concatenate([levels, _no_slopes(problem)])


def _newton(loss, logs):
    """A step downhill: Newton's, with the curvature made positive, no deviation changed by more than a factor of e."""
    slope, curvature = jax.grad(loss)(logs), jax.hessian(loss)(logs)
    value, vector = jnp.linalg.eigh(curvature)
    safe_value = jnp.maximum(jnp.abs(value), 1e-3 * (1 + jnp.max(jnp.abs(value))))
    move = -(vector @ ((vector.T @ slope) / safe_value))
    return move / jnp.maximum(jnp.max(jnp.abs(move)), 1)


def _halved(loss_at, before):
    """The first of 1, 1/2, 1/4 ... of a step that does not make the loss worse; nothing after 20."""
    worse = lambda size: ~(loss_at(size) <= before) & (size > 1e-6)
    one = jnp.ones_like(before)
    size = jax.lax.while_loop(worse, lambda size: size / 2, one)
    return jnp.where(size > 1e-6, size, 0)


def _described(problem: MixedProblem, mean, unravel, flat, logs) -> MixedFit:
    deviations, design = problem.deviations(logs), jax.jacfwd(mean)(flat)
    apart = problem.log_observed - mean(flat)
    curvature = jax.hessian(lambda x: problem.loss(flat, apart, design, x))(logs)
    half = _NORMAL_95 * jnp.sqrt(jnp.abs(jnp.diagonal(jnp.linalg.inv(curvature))))
    covariance = jnp.linalg.inv(problem.information(design, deviations))
    zero = jnp.zeros_like(half[0])
    width = jnp.exp(jnp.stack([half[0], half[2] if problem.site_effects else zero, half[1]]))
    levels = problem.levels(logs)
    values = jnp.stack([levels.tau, levels.phi_s2s, levels.phi_ss])
    slopes = [(x, x - h, x + h) for x, h in zip(problem.slopes(logs), problem.slopes(half), strict=True)]
    return MixedFit(
        theta=unravel(flat),
        theta_covariance=covariance,
        deviations=levels,
        low=values / width,
        high=values * width,
        slopes=Slopes(*slopes[0], *slopes[1]),
        effects=_predicted(problem, apart, design, deviations, covariance),
        log_likelihood=-problem.loss(flat, apart, design, logs),
    )


def _predicted(problem: MixedProblem, apart, design, deviations, covariance) -> Effects:
    """Effects and their standard deviations, by the whole of the mixed model's equations."""
    event, site, *_ = problem.index
    normal = normal_equations(apart.shape[0], deviations, *problem.index)
    both = scaled_effects(normal, deviations, jnp.concatenate([apart[:, None], design], axis=1), event, site)
    found = []
    for effect, scale, own in zip(both, (normal.tau, deviations.phi_s2s), own_variances(normal), strict=True):
        # Errors of the parameters move the effects by how these fit the design.
        by_theta = jnp.einsum("ip,pq,iq->i", effect[:, 1:], covariance, effect[:, 1:])
        found += [scale * effect[:, 0], scale * jnp.sqrt(own + by_theta)]
    return Effects(*found)
