"""Weighted sources that stand for a posterior: importance sampling with mixtures of kernels on a space of sources.

Wherever sources come from (an exhaustive grid, Stein particles, a network), the last word is the exact likelihood's: new sources are drawn from kernels about them, and weighted by posterior
over proposal. Kernels are Student's t in tangent coordinates, their covariance is the draws' own, locally.

References:
    Cappe, Guillin, Marin & Robert (2004), Population Monte Carlo, doi:10.1198/106186004X12803.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int, Key

from diffseis.inference import student_columns, student_from_uniform, uniform_points
from diffseis.mechanism.spaces import AbstractSourceSpace, sixes

LogLikelihood = Callable[[Float[Array, "source 6"]], Float[Array, " source"]]
"""Of one event's data, for six-vectors of unit scalar moment."""

_DOF = 5
_REACHES_RAD = (0.35, 0.5, 0.7, 1.0)
"""Draws within about this of a centre tell how wide the posterior is there: the least at which a centre has neighbours, so that posteriors that fill the space are covered, too."""

_NEIGHBOURS = 6

_LEAST_SD_RAD = 2e-3


class Draws(eqx.Module):
    """Weighted sources of one event.

    Attributes:
        point: in the space's own numbers.
        log_weight: normalised, so that their exponentials sum to 1.
        log_likelihood: of the data, at the points.
        log_evidence: log of the data's probability, whatever the source.
        effective_fraction: effective number of draws over their number.
    """

    point: Float[Array, "draw size"]
    log_weight: Float[Array, " draw"]
    log_likelihood: Float[Array, " draw"]
    log_evidence: Float[Array, ""]
    effective_fraction: Float[Array, ""]


class Kernels(eqx.Module):
    """A mixture of Student kernels, in the tangent coordinates of each centre.

    Attributes:
        centre: points of the space.
        factor: lower Cholesky factors of the scales of their covariances.
        log_weight: normalised.
    """

    centre: Float[Array, "centre size"]
    factor: Float[Array, "centre dim dim"]
    log_weight: Float[Array, " centre"]


def equal_kernels(centre: Float[Array, "centre size"], factor: Float[Array, "dim dim"]) -> Kernels:
    """Kernels of one covariance and weight about each centre."""
    num = centre.shape[0]
    each = jnp.broadcast_to(factor[None], (num, *factor.shape))
    return Kernels(centre, each, jnp.full(num, -jnp.log(jnp.asarray(num, centre.dtype)), centre.dtype))


def comb(log_weight: Float[Array, " point"], num: int, *, key: Key[Array, ""]) -> Int[Array, " {num}"]:
    """Rows of `num` points chosen by weight: systematic, so that each has its share to within one."""
    edges = jnp.cumsum(jax.nn.softmax(log_weight))
    teeth = (jnp.arange(num, dtype=edges.dtype) + jr.uniform(key, (), edges.dtype)) / num * edges[-1]
    return jnp.clip(jnp.searchsorted(edges, teeth), 0, log_weight.shape[0] - 1)


def grid_kernels(
    space: AbstractSourceSpace,
    points: Float[Array, "point size"],
    log_likelihood: Float[Array, " point"],
    spacing_rad: float,
    num_centres: int,
    *,
    key: Key[Array, ""],
) -> Kernels:
    """About points of an even grid chosen by their likelihood, softened: kernels about as wide as the grid's spacing."""
    chosen = comb(_SOFT * log_likelihood, num_centres, key=key)
    width = 0.5 * spacing_rad * jnp.eye(space.num_dims, dtype=points.dtype)
    return equal_kernels(points[chosen], width)


_SOFT = 0.7


def next_kernels(
    space: AbstractSourceSpace, draws: Draws, num_centres: int, *, key: Key[Array, ""]
) -> Kernels:
    """About draws chosen by weight, as wide as the posterior is near them, less what many kernels together add."""
    num_dims = space.num_dims
    log_weight = tempered(draws.log_weight, 0.75 * num_centres)
    chosen = comb(log_weight, num_centres, key=key)
    centre = draws.point[chosen]
    # Pairs of centres, which are equally weighted, within reach of each other: half their covariance is the posterior's, locally.
    apart = jax.vmap(lambda p: jax.vmap(lambda c: space.parts(c, p))(centre))(centre)
    square = sum(part**2 for part in apart)
    near = jnp.exp(-0.5 * square / _reach(square) ** 2)
    moments = [[jnp.sum(near * a * b) for b in apart] for a in apart]
    covariance = jnp.stack([jnp.stack(row) for row in moments]) / (2 * jnp.sum(near))
    # Silverman's rule, for as many kernels as are really different ones.
    shrink = num_centres ** (-2 / (num_dims + 4))
    least = _LEAST_SD_RAD**2 * jnp.eye(num_dims, dtype=covariance.dtype)
    return equal_kernels(centre, jnp.linalg.cholesky(shrink * covariance * _WIDEN + least))


def _reach(square):
    """Of `_REACHES_RAD`, for the squares of the distances between centres."""
    reach = jnp.asarray(_REACHES_RAD[-1], square.dtype)
    for radius in _REACHES_RAD[-2::-1]:
        within = jnp.mean(jnp.sum(square < radius**2, axis=1).astype(square.dtype))
        reach = jnp.where(within >= _NEIGHBOURS, radius, reach)
    return reach


