"""Speed that grows linearly with depth."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.core.concrete import is_concrete
from diffseis.velocity.base import AbstractVelocityModel

FLOOR_KM_S = 0.01
"""The speed is never less than this: a linear law becomes negative somewhere."""


class Gradient(AbstractVelocityModel):
    """``speed = max(speed_km_s + gradient_per_s * down, FLOOR_KM_S)``.

    The closed-form travel time (`eikonal.GradientTime`) holds where both ends and the ray between them stay
    above the floor, which lies kilometres above the highest station for any crust.

    Attributes:
        speed_km_s: at sea level (down = 0).
        gradient_per_s: increase of speed per km of depth, (km/s)/km; may be zero or negative.
    """

    speed_km_s: Float[Array, ""]
    gradient_per_s: Float[Array, ""]

    def __init__(self, speed_km_s, gradient_per_s):
        self.speed_km_s = jnp.asarray(speed_km_s, dtype=float)
        self.gradient_per_s = jnp.asarray(gradient_per_s, dtype=float)

    def __check_init__(self):
        if not is_concrete(self.speed_km_s, self.gradient_per_s):
            return
        if not 0 < self.speed_km_s < jnp.inf:
            raise ValueError(f"`speed_km_s` must be positive and finite, got {self.speed_km_s}")
        if not jnp.isfinite(self.gradient_per_s):
            raise ValueError(f"`gradient_per_s` must be finite, got {self.gradient_per_s}")

    def speed(self, x_ned_km: Float[Array, "3"]) -> Float[Array, ""]:
        return jnp.maximum(self.speed_km_s + self.gradient_per_s * x_ned_km[2], FLOOR_KM_S)
