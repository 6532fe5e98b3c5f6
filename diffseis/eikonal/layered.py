"""First arrivals between any two points of a one-dimensional model."""

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from diffseis.core import safe
from diffseis.eikonal.analytic import arc_time
from diffseis.eikonal.base import AbstractTravelTimeField
from diffseis.eikonal.legs import (
    Leg,
    cosine,
    fastest,
    fill_uncrossed,
    gradients,
    leg_between,
    leg_delay,
    leg_offset,
)
from diffseis.eikonal.turning import turning_time
from diffseis.velocity import Layered, Segments

NUM_NEWTON = 10


class LayeredTime(AbstractTravelTimeField):
    """The earliest of all rays in a 1-D model: direct, refracted along interfaces, and turning.

    Source and receiver may lie anywhere: above, below or on an interface, at the same depth, on the same
    vertical, on a mountain (the first layer extends upwards) or below the last depth. Layers of low speed
    and head waves along faster layers above both ends are included. Constant layers are exact; so are
    linear ones, up to waves that arrive within microseconds of a caustic.

    Where two arrivals are equally early, or an end lies on an interface, the time has a kink and the
    gradient is one of its subgradients. Elsewhere first and second derivatives with respect to both
    positions and the model are exact: rays are found without gradients, and one differentiable Newton step
    follows.

    Attributes:
        model: the medium.

    References:
        Cerveny (2001), Seismic ray theory, doi:10.1017/CBO9780511529399, chapter 3.
    """

    model: Layered

    def __call__(
        self, source_ned_km: Float[Array, "3"], receiver_ned_km: Float[Array, "3"]
    ) -> Float[Array, ""]:
        offset = receiver_ned_km - source_ned_km
        # Chosen, not by minimum and maximum: at one depth these would halve each end's part in second derivatives.
        above = source_ned_km[2] <= receiver_ned_km[2]
        upper = jnp.where(above, source_ned_km[2], receiver_ned_km[2])
        lower = jnp.where(above, receiver_ned_km[2], source_ned_km[2])
        return first_arrival(self.model, safe.norm(offset[:2]), upper, lower, safe.norm(offset))


@jax.jit
def first_arrival(
    model: Layered,
    offset_km: Float[Array, ""],
    upper_km: Float[Array, ""],
    lower_km: Float[Array, ""],
    distance_km: Float[Array, ""],
) -> Float[Array, ""]:
    """Earliest time in s between two depths at a horizontal offset; `distance_km` is the straight one.

    Everything that does not depend on the offset is computed once when only the offset is mapped
    (`jax.vmap`).
    """
    segments = model.segments()
    constant = model.kind == "layers"
    direct = _direct_time(segments, offset_km, upper_km, lower_km, distance_km, constant)
    times = []
    # At one depth the leg between the ends vanishes with its derivative; halves of that of the other legs make up for it.
    upper_km, lower_km = jnp.minimum(upper_km, lower_km), jnp.maximum(upper_km, lower_km)
    if segments.top_km.shape[0] > 1:
        times.append(_head_times(segments, offset_km, upper_km, lower_km, constant))
    if not constant:
        times.append(_turning_times(segments, offset_km, upper_km, lower_km))
    if not times:
        return direct
    other = jnp.min(jnp.concatenate(times))
    # An arc within one segment is found as a turning ray, too; the closed form has the better derivatives.
    return jnp.where(direct <= other * (1 + 64 * float(jnp.finfo(direct.dtype).eps)), direct, other)


def _turning_times(segments: Segments, offset_km, upper_km, lower_km):
    """Times of rays that turn below both ends, and above both ends: the same in the medium turned over."""
    turned = Segments(
        -segments.bottom_km[::-1],
        -segments.top_km[::-1],
        segments.speed_bottom_km_s[::-1],
        segments.speed_top_km_s[::-1],
    )
    both = jax.tree.map(
        lambda *x: jnp.stack(x), (segments, upper_km, lower_km), (turned, -lower_km, -upper_km)
    )
    # One after the other (not mapped): half as much to compile, and a medium without such rays costs nothing.
    return jax.lax.map(lambda one: turning_time(one[0], offset_km, one[1], one[2]), both)


def _direct_time(segments, offset_km, upper_km, lower_km, distance_km, constant):
    """Time of the ray that crosses each depth between the ends once, or infinity where there is none."""
    # Ends in one segment: closed form, which is also right at zero distance.
    bottom_or_far = jnp.concatenate([segments.bottom_km[:-1], segments.bottom_km[-1:] * 2])
    home = (upper_km >= jnp.concatenate([segments.top_km[:1] * 2, segments.top_km[1:]])) & (
        upper_km < bottom_or_far
    )
    together = jnp.any(home & (lower_km <= bottom_or_far))
    leg = leg_between(segments, upper_km, lower_km, constant)
    pick = lambda v: jnp.sum(jnp.where(home, v, 0))
    if constant:
        near, near_valid = distance_km / pick(leg.upper_km_s), True
    else:
        v1, v2, slope = pick(leg.upper_km_s), pick(leg.lower_km_s), pick(gradients(segments))
        near = arc_time(distance_km, v1 * v2, slope)
        limit = jnp.maximum(pick(segments.speed_top_km_s), pick(segments.speed_bottom_km_s))
        near_valid = _arc_within(offset_km, lower_km - upper_km, v1, v2, slope, limit)
    far = _crossing_time(leg, offset_km, together, constant)
    return jnp.where(together, jnp.where(near_valid, near, jnp.inf), far)


