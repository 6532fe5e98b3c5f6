"""One-dimensional models: speed as a function of depth alone."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffseis.core.concrete import is_concrete
from diffseis.core.tables import VelocityTable
from diffseis.velocity.base import AbstractVelocityModel

FAR_KM = 1e4
"""Where the first segment begins (above) and the last one ends (below)."""


class Segments(NamedTuple):
    """A 1-D model as a stack of segments, from above, in each of which the speed is linear in depth."""

    top_km: Float[Array, " segment"]
    bottom_km: Float[Array, " segment"]
    speed_top_km_s: Float[Array, " segment"]
    speed_bottom_km_s: Float[Array, " segment"]


class Layered(AbstractVelocityModel):
    """A 1-D model of constant or linear layers.

    Above the first depth and below the last one the speed is constant (the first and the last value), so
    stations of any elevation lie within the model. On a jump the speed is that of the lower side.

    Attributes:
        depth_km: below sea level. Kind "layers": tops of layers, increasing. Kind "linear": nodes, not
            decreasing; a depth that appears twice is a jump.
        speed_km_s: of each layer, or at each node.
        kind: "layers" (constant speed in each layer) or "linear" (linear between nodes).
    """

    depth_km: Float[Array, " layer"]
    speed_km_s: Float[Array, " layer"]
    kind: str = eqx.field(static=True)

    def __init__(self, depth_km, speed_km_s, kind: str = "layers"):
        self.depth_km = jnp.asarray(depth_km, dtype=float)
        self.speed_km_s = jnp.asarray(speed_km_s, dtype=float)
        self.kind = kind

    def __check_init__(self):
        if self.kind not in ("layers", "linear"):
            raise ValueError(f"`kind` must be 'layers' or 'linear', got {self.kind!r}")
        if self.depth_km.shape != self.speed_km_s.shape or self.depth_km.ndim != 1 or self.depth_km.size == 0:
            raise ValueError(
                f"`depth_km` and `speed_km_s` must be equally long lists of at least one value, got shapes "
                f"{self.depth_km.shape} and {self.speed_km_s.shape}"
            )
        if is_concrete(self.depth_km):
            check_depths(np.asarray(self.depth_km), self.kind)
        if is_concrete(self.speed_km_s):
            check_speeds(np.asarray(self.speed_km_s), "speed_km_s")

    def segments(self) -> Segments:
        """The model as segments; those of no thickness (jumps of kind "linear") are harmless and kept."""
        depth, speed = self.depth_km, self.speed_km_s
        far = jnp.asarray([FAR_KM], depth.dtype)
        if self.kind == "layers":
            return Segments(
                jnp.concatenate([-far, depth[1:]]), jnp.concatenate([depth[1:], far]), speed, speed
            )
        return Segments(
            jnp.concatenate([-far, depth]),
            jnp.concatenate([depth, far]),
            jnp.concatenate([speed[:1], speed]),
            jnp.concatenate([speed, speed[-1:]]),
        )

    def speed(self, x_ned_km: Float[Array, "3"]) -> Float[Array, ""]:
        z = x_ned_km[2]
        top, bottom, speed_top, speed_bottom = self.segments()
        # The last segment whose top is not below the point: jumps and interfaces belong to their lower side.
        index = jnp.sum(z >= top[1:])
        thickness = bottom[index] - top[index]
        fraction = jnp.clip((z - top[index]) / jnp.where(thickness > 0, thickness, 1), 0, 1)
        return speed_top[index] + fraction * (speed_bottom[index] - speed_top[index])


def check_depths(depth_km: np.ndarray, kind: str) -> None:
    """Refuse depths that are not finite or out of order."""
    if not np.all(np.isfinite(depth_km)) or np.any(np.abs(depth_km) >= FAR_KM):
        raise ValueError(
            f"`depth_km` must be finite and within {FAR_KM:g} km, got {depth_km}; were metres given?"
        )
    steps = np.diff(depth_km)
    if kind == "layers" and np.any(steps <= 0):
        raise ValueError(f"the tops of layers must increase, got `depth_km` = {depth_km}")
    if np.any(steps < 0):
        raise ValueError(f"the depths of nodes must not decrease, got `depth_km` = {depth_km}")
    if np.any((steps[1:] == 0) & (steps[:-1] == 0)):
        raise ValueError(f"a depth may appear at most twice (a jump), got `depth_km` = {depth_km}")


def check_speeds(speed_km_s: np.ndarray, name: str) -> None:
    """Refuse speeds that are not positive and finite."""
    if not np.all(np.isfinite(speed_km_s)) or np.any(speed_km_s <= 0):
        raise ValueError(f"`{name}` must be positive and finite, got {speed_km_s}")


def layered_pair(table: VelocityTable, kind: str | None = None) -> tuple[Layered, Layered]:
    """The P and the S model of a velocity table.

    Args:
        table: depths and speeds.
        kind: "layers" or "linear"; the table's own by default.

    Raises:
        ValueError: for depths out of order, speeds that are not positive, NaN, or S not slower than P.
    """
    vp, vs = np.asarray(table.vp_km_s, np.float64), np.asarray(table.vs_km_s, np.float64)
    check_speeds(vp, "vp_km_s")
    check_speeds(vs, "vs_km_s")
    if np.any(vp <= vs):
        raise ValueError(
            f"P must be faster than S, got vp = {vp} and vs = {vs} km/s; were the columns swapped?"
        )
    kind = table.kind if kind is None else kind
    return Layered(table.depth_km, vp, kind), Layered(table.depth_km, vs, kind)
