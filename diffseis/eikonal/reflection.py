"""Waves reflected at an interface: Fermat's principle over where they touch it."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from diffseis.core.results import RESULTS, Solution
from diffseis.velocity.base import AbstractVelocityModel

ON_EDGE = 1e-6
"""A bounce point this close to the edge of where it was looked for, as a share of its width, lies on it."""

LEAST_CURVATURE = 1e-3
"""Of the time over the interface, as a share of the largest, in a Newton step."""


class Above(AbstractVelocityModel):
    """A medium down to an interface, and below it the speed just above it: no wave gains from a way below.

    Times in it are those of waves that stay above the interface, as reflected waves do; where the interface is bent upwards and the rays are
    long, some may still pass below its crests.

    Attributes:
        model: the medium.
        interface: depth in km at a place (north, east), such as `Surface`.
        margin_km: how far above the interface the speed is taken, so that a jump in the model there is not smeared over it.
    """

    model: AbstractVelocityModel
    interface: Callable[[Float[Array, "2"]], Float[Array, ""]]
    margin_km: float = 0.0

    def speed(self, x_ned_km: Float[Array, "3"]) -> Float[Array, ""]:
        deepest = self.interface(x_ned_km[:2]) - self.margin_km
        return self.model.speed(x_ned_km.at[2].min(deepest))


class Reflection(eqx.Module):
    """The first wave reflected at an interface.

    Attributes:
        time_s: from the source by the interface to the receiver.
        point_km: where it is reflected, in the coordinates of the fields.
    """

    time_s: Float[Array, ""]
    point_km: Float[Array, " dim"]


def reflect(
    down: Callable[[Float[Array, " dim"]], Float[Array, ""]],
    up: Callable[[Float[Array, " dim"]], Float[Array, ""]],
    interface: Callable[[Float[Array, " horizontal"]], Float[Array, ""]],
    low_km: Float[Array, " horizontal"],
    high_km: Float[Array, " horizontal"],
    *,
    num_starts: int = 33,
    max_steps: int = 30,
    throw: bool = True,
) -> Solution[Reflection]:
    """Of all points of an interface, that by which the way from source to receiver is the shortest in time.

    Any two fields of travel times go together: those of P and of S make converted waves. The fields should be those of the medium `Above` the
    interface; else the two legs may be head waves along it. Later reflections (of a basin's far sides) are not looked for.

    Differentiable twice with respect to everything in the fields and the interface: the place of reflection, at which the time does not change, is
    held fixed for the first derivative and follows by the implicit function theorem in the second. Where
    `throw` is off the result says whether they mean anything.

    Args:
        down, up: times in s from the source, and to the receiver, at a point (`GridTime`, or a closure over a field of two points).
        interface: depth in km at a horizontal place, such as `Surface`.
        low_km, high_km: where on the interface to look; one coordinate in two dimensions, two in three.
        num_starts: places per axis that are tried first.
        max_steps: of Newton's method from the best of them.
        throw: raise where the point of reflection lies on the edge of the region, or was not found.

    Returns:
        `Solution`; its result is `boundary` where the point lies on the edge, where the wave is not a reflection.
    """
    if low_km.shape != high_km.shape or low_km.ndim != 1 or low_km.size not in (1, 2):
        raise ValueError(
            f"`low_km` and `high_km` must have one or two coordinates each, got shapes {low_km.shape} and {high_km.shape}"
        )
    if num_starts < 3:
        raise ValueError(f"`num_starts` must be at least 3, got {num_starts}")
    dtype = jnp.result_type(low_km, high_km, float)
    low, high = stop_gradient((low_km.astype(dtype), high_km.astype(dtype)))

    def point(place):
        return jnp.concatenate([place, jnp.atleast_1d(interface(place)).astype(dtype)])

    def time(place):
        x = point(place)
        return down(x) + up(x)

    axes = [jnp.linspace(a, b, num_starts) for a, b in zip(low, high, strict=True)]
    starts = jnp.stack([x.reshape(-1) for x in jnp.meshgrid(*axes, indexing="ij")], axis=-1)
    best = starts[jnp.argmin(stop_gradient(jax.vmap(time)(starts)))]
    place, curvature, settled = stop_gradient(_descend(time, best, low, high, max_steps))
    inside = jnp.all((place > low + ON_EDGE * (high - low)) & (place < high - ON_EDGE * (high - low)))
    # A last Newton step, of no length: it carries the derivatives of the place.
    value, slope = jax.value_and_grad(time)(place)
    step = jnp.where(inside, -jnp.linalg.solve(curvature, slope), 0)
    value = Reflection(value + 0.5 * jnp.sum(slope * step), point(place + step))
    result = RESULTS.where(settled, RESULTS.successful, RESULTS.max_steps_reached)
    result = RESULTS.where(inside, result, RESULTS.boundary)
    if throw:
        value = result.error_if(value, result != RESULTS.successful)
    return Solution(value=value, result=result, stats={})


def _descend(time: Callable, start, low, high, max_steps: int) -> tuple[Any, Any, Any]:
    """The minimum near a start within a box, by Newton's method with a line search; the curvature there, and whether it was reached."""
    widest = (high - low) / 8
    lengths = jnp.concatenate(
        [jnp.zeros(1, start.dtype), jnp.asarray(0.5, start.dtype) ** jnp.arange(8, dtype=start.dtype)]
    )
    enough = 10 * jnp.sqrt(jnp.finfo(start.dtype).eps) * jnp.max(high - low)

    def slopes(place):
        slope, pull = jax.vjp(jax.grad(time), place)
        return slope, jax.vmap(lambda c: pull(c)[0])(jnp.eye(place.size, dtype=place.dtype))

    def step(state):
        place, _, _, count = state
        slope, hessian = slopes(place)
        curvature = _positive(hessian)
        move = jnp.clip(-jnp.linalg.solve(curvature, slope), -widest, widest)
        tried = jnp.clip(place[None, :] + lengths[:, None] * move[None, :], low[None, :], high[None, :])
        # Where no length is better, rounding is all that is left.
        new = tried[jnp.argmin(jax.vmap(time)(tried))]
        return new, curvature, jnp.max(jnp.abs(new - place)), count + 1

    unfinished = lambda s: (s[2] > 1e-3 * enough) & (s[3] < max_steps)
    nothing = jnp.zeros((start.size, start.size), start.dtype)
    first = (start, nothing, jnp.asarray(jnp.inf, start.dtype), jnp.asarray(0))
    place, curvature, moved, _ = jax.lax.while_loop(unfinished, lambda s: stop_gradient(step(s)), first)
    return place, curvature, moved <= enough


def _positive(hessian):
    """A Hessian of one or two dimensions with positive eigenvalues."""
    values, vectors = jnp.linalg.eigh(hessian)
    least = LEAST_CURVATURE * jnp.max(jnp.abs(values)) + jnp.finfo(hessian.dtype).tiny
    values = jnp.maximum(jnp.abs(values), least)
    return (vectors * values[None, :]) @ vectors.T
