"""Draws of the medium beyond Laplace's approximation, by any sampler of `inference`."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from diffseis.inference import AbstractSampler, Draws, Modes, run_sampler
from diffseis.location.data import EventData
from diffseis.location.linearised import hypocentre_columns
from diffseis.location.tomography_posterior import TomographyPosterior
from diffseis.location.tomography_problem import (
    NUM_EVENT_UNKNOWNS,
    TomographyProblem,
    arrival_s,
    travel_times,
)


def shared_log_density(
    problem: TomographyProblem,
    data: EventData,
    hypocentres: Float[Array, "event 4"],
    shared: Float[Array, " shared"],
    *,
    num_steps: int = 3,
) -> Float[Array, ""]:
    """Log posterior density of the shared unknowns, each event's hypocentre integrated out about its best place in that medium.

    Exact where times are linear in the hypocentres within their uncertainty (Laplace's formula, event by event).

    Args:
        problem, data: as of `invert_travel_times`.
        hypocentres: unit normals from which the best places are sought (those of the inversion).
        shared: unit normals of medium and station terms.
        num_steps: Gauss-Newton steps of the hypocentres.

    References:
        Tierney & Kadane (1986), doi:10.1080/01621459.1986.10478240.
    """
    times = problem.medium.times(problem.log_speed(shared))
    terms = problem.terms_at_picks(shared, data)
    sigma = problem.sigma_s(data)
    eye = jnp.eye(NUM_EVENT_UNKNOWNS, dtype=shared.dtype)

    def look(white):
        """Residuals, the equations' Cholesky factors and the slope of the hypocentres."""
        places = problem.hypocentres(white)
        travel, derivative = jax.linearize(lambda ned: travel_times(times, ned, data), places.ned_km)
        everywhere = lambda d: derivative(jnp.broadcast_to(d, places.ned_km.shape))
        by_place = jax.vmap(everywhere)(jnp.eye(3, dtype=shared.dtype))
        residual = arrival_s(data) - travel - places.origin_time_s[:, None] - terms
        residual = jnp.where(data.mask, residual, 0)
        scale = jnp.where(data.mask, jnp.sqrt(problem.law.weight(residual / sigma)) / sigma, 0)
        columns = hypocentre_columns(problem, by_place, scale, data)
        factor = jnp.linalg.cholesky(jnp.einsum("epk,epl->ekl", columns, columns) + eye[None])
        return residual, factor, jnp.einsum("epk,ep->ek", columns, scale * residual) - white

    def step(_, white):
        _, factor, slope = look(white)
        return white + jax.vmap(lambda f, b: jax.scipy.linalg.cho_solve((f, True), b))(factor, slope)

    # At the best place the density does not change with the place to first order: its derivative needs none of the steps'.
    white = jax.lax.stop_gradient(jax.lax.fori_loop(0, num_steps, step, hypocentres))
    residual, factor, _ = look(white)
    prior = jnp.sum(shared**2) + jnp.sum(white**2)
    volume = jnp.sum(jnp.log(jnp.diagonal(factor, axis1=1, axis2=2)))
    return problem.log_likelihood(residual, data) - 0.5 * prior - volume


def sample_medium(
    problem: TomographyProblem,
    data: EventData,
    value: TomographyPosterior,
    sampler: AbstractSampler,
    *,
    key: Key[Array, ""],
) -> tuple[Float[Array, "particle phase *shape"], Draws]:
    """Media drawn by a sampler (`SVGD`, `NUTS`) that starts from Laplace's approximation; for some dozens of shared unknowns.

    Args:
        problem, data: as of `invert_travel_times`.
        value: what that found, with the complete spectrum of `Dense`.
        sampler: of `diffseis.inference`.
        key: random key.

    Returns:
        Logarithms of speed (km/s) of every particle, and the draws of the shared unit normals.

    Example:
        ``sample_medium(problem, data, solution.value, SVGD(500), key=jax.random.key(0))``
    """
    data = jax.tree.map(jnp.asarray, data)
    mean = value.unknowns.shared
    if value.spectrum.values.shape[0] != mean.shape[0]:
        raise ValueError("samplers need the complete spectrum; invert with `Dense()`")
    white = value.unknowns.hypocentres
    density = jax.jit(lambda shared: shared_log_density(problem, data, white, shared))
    vectors = value.spectrum.vectors
    covariance = (
        jnp.eye(mean.shape[0], dtype=mean.dtype) - (vectors * value.spectrum.reduction()[None, :]) @ vectors.T
    )
    modes = Modes(
        location=mean[None],
        covariance=covariance[None],
        log_density=density(mean)[None],
        log_weight=jnp.zeros(1, mean.dtype),
        converged=jnp.ones(1, bool),
    )
    draws, _ = jax.jit(lambda k: run_sampler(sampler, density, modes, key=k))(key)
    return jax.vmap(problem.log_speed)(draws.position), draws
