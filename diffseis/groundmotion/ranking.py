"""How well models explain records: measures by which they are ranked.

References:
    Scherbaum, Cotton & Smit (2004), LH, doi:10.1785/0120030147.
    Scherbaum, Delavaud & Riggelsen (2009), LLH, doi:10.1785/0120080347.
    Kale & Akkar (2013), Euclidean-distance-based ranking, doi:10.1785/0120120134.
"""

import jax.numpy as jnp
from jax.scipy.special import erfc, ndtr
from jaxtyping import Array, Float

from diffseis.core import safe
from diffseis.groundmotion.base import LogNormalIM
from diffseis.groundmotion.distribution import log_density

_BANDS = 3.0
"""Standard deviations that Kale & Akkar's distances reach to."""


def likelihood_index(normalised: Float[Array, "..."]) -> Float[Array, "..."]:
    """LH of normalised residuals: the probability of larger ones. Uniform, with a median of a half, where the model is right."""
    return erfc(jnp.abs(normalised) / jnp.sqrt(2.0).astype(normalised.dtype))


def average_log_likelihood(motion: LogNormalIM, log_observed: Float[Array, " record"]) -> Float[Array, ""]:
    """LLH: bits per record that the model loses, of records taken one by one; small is good."""
    return -jnp.mean(log_density(motion, log_observed)) / jnp.log(2.0).astype(log_observed.dtype)


def data_support(scores: Float[Array, " model"]) -> Float[Array, " model"]:
    """Weights of models by their LLH: 2 to the power of its negative, brought to a sum of 1."""
    weight = 2.0 ** -(scores - jnp.min(scores))
    return weight / jnp.sum(weight)


def euclidean_distance_ranking(
    motion: LogNormalIM, log_observed: Float[Array, " record"]
) -> Float[Array, ""]:
    """EDR: mean distance of records from the model's draws, times the root of how much a trend of residuals with the mean adds. Small is good.

    The paper sums the distribution of distances in narrow bands up to 3 standard deviations beyond the residual; here the sum is its limit, an integral in closed form.
    """
    apart = log_observed - motion.mean_ln
    sigma = motion.sigma
    most = jnp.abs(apart) + _BANDS * sigma
    # The second moment of a normal variable about `apart`, cut off at plus and minus `most`.
    high, low = (most - apart) / sigma, (-most - apart) / sigma
    density = lambda z: jnp.exp(-0.5 * z**2) / jnp.sqrt(2 * jnp.pi).astype(z.dtype)
    mass = ndtr(high) - ndtr(low)
    slope = density(low) - density(high)
    bend = low * density(low) - high * density(high)
    squared = apart**2 * mass + 2 * apart * sigma * slope + sigma**2 * (mass + bend)
    return safe.sqrt(_trend(motion.mean_ln, log_observed) * jnp.mean(squared))


def _trend(mean: Float[Array, " record"], observed: Float[Array, " record"]) -> Float[Array, ""]:
    """kappa: distance of records from the means, over that after the line through them is taken out."""
    centred = mean - jnp.mean(mean)
    spread = jnp.sum(centred**2)
    slope = safe.divide(jnp.sum(centred * (observed - jnp.mean(observed))), spread)
    line = jnp.mean(observed) + slope * centred
    corrected = observed - (line - mean)
    squared = lambda x: jnp.sum((x - mean) ** 2)
    return safe.sqrt(safe.divide(squared(observed), squared(corrected)))
