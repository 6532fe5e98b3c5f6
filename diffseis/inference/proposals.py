"""Importance weights for particles whose own density is unknown.

Particles that were moved (by SVGD, say) have no density, so they cannot be reweighted themselves. A mixture of kernels
centred on them has one. Points drawn from it are weighted by target over mixture and resampled: this removes the shrinkage of
Stein variational particles, sets the shares of separate modes right, and tells by its effective sample size whether
the particles had found the posterior at all. Repeated, it is population Monte Carlo.

References:
    Cappe, Guillin, Marin & Robert (2004), Population Monte Carlo, doi:10.1198/106186004X12803.
    Hesterberg (1995), Weighted average importance sampling and defensive mixture distributions,
    doi:10.1080/00401706.1995.10484303.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int, Key

from diffseis.inference.base import LogDensity, Modes, allocate
from diffseis.inference.quasirandom import normal_points


class WeightedPoints(eqx.Module):
    """Points with the logarithm of target density over proposal density, and the mode each descends from."""

    position: Float[Array, "point dim"]
    log_density: Float[Array, " point"]
    log_weight: Float[Array, " point"]
    mode_idx: Int[Array, " point"]


def kernel_bandwidth(num_particles: int, num_dims: int) -> float:
    """Scott's rule for a density estimate of a unit normal."""
    return num_particles ** (-1 / (num_dims + 4))


def within_mode_covariance(
    position: Float[Array, "point dim"],
    weight: Float[Array, " point"],
    mode_idx: Int[Array, " point"],
    num_modes: int,
    fallback: Float[Array, "dim dim"],
) -> Float[Array, "dim dim"]:
    """Covariance about each mode's own mean, pooled: the width of a kernel must not know how far modes are apart."""
    member = jnp.where(mode_idx[None, :] == jnp.arange(num_modes)[:, None], weight[None, :], 0)
    share = jnp.sum(member, axis=1)
    mean = (member @ position) / jnp.where(share > 0, share, 1)[:, None]
    centred = position - mean[mode_idx]
    pooled = (centred * weight[:, None]).T @ centred
    # A collapsed set (one point) would give a singular kernel: keep a part of the Laplace covariance.
    pooled = 0.98 * pooled + 0.02 * fallback
    return jnp.where(jnp.all(jnp.isfinite(pooled)), pooled, fallback)


def _student(distance2: Float[Array, "..."], num_dims: int) -> Float[Array, "..."]:
    """Unnormalised multivariate Student-t kernel with an integer exponent: heavy tails without a logarithm."""
    power = num_dims // 2 + 3
    base = 1 / (1 + distance2 / (2 * power - num_dims))
    out = base
    for _ in range(power - 1):
        out = out * base
    return out


def _whiten(points, cholesky):
    return jax.scipy.linalg.solve_triangular(cholesky, points.T, lower=True).T


def _distance2(a, b):
    """Squared distances between rows, by one matrix product."""
    square = jnp.sum(a * a, axis=1)[:, None] + jnp.sum(b * b, axis=1)[None, :] - 2 * a @ b.T
    return jnp.maximum(square, 0)


def draw_weighted(
    log_density: LogDensity,
    centres: Float[Array, "particle dim"],
    centre_mode: Int[Array, " particle"],
    kernel: Float[Array, "dim dim"],
    modes: Modes,
    *,
    num_points: int,
    defensive: float = 0.15,
    key: Key[Array, ""],
) -> WeightedPoints:
    """Draws from kernels on the particles and, for safety, from wide Laplace approximations of the modes.

    Args:
        log_density: the target.
        centres, centre_mode: particles and the mode that each belongs to.
        kernel: covariance of the kernels.
        modes: for the defensive part.
        num_points: how many in all.
        defensive: share drawn from the modes' Laplace approximations, with doubled covariance and heavy tails.
    """
    dtype = centres.dtype
    num_centres, num_dims = centres.shape
    num_safe = max(1, int(round(defensive * num_points)))
    num_near = num_points - num_safe
    dof = 2 * (num_dims // 2 + 3) - num_dims
    k_normal, k_chi, k_safe = jr.split(key, 3)
    normal = normal_points(num_points, num_dims, key=k_normal, dtype=dtype)
    normal = normal[jr.permutation(k_safe, num_points)]
    chi2 = jnp.sum(jr.normal(k_chi, (num_points, dof), dtype) ** 2, axis=1)
    student = normal * jnp.sqrt(dof / chi2)[:, None]

    cholesky = jnp.linalg.cholesky(kernel)
    parent = jnp.arange(num_near) % num_centres
    near = centres[parent] + student[:num_near] @ cholesky.T

    wide = jnp.linalg.cholesky(2 * modes.covariance)
    mode_of_safe = allocate(modes.log_weight, num_safe)
    safe = modes.location[mode_of_safe] + jnp.einsum("pij,pj->pi", wide[mode_of_safe], student[num_near:])

    points = jnp.concatenate([near, safe])
    share = num_safe / num_points
    q = (1 - share) / num_centres * jnp.sum(
        _student(_distance2(_whiten(points, cholesky), _whiten(centres, cholesky)), num_dims), axis=1
    ) / jnp.prod(jnp.diagonal(cholesky))
    mode_share = jax.nn.softmax(modes.log_weight)

    def add_mode(total, mode):
        location, chol, weight = mode
        distance2 = jnp.sum(_whiten(points - location[None, :], chol) ** 2, axis=1)
        return total + share * weight * _student(distance2, num_dims) / jnp.prod(jnp.diagonal(chol)), None

    q, _ = jax.lax.scan(add_mode, q, (modes.location, wide, mode_share))
    value = jax.vmap(log_density)(points)
    value = jnp.where(jnp.isfinite(value), value, -jnp.inf)
    return WeightedPoints(
        position=points,
        log_density=value,
        log_weight=value - jnp.log(jnp.maximum(q, jnp.finfo(dtype).tiny)),
        mode_idx=jnp.concatenate([centre_mode[parent], mode_of_safe]),
    )