def _arc_within(offset_km, height_km, v1, v2, slope, limit_km_s):
    """Whether a circular ray stays within a segment whose largest speed is `limit_km_s`."""
    r = jnp.where(offset_km > 0, offset_km, 1)
    tilt = (r * slope + (v1 + v2) * height_km / r) / 2
    squared = v1 * v1 + tilt * tilt
    rises = offset_km**2 * jnp.abs(slope) <= (v1 + v2) * height_km
    slack = 1 + 16 * float(jnp.finfo(v1.dtype).eps)
    return (offset_km <= 0) | rises | (squared <= limit_km_s**2 * slack)


def _crossing_time(leg: Leg, offset_km, unused, constant):
    """Time of the direct ray across several segments. Unknown: ``q``, the tangent of its angle where it is
    fastest."""
    crossed = (leg.thickness_km > 0) & ~unused
    h = jnp.where(crossed, leg.thickness_km, 0)
    v_max = jnp.where(unused, 1, fastest(leg))
    k1 = jnp.where(crossed, leg.upper_km_s / v_max, 0)
    k2 = k1 if constant else jnp.where(crossed, leg.lower_km_s / v_max, 0)
    weight = h * (k1 + k2)

    def roots(q):
        s1 = jnp.sqrt(1 + q * q * (1 - k1 * k1))
        return s1, (s1 if constant else jnp.sqrt(1 + q * q * (1 - k2 * k2)))

    q, reachable = stop_gradient(_solve_tangent(offset_km, weight, k1, k2, h, constant))
    # One Newton step that knows how the root moves with every input.
    s1, s2 = roots(q)
    x = jnp.sum(weight * q / (s1 + s2))
    slope = jnp.sum(weight * (1 / s1 + 1 / s2) / (s1 + s2) ** 2)
    capped = q >= _largest_tangent(q.dtype)
    q = jnp.where(capped, q, q - (x - offset_km) / jnp.where(capped | (slope <= 0), 1, slope))
    s1, s2 = roots(q)
    hypotenuse = jnp.sqrt(1 + q * q)
    p = q / (v_max * hypotenuse)
    safe_leg = Leg(h, jnp.where(crossed, leg.upper_km_s, v_max), jnp.where(crossed, leg.lower_km_s, v_max))
    delay = jnp.sum(leg_delay(safe_leg, p, s1 / hypotenuse, s2 / hypotenuse, constant))
    # Stationary in q: first and second derivatives need no more than the first derivative of q.
    return jnp.where(reachable, delay + p * offset_km, jnp.inf)


def _largest_tangent(dtype) -> float:
    return 1e8 if jnp.finfo(dtype).bits == 64 else 1e6


def _solve_tangent(offset_km, weight, k1, k2, h, constant):
    """Tangent of the ray at its fastest point, and whether a direct ray reaches the offset.

    The offset X(q) is increasing and concave, so Newton steps from below stay below the root.
    """
    grazing = (k1 >= 1) & (k2 >= 1)
    linear = jnp.sum(jnp.where(grazing, h, 0))
    flat = jnp.sqrt(jnp.maximum(1 - k1 * k1, 0)) + jnp.sqrt(jnp.maximum(1 - k2 * k2, 0))
    limited = jnp.sum(jnp.where(grazing, 0, weight / jnp.where(flat > 0, flat, 1)))
    low = offset_km / jnp.maximum(jnp.sum(weight) / 2, 1e-30)
    low = jnp.maximum(low, jnp.where(linear > 0, (offset_km - limited) / jnp.where(linear > 0, linear, 1), 0))
    high = _largest_tangent(low.dtype)
    low = jnp.minimum(low, high)

    def newton(_, q):
        s1 = jnp.sqrt(1 + q * q * (1 - k1 * k1))
        s2 = s1 if constant else jnp.sqrt(1 + q * q * (1 - k2 * k2))
        inverse = 1 / (s1 + s2)
        x = jnp.sum(weight * inverse) * q
        slope = jnp.sum(weight * (1 / s1 + 1 / s2) * inverse * inverse)
        step = (offset_km - x) / jnp.where(slope > 0, slope, 1)
        return jnp.clip(q + jnp.where(slope > 0, step, 0), low, high)

    q = jax.lax.fori_loop(0, NUM_NEWTON, newton, low)
    return q, (linear > 0) | (offset_km < limited)


def _head_times(segments: Segments, offset_km, upper_km, lower_km, constant):
    """Times of waves along each interface, at the speed of its faster side; infinity before the critical
    offset."""
    depth = segments.bottom_km[:-1]
    speed = jnp.maximum(segments.speed_bottom_km_s[:-1], segments.speed_top_km_s[1:])

    def head(depth_km, speed_km_s):
        # Slightly steeper than grazing where a leg may meet that very speed, then extrapolated to grazing.
        gap = 0.0 if constant else 4 * float(jnp.finfo(depth_km.dtype).eps) ** 0.5
        p_true = 1 / speed_km_s
        p = p_true * (1 - gap)
        delay, reach, valid = 0.0, 0.0, True
        for end_km in (upper_km, lower_km):
            leg = leg_between(
                segments, jnp.minimum(end_km, depth_km), jnp.maximum(end_km, depth_km), constant
            )
            leg = fill_uncrossed(leg, speed_km_s / 2)
            c1, c2 = cosine(leg.upper_km_s, p), cosine(leg.lower_km_s, p)
            delay = delay + jnp.sum(leg_delay(leg, p, c1, c2, constant))
            reach = reach + jnp.sum(leg_offset(leg, p, c1, c2))
            valid = valid & (fastest(leg) <= speed_km_s)
        time = p_true * offset_km + delay - (p_true - p) * reach
        return jnp.where(valid & (offset_km >= reach), time, jnp.inf)

    return jax.vmap(head)(depth, speed)
