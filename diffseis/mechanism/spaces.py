"""Kinds of sources as spaces without edges or preferred coordinates: where points are, how to move, what is uniform.

Double couples are unit quaternions, of which eight are one mechanism; general and deviatoric tensors are points of spheres; shear-tensile sources are double couples with a
slope. About each point there are coordinates (`charts`) in which kernels and steps are made: radians of rotation, or of arc, near the point.

References:
    Tape & Tape (2015), doi:10.1093/gji/ggv262, for uniform tensors. Alexa (2022), Super-Fibonacci spirals: fast, low-discrepancy sampling of SO(3),
    doi:10.1109/CVPR52688.2022.00811.
"""

import abc
import functools
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.special import gamma
from scipy.stats import norm, qmc

from diffseis.core import safe
from diffseis.mechanism.charts import (
    stereographic_log_volume,
    stereographic_move,
    stereographic_parts,
    turn,
    turn_log_volume,
    turned_parts,
)
from diffseis.source import double_couple_of, rotation_of, six_vector

_VOLUME = 8 * np.pi**2
"""Of the rotations, by angles of rotation."""


class AbstractSourceSpace(eqx.Module):
    """A space of sources with its uniform distribution, which is the prior.

    Laws, tested on every implementation: `move` and `tangent` are inverse; `log_volume` integrates to the space's volume; a grid is uniform; six-vectors have
    unit scalar moment; symmetric images are one source.
    """

    num_dims: ClassVar[int]
    size: ClassVar[int]
    """Numbers that a point is stored as."""
    log_size: ClassVar[float]
    """log of the space's volume in tangent units."""

    @abc.abstractmethod
    def grid(self, spacing_rad: float) -> Float[np.ndarray, "point size"]:
        """Points that are spread evenly, on the host."""

    @abc.abstractmethod
    def six(self, point: Float[Array, " size"]) -> Float[Array, "6"]:
        """The six-vector of unit scalar moment."""

    @abc.abstractmethod
    def move(self, point: Float[Array, " size"], tangent: Float[Array, " dim"]) -> Float[Array, " size"]:
        """To the point with those tangent coordinates."""

    @abc.abstractmethod
    def parts(self, centre: Float[Array, " size"], point: Float[Array, " size"]) -> tuple[Array, ...]:
        """Tangent coordinates about a centre of the nearest image of a point, one by one."""

    @abc.abstractmethod
    def log_volume(self, parts: tuple[Array, ...]) -> Float[Array, ""]:
        """log of the uniform distribution's density in tangent coordinates over that at their origin."""

    @abc.abstractmethod
    def nearest(self, raw: Float[Array, " size"]) -> Float[Array, " size"]:
        """A point of the space from any numbers, such as a network's."""

    @abc.abstractmethod
    def inside(self, point: Float[Array, " size"]) -> Float[Array, ""]:
        """0 where a point is a source, -inf where it is none (a slope beyond its bounds)."""


def tangent(
    space: AbstractSourceSpace, centre: Float[Array, " size"], point: Float[Array, " size"]
) -> Float[Array, " dim"]:
    """Tangent coordinates about a centre of the nearest image of a point: the inverse of the space's `move`."""
    return jnp.stack(space.parts(centre, point))


def _unit(raw):
    size = safe.norm(raw)
    return raw / jnp.where(size > 0, size, 1)


def _square(parts) -> Array:
    return functools.reduce(jnp.add, [part**2 for part in parts])


@functools.lru_cache(maxsize=8)
def _double_couple_grid(spacing_rad: float) -> np.ndarray:
    """A spiral over all rotations, of which those are kept that are the least of their four images."""
    num = max(64, round(_VOLUME / spacing_rad**3))
    phi, psi = np.sqrt(2.0), 1.533751168755204288118041  # psi^4 = psi + 4
    s = np.arange(num) + 0.5
    inner, outer = np.sqrt(s / num), np.sqrt(1 - s / num)
    a, b = 2 * np.pi * s / phi, 2 * np.pi * s / psi
    q = np.stack([inner * np.sin(a), inner * np.cos(a), outer * np.sin(b), outer * np.cos(b)], axis=1)
    return q[np.abs(q[:, 0]) >= np.max(np.abs(q), axis=1)]


