"""Rays that dive below both ends and turn where speed grows with depth.

Below, the medium is cut at the two ends: what lies between them is crossed once, and what lies below the
lower end is crossed twice, down and up.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float, Int

from diffseis.eikonal.legs import Leg, cosine, gradients, leg_delay, leg_offset
from diffseis.velocity import Segments

NUM_RAYS = 13
"""Rays of the fan that looks for arrivals turning in one segment."""
NUM_STEPS = 4
"""Newton steps from the fan's bracket to the ray."""
MISSED = 1e-3
"""Share of the offset by which a ray may end beside it. Only those miss that graze a thin layer of constant speed; the wave along it is
found without them."""


class Cuts(NamedTuple):
    """The part of a medium below the upper end, cut at the lower end.

    Attributes:
        leg: thickness (zero above the upper end) and speeds of each cut.
        slope: gradient of speed in it, per s.
        crossings: how often a ray that turns below crosses it.
    """

    leg: Leg
    slope: Float[Array, " cut"]
    crossings: Int[Array, " cut"]


def turning_time(
    segments: Segments, offset_km: Float[Array, ""], upper_km: Float[Array, ""], lower_km: Float[Array, ""]
) -> Float[Array, ""]:
    """Earliest time of a ray that turns below both ends; infinity where there is none.

    For every cut a fan of rays is traced that turn in it. Among the pairs of neighbours that bracket the
    offset the earliest is taken (times between them by Hermite interpolation: the slope of time against
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
    cuts = _cut(segments, upper_km, lower_km)
    cut, angle, found = stop_gradient(_earliest(*stop_gradient((cuts, offset_km))))
    # One differentiable Newton step; the time is stationary in the angle.
    reach, slope = _reach_and_slope(cuts, cut, angle)
    found = found & (jnp.abs(reach - offset_km) <= MISSED * offset_km)
    usable = found & (jnp.abs(slope) > 1e-12)
    angle = angle - jnp.where(usable, (reach - offset_km) / jnp.where(usable, slope, 1), 0)
    delay, p = _delay(cuts, cut, angle)
    return jnp.where(found, delay + p * offset_km, jnp.inf)


def _cut(segments, upper_km, lower_km):
    """The medium cut at the lower end: one more piece than there are segments."""
    num_segments = segments.top_km.shape[0]
    cut = jnp.arange(num_segments + 1)
    home = jnp.sum(segments.bottom_km[:-1] <= lower_km)
    below = cut > home
    of = jnp.where(below, cut - 1, cut)
    pick = lambda v: v.at[of].get(mode="promise_in_bounds")
    top, bottom, speed_top, slope = (
        pick(v) for v in (segments.top_km, segments.bottom_km, segments.speed_top_km_s, gradients(segments))
    )
    start = jnp.clip(jnp.where(below, lower_km, upper_km), top, bottom)
    end = jnp.clip(jnp.where(below, bottom, lower_km), start, bottom)
    leg = Leg(end - start, speed_top + slope * (start - top), speed_top + slope * (end - top))
    return Cuts(leg, slope, jnp.where(below, 2, 1).astype(jnp.int32))


def _turn(cuts, cut, angle):
    """Ray parameter, gradient (never zero) and speed at the top of the cut in which a ray turns."""
    get = lambda v: v.at[cut].get(mode="promise_in_bounds")
    speed, slope = get(cuts.leg.upper_km_s), get(cuts.slope)
    return jnp.cos(angle) / speed, jnp.where(slope > 0, slope, 1), speed


def _crossed(cuts, cut, of_cut, num_values):
    """Sums over the cuts above the one of the turning point.

    A scan: on CPU vectors then run over rays (which are many) and not over cuts.
    """
    dtype = cuts.leg.upper_km_s.dtype

    def add(sums, piece):
        leg, crossings, number = piece
        crossed = (number < cut) & (leg.thickness_km > 0)
        values = of_cut(leg, crossed)
        times = crossings.astype(dtype)
        return tuple(s + jnp.where(crossed, times * v, 0) for s, v in zip(sums, values, strict=True)), None

    pieces = (cuts.leg, cuts.crossings, jnp.arange(cuts.slope.shape[0]))
    return jax.lax.scan(add, (jnp.zeros((), dtype),) * num_values, pieces)[0]


def _harmless(leg, crossed, speed):
    return Leg(
        leg.thickness_km,
        jnp.where(crossed, leg.upper_km_s, speed / 2),
        jnp.where(crossed, leg.lower_km_s, speed / 2),
    )


def _reach_and_slope(cuts, cut, angle):
    """Offset in km of the ray turning in a cut at an angle from the horizontal, and its derivative."""
    p, slope, speed = _turn(cuts, cut, angle)

    def of_cut(leg, crossed):
        leg = _harmless(leg, crossed, speed)
        c1, c2 = cosine(leg.upper_km_s, p), cosine(leg.lower_km_s, p)
        x = leg_offset(leg, p, c1, c2)
        bend = p * p * (leg.upper_km_s**2 / c1 + leg.lower_km_s**2 / c2) / (c1 + c2)
        return x, x / p * (1 + bend)

    reach, by_p = _crossed(cuts, cut, of_cut, 2)
    sine, cos = jnp.sin(angle), jnp.cos(angle)
    arc = 2 * speed / slope
    return reach + arc * sine / cos, arc / cos**2 - by_p * sine / speed


def _delay(cuts, cut, angle):
    """Delay in s and ray parameter of the ray turning in a cut at an angle from the horizontal."""
    p, slope, speed = _turn(cuts, cut, angle)

    def of_cut(leg, crossed):
        leg = _harmless(leg, crossed, speed)
        return (leg_delay(leg, p, cosine(leg.upper_km_s, p), cosine(leg.lower_km_s, p), False),)

    (delay,) = _crossed(cuts, cut, of_cut, 1)
    sine = jnp.sin(angle)
    return delay + 2 * (jnp.arctanh(jnp.minimum(sine, 1 - 1e-6)) - sine) / slope, p


def _fan(cuts):
    """Angles, offsets, times and ray parameters of the rays turning in each cut, and which cuts have any."""
    leg = cuts.leg
    met = jnp.where(leg.thickness_km > 0, jnp.maximum(leg.upper_km_s, leg.lower_km_s), 0)
    above = jnp.concatenate([jnp.zeros((1,), met.dtype), jax.lax.cummax(met)[:-1]])
    speed, deepest = leg.upper_km_s, leg.lower_km_s
    limit = jnp.maximum(speed, above)
    thick = (cuts.crossings > 1) & (cuts.slope > 0) & (leg.thickness_km > 0) & (limit < deepest)
    low = jnp.arccos(jnp.minimum(speed / limit, 1))
    high = jnp.arccos(jnp.where(thick, speed / jnp.maximum(deepest, speed), 1))
    fraction = jnp.linspace(0, 1, NUM_RAYS, dtype=speed.dtype)
    angle = low[:, None] + (jnp.maximum(high, low) - low)[:, None] * fraction[None, :]

    def ray(cut, angle):
        reach, _ = _reach_and_slope(cuts, cut, angle)
        delay, p = _delay(cuts, cut, angle)
        return reach, delay + p * reach, p

    reach, time, p = jax.vmap(jax.vmap(ray, in_axes=(None, 0)))(jnp.arange(speed.shape[0]), angle)
    return angle, reach, time, p, thick


def _earliest(cuts, offset_km):
    """Cut and angle of the earliest turning ray at an offset, and whether there is one."""
    angle, reach, time, p, any_ray = _fan(cuts)
    dtype = offset_km.dtype
    pairs = [jnp.stack([v[:, :-1], v[:, 1:]]).reshape(2, -1) for v in (angle, reach, time, p)]
    number = jnp.repeat(jnp.arange(angle.shape[0]), NUM_RAYS - 1)
    some = jnp.repeat(any_ray, NUM_RAYS - 1)

    def look(best, bracket):
        (a0, a1), (x0, x1), (t0, t1), (p0, p1), cut, some = bracket
        width = x1 - x0
        wide = some & (jnp.abs(width) > 0)
        u = jnp.where(wide, (offset_km - x0) / jnp.where(wide, width, 1), 0)
        hit = wide & ((x0 - offset_km) * (x1 - offset_km) <= 0)
        hermite = t0 + u * u * (3 - 2 * u) * (t1 - t0) + u * (1 - u) * width * ((1 - u) * p0 - u * p1)
        # A ray grazing a constant layer has no finite offset: then by the slope at the nearer ray.
        tangent = jnp.where(x0 < x1, t0 + p0 * (offset_km - x0), t1 + p1 * (offset_km - x1))
        expected = jnp.where(jnp.abs(width) > 1e3, tangent, hermite)
        better = hit & (expected < best[0])
        sign = jnp.where(x0 < x1, 1, -1).astype(dtype)
        this = (expected, cut, a0, a1, a0 + u * (a1 - a0), sign)
        return tuple(jnp.where(better, new, old) for new, old in zip(this, best, strict=True)), None

    nothing = (jnp.asarray(jnp.inf, dtype), number[0], *(jnp.ones((), dtype),) * 4)
    best, _ = jax.lax.scan(look, nothing, (*((v[0], v[1]) for v in pairs), number, some))
    expected, cut, low, high, first, sign = best

    def step(_, state):
        low, high, t = state
        reach, slope = _reach_and_slope(cuts, cut, t)
        excess = reach - offset_km
        beyond = sign * excess > 0
        low, high = jnp.where(beyond, low, t), jnp.where(beyond, t, high)
        newton = t - excess / jnp.where(slope == 0, 1, slope)
        inside = (newton > low) & (newton < high) & (slope != 0)
        return low, high, jnp.where(inside, newton, (low + high) / 2)

    _, _, refined = jax.lax.fori_loop(0, NUM_STEPS, step, (low, high, first))
    return cut, refined, jnp.isfinite(expected)
