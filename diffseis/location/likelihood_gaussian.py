"""Normal errors with a full covariance, the origin time integrated out in closed form."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.location.likelihood import AbstractLikelihood, TravelTimeError, total_sigma


class Gaussian(AbstractLikelihood):
    r"""Normal errors: reading errors are independent, travel-time errors correlate between neighbouring stations.

    With :math:`C = \mathrm{diag}(\sigma_i^2) + s_i s_j \rho_{ij}` and a flat prior on the origin time, that time integrates out:
    :math:`\log p = -\frac12 (q^T C^{-1} q - (1^T C^{-1} q)^2 / 1^T C^{-1} 1) - \frac12 \log |C| - \frac12 \log 1^T C^{-1} 1
    + const`. `C` is factorised once per event, with the travel times of the best hypocentre (it varies slowly, the
    factorisation is what costs); where the region is so wide that this matters, use `InlierOutlier`.

    No outliers: one gross error moves the hypocentre as far as it likes.
    """

    error: TravelTimeError
    samples_origin_time = False
    normalised = True

    def __init__(self, error: TravelTimeError | None = None):
        self.error = TravelTimeError() if error is None else error

    def prepare(self, travel_time_s, data) -> Float[Array, "pick pick"]:
        """Inverse of the Cholesky factor of the covariance; rows and columns of the padding are zero."""
        sigma_t = self.error.sigma_s(travel_time_s)
        sigma_t = jnp.where(data.mask, sigma_t, 0)
        covariance = self.error.correlation(data) * (sigma_t[:, None] * sigma_t[None, :])
        covariance = covariance + jnp.diag(jnp.where(data.mask, data.sigma_s**2, 1))
        factor = jnp.linalg.cholesky(covariance)
        eye = jnp.eye(factor.shape[0], dtype=factor.dtype)
        inverse = jax.scipy.linalg.solve_triangular(factor, eye, lower=True)
        return jnp.where(data.mask[:, None] & data.mask[None, :], inverse, 0)

    def _sums(self, reduced_s, travel_time_s, data, prepared, softness_s):
        """1' C^-1 1, 1' C^-1 q, q' C^-1 q (about a near value of q, for the digits) and log |C|."""
        ones = data.mask.astype(reduced_s.dtype)
        if prepared is None:
            sigma = total_sigma(self.error, travel_time_s, data, softness_s)
            w = jnp.where(data.mask, sigma**-2, 0)
            log_det = jnp.sum(jnp.where(data.mask, 2 * jnp.log(sigma), 0))
            first = jnp.sum(w * jnp.where(data.mask, reduced_s, 0)) / jnp.sum(w)
            centred = jnp.where(data.mask, reduced_s - first, 0)
            return jnp.sum(w), jnp.sum(w * centred), jnp.sum(w * centred**2), log_det, first
        first = jnp.sum(jnp.where(data.mask, reduced_s, 0)) / jnp.maximum(jnp.sum(ones), 1)
        centred = jnp.where(data.mask, reduced_s - first, 0)
        one, q = prepared @ ones, prepared @ centred
        diagonal = jnp.diagonal(prepared)
        log_det = -2 * jnp.sum(jnp.where(data.mask, jnp.log(jnp.where(data.mask, diagonal, 1)), 0))
        return one @ one, one @ q, q @ q, log_det, first

    def log_prob(self, reduced_s, travel_time_s, origin_time_s, data, prepared, softness_s):
        a, b, c, log_det, _ = self._sums(reduced_s, travel_time_s, data, prepared, softness_s)
        num = jnp.sum(data.mask.astype(reduced_s.dtype))
        return -0.5 * (c - b * b / a + log_det + jnp.log(a) + (num - 1) * math.log(2 * math.pi))

    def origin_time(self, reduced_s, travel_time_s, data, prepared):
        zero = jnp.zeros((), reduced_s.dtype)
        a, b, _, _, first = self._sums(reduced_s, travel_time_s, data, prepared, zero)
        return first + b / a, 1 / jnp.sqrt(a)

    def outlier_probability(self, residual_s, travel_time_s, data):
        return jnp.zeros_like(residual_s)

    def sigma_s(self, travel_time_s, data):
        return total_sigma(self.error, travel_time_s, data, jnp.zeros((), travel_time_s.dtype))
