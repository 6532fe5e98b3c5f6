"""Uniform B-splines of degree 3 and 5: weights at a point, and the coefficients that interpolate values at nodes.

What a spline of degree n misses of a wave of p nodes is about ``2 (p - 1)^-(n + 1)`` of it. Ends are "not-a-knot": there one polynomial serves
for several cells, so that nothing need be known beyond them.

References:
    Unser (1999), Splines: a perfect fit for signal and image processing, doi:10.1109/79.799930. de Boor (1978), A practical
    guide to splines, chapters IX and XIII.
"""

import math
from functools import lru_cache

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int


def check_degree(degree: int) -> None:
    """Refuse what is no degree of these splines."""
    if degree not in (3, 5):
        raise ValueError(f"`degree` must be 3 or 5, got {degree}")


def num_coefficients(num_nodes: int, degree: int) -> int:
    """How many coefficients a spline through so many nodes has."""
    if num_nodes < degree + 1:
        raise ValueError(
            f"a spline of degree {degree} needs at least {degree + 1} nodes along each axis, got {num_nodes}"
        )
    return num_nodes + degree - 1


def weights(fraction: Float[Array, ""], degree: int) -> Float[Array, " node"]:
    """The B-splines that are not zero in a cell, at a fraction of it (Cox & de Boor)."""
    values = [jnp.ones_like(fraction)]
    for n in range(1, degree + 1):
        # Knots lie at whole numbers: the spline that begins k cells back reaches n + 1 cells from there.
        grown = [jnp.zeros_like(fraction)] * (n + 1)
        for k, value in enumerate(values):
            rising = (fraction + (n - 1 - k)) / n
            grown[k + 1] = grown[k + 1] + rising * value
            grown[k] = grown[k] + (1 - rising) * value
        values = grown
    return jnp.stack(values)


def cell(index: Float[Array, ""], num_nodes: int) -> tuple[Int[Array, ""], Float[Array, ""]]:
    """The first coefficient and the fraction of the cell of a fractional node number, which is held to the grid."""
    index = jnp.clip(index, 0, num_nodes - 1)
    # Clipped as an integer too: a NaN becomes some integer on the way.
    first = jnp.clip(jnp.floor(index).astype(jnp.int32), 0, num_nodes - 2)
    return first, index - first.astype(index.dtype)


def coefficients(values: Float[Array, "..."], axes: tuple[int, ...], degree: int) -> Float[Array, "..."]:
    """Of the spline through nodal values along some axes; each grows by ``degree - 1``."""
    for axis in axes:
        matrix = jnp.asarray(_prefilter(values.shape[axis], degree), values.dtype)
        values = jnp.moveaxis(jnp.tensordot(matrix, values, axes=(1, axis)), 0, axis)
    return values


@lru_cache(maxsize=64)
def _prefilter(num_nodes: int, degree: int) -> np.ndarray:
    """Matrix from nodal values to coefficients."""
    num = num_coefficients(num_nodes, degree)
    system = np.zeros((num, num))
    at_node = _at_node(degree)
    for i in range(num_nodes):
        system[i, i : i + degree] = at_node
    # The highest derivative jumps at a knot by this difference of coefficients.
    jump = [(-1.0) ** k * math.comb(degree + 1, k) for k in range(degree + 2)]
    ends = (degree - 1) // 2
    for k in range(ends):
        system[num_nodes + k, k : k + degree + 2] = jump
        system[num - 1 - k, num - k - degree - 2 : num - k] = jump
    return np.linalg.inv(system)[:, :num_nodes]


def _at_node(degree: int) -> np.ndarray:
    """B-splines at a node, where one fewer is not zero."""
    at = lambda x: sum(
        (-1) ** k * math.comb(degree + 1, k) * max(x - k, 0) ** degree for k in range(degree + 2)
    )
    return np.array([at(degree - k) for k in range(degree)]) / math.factorial(degree)
