"""Types of sources: places on the lune of eigenvalue triples, and coordinates in which moment tensors are uniform.

References:
    Tape & Tape (2012), A geometric setting for moment tensors, doi:10.1111/j.1365-246X.2012.05491.x. Tape & Tape (2015), A uniform
    parametrization of moment tensors, doi:10.1093/gji/ggv262.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffseis.core import safe
from diffseis.source.eigen import principal
from diffseis.source.planes import nodal_planes
from diffseis.source.quaternions import double_couple_quaternion, rotation_of

_LUNE = np.array(
    [[np.sqrt(3.0), -1.0, np.sqrt(2.0)], [0.0, 2.0, np.sqrt(2.0)], [-np.sqrt(3.0), -1.0, np.sqrt(2.0)]]
) / np.sqrt(6.0)
_BISECTIONS = 60


def lune_of_values(value: Float[Array, "3"]) -> Float[Array, "2"]:
    """Longitude gamma (-pi/6 to pi/6) and latitude delta (-pi/2 to pi/2) in radians of eigenvalues from the largest.

    Double couples lie at (0, 0), explosions at delta = pi/2, where gamma is given as 0.
    """
    x, y, z = jnp.asarray(_LUNE.T, value.dtype) @ value
    return jnp.stack([safe.arctan2(y, x), safe.arctan2(z, safe.norm(jnp.stack([x, y])))])


def lune_of(tensor: Float[Array, "3 3"]) -> Float[Array, "2"]:
    """`lune_of_values` of a tensor."""
    return lune_of_values(principal(tensor)[0])


def lune_values(gamma_rad: Float[Array, ""], delta_rad: Float[Array, ""]) -> Float[Array, "3"]:
    """The eigenvalues of unit length at a place on the lune."""
    flat = jnp.cos(delta_rad)
    place = jnp.stack([flat * jnp.cos(gamma_rad), flat * jnp.sin(gamma_rad), jnp.sin(delta_rad)])
    return jnp.asarray(_LUNE, place.dtype) @ place


def v_of_gamma(gamma_rad: Float[Array, ""]) -> Float[Array, ""]:
    """-1/3 to 1/3."""
    return jnp.sin(3 * gamma_rad) / 3


def gamma_of_v(v: Float[Array, ""]) -> Float[Array, ""]:
    """The inverse of `v_of_gamma`; its derivative at the edges, which is infinite, is given as 0."""
    sine = jnp.clip(3 * v, -1, 1)
    return safe.arctan2(sine, safe.sqrt((1 - sine) * (1 + sine))) / 3


def u_of_delta(delta_rad: Float[Array, ""]) -> Float[Array, ""]:
    """0 (explosion) to 3 pi/4 (implosion), 3 pi/8 for deviatoric sources; w of Tape & Tape is 3 pi/8 - u."""
    beta = jnp.pi / 2 - delta_rad
    return 0.75 * beta - 0.5 * jnp.sin(2 * beta) + jnp.sin(4 * beta) / 16


@jax.custom_jvp
def delta_of_u(u: Float[Array, ""]) -> Float[Array, ""]:
    """The inverse of `u_of_delta`, by halving; its derivative at the edges, which is infinite, is given as 0."""

    def halve(_, bounds):
        low, high = bounds
        middle = 0.5 * (low + high)
        beyond = u_of_delta(middle) > u  # u falls as delta rises
        return jnp.where(beyond, middle, low), jnp.where(beyond, high, middle)

    quarter = jnp.full_like(u, jnp.pi / 2)
    low, high = jax.lax.fori_loop(0, _BISECTIONS, halve, (-quarter, quarter))
    return 0.5 * (low + high)


@delta_of_u.defjvp
def _(primals, tangents):
    delta = delta_of_u(*primals)
    slope = 2 * jnp.cos(delta) ** 4
    edge = jnp.abs(slope) < jnp.finfo(slope.dtype).tiny ** 0.25
    return delta, -safe.divide(tangents[0], jnp.where(edge, 0, slope))


def uniform_tensor(
    u: Float[Array, ""],
    v: Float[Array, ""],
    strike_rad: Float[Array, ""],
    rake_rad: Float[Array, ""],
    cos_dip: Float[Array, ""],
) -> Float[Array, "3 3"]:
    """The tensor of unit norm at coordinates in which uniform tensors are uniform (u, v, kappa, sigma and h of Tape & Tape 2015).

    Args:
        u: 0 to 3 pi/4.
        v: -1/3 to 1/3.
        strike_rad: 0 to 2 pi.
        rake_rad: -pi/2 to pi/2; beyond lie the other planes of the same tensors.
        cos_dip: 0 to 1.
    """
    value = lune_values(gamma_of_v(v), delta_of_u(u))
    dip = safe.arctan2(safe.sqrt((1 - cos_dip) * (1 + cos_dip)), cos_dip)
    axes = rotation_of(double_couple_quaternion(strike_rad, dip, rake_rad))
    return (axes * value[None, :]) @ axes.T


def uniform_coordinates(tensor: Float[Array, "3 3"]) -> Float[Array, "5"]:
    """u, v, strike, rake and cosine of dip of a tensor: the inverse of `uniform_tensor`, by the plane whose rake lies in -pi/2 to pi/2."""
    gamma, delta = lune_of(tensor)
    planes = nodal_planes(tensor)
    plane = planes[jnp.argmin(jnp.abs(planes[:, 2]))]
    return jnp.stack([u_of_delta(delta), v_of_gamma(gamma), plane[0], plane[2], jnp.cos(plane[1])])
