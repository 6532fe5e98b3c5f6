"""Importance weights for particles whose own density is unknown.

Particles that were moved (by SVGD, say) have no density, so they cannot be reweighted themselves. A mixture of kernels
centred on them has one. Points drawn from it are weighted by target over mixture and resampled: this removes the shrinkage of
Stein variational particles, sets the shares of separate modes right, and tells by its effective sample size whether
the particles had found the posterior at all. Repeated, it is population Monte Carlo.

A standard deviation may hang on half a per cent of the posterior that lies far away. Kernels centred on draws from the posterior would put half a
per cent of the points there; so some of the centres are drawn with weights proportional to the squared distance from the mean besides, as
the least variance of a second moment asks (Rubinstein & Kroese), and have a wider kernel of their own.

References:
    Cappe, Guillin, Marin & Robert (2004), Population Monte Carlo, doi:10.1198/106186004X12803.
    Hesterberg (1995), Weighted average importance sampling and defensive mixture distributions,
    doi:10.1080/00401706.1995.10484303.
    Rubinstein & Kroese (2016), Simulation and the Monte Carlo method, 3rd ed., section 5.7, doi:10.1002/9781118631980.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, Int, Key

from diffseis.inference.base import LogDensity, Modes, allocate
from diffseis.inference.quasirandom import (
    resample_twice,
    student_columns,
    student_from_uniform,
    uniform_points,
)

_SAFE_SCALE = 1.4
_FAR_SCALE = 4.0
_BROAD_SHARE = 0.12
"""Widths of the two defensive parts of the proposal, in standard deviations of Laplace's approximation."""


class WeightedPoints(eqx.Module):
    """Points with the logarithm of target density over proposal density, and the mode each descends from."""

    position: Float[Array, "point dim"]
    log_density: Float[Array, " point"]
    log_weight: Float[Array, " point"]
    mode_idx: Int[Array, " point"]


class Kernels(eqx.Module):
    """Centres of a mixture, first those of the bulk, then those of the tails, and the covariance of the kernels of either kind."""

    centre: Float[Array, "particle dim"]
    mode_idx: Int[Array, " particle"]
    bulk: Float[Array, "dim dim"]
    tail: Float[Array, "dim dim"]


_TAIL_SHARE = 1 / 3
"""Centres that are drawn for the tails. With a half the bulk is less well known, with none the tails are not."""


def num_tail_centres(num_particles: int) -> int:
    """How many of the centres are for the tails."""
    return round(_TAIL_SHARE * num_particles)


def _bandwidth2(num_particles: int, num_dims: int) -> float:
    """Scott's rule for a density estimate of a unit normal, squared."""
    return max(num_particles, 2) ** (-2 / (num_dims + 4))


def _within_mode_covariance(
    position: Float[Array, "point dim"],
    weight: Float[Array, " point"],
    mode_idx: Int[Array, " point"],
    modes: Modes,
) -> Float[Array, "dim dim"]:
    """Covariance about each mode's own mean, pooled: the width of a kernel must not know how far modes are apart."""
    fallback = pooled_covariance(modes)
    member = jnp.where(mode_idx[None, :] == jnp.arange(modes.location.shape[0])[:, None], weight[None, :], 0)
    share = jnp.sum(member, axis=1)
    mean = (member @ position) / jnp.where(share > 0, share, 1)[:, None]
    centred = position - mean[mode_idx]
    pooled = (centred * weight[:, None]).T @ centred
    # A collapsed set (one point) would give a singular kernel: keep a part of the Laplace covariance.
    pooled = 0.98 * pooled + 0.02 * fallback
    return jnp.where(jnp.all(jnp.isfinite(pooled)), pooled, fallback)


def pooled_covariance(modes: Modes) -> Float[Array, "dim dim"]:
    """Mean of the modes' Laplace covariances, weighted by their shares."""
    return jnp.einsum("k,kij->ij", jax.nn.softmax(modes.log_weight), modes.covariance)


def first_kernels(
    position: Float[Array, "particle dim"], mode_idx: Int[Array, " particle"], modes: Modes
) -> Kernels:
    """On particles that were moved: nothing is known of the tails yet, so their kernels are twice as wide as they would be."""
    num, num_dims = position.shape
    num_tail = num_tail_centres(num)
    even = jnp.full((num,), 1 / num, position.dtype)
    spread = _within_mode_covariance(position, even, mode_idx, modes)
    return Kernels(
        position,
        mode_idx,
        _bandwidth2(num - num_tail, num_dims) * spread,
        4 * _bandwidth2(num_tail, num_dims) * spread,
    )


