"""One event, from its padded picks to its particles: the program that is compiled once and mapped over a catalogue."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Bool, Float, Int, Key

from diffseis.core.results import RESULTS
from diffseis.inference import AbstractSampler, kernel_stein_discrepancy, run_sampler, whiten
from diffseis.location.data import EventData
from diffseis.location.posterior import (
    Context,
    EventTarget,
    ModeSearch,
    Problem,
    find_modes,
    marginal_log_density,
    origin_time_nodes,
)
from diffseis.location.reference import broad_reference

SHORTAGES = (
    "",
    "Fewer than five picks: none is left to check the others by.",
    "Fewer than three stations.",
    "Fewer than four picks agree with the place; the others are taken for wrong.",
    "The epicentre is hardly better known than before: its spread is over half of the search volume's.",
    "The depth is hardly better known than before: its spread is over three quarters of the search volume's.",
)
"""Why an event is underdetermined; `EventPosterior.shortage` counts into these."""

_MODE_SHARE = 0.05
_KSD_PARTICLES = 128
_OUTLIER_PARTICLES = 256
"""How many of the particles (in the order of a curve through space, so that every stride of them represents all) these look at."""


class EventPosterior(eqx.Module):
    """What is known about one event.

    Attributes:
        ned_km, origin_time_s: equally weighted particles.
        log_density: unnormalised log posterior per km3 and s at the particles.
        map_ned_km, map_origin_time_s: the point of highest posterior density.
        travel_time_s, residual_s, sigma_s: of every pick, at the posterior mean.
        slowness_s_km: gradient of the travel time with respect to the hypocentre, there.
        outlier_probability: of every pick, averaged over the posterior.
        num_modes: maxima that hold at least 5 %.
        effective_fraction, kernel_stein_discrepancy: diagnostics of the particles.
        result: code of `core.RESULTS`.
        shortage: what the data lack, an index into `SHORTAGES` (0: nothing).
    """

    ned_km: Float[Array, "particle 3"]
    origin_time_s: Float[Array, " particle"]
    log_density: Float[Array, " particle"]
    map_ned_km: Float[Array, "3"]
    map_origin_time_s: Float[Array, ""]
    travel_time_s: Float[Array, " pick"]
    residual_s: Float[Array, " pick"]
    sigma_s: Float[Array, " pick"]
    slowness_s_km: Float[Array, "pick 3"]
    outlier_probability: Float[Array, " pick"]
    num_modes: Int[Array, ""]
    effective_fraction: Float[Array, ""]
    kernel_stein_discrepancy: Float[Array, ""]
    result: Int[Array, ""]
    shortage: Int[Array, ""]


def locate_event(
    problem: Problem,
    data: EventData,
    sampler: AbstractSampler,
    search: ModeSearch,
    softness_s: Float[Array, " level"],
    *,
    key: Key[Array, ""],
) -> EventPosterior:
    """Finds the modes of one event's posterior, draws from it and describes it."""
    k_modes, k_sample, k_origin = jr.split(key, 3)
    modes, context = find_modes(problem, data, search, softness_s, key=k_modes)

    whole = sampler.max_dims is None or problem.num_dims <= sampler.max_dims
    if whole:
        target = EventTarget(problem, data, context)
        reference = broad_reference(problem, data, context, modes.location[0], modes.covariance[0])
        places = eqx.tree_at(lambda m: m.reference, modes, reference, is_leaf=lambda x: x is None)
    else:  # a sampler of few dimensions: the origin time is integrated out numerically

        def target(u):
            return marginal_log_density(problem, u, data)

        places = eqx.tree_at(
            lambda m: (m.location, m.covariance), modes, (modes.location[:, :3], modes.covariance[:, :3, :3])
        )
    draws, _ = run_sampler(sampler, target, places, key=k_sample)
    ned, log_volume = jax.vmap(lambda u: problem.volume.to_ned(u[:3]))(draws.position)
    origin = _origin_times(problem, ned, draws.position, data, context, key=k_origin)
    log_density = draws.log_density - log_volume
    map_ned, map_origin = _highest_point(problem, ned, origin, log_density, data, context)
    described = _describe_picks(problem, ned, origin, data)
    ksd = _discrepancy(target, draws.position)
    num_modes = jnp.sum(jax.nn.softmax(modes.log_weight) >= _MODE_SHARE)
    result, shortage = _judge(problem, ned, log_density, described, draws.converged, data)
    return EventPosterior(
        ned_km=ned,
        origin_time_s=origin,
        log_density=log_density,
        map_ned_km=map_ned,
        map_origin_time_s=map_origin,
        num_modes=num_modes,
        effective_fraction=draws.effective_fraction,
        kernel_stein_discrepancy=ksd,
        result=result,
        shortage=shortage,
        **described,
    )


