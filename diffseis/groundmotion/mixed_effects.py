"""Fitting ground-motion models with random effects of events and of sites, by their joint likelihood.

ln Y = f(theta) + tau b_event + phi_s2s s_site + phi_ss w, with b, s and w standard normal. Both effects are integrated out exactly and at once, crossed as they are (an event is recorded at many sites, a site records many events): no alternation, no two steps.

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

MeanFunction = Callable[[PyTree], Float[Array, " record"]]
"""ln of the medians of all records, by the parameters."""

_NORMAL_95 = 1.959963984540054


class Deviations(eqx.Module):
    """Standard deviations of ln: between events, between sites (0 where sites have no effect of their own) and what is left.

    Each may be one number, or `phi_ss` one per record.
    """

    tau: Float[Array, ""]
    phi_s2s: Float[Array, ""]
    phi_ss: Float[Array, "..."]


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
        deviations: found.
        low, high: limits of 95 % of `tau`, `phi_s2s`, `phi_ss`.
        effects: of events and sites.
        log_likelihood: at the found values (restricted, if that was asked for).
    """

    theta: PyTree
    theta_covariance: Float[Array, "parameter parameter"]
    deviations: Deviations
    low: Float[Array, "3"]
    high: Float[Array, "3"]
    effects: Effects
    log_likelihood: Float[Array, ""]


class _Crossed(eqx.Module):
    """The normal equations of the effects, sites eliminated: what solves and determinants need.

    Attributes:
        weight: 1 / phi_ss^2 of records.
        site_precision: of each site's effect given the events'; 1 where sites have none.
        crossed: event by site: summed weights.
        factor: Cholesky's, of what is left for the events.
    """

    weight: Float[Array, " record"]
    site_precision: Float[Array, " site"]
    crossed: Float[Array, "event site"]
    factor: Float[Array, "event event"]


def log_marginal_likelihood(
    apart: Float[Array, " record"],
    deviations: Deviations,
    event: Int[Array, " record"],
    site: Int[Array, " record"],
    num_events: int,
    num_sites: int,
) -> Float[Array, ""]:
    """Log of the joint density of records, given how far they are from their means.

    Effects are scaled to standard normal ones, so that deviations of 0 are no special case. Memory: events by sites.

    Args:
        apart: ln observed minus ln median.
        deviations: of the effects.
        event, site: whose each record is, from 0.
        num_events, num_sites: of them.
    """
    normal = _normal_equations(apart.shape[0], deviations, event, site, num_events, num_sites)
    solved = _solve(normal, deviations, apart[:, None], event, site)[:, 0]
    logs = jnp.sum(jnp.log(normal.weight)) - jnp.sum(jnp.log(normal.site_precision))
    logs = logs - 2 * jnp.sum(jnp.log(jnp.diagonal(normal.factor)))
    return 0.5 * (logs - apart @ solved - apart.shape[0] * jnp.log(2 * jnp.pi).astype(apart.dtype))


def _normal_equations(num, deviations, event, site, num_events, num_sites) -> _Crossed:
    weight = jnp.broadcast_to(1 / deviations.phi_ss**2, (num,))
    by_event = jax.ops.segment_sum(weight, event, num_segments=num_events)
    by_site = jax.ops.segment_sum(weight, site, num_segments=num_sites)
    pair = event * num_sites + site
    crossed = jax.ops.segment_sum(weight, pair, num_segments=num_events * num_sites)
    crossed = deviations.tau * deviations.phi_s2s * crossed.reshape(num_events, num_sites)
    site_precision = 1 + deviations.phi_s2s**2 * by_site
    left = jnp.diag(1 + deviations.tau**2 * by_event) - (crossed / site_precision[None, :]) @ crossed.T
    return _Crossed(weight, site_precision, crossed, jnp.linalg.cholesky(left))


def _effects(normal: _Crossed, deviations, right, event, site):
    """Scaled effects of events and sites that fit columns of records."""
    sums = lambda x, index, number: jax.ops.segment_sum(x, index, num_segments=number)
    weighted = normal.weight[:, None] * right
    of_events = deviations.tau * sums(weighted, event, normal.factor.shape[0])
    of_sites = deviations.phi_s2s * sums(weighted, site, normal.site_precision.shape[0])
    scaled = of_sites / normal.site_precision[:, None]
    events = jax.scipy.linalg.cho_solve((normal.factor, True), of_events - normal.crossed @ scaled)
    sites = (of_sites - normal.crossed.T @ events) / normal.site_precision[:, None]
    return events, sites


