"""Are these particles the posterior, and are these posteriors right?

References:
    Liu, Lee & Jordan (2016), A kernelized Stein discrepancy for goodness-of-fit tests, arXiv:1602.03253.
    Gorham & Mackey (2017), Measuring sample quality with kernels, arXiv:1703.01717 (inverse multiquadric kernel).
    Kong (1992), A note on importance sampling using standardized weights (effective sample size).
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def effective_sample_size(log_weight: Float[Array, " point"]) -> Float[Array, ""]:
    """Kong's effective sample size of unnormalised log weights."""
    w = jax.nn.softmax(log_weight)
    return 1 / jnp.sum(w * w)


def kernel_stein_discrepancy(
    position: Float[Array, "particle dim"], score: Float[Array, "particle dim"]
) -> Float[Array, ""]:
    """Kernelised Stein discrepancy of equally weighted particles, inverse multiquadric kernel (1 + |x - y|^2)^(-1/2).

    Give whitened coordinates: then n independent draws score about ``sqrt((dim + |score|^2) / n)``.

    Args:
        position: particles.
        score: gradient of the log density at each.
    """
    num, dim = position.shape
    inner = position @ position.T
    square = jnp.diagonal(inner)
    distance2 = jnp.maximum(square[:, None] + square[None, :] - 2 * inner, 0)
    k = jax.lax.rsqrt(1 + distance2)
    k3 = k * k * k
    # d k / d x = -(x - y) k^3, d k / d y its negative: their scalar products with the scores, by products of matrices.
    along = score @ position.T
    own = jnp.diagonal(along)
    cross = (own[:, None] + own[None, :] - along - along.T) * k3
    trace = dim * k3 - 3 * distance2 * k3 * k * k
    return jnp.sqrt(jnp.maximum(jnp.sum((score @ score.T) * k + cross + trace), 0)) / num


def credible_level(
    log_density: Float[Array, " particle"], log_density_truth: Float[Array, ""]
) -> Float[Array, ""]:
    """Probability of the smallest region of highest density that holds the truth.

    Uniform on [0, 1] over repetitions if, and only if, the posteriors are calibrated: the truth is then one more draw.
    The share of particles that are denser than the truth, each end counted half.
    """
    denser = jnp.sum(log_density > log_density_truth)
    return (denser.astype(log_density.dtype) + 0.5) / (log_density.shape[0] + 1)
