"""The mechanisms that HASH tries: planes whose normals are even on a half-sphere, slips in equal steps over a half turn."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffseis.source import double_couple_quaternion, rotation_of


class MechanismGrid(eqx.Module):
    """Double couples to try.

    Attributes:
        quaternions: of their axes, as in `diffseis.source.quaternions`.
        planes: components of the normal, then of the slip. In single precision: polarities are counted.
    """

    quaternions: Float[Array, "mechanism 4"]
    planes: Float[Array, "6 mechanism"]

    def __init__(self, quaternions: Float[Array, "mechanism 4"]):
        self.quaternions = quaternions
        self.planes = _planes(quaternions)


def planes_of_quaternion(q: Float[Array, "4"]) -> Float[Array, "2 3"]:
    """Rows normal and slip of one of the two nodal planes; the four images of a quaternion exchange them and turn both round."""
    axes = rotation_of(q)
    half = jnp.sqrt(jnp.asarray(0.5, q.dtype))
    return half * jnp.stack([axes[:, 0] - axes[:, 2], axes[:, 0] + axes[:, 2]])


@jax.jit
def _planes(quaternions):
    return jax.vmap(planes_of_quaternion)(quaternions).reshape(-1, 6).T.astype(jnp.float32)


@functools.lru_cache(maxsize=4)
def _angles_rad(spacing_deg: float) -> np.ndarray:
    """Strike, dip and rake, in HASH's order: dips from the level plane, strikes, and rakes over one half turn, since each mechanism has two planes."""
    rakes = -90 - np.arange(0, 180 - 0.1, spacing_deg)
    rows = []
    for dip in np.arange(0, 90 + 0.1, spacing_deg):
        # As many strikes as the ring of their normals has room for.
        num = max(1, int(np.floor(360 / spacing_deg * np.sin(np.radians(dip)) + 0.5)))
        strikes = 90 + 360 * np.arange(num) / num
        rows.append(
            np.stack(np.broadcast_arrays(strikes[:, None], dip, rakes[None, :]), axis=-1).reshape(-1, 3)
        )
    return np.radians(np.concatenate(rows))


def hash_grid(spacing_deg: float) -> MechanismGrid:
    """HASH's grid: 31,032 planes with slips at 5 degrees. Each mechanism is near two of them, one per nodal plane."""
    angles = jnp.asarray(_angles_rad(float(spacing_deg)), float)
    return MechanismGrid(_quaternions(angles))


@jax.jit
def _quaternions(angles):
    return jax.vmap(lambda a: double_couple_quaternion(a[0], a[1], a[2]))(angles)
