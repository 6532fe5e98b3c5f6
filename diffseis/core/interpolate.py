"""Smooth interpolation on regular grids by cubic B-splines, in one to three dimensions.

Twice continuously differentiable, fourth-order accurate also at the ends ("not-a-knot"), and linear in the
nodal values, so that gradients with respect to those values are exact. Outside the grid the nearest edge
value is used, with zero gradient.

References:
    Unser (1999), Splines: a perfect fit for signal and image processing, doi:10.1109/79.799930.
    de Boor (1978), A practical guide to splines, chapter IV (not-a-knot).
"""

from functools import lru_cache

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


@lru_cache(maxsize=64)
def _prefilter(n: int, even: bool = False) -> np.ndarray:
    """Matrix from `n` nodal values to the `n` + 2 B-spline coefficients that interpolate them.

    With `even` the spline is symmetric about its first node (for distances, which have no other side).
    """
    if n == 1:
        return np.ones((3, 1))
    system = np.zeros((n + 2, n + 2))
    for i in range(n):
        system[i, i : i + 3] = [1 / 6, 4 / 6, 1 / 6]
    # With fewer than four nodes a not-a-knot spline does not exist: zero curvature at the ends instead.
    end = [1.0, -4.0, 6.0, -4.0, 1.0] if n >= 4 else [1.0, -2.0, 1.0]
    system[n, : len(end)] = end
    if even:
        system[n] = 0
        system[n, [0, 2]] = [1, -1]
    system[n + 1, n + 2 - len(end) :] = end
    return np.linalg.inv(system)[:, :n]


def spline_coefficients(
    values: Float[Array, "..."], num_dims: int, *, even_axes: tuple[int, ...] = ()
) -> Float[Array, "..."]:
    """B-spline coefficients of nodal values over the last `num_dims` axes (each grows by 2).

    Args:
        values: at the nodes; leading axes are stacked splines.
        num_dims: how many of the last axes are interpolated.
        even_axes: those of them, counted from 0, along which the function is symmetric about the first node.
    """
    coefficients = values
    first = values.ndim - num_dims
    for axis in range(first, values.ndim):
        matrix = jnp.asarray(_prefilter(values.shape[axis], axis - first in even_axes), values.dtype)
        coefficients = jnp.moveaxis(jnp.tensordot(matrix, coefficients, axes=(1, axis)), 0, axis)
    return coefficients


def _basis(t: Float[Array, ""]) -> Float[Array, "4"]:
    """The four cubic B-splines that are not zero at fraction `t` of a cell."""
    s = 1 - t
    return jnp.stack([s**3, 4 - 3 * t * t * (2 - t), 4 - 3 * s * s * (2 - s), t**3]) / 6


def _cell(u: Float[Array, ""], num_nodes: int):
    """First coefficient and local fraction of a fractional node number, clamped to the grid."""
    u = jnp.clip(u, 0, num_nodes - 1)
    # Clipped as an integer: a NaN becomes some integer on the way, and must not be read from outside the
    # array.
    i = jnp.clip(jnp.floor(u).astype(jnp.int32), 0, max(num_nodes - 2, 0))
    return i, u - i.astype(u.dtype)


def evaluate_spline(
    coefficients: Float[Array, "..."], index: Float[Array, " dim"], row=None
) -> Float[Array, ""]:
    """Value of a spline at one point, in the dtype of `index`.

    Args:
        coefficients: from `spline_coefficients`; with `row`, a stack of splines along a leading axis.
        index: fractional node numbers (`RegularGrid.to_index`).
        row: which spline of the stack, as an integer scalar; `None` for a single one.
    """
    num_dims = index.shape[0]
    sizes = coefficients.shape[coefficients.ndim - num_dims :]
    cells = [_cell(index[d], sizes[d] - 2) for d in range(num_dims)]
    # One flat gather: XLA lowers it far better on CPU than a gather of slices or one index array per axis.
    flat = cells[0][0] + jnp.arange(4, dtype=jnp.int32)
    for d in range(1, num_dims):
        along = cells[d][0] + jnp.arange(4, dtype=jnp.int32)
        flat = flat[..., None] * sizes[d] + along.reshape((1,) * d + (4,))
    if row is not None:
        flat = flat + jnp.asarray(row).astype(jnp.int32) * int(np.prod(sizes))
    patch = coefficients.reshape(-1).at[flat].get(mode="promise_in_bounds").astype(index.dtype)
    for d in reversed(range(num_dims)):
        patch = patch @ _basis(cells[d][1])
    return patch
