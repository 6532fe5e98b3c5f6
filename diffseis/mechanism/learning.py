"""Learning the noise of a batch: rates of wrong readings, scatter of ratios, terms of stations, by the evidence of all its events.

The probability of an event's data, whatever its mechanism, is an integral over sources. Over draws that were made with one noise it is, for another noise, a sum of likelihoods with fixed weights:
smooth, cheap, and differentiable. The noise that makes the product over events (times a wide prior) largest is found by BFGS; draws are then made anew, until nothing changes.

References:
    MacKay (1992), Bayesian interpolation, doi:10.1162/neco.1992.4.3.415 (evidence). Fisher's identity makes its gradient the posterior mean of the likelihood's.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Key

from diffseis.core.results import RESULTS, Solution
from diffseis.inference import lbfgs
from diffseis.mechanism.draws import Draws
from diffseis.mechanism.event_data import EventData
from diffseis.mechanism.noise import Noise, NoisePrior
from diffseis.mechanism.posterior import GridSearch, posteriors
from diffseis.mechanism.spaces import AbstractSourceSpace, sixes

_SETTLED = 0.05
"""Largest change of a parameter, in its unbounded units, at which no further round is made."""

_STEPS = 25


def log_evidences(
    space: AbstractSourceSpace, data: EventData, draws: Draws, noise: Noise
) -> Float[Array, " event"]:
    """Of each event's data by another noise than the draws were made with; up to what does not depend on it.

    Args:
        space: of the sources.
        data: of the batch.
        draws: of the batch, weighted by the likelihood that they state.
        noise: the one that is tried.
    """

    def one(event):
        data, draws = event
        value = data.log_prob(sixes(space, draws.point), noise)
        weight = draws.log_weight - draws.log_likelihood
        used = jnp.isfinite(weight)
        return jax.nn.logsumexp(jnp.where(used, jnp.where(used, weight, 0) + value, -jnp.inf))

    return jax.lax.map(one, (data, draws))


@eqx.filter_jit
def thinned(draws: Draws, least: int) -> Draws:
    """Part of the draws of a batch, so many that at least `least` are left: runs of eight, so that kernels keep their shares (draws are in their order) and quasi-random points their evenness.

    Args:
        draws: of the batch.
        least: draws per event.
    """
    num, every = draws.log_weight.shape[1], 1
    while num // (2 * every) >= least and num % (2 * every * _RUN) == 0:
        every *= 2
    keep = lambda x: x.reshape(-1, every, _RUN, *x.shape[1:])[:, 0].reshape(-1, *x.shape[1:])

    def one(event):
        weight = jax.nn.log_softmax(keep(event.log_weight))
        rest = (event.log_evidence, event.effective_fraction)
        return Draws(keep(event.point), weight, keep(event.log_likelihood), *rest)

    return draws if every == 1 else jax.vmap(one)(draws)


_RUN = 8
"""Draws that stay together: of a sequence of Sobol' points every fourth lies in one quarter of the cube."""

_DRAWS = 256
"""Of each event, that the evidence is made of."""


def _loss(noise, given):
    """Minus the log of the noise's posterior density."""
    space, data, draws, prior = given
    return -jnp.sum(log_evidences(space, data, draws, noise)) - prior.log_density(noise)


def _cast(tree, dtype):
    return jax.tree.map(lambda x: x.astype(dtype) if jnp.issubdtype(x.dtype, jnp.floating) else x, tree)


def learn_noise(
    space: AbstractSourceSpace,
    search: GridSearch,
    data: EventData,
    prior: NoisePrior,
    *,
    num_rounds: int = 5,
    batch_size: int = 1,
    progress: Callable[[int, int], None] | None = None,
    keys: Key[Array, " event"],
) -> Solution[Noise]:
    """The noise of largest posterior density, whatever the mechanisms.

    Args:
        space: of the sources.
        search: how posteriors are found; its last round's draws are what the evidence is made of.
        data: of a batch of events. A few dozen tell the common parameters to a tenth; terms of stations need all that there are.
        prior: of the noise; its centre is where learning begins.
        num_rounds: largest number of rounds of draws.
        batch_size: events at once.
        progress: told about rounds made.
        keys: one per event.

    Returns:
        `Solution`: the noise; ``stats["history"]`` of its common parameters by round, ``stats["change"]`` of the last round. The result is `max_steps_reached` where it had
        not settled.
    """
    if num_rounds < 1:
        raise ValueError(f"`num_rounds` must be at least 1, got {num_rounds}")
    noise, dtype = prior.centre, prior.centre.mispick_logit.dtype
    single, data = _cast(data, jnp.float32), _cast(data, dtype)
    history, change = [_common(prior.centre)], np.inf
    for number in range(num_rounds):
        renewed = jax.vmap(lambda k, n=number: jr.fold_in(k, n))(keys)
        # Draws are made in single precision, by the program that will make those of all events.
        draws = posteriors(
            space, search, single, noise.astype(jnp.float32), batch_size=batch_size, keys=renewed
        )
        given = (space, data, _cast(thinned(draws, _DRAWS), dtype), prior)
        found = lbfgs(_loss, noise, given, num_steps=_STEPS, first_change=0.3, tolerance=1e-5)
        moved = jax.tree.map(lambda a, b: jnp.abs(a - b), found.value, noise)
        change = float(jnp.max(ravel_pytree(moved)[0]))
        noise = found.value
        history.append(_common(noise))
        if progress is not None:
            progress(number + 1, num_rounds)
        if not np.isfinite(change):
            return Solution(
                value=prior.centre, result=RESULTS.non_finite, stats={"history": history, "change": change}
            )
        if change < _SETTLED:
            break
    result = RESULTS.successful if change < _SETTLED else RESULTS.max_steps_reached
    return Solution(value=noise, result=result, stats={"history": history, "change": change})


def _common(noise: Noise) -> dict[str, float]:
    names = ("mispick", "polarity_sd", "ratio_sd", "ratio_bias", "amplitude_sd")
    return {name: float(getattr(noise, name)) for name in names}