def next_kernels(points: WeightedPoints, num: int, modes: Modes, *, key: Key[Array, ""]) -> Kernels:
    """On weighted points: `num` centres, some drawn by weight, some by weight times squared distance from the mean."""
    num_dims = points.position.shape[1]
    num_tail = num_tail_centres(num)
    weight = jax.nn.softmax(points.log_weight)
    centred = points.position - (weight @ points.position)[None, :]
    covariance = (centred * weight[:, None]).T @ centred
    tiny = 1e-12 * jnp.trace(covariance) * jnp.eye(num_dims, dtype=weight.dtype)
    factor = jnp.linalg.cholesky(covariance + tiny)
    distance2 = jnp.sum(whiten(centred, factor) ** 2, axis=1)
    far_log_weight = points.log_weight + jnp.log(jnp.maximum(distance2, jnp.finfo(weight.dtype).tiny))
    rows = resample_twice(
        points.position, (points.log_weight, far_log_weight), (num - num_tail, num_tail), key=key
    )
    spread = _within_mode_covariance(points.position, weight, points.mode_idx, modes)
    far_spread = _within_mode_covariance(
        points.position, jax.nn.softmax(far_log_weight), points.mode_idx, modes
    )
    return Kernels(
        points.position[rows],
        points.mode_idx[rows],
        _bandwidth2(num - num_tail, num_dims) * spread,
        _bandwidth2(num_tail, num_dims) * far_spread,
    )


def sd_error(points: WeightedPoints) -> Float[Array, ""]:
    """Relative standard error of the standard deviations that weighted points give, the largest over the coordinates.

    By the delta method. It knows only of what the points have found.
    """
    weight = jax.nn.softmax(points.log_weight)
    square = (points.position - (weight @ points.position)[None, :]) ** 2
    variance = weight @ square
    error2 = (weight * weight) @ (square - variance[None, :]) ** 2
    return jnp.max(0.5 * jnp.sqrt(error2) / jnp.maximum(variance, jnp.finfo(variance.dtype).tiny))


def _student(distance2: Float[Array, "..."], num_dims: int) -> Float[Array, "..."]:
    """Unnormalised multivariate Student-t kernel with an integer exponent: heavy tails without a logarithm."""
    power = num_dims // 2 + 3
    base = 1 / (1 + distance2 / (2 * power - num_dims))
    out = base
    for _ in range(power - 1):
        out = out * base
    return out


def _log_student_norm(num_dims: int) -> float:
    power = num_dims // 2 + 3
    dof = 2 * power - num_dims
    return math.lgamma(power) - math.lgamma(0.5 * dof) - 0.5 * num_dims * math.log(dof * math.pi)


def whiten(points: Float[Array, "point dim"], cholesky: Float[Array, "dim dim"]) -> Float[Array, "point dim"]:
    """Coordinates in which the covariance of this lower factor is the identity.

    By the inverse of the small factor: XLA's triangular solve takes 8 ms for 900 points where the product takes 0.02 (two busy cores).
    """
    eye = jnp.eye(cholesky.shape[0], dtype=cholesky.dtype)
    return points @ jax.scipy.linalg.solve_triangular(cholesky, eye, lower=True).T


def _distance2(a, b):
    """Squared distances between rows, by one matrix product."""
    square = jnp.sum(a * a, axis=1)[:, None] + jnp.sum(b * b, axis=1)[None, :] - 2 * a @ b.T
    return jnp.maximum(square, 0)


_SLICE = 160


def map_points(function, points: Float[Array, "point dim"]):
    """`function` of every point, in slices of equal size: what a density needs on the way must fit a cache, and the memory."""
    num = points.shape[0]
    # A remainder would be compiled once more.
    size = max(n for n in range(1, min(num, _SLICE) + 1) if num % n == 0)
    if size < _SLICE // 4:
        size = min(num, _SLICE)
    return jax.vmap(function)(points) if size == num else jax.lax.map(function, points, batch_size=size)


