"""P and S speeds of the same rock."""

import math

import equinox as eqx
import numpy as np

from diffseis.velocity.base import AbstractVelocityModel
from diffseis.velocity.gradient import Gradient
from diffseis.velocity.gridded import Gridded
from diffseis.velocity.homogeneous import Homogeneous
from diffseis.velocity.layered import Layered

POISSON_SOLID = math.sqrt(3.0)
"""Vp/Vs where Poisson's ratio is 1/4."""


def vs_from_vp(vp_km_s, vp_vs: float = POISSON_SOLID):
    """S speed from P speed and their ratio."""
    return vp_km_s / _checked(vp_vs)


def vp_from_vs(vs_km_s, vp_vs: float = POISSON_SOLID):
    """P speed from S speed and their ratio."""
    return vs_km_s * _checked(vp_vs)


def scale_speed(model: AbstractVelocityModel, factor) -> AbstractVelocityModel:
    """The same model with every speed multiplied: ``scale_speed(p_model, 1 / 1.73)`` is an S model."""
    if isinstance(model, Homogeneous | Layered):
        return eqx.tree_at(lambda m: m.speed_km_s, model, model.speed_km_s * factor)
    if isinstance(model, Gradient):
        return eqx.tree_at(
            lambda m: (m.speed_km_s, m.gradient_per_s),
            model,
            (model.speed_km_s * factor, model.gradient_per_s * factor),
        )
    if isinstance(model, Gridded):
        # B-splines sum to one, so a shift of all coefficients is a shift of the logarithm of slowness.
        return eqx.tree_at(lambda m: m.coefficients, model, model.coefficients - np.log(factor))
    raise ValueError(f"do not know how to scale a {type(model).__name__}; build the second model directly")


def _checked(vp_vs: float) -> float:
    if not vp_vs > 1:
        raise ValueError(f"`vp_vs` must be greater than 1, got {vp_vs}")
    return vp_vs
