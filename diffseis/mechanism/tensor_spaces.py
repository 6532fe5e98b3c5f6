"""Moment tensors as spaces: spheres of unit tensors, all of them or those without change of volume.

References:
    Tape & Tape (2015), doi:10.1093/gji/ggv262, for uniform tensors.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.special import gamma
from scipy.stats import norm, qmc

from diffseis.mechanism.charts import stereographic_move, stereographic_parts, stereographic_volume
from diffseis.mechanism.spaces import AbstractSourceSpace, square_of, unit
from diffseis.source import axes_quaternion, tensor_of_six


def _sphere_grid(num_axes: int, spacing_rad: float) -> np.ndarray:
    """Quasi-random directions: a low-discrepancy sequence of the cube through the normal distribution."""
    num = round(_sphere_area(num_axes) / spacing_rad ** (num_axes - 1))
    num = 2 ** int(np.ceil(np.log2(max(num, 64))))
    cube = qmc.Sobol(num_axes, scramble=True, rng=np.random.default_rng(0)).random(num)
    points = norm.ppf(np.clip(cube, 1e-9, 1 - 1e-9))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def _sphere_area(num_axes: int) -> float:
    return float(2 * np.pi ** (num_axes / 2) / gamma(num_axes / 2))


class AbstractTensorSphere(AbstractSourceSpace):
    """What both spheres have in common. Points are unit vectors; `six` says of which tensors."""

    def grid(self, spacing_rad: float) -> Float[np.ndarray, "point size"]:
        return _sphere_grid(self.size, spacing_rad)

    def axes(self, point: Float[Array, " size"]) -> Float[Array, "4"]:
        return axes_quaternion(tensor_of_six(self.six(point)))

    def move(self, point: Float[Array, " size"], tangent: Float[Array, " dim"]) -> Float[Array, " size"]:
        return stereographic_move(point, tangent)

    def parts(self, centre: Float[Array, " size"], point: Float[Array, " size"]) -> tuple[Array, ...]:
        return stereographic_parts(centre, point)

    def volume(self, parts: tuple[Array, ...]) -> Float[Array, ""]:
        return stereographic_volume(square_of(parts), self.num_dims)

    def nearest(self, raw: Float[Array, " size"]) -> Float[Array, " size"]:
        return unit(raw)

    def inside(self, point: Float[Array, " size"]) -> Float[Array, ""]:
        return jnp.zeros_like(point[0])


class MomentTensors(AbstractTensorSphere):
    """All moment tensors of unit size, uniform: any share of isotropic and CLVD. Points are six-vectors of unit length."""

    num_dims = 5
    size = 6
    log_size = float(np.log(np.pi**3))

    def six(self, point: Float[Array, " size"]) -> Float[Array, "6"]:
        return point * jnp.sqrt(jnp.asarray(2.0, point.dtype))


_DEVIATORIC = np.zeros((6, 5))
"""Columns: an orthonormal basis of the six-vectors without trace."""
_DEVIATORIC[:3, 0] = np.array([1, -1, 0]) / np.sqrt(2)
_DEVIATORIC[:3, 1] = np.array([1, 1, -2]) / np.sqrt(6)
_DEVIATORIC[3:, 2:] = np.eye(3)


class DeviatoricTensors(AbstractTensorSphere):
    """Moment tensors without change of volume, uniform. Points are unit vectors of five numbers, whose product with a fixed basis is the six-vector."""

    num_dims = 4
    size = 5
    log_size = float(np.log(8 * np.pi**2 / 3))

    def six(self, point: Float[Array, " size"]) -> Float[Array, "6"]:
        return jnp.asarray(_DEVIATORIC * np.sqrt(2), point.dtype) @ point
