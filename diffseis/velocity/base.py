"""The interface of velocity models."""

import abc

import equinox as eqx
from jaxtyping import Array, Float


class AbstractVelocityModel(eqx.Module):
    """Speed of one phase as a function of position; P and S are two models.

    Laws, tested on every implementation: the speed is finite and positive everywhere, also outside the
    region that the model was made for; it is differentiable almost everywhere in the position and in every
    array leaf.
    """

    @abc.abstractmethod
    def speed(self, x_ned_km: Float[Array, "3"]) -> Float[Array, ""]:
        """Speed in km/s at a point given as north, east, down in km (down > 0 below sea level)."""
