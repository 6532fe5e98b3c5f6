"""The mechanisms that HASH tries: normals on rings of the lower hemisphere, slips in steps around each."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffseis.source import quaternion_of_rotation, rotation_of


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
        self.planes = jax.vmap(planes_of_quaternion)(quaternions).reshape(-1, 6).T.astype(jnp.float32)


def planes_of_quaternion(q: Float[Array, "4"]) -> Float[Array, "2 3"]:
    """Rows normal and slip of one of the two nodal planes; the four images of a quaternion exchange them and turn both round."""
    axes = rotation_of(q)
    half = jnp.sqrt(jnp.asarray(0.5, q.dtype))
    return half * jnp.stack([axes[:, 0] - axes[:, 2], axes[:, 0] + axes[:, 2]])


@functools.lru_cache(maxsize=4)
def _rings(spacing_deg: float) -> np.ndarray:
    """Rotation matrices (columns T, B, P) of normals on rings about down, with slips at equal steps over a half turn."""
    rows = []
    steps = np.radians(np.arange(0, 180 - 0.1, spacing_deg))
    for from_down in np.radians(np.arange(0, 90 + 0.1, spacing_deg)):
        # As many normals on a ring as its length holds, so that they are even on the sphere.
        num = max(1, int(np.floor(360 / spacing_deg * np.sin(from_down) + 0.5)))
        for around in 2 * np.pi * np.arange(num) / num:
            c, s = np.cos(from_down), np.sin(from_down)
            normal = np.array([s * np.cos(around), s * np.sin(around), c])
            first = np.array([c * np.cos(around), c * np.sin(around), -s])
            slip = (
                np.cos(steps)[:, None] * first[None, :]
                + np.sin(steps)[:, None] * np.cross(normal, first)[None, :]
            )
            tension, pressure = (slip + normal) / np.sqrt(2), (slip - normal) / np.sqrt(2)
            rows.append(np.stack([tension, np.cross(pressure, tension), pressure], axis=-1))
    return np.concatenate(rows)


def hash_grid(spacing_deg: float) -> MechanismGrid:
    """HASH's grid: 31,032 pairs of normal and slip at 5 degrees. Each mechanism is near two of them, one per nodal plane."""
    turned = jnp.asarray(_rings(float(spacing_deg)), float)
    return MechanismGrid(jax.vmap(quaternion_of_rotation)(turned))
