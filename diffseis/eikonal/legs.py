"""Pieces of rays in a stack of segments, in each of which the speed is linear in depth.

A leg of ray parameter ``p`` (s/km) between two depths has the offset ``X(p)`` and the delay ``tau(p) = T -
p X``, the integral of the vertical slowness. With ``c = sqrt(1 - p^2 v^2)`` (the cosine of the angle from
the vertical) at its ends,

    X   = p (v1 + v2) h / (c1 + c2)
    tau = h (F2 - F1) / (v2 - v1),   F = c - log((1 + c) / v)

for a thickness ``h``. Both forms are accurate for vertical rays and X also for vanishing gradients; tau
then turns to Simpson's rule.

References:
    Cerveny (2001), Seismic ray theory, doi:10.1017/CBO9780511529399, section 3.7.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.velocity import Segments


class Leg(NamedTuple):
    """What a vertical line between two depths crosses in each segment: thickness, and speed at both ends."""

    thickness_km: Float[Array, "*segment"]
    upper_km_s: Float[Array, "*segment"]
    lower_km_s: Float[Array, "*segment"]


def gradients(segments: Segments) -> Float[Array, " segment"]:
    """Increase of speed with depth in each segment, per s (zero in segments of no thickness)."""
    thickness = segments.bottom_km - segments.top_km
    solid = thickness > 0
    change = segments.speed_bottom_km_s - segments.speed_top_km_s
    return jnp.where(solid, change / jnp.where(solid, thickness, 1), 0)


def leg_between(
    segments: Segments, upper_km: Float[Array, ""], lower_km: Float[Array, ""], constant: bool
) -> Leg:
    """The leg between two depths, the upper one first; `constant` says that speeds do not vary within
    segments."""
    upper = jnp.clip(upper_km, segments.top_km, segments.bottom_km)
    lower = jnp.clip(lower_km, segments.top_km, segments.bottom_km)
    if constant:
        return Leg(lower - upper, segments.speed_top_km_s, segments.speed_top_km_s)
    slope = gradients(segments)
    return Leg(
        lower - upper,
        segments.speed_top_km_s + slope * (upper - segments.top_km),
        segments.speed_top_km_s + slope * (lower - segments.top_km),
    )


def fastest(leg: Leg) -> Float[Array, ""]:
    """Largest speed that a leg meets, or 0 where it has no length."""
    return jnp.max(jnp.where(leg.thickness_km > 0, jnp.maximum(leg.upper_km_s, leg.lower_km_s), 0), axis=-1)


def fill_uncrossed(leg: Leg, speed_km_s: Float[Array, ""]) -> Leg:
    """The leg with a harmless speed in the segments that it does not cross."""
    crossed = leg.thickness_km > 0
    return Leg(
        leg.thickness_km,
        jnp.where(crossed, leg.upper_km_s, speed_km_s),
        jnp.where(crossed, leg.lower_km_s, speed_km_s),
    )


def cosine(speed_km_s: Float[Array, "*shape"], p: Float[Array, ""]) -> Float[Array, "*shape"]:
    """``sqrt(1 - p^2 v^2)``, not below a small positive number (with zero gradient there)."""
    floor = float(jnp.finfo(speed_km_s.dtype).eps)
    return jnp.sqrt(jnp.maximum(1 - (p * speed_km_s) ** 2, floor * floor))


def leg_offset(
    leg: Leg, p: Float[Array, ""], upper_cos: Float[Array, "*segment"], lower_cos: Float[Array, "*segment"]
) -> Float[Array, "*segment"]:
    """Horizontal length in km of the ray in each segment."""
    return leg.thickness_km * p * (leg.upper_km_s + leg.lower_km_s) / (upper_cos + lower_cos)


def leg_delay(
    leg: Leg,
    p: Float[Array, ""],
    upper_cos: Float[Array, "*segment"],
    lower_cos: Float[Array, "*segment"],
    constant: bool,
) -> Float[Array, "*segment"]:
    """Delay ``T - p X`` in s of the ray in each segment."""
    if constant:
        return leg.thickness_km * upper_cos / leg.upper_km_s
    v1, v2 = leg.upper_km_s, leg.lower_km_s
    mean = (v1 + v2) / 2
    threshold = float(jnp.finfo(v1.dtype).eps) ** 0.25
    steep = jnp.abs(v2 - v1) > threshold * mean
    change = jnp.where(steep, v2 - v1, 1)
    exact = (upper_cos * -1 + lower_cos + jnp.log((1 + upper_cos) * v2 / ((1 + lower_cos) * v1))) / change
    simpson = (upper_cos / v1 + 4 * cosine(mean, p) / mean + lower_cos / v2) / 6
    return leg.thickness_km * jnp.where(steep, exact, simpson)
