"""Stein variational gradient descent on a space of sources, and the weighing that makes up for what it loses.

Particles move along geodesics. The kernel sees the geodesic distance to the nearest symmetric image; gradients of other particles are carried over as changes of the moment tensor, which has no images and
no frame, projected onto what the particle itself can do (a vector transport by projection).

References:
    Liu & Wang (2016), arXiv:1608.04471. Liu & Zhu (2018), Riemannian Stein variational gradient descent for Bayesian inference, arXiv:1711.11216.
    Absil, Mahony & Sepulchre (2008), section 8.1.3 (vector transport).
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Key

from diffseis.mechanism.batches import first_events, grown, map_there, size_of_batch
from diffseis.mechanism.draws import Draws, LogLikelihood, draw, grid_kernels, next_kernels
from diffseis.mechanism.event_data import EventData
from diffseis.mechanism.noise import Noise
from diffseis.mechanism.posterior import SourceGrid
from diffseis.mechanism.spaces import AbstractSourceSpace

_LEAST_BANDWIDTH_RAD = 0.03
_LONGEST_STEP_RAD = 0.15


class SteinSearch(eqx.Module):
    """How Stein particles find a posterior.

    Attributes:
        grid: of sources, whose likelihood says where particles start.
        num_particles: that move.
        num_steps: of descent.
        step_size: in standard deviations of the particles, of the normalised direction.
        num_draws: that are weighted afterwards; 0 returns the particles as they are.
    """

    grid: SourceGrid
    num_particles: int = eqx.field(static=True, default=128)
    num_steps: int = eqx.field(static=True, default=40)
    step_size: float = eqx.field(static=True, default=0.3)
    num_draws: int = eqx.field(static=True, default=1024)


def stein_step(
    space: AbstractSourceSpace,
    log_likelihood: LogLikelihood,
    point: Float[Array, "particle size"],
    step_size: float,
) -> Float[Array, "particle size"]:
    """All particles moved once.

    Args:
        space: of the sources.
        log_likelihood: of the data.
        point: the particles.
        step_size: over the kernel's bandwidth, of the direction of unit size.
    """
    still = jnp.zeros((point.shape[0], space.num_dims), point.dtype)

    def value(tangents):
        return jnp.sum(log_likelihood(jax.vmap(lambda p, t: space.six(space.move(p, t)))(point, tangents)))

    score = jax.grad(value)(still)
    score = jnp.where(jnp.isfinite(score), score, 0)
    change = jax.vmap(
        lambda p: jax.jacfwd(lambda t: space.six(space.move(p, t)))(jnp.zeros(space.num_dims, p.dtype))
    )(point)
    # Gradient as a change of the tensor, and back to what another particle can do.
    ambient = jnp.einsum("jsa,ja->js", change, score)
    back = jax.vmap(_left_inverse)(change)
    apart = jnp.stack(jax.vmap(lambda c: jax.vmap(lambda p: jnp.stack(space.parts(c, p)))(point))(point))
    distance2 = jnp.sum(apart**2, axis=2)
    bandwidth2 = jnp.mean(jnp.minimum(distance2, 1.0)) / (
        2 * jnp.log(jnp.asarray(point.shape[0] + 1, point.dtype))
    )
    bandwidth2 = jnp.maximum(bandwidth2, _LEAST_BANDWIDTH_RAD**2)
    kernel = jnp.exp(-0.5 * distance2 / bandwidth2)
    drive = jnp.einsum("ias,is->ia", back, kernel @ ambient)
    # Away from the others: in the particle's own coordinates the others lie at `apart`.
    repulsion = -jnp.einsum("ij,ija->ia", kernel, apart) / bandwidth2
    direction = (drive + repulsion) / jnp.sum(kernel, axis=1, keepdims=True)
    move = step_size * bandwidth2 * direction
    length = jnp.sqrt(jnp.sum(move**2, axis=1, keepdims=True)) + jnp.finfo(point.dtype).tiny
    move = move * jnp.minimum(1, _LONGEST_STEP_RAD / length)
    moved = jax.vmap(space.move)(point, move)
    allowed = jnp.isfinite(jax.vmap(space.inside)(moved))
    return jnp.where(allowed[:, None], moved, point)


def _left_inverse(matrix):
    """Of a tall matrix of independent columns, by its normal equations, ridged where a column vanishes."""
    square = matrix.T @ matrix
    num = square.shape[0]
    ridge = 1e-6 * jnp.trace(square) / num * jnp.eye(num, dtype=square.dtype)
    return _solve(square + ridge, matrix.T)


def _solve(square, right):
    """Gauss-Jordan on a small positive matrix, in plain arithmetic."""
    num = square.shape[0]
    whole = jnp.concatenate([square, right], axis=1)
    for i in range(num):
        row = whole[i] / whole[i, i]
        whole = whole - whole[:, i : i + 1] * row[None, :]
        whole = whole.at[i].set(row)
    return whole[:, num:]


def stein_posterior(
    space: AbstractSourceSpace, search: SteinSearch, data: EventData, noise: Noise, *, key: Key[Array, ""]
) -> Draws:
    """Draws of one event's posterior by Stein particles.

    The particles start where a grid's likelihood is, softened; they end as the centres of a proposal from which draws are weighted exactly, because a finite number of Stein particles is too narrow.
    """
    dtype = noise.mispick_logit.dtype
    k_grid, k_start, k_next, k_draw = jr.split(key, 4)
    likelihood = lambda six: data.log_prob(six, noise)
    value = data.log_prob(search.grid.six.astype(dtype), noise)
    kernels = grid_kernels(
        space,
        search.grid.point.astype(dtype),
        value,
        search.grid.spacing_rad,
        search.num_particles,
        key=k_grid,
    )
    steps = jr.normal(k_start, (search.num_particles, space.num_dims), dtype)
    start = jax.vmap(lambda c, t: space.move(c, 0.5 * search.grid.spacing_rad * t))(kernels.centre, steps)
    start = jnp.where(jnp.isfinite(jax.vmap(space.inside)(start))[:, None], start, kernels.centre)

    def body(point, _):
        return stein_step(space, likelihood, point, search.step_size), None

    point, _ = jax.lax.scan(body, start, None, length=search.num_steps)
    num = search.num_particles
    even = jnp.full(num, -jnp.log(jnp.asarray(num, dtype)), dtype)
    value = likelihood(jax.vmap(space.six)(point))
    particles = Draws(point, even, value, jnp.asarray(jnp.nan, dtype), jnp.ones((), dtype))
    if not search.num_draws:
        return particles
    proposal = next_kernels(space, particles, min(32, num), key=k_next)
    return draw(space, proposal, likelihood, search.num_draws, key=k_draw)


def stein_posteriors(
    space: AbstractSourceSpace,
    search: SteinSearch,
    data: EventData,
    noise: Noise,
    *,
    keys: Key[Array, " event"],
) -> Draws:
    """`stein_posterior` of a batch of events, one after another, in the noise's precision."""
    num = keys.shape[0]
    size = size_of_batch(data)
    data, keys = grown((data, keys), size)
    return first_events(_stein_posteriors(space, search, data, noise, jnp.arange(size) < num, keys), num)


@eqx.filter_jit
def _stein_posteriors(space, search, data, noise, there, keys):
    dtype = noise.mispick_logit.dtype
    cast = lambda x: x.astype(dtype) if jnp.issubdtype(x.dtype, jnp.floating) else x
    space, data = jax.tree.map(cast, (space, data))
    one = lambda event: stein_posterior(space, search, event[0], noise, key=event[1])
    return map_there(one, (data, keys), there)