def draw_weighted(
    log_density: LogDensity,
    kernels: Kernels,
    modes: Modes,
    *,
    num_points: int,
    defensive: float = 0.25,
    key: Key[Array, ""],
) -> WeightedPoints:
    """Draws from a mixture of kernels and, for safety, from wide Laplace approximations of the modes.

    Args:
        log_density: the target.
        kernels: the mixture.
        modes: for the defensive part.
        num_points: how many in all.
        defensive: share drawn from widened Laplace approximations of the modes, with heavy tails.
    """
    centres = kernels.centre
    dtype = centres.dtype
    num_centres, num_dims = centres.shape
    num_safe = max(1, round(0.5 * defensive * num_points))
    num_far = num_safe
    num_broad = 0 if modes.reference is None else max(1, round(_BROAD_SHARE * num_points))
    num_near = num_points - num_safe - num_far - num_broad
    dof = 2 * (num_dims // 2 + 3) - num_dims
    # Unshuffled: neighbours in the sequence fill space evenly, so that the children of each centre do.
    uniform = uniform_points(num_points, student_columns(num_dims, dof), key=key, dtype=dtype)
    student = student_from_uniform(uniform, num_dims, dof)

    cholesky = jnp.linalg.cholesky(jnp.stack([kernels.bulk, kernels.tail]))
    num_bulk = num_centres - num_tail_centres(num_centres)
    # Some centres have one more child than others: the mixture must count them, for centres are ordered in space.
    parents = np.arange(num_near) * num_centres // num_near
    share_of_centre = jnp.asarray(np.bincount(parents, minlength=num_centres) / num_points, dtype)
    parent = jnp.asarray(parents)
    first_of_tail = int(np.searchsorted(parents, num_bulk))
    near = centres[parent] + jnp.concatenate(
        [student[:first_of_tail] @ cholesky[0].T, student[first_of_tail:num_near] @ cholesky[1].T]
    )

    # Two defences: twice the Laplace covariance, shared as Laplace's formula shares; and far out, alike for every mode, for basins and
    # tails that neither the modes nor their formula know of.
    live = jnp.isfinite(modes.log_weight)
    laplace = jnp.linalg.cholesky(modes.covariance)
    even = jnp.where(live, 0.0, -jnp.inf).astype(dtype)
    mode_of_safe = allocate(modes.log_weight, num_safe)
    mode_of_far = allocate(even, num_far)

    def around(mode_idx, scale, noise):
        return modes.location[mode_idx] + scale * jnp.einsum("pij,pj->pi", laplace[mode_idx], noise)

    safe = around(mode_of_safe, _SAFE_SCALE, student[num_near : num_near + num_safe])
    far = around(mode_of_far, _FAR_SCALE, student[num_near + num_safe : num_near + num_safe + num_far])

    points = jnp.concatenate([near, safe, far])
    modes_of_points = [kernels.mode_idx[parent], mode_of_safe, mode_of_far]
    if modes.reference is not None:
        points = jnp.concatenate([points, modes.reference.sample(num_broad, key=jr.fold_in(key, 7))])
        modes_of_points.append(jnp.zeros(num_broad, kernels.mode_idx.dtype))
    q = jnp.zeros(num_points, dtype)
    for factor, kind in zip(cholesky, (slice(0, num_bulk), slice(num_bulk, None)), strict=True):
        near_kind = _student(_distance2(whiten(points, factor), whiten(centres[kind], factor)), num_dims)
        q = q + near_kind @ share_of_centre[kind] / jnp.prod(jnp.diagonal(factor))
    safe_share = num_safe / num_points * jax.nn.softmax(modes.log_weight)
    far_share = num_far / num_points * jax.nn.softmax(even)

    def add_mode(total, mode):
        location, factor, safe_weight, far_weight = mode
        distance2 = jnp.sum(whiten(points - location[None, :], factor) ** 2, axis=1)
        volume = jnp.prod(jnp.diagonal(factor))
        total = total + safe_weight * _student(distance2 / _SAFE_SCALE**2, num_dims) / (
            volume * _SAFE_SCALE**num_dims
        )
        return total + far_weight * _student(distance2 / _FAR_SCALE**2, num_dims) / (
            volume * _FAR_SCALE**num_dims
        ), None

    q, _ = jax.lax.scan(add_mode, q, (modes.location, laplace, safe_share, far_share))
    # The kernels above lack the normalisation of the Student-t density, which the broad part has.
    log_q = jnp.log(jnp.maximum(q, jnp.finfo(dtype).tiny)) + _log_student_norm(num_dims)

    def evaluate(point):
        if modes.reference is None:
            return log_density(point), jnp.asarray(-jnp.inf, dtype)
        return modes.reference.beside(log_density, point)

    value, log_broad = map_points(evaluate, points)
    if modes.reference is not None:
        log_q = jnp.logaddexp(log_q, log_broad + math.log(num_broad / num_points))
    value = jnp.where(jnp.isfinite(value), value, -jnp.inf)
    return WeightedPoints(
        position=points,
        log_density=value,
        log_weight=value - log_q,
        mode_idx=jnp.concatenate(modes_of_points),
    )
