"""Travel times in closed form."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.core import safe
from diffseis.eikonal.base import AbstractTravelTimeField
from diffseis.velocity import Gradient, Homogeneous


class HomogeneousTime(AbstractTravelTimeField):
    """Distance over speed.

    Attributes:
        model: the uniform medium.
    """

    model: Homogeneous

    def __call__(
        self, source_ned_km: Float[Array, "3"], receiver_ned_km: Float[Array, "3"]
    ) -> Float[Array, ""]:
        return safe.norm(receiver_ned_km - source_ned_km) / self.model.speed_km_s


class GradientTime(AbstractTravelTimeField):
    """First arrival where speed is linear in depth: the ray is an arc of a circle.

    ``T = acosh(1 + g^2 d^2 / (2 v1 v2)) / g``, written as ``d / sqrt(v1 v2)`` times a smooth factor, so
    that it is accurate (and differentiable) also for a vanishing gradient ``g`` or distance ``d``.

    Attributes:
        model: the medium. Above its floor of speed the result has no meaning.

    References:
        Fowler (2005), The solid earth, section 4.4; Slotnick (1959), Lessons in seismic computing.
    """

    model: Gradient

    def __call__(
        self, source_ned_km: Float[Array, "3"], receiver_ned_km: Float[Array, "3"]
    ) -> Float[Array, ""]:
        distance_km = safe.norm(receiver_ned_km - source_ned_km)
        product = self.model.speed(source_ned_km) * self.model.speed(receiver_ned_km)
        return arc_time(distance_km, product, self.model.gradient_per_s)


def arc_time(
    distance_km: Float[Array, "*shape"],
    speed_product: Float[Array, "*shape"],
    gradient_per_s: Float[Array, "*shape"],
) -> Float[Array, "*shape"]:
    """Time in s along the circular ray between two points of a medium linear in depth.

    Args:
        distance_km: straight distance.
        speed_product: product of the speeds at both ends, km2/s2.
        gradient_per_s: of speed with depth; zero and negative values are welcome.
    """
    straight_s = distance_km / jnp.sqrt(speed_product)
    half = gradient_per_s * straight_s / 2
    return straight_s * _asinh_ratio(half * half)


def _asinh_ratio(y: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """``asinh(x) / x`` as a function of ``y = x^2``: one at zero, smooth."""
    small = y < 1e-2
    series = 1 - y * (
        1 / 6 - y * (3 / 40 - y * (15 / 336 - y * (105 / 3456 - y * (945 / 42240 - y * 0.01735))))
    )
    x = jnp.sqrt(jnp.where(small, 1, y))
    return jnp.where(small, series, jnp.arcsinh(x) / x)
