"""The grid that is computed on: that of the medium, and the layers outside it."""

import equinox as eqx
import jax.numpy as jnp
from jax.lax import slice_in_dim
from jaxtyping import Array, Float

from diffseis.core.grids import RegularGrid
from diffseis.wave.boundary import Boundary, Face, Side
from diffseis.wave.linear import extended


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

    @property
    def sides(self) -> tuple[Side, ...]:
        """All faces."""
        return tuple((axis, at_end) for axis in range(self.grid.num_dims) for at_end in (False, True))

    def face(self, side: Side) -> Face:
        """What is at a face."""
        return self.boundary.faces[side[0]][side[1]]

    def extend(self, values: Float[Array, "*shape"]) -> Float[Array, "*all"]:
        """Nodal values of the medium; in a layer those of its face."""
        return extended(values, self.boundary.widths)

    def between(self, values: Float[Array, "*all"], axis: int) -> Float[Array, "*all"]:
        """Means of neighbours along an axis: values half a spacing after each node; after the last one its own, or the first's on a
        periodic axis."""
        if self.boundary.periodic[axis]:
            return (values + jnp.roll(values, -1, axis)) / 2
        num = values.shape[axis]
        later = jnp.concatenate(
            [slice_in_dim(values, 1, num, axis=axis), slice_in_dim(values, num - 1, num, axis=axis)], axis
        )
        return (values + later) / 2

    def on_face(self, side: Side) -> Float[Array, "..."]:
        """1 on the nodes of a face, 0 elsewhere; it broadcasts against fields."""
        axis, at_end = side
        row = jnp.zeros(self.shape[axis]).at[-1 if at_end else 0].set(1.0)
        return row.reshape([-1 if a == axis else 1 for a in range(len(self.shape))])

    def to_index(self, x_km: Float[Array, "... dim"]) -> Float[Array, "... dim"]:
        """Fractional numbers of nodes, counted from the first of the layers."""
        first = jnp.asarray([w[0] for w in self.boundary.widths], x_km.dtype)
        return self.grid.to_index(x_km) + jnp.broadcast_to(first, x_km.shape)
