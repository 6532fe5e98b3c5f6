"""Rays that dive below both ends and turn where speed grows with depth."""

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from diffseis.eikonal.legs import (
    cosine,
    fastest,
    fill_uncrossed,
    gradients,
    leg_between,
    leg_delay,
    leg_offset,
)
from diffseis.velocity import Segments

NUM_RAYS = 13
"""Rays of the fan that looks for arrivals turning in one segment."""
NUM_STEPS = 4
"""Newton steps from the fan's bracket to the ray."""


def turning_time(
    segments: Segments, offset_km: Float[Array, ""], upper_km: Float[Array, ""], lower_km: Float[Array, ""]
) -> Float[Array, ""]:
    """Earliest time of a ray that turns below both ends; infinity where there is none.

    For every segment a fan of rays is traced that turn in it. Among the pairs of neighbours that bracket
    the offset the earliest is taken (times between them by Hermite interpolation: the slope of time against
    offset is the ray parameter), and the ray within it is found by safeguarded Newton steps. So
    triplications need no special care.
    """
    # The test depends on the model alone, so that under `vmap` over positions the work is really left out.
    return jax.lax.cond(
        jnp.any(gradients(segments) > 0),
        _turning_time,
        lambda _, offset, *depths: jnp.full_like(offset, jnp.inf),
        *(segments, offset_km, upper_km, lower_km),
    )


def _turning_time(segments, offset_km, upper_km, lower_km):
    inputs = stop_gradient((segments, offset_km, upper_km, lower_km))
    segment, angle, found = stop_gradient(_earliest(*inputs))
    # One differentiable Newton step; the time is stationary in the angle.
    reach, slope = jax.jvp(
        lambda t: _ray(segments, upper_km, lower_km, segment, t)[0], (angle,), (jnp.ones_like(angle),)
    )
    usable = found & (jnp.abs(slope) > 1e-12)
    angle = angle - jnp.where(usable, (reach - offset_km) / jnp.where(usable, slope, 1), 0)
    _, delay, p = _ray(segments, upper_km, lower_km, segment, angle)
    return jnp.where(found, delay + p * offset_km, jnp.inf)


def _start(segments, lower_km, segment):
    """Depth below which a ray may turn in a segment, the speed there, and the segment's gradient (never
    zero)."""
    depth = jnp.clip(lower_km, segments.top_km[segment], segments.bottom_km[segment])
    slope = gradients(segments)[segment]
    speed = segments.speed_top_km_s[segment] + slope * (depth - segments.top_km[segment])
    return depth, speed, jnp.where(slope > 0, slope, 1)


def _ray(segments, upper_km, lower_km, segment, angle):
    """Offset in km, delay in s and ray parameter of the ray turning in a segment at an angle from the
    horizontal."""
    depth, speed, slope = _start(segments, lower_km, segment)
    p = jnp.cos(angle) / speed
    c = jnp.sin(angle)
    reach = 2 * c / (p * slope)
    delay = 2 * (jnp.arctanh(jnp.minimum(c, 1 - 1e-6)) - c) / slope
    for end_km in (upper_km, lower_km):
        leg = fill_uncrossed(leg_between(segments, jnp.minimum(end_km, depth), depth, False), speed / 2)
        c1, c2 = cosine(leg.upper_km_s, p), cosine(leg.lower_km_s, p)
        reach = reach + jnp.sum(leg_offset(leg, p, c1, c2))
        delay = delay + jnp.sum(leg_delay(leg, p, c1, c2, False))
    return reach, delay, p


def _fan(segments, upper_km, lower_km):
    """Angles, offsets, times and ray parameters of the rays turning in each segment, and which segments
    have any."""

    def of_segment(segment):
        depth, speed, _ = _start(segments, lower_km, segment)
        met = [
            fastest(leg_between(segments, jnp.minimum(z, depth), depth, False)) for z in (upper_km, lower_km)
        ]
        limit = jnp.maximum(speed, jnp.maximum(met[0], met[1]))
        deepest = segments.speed_bottom_km_s[segment]
        thick = (gradients(segments)[segment] > 0) & (segments.bottom_km[segment] > depth) & (limit < deepest)
        low = jnp.arccos(jnp.minimum(speed / limit, 1))
        high = jnp.arccos(jnp.where(thick, speed / jnp.maximum(deepest, speed), 1))
        fraction = jnp.linspace(0, 1, NUM_RAYS, dtype=speed.dtype)
        angle = low + (jnp.maximum(high, low) - low) * fraction
        reach, delay, p = jax.vmap(lambda t: _ray(segments, upper_km, lower_km, segment, t))(angle)
        return angle, reach, delay + p * reach, p, thick

    return jax.vmap(of_segment)(jnp.arange(segments.top_km.shape[0]))


def _earliest(segments, offset_km, upper_km, lower_km):
    """Segment and angle of the earliest turning ray at an offset, and whether there is one."""
    angle, reach, time, p, any_ray = _fan(segments, upper_km, lower_km)
    x0, x1 = reach[:, :-1], reach[:, 1:]
    width = x1 - x0
    wide = jnp.abs(width) > 0
    u = jnp.where(wide, (offset_km - x0) / jnp.where(wide, width, 1), 0)
    bracket = any_ray[:, None] & ((x0 - offset_km) * (x1 - offset_km) <= 0) & wide
    t0, t1 = time[:, :-1], time[:, 1:]
    m0, m1 = p[:, :-1] * width, p[:, 1:] * width
    hermite = t0 + u * u * (3 - 2 * u) * (t1 - t0) + u * (1 - u) * ((1 - u) * m0 - u * m1)
    # A ray grazing a constant layer has no finite offset: then by the slope at the nearer ray.
    first_near = x0 < x1
    tangent = jnp.where(first_near, t0 + p[:, :-1] * (offset_km - x0), t1 + p[:, 1:] * (offset_km - x1))
    hermite = jnp.where(jnp.abs(width) > 1e3, tangent, hermite)
    best = jnp.argmin(jnp.where(bracket, hermite, jnp.inf))
    found = jnp.any(bracket)
    segment, ray = best // (NUM_RAYS - 1), best % (NUM_RAYS - 1)
    low, high = angle[segment, ray], angle[segment, ray + 1]
    sign = jnp.where(x0[segment, ray] < x1[segment, ray], 1, -1).astype(offset_km.dtype)

    def step(_, state):
        low, high, t = state
        reach, slope = jax.jvp(
            lambda t: _ray(segments, upper_km, lower_km, segment, t)[0], (t,), (jnp.ones_like(t),)
        )
        excess = reach - offset_km
        beyond = sign * excess > 0
        low, high = jnp.where(beyond, low, t), jnp.where(beyond, t, high)
        newton = t - excess / jnp.where(slope == 0, 1, slope)
        inside = (newton > low) & (newton < high) & (slope != 0)
        return low, high, jnp.where(inside, newton, (low + high) / 2)

    first = low + u[segment, ray] * (high - low)
    _, _, refined = jax.lax.fori_loop(0, NUM_STEPS, step, (low, high, first))
    return segment, refined, found
