"""The distance by which times in transversely isotropic media are divided."""

from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.eikonal.metric import AbstractMetric


class Anelliptical(AbstractMetric):
    """Time times axial speed from a source in a uniform, transversely isotropic medium, nearly.

    ``T0^2 = c E + d sqrt(E^2 + 4 (Q^2 - 1) A x z)``, ``E = A x + z``: z is the square of the offset along the axis of symmetry, x that
    across it, ``A = 1 / (1 + 2 epsilon)``, ``Q = (1 + 2 epsilon) / (1 + 2 delta)``. Exact along the axis, across it and where the medium is
    elliptical (epsilon = delta); elsewhere good to 3e-5 (epsilon 0.2, delta 0.1) to 5e-4 (0.25, 0), which is left to tau.

    Attributes:
        epsilon, delta: Thomsen's parameters at the source.
        axis: unit vector of the axis of symmetry, on the grid's axes.

    References:
        Fomel (2004), On anelliptic approximations for qP velocities in VTI media, doi:10.1111/j.1365-2478.2004.00413.x.
    """

    epsilon: Float[Array, ""]
    delta: Float[Array, ""]
    axis: Float[Array, " dim"]

    def _parts(self, position_km, source_km):
        offset = [x - s for x, s in zip(position_km, source_km, strict=True)]
        along = sum(o * n for o, n in zip(offset, self.axis, strict=True))
        z = along * along
        x = jnp.maximum(sum(o * o for o in offset) - z, 0)
        a, q = 1 / (1 + 2 * self.epsilon), (1 + 2 * self.epsilon) / (1 + 2 * self.delta)
        first, second = (1 + 2 * q) / (2 * (1 + q)), 1 / (2 * (1 + q))
        total = a * x + z
        square = total * total + 4 * (q * q - 1) * a * x * z
        away = square > 0
        root = jnp.where(away, jnp.sqrt(jnp.where(away, square, 1)), 0)
        return offset, along, x, z, a, q, first, second, total, root

    def squared_distance(self, position_km: Sequence[Array], source_km: Sequence[Array]) -> Array:
        *_, first, second, total, root = self._parts(position_km, source_km)
        return jnp.asarray(first * total + second * root)

    def half_gradient(self, position_km: Sequence[Array], source_km: Sequence[Array]) -> list[Array]:
        offset, along, x, z, a, q, first, second, total, root = self._parts(position_km, source_km)
        away = root > 0
        inverse = jnp.where(away, 1 / jnp.where(away, root, 1), 1)
        mixed = 2 * (q * q - 1) * a
        by_x = first * a + second * (total * a + mixed * z) * inverse
        by_z = first + second * (total + mixed * x) * inverse
        return [by_x * (o - along * n) + by_z * along * n for o, n in zip(offset, self.axis, strict=True)]

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
