"""The exact posterior, on a grid: a reference for the samplers, in up to three dimensions."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Key

from diffseis.inference.base import AbstractSampler, Draws, LogDensity, Modes


class GridState(eqx.Module):
    """Corners of the box that holds all but a negligible part of the probability."""

    lower: Float[Array, " dim"]
    upper: Float[Array, " dim"]


class DenseGrid(AbstractSampler):
    """Evaluates the density on every node of a box that closes in on the posterior, and draws cells in proportion.

    Each step evaluates a coarse grid and moves the walls to where the marginal densities have fallen to 1e-6 of their peaks (outwards
    where they have not). The midpoint rule on a smooth density that vanishes at the walls converges faster than any power of the spacing.

    Args:
        num_particles: draws returned.
        num_steps: rounds of closing in.
        num_coarse, num_fine: nodes along each axis, while closing in and at the end.

    Cost: ``num_fine**dim`` evaluations of the density.
    """

    num_particles: int = eqx.field(static=True)
    num_steps: int = eqx.field(static=True)
    num_coarse: int = eqx.field(static=True)
    num_fine: int = eqx.field(static=True)
    max_dims = 3

    def __init__(
        self, num_particles: int = 2000, *, num_steps: int = 5, num_coarse: int = 20, num_fine: int = 44
    ):
        self.num_particles = num_particles
        self.num_steps = num_steps
        self.num_coarse = num_coarse
        self.num_fine = num_fine

    def init(self, log_density: LogDensity, modes: Modes, *, key: Key[Array, ""]) -> GridState:
        if modes.location.shape[1] > 3:
            raise ValueError(
                f"a dense grid serves up to {self.max_dims} dimensions, not {modes.location.shape[1]}"
            )
        sd = jnp.sqrt(jnp.diagonal(modes.covariance, axis1=1, axis2=2))
        live = (modes.log_weight > -15)[:, None]
        lower = jnp.min(jnp.where(live, modes.location - 8 * sd, jnp.inf), axis=0)
        upper = jnp.max(jnp.where(live, modes.location + 8 * sd, -jnp.inf), axis=0)
        return GridState(lower, upper)

    def step(self, log_density: LogDensity, state: GridState, *, key: Key[Array, ""]):
        _, value = self._evaluate(log_density, state, self.num_coarse)
        weight = jnp.exp(value - jnp.max(value))
        num_dims = state.lower.shape[0]
        lower, upper = [], []
        for d in range(num_dims):
            others = tuple(i for i in range(num_dims) if i != d)
            marginal = jnp.max(weight, axis=others)
            live = marginal > 1e-6
            index = jnp.arange(self.num_coarse)
            first = jnp.min(jnp.where(live, index, self.num_coarse))
            last = jnp.max(jnp.where(live, index, -1))
            cell = (state.upper[d] - state.lower[d]) / self.num_coarse
            # A wall that the density reaches moves outwards by half the width; the others to one cell beyond the last live one.
            low = jnp.where(first == 0, -0.5 * self.num_coarse, first.astype(cell.dtype) - 1)
            high = jnp.where(last == self.num_coarse - 1, 1.5 * self.num_coarse, last.astype(cell.dtype) + 2)
            lower.append(jnp.maximum(state.lower[d] + low * cell, -1e6))
            upper.append(jnp.minimum(state.lower[d] + high * cell, 1e6))
        return GridState(jnp.stack(lower), jnp.stack(upper)), None

    def finish(self, log_density: LogDensity, state: GridState, *, key: Key[Array, ""]) -> Draws:
        points, value = self._evaluate(log_density, state, self.num_fine)
        num_dims = state.lower.shape[0]
        points, value = points.reshape(-1, num_dims), value.reshape(-1)
        weight = jax.nn.softmax(value)
        mean = weight @ points
        centred = points - mean[None, :]
        covariance = (centred * weight[:, None]).T @ centred
        k_cell, k_place = jr.split(key)
        positions = (
            jnp.arange(self.num_particles, dtype=value.dtype) + jr.uniform(k_cell, (), value.dtype)
        ) / self.num_particles
        cumulative = jnp.cumsum(weight)
        chosen = jnp.minimum(jnp.searchsorted(cumulative / cumulative[-1], positions), points.shape[0] - 1)
        cell = (state.upper - state.lower) / self.num_fine
        jitter = (jr.uniform(k_place, (self.num_particles, num_dims), value.dtype) - 0.5) * cell[None, :]
        position = points[chosen] + jitter
        return Draws(
            position=position,
            log_density=jax.vmap(log_density)(position),
            mean=mean,
            covariance=covariance,
            effective_fraction=jnp.ones((), value.dtype),
            converged=jnp.isfinite(jnp.max(value)),
        )

    def _evaluate(self, log_density, state: GridState, num: int):
        """Cell centres and log densities, one plane of the first axis after the other."""
        fraction = (jnp.arange(num, dtype=state.lower.dtype) + 0.5) / num
        axes = [
            state.lower[d] + (state.upper[d] - state.lower[d]) * fraction for d in range(state.lower.shape[0])
        ]
        points = jnp.stack(jnp.meshgrid(*axes, indexing="ij"), axis=-1)
        plane = points.reshape(num, -1, points.shape[-1])
        value = jax.lax.map(jax.vmap(log_density), plane).reshape(points.shape[:-1])
        return points, jnp.where(jnp.isfinite(value), value, -jnp.inf)
