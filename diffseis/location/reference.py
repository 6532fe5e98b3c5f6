"""A broad proposal for hypocentres: wherever a few wrong picks may allow the event to be."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from diffseis.inference import (
    AbstractReference,
    student_columns,
    student_from_uniform,
    uniform_points,
    whiten,
)
from diffseis.location.data import EventData
from diffseis.location.posterior import Context, EventTarget, Place, Problem

_DOF = 3
_NUM_ORIGINS = 16
"""Picks (evenly spaced among those of the event) whose origin times are proposed."""


class BroadReference(AbstractReference):
    """Places half from the uniform prior, half from a heavy-tailed distribution about the best mode; origin times from single picks.

    With few picks, and errors that are not normal, some per cent of a posterior may lie far from its maximum: where all but one or two
    of the picks agree. Each pick names an origin time for each place; the fourth coordinate is drawn about one of these.

    Attributes:
        problem, data, context: of the event.
        centre, cholesky: of the heavy-tailed half (Student-t with 3 degrees of freedom), in unbounded coordinates of place.
    """

    problem: Problem
    data: EventData
    context: Context
    centre: Float[Array, "3"]
    cholesky: Float[Array, "3 3"]

    def sample(self, num: int, *, key: Key[Array, ""]):
        dtype = self.centre.dtype
        # All the random numbers at once: every call of a generator is one more thing to compile.
        place_columns = student_columns(3, _DOF)
        uniform = uniform_points(num, 4 + place_columns + student_columns(1, _DOF), key=key, dtype=dtype)
        student = student_from_uniform(uniform[:, 4 : 4 + place_columns], 3, _DOF)
        lower, upper = self.problem.volume.lower_km, self.problem.volume.upper_km
        wide = jax.vmap(lambda f: self.problem.volume.from_ned(self._uniform(f, lower, upper)))(
            uniform[:, :3]
        )
        near = self.centre[None, :] + student @ self.cholesky.T
        # Halves of the sequence, not every other point: those would fill half of the volume each.
        first_half = (jnp.arange(num) < num // 2)[:, None]
        place = jnp.where(first_half, wide, near)
        if self.problem.num_dims == 3:
            return place
        pick = jnp.minimum((uniform[:, 3] * _NUM_ORIGINS).astype(jnp.int32), _NUM_ORIGINS - 1)
        offset, sigma = jax.vmap(lambda u: self._origins(self.problem.at(u, self.data)))(place)
        row = jnp.arange(num)
        t = student_from_uniform(uniform[:, 4 + place_columns :], 1, _DOF)[:, 0]
        time = offset[row, pick] + sigma[row, pick] * t
        return jnp.concatenate([place, time[:, None]], axis=1)

    def log_prob(self, position):
        return self._log_prob_at(position, self.problem.at(position, self.data))

    def beside(self, log_density, position):
        if not isinstance(log_density, EventTarget):
            return super().beside(log_density, position)
        place = self.problem.at(position, self.data)  # travel times are most of the work: once for both
        return log_density.at(position, place), self._log_prob_at(position, place)

    def _log_prob_at(self, position, place: Place):
        x, log_volume = place.ned_km, place.log_volume
        width = self.problem.volume.upper_km - self.problem.volume.lower_km
        top = self.problem.volume.surface.depth_km(x[0], x[1])
        depth = self.problem.volume.upper_km[2] - top
        wide = log_volume - jnp.log(width[0] * width[1] * depth)
        white = whiten((position[:3] - self.centre)[None, :], self.cholesky)[0]
        norm = math.lgamma(0.5 * (_DOF + 3)) - math.lgamma(0.5 * _DOF) - 1.5 * math.log(_DOF * math.pi)
        near = norm - jnp.sum(jnp.log(jnp.diagonal(self.cholesky)))
        near = near - 0.5 * (_DOF + 3) * jnp.log1p(jnp.sum(white**2) / _DOF)
        log_place = jnp.logaddexp(wide, near) + math.log(0.5)
        if self.problem.num_dims == 3:
            return log_place
        offset, sigma = self._origins(place)
        t = (position[3] - offset) / sigma
        density = 2 / (math.pi * math.sqrt(_DOF) * _NUM_ORIGINS) / ((1 + t**2 / _DOF) ** 2 * sigma)
        return log_place + jnp.log(jnp.sum(density) + jnp.finfo(t.dtype).tiny)

    def _uniform(self, fraction, lower, upper):
        horizontal = lower[:2] + (upper[:2] - lower[:2]) * fraction[:2]
        top = self.problem.volume.surface.depth_km(horizontal[0], horizontal[1])
        return jnp.concatenate([horizontal, (top + (upper[2] - top) * fraction[2])[None]])

    def _origins(self, place: Place):
        """Origin times that some picks name, relative to the weighted mean of all, and the widths about them."""
        sigma = self.problem.likelihood.sigma_s(place.travel_time_s, self.data)
        num_picks = jnp.maximum(jnp.sum(self.data.mask), 1)
        some = (jnp.arange(_NUM_ORIGINS) * num_picks) // _NUM_ORIGINS
        return place.reduced_s[some] - jnp.sum(self.context.weights * place.reduced_s), sigma[some]


def broad_reference(
    problem: Problem, data: EventData, context: Context, centre, covariance
) -> BroadReference:
    """The reference of an event from its best mode (place part of location and covariance)."""
    widened = 9.0 * covariance[:3, :3] + jnp.eye(3, dtype=centre.dtype)
    return BroadReference(problem, data, context, centre[:3], jnp.linalg.cholesky(widened))