def tempered(log_weight: Float[Array, " draw"], least: float) -> Float[Array, " draw"]:
    """Weights to the largest power (at most 1) at which so many draws are effective: one draw that outweighs all others says nothing of how wide a posterior is."""

    def halve(_, bounds):
        low, high = bounds
        middle = 0.5 * (low + high)
        weight = jax.nn.log_softmax(middle * log_weight)
        enough = jnp.exp(-jax.nn.logsumexp(2 * weight)) >= least
        return jnp.where(enough, middle, low), jnp.where(enough, high, middle)

    log_weight = jnp.maximum(log_weight, jnp.max(log_weight) - _DEEPEST)
    one = jnp.ones((), log_weight.dtype)
    full = jnp.exp(-jax.nn.logsumexp(2 * jax.nn.log_softmax(log_weight))) >= least
    power, _ = jax.lax.fori_loop(0, _HALVINGS, halve, (0 * one, one))
    return jax.nn.log_softmax(jnp.where(full, 1, power) * log_weight)


_DEEPEST = 1e4
_HALVINGS = 20


_WIDEN = 1.4


def draw(
    space: AbstractSourceSpace,
    kernels: Kernels,
    log_likelihood: LogLikelihood,
    num: int,
    *,
    key: Key[Array, ""],
) -> Draws:
    """Sources from the mixture, weighted by their likelihood times the uniform prior over the mixture's density.

    Args:
        space: of the sources.
        kernels: the proposal; draws are shared out by their weights.
        log_likelihood: of the data.
        num: of draws.
        key: of the draws.
    """
    dtype, num_dims = kernels.centre.dtype, space.num_dims
    columns = student_columns(num_dims, _DOF)
    owner = _share_out(kernels.log_weight, num)
    steps = student_from_uniform(uniform_points(num, columns, key=key, dtype=dtype), num_dims, _DOF)
    tangent = jnp.einsum("nab,nb->na", kernels.factor[owner], steps)
    point = jax.vmap(space.move)(kernels.centre[owner], tangent)
    value = log_likelihood(sixes(space, point)) + jax.vmap(space.inside)(point)
    raw = value - mixture_log_density(space, kernels, point)
    raw = jnp.where(jnp.isfinite(raw), raw, -jnp.inf)
    total = jax.nn.logsumexp(raw)
    log_weight = jnp.where(jnp.isfinite(total), raw - total, -jnp.log(jnp.asarray(num, dtype)))
    return Draws(
        point=point,
        log_weight=log_weight,
        log_likelihood=value,
        log_evidence=total - jnp.log(jnp.asarray(num, dtype)) - space.log_size,
        effective_fraction=1 / (num * jnp.sum(jnp.exp(2 * log_weight))),
    )


def mixture_log_density(
    space: AbstractSourceSpace, kernels: Kernels, point: Float[Array, "draw size"]
) -> Float[Array, " draw"]:
    """Of the mixture, by the uniform measure (whose density at a kernel's centre is 1 per tangent volume)."""
    inverse = jax.vmap(_inverse)(kernels.factor)
    weight = jnp.exp(kernels.log_weight) / jnp.prod(jnp.diagonal(kernels.factor, axis1=1, axis2=2), axis=1)
    twice = _DOF + space.num_dims

    def one(centre, inverse, point):
        parts = space.parts(centre, point)
        white = [sum(inverse[i, j] * parts[j] for j in range(i + 1)) for i in range(len(parts))]
        spread = 1 + sum(part**2 for part in white) / _DOF
        power = spread ** (twice // 2) * (jnp.sqrt(spread) if twice % 2 else 1)
        return 1 / (power * space.volume(parts))

    # Kernel by kernel, by powers alone: a reduction over pairs with logarithms and exponentials takes several times as long on CPU.
    def add(total, kernel):
        weight, centre, inverse = kernel
        return total + weight * jax.vmap(lambda p: one(centre, inverse, p), in_axes=1)(columns), None

    columns = point.T
    total, _ = jax.lax.scan(add, jnp.zeros(point.shape[0], point.dtype), (weight, kernels.centre, inverse))
    return jnp.log(total) + _student(space.num_dims)


def _inverse(factor):
    """Of a lower triangle, by substitution: a few numbers, which mapped LAPACK calls would only slow."""
    num = factor.shape[0]
    rows: list[list[Array]] = []
    for i in range(num):
        row = []
        for j in range(i + 1):
            known = sum((factor[i, k] * rows[k][j] for k in range(j, i)), jnp.zeros_like(factor[0, 0]))
            row.append(((1.0 if i == j else 0.0) - known) / factor[i, i])
        rows.append(row)
    zero = jnp.zeros_like(factor[0, 0])
    return jnp.stack([jnp.stack([*row, *([zero] * (num - len(row)))]) for row in rows])


def _share_out(log_weight, num: int) -> Int[Array, " {num}"]:
    """Whose each of `num` draws is: kernels of equal weight take turns."""
    edges = jnp.cumsum(jnp.exp(log_weight))
    teeth = (jnp.arange(num, dtype=edges.dtype) + 0.5) / num * edges[-1]
    owner = jnp.searchsorted(edges, teeth, method="compare_all")
    return jnp.clip(owner, 0, log_weight.shape[0] - 1)


def _student(num_dims: int) -> float:
    """log of the normaliser of Student's t."""
    from math import lgamma, log, pi

    return lgamma(0.5 * (_DOF + num_dims)) - lgamma(0.5 * _DOF) - 0.5 * num_dims * log(_DOF * pi)
