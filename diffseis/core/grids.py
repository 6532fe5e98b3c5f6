"""Regular grids in the local frame."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float


class RegularGrid(eqx.Module):
    """Evenly spaced nodes in one, two or three dimensions.

    Attributes:
        origin_km: coordinates of the first node.
        spacing_km: distance between nodes along each axis, > 0.
        shape: number of nodes along each axis (static: it decides what is compiled).
    """

    origin_km: Float[Array, " dim"]
    spacing_km: Float[Array, " dim"]
    shape: tuple[int, ...] = eqx.field(static=True)

    def __init__(self, origin_km, spacing_km, shape):
        self.origin_km = jnp.asarray(origin_km, dtype=float)
        self.spacing_km = jnp.broadcast_to(jnp.asarray(spacing_km, dtype=float), self.origin_km.shape)
        self.shape = tuple(int(n) for n in shape)

    def __check_init__(self):
        if self.origin_km.shape != (len(self.shape),):
            raise ValueError(f"a grid of shape {self.shape} needs {len(self.shape)} origin coordinates")
        if any(n < 2 for n in self.shape):
            raise ValueError(f"every axis of a grid needs at least 2 nodes, got shape {self.shape}")
        if not isinstance(self.spacing_km, Tracer) and not np.all(np.asarray(self.spacing_km) > 0):
            raise ValueError(f"`spacing_km` must be above 0 along every axis, got {self.spacing_km}")

    @property
    def num_dims(self) -> int:
        return len(self.shape)

    @property
    def end_km(self) -> Float[Array, " dim"]:
        """Coordinates of the last node."""
        return self.origin_km + self.spacing_km * (jnp.asarray(self.shape, self.origin_km.dtype) - 1)

    def axis_km(self, axis: int) -> Float[Array, " node"]:
        """Coordinates of the nodes along one axis."""
        steps = jnp.arange(self.shape[axis], dtype=self.origin_km.dtype)
        return self.origin_km[axis] + self.spacing_km[axis] * steps

    def nodes_km(self) -> Float[Array, "*shape dim"]:
        """Coordinates of every node, the axes in order."""
        axes = [self.axis_km(i) for i in range(self.num_dims)]
        return jnp.stack(jnp.meshgrid(*axes, indexing="ij"), axis=-1)

    def to_index(self, x_km: Float[Array, "... dim"]) -> Float[Array, "... dim"]:
        """Fractional node numbers of a point."""
        origin, spacing = (jnp.broadcast_to(v, x_km.shape) for v in (self.origin_km, self.spacing_km))
        return (x_km - origin) / spacing

    def contains(self, x_km, *, rounding: float = 0.0) -> bool:
        """Whether a point (on the host) lies within the grid, or no farther outside than `rounding` times its spacing."""
        # All in NumPy: while JAX traces, its operations give no numbers even of numbers.
        low, spacing = np.asarray(self.origin_km), np.asarray(self.spacing_km)
        high = low + spacing * (np.asarray(self.shape, low.dtype) - 1)
        # The slack may be less than single precision holds.
        x, low, high, spacing = (np.asarray(a, float) for a in (x_km, low, high, spacing))
        slack = rounding * spacing
        return bool(np.all(x >= low - slack) and np.all(x <= high + slack))
