"""The ground above networks of travel times: the medium ends there."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from diffseis.core import safe
from diffseis.eikonal.medium import Medium, group_slowness
from diffseis.eikonal.straight import gauss

MARGIN = 0.02
"""The ground lies by this share of the thickness below the top of the flat box: coordinates are smooth through it."""

ABOVE_KM = 1e-3
"""Points up to this much above the ground are taken to be on it."""


class Ground(eqx.Module):
    """Coordinates in which the ground is level, and lines that do not leave the medium.

    Depths between ground and bottom are stretched evenly to those between top (less `MARGIN`) and bottom. Straight lines in these coordinates are
    paths under the ground, and tend to straight ones where their ends are close.

    Attributes:
        surface: depth of the ground in km at a place, such as `Surface`; of north alone in a plane.
        top_km, bottom_km: of the box.
        num_horizontal: 1 in a plane, else 2.
    """

    surface: Callable[..., Any]
    top_km: Float[Array, ""]
    bottom_km: Float[Array, ""]
    num_horizontal: int = eqx.field(static=True)

    def depth_km(self, x_ned_km: Float[Array, "3"]) -> Float[Array, ""]:
        """Depth of the ground above or below a point."""
        return self.surface(x_ned_km[: self.num_horizontal])

    def flat(self, x_ned_km: Float[Array, "3"]) -> Float[Array, "3"]:
        """A point where the ground is level."""
        ground = self.depth_km(x_ned_km)
        share = (x_ned_km[2] - ground) / (self.bottom_km - ground)
        share = MARGIN + (1 - MARGIN) * share
        return x_ned_km.at[2].set(self.top_km + share * (self.bottom_km - self.top_km))

    def bent(self, flat_km: Float[Array, "3"]) -> Float[Array, "3"]:
        """The inverse of `flat`."""
        ground = self.depth_km(flat_km)
        share = (flat_km[2] - self.top_km) / (self.bottom_km - self.top_km)
        share = (share - MARGIN) / (1 - MARGIN)
        return flat_km.at[2].set(ground + share * (self.bottom_km - ground))

    def lowered(self, x_ned_km: Float[Array, "3"]) -> Float[Array, "3"]:
        """A point of the box, pressed into what of it lies below the ground."""
        share = (x_ned_km[2] - self.top_km) / (self.bottom_km - self.top_km)
        ground = self.depth_km(x_ned_km)
        return x_ned_km.at[2].set(ground + share * (self.bottom_km - ground))

    def above(self, x_ned_km: Float[Array, "3"]) -> Bool[Array, ""]:
        """Whether a point lies in the air."""
        return x_ned_km[2] < self.depth_km(x_ned_km) - ABOVE_KM

    def inward(self, x_ned_km: Float[Array, "3"]) -> Float[Array, "3"]:
        """The unit vector at right angles to the ground, into the medium."""
        slope = jax.grad(lambda x: x[2] - self.depth_km(x))(x_ned_km)
        return slope / safe.norm(slope)


def path_slowness(
    model: Medium,
    ground: Ground,
    a_ned_km: Float[Array, "3"],
    b_ned_km: Float[Array, "3"],
    *,
    num_nodes: int = 5,
) -> Float[Array, ""]:
    """Time along the path under the ground over the straight distance, s/km; an upper bound of that of the first arrival."""
    offset = b_ned_km - a_ned_km
    distance = safe.norm(offset)
    apart = distance > 0
    start, end = ground.flat(a_ned_km), ground.flat(b_ned_km)
    down = jnp.zeros_like(offset).at[2].set(1)

    def one(fraction):
        x, tangent = jax.jvp(ground.bent, (start + fraction * (end - start),), (end - start,))
        tangent = jnp.where(apart, tangent / jnp.where(apart, distance, 1), down)
        stretch = safe.norm(tangent)
        return group_slowness(model, x, tangent / stretch) * stretch

    fraction, weight = gauss(num_nodes, a_ned_km.dtype)
    return jnp.sum(weight * jax.vmap(one)(fraction))


def make_ground(
    surface: Callable, low_km: Float[Array, "3"], high_km: Float[Array, "3"], form: str, *, num_samples=65
) -> Ground:
    """The ground of a box, which it must cross from side to side.

    Raises:
        ValueError: for a form that knows no ground, and a ground that leaves the box through its top or bottom.
    """
    if form not in ("plane", "space"):
        raise ValueError(f"`ground` is for the forms 'plane' and 'space', got {form!r}")
    as_tree: Any = surface if isinstance(surface, eqx.Module) else jax.tree_util.Partial(surface)
    ground = Ground(as_tree, low_km[2], high_km[2], 1 if form == "plane" else 2)
    axes = [jnp.linspace(low_km[n], high_km[n], num_samples) for n in range(ground.num_horizontal)]
    places = jnp.stack(jnp.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, ground.num_horizontal)
    depth = np.asarray(jax.jit(jax.vmap(ground.surface))(places))
    if not (np.all(np.isfinite(depth)) and depth.min() >= low_km[2] and depth.max() < high_km[2]):
        raise ValueError(
            f"the ground lies between {depth.min():g} and {depth.max():g} km, the box between {low_km[2]:g} and {high_km[2]:g} km depth; "
            "give a `low_km` above all of the ground and a `high_km` below it"
        )
    return ground