class DoubleCouples(AbstractSourceSpace):
    """All double couples, uniform in orientation. Points are the quaternions of their axes."""

    num_dims = 3
    size = 4
    log_size = float(np.log(2 * np.pi**2))

    def grid(self, spacing_rad: float) -> Float[np.ndarray, "point size"]:
        return _double_couple_grid(float(spacing_rad))

    def six(self, point: Float[Array, " size"]) -> Float[Array, "6"]:
        return six_vector(double_couple_of(point))

    def move(self, point: Float[Array, " size"], tangent: Float[Array, " dim"]) -> Float[Array, " size"]:
        return turn(point, tangent)

    def parts(self, centre: Float[Array, " size"], point: Float[Array, " size"]) -> tuple[Array, ...]:
        return turned_parts(centre, point)

    def log_volume(self, parts: tuple[Array, ...]) -> Float[Array, ""]:
        return turn_log_volume(_square(parts))

    def nearest(self, raw: Float[Array, " size"]) -> Float[Array, " size"]:
        return _unit(raw)

    def inside(self, point: Float[Array, " size"]) -> Float[Array, ""]:
        return jnp.zeros_like(point[0])


class ShearTensile(AbstractSourceSpace):
    """Slip out of its plane, uniform in orientation and slope. Points are the quaternion of the axes and the slope in radians.

    Attributes:
        kappa: lambda over mu of the medium.
    """

    kappa: Float[Array, ""]
    num_dims = 4
    size = 5
    log_size = float(np.log(2 * np.pi**3))

    def __init__(self, *, kappa=1.0):
        self.kappa = jnp.asarray(kappa, float)

    def grid(self, spacing_rad: float) -> Float[np.ndarray, "point size"]:
        axes = _double_couple_grid(float(spacing_rad))
        num = max(3, round(np.pi / spacing_rad))
        slopes = np.pi * ((np.arange(num) + 0.5) / num - 0.5)
        both = np.repeat(axes, num, axis=0), np.tile(slopes, len(axes))[:, None]
        return np.concatenate(both, axis=1)

    def six(self, point: Float[Array, " size"]) -> Float[Array, "6"]:
        axes = rotation_of(point[:4])
        sine = jnp.sin(point[4])
        middle = self.kappa.astype(point.dtype) * sine
        values = jnp.stack([middle + sine + 1, middle, middle + sine - 1])
        tensor = (axes * values[None, :]) @ axes.T
        return six_vector(tensor) * jnp.sqrt(jnp.asarray(2.0, point.dtype)) / jnp.sqrt(jnp.sum(values**2))

    def move(self, point: Float[Array, " size"], tangent: Float[Array, " dim"]) -> Float[Array, " size"]:
        return jnp.concatenate([turn(point[:4], tangent[:3]), point[4:] + tangent[3:]])

    def parts(self, centre: Float[Array, " size"], point: Float[Array, " size"]) -> tuple[Array, ...]:
        return (*turned_parts(centre[:4], point[:4]), point[4] - centre[4])

    def log_volume(self, parts: tuple[Array, ...]) -> Float[Array, ""]:
        return turn_log_volume(_square(parts[:3]))

    def nearest(self, raw: Float[Array, " size"]) -> Float[Array, " size"]:
        return jnp.concatenate([_unit(raw[:4]), 0.5 * jnp.pi * jnp.tanh(raw[4:])])

    def inside(self, point: Float[Array, " size"]) -> Float[Array, ""]:
        return jnp.where(jnp.abs(point[4]) <= jnp.pi / 2, 0, -jnp.inf).astype(point.dtype)


