"""The posterior density of one event, in the unbounded coordinates in which samplers work."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, PyTree

from diffseis.eikonal import AbstractPhaseTimes
from diffseis.inference import Modes, box_muller, laplace_modes, select_starts, uniform_points
from diffseis.location.data import EventData
from diffseis.location.likelihood import AbstractLikelihood
from diffseis.location.prior import SearchVolume


class Context(eqx.Module):
    """What is worked out once per event before sampling.

    Attributes:
        prepared: by the likelihood (a factorised covariance), or None.
        weights: of the picks, adding up to one. The fourth coordinate of samplers is the origin time minus the weighted mean of
            the reduced picks: so it hardly depends on the place, where the origin time itself follows depth closely.
    """

    prepared: PyTree
    weights: Float[Array, " pick"]


class Problem(eqx.Module):
    """What is the same for every event.

    Attributes:
        times: travel times of P and S to every station.
        likelihood: of the picks.
        volume: the prior.
    """

    times: AbstractPhaseTimes
    likelihood: AbstractLikelihood
    volume: SearchVolume

    @property
    def num_dims(self) -> int:
        return 4 if self.likelihood.samples_origin_time else 3

    def travel_times(self, x_ned_km: Float[Array, "3"], data: EventData) -> Float[Array, " pick"]:
        """Predicted travel time of every pick, without station terms; 1 s in the padding."""
        receiver = jnp.where(data.mask[:, None], data.receiver_ned_km, 0)
        predicted = jax.vmap(self.times, in_axes=(None, 0, 0, 0))(
            x_ned_km, receiver, jnp.asarray(data.station_row), jnp.asarray(data.phase_idx)
        )
        return jnp.where(data.mask, predicted, 1)

    def reduced(self, x_ned_km: Float[Array, "3"], data: EventData):
        """Picked minus predicted time (the origin time not subtracted), and the predicted times."""
        predicted = self.travel_times(x_ned_km, data)
        # Masked before the arithmetic, too: whatever the padding holds must not reach a gradient.
        observed = jnp.where(data.mask, data.time_s, 0) - jnp.where(data.mask, data.term_s, 0)
        return jnp.where(data.mask, observed - predicted, 0), predicted

    def log_posterior(
        self,
        x_ned_km: Float[Array, "3"],
        origin_time_s: Float[Array, ""],
        data: EventData,
        prepared: PyTree = None,
    ) -> Float[Array, ""]:
        """Log posterior density per km3 (and s), up to a constant, in physical coordinates."""
        reduced, predicted = self.reduced(x_ned_km, data)
        zero = jnp.zeros((), predicted.dtype)
        log_like = self.likelihood.log_prob(reduced, predicted, origin_time_s, data, prepared, zero)
        return log_like + self.volume.log_prob(x_ned_km)

    def origin_time(self, u: Float[Array, " dim"], reduced_s: Float[Array, " pick"], context: Context):
        """Origin time of a sampler's point: its fourth coordinate counts from the weighted mean of the reduced picks."""
        if self.num_dims == 3:
            return jnp.zeros((), u.dtype)
        return u[3] + jnp.sum(context.weights * reduced_s)

    def at(self, u: Float[Array, " dim"], data: EventData) -> "Place":
        """What the density of a sampler's point and other things are made of."""
        x, log_volume = self.volume.to_ned(u[:3])
        return Place(x, log_volume, *self.reduced(x, data))

    def log_density_at(
        self,
        u: Float[Array, " dim"],
        place: "Place",
        softness_s: Float[Array, ""],
        data: EventData,
        context: Context,
    ):
        """`log_density` of a point whose `Place` is known."""
        origin = self.origin_time(u, place.reduced_s, context)
        log_like = self.likelihood.log_prob(
            place.reduced_s, place.travel_time_s, origin, data, context.prepared, softness_s
        )
        return log_like + place.log_volume + self.volume.depth_prior.log_prob(place.ned_km[2])

    def log_density(
        self, u: Float[Array, " dim"], softness_s: Float[Array, ""], data: EventData, context: Context
    ):
        """Log posterior density in unbounded coordinates: three of place, and the origin time where it is an unknown."""
        return self.log_density_at(u, self.at(u, data), softness_s, data, context)


