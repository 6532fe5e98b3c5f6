"""Ruptures as rectangles, and the distances that ground-motion models take.

Positions are local north, east, down in km. A rectangle's slip plane dips to the right of its strike; `rx` is positive on that side, over the hanging wall.

References:
    Kaklamanos, Baise & Boore (2011), Estimating unknown input parameters, doi:10.1193/1.3650372.
    Wells & Coppersmith (1994), Bulletin of the Seismological Society of America 84, 974-1002.
"""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.core import safe
from diffseis.groundmotion.terms import Scalar, styles


class Plane(eqx.Module):
    """A rectangle.

    Attributes:
        top_ned_km: middle of its upper edge.
        strike_rad, dip_rad: of the plane.
        length_km: along the strike.
        width_km: down the dip.
    """

    top_ned_km: Float[Array, "3"]
    strike_rad: Float[Array, ""]
    dip_rad: Float[Array, ""]
    length_km: Float[Array, ""]
    width_km: Float[Array, ""]


class Distances(eqx.Module):
    """From a site to a rupture; see `Site`."""

    rjb_km: Float[Array, ""]
    rrup_km: Float[Array, ""]
    rx_km: Float[Array, ""]
    ry0_km: Float[Array, ""]


def plane_distances(plane: Plane, site_ned_km: Float[Array, "3"]) -> Distances:
    """Distances of one site. Where a distance is 0 its derivatives are given as 0."""
    north, east, down = site_ned_km - plane.top_ned_km
    sine, cosine = jnp.sin(plane.strike_rad), jnp.cos(plane.strike_rad)
    along, across = north * cosine + east * sine, east * cosine - north * sine
    beside = jnp.maximum(jnp.abs(along) - plane.length_km / 2, 0)
    outside = lambda x, end: jnp.maximum(x - end, 0) - jnp.maximum(-x, 0)
    level = outside(across, plane.width_km * jnp.cos(plane.dip_rad))
    down_dip = across * jnp.cos(plane.dip_rad) + down * jnp.sin(plane.dip_rad)
    off_plane = across * jnp.sin(plane.dip_rad) - down * jnp.cos(plane.dip_rad)
    return Distances(
        rjb_km=safe.norm(jnp.stack([beside, level])),
        rrup_km=safe.norm(jnp.stack([beside, outside(down_dip, plane.width_km), off_plane])),
        rx_km=across,
        ry0_km=beside,
    )


def point_distances(
    hypocentre_ned_km: Float[Array, "3"], site_ned_km: Float[Array, "3"]
) -> tuple[Scalar, Scalar]:
    """Epicentral and hypocentral distance, km; derivatives of 0 where they are 0."""
    apart = site_ned_km - hypocentre_ned_km
    return safe.norm(apart[:2]), safe.norm(apart)


def expected_size(magnitude: Scalar, rake_rad: Scalar) -> tuple[Scalar, Scalar]:
    """Length along the strike and width down the dip, km, that Wells & Coppersmith expect of a magnitude and a style (subsurface lengths and widths).

    Unknown rakes (NaN) take the relations of all styles.
    """
    normal, reverse = styles(rake_rad, 45.0)
    known = jnp.isfinite(rake_rad)
    pick = lambda every, slip, down, up: jnp.where(
        known, slip + (down - slip) * normal + (up - slip) * reverse, every
    )
    length = pick(-2.44, -2.57, -1.88, -2.42) + pick(0.59, 0.62, 0.50, 0.58) * magnitude
    width = pick(-1.01, -0.76, -1.14, -1.61) + pick(0.32, 0.27, 0.35, 0.41) * magnitude
    return 10**length, 10**width


def expected_area(magnitude: Scalar, rake_rad: Scalar) -> Scalar:
    """Area of the rupture, km^2, that Wells & Coppersmith expect of a magnitude and a style; unknown rakes (NaN) take that of all styles."""
    normal, reverse = styles(rake_rad, 45.0)
    known = jnp.isfinite(rake_rad)
    pick = lambda every, slip, down, up: jnp.where(
        known, slip + (down - slip) * normal + (up - slip) * reverse, every
    )
    return 10 ** (pick(-3.49, -3.42, -2.87, -3.99) + pick(0.91, 0.90, 0.82, 0.98) * magnitude)


def down_dip(strike_rad: Scalar, dip_rad: Scalar) -> Float[Array, "3"]:
    """Direction down a plane that dips to the right of its strike: north, east, down."""
    level = jnp.cos(dip_rad)
    return jnp.stack([-jnp.sin(strike_rad) * level, jnp.cos(strike_rad) * level, jnp.sin(dip_rad)])


def plane_about(
    hypocentre_ned_km: Float[Array, "3"],
    strike_rad: Scalar,
    dip_rad: Scalar,
    length_km: Scalar,
    width_km: Scalar,
) -> Plane:
    """A rectangle whose middle is a hypocentre, moved down its dip where it would reach above the ground (down of 0)."""
    direction = down_dip(strike_rad, dip_rad)
    top = hypocentre_ned_km - 0.5 * width_km * direction
    # As far down the plane as its upper edge stands out.
    out = jnp.maximum(-top[2], 0) / jnp.maximum(direction[2], 1e-6)
    return Plane(top + out * direction, strike_rad, dip_rad, length_km, width_km)
