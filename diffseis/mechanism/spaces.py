"""Kinds of sources as spaces without edges or preferred coordinates: where points are, how to move, what is uniform.

Double couples are unit quaternions, of which eight are one mechanism; shear-tensile sources are double couples with a slope; general and deviatoric tensors are points of spheres
(`tensor_spaces`). About each point there are coordinates (`charts`) in which kernels and steps are made: radians of rotation, or of arc, near the point.

References:
    Alexa (2022), Super-Fibonacci spirals: fast, low-discrepancy sampling of SO(3),
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

from diffseis.core import safe
from diffseis.mechanism.charts import turn, turn_volume, turned_parts
from diffseis.source import double_couple_of, rotation_of, six_vector

_VOLUME = 8 * np.pi**2
"""Of the rotations, by angles of rotation."""


class AbstractSourceSpace(eqx.Module):
    """A space of sources with its uniform distribution, which is the prior.

    Laws, tested on every implementation: `move` and `tangent` are inverse; `volume` integrates to the space's volume; a grid is uniform; six-vectors have
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
    def axes(self, point: Float[Array, " size"]) -> Float[Array, "4"]:
        """The unit quaternion of the principal axes."""

    @abc.abstractmethod
    def move(self, point: Float[Array, " size"], tangent: Float[Array, " dim"]) -> Float[Array, " size"]:
        """To the point with those tangent coordinates."""

    @abc.abstractmethod
    def parts(self, centre: Float[Array, " size"], point: Float[Array, " size"]) -> tuple[Array, ...]:
        """Tangent coordinates about a centre of the nearest image of a point, one by one."""

    @abc.abstractmethod
    def volume(self, parts: tuple[Array, ...]) -> Float[Array, ""]:
        """The uniform distribution's density in tangent coordinates over that at their origin: 1 or less, never 0."""

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


def unit(raw: Float[Array, " size"]) -> Float[Array, " size"]:
    """Over its length, or 0."""
    size = safe.norm(raw)
    return raw / jnp.where(size > 0, size, 1)


def square_of(parts: tuple[Array, ...]) -> Array:
    """Of the length of tangent coordinates."""
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

    def axes(self, point: Float[Array, " size"]) -> Float[Array, "4"]:
        return point

    def move(self, point: Float[Array, " size"], tangent: Float[Array, " dim"]) -> Float[Array, " size"]:
        return turn(point, tangent)

    def parts(self, centre: Float[Array, " size"], point: Float[Array, " size"]) -> tuple[Array, ...]:
        return turned_parts(centre, point)

    def volume(self, parts: tuple[Array, ...]) -> Float[Array, ""]:
        return turn_volume(square_of(parts))

    def nearest(self, raw: Float[Array, " size"]) -> Float[Array, " size"]:
        return unit(raw)

    def inside(self, point: Float[Array, " size"]) -> Float[Array, ""]:
        return jnp.zeros_like(point[0])


class ShearTensile(AbstractSourceSpace):
    """Slip out of its plane, uniform in orientation and slope. Points are the quaternion of the axes T, B and P (the bisectors of slip and normal) and the slope in radians.

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

    def axes(self, point: Float[Array, " size"]) -> Float[Array, "4"]:
        return point[:4]

    def move(self, point: Float[Array, " size"], tangent: Float[Array, " dim"]) -> Float[Array, " size"]:
        return jnp.concatenate([turn(point[:4], tangent[:3]), point[4:] + tangent[3:]])

    def parts(self, centre: Float[Array, " size"], point: Float[Array, " size"]) -> tuple[Array, ...]:
        return (*turned_parts(centre[:4], point[:4]), point[4] - centre[4])

    def volume(self, parts: tuple[Array, ...]) -> Float[Array, ""]:
        return turn_volume(square_of(parts[:3]))

    def nearest(self, raw: Float[Array, " size"]) -> Float[Array, " size"]:
        return jnp.concatenate([unit(raw[:4]), 0.5 * jnp.pi * jnp.tanh(raw[4:])])

    def inside(self, point: Float[Array, " size"]) -> Float[Array, ""]:
        return jnp.where(jnp.abs(point[4]) <= jnp.pi / 2, 0, -jnp.inf).astype(point.dtype)


def sixes(space: AbstractSourceSpace, points: Float[Array, "point size"]) -> Float[Array, "point 6"]:
    """Six-vectors of many points."""
    return jax.vmap(space.six)(points)
