"""The grid that is computed on: that of the medium, and the layers outside it."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.core.grids import RegularGrid
from diffseis.wave.boundary import Boundary


class Domain(eqx.Module):
    """Nodes of a medium with those of its absorbing layers.

    Attributes:
        grid: the medium's.
        boundary: its faces.
    """

    grid: RegularGrid
    boundary: Boundary

    def __check_init__(self):
        if len(self.boundary.faces) != self.grid.num_dims:
            raise ValueError(
                f"a grid of {self.grid.num_dims} dimensions needs as many pairs of faces, got {len(self.boundary.faces)}"
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of nodes along each axis, layers included."""
        return tuple(n + sum(w) for n, w in zip(self.grid.shape, self.boundary.widths, strict=True))

    def extend(self, values: Float[Array, "*shape"]) -> Float[Array, "*all"]:
        """Nodal values of the medium; in a layer those of its face."""
        return jnp.pad(values, self.boundary.widths, mode="edge")

    def to_index(self, x_km: Float[Array, "... dim"]) -> Float[Array, "... dim"]:
        """Fractional numbers of nodes, counted from the first of the layers."""
        first = jnp.asarray([w[0] for w in self.boundary.widths], x_km.dtype)
        return self.grid.to_index(x_km) + jnp.broadcast_to(first, x_km.shape)
