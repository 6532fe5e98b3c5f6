"""Speeds out of unknowns without bounds: what inversions of waveforms move."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from diffseis.core.concrete import is_concrete


class BoundedSpeed(eqx.Module):
    """``v = low + (high - low) sigmoid(u_0 + w S u)``: always between the bounds, ``start`` where the unknowns u are zero.

    S is a smoothing by a normal distribution. Steps of an optimiser in u are those of gradients smoothed twice in v: what is smaller than the waves see
    does not come in, and directions are scaled better. It limits no model: narrower than the smoothing, change takes larger u.

    Attributes:
        start_km_s: speeds to begin with, at nodes.
        low_km_s, high_km_s: bounds, which no start may touch.
        smooth_nodes: standard deviation of the smoothing along all axes; none where 0 (static).
        weight: of each unknown: 0 where the speed is known, and larger where waves say less, for steps as large.
    """

    start_km_s: Float[Array, "*shape"]
    low_km_s: Float[Array, ""]
    high_km_s: Float[Array, ""]
    weight: Float[Array, "*shape"]
    smooth_nodes: float = eqx.field(static=True)

    def __init__(self, start_km_s, low_km_s, high_km_s, *, weight=None, smooth_nodes: float = 0.0):
        self.start_km_s = jnp.asarray(start_km_s)
        dtype = self.start_km_s.dtype
        self.low_km_s, self.high_km_s = jnp.asarray(low_km_s, dtype), jnp.asarray(high_km_s, dtype)
        self.weight = jnp.ones_like(self.start_km_s) if weight is None else jnp.asarray(weight, dtype)
        self.smooth_nodes = float(smooth_nodes)

    def __check_init__(self):
        if self.weight.shape != self.start_km_s.shape:
            raise ValueError(
                f"`weight` has shape {self.weight.shape}, `start_km_s` {self.start_km_s.shape}: both are at the same nodes"
            )
        if not self.smooth_nodes >= 0:
            raise ValueError(f"`smooth_nodes` must be at least 0, got {self.smooth_nodes}")
        if not is_concrete(self.start_km_s, self.low_km_s, self.high_km_s, self.weight):
            return
        start = np.asarray(self.start_km_s)[np.asarray(self.weight) != 0]
        if not (np.all(start > np.asarray(self.low_km_s)) and np.all(start < np.asarray(self.high_km_s))):
            raise ValueError(
                f"`start_km_s` must lie between {self.low_km_s} and {self.high_km_s} km/s where it is unknown, it spans {np.min(start)} to {np.max(start)}"
            )

    def zeros(self) -> Float[Array, "*shape"]:
        """The unknowns of the start."""
        return jnp.zeros_like(self.start_km_s)

    def __call__(self, unknown: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """Speeds in km/s."""
        known = self.weight == 0
        width = self.high_km_s - self.low_km_s
        # Where the speed is known it may lie on a bound or beyond: it must make no infinities there.
        share = jnp.where(known, 0.5, (self.start_km_s - self.low_km_s) / width)
        moved = (
            jnp.log(share) - jnp.log1p(-share) + self.weight * smoothed(unknown, self.smooth_nodes, ~known)
        )
        return jnp.where(known, self.start_km_s, self.low_km_s + width * jax.nn.sigmoid(moved))


def smoothed(
    values: Float[Array, "*shape"], sigma_nodes: float, where: Bool[Array, "*shape"] | None = None
) -> Float[Array, "*shape"]:
    """Averages with the weights of a normal distribution of distance, over the nodes of `where` (all, if not given).

    Towards the rim of these nodes fewer are averaged over; constants stay constants. Others are left as they are.
    """
    if sigma_nodes == 0:
        return values
    inside = jnp.ones(values.shape, bool) if where is None else where
    mask = inside.astype(values.dtype)
    total, count = values * mask, mask
    for axis, num in enumerate(values.shape):
        total, count = (_along(x, axis, _kernel(num, sigma_nodes, values.dtype)) for x in (total, count))
    return jnp.where(inside, total / jnp.where(inside, count, 1), values)


def _kernel(num: int, sigma_nodes: float, dtype) -> Float[Array, "node node"]:
    node = np.arange(num)
    return jnp.asarray(np.exp(-0.5 * ((node[:, None] - node[None, :]) / sigma_nodes) ** 2), dtype)


def _along(values, axis: int, matrix):
    return jnp.moveaxis(jnp.tensordot(matrix, values, axes=(1, axis)), 0, axis)
