"""The contract of samplers, and what they are given and give back.

A sampler sees a log density on an unbounded space and the modes that were found in it; it knows nothing of seismology.
Work on many targets (events) is `jax.vmap` or `jax.lax.map` over this, one level up.
"""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from equinox import AbstractClassVar, AbstractVar
from jaxtyping import Array, Bool, Float, Int, Key, PyTree

LogDensity = Callable[[Float[Array, " dim"]], Float[Array, ""]]
"""Unnormalised log density of one point."""


class AbstractReference(eqx.Module):
    """A broad distribution, known in closed form, that reaches wherever the target may have mass."""

    @abc.abstractmethod
    def sample(self, num: int, *, key: Key[Array, ""]) -> Float[Array, "{num} dim"]:
        """Independent draws."""

    @abc.abstractmethod
    def log_prob(self, position: Float[Array, " dim"]) -> Float[Array, ""]:
        """Normalised log density."""

    def beside(
        self, log_density: LogDensity, position: Float[Array, " dim"]
    ) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """The target's log density and this one's; to be overridden where the two have work in common."""
        return log_density(position), self.log_prob(position)


class Modes(eqx.Module):
    """Local maxima of a density, each with its Laplace approximation.

    Attributes:
        location: mode by dim, best first.
        covariance: mode by dim by dim: inverse of the negative Hessian (made positive where it was not).
        log_density: at the locations.
        log_weight: log of the share of the probability that each holds by Laplace's formula; -inf for duplicates.
        converged: whether the gradient vanished.
        reference: a broad distribution for the mass that no mode knows of, or None.
    """

    location: Float[Array, "mode dim"]
    covariance: Float[Array, "mode dim dim"]
    log_density: Float[Array, " mode"]
    log_weight: Float[Array, " mode"]
    converged: Bool[Array, " mode"]
    reference: AbstractReference | None = None


class Draws(eqx.Module):
    """Equally weighted particles that stand for a posterior.

    Attributes:
        position: particle by dim.
        log_density: of the target, at the particles.
        mean, covariance: best estimates of the moments (from weighted points where the sampler has them).
        effective_fraction: effective sample size of the final weights over their number, 1 for unweighted samplers.
        converged: whether the sampler's own test was passed.
    """

    position: Float[Array, "particle dim"]
    log_density: Float[Array, " particle"]
    mean: Float[Array, " dim"]
    covariance: Float[Array, "dim dim"]
    effective_fraction: Float[Array, ""]
    converged: Bool[Array, ""]


class AbstractSampler(eqx.Module):
    """Turns a log density and its modes into draws.

    The chain is ``init``, then `num_steps` times ``step``, then ``finish``; `run_sampler` does it.
    """

    num_particles: AbstractVar[int]
    num_steps: AbstractVar[int]
    max_dims: AbstractClassVar[int | None]
    """Largest dimension it serves; None for any. A nuisance parameter beyond it must be integrated out by the caller."""

    @abc.abstractmethod
    def init(self, log_density: LogDensity, modes: Modes, *, key: Key[Array, ""]) -> PyTree:
        """The state to start from."""

    @abc.abstractmethod
    def step(self, log_density: LogDensity, state: PyTree, *, key: Key[Array, ""]) -> tuple[PyTree, PyTree]:
        """One step: what the next one needs, and what an observer wants to know."""

    @abc.abstractmethod
    def finish(self, log_density: LogDensity, state: PyTree, *, key: Key[Array, ""]) -> Draws:
        """Draws from the last state."""


def run_sampler(
    sampler: AbstractSampler, log_density: LogDensity, modes: Modes, *, key: Key[Array, ""]
) -> tuple[Draws, Any]:
    """Runs a sampler from start to end; returns the draws and the stacked infos of its steps."""
    k_init, k_steps, k_finish = jr.split(key, 3)
    state = sampler.init(log_density, modes, key=k_init)

    def body(state, step_idx):
        return sampler.step(log_density, state, key=jr.fold_in(k_steps, step_idx))

    state, infos = jax.lax.scan(body, state, jnp.arange(sampler.num_steps))
    return sampler.finish(log_density, state, key=k_finish), infos


def allocate(log_weight: Float[Array, " mode"], num_particles: int) -> Int[Array, " particle"]:
    """Which mode each of `num_particles` starts in: systematic, so every share is met to within one particle."""
    edges = jnp.cumsum(jax.nn.softmax(log_weight))
    positions = (jnp.arange(num_particles, dtype=edges.dtype) + 0.5) / num_particles
    return jnp.minimum(jnp.sum(positions[:, None] > edges[None, :], axis=1), log_weight.shape[0] - 1)