def _origin_times(problem, ned, position, data, context, *, key):
    """Origin time of every particle: its fourth coordinate, or a draw from the conditional normal."""
    if position.shape[1] == 4:
        return jax.vmap(lambda x, u: problem.origin_time(u, problem.reduced(x, data)[0], context))(
            ned, position
        )
    if problem.num_dims == 4:

        def draw(x, uniform):
            nodes, value = origin_time_nodes(problem, x, data)
            cumulative = jnp.cumsum(jax.nn.softmax(value))
            # Midpoints of the nodes' cells carry the cumulative probability.
            return jnp.interp(uniform, cumulative, nodes + 0.5 * (nodes[1] - nodes[0]))

        return jax.vmap(draw)(ned, jr.uniform(key, (ned.shape[0],), ned.dtype))

    def conditional(x):
        reduced, predicted = problem.reduced(x, data)
        return problem.likelihood.origin_time(reduced, predicted, data, context.prepared)

    mean, sd = jax.vmap(conditional)(ned)
    return mean + sd * jr.normal(key, mean.shape, mean.dtype)


def _highest_point(problem: Problem, ned, origin, log_density, data: EventData, context: Context):
    """The particle of highest density per km3 and its origin time."""
    best = jnp.argmax(log_density)
    if problem.num_dims == 3:
        reduced, predicted = problem.reduced(ned[best], data)
        return ned[best], problem.likelihood.origin_time(reduced, predicted, data, context.prepared)[0]
    return ned[best], origin[best]


