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


def box_muller(uniform: Float[Array, "point even"]) -> Float[Array, "point even"]:
    """Independent standard normal columns from as many (an even number of) uniform ones.

    Instead of the inverse of the distribution function, whose polynomials take XLA longer to compile than all the rest of a sampler.
    """
    half = uniform.shape[1] // 2
    radius = jnp.sqrt(-2 * jnp.log(uniform[:, :half]))
    angle = 2 * jnp.pi * uniform[:, half:]
    return jnp.concatenate([radius * jnp.cos(angle), radius * jnp.sin(angle)], axis=1)


def normal_points(num_points: int, num_dims: int, *, key: Key[Array, ""], dtype) -> Float[Array, "point dim"]:
    """The same for the standard normal distribution."""
    even = num_dims + num_dims % 2
    return box_muller(uniform_points(num_points, even, key=key, dtype=dtype))[:, :num_dims]


def student_from_uniform(
    uniform: Float[Array, "point column"], num_dims: int, dof: int
) -> Float[Array, "point dim"]:
    """Multivariate Student-t points from `student_columns` independent uniform columns."""
    even = num_dims + num_dims % 2
    normal = box_muller(uniform[:, :even])
    # Chi-square: two degrees of freedom for each uniform number, one more from a normal number.
    chi2 = -2 * jnp.log(jnp.prod(uniform[:, even : even + dof // 2], axis=1))
    if dof % 2:
        spare = normal if even > num_dims else box_muller(uniform[:, even + dof // 2 :])
        chi2 = chi2 + spare[:, -1] ** 2
    return normal[:, :num_dims] * jnp.sqrt(dof / chi2)[:, None]


def student_columns(num_dims: int, dof: int) -> int:
    """How many uniform columns `student_from_uniform` takes."""
    needs_spare = dof % 2 == 1 and num_dims % 2 == 0
    return num_dims + num_dims % 2 + dof // 2 + 2 * needs_spare


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
    points: Float[Array, "point dim"],
    log_weight: Float[Array, " point"],
    num: int,
    *,
    num_combs: int = 1,
    key: Key[Array, ""],
) -> Int[Array, " {num}"]:
    """Rows of `num` equally weighted points: systematic resampling along a Hilbert curve.

    Along the curve neighbours stay neighbours, so each stretch of space gets its share to within one point and the error of
    means falls faster than with independent draws.

    Args:
        points, log_weight: what to choose from.
        num: how many.
        num_combs: combs that are tried, at evenly shifted places of the curve. The one is taken whose means and standard deviations are
            nearest to those of the weighted points: a far tail that holds less than one part in `num` is else caught by chance.
        key: shift of the combs.
    """
    rows = _resample(points, log_weight, jnp.argsort(hilbert_rank(points)), num * num_combs, key=key)
    if num_combs == 1:
        return rows
    # Every `num_combs`-th tooth of the fine comb is a comb.
    combs = rows.reshape(num, num_combs).T
    weight = jax.nn.softmax(log_weight)
    mean = weight @ points
    sd = jnp.sqrt(weight @ (points - mean[None, :]) ** 2)
    white = (points - mean[None, :]) / jnp.where(sd > 0, sd, 1)[None, :]

    def misfit(comb):
        chosen = white[comb]
        centre = jnp.mean(chosen, axis=0)
        spread = jnp.sqrt(jnp.mean((chosen - centre[None, :]) ** 2, axis=0))
        return jnp.maximum(jnp.max(jnp.abs(centre)), jnp.max(jnp.abs(spread - 1)))

    return combs[jnp.argmin(jax.lax.map(misfit, combs))]


def resample_twice(
    points: Float[Array, "point dim"],
    log_weight: tuple[Float[Array, " point"], Float[Array, " point"]],
    num: tuple[int, int],
    *,
    key: Key[Array, ""],
) -> Int[Array, " both"]:
    """Rows by one set of weights, then rows by another, along one curve."""
    order = jnp.argsort(hilbert_rank(points))
    keys = jr.split(key)
    return jnp.concatenate(
        [_resample(points, w, order, n, key=k) for w, n, k in zip(log_weight, num, keys, strict=True)]
    )


def _resample(points, log_weight, order, num: int, *, key):
    """Rows under the teeth of a comb laid along the curve."""
    cumulative = jnp.cumsum(jax.nn.softmax(log_weight)[order])
    shift = jr.uniform(key, (), cumulative.dtype)
    # How many teeth end before each point's stretch does; from that, by counting, the point under each tooth.
    ends = jnp.clip(jnp.ceil(num * cumulative / cumulative[-1] - shift), 0, num).astype(jnp.int32)
    before = jnp.cumsum(jnp.zeros(num + 1, jnp.int32).at[ends].add(1, indices_are_sorted=True))[:num]
    return order[jnp.minimum(before, points.shape[0] - 1)]