def _solve(normal: _Crossed, deviations, right, event, site):
    """The inverse of the records' covariance, times columns."""
    events, sites = _effects(normal, deviations, right, event, site)
    fitted = deviations.tau * events[event] + deviations.phi_s2s * sites[site]
    return normal.weight[:, None] * (right - fitted)


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
        site_effects: whether sites have terms of their own.
        restricted: restricted likelihood (REML), which does not make deviations too small for the parameters that were fitted; for means that are not linear, by their derivatives at the parameters.
        rtol: of the log likelihood between two steps, at which they end; deviations then change by less than its root.
        max_steps: at most.
        throw: whether not to get there is an error.

    Returns:
        A `MixedFit`; `stats` has the steps.

    Raises:
        ValueError: if there are fewer than two events, or as few records as parameters.
    """
    flat = ravel_pytree(theta)[0]
    size = flat.shape[0]
    prior = jnp.zeros_like(flat) if prior_precision is None else ravel_pytree(prior_precision)[0]
    if num_events < 2 or (prior_precision is None and log_observed.shape[0] <= size + 2):
        raise ValueError(
            f"{log_observed.shape[0]} records of {num_events} events cannot determine {size} parameters and the deviations"
        )
    problem = _Problem(
        mean, log_observed, event, site, prior, num_events, num_sites, site_effects, restricted
    )
    fit, steps, settled = _fit(problem, theta, start, jnp.asarray(rtol, float), max_steps)
    finite = bool(jnp.isfinite(fit.log_likelihood)) and bool(jnp.all(jnp.isfinite(fit.high)))
    result = RESULTS.successful if bool(settled) else RESULTS.max_steps_reached
    result = result if finite else RESULTS.non_finite
    if throw and result != RESULTS.successful:
        raise RuntimeError(RESULTS[result])
    return Solution(value=fit, result=result, stats={"steps": int(steps)})


class _Problem(eqx.Module):
    mean: Callable
    log_observed: Float[Array, " record"]
    event: Int[Array, " record"]
    site: Int[Array, " record"]
    prior: Float[Array, " parameter"]
    num_events: int = eqx.field(static=True)
    num_sites: int = eqx.field(static=True)
    site_effects: bool = eqx.field(static=True)
    restricted: bool = eqx.field(static=True)

    @property
    def index(self):
        return self.event, self.site, self.num_events, self.num_sites

    def deviations(self, logs) -> Deviations:
        """Of logarithms of tau, phi_ss and, where sites have effects, phi_s2s."""
        sd = jnp.exp(logs)
        return Deviations(sd[0], sd[2] if self.site_effects else jnp.zeros_like(sd[0]), sd[1])

    def loss(self, flat, apart, design, logs) -> Float[Array, ""]:
        """The negative log likelihood of residuals, restricted or not, and of the parameters' prior."""
        deviations = self.deviations(logs)
        total = 0.5 * jnp.sum(self.prior * flat**2) - log_marginal_likelihood(apart, deviations, *self.index)
        if not self.restricted:
            return total
        return total + 0.5 * jnp.linalg.slogdet(self.information(design, deviations))[1]

    def covariance_solve(self, deviations, right):
        normal = _normal_equations(right.shape[0], deviations, *self.index)
        return _solve(normal, deviations, right, self.event, self.site)

    def information(self, design, deviations) -> Float[Array, "parameter parameter"]:
        """Of the parameters of the mean."""
        return design.T @ self.covariance_solve(deviations, design) + jnp.diag(self.prior)


@eqx.filter_jit
def _fit(problem: _Problem, theta: PyTree, start: Deviations | None, rtol: Float[Array, ""], max_steps: int):
    flat, unravel = ravel_pytree(theta)
    mean = lambda x: problem.mean(unravel(x))
    least = jnp.log(_least(problem, mean(flat)))

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


def _least(problem: _Problem, mean):
    """Deviations do not become smaller than this: the logarithm of one that is 0 has no end."""
    return 1e-4 * jnp.std(problem.log_observed - mean)


def _first(problem: _Problem, mean, start: Deviations | None):
    half = jnp.std(problem.log_observed - mean) / 2
    first = Deviations(half, half, half) if start is None else start
    return jnp.log(jnp.stack([first.tau, first.phi_ss] + [first.phi_s2s] * problem.site_effects))


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


def _described(problem: _Problem, mean, unravel, flat, logs) -> MixedFit:
    deviations, design = problem.deviations(logs), jax.jacfwd(mean)(flat)
    apart = problem.log_observed - mean(flat)
    curvature = jax.hessian(lambda x: problem.loss(flat, apart, design, x))(logs)
    sd = jnp.sqrt(jnp.abs(jnp.diagonal(jnp.linalg.inv(curvature))))
    covariance = jnp.linalg.inv(problem.information(design, deviations))
    zero = jnp.zeros_like(sd[0])
    width = jnp.exp(_NORMAL_95 * jnp.stack([sd[0], sd[2] if problem.site_effects else zero, sd[1]]))
    values = jnp.stack([deviations.tau, deviations.phi_s2s, deviations.phi_ss])
    return MixedFit(
        theta=unravel(flat),
        theta_covariance=covariance,
        deviations=deviations,
        low=values / width,
        high=values * width,
        effects=_predicted(problem, apart, design, deviations, covariance),
        log_likelihood=-problem.loss(flat, apart, design, logs),
    )


def _predicted(problem: _Problem, apart, design, deviations, covariance) -> Effects:
    """Effects and their standard deviations, by the whole of the mixed model's equations."""
    event, site, *_ = problem.index
    normal = _normal_equations(apart.shape[0], deviations, *problem.index)
    both = _effects(normal, deviations, jnp.concatenate([apart[:, None], design], axis=1), event, site)
    found = []
    for effect, scale, own in zip(
        both, (deviations.tau, deviations.phi_s2s), _own_variances(normal), strict=True
    ):
        # Errors of the parameters move the effects by how these fit the design.
        by_theta = jnp.einsum("ip,pq,iq->i", effect[:, 1:], covariance, effect[:, 1:])
        found += [scale * effect[:, 0], scale * jnp.sqrt(own + by_theta)]
    return Effects(*found)


def _own_variances(normal: _Crossed):
    """Diagonals of the inverse of the normal equations."""
    eye = jnp.eye(normal.factor.shape[0], dtype=normal.factor.dtype)
    inverse = jax.scipy.linalg.cho_solve((normal.factor, True), eye)
    scaled = normal.crossed / normal.site_precision[None, :]
    of_sites = 1 / normal.site_precision + jnp.einsum("es,ef,fs->s", scaled, inverse, scaled)
    return jnp.diagonal(inverse), of_sites
