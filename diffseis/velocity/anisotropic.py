"""Transversely isotropic media."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffseis.core.concrete import is_concrete
from diffseis.velocity.base import AbstractVelocityModel


class TransverselyIsotropic(eqx.Module):
    """P waves in a medium with one axis of symmetry, in Thomsen's parameters and the acoustic approximation.

    ``(1 + 2 epsilon) p_t^2 + p_n^2 - 2 (epsilon - delta) v^2 p_t^2 p_n^2 = 1 / v^2``, with v the speed along the axis and
    p_n, p_t the slowness along it and across. Vertical axis: VTI; tilted: TTI; ``epsilon = delta``: elliptical. No `AbstractVelocityModel`,
    since it has no speed that depends on the point alone.

    Attributes:
        axial: speed along the axis.
        epsilon, delta: numbers, or functions of a point (north, east, down in km).
        axis_ned: unit vector of the axis.

    References:
        Thomsen (1986), Weak elastic anisotropy, doi:10.1190/1.1442051. Alkhalifah (1998), Acoustic approximations for processing in
        transversely isotropic media, doi:10.1190/1.1444361.
    """

    axial: AbstractVelocityModel
    epsilon: Float[Array, ""] | Callable[..., Any]
    delta: Float[Array, ""] | Callable[..., Any]
    axis_ned: Float[Array, "3"]

    def __init__(self, axial: AbstractVelocityModel, epsilon, delta, axis_ned=(0.0, 0.0, 1.0)):
        self.axial = axial
        self.epsilon, self.delta = (_number_or_function(value) for value in (epsilon, delta))
        axis = jnp.asarray(axis_ned, dtype=float)
        self.axis_ned = axis / jnp.sqrt(jnp.sum(axis * axis))

    def __check_init__(self):
        for name in ("epsilon", "delta"):
            value = getattr(self, name)
            if not callable(value) and is_concrete(value) and not np.asarray(value) > -0.5:
                raise ValueError(f"`{name}` must be above -0.5, got {value}")
        if is_concrete(self.axis_ned) and not np.all(np.isfinite(np.asarray(self.axis_ned))):
            raise ValueError("`axis_ned` must be a vector that is not zero")

    def thomsen(self, x_ned_km: Float[Array, "3"]) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """epsilon and delta at a point."""
        here = lambda value: jnp.asarray(value(x_ned_km) if callable(value) else value, x_ned_km.dtype)
        return here(self.epsilon), here(self.delta)


def _number_or_function(value):
    return value if callable(value) else jnp.asarray(value, dtype=float)


class SpeedRatio(eqx.Module):
    """Thomsen's parameter that a second speed stands for, point by point: ``((v / v_axial)^2 - 1) / 2``.

    Epsilon where the speed is that across the axis of symmetry, delta where it is the normal moveout speed.

    Attributes:
        speed, axial: the two media.
    """

    speed: AbstractVelocityModel
    axial: AbstractVelocityModel

    def __call__(self, x_ned_km: Float[Array, "3"]) -> Float[Array, ""]:
        ratio = self.speed.speed(x_ned_km) / self.axial.speed(x_ned_km)
        return 0.5 * (ratio * ratio - 1)


def phase_speed_ratio(
    cosine: Float[Array, "..."], epsilon: Float[Array, "..."], delta: Float[Array, "..."]
) -> Float[Array, "..."]:
    """Phase speed over that along the axis, for the cosine of the angle between slowness and axis."""
    along = cosine * cosine
    across = 1 - along
    sum_ = (1 + 2 * epsilon) * across + along
    inner = jnp.maximum(sum_ * sum_ - 8 * (epsilon - delta) * across * along, 0)
    return jnp.sqrt(0.5 * (sum_ + jnp.sqrt(inner)))


def group_slowness_ratio(
    cosine: Float[Array, "..."],
    epsilon: Float[Array, "..."],
    delta: Float[Array, "..."],
    *,
    num_steps: int = 5,
) -> Float[Array, "..."]:
    """Time per distance over that along the axis, for the cosine of the angle between ray and axis.

    The largest ``p . ray`` of all slowness vectors p, found by Newton's method from the elliptical medium's. With X and Z the squares of
    the ray's sine and cosine, and ``w X`` the square of p's part across the axis, it is where ``(1 - a X w) (1 - 2 (epsilon - delta) X w)^3 =
    (1 + 2 delta)^2 Z w``, ``a = 1 + 2 epsilon``: a polynomial in squares, smooth along the axis and across it, too.
    """
    z = jnp.clip(cosine * cosine, 0, 1)
    x = 1 - z
    a, b, c = 1 + 2 * epsilon, 2 * (epsilon - delta), (1 + 2 * delta) ** 2
    w = 1 / (c * z + a * x)
    for _ in range(num_steps):
        first, second = 1 - a * x * w, 1 - b * x * w
        value = first * second**3 - c * z * w
        slope = -a * x * second**3 - 3 * b * x * first * second**2 - c * z
        w = w - value / slope
    return jnp.sqrt(w) * (x + z * (1 + 2 * delta) / (1 - b * x * w) ** 2)