def _describe_picks(problem: Problem, ned, origin, data: EventData) -> dict[str, Array]:
    """Residuals, rays and outlier probabilities of the picks."""
    mean = jnp.mean(ned, axis=0)
    some = slice(None, None, max(1, ned.shape[0] // _OUTLIER_PARTICLES))
    reduced, predicted = problem.reduced(mean, data)
    slowness = jax.jacfwd(lambda x: problem.travel_times(x, data))(mean)

    def outlier(x, t):
        r, p = problem.reduced(x, data)
        return problem.likelihood.outlier_probability(r - t, p, data)

    return {
        "travel_time_s": predicted,
        "residual_s": reduced - jnp.mean(origin),
        "sigma_s": problem.likelihood.sigma_s(predicted, data),
        "slowness_s_km": slowness,
        "outlier_probability": jnp.mean(jax.vmap(outlier)(ned[some], origin[some]), axis=0),
    }


def _discrepancy(target, position):
    """Kernel Stein discrepancy of (some of) the particles, whitened by their own covariance."""
    some = position[:: max(1, position.shape[0] // _KSD_PARTICLES)]
    centred = some - jnp.mean(some, axis=0, keepdims=True)
    eye = jnp.eye(some.shape[1], dtype=some.dtype)
    covariance = centred.T @ centred / some.shape[0] + 1e-12 * eye
    factor = jnp.linalg.cholesky(covariance)
    white = whiten(centred, factor)
    score = jax.vmap(jax.grad(target))(some) @ factor
    return kernel_stein_discrepancy(white, score)


def _judge(problem: Problem, ned, log_density, described, converged: Bool[Array, ""], data: EventData):
    """The `RESULTS` code of an event, the worst thing that is true of it, and its index into `SHORTAGES`."""
    lower, upper = problem.volume.lower_km, problem.volume.upper_km
    width = upper - lower
    near_side = jnp.any(
        (ned[:, :2] < (lower + 0.02 * width)[None, :2]) | (ned[:, :2] > (upper - 0.02 * width)[None, :2]),
        axis=1,
    )
    near_bottom = ned[:, 2] > upper[2] - 0.02 * width[2]
    top = jax.vmap(problem.volume.surface.depth_km)(ned[:, 0], ned[:, 1])
    at_top = jnp.mean((ned[:, 2] < top + 0.005 * width[2]).astype(ned.dtype)) > 0.5
    boundary = (jnp.mean((near_side | near_bottom).astype(ned.dtype)) > 0.05) | at_top

    good = jnp.sum(jnp.where(data.mask, 1 - described["outlier_probability"], 0))
    prior_sd = width / jnp.sqrt(jnp.asarray(12.0, ned.dtype))
    wide = jnp.any(jnp.std(ned[:, :2], axis=0) > 0.5 * prior_sd[:2])
    any_depth = jnp.std(ned[:, 2]) > 0.75 * prior_sd[2]
    same = (data.station_row[:, None] == data.station_row[None, :]) & data.mask[None, :]
    earlier = jnp.arange(same.shape[0])[None, :] < jnp.arange(same.shape[0])[:, None]
    num_stations = jnp.sum(data.mask & ~jnp.any(same & earlier, axis=1))
    # Four good picks fit any four unknowns: nothing is left to check them by.
    lacks = jnp.stack([jnp.sum(data.mask) < 5, num_stations < 3, good < 4, wide, any_depth])
    shortage = jnp.where(jnp.any(lacks), 1 + jnp.argmax(lacks), 0).astype(jnp.int32)
    underdetermined = jnp.any(lacks[:4])

    finite = jnp.all(jnp.isfinite(ned)) & jnp.all(jnp.isfinite(log_density))
    code = RESULTS.successful._value
    code = jnp.where(~converged, RESULTS.not_converged._value, code)
    code = jnp.where(any_depth, RESULTS.underdetermined._value, code)
    # Pressed against a wall a posterior is hard to sample: the wall is the reason to give.
    code = jnp.where(boundary, RESULTS.boundary._value, code)
    code = jnp.where(underdetermined, RESULTS.underdetermined._value, code)
    code = jnp.where(finite, code, RESULTS.non_finite._value).astype(jnp.int32)
    return code, shortage


@eqx.filter_jit
def locate_chunk(
    problem: Problem,
    data: EventData,
    keys: Key[Array, " event"],
    num_events: Int[Array, ""],
    sampler: AbstractSampler,
    search: ModeSearch,
    softness_s: Float[Array, " level"],
    *,
    vectorised: bool = False,
) -> EventPosterior:
    """Locates the first `num_events` of a chunk; the rest of the answer is zero.

    Args:
        vectorised: all events of the chunk in lock-step (an accelerator), instead of one after the other (a CPU core,
            whose cache holds one event's particles).
    """

    @jax.jit  # traced once, though it is used twice below
    def one(event_data, event_key):
        return locate_event(problem, event_data, sampler, search, softness_s, key=event_key)

    if vectorised:
        return jax.vmap(one)(data, keys)
    shapes = jax.eval_shape(one, jax.tree.map(lambda x: x[0], data), keys[0])
    empty = jax.tree.map(lambda s: jnp.zeros((keys.shape[0], *s.shape), s.dtype), shapes)

    def body(i, filled):
        answer = one(jax.tree.map(lambda x: x[i], data), keys[i])
        return jax.tree.map(lambda f, a: f.at[i].set(a), filled, answer)

    return jax.lax.fori_loop(0, num_events, body, empty)