class Place(NamedTuple):
    """A hypocentre and what follows from it.

    Attributes:
        ned_km: where it is.
        log_volume: log of the volume ratio of the map from unbounded coordinates.
        reduced_s, travel_time_s: as `Problem.reduced` gives them.
    """

    ned_km: Float[Array, "3"]
    log_volume: Float[Array, ""]
    reduced_s: Float[Array, " pick"]
    travel_time_s: Float[Array, " pick"]


class EventTarget(eqx.Module):
    """The log posterior density of one event, as samplers want it."""

    problem: Problem
    data: EventData
    context: Context

    def __call__(self, u: Float[Array, " dim"]) -> Float[Array, ""]:
        return self.at(u, self.problem.at(u, self.data))

    def at(self, u: Float[Array, " dim"], place: Place) -> Float[Array, ""]:
        """The same, of a point whose place is known."""
        return self.problem.log_density_at(u, place, jnp.zeros((), u.dtype), self.data, self.context)


def pick_weights(
    problem: Problem, x_ned_km, origin_time_s, data: EventData, softness_s
) -> Float[Array, " pick"]:
    """Robust weights of the picks at a place and time near the solution, adding up to one."""
    reduced, predicted = problem.reduced(x_ned_km, data)
    variance = problem.likelihood.sigma_s(predicted, data) ** 2
    misfit = (reduced - origin_time_s) ** 2 / (variance + softness_s**2)
    weight = jnp.where(data.mask, 1 / (variance * (1 + misfit)), 0)
    return jax.lax.stop_gradient(weight / jnp.maximum(jnp.sum(weight), 1e-30))


def origin_time_nodes(problem: Problem, x_ned_km: Float[Array, "3"], data: EventData, num: int = 60):
    """Nodes that cover the origin time's conditional distribution at a place, and its log density (with the place's)."""
    reduced, predicted = problem.reduced(x_ned_km, data)
    centre, sd = problem.likelihood.origin_time(reduced, predicted, data, None)
    nodes = centre + sd * jnp.linspace(-7.5, 7.5, num, dtype=predicted.dtype)
    zero = jnp.zeros((), predicted.dtype)
    value = jax.vmap(lambda t: problem.likelihood.log_prob(reduced, predicted, t, data, None, zero))(nodes)
    return nodes, value


def marginal_log_density(problem: Problem, u: Float[Array, "3"], data: EventData) -> Float[Array, ""]:
    """`Problem.log_density` with the origin time integrated out by the trapezoidal rule (for likelihoods that sample it)."""
    x, log_volume = problem.volume.to_ned(u)
    nodes, value = origin_time_nodes(problem, x, data)
    return (
        jax.nn.logsumexp(value)
        + jnp.log(nodes[1] - nodes[0])
        + log_volume
        + problem.volume.depth_prior.log_prob(x[2])
    )


_SLICE = 128
"""Candidates whose travel times are computed at once: more of them fit neither a cache nor, with thousands of picks, the memory."""


class ModeSearch(eqx.Module):
    """How maxima are looked for.

    Attributes:
        num_candidates: trial hypocentres, half over the whole volume, half near the stations that saw the event first.
        num_starts: the best, and far enough from each other, of these.
        local_km: horizontal standard deviation of the candidates near stations.
        num_origin_times: trial origin times per candidate, each from one pick.
        num_steps: largest number of Newton steps at each softness.
    """

    num_candidates: int = eqx.field(static=True, default=384)
    num_starts: int = eqx.field(static=True, default=5)
    local_km: float = eqx.field(static=True, default=15.0)
    num_origin_times: int = eqx.field(static=True, default=8)
    num_steps: tuple[int, ...] = eqx.field(static=True, default=(6, 6, 16))


