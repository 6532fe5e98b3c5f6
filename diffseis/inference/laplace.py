"""Laplace's approximation as a sampler: a mixture of normals at the modes."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from diffseis.inference.base import AbstractSampler, Draws, LogDensity, Modes, allocate
from diffseis.inference.quasirandom import normal_points


class LaplaceState(eqx.Module):
    """Draws and the modes they came from."""

    position: Float[Array, "particle dim"]
    mode_idx: Int[Array, " particle"]
    modes: Modes


class Laplace(AbstractSampler):
    """Draws from a mixture of normals, one at each mode, weighted by Laplace's formula.

    Exact for a normal target, fast, and wrong in the tails of any other. Cost: nothing beyond finding the modes.

    References:
        Tierney & Kadane (1986), doi:10.1080/01621459.1986.10478240.
    """

    num_particles: int = eqx.field(static=True)
    num_steps: int = eqx.field(static=True)
    max_dims = None

    def __init__(self, num_particles: int = 256):
        self.num_particles = num_particles
        self.num_steps = 0

    def init(self, log_density: LogDensity, modes: Modes, *, key: Key[Array, ""]) -> LaplaceState:
        num_dims = modes.location.shape[1]
        normal = normal_points(self.num_particles, num_dims, key=key, dtype=modes.location.dtype)
        mode_idx = allocate(modes.log_weight, self.num_particles)
        factors = jnp.linalg.cholesky(modes.covariance)
        position = modes.location[mode_idx] + jnp.einsum("pij,pj->pi", factors[mode_idx], normal)
        return LaplaceState(position, mode_idx, modes)

    def step(self, log_density: LogDensity, state: LaplaceState, *, key: Key[Array, ""]):
        return state, None

    def finish(self, log_density: LogDensity, state: LaplaceState, *, key: Key[Array, ""]) -> Draws:
        share = jax.nn.softmax(state.modes.log_weight)
        mean = share @ state.modes.location
        offset = state.modes.location - mean[None, :]
        between = (offset * share[:, None]).T @ offset
        return Draws(
            position=state.position,
            log_density=jax.vmap(log_density)(state.position),
            mean=mean,
            covariance=jnp.einsum("k,kij->ij", share, state.modes.covariance) + between,
            effective_fraction=jnp.ones((), mean.dtype),
            converged=state.modes.converged[0],
        )
