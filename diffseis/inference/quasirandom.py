"""Low-discrepancy points, and an order of points in space that keeps neighbours together.

Points are made on the host once (they are constants of a program); a random shift modulo 1 makes every use unbiased.

References:
    Owen (1998), Scrambling Sobol' and Niederreiter-Xing points, doi:10.1006/jcom.1998.0487.
    Skilling (2004), Programming the Hilbert curve, doi:10.1063/1.1751381.
    Gerber, Chopin & Whiteley (2019), Negative association, ordering and convergence of resampling methods,
    doi:10.1214/18-AOS1746.
"""

from functools import lru_cache

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, Int, Key
from scipy.stats import qmc


@lru_cache(maxsize=32)
def _sobol(num_points: int, num_dims: int) -> np.ndarray:
    engine = qmc.Sobol(num_dims, scramble=True, rng=np.random.default_rng(20161014))
    return engine.random_base2(max(1, int(np.ceil(np.log2(max(num_points, 2))))))[:num_points]


def uniform_points(
    num_points: int, num_dims: int, *, key: Key[Array, ""], dtype
) -> Float[Array, "point dim"]:
    """Sobol' points of the unit cube, shifted at random modulo 1; strictly inside the cube."""
    points = jnp.asarray(_sobol(num_points, num_dims), dtype)
    shifted = (points + jr.uniform(key, (1, num_dims), dtype)) % 1.0
    edge = 4 * jnp.finfo(dtype).eps
    return jnp.clip(shifted, edge, 1 - edge)


def normal_points(num_points: int, num_dims: int, *, key: Key[Array, ""], dtype) -> Float[Array, "point dim"]:
    """The same for the standard normal distribution."""
    return jax.scipy.special.ndtri(uniform_points(num_points, num_dims, key=key, dtype=dtype))


def hilbert_rank(points: Float[Array, "point dim"], *, num_bits: int = 7) -> Int[Array, " point"]:
    """Place of each point along a Hilbert curve through the cube that bounds +-3 standard deviations of them."""
    num_dims = points.shape[1]
    if num_bits * num_dims > 31:
        raise ValueError(f"{num_bits} bits in {num_dims} dimensions do not fit a 32-bit rank")
    mean = jnp.mean(points, axis=0, keepdims=True)
    scale = jnp.std(points, axis=0, keepdims=True)
    scaled = 0.5 + (points - mean) / jnp.where(scale > 0, 6 * scale, 1)
    top = 2**num_bits - 1
    x = [jnp.clip(scaled[:, d] * top, 0, top).astype(jnp.int32) for d in range(num_dims)]
    # Undo the excess work of the curve's turns from the coarsest bit to the finest.
    q = 1 << (num_bits - 1)
    while q > 1:
        p = q - 1
        for d in range(num_dims):
            turned = (x[d] & q) != 0
            swap = (x[0] ^ x[d]) & p
            flipped = x[0] ^ p
            x[d] = jnp.where(turned, x[d], x[d] ^ swap)
            x[0] = jnp.where(turned, flipped, x[0] ^ swap) if d else jnp.where(turned, flipped, x[0])
        q >>= 1
    for d in range(1, num_dims):
        x[d] = x[d] ^ x[d - 1]
    t = jnp.zeros_like(x[0])
    q = 1 << (num_bits - 1)
    while q > 1:
        t = jnp.where((x[num_dims - 1] & q) != 0, t ^ (q - 1), t)
        q >>= 1
    x = [c ^ t for c in x]
    rank = jnp.zeros_like(x[0])
    for bit in reversed(range(num_bits)):
        for d in range(num_dims):
            rank = (rank << 1) | ((x[d] >> bit) & 1)
    return rank


def resample(
    points: Float[Array, "point dim"], log_weight: Float[Array, " point"], num: int, *, key: Key[Array, ""]
) -> Int[Array, " {num}"]:
    """Rows of `num` equally weighted points: systematic resampling along a Hilbert curve.

    Along the curve neighbours stay neighbours, so each stretch of space gets its share to within one point and the error of
    means falls faster than with independent draws.
    """
    order = jnp.argsort(hilbert_rank(points))
    cumulative = jnp.cumsum(jax.nn.softmax(log_weight)[order])
    positions = (jnp.arange(num, dtype=cumulative.dtype) + jr.uniform(key, (), cumulative.dtype)) / num
    chosen = jnp.searchsorted(cumulative / cumulative[-1], positions, method="scan_unrolled")
    return order[jnp.minimum(chosen, points.shape[0] - 1)]
