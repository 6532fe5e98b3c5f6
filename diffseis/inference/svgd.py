"""Stein variational gradient descent, whitened, and corrected for its shrinkage."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int, Key

from diffseis.inference.base import AbstractSampler, Draws, LogDensity, Modes, allocate
from diffseis.inference.diagnostics import effective_sample_size
from diffseis.inference.proposals import (
    Kernels,
    WeightedPoints,
    draw_weighted,
    first_kernels,
    map_points,
    next_kernels,
    pooled_covariance,
    sd_error,
    whiten,
)
from diffseis.inference.quasirandom import normal_points, resample


class SVGDState(eqx.Module):
    """Particles and the coordinates in which they move.

    Attributes:
        position: particles, in the target's coordinates.
        mode_idx: the mode in which each started.
        cholesky: lower factor of the within-mode covariance: its inverse whitens.
        modes: as given.
        step_idx: steps made.
        drift: root mean square move of the last step, in standard deviations.
    """

    position: Float[Array, "particle dim"]
    mode_idx: Int[Array, " particle"]
    cholesky: Float[Array, "dim dim"]
    modes: Modes
    step_idx: Int[Array, ""]
    drift: Float[Array, ""]


class _Round(eqx.Module):
    """The mixture to draw from next, and the weighted points of the last rounds."""

    round_idx: Int[Array, ""]
    kernels: Kernels
    pool: WeightedPoints
    error: Float[Array, ""]


class SVGDInfo(eqx.Module):
    """Bandwidth (squared, whitened) and drift of one step."""

    bandwidth2: Float[Array, ""]
    drift: Float[Array, ""]


class SVGD(AbstractSampler):
    r"""Particles moved together by attraction to high density and repulsion from each other.

    Each step adds :math:`\phi(x_i) = \sum_j [k_{ij} s_j + \nabla_{x_j} k_{ij}] / \sum_j k_{ij}` in coordinates whitened by
    the Laplace approximation; dividing by the kernel's row sum (rather than by the number of particles) leaves the fixed
    points as they are and makes one step length right for every target. The bandwidth is a mean, clipped so that distant modes do not
    widen it: no sorting. Tempering flattens the target at first.

    The fixed points of SVGD with finitely many particles are too narrow. `finish` therefore treats them as the centres of a proposal: a few
    rounds of importance weighting (`proposals`), each centred on the points of the one before, until the standard deviations are known.
    The weighted points of the last rounds are pooled, and equally weighted ones drawn from them. `num_rounds` = 0 returns the raw particles.

    Args:
        num_particles: particles returned.
        num_steps: steps of descent.
        num_centres: particles that are moved; by default as many as are returned, 512 at most.
        step_size: in units of the whitened, normalised direction.
        start_power: the target's power at the first step; it rises to 1 over the first third.
        num_rounds: largest number of rounds of correction; at least two are made (the first can only guess where tails are).
        sd_tolerance: relative standard error of the standard deviations at which no further round is made.
        oversampling: points weighted per centre in each round.
        min_effective_fraction: effective sample size, over the number of points, below which the result is not converged.
        max_sd_error: relative standard error of the standard deviations above which the result is not converged.

    References:
        Liu & Wang (2016), Stein variational gradient descent, arXiv:1608.04471.
        Ba et al. (2022), Understanding the variance collapse of SVGD in high dimensions, ICLR.
        Wang, Tang, Bajaj & Liu (2019), Stein variational gradient descent with matrix-valued kernels, arXiv:1910.12794.
    """

    num_particles: int = eqx.field(static=True)
    num_steps: int = eqx.field(static=True)
    step_size: float = eqx.field(static=True)
    start_power: float = eqx.field(static=True)
    num_rounds: int = eqx.field(static=True)
    num_centres: int = eqx.field(static=True)
    oversampling: int = eqx.field(static=True)
    sd_tolerance: float = eqx.field(static=True)
    min_effective_fraction: float = eqx.field(static=True)
    max_sd_error: float = eqx.field(static=True)
    max_dims = None

    def __init__(
        self,
        num_particles: int = 1000,
        num_steps: int = 8,
        *,
        num_centres: int | None = None,
        step_size: float = 0.5,
        start_power: float = 0.5,
        num_rounds: int = 20,
        oversampling: int = 6,
        sd_tolerance: float | None = None,
        min_effective_fraction: float = 0.02,
        max_sd_error: float = 0.25,
    ):
        if num_centres is None:
            num_centres = num_particles if num_rounds == 0 else min(num_particles, 512)
        self.num_particles = num_particles
        self.num_steps = num_steps
        self.step_size = step_size
        self.start_power = start_power
        self.num_rounds = num_rounds
        self.oversampling = oversampling
        self.num_centres = num_centres
        self.sd_tolerance = max(0.02, 0.5 * num_particles**-0.5) if sd_tolerance is None else sd_tolerance
        self.min_effective_fraction = min_effective_fraction
        self.max_sd_error = max_sd_error

    def __check_init__(self):
        if self.num_particles < 2:
            raise ValueError(
                f"`num_particles` must be >= 2, got {self.num_particles}; one particle has no spread"
            )
        if self.num_centres < 2:
            raise ValueError(f"`num_centres` must be >= 2, got {self.num_centres}")
        if self.num_rounds == 0 and self.num_centres != self.num_particles:
            raise ValueError("without rounds of correction the particles that move are those returned")
        if self.num_rounds == 1:
            raise ValueError("`num_rounds` must be 0 (no correction) or >= 2, got 1")
        if self.num_steps < 1:
            raise ValueError(f"`num_steps` must be >= 1, got {self.num_steps}")
        if not 0 < self.start_power <= 1:
            raise ValueError(f"`start_power` must lie in (0, 1], got {self.start_power}")

    def init(self, log_density: LogDensity, modes: Modes, *, key: Key[Array, ""]) -> SVGDState:
        dtype = modes.location.dtype
        num_dims = modes.location.shape[1]
        mode_idx = allocate(modes.log_weight, self.num_centres)
        normal = normal_points(self.num_centres, num_dims, key=key, dtype=dtype)
        factors = jnp.linalg.cholesky(modes.covariance)
        position = modes.location[mode_idx] + jnp.einsum("pij,pj->pi", factors[mode_idx], normal)
        return SVGDState(
            position=position,
            mode_idx=mode_idx,
            cholesky=jnp.linalg.cholesky(pooled_covariance(modes)),
            modes=modes,
            step_idx=jnp.asarray(0),
            drift=jnp.asarray(jnp.inf, dtype),
        )

    def step(
        self, log_density: LogDensity, state: SVGDState, *, key: Key[Array, ""]
    ) -> tuple[SVGDState, SVGDInfo]:
        del key  # SVGD is deterministic; the contract of samplers is kept
        dtype = state.position.dtype
        warmup = max(1, self.num_steps // 3)
        progress = jnp.minimum(state.step_idx.astype(dtype) / warmup, 1.0)
        power = self.start_power + (1 - self.start_power) * progress
        grads = map_points(jax.grad(log_density), state.position)
        grads = jnp.where(jnp.isfinite(grads), grads, 0)
        score = power * (grads @ state.cholesky)
        length = jnp.sqrt(jnp.sum(score**2, axis=1, keepdims=True)) + jnp.finfo(dtype).tiny
        score = score * jnp.minimum(1.0, 10.0 / length)

        x = whiten(state.position, state.cholesky)
        direction, bandwidth2 = _stein_direction(x, score)
        move = self.step_size * direction
        new = state.position + move @ state.cholesky.T
        drift = jnp.sqrt(jnp.mean(jnp.sum(move**2, axis=1)))
        state = SVGDState(new, state.mode_idx, state.cholesky, state.modes, state.step_idx + 1, drift)
        return state, SVGDInfo(bandwidth2, drift)

    def finish(self, log_density: LogDensity, state: SVGDState, *, key: Key[Array, ""]) -> Draws:
        position, mode_idx = state.position, state.mode_idx
        num, num_dims = position.shape
        if self.num_rounds == 0:
            value = jax.vmap(log_density)(position)
            centred = position - jnp.mean(position, axis=0, keepdims=True)
            one = jnp.ones((), position.dtype)
            return Draws(
                position, value, jnp.mean(position, axis=0), centred.T @ centred / num, one, state.drift < 0.1
            )
        num_points = self.oversampling * num
        num_pooled = min(_POOLED_ROUNDS, self.num_rounds)

        def one_round(carry: _Round) -> _Round:
            k_draw, k_next = jr.split(jr.fold_in(key, carry.round_idx))
            points = draw_weighted(log_density, carry.kernels, state.modes, num_points=num_points, key=k_draw)
            first = (carry.round_idx % num_pooled) * num_points
            pool = jax.tree.map(
                lambda kept, new: jax.lax.dynamic_update_slice_in_dim(kept, new, first, axis=0),
                carry.pool,
                points,
            )
            return _Round(
                round_idx=carry.round_idx + 1,
                kernels=next_kernels(points, num, state.modes, key=k_next),
                pool=pool,
                error=sd_error(pool),
            )

        def unfinished(carry: _Round):
            known = (carry.error <= self.sd_tolerance) & (carry.round_idx >= 2)
            return (carry.round_idx < self.num_rounds) & ~known

        # A round that was not made has no weight.
        size = num_pooled * num_points
        zeros = jnp.zeros(size, position.dtype)
        none = WeightedPoints(
            jnp.zeros((size, num_dims), position.dtype),
            zeros,
            jnp.full(size, -jnp.inf, position.dtype),
            jnp.zeros(size, mode_idx.dtype),
        )
        start = _Round(
            round_idx=jnp.asarray(0),
            kernels=first_kernels(position, mode_idx, state.modes),
            pool=none,
            error=jnp.asarray(jnp.inf, position.dtype),
        )
        last = jax.lax.while_loop(unfinished, one_round, start)
        points = last.pool
        rows = resample(
            points.position,
            points.log_weight,
            self.num_particles,
            num_combs=_NUM_COMBS,
            key=jr.fold_in(key, self.num_rounds),
        )
        w = jax.nn.softmax(points.log_weight)
        mean = w @ points.position
        centred = points.position - mean[None, :]
        num_made = num_points * jnp.minimum(last.round_idx, num_pooled)
        fraction = effective_sample_size(points.log_weight) / num_made
        return Draws(
            position=points.position[rows],
            log_density=points.log_density[rows],
            mean=mean,
            covariance=(centred * w[:, None]).T @ centred,
            effective_fraction=fraction,
            converged=(fraction > self.min_effective_fraction) & (last.error < self.max_sd_error),
        )


_POOLED_ROUNDS = 8
"""The points of so many rounds are kept. The weights of each are unbiased, but the first rounds know the tails least."""

_NUM_COMBS = 16


def _stein_direction(x: Float[Array, "particle dim"], score: Float[Array, "particle dim"]):
    """The normalised SVGD direction in whitened coordinates, and the squared bandwidth."""
    num, dim = x.shape
    square = jnp.sum(x * x, axis=1)
    distance2 = jnp.maximum(square[:, None] + square[None, :] - 2 * x @ x.T, 0)
    bandwidth2 = jnp.mean(jnp.minimum(distance2, 4.0 * dim)) / (2 * jnp.log(jnp.asarray(num + 1, x.dtype)))
    bandwidth2 = jnp.maximum(bandwidth2, 1e-6)
    k = jnp.exp(-0.5 * distance2 / bandwidth2)
    row = jnp.sum(k, axis=1, keepdims=True)
    # sum_j grad_{x_j} k_ij = sum_j (x_i - x_j) k_ij / h^2
    repulsion = (x * row - k @ x) / bandwidth2
    return (k @ score + repulsion) / row, bandwidth2
