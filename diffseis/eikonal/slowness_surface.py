"""Which slowness vectors a medium allows, where the sum of their squares does not decide it."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


class SlownessSurface(eqx.Module):
    """The eikonal equation at some nodes, in transversely isotropic media and on grids whose axes are not at right angles.

    ``(1 + 2 epsilon) p_t^2 + p_n^2 - 2 (epsilon - delta) p_t^2 p_n^2 / s^2 = s^2``, with p_n and p_t the slowness along the axis of symmetry and
    across it, s that along it (`velocity.TransverselyIsotropic`); and p, per km north, east and down, that of the derivatives along the
    grid's axes.

    Attributes:
        squared_slowness: along the axis of symmetry, s2/km2.
        thomsen: epsilon and delta.
        axis: components of a unit vector, in true directions.
        slopes: how far a point moves down per km along each axis of the grid but the last.
        stretch: of the last axis: km per km.
    """

    squared_slowness: Float[Array, "*shape"]
    thomsen: tuple[Array, Array] | None = None
    axis: tuple[Array, ...] | None = None
    slopes: tuple[Array, ...] | None = None
    stretch: Float[Array, "*shape"] | None = None

    def _per_km(self, slowness: Sequence[Array]) -> list[Array]:
        if self.slopes is None or self.stretch is None:
            return list(slowness)
        down = slowness[-1] / self.stretch
        return [*(p - s * down for p, s in zip(slowness[:-1], self.slopes, strict=True)), down]

    def _squares(self, slowness: Sequence[Array]) -> tuple[Array, Array]:
        """Across the axis of symmetry and along it; all along it in isotropic media."""
        square = jnp.asarray(sum(p * p for p in slowness))
        if self.axis is None:
            return jnp.zeros_like(square), square
        along = jnp.asarray(sum(p * n for p, n in zip(slowness, self.axis, strict=True)))
        return square - along * along, along * along

    def form(self) -> list[list[Array]]:
        """The symmetric matrix of the quadratic part, on the grid's axes."""
        num_dims = 1 + len(self.slopes) if self.slopes is not None else len(self.axis or ())
        unit = lambda a: [jnp.full_like(self.squared_slowness, float(a == b)) for b in range(num_dims)]
        columns = [self._per_km(unit(a)) for a in range(num_dims)]

        def entry(u, v):
            product = jnp.asarray(sum(x * y for x, y in zip(u, v, strict=True)))
            if self.axis is None or self.thomsen is None:
                return product
            along = [sum(x * n for x, n in zip(w, self.axis, strict=True)) for w in (u, v)]
            along = along[0] * along[1]
            return (1 + 2 * self.thomsen[0]) * (product - along) + along

        return [[entry(u, v) for v in columns] for u in columns]

    def weights(self) -> tuple[Float[Array, "*shape"], ...]:
        """Roots of what the squares of the derivatives along the grid's axes are multiplied by, other terms left out."""
        form = self.form()
        return tuple(jnp.sqrt(form[a][a]) for a in range(len(form)))

    def excess(self, slowness: Sequence[Array]) -> Float[Array, "*shape"]:
        """Left side over the right one, less 1: zero on the surface, positive outside.

        Args:
            slowness: derivatives of time along the grid's axes, each of the nodes' shape.
        """
        across, along = (x / self.squared_slowness for x in self._squares(self._per_km(slowness)))
        if self.thomsen is None:
            return along - 1
        epsilon, delta = self.thomsen
        return (1 + 2 * epsilon) * across + along - 2 * (epsilon - delta) * across * along - 1

    def ray(self, slowness: Sequence[Array]) -> list[Array]:
        """Half the derivatives of the left side: in the quadratic part `form` times the slowness. The ray goes that way."""
        value, pullback = jax.vjp(lambda p: self.excess(p), list(slowness))
        (slopes,) = pullback(0.5 * self.squared_slowness * jnp.ones_like(value))
        return slopes
