"""Slip that may leave its plane: shear with opening or closing.

The slip u makes the angle `slope` with its plane, positive for opening. The tensor is ``kappa sin(slope) I + u n' + n u'`` times mu A D, where kappa = lambda / mu = (Vp/Vs)^2 - 2.

References:
    Vavrycuk (2001), Inversion for parameters of tensile earthquakes, doi:10.1029/2001JB000372; (2011), Tensile earthquakes: theory, modeling and inversion,
    doi:10.1029/2011JB008770. Kwiatek & Ben-Zion (2013), doi:10.1002/jgrb.50274. Tape & Tape (2013), The classical model for moment tensors, doi:10.1093/gji/ggt302.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.core import safe
from diffseis.source.base import AbstractSource
from diffseis.source.eigen import principal
from diffseis.source.moment_tensor import scalar_moment, slip_and_normal
from diffseis.source.planes import plane_angles


def kappa_of_vp_vs(vp_vs: Float[Array, ""]) -> Float[Array, ""]:
    """Lambda over mu; 1 where Vp/Vs is the root of 3."""
    return vp_vs**2 - 2


def vp_vs_of_kappa(kappa: Float[Array, ""]) -> Float[Array, ""]:
    """The inverse of `kappa_of_vp_vs`."""
    return safe.sqrt(kappa + 2)


def poisson_ratio(kappa: Float[Array, ""]) -> Float[Array, ""]:
    """Of the medium."""
    return 0.5 * kappa / (kappa + 1)


def shear_tensile(
    strike_rad: Float[Array, ""],
    dip_rad: Float[Array, ""],
    rake_rad: Float[Array, ""],
    slope_rad: Float[Array, ""],
    kappa: Float[Array, ""],
) -> Float[Array, "3 3"]:
    """The tensor over mu A D (shear modulus, area, length of slip): for slope 0 it is `double_couple`."""
    along, normal = slip_and_normal(strike_rad, dip_rad, rake_rad)
    slip = jnp.cos(slope_rad) * along + jnp.sin(slope_rad) * normal
    couple = slip[:, None] * normal[None, :] + normal[:, None] * slip[None, :]
    return couple + kappa * jnp.sin(slope_rad) * jnp.eye(3, dtype=couple.dtype)


def shear_tensile_angles(
    tensor: Float[Array, "3 3"],
) -> tuple[Float[Array, "2 3"], Float[Array, ""], Float[Array, ""]]:
    """The two planes (strike, dip, rake) that the tensor may stand for, its slope, and kappa; every tensor is of this kind for some kappa.

    For a slope of 0 kappa does not matter, and is given as 0.
    """
    value, axes = principal(tensor)
    span = value[0] - value[2]
    bend = value[0] + value[2] - 2 * value[1]
    sine = jnp.clip(safe.divide(bend, span), -1, 1)
    slope = safe.arctan2(sine, safe.sqrt((1 - sine) * (1 + sine)))
    kappa = safe.divide(2 * value[1], bend)
    half = jnp.asarray(0.5, tensor.dtype)
    extension = safe.sqrt(half * (1 + sine)) * axes[:, 0]
    compression = safe.sqrt(half * (1 - sine)) * axes[:, 2]
    slip, normal = extension + compression, extension - compression
    return jnp.stack([plane_angles(slip, normal), plane_angles(normal, slip)]), slope, kappa


class ShearTensile(AbstractSource):
    """Slip out of its plane.

    Attributes:
        strike_rad, dip_rad, rake_rad: of the plane and of the slip's part in it, after Aki & Richards.
        slope_rad: of the slip out of the plane, -pi/2 (closing) to pi/2 (opening).
        kappa: lambda over mu of the medium.
        moment_1e18nm: scalar moment in 1e18 N m.
    """

    strike_rad: Float[Array, ""]
    dip_rad: Float[Array, ""]
    rake_rad: Float[Array, ""]
    slope_rad: Float[Array, ""]
    kappa: Float[Array, ""]
    moment_1e18nm: Float[Array, ""]

    def __init__(self, *, strike_rad, dip_rad, rake_rad, slope_rad, kappa=1.0, moment_1e18nm=1.0):
        self.strike_rad, self.dip_rad, self.rake_rad, self.slope_rad, self.kappa, self.moment_1e18nm = (
            jnp.asarray(x, float) for x in (strike_rad, dip_rad, rake_rad, slope_rad, kappa, moment_1e18nm)
        )

    def moment_tensor(self) -> Float[Array, "3 3"]:
        tensor = shear_tensile(self.strike_rad, self.dip_rad, self.rake_rad, self.slope_rad, self.kappa)
        return self.moment_1e18nm * tensor / scalar_moment(tensor)