def _sphere_grid(num_axes: int, spacing_rad: float) -> np.ndarray:
    """Quasi-random directions: a low-discrepancy sequence of the cube through the normal distribution."""
    num = round(_sphere_area(num_axes) / spacing_rad ** (num_axes - 1))
    num = 2 ** int(np.ceil(np.log2(max(num, 64))))
    cube = qmc.Sobol(num_axes, scramble=True, rng=np.random.default_rng(0)).random(num)
    points = norm.ppf(np.clip(cube, 1e-9, 1 - 1e-9))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def _sphere_area(num_axes: int) -> float:
    return float(2 * np.pi ** (num_axes / 2) / gamma(num_axes / 2))


class MomentTensors(AbstractSourceSpace):
    """All moment tensors of unit size, uniform: any share of isotropic and CLVD. Points are six-vectors of unit length."""

    num_dims = 5
    size = 6
    log_size = float(np.log(np.pi**3))

    def grid(self, spacing_rad: float) -> Float[np.ndarray, "point size"]:
        return _sphere_grid(6, spacing_rad)

    def six(self, point: Float[Array, " size"]) -> Float[Array, "6"]:
        return point * jnp.sqrt(jnp.asarray(2.0, point.dtype))

    def move(self, point: Float[Array, " size"], tangent: Float[Array, " dim"]) -> Float[Array, " size"]:
        return stereographic_move(point, tangent)

    def parts(self, centre: Float[Array, " size"], point: Float[Array, " size"]) -> tuple[Array, ...]:
        return stereographic_parts(centre, point)

    def log_volume(self, parts: tuple[Array, ...]) -> Float[Array, ""]:
        return stereographic_log_volume(_square(parts), self.num_dims)

    def nearest(self, raw: Float[Array, " size"]) -> Float[Array, " size"]:
        return _unit(raw)

    def inside(self, point: Float[Array, " size"]) -> Float[Array, ""]:
        return jnp.zeros_like(point[0])


_DEVIATORIC = np.zeros((6, 5))
"""Columns: an orthonormal basis of the six-vectors without trace."""
_DEVIATORIC[:3, 0] = np.array([1, -1, 0]) / np.sqrt(2)
_DEVIATORIC[:3, 1] = np.array([1, 1, -2]) / np.sqrt(6)
_DEVIATORIC[3:, 2:] = np.eye(3)


class DeviatoricTensors(AbstractSourceSpace):
    """Moment tensors without change of volume, uniform. Points are unit vectors of five numbers, whose product with a fixed basis is the six-vector."""

    num_dims = 4
    size = 5
    log_size = float(np.log(8 * np.pi**2 / 3))

    def grid(self, spacing_rad: float) -> Float[np.ndarray, "point size"]:
        return _sphere_grid(5, spacing_rad)

    def six(self, point: Float[Array, " size"]) -> Float[Array, "6"]:
        return jnp.asarray(_DEVIATORIC * np.sqrt(2), point.dtype) @ point

    def move(self, point: Float[Array, " size"], tangent: Float[Array, " dim"]) -> Float[Array, " size"]:
        return stereographic_move(point, tangent)

    def parts(self, centre: Float[Array, " size"], point: Float[Array, " size"]) -> tuple[Array, ...]:
        return stereographic_parts(centre, point)

    def log_volume(self, parts: tuple[Array, ...]) -> Float[Array, ""]:
        return stereographic_log_volume(_square(parts), self.num_dims)

    def nearest(self, raw: Float[Array, " size"]) -> Float[Array, " size"]:
        return _unit(raw)

    def inside(self, point: Float[Array, " size"]) -> Float[Array, ""]:
        return jnp.zeros_like(point[0])


def sixes(space: AbstractSourceSpace, points: Float[Array, "point size"]) -> Float[Array, "point 6"]:
    """Six-vectors of many points."""
    return jax.vmap(space.six)(points)
