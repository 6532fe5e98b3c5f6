"""The exact posterior, on a grid: a reference for the samplers, in up to three dimensions."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Key

from diffseis.inference.base import AbstractSampler, Draws, LogDensity, Modes


class GridState(eqx.Module):
    """A box, turned, that holds all but a negligible part of the probability.

    Attributes:
        axes: orthonormal directions of the edges, in columns.
        lower, upper: corners, along the axes.
    """

    axes: Float[Array, "dim dim"]
    lower: Float[Array, " dim"]
    upper: Float[Array, " dim"]


_NEGLIGIBLE = 1e-6
"""Density, relative to the largest, at which the walls of the box stand."""


class DenseGrid(AbstractSampler):
    """Evaluates the density on every node of a box that closes in on the posterior, and draws cells in proportion.

    Each step evaluates a coarse grid and moves the walls to where the density has fallen to 1e-6 of its peak (outwards where it has
    not); the last two also turn the box to the principal axes of what they see, since a posterior is often a thin ellipsoid across
    north, east and down. The midpoint rule on a smooth density that vanishes at the walls converges faster than any power of the spacing.

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
        self, num_particles: int = 2000, *, num_steps: int = 6, num_coarse: int = 20, num_fine: int = 44
    ):
        self.num_particles = num_particles
        self.num_steps = num_steps
        self.num_coarse = num_coarse
        self.num_fine = num_fine

    def __check_init__(self):
        if self.num_steps < 3:
            raise ValueError(
                f"`num_steps` must be >= 3 (one to find the box, two to turn it), got {self.num_steps}"
            )

    def init(self, log_density: LogDensity, modes: Modes, *, key: Key[Array, ""]) -> tuple[GridState, Array]:
        num_dims = modes.location.shape[1]
        if num_dims > 3:
            raise ValueError(f"a dense grid serves up to 3 dimensions, not {num_dims}")
        sd = jnp.sqrt(jnp.diagonal(modes.covariance, axis1=1, axis2=2))
        live = (modes.log_weight > -15)[:, None]
        lower = jnp.min(jnp.where(live, modes.location - 8 * sd, jnp.inf), axis=0)
        upper = jnp.max(jnp.where(live, modes.location + 8 * sd, -jnp.inf), axis=0)
        return GridState(jnp.eye(num_dims, dtype=lower.dtype), lower, upper), jnp.asarray(0)

    def step(self, log_density: LogDensity, state, *, key: Key[Array, ""]):
        box, step_idx = state
        points, value = self._evaluate(log_density, box, self.num_coarse)
        weight = jnp.exp(value - jnp.max(value))
        turning = step_idx >= self.num_steps - 2
        new = jax.tree.map(
            lambda a, b: jnp.where(turning, a, b),
            self._turned(box, points, weight),
            self._closed_in(box, weight),
        )
        return (new, step_idx + 1), None

    def _closed_in(self, box: GridState, weight) -> GridState:
        """The same axes; a wall that the density reaches moves outwards by half the width, the others to one cell beyond the last
        live one."""
        num_dims, num = box.lower.shape[0], self.num_coarse
        lower, upper = [], []
        for d in range(num_dims):
            live = jnp.max(weight, axis=tuple(i for i in range(num_dims) if i != d)) > _NEGLIGIBLE
            index = jnp.arange(num)
            first = jnp.min(jnp.where(live, index, num))
            last = jnp.max(jnp.where(live, index, -1))
            cell = (box.upper[d] - box.lower[d]) / num
            low = jnp.where(first == 0, -0.5 * num, first.astype(cell.dtype) - 1)
            high = jnp.where(last == num - 1, 1.5 * num, last.astype(cell.dtype) + 2)
            lower.append(jnp.maximum(box.lower[d] + low * cell, -1e6))
            upper.append(jnp.minimum(box.lower[d] + high * cell, 1e6))
        return GridState(box.axes, jnp.stack(lower), jnp.stack(upper))

    def _turned(self, box: GridState, points, weight) -> GridState:
        """The box along the principal axes of the weighted nodes that holds every live one and a cell around it."""
        num_dims = box.lower.shape[0]
        points, weight = points.reshape(-1, num_dims), weight.reshape(-1)
        share = weight / jnp.sum(weight)
        centred = points - (share @ points)[None, :]
        _, axes = jnp.linalg.eigh((centred * share[:, None]).T @ centred)
        along = points @ axes
        live = (weight > _NEGLIGIBLE)[:, None]
        # How far one cell of the old box reaches along the new axes.
        margin = jnp.abs(axes.T @ box.axes) @ ((box.upper - box.lower) / self.num_coarse)
        return GridState(
            axes,
            jnp.min(jnp.where(live, along, jnp.inf), axis=0) - margin,
            jnp.max(jnp.where(live, along, -jnp.inf), axis=0) + margin,
        )

    def finish(self, log_density: LogDensity, state, *, key: Key[Array, ""]) -> Draws:
        box, _ = state
        points, value = self._evaluate(log_density, box, self.num_fine)
        num_dims = box.lower.shape[0]
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
        cell = (box.upper - box.lower) / self.num_fine
        jitter = (jr.uniform(k_place, (self.num_particles, num_dims), value.dtype) - 0.5) * cell[None, :]
        position = points[chosen] + jitter @ box.axes.T
        return Draws(
            position=position,
            log_density=jax.vmap(log_density)(position),
            mean=mean,
            covariance=covariance,
            effective_fraction=jnp.ones((), value.dtype),
            converged=jnp.isfinite(jnp.max(value)),
        )

    def _evaluate(self, log_density, box: GridState, num: int):
        """Cell centres and log densities, one plane of the first axis after the other."""
        fraction = (jnp.arange(num, dtype=box.lower.dtype) + 0.5) / num
        sides = [box.lower[d] + (box.upper[d] - box.lower[d]) * fraction for d in range(box.lower.shape[0])]
        points = jnp.stack(jnp.meshgrid(*sides, indexing="ij"), axis=-1) @ box.axes.T
        plane = points.reshape(num, -1, points.shape[-1])
        value = jax.lax.map(jax.vmap(log_density), plane).reshape(points.shape[:-1])
        return points, jnp.where(jnp.isfinite(value), value, -jnp.inf)
