"""Mean slowness along straight lines."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffseis.eikonal.legs import gradients
from diffseis.eikonal.medium import Medium, evenly_anisotropic, group_slowness
from diffseis.velocity import Homogeneous, Layered, TransverselyIsotropic
from diffseis.velocity.anisotropic import group_slowness_ratio

LEVEL_KM = 1e-4
"""Ends that differ in depth by less are taken to lie at one depth."""


def mean_slowness(
    model: Medium,
    a_ned_km: Float[Array, "3"],
    b_ned_km: Float[Array, "3"],
    *,
    num_nodes: int = 5,
) -> Float[Array, ""]:
    """Mean slowness in s/km of the straight line between two points; the local slowness where they coincide.

    Exact in uniform and layered media, by Gauss and Legendre's rule of `num_nodes` elsewhere. Times the distance it is an upper bound of the
    travel time (Fermat). In transversely isotropic media that of the ray in the line's direction (along the axis of symmetry, where the points coincide).
    """
    if isinstance(model, TransverselyIsotropic):
        return _anisotropic(model, a_ned_km, b_ned_km, num_nodes)
    if isinstance(model, Homogeneous):
        return 1 / model.speed_km_s
    if isinstance(model, Layered):
        return _layered(model, a_ned_km, b_ned_km)
    return _mean(lambda x: 1 / model.speed(x), a_ned_km, b_ned_km, num_nodes)


def gauss(num_nodes: int, dtype) -> tuple[Float[Array, " node"], Float[Array, " node"]]:
    """Places between 0 and 1 and weights of Gauss and Legendre's rule."""
    place, weight = np.polynomial.legendre.leggauss(num_nodes)
    return jnp.asarray((place + 1) / 2, dtype), jnp.asarray(weight / 2, dtype)


def _mean(function, a_ned_km, b_ned_km, num_nodes):
    fraction, weight = gauss(num_nodes, a_ned_km.dtype)
    points = a_ned_km[None, :] + fraction[:, None] * (b_ned_km - a_ned_km)[None, :]
    return jnp.sum(weight * jax.vmap(function)(points))


def _anisotropic(model: TransverselyIsotropic, a_ned_km, b_ned_km, num_nodes):
    offset = b_ned_km - a_ned_km
    apart = jnp.any(offset != 0)
    direction = jnp.where(apart, offset, model.axis_ned)
    direction = direction / jnp.sqrt(jnp.sum(direction * direction))
    if not evenly_anisotropic(model):
        return _mean(lambda x: group_slowness(model, x, direction), a_ned_km, b_ned_km, num_nodes)
    ratio = group_slowness_ratio(jnp.sum(direction * model.axis_ned), *model.thomsen(a_ned_km))
    return ratio * mean_slowness(model.axial, a_ned_km, b_ned_km, num_nodes=num_nodes)


def _layered(model: Layered, a_ned_km, b_ned_km):
    difference = b_ned_km[2] - a_ned_km[2]
    level = jnp.abs(difference) < LEVEL_KM
    middle = 0.5 * (a_ned_km + b_ned_km)
    sloping = (_antiderivative(model, b_ned_km[2]) - _antiderivative(model, a_ned_km[2])) / jnp.where(
        level, 1, difference
    )
    return jnp.where(level, 1 / model.speed(middle), sloping)


def _antiderivative(model: Layered, depth_km):
    """Integral of slowness over depth, from the first depth of the model."""
    top, bottom, v_top, _ = segments = model.segments()
    slope = gradients(segments)
    start = model.depth_km[0]
    upper = jnp.clip(jnp.minimum(depth_km, start), top, bottom)
    lower = jnp.clip(jnp.maximum(depth_km, start), top, bottom)
    thickness = lower - upper
    v_upper = v_top + slope * (upper - top)
    # log(1 + x) / x with x the relative change of speed, smooth through zero.
    x = slope * thickness / v_upper
    small = jnp.abs(x) < 1e-3
    series = 1 - x / 2 + x * x / 3 - x**3 / 4 + x**4 / 5
    ratio = jnp.where(small, series, jnp.log1p(jnp.where(small, 1, x)) / jnp.where(small, 1, x))
    return jnp.sum(thickness / v_upper * ratio) * jnp.where(depth_km < start, -1, 1).astype(v_top.dtype)
