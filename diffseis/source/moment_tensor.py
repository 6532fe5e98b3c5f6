"""Moment tensors in north, east, down.

References:
    Aki & Richards (2002), Quantitative Seismology, box 4.4. Silver & Jordan (1982), Optimal estimation of scalar seismic
    moment, doi:10.1111/j.1365-246X.1982.tb04982.x.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.core import safe
from diffseis.source.base import AbstractSource


def double_couple(
    strike_rad: Float[Array, ""], dip_rad: Float[Array, ""], rake_rad: Float[Array, ""]
) -> Float[Array, "3 3"]:
    """The tensor of unit scalar moment of slip on a plane: slip and normal, symmetrised."""
    slip, normal = slip_and_normal(strike_rad, dip_rad, rake_rad)
    return slip[:, None] * normal[None, :] + normal[:, None] * slip[None, :]


def slip_and_normal(
    strike_rad: Float[Array, ""], dip_rad: Float[Array, ""], rake_rad: Float[Array, ""]
) -> tuple[Float[Array, "3"], Float[Array, "3"]]:
    """Unit vectors in north, east, down: slip of the hanging wall, and the normal of the plane that points out of the foot wall."""
    along = jnp.stack([jnp.cos(strike_rad), jnp.sin(strike_rad), jnp.zeros_like(strike_rad)])
    up_dip = jnp.stack(
        [
            jnp.cos(dip_rad) * jnp.sin(strike_rad),
            -jnp.cos(dip_rad) * jnp.cos(strike_rad),
            -jnp.sin(dip_rad),
        ]
    )
    normal = jnp.stack(
        [
            -jnp.sin(dip_rad) * jnp.sin(strike_rad),
            jnp.sin(dip_rad) * jnp.cos(strike_rad),
            -jnp.cos(dip_rad),
        ]
    )
    return jnp.cos(rake_rad) * along + jnp.sin(rake_rad) * up_dip, normal


def scalar_moment(tensor: Float[Array, "3 3"]) -> Float[Array, ""]:
    """The Frobenius norm over the square root of 2 (Silver & Jordan 1982), in the tensor's unit; its gradient at zero is zero."""
    return safe.norm(tensor.reshape(-1)) / jnp.sqrt(jnp.asarray(2.0, tensor.dtype))


class DoubleCouple(AbstractSource):
    """Slip on a plane.

    Attributes:
        strike_rad, dip_rad, rake_rad: after Aki & Richards.
        moment_1e18nm: scalar moment in 1e18 N m.
    """

    strike_rad: Float[Array, ""]
    dip_rad: Float[Array, ""]
    rake_rad: Float[Array, ""]
    moment_1e18nm: Float[Array, ""]

    def __init__(self, *, strike_rad, dip_rad, rake_rad, moment_1e18nm=1.0):
        self.strike_rad, self.dip_rad, self.rake_rad, self.moment_1e18nm = (
            jnp.asarray(x, float) for x in (strike_rad, dip_rad, rake_rad, moment_1e18nm)
        )

    def moment_tensor(self) -> Float[Array, "3 3"]:
        return self.moment_1e18nm * double_couple(self.strike_rad, self.dip_rad, self.rake_rad)


class MomentTensor(AbstractSource):
    """Any symmetric tensor, by its six components nn, ee, dd, ne, nd, ed in 1e18 N m."""

    components: Float[Array, "6"]

    def __init__(self, components):
        self.components = jnp.asarray(components, float)

    def __check_init__(self):
        if self.components.shape != (6,):
            raise ValueError(
                f"`components` must be the six nn, ee, dd, ne, nd, ed, got an array of shape {self.components.shape}"
            )

    def moment_tensor(self) -> Float[Array, "3 3"]:
        nn, ee, dd, ne, nd, ed = self.components
        return jnp.stack([nn, ne, nd, ne, ee, ed, nd, ed, dd]).reshape(3, 3)
