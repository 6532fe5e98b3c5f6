"""What is taken for distance: the closed form T0 by which the factored eikonal equation divides times."""

import abc
from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float


class AbstractMetric(eqx.Module):
    """The distance from a source in the coordinates of a grid, whose weights turn derivatives along the axes into those per km."""

    @abc.abstractmethod
    def squared_distance(self, position_km: Sequence[Array], source_km: Sequence[Array]) -> Array:
        """T0 squared at points given axis by axis."""

    @abc.abstractmethod
    def half_gradient(self, position_km: Sequence[Array], source_km: Sequence[Array]) -> list[Array]:
        """Half the derivatives of T0 squared along the axes: T0 times its own."""

    @abc.abstractmethod
    def weights(self, position_km: Sequence[Array]) -> list[Array] | None:
        """By how much derivatives along the axes are to be multiplied; None where by 1."""

    @abc.abstractmethod
    def shear(self, position_km: Sequence[Array]) -> tuple[list[Array], Array] | None:
        """Where the last axis follows a terrain: how far a point moves down per km along each other axis of the grid, and by what the
        last one is stretched; None where axes are at right angles."""

    @abc.abstractmethod
    def grid_point(self, x_km: Float[Array, " dim"]) -> Float[Array, " dim"]:
        """Coordinates on the grid of a point given as the model and users give it."""

    @abc.abstractmethod
    def model_point(self, x_km: Float[Array, " dim"]) -> Float[Array, " dim"]:
        """The inverse of `grid_point`."""

    @abc.abstractmethod
    def middle(self, a_km: Float[Array, " dim"], b_km: Float[Array, " dim"]) -> Float[Array, " dim"]:
        """The point half-way on the straight line between two."""


class Straight(AbstractMetric):
    """The distance of a flat space."""

    def squared_distance(self, position_km: Sequence[Array], source_km: Sequence[Array]) -> Array:
        offset = [x - s for x, s in zip(position_km, source_km, strict=True)]
        return jnp.asarray(sum(o * o for o in offset))

    def half_gradient(self, position_km: Sequence[Array], source_km: Sequence[Array]) -> list[Array]:
        return [x - s for x, s in zip(position_km, source_km, strict=True)]

    def weights(self, position_km: Sequence[Array]) -> None:
        return None

    def shear(self, position_km: Sequence[Array]) -> None:
        return None

    def grid_point(self, x_km: Float[Array, " dim"]) -> Float[Array, " dim"]:
        return x_km

    def model_point(self, x_km: Float[Array, " dim"]) -> Float[Array, " dim"]:
        return x_km

    def middle(self, a_km: Float[Array, " dim"], b_km: Float[Array, " dim"]) -> Float[Array, " dim"]:
        return 0.5 * (a_km + b_km)


class Spherical(AbstractMetric):
    """The straight distance through a sphere.

    Coordinates: kilometres along the sphere's surface and depth below it, (R latitude, R longitude, depth) with angles in radians, or in
    two dimensions (R angle from the axis, depth): `to_grid` makes them of degrees. The poles are no part of a grid.

    Attributes:
        radius_km: of the surface of depth zero, R.
    """

    radius_km: Float[Array, ""]

    def __init__(self, radius_km=6371.0):
        self.radius_km = jnp.asarray(radius_km, dtype=float)

    def to_grid(
        self,
        latitude_deg: Float[Array, "..."],
        longitude_deg: Float[Array, "..."],
        depth_km: Float[Array, "..."],
    ) -> Float[Array, "... 3"]:
        """Coordinates of places (geocentric latitude)."""
        angles = jnp.broadcast_arrays(jnp.deg2rad(latitude_deg), jnp.deg2rad(longitude_deg), depth_km)
        return jnp.stack([self.radius_km * angles[0], self.radius_km * angles[1], angles[2]], axis=-1)

    def _haversine(self, position_km, source_km):
        """Square of the sine of half the angle at the centre, and its derivatives by the angles."""
        half = [(x - s) / (2 * self.radius_km) for x, s in zip(position_km[:-1], source_km[:-1], strict=True)]
        sine = [jnp.sin(x) for x in half]
        if len(half) == 1:
            return sine[0] * sine[0], [sine[0] * jnp.cos(half[0])]
        latitude, there = position_km[0] / self.radius_km, jnp.cos(source_km[0] / self.radius_km)
        product = jnp.cos(latitude) * there
        square = sine[0] * sine[0] + product * sine[1] * sine[1]
        by_latitude = sine[0] * jnp.cos(half[0]) - jnp.sin(latitude) * there * sine[1] * sine[1]
        return square, [by_latitude, product * sine[1] * jnp.cos(half[1])]

    def squared_distance(self, position_km: Sequence[Array], source_km: Sequence[Array]) -> Array:
        haversine, _ = self._haversine(position_km, source_km)
        radii = (self.radius_km - position_km[-1]) * (self.radius_km - source_km[-1])
        return (position_km[-1] - source_km[-1]) ** 2 + 4 * radii * haversine

    def half_gradient(self, position_km: Sequence[Array], source_km: Sequence[Array]) -> list[Array]:
        haversine, slopes = self._haversine(position_km, source_km)
        radius, there = self.radius_km - position_km[-1], self.radius_km - source_km[-1]
        along = [2 * radius * there / self.radius_km * s for s in slopes]
        return [*along, position_km[-1] - source_km[-1] - 2 * there * haversine]

    def weights(self, position_km: Sequence[Array]) -> list[Array]:
        stretch = self.radius_km / (self.radius_km - position_km[-1])
        if len(position_km) == 2:
            return [stretch, jnp.ones_like(stretch)]
        cosine = jnp.cos(position_km[0] / self.radius_km)
        shape = jnp.broadcast_shapes(*(jnp.shape(x) for x in position_km))
        return [jnp.broadcast_to(w, shape) for w in (stretch, stretch / cosine, jnp.ones_like(stretch))]

    def shear(self, position_km: Sequence[Array]) -> None:
        return None

    def grid_point(self, x_km: Float[Array, " dim"]) -> Float[Array, " dim"]:
        return x_km

    def model_point(self, x_km: Float[Array, " dim"]) -> Float[Array, " dim"]:
        return x_km

    def middle(self, a_km: Float[Array, " dim"], b_km: Float[Array, " dim"]) -> Float[Array, " dim"]:
        middle = 0.5 * (self._cartesian(a_km) + self._cartesian(b_km))
        radius = jnp.sqrt(jnp.sum(middle * middle))
        depth = self.radius_km - radius
        if a_km.shape[0] == 2:
            return jnp.stack([self.radius_km * jnp.arctan2(middle[1], middle[0]), depth])
        latitude = jnp.arctan2(middle[2], jnp.sqrt(middle[0] ** 2 + middle[1] ** 2))
        return jnp.stack(
            [self.radius_km * latitude, self.radius_km * jnp.arctan2(middle[1], middle[0]), depth]
        )

    def _cartesian(self, x_km):
        radius = self.radius_km - x_km[-1]
        if x_km.shape[0] == 2:
            angle = x_km[0] / self.radius_km
            return radius * jnp.stack([jnp.cos(angle), jnp.sin(angle)])
        latitude, longitude = x_km[0] / self.radius_km, x_km[1] / self.radius_km
        flat = jnp.cos(latitude)
        return radius * jnp.stack([flat * jnp.cos(longitude), flat * jnp.sin(longitude), jnp.sin(latitude)])
