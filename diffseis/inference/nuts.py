"""The no-U-turn sampler of blackjax: a second reference, independent of everything of ours."""

import importlib
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int, Key

from diffseis.inference.base import AbstractSampler, Draws, LogDensity, Modes, allocate


class NUTSState(eqx.Module):
    """Chains, their tuned parameters, and the draws so far."""

    chains: Any
    parameters: Any
    draws: Float[Array, "chain draw dim"]
    step_idx: Int[Array, ""]


class NUTS(AbstractSampler):
    """Hamiltonian Monte Carlo with adapted mass matrix and step size, by blackjax.

    Chains start in the modes in proportion to their weights, and do not travel between modes far apart.

    Args:
        num_particles: draws returned, over all chains.
        num_chains: chains.
        num_warmup: steps of adaptation of each.
        thinning: steps per draw.

    References:
        Hoffman & Gelman (2014), The no-U-turn sampler, arXiv:1111.4246; Cabezas et al. (2024), BlackJAX, arXiv:2402.10797.
    """

    num_particles: int = eqx.field(static=True)
    num_steps: int = eqx.field(static=True)
    num_chains: int = eqx.field(static=True)
    num_warmup: int = eqx.field(static=True)
    thinning: int = eqx.field(static=True)
    max_dims = None

    def __init__(
        self, num_particles: int = 2000, *, num_chains: int = 4, num_warmup: int = 300, thinning: int = 2
    ):
        if num_particles % num_chains:
            num_particles += num_chains - num_particles % num_chains
        self.num_particles = num_particles
        self.num_chains = num_chains
        self.num_steps = num_particles // num_chains
        self.num_warmup = num_warmup
        self.thinning = thinning

    def init(self, log_density: LogDensity, modes: Modes, *, key: Key[Array, ""]) -> NUTSState:
        blackjax = _blackjax()
        k_start, k_warm = jr.split(key)
        which = allocate(modes.log_weight, self.num_chains)
        factors = jnp.linalg.cholesky(modes.covariance)[which]
        noise = jr.normal(k_start, (self.num_chains, modes.location.shape[1]), modes.location.dtype)
        start = modes.location[which] + 0.5 * jnp.einsum("cij,cj->ci", factors, noise)
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            warmup = blackjax.window_adaptation(blackjax.nuts, log_density, is_mass_matrix_diagonal=False)

            def adapt(position, chain_key):
                (state, parameters), _ = warmup.run(chain_key, position, num_steps=self.num_warmup)
                return state, {
                    "step_size": parameters["step_size"],
                    "inverse_mass_matrix": parameters["inverse_mass_matrix"],
                }

            chains, parameters = jax.vmap(adapt)(start, jr.split(k_warm, self.num_chains))
        draws = jnp.zeros((self.num_chains, self.num_steps, modes.location.shape[1]), modes.location.dtype)
        return NUTSState(chains, parameters, draws, jnp.asarray(0))

    def step(self, log_density: LogDensity, state: NUTSState, *, key: Key[Array, ""]):
        blackjax = _blackjax()
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):

            def advance(chain, parameters, chain_key):
                kernel = blackjax.nuts(log_density, **parameters)

                def body(c, k):
                    c, _ = kernel.step(k, c)
                    return c, None

                return jax.lax.scan(body, chain, jr.split(chain_key, self.thinning))[0]

            chains = jax.vmap(advance)(state.chains, state.parameters, jr.split(key, self.num_chains))
        draws = state.draws.at[:, state.step_idx].set(chains.position)
        return NUTSState(chains, state.parameters, draws, state.step_idx + 1), None

    def finish(self, log_density: LogDensity, state: NUTSState, *, key: Key[Array, ""]) -> Draws:
        position = state.draws.reshape(-1, state.draws.shape[-1])
        mean = jnp.mean(position, axis=0)
        centred = position - mean[None, :]
        # Gelman & Rubin's ratio between chains; 1.05 is the usual bound.
        within = jnp.mean(jnp.var(state.draws, axis=1), axis=0)
        between = jnp.var(jnp.mean(state.draws, axis=1), axis=0)
        ratio = jnp.sqrt(1 + between / within)
        return Draws(
            position=position,
            log_density=jax.vmap(log_density)(position),
            mean=mean,
            covariance=centred.T @ centred / position.shape[0],
            effective_fraction=jnp.ones((), mean.dtype),
            converged=jnp.all(ratio < 1.05),
        )


def _blackjax() -> Any:
    try:
        return importlib.import_module("blackjax")
    except ImportError as error:
        raise ImportError("the NUTS sampler needs blackjax: pip install 'diffseis[nuts]'") from error
