"""The same speed everywhere."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.core.concrete import is_concrete
from diffseis.velocity.base import AbstractVelocityModel


class Homogeneous(AbstractVelocityModel):
    """A uniform medium.

    Attributes:
        speed_km_s: its speed.
    """

    speed_km_s: Float[Array, ""]

    def __init__(self, speed_km_s):
        self.speed_km_s = jnp.asarray(speed_km_s, dtype=float)

    def __check_init__(self):
        if is_concrete(self.speed_km_s) and not 0 < self.speed_km_s < jnp.inf:
            raise ValueError(f"`speed_km_s` must be positive and finite, got {self.speed_km_s}")

    def speed(self, x_ned_km: Float[Array, "3"]) -> Float[Array, ""]:
        del x_ned_km
        return self.speed_km_s
