"""Stein variational gradient descent, whitened, and corrected for its shrinkage."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int, Key

from diffseis.inference.base import AbstractSampler, Draws, LogDensity, Modes, allocate
from diffseis.inference.diagnostics import effective_sample_size
from diffseis.inference.proposals import (
    WeightedPoints,
    draw_weighted,
    kernel_bandwidth,
    whiten,
    within_mode_covariance,
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
    """Particles, and the weighted points that they were chosen from in the round before."""

    round_idx: Int[Array, ""]
    position: Float[Array, "particle dim"]
    log_density: Float[Array, " particle"]
    mode_idx: Int[Array, " particle"]
    points: WeightedPoints
    fraction: Float[Array, ""]


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
    rounds of importance weighting and low-variance resampling (`proposals`). Its effective sample size is the test of
    convergence; `num_rounds` = 0 returns the raw particles.

    Args:
        num_particles: particles returned.
        num_steps: steps of descent.
        step_size: in units of the whitened, normalised direction.
        start_power: the target's power at the first step; it rises to 1 over the first third.
        num_rounds: largest number of rounds of correction.
        sufficient_fraction: effective sample size, over the number of points, at which no further round is made. It tells that the bulk was
            found, and little about tails that hold less than a per cent.
        oversampling: points weighted per particle in each round.
        min_effective_fraction: effective sample size, over the number of points, below which the result is not converged.

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
    oversampling: int = eqx.field(static=True)
    sufficient_fraction: float = eqx.field(static=True)
    min_effective_fraction: float = eqx.field(static=True)
    max_dims = None

    def __init__(
        self,
        num_particles: int = 256,
        num_steps: int = 8,
        *,
        step_size: float = 0.5,
        start_power: float = 0.5,
        num_rounds: int = 8,
        oversampling: int = 6,
        sufficient_fraction: float = 0.5,
        min_effective_fraction: float = 0.05,
    ):
        self.num_particles = num_particles
        self.num_steps = num_steps
        self.step_size = step_size
        self.start_power = start_power
        self.num_rounds = num_rounds
        self.oversampling = oversampling
        self.sufficient_fraction = sufficient_fraction
        self.min_effective_fraction = min_effective_fraction

    def __check_init__(self):
        if self.num_particles < 2:
            raise ValueError(
                f"`num_particles` must be >= 2, got {self.num_particles}; one particle has no spread"
            )
        if self.num_steps < 1:
            raise ValueError(f"`num_steps` must be >= 1, got {self.num_steps}")
        if not 0 < self.start_power <= 1:
            raise ValueError(f"`start_power` must lie in (0, 1], got {self.start_power}")

    def init(self, log_density: LogDensity, modes: Modes, *, key: Key[Array, ""]) -> SVGDState:
        dtype = modes.location.dtype
        num_dims = modes.location.shape[1]
        mode_idx = allocate(modes.log_weight, self.num_particles)
        k_normal, k_order = jr.split(key)
        normal = normal_points(self.num_particles, num_dims, key=k_normal, dtype=dtype)
        normal = normal[jr.permutation(k_order, self.num_particles)]
        factors = jnp.linalg.cholesky(modes.covariance)
        position = modes.location[mode_idx] + jnp.einsum("pij,pj->pi", factors[mode_idx], normal)
        share = jax.nn.softmax(modes.log_weight)
        pooled = jnp.einsum("k,kij->ij", share, modes.covariance)
        return SVGDState(
            position=position,
            mode_idx=mode_idx,
            cholesky=jnp.linalg.cholesky(pooled),
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
        grads = jax.vmap(jax.grad(log_density))(state.position)
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
        pooled = state.cholesky @ state.cholesky.T
        if self.num_rounds == 0:
            value = jax.vmap(log_density)(position)
            centred = position - jnp.mean(position, axis=0, keepdims=True)
            one = jnp.ones((), position.dtype)
            return Draws(
                position, value, jnp.mean(position, axis=0), centred.T @ centred / num, one, state.drift < 0.1
            )
        weight = jnp.full((num,), 1 / num, position.dtype)
        num_points = self.oversampling * num

        def one_round(carry: _Round) -> _Round:
            k_draw, k_resample = jr.split(jr.fold_in(key, carry.round_idx))
            spread = within_mode_covariance(
                carry.position, weight, carry.mode_idx, state.modes.location.shape[0], pooled
            )
            points = draw_weighted(
                log_density,
                carry.position,
                carry.mode_idx,
                kernel_bandwidth(num, num_dims) ** 2 * spread,
                state.modes,
                num_points=num_points,
                key=k_draw,
            )
            rows = resample(points.position, points.log_weight, num, key=k_resample)
            return _Round(
                round_idx=carry.round_idx + 1,
                position=points.position[rows],
                log_density=points.log_density[rows],
                mode_idx=points.mode_idx[rows],
                points=points,
                fraction=effective_sample_size(points.log_weight) / num_points,
            )

        def unfinished(carry: _Round):
            return (carry.round_idx < self.num_rounds) & ~(carry.fraction >= self.sufficient_fraction)

        zeros = jnp.zeros(num_points, position.dtype)
        none = WeightedPoints(
            jnp.zeros((num_points, num_dims), position.dtype),
            zeros,
            zeros,
            jnp.zeros(num_points, mode_idx.dtype),
        )
        start = _Round(
            jnp.asarray(0), position, position[:, 0], mode_idx, none, jnp.zeros((), position.dtype)
        )
        last = jax.lax.while_loop(unfinished, one_round, start)
        points, fraction = last.points, last.fraction
        w = jax.nn.softmax(points.log_weight)
        mean = w @ points.position
        centred = points.position - mean[None, :]
        return Draws(
            position=last.position,
            log_density=last.log_density,
            mean=mean,
            covariance=(centred * w[:, None]).T @ centred,
            effective_fraction=fraction,
            converged=fraction > self.min_effective_fraction,
        )


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