def find_modes(
    problem: Problem,
    data: EventData,
    search: ModeSearch,
    softness_s: Float[Array, " level"],
    *,
    key: Key[Array, ""],
) -> tuple[Modes, Context]:
    """Maxima of one event's posterior, and the context in which they were found."""
    candidates = _candidates(problem, data, search, key=key)
    places = jax.vmap(lambda c: problem.volume.to_ned(c)[0])(candidates)
    origin, value = jax.lax.map(
        lambda x: _best_origin_time(problem, data, search, x, softness_s[0]), places, batch_size=_SLICE
    )
    best = jnp.argmax(value)
    context = Context(None, pick_weights(problem, places[best], origin[best], data, softness_s[0]))
    box = problem.volume.upper_km - problem.volume.lower_km
    radius = 0.6 * (jnp.prod(box) / search.num_candidates) ** (1 / 3)
    chosen = select_starts(places, value, search.num_starts, radius)
    starts = candidates[chosen]
    if problem.num_dims == 4:
        reduced = jax.vmap(lambda x: problem.reduced(x, data)[0])(places[chosen])
        starts = jnp.concatenate([starts, (origin[chosen] - reduced @ context.weights)[:, None]], axis=1)

    def climb_all(points, context, softness, num_steps):
        def target(v, level):
            return problem.log_density(v, level, data, context)

        return laplace_modes(target, points, softness=softness, num_steps=num_steps)

    modes = climb_all(starts, context, softness_s, search.num_steps)
    x, _ = problem.volume.to_ned(modes.location[0, :3])
    prepared = problem.likelihood.prepare(problem.travel_times(x, data), data)
    if prepared is not None:
        context = Context(prepared, context.weights)
        modes = climb_all(modes.location, context, jnp.zeros(1, x.dtype), (8,))
    return modes, context


def _candidates(problem: Problem, data: EventData, search: ModeSearch, *, key) -> Float[Array, "candidate 3"]:
    """Trial places in unbounded coordinates."""
    dtype = data.time_s.dtype
    num_near = search.num_candidates // 2
    lower, upper = problem.volume.lower_km, problem.volume.upper_km
    points = uniform_points(search.num_candidates, 3, key=key, dtype=dtype)
    wide = lower[None, :] + (upper - lower)[None, :] * points[num_near:]
    points = points[:num_near]
    # The stations of the four earliest picks; a wrong pick spoils one of them only.
    num_picks = jnp.sum(data.mask)
    # In blocks: every fourth point of the sequence would stay on one side of its station.
    rank = jnp.minimum(jnp.arange(num_near) * 4 // num_near, jnp.maximum(num_picks - 1, 0))
    offset = search.local_km * box_muller(points[:, :2])
    down = lower[2] + (upper[2] - lower[2]) * points[:, 2:] ** 2
    near = jnp.concatenate([data.receiver_ned_km[rank, :2] + offset, down], axis=1)
    return jax.vmap(lambda x: problem.volume.from_ned(x, margin=0.01))(jnp.concatenate([wide, near]))


def _best_origin_time(problem, data, search, x, softness):
    """The best of a few origin times at a place, and the softened log density there."""
    reduced, predicted = problem.reduced(x, data)

    def evaluate(origin):
        value = problem.likelihood.log_prob(reduced, predicted, origin, data, None, softness)
        return value + problem.volume.depth_prior.log_prob(x[2])

    # No volume ratio here: candidates compete by likelihood, wherever the map is steep.
    if problem.num_dims == 3:
        zero = jnp.zeros((), x.dtype)
        return problem.likelihood.origin_time(reduced, predicted, data, None)[0], evaluate(zero)
    num_picks = jnp.maximum(jnp.sum(data.mask), 1)
    which = (jnp.arange(search.num_origin_times) * num_picks) // search.num_origin_times
    origins = reduced[which]
    values = jax.vmap(evaluate)(origins)
    best = jnp.argmax(values)
    return origins[best], values[best]
