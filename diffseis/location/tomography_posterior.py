"""What an inversion returns: the most probable medium, station terms and hypocentres, and how well each is known."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Key

from diffseis.location.data import EventData
from diffseis.location.linearised import Linearised
from diffseis.location.normal_equations import normal_equations
from diffseis.location.shared_solvers import AbstractSharedSolver, Spectrum
from diffseis.location.speed_prior import SpeedPrior
from diffseis.location.tomography_problem import Hypocentres, TomographyProblem, Unknowns


class TomographyPosterior(eqx.Module):
    """The most probable medium and hypocentres, and Laplace's approximation about them.

    Attributes:
        log_speed: logarithm of speed (km/s) at the nodes.
        log_speed_sd: its standard deviation, hypocentres and station terms marginalised.
        terms_s: station terms.
        terms_sd_s: their standard deviations.
        hypocentres: places and origin times.
        hypocentre_covariance: of north, east, down (km) and origin time (s), medium and terms marginalised.
        residual_s: picked minus predicted; zero in the padding.
        weight: of each pick, one for a normal law; zero in the padding.
        unknowns: all of it as unit normals of the prior.
        spectrum: what the picks tell about the shared unknowns.
        prior: of the medium.
        shared_root: square root of the shared unknowns' covariance where it is not the one that the spectrum tells (`cluster_robust`).
    """

    log_speed: Float[Array, "phase *shape"]
    log_speed_sd: Float[Array, "phase *shape"]
    terms_s: Float[Array, "station phase"]
    terms_sd_s: Float[Array, "station phase"]
    hypocentres: Hypocentres
    hypocentre_covariance: Float[Array, "event 4 4"]
    residual_s: Float[Array, "event pick"]
    weight: Float[Array, "event pick"]
    unknowns: Unknowns
    spectrum: Spectrum
    prior: SpeedPrior
    shared_root: Float[Array, "shared shared"] | None = None

    @property
    def speed_km_s(self) -> Float[Array, "phase *shape"]:
        """Speeds at the nodes: medians of the posterior."""
        return jnp.exp(self.log_speed)

    def resolution(self) -> Float[Array, "phase *shape"]:
        """One minus posterior over prior variance at every node: 0 where the picks say nothing, 1 where they say all."""
        return 1 - (self.log_speed_sd / self.prior.sd()) ** 2

    def sample(self, num: int, *, key: Key[Array, ""]) -> Float[Array, "{num} phase *shape"]:
        """Media (logarithms of speed) drawn from the posterior."""
        size = self.prior.size
        normal = jr.normal(key, (num, self.unknowns.shared.shape[0]), self.log_speed.dtype)
        spread = self.spectrum.shrink(normal) if self.shared_root is None else normal @ self.shared_root.T
        white = self.unknowns.shared[None, :] + spread
        return jax.vmap(self.prior.log_speed)(white[:, :size].reshape(num, *self.prior.shape))


def laplace_posterior(
    problem: TomographyProblem,
    data: EventData,
    solver: AbstractSharedSolver,
    unknowns: Unknowns,
    linear: Linearised,
) -> TomographyPosterior:
    """Laplace's approximation at the most probable unknowns, whose derivatives are `linear`."""
    linear = linear.weighed(problem.law.information())
    equations = normal_equations(linear, unknowns, jnp.zeros((), unknowns.shared.dtype))
    spectrum = solver.spectrum(equations)
    size, prior = problem.num_medium, problem.medium.prior

    of_medium = lambda vector: prior.scale(vector[:size].reshape(prior.shape)) ** 2

    def add(state, pair):
        """One eigenvector's part of the variances that are reduced, and of those that hypocentres inherit."""
        speed, term, hypocentre = state
        value, vector = pair
        less = value / (1 + value)
        moved = equations.of_events(equations.along_events(linear.forward(vector)))
        shared = (moved[:, :, None] * moved[:, None, :]) / (1 + value)
        terms = problem.terms_s(vector) ** 2
        return (speed - less * of_medium(vector), term - less * terms, hypocentre + shared), None

    eye = jnp.eye(unknowns.hypocentres.shape[1], dtype=unknowns.hypocentres.dtype)
    alone = jax.vmap(lambda b: equations.of_events(jnp.broadcast_to(b, unknowns.hypocentres.shape)))(eye)
    first = (
        prior.sd() ** 2,
        jnp.broadcast_to(problem.term_sd_s**2, (problem.num_stations, 2)),
        jnp.moveaxis(alone, 0, 1),
    )
    (speed, term, hypocentre), _ = jax.lax.scan(add, first, (spectrum.values, spectrum.vectors.T))
    sd = problem.hypocentre_sd
    return TomographyPosterior(
        log_speed=problem.log_speed(unknowns.shared),
        log_speed_sd=jnp.sqrt(jnp.maximum(speed, 0)),
        terms_s=problem.terms_s(unknowns.shared),
        terms_sd_s=jnp.sqrt(jnp.maximum(term, 0)),
        hypocentres=problem.hypocentres(unknowns.hypocentres),
        hypocentre_covariance=hypocentre * (sd[:, None] * sd[None, :])[None],
        residual_s=linear.residual_s,
        weight=jnp.where(data.mask, problem.law.weight(linear.residual_s / problem.sigma_s(data)), 0),
        unknowns=unknowns,
        spectrum=spectrum,
        prior=prior,
    )
