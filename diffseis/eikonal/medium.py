"""What waves find in a medium, isotropic or transversely isotropic, point by point."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffseis.core.concrete import is_concrete
from diffseis.eikonal.slowness_surface import SlownessSurface
from diffseis.velocity import (
    AbstractVelocityModel,
    Gradient,
    Gridded,
    Homogeneous,
    Layered,
    SpeedRatio,
    TransverselyIsotropic,
)
from diffseis.velocity.anisotropic import group_slowness_ratio, phase_speed_ratio

Medium = AbstractVelocityModel | TransverselyIsotropic

NUM_ANGLES = 33
"""Phase speeds are looked at in so many directions for the largest and the smallest."""


def axial(model: Medium) -> AbstractVelocityModel:
    """The model itself, or that of the speed along the axis of symmetry."""
    return model.axial if isinstance(model, TransverselyIsotropic) else model


def group_slowness(
    model: Medium, x_ned_km: Float[Array, "3"], direction: Float[Array, "3"]
) -> Float[Array, ""]:
    """Time per distance in s/km of a ray that goes that way (a unit vector)."""
    slowness = 1 / axial(model).speed(x_ned_km)
    if not isinstance(model, TransverselyIsotropic):
        return slowness
    return slowness * group_slowness_ratio(jnp.sum(direction * model.axis_ned), *model.thomsen(x_ned_km))


def eikonal_excess(
    model: Medium, x_ned_km: Float[Array, "3"], slowness: Float[Array, "3"]
) -> Float[Array, ""]:
    """The eikonal equation, left side over right side, less 1: about twice the relative error of the slowness vector (s/km)."""
    speed = axial(model).speed(x_ned_km)
    if not isinstance(model, TransverselyIsotropic):
        return jnp.sum(slowness * slowness) * speed**2 - 1
    axis = tuple(model.axis_ned[n] for n in range(3))
    surface = SlownessSurface(1 / speed**2, model.thomsen(x_ned_km), axis)
    return surface.excess([slowness[n] for n in range(3)])


@eqx.filter_jit
def speed_range(
    model: Medium, x_ned_km: Float[Array, "point 3"]
) -> tuple[Float[Array, " point"], Float[Array, " point"]]:
    """Smallest and largest phase speed of any direction, km/s; no ray is slower or faster."""
    speed = jax.vmap(axial(model).speed)(x_ned_km)
    if not isinstance(model, TransverselyIsotropic):
        return speed, speed
    cosine = jnp.cos(jnp.linspace(0.0, jnp.pi / 2, NUM_ANGLES))
    ratio = jax.vmap(lambda x: phase_speed_ratio(cosine, *model.thomsen(x)))(x_ned_km)
    return speed * jnp.min(ratio, axis=1), speed * jnp.max(ratio, axis=1)


def of_depth_alone(model: Medium) -> bool:
    """Whether the medium is known to be the same everywhere at one depth, and times in it to depend on distance and depths only."""
    if isinstance(model, TransverselyIsotropic):
        upright = is_concrete(model.axis_ned) and np.allclose(np.abs(np.asarray(model.axis_ned)), [0, 0, 1])
        return upright and all(m is not None and of_depth_alone(m) for m in _media_of(model))
    return isinstance(model, Homogeneous | Gradient | Layered) or (
        isinstance(model, Gridded) and model.grid.num_dims == 1
    )


def evenly_anisotropic(model: Medium) -> bool:
    """Whether Thomsen's parameters are numbers, the same everywhere (none are, in isotropic media)."""
    return not isinstance(model, TransverselyIsotropic) or not (
        callable(model.epsilon) or callable(model.delta)
    )


def _media_of(model: TransverselyIsotropic):
    yield model.axial
    for value in (model.epsilon, model.delta):
        if isinstance(value, SpeedRatio):
            yield from (value.speed, value.axial)
        elif callable(value):
            yield None
