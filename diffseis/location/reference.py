"""A broad proposal for hypocentres: wherever a few wrong picks may allow the event to be."""

import math

import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Key

from diffseis.inference import AbstractReference, whiten
from diffseis.location.data import EventData
from diffseis.location.posterior import Context, Problem

_DOF = 3.0


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
        # All the normal numbers at once: every call of a generator is one more thing to compile.
        k_uniform, k_normal = jr.split(key)
        uniform = jr.uniform(k_uniform, (num, 4), dtype)
        normal, chi_place, t, chi_time = jnp.split(jr.normal(k_normal, (num, 10), dtype), [3, 6, 7], axis=1)
        lower, upper = self.problem.volume.lower_km, self.problem.volume.upper_km
        wide = jax.vmap(lambda f: self.problem.volume.from_ned(self._uniform(f, lower, upper)))(
            uniform[:, :3]
        )
        near = self.centre[None, :] + _student_scale(chi_place) * (normal @ self.cholesky.T)
        even = (jnp.arange(num) % 2 == 0)[:, None]
        place = jnp.where(even, wide, near)
        if self.problem.num_dims == 3:
            return place
        num_picks = jnp.maximum(jnp.sum(self.data.mask), 1)
        pick = (uniform[:, 3] * num_picks.astype(dtype)).astype(jnp.int32)
        offset, sigma = jax.vmap(self._origins)(place)
        row = jnp.arange(num)
        time = offset[row, pick] + sigma[row, pick] * (t * _student_scale(chi_time))[:, 0]
        return jnp.concatenate([place, time[:, None]], axis=1)

    def log_prob(self, position):
        x, log_volume = self.problem.volume.to_ned(position[:3])
        width = self.problem.volume.upper_km - self.problem.volume.lower_km
        top = self.problem.volume.surface.depth_km(x[0], x[1])
        depth = self.problem.volume.upper_km[2] - top
        wide = log_volume - jnp.log(width[0] * width[1] * depth)
        white = whiten((position[:3] - self.centre)[None, :], self.cholesky)[0]
        norm = math.lgamma(0.5 * (_DOF + 3)) - math.lgamma(0.5 * _DOF) - 1.5 * math.log(_DOF * math.pi)
        near = norm - jnp.sum(jnp.log(jnp.diagonal(self.cholesky)))
        near = near - 0.5 * (_DOF + 3) * jnp.log1p(jnp.sum(white**2) / _DOF)
        place = jnp.logaddexp(wide, near) + math.log(0.5)
        if self.problem.num_dims == 3:
            return place
        offset, sigma = self._origins(position[:3])
        t = (position[3] - offset) / sigma
        density = 2 / (math.pi * math.sqrt(_DOF)) / (1 + t**2 / _DOF) ** 2 / sigma
        share = jnp.where(self.data.mask, density, 0)
        return place + jnp.log(
            jnp.sum(share) / jnp.maximum(jnp.sum(self.data.mask), 1).astype(share.dtype) + 1e-300
        )

    def _uniform(self, fraction, lower, upper):
        horizontal = lower[:2] + (upper[:2] - lower[:2]) * fraction[:2]
        top = self.problem.volume.surface.depth_km(horizontal[0], horizontal[1])
        return jnp.concatenate([horizontal, (top + (upper[2] - top) * fraction[2])[None]])

    def _origins(self, place):
        """Each pick's origin time, relative to their weighted mean, and the width about it."""
        x, _ = self.problem.volume.to_ned(place)
        reduced, predicted = self.problem.reduced(x, self.data)
        sigma = self.problem.likelihood.sigma_s(predicted, self.data)
        return reduced - jnp.sum(self.context.weights * reduced), sigma


def _student_scale(normal: Float[Array, "num dof"]) -> Float[Array, "num 1"]:
    """What turns further normal into Student-t draws (`jax.random.t` compiles a rejection sampler, for a second)."""
    return jnp.sqrt(_DOF / jnp.sum(normal**2, axis=1, keepdims=True))


def broad_reference(
    problem: Problem, data: EventData, context: Context, centre, covariance
) -> BroadReference:
    """The reference of an event from its best mode (place part of location and covariance)."""
    widened = 9.0 * covariance[:3, :3] + jnp.eye(3, dtype=centre.dtype)
    return BroadReference(problem, data, context, centre[:3], jnp.linalg.cholesky(widened))
