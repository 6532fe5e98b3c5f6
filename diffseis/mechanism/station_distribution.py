"""How well a mechanism explains its data and how well the data cover it: what HASH's grades are made of.

References:
    Reasenberg & Oppenheimer (1985), FPFIT, FPPLOT and FPPAGE, doi:10.3133/ofr85739, for the misfit and the station distribution ratio.
    Hardebeck & Shearer (2003), doi:10.1785/0120020236.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffseis.mechanism.accepted import HashRays, log_ratio, ray_directions
from diffseis.mechanism.hash_grid import planes_of_quaternion
from diffseis.source import double_couple_quaternion, planes_of


class HashMisfit(eqx.Module):
    """Of one mechanism.

    Attributes:
        polarity: wrong polarities over all, weighted by their sizes and the square roots of their amplitudes.
        station_distribution_ratio: mean of the square roots of amplitudes: small where rays are near nodal planes.
        ratio: mean absolute difference of log10 S/P; 0 without ratios.
    """

    polarity: Float[Array, ""]
    station_distribution_ratio: Float[Array, ""]
    ratio: Float[Array, ""]


def hash_misfit(
    q: Float[Array, "4"], rays: HashRays, log_cube: Float[Array, ""], *, original: bool = False
) -> HashMisfit:
    """Of the rays as they are stated. Amplitudes are of unit moment: 1 on the axes of T and P.

    Args:
        q: the mechanism's quaternion.
        rays: of the event.
        log_cube: log10 of (Vp/Vs)^3.
        original: amplitudes, but not signs, are of the mechanism that `misread` gives.
    """
    towards = ray_directions(rays.azimuth_rad, rays.takeoff_rad)
    along = lambda q: tuple(towards @ axis for axis in planes_of_quaternion(q).astype(towards.dtype))
    normal, slip = along(q)
    wrong = (normal * slip >= 0) != rays.up
    normal, slip = along(misread(q)) if original else (normal, slip)
    root = jnp.sqrt(jnp.abs(2 * normal * slip))
    there = jnp.arange(root.shape[0], dtype=jnp.int32) < rays.num_ratios
    apart = jnp.abs(rays.log10_sp - log_ratio(normal, slip, log_cube))
    num_ratios = rays.num_ratios.astype(root.dtype)
    weight = rays.size * root
    return HashMisfit(
        polarity=_share(jnp.sum(jnp.where(wrong, weight, 0)), jnp.sum(weight)),
        station_distribution_ratio=_share(
            jnp.sum(weight) + jnp.sum(jnp.where(there, root, 0)), jnp.sum(rays.size) + num_ratios
        ),
        ratio=_share(jnp.sum(jnp.where(there, apart, 0)), num_ratios),
    )


def misread(q: Float[Array, "4"]) -> Float[Array, "4"]:
    """The mechanism that comes of taking the radians of strike, dip and rake for degrees: HASH v1.2 does so where it weights with amplitudes."""
    return double_couple_quaternion(*jnp.radians(planes_of(q)[0]))


def hash_misfits(
    quaternions: Float[Array, "solution 4"],
    rays: HashRays,
    log_cube: Float[Array, ""],
    *,
    original: bool = False,
) -> HashMisfit:
    """Of several mechanisms."""
    return jax.vmap(lambda q: hash_misfit(q, rays, log_cube, original=original))(quaternions)


def _share(part, whole):
    return jnp.where(whole > 0, part / jnp.where(whole > 0, whole, 1), 0)


def coverage_gaps_deg(azimuth_deg: np.ndarray, takeoff_deg: np.ndarray) -> tuple[float, float]:
    """Largest gaps between azimuths, and between angles from the vertical, of rays on one half of the focal sphere; 360 and 90 without rays.

    A ray that leaves downward (or upward: only half the sphere counts) stands for its opposite, which has the same polarity.

    Args:
        azimuth_deg: from north over east.
        takeoff_deg: from down.
    """
    if len(azimuth_deg) == 0:
        return 360.0, 90.0
    downward = takeoff_deg < 90
    azimuth = np.sort(np.where(downward, azimuth_deg - 180, azimuth_deg) % 360)
    steep = np.sort(np.where(downward, takeoff_deg, 180 - takeoff_deg))
    around = np.diff(azimuth, append=azimuth[0] + 360)
    down = np.diff(steep, prepend=0, append=90)
    return float(np.max(around)), float(np.max(down))
