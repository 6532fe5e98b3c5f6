"""Probabilities of log-normal ground motion, truncated or not."""

import jax.numpy as jnp
from jax.scipy.special import log_ndtr, ndtr
from jaxtyping import Array, Float

from diffseis.groundmotion.base import LogNormalIM


def log_density(motion: LogNormalIM, log_level: Float[Array, "..."]) -> Float[Array, "..."]:
    """Of the natural logarithm of the measure."""
    z = (log_level - motion.mean_ln) / motion.sigma
    return -0.5 * z**2 - jnp.log(motion.sigma) - 0.5 * jnp.log(2 * jnp.pi).astype(z.dtype)


def log_exceedance(motion: LogNormalIM, log_level: Float[Array, "..."]) -> Float[Array, "..."]:
    """Log of the probability of more than a level; accurate, and with finite derivatives, far into both tails."""
    return log_ndtr((motion.mean_ln - log_level) / motion.sigma)


def exceedance(
    motion: LogNormalIM, log_level: Float[Array, "..."], *, truncation: float | None = None
) -> Float[Array, "..."]:
    """Probability of more than a level.

    Args:
        motion: of the measure.
        log_level: natural logarithm of levels, in the measure's units; broadcast against the motion.
        truncation: standard deviations at which the distribution is cut off on both sides and brought to a sum of 1, as hazard codes do; 0 leaves the median alone.
    """
    z = (log_level - motion.mean_ln) / motion.sigma
    if truncation is None:
        return ndtr(-z)
    if truncation == 0:
        return (motion.mean_ln > log_level).astype(z.dtype)
    low = ndtr(jnp.asarray(-truncation, z.dtype))
    return jnp.clip((ndtr(-z) - low) / (1 - 2 * low), 0, 1)
