r"""How probable the picks are, given a hypocentre.

Every likelihood sees the picks reduced by the predicted travel time, :math:`q_i = t_i - T_i(x) - c_i`: each is that pick's own
idea of the origin time. The standard deviation of a pick has two parts: reading it, and predicting it. The second grows
with travel time, and is shared by stations close to each other.

References:
    Tarantola & Valette (1982), Inverse problems = quest for information, J. Geophys. 50, 159-170 (origin time in closed form).
    Lomax et al. (2000), Probabilistic earthquake location in 3D and layered models, doi:10.1007/978-94-015-9536-0_5.
    Font et al. (2004), Hypocentre determination offshore of eastern Taiwan using the maximum intersection method,
    doi:10.1111/j.1365-246X.2004.02317.x (equal differential times).
    Smith et al. (2022), HypoSVI, doi:10.1093/gji/ggab309.
"""

import abc
import math

import equinox as eqx
import jax
import jax.numpy as jnp
from equinox import AbstractClassVar, AbstractVar
from jaxtyping import Array, Float, PyTree

from diffseis.location.data import EventData

Picks = Float[Array, " pick"]


class TravelTimeError(eqx.Module):
    """Standard deviation of a predicted travel time: a fraction of it, within bounds.

    Attributes:
        fraction: of the travel time; 0 switches the error off altogether.
        minimum_s, maximum_s: bounds.
        correlation_km: errors of one phase at two stations at distance d correlate by exp(-d^2 / (2 L^2)); 0 makes them
            independent.
    """

    fraction: Float[Array, ""]
    minimum_s: Float[Array, ""]
    maximum_s: Float[Array, ""]
    correlation_km: Float[Array, ""]

    def __init__(self, fraction=0.02, minimum_s=0.05, maximum_s=2.0, *, correlation_km=3.0):
        if not fraction >= 0 or not 0 <= minimum_s <= maximum_s or not correlation_km >= 0:
            raise ValueError(
                "a travel-time error needs `fraction` >= 0, 0 <= `minimum_s` <= `maximum_s` and `correlation_km` >= 0, got "
                f"{fraction}, {minimum_s}, {maximum_s}, {correlation_km}"
            )
        self.fraction = jnp.asarray(fraction, float)
        self.minimum_s = jnp.asarray(minimum_s, float)
        self.maximum_s = jnp.asarray(maximum_s, float)
        self.correlation_km = jnp.asarray(correlation_km, float)

    def sigma_s(self, travel_time_s: Picks) -> Picks:
        """Standard deviation in s of each predicted time."""
        sigma = jnp.clip(self.fraction * travel_time_s, self.minimum_s, self.maximum_s)
        return jnp.where(self.fraction > 0, sigma, 0)

    def correlation(self, data: EventData) -> Float[Array, "pick pick"]:
        """Correlation between the errors of the picks."""
        position = jnp.where(data.mask[:, None], data.receiver_ned_km, 0)
        difference = position[:, None, :] - position[None, :, :]
        length = jnp.where(self.correlation_km > 0, self.correlation_km, 1)
        near = jnp.exp(-0.5 * jnp.sum(difference**2, axis=-1) / length**2)
        near = jnp.where(self.correlation_km > 0, near, 0)
        near = jnp.where(data.phase_idx[:, None] == data.phase_idx[None, :], near, 0)
        return jnp.where(jnp.eye(near.shape[0], dtype=bool), 1, near)


class AbstractLikelihood(eqx.Module):
    """Probability of the picks of one event.

    Laws, tested on every implementation: padding changes nothing; the order of the picks changes nothing; a common shift
    of all picks moves only the origin time; where `normalised`, it integrates to one over the picks.
    """

    error: AbstractVar[TravelTimeError]
    samples_origin_time: AbstractClassVar[bool]
    """Whether the origin time is a fourth unknown, or is dealt with inside."""
    normalised: AbstractClassVar[bool]

    @abc.abstractmethod
    def prepare(self, travel_time_s: Picks, data: EventData) -> PyTree:
        """Work done once per event, with travel times from near the solution (a covariance to factorise)."""

    @abc.abstractmethod
    def log_prob(
        self,
        reduced_s: Picks,
        travel_time_s: Picks,
        origin_time_s: Float[Array, ""],
        data: EventData,
        prepared: PyTree,
        softness_s: Float[Array, ""],
    ) -> Float[Array, ""]:
        """Log probability density of the picks.

        Args:
            reduced_s: picked minus predicted time, origin time not subtracted.
            travel_time_s: predicted.
            origin_time_s: used only if `samples_origin_time`.
            data: the picks.
            prepared: from `prepare`, or `None` for the uncorrelated form that starts need.
            softness_s: further standard deviation, to see a sharp likelihood from afar; 0 for the real one.
        """

    @abc.abstractmethod
    def origin_time(
        self, reduced_s: Picks, travel_time_s: Picks, data: EventData, prepared: PyTree
    ) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """Mean and standard deviation of the origin time, given the place."""

    @abc.abstractmethod
    def outlier_probability(self, residual_s: Picks, travel_time_s: Picks, data: EventData) -> Picks:
        """Probability that each pick is an outlier, given its residual."""

    @abc.abstractmethod
    def sigma_s(self, travel_time_s: Picks, data: EventData) -> Picks:
        """Total standard deviation of each pick."""


def total_sigma(error: TravelTimeError, travel_time_s: Picks, data: EventData, softness_s) -> Picks:
    """Pick and travel-time error together."""
    sigma = jnp.where(data.mask, data.sigma_s, 1)
    return jnp.sqrt(sigma**2 + error.sigma_s(travel_time_s) ** 2 + softness_s**2)


class InlierOutlier(AbstractLikelihood):
    """A pick is good (normal) with probability 1 - e, or wrong (Cauchy, of the order of a second) with probability e.

    The default. A gross error costs at most a few units of log likelihood, however gross, and every pick comes back with the
    probability that it is one. Errors of different picks are independent.
    """

    error: TravelTimeError
    outlier_fraction: Float[Array, ""]
    outlier_scale_s: Float[Array, ""]
    samples_origin_time = True
    normalised = True

    def __init__(self, error: TravelTimeError | None = None, *, outlier_fraction=0.05, outlier_scale_s=1.0):
        if not 0 < outlier_fraction < 1 or not outlier_scale_s > 0:
            raise ValueError(
                f"`outlier_fraction` must lie in (0, 1) and `outlier_scale_s` be > 0, got {outlier_fraction}, {outlier_scale_s}"
            )
        self.error = TravelTimeError() if error is None else error
        self.outlier_fraction = jnp.asarray(outlier_fraction, float)
        self.outlier_scale_s = jnp.asarray(outlier_scale_s, float)

    def prepare(self, travel_time_s, data):
        return None

    def _parts(self, residual_s, travel_time_s, data, softness_s):
        """Probability densities of being good with this residual, and of being wrong with it."""
        sigma = total_sigma(self.error, travel_time_s, data, softness_s)
        scale2 = self.outlier_scale_s**2 + softness_s**2
        good = (
            (1 - self.outlier_fraction)
            / math.sqrt(2 * math.pi)
            * jnp.exp(-0.5 * (residual_s / sigma) ** 2)
            / sigma
        )
        bad = self.outlier_fraction / math.pi * jnp.sqrt(scale2) / (scale2 + residual_s**2)
        return good, bad

    def log_prob(self, reduced_s, travel_time_s, origin_time_s, data, prepared, softness_s):
        good, bad = self._parts(reduced_s - origin_time_s, travel_time_s, data, softness_s)
        # The Cauchy part never underflows, so the plain sum of densities is safe.
        return jnp.sum(jnp.where(data.mask, jnp.log(good + bad), 0))

    def origin_time(self, reduced_s, travel_time_s, data, prepared):
        return robust_origin_time(self, reduced_s, travel_time_s, data)

    def outlier_probability(self, residual_s, travel_time_s, data):
        good, bad = self._parts(residual_s, travel_time_s, data, jnp.zeros((), residual_s.dtype))
        return bad / (good + bad)

    def sigma_s(self, travel_time_s, data):
        return total_sigma(self.error, travel_time_s, data, jnp.zeros((), travel_time_s.dtype))


class StudentT(AbstractLikelihood):
    """Independent Student-t errors: a smooth compromise between `Gaussian` and `InlierOutlier`.

    Attributes:
        dof: degrees of freedom; below about 5 it is robust.
    """

    error: TravelTimeError
    dof: Float[Array, ""]
    samples_origin_time = True
    normalised = True

    def __init__(self, error: TravelTimeError | None = None, *, dof=4.0):
        if not dof > 0:
            raise ValueError(f"`dof` must be > 0, got {dof}")
        self.error = TravelTimeError() if error is None else error
        self.dof = jnp.asarray(dof, float)

    def prepare(self, travel_time_s, data):
        return None

    def log_prob(self, reduced_s, travel_time_s, origin_time_s, data, prepared, softness_s):
        sigma = total_sigma(self.error, travel_time_s, data, softness_s)
        half = 0.5 * (self.dof + 1)
        norm = (
            jax.scipy.special.gammaln(half)
            - jax.scipy.special.gammaln(0.5 * self.dof)
            - 0.5 * jnp.log(math.pi * self.dof)
        )
        density = (
            norm - jnp.log(sigma) - half * jnp.log1p(((reduced_s - origin_time_s) / sigma) ** 2 / self.dof)
        )
        return jnp.sum(jnp.where(data.mask, density, 0))

    def origin_time(self, reduced_s, travel_time_s, data, prepared):
        return robust_origin_time(self, reduced_s, travel_time_s, data)

    def outlier_probability(self, residual_s, travel_time_s, data):
        # One minus the weight that maximum likelihood gives the pick, relative to a perfect one.
        sigma = self.sigma_s(travel_time_s, data)
        return 1 - 1 / (1 + (residual_s / sigma) ** 2 / self.dof)

    def sigma_s(self, travel_time_s, data):
        return total_sigma(self.error, travel_time_s, data, jnp.zeros((), travel_time_s.dtype))


def robust_origin_time(
    likelihood, reduced_s: Picks, travel_time_s: Picks, data: EventData, num_steps: int = 20
):
    """Origin time by iteratively reweighted means, from the pick that most others agree with."""
    sigma = likelihood.sigma_s(travel_time_s, data)
    information = jnp.where(data.mask, sigma**-2, 0)
    closeness = jnp.exp(-jnp.abs(reduced_s[:, None] - reduced_s[None, :]) / (3 * sigma[None, :]))
    support = jnp.sum(jnp.where(data.mask[None, :], closeness, 0), axis=1)
    start = reduced_s[jnp.argmax(jnp.where(data.mask, support, -1))]

    def body(_, origin):
        good = 1 - likelihood.outlier_probability(reduced_s - origin, travel_time_s, data)
        weight = information * good
        return jnp.sum(weight * jnp.where(data.mask, reduced_s, 0)) / jnp.maximum(jnp.sum(weight), 1e-30)

    origin = jax.lax.fori_loop(0, num_steps, body, start)
    good = 1 - likelihood.outlier_probability(reduced_s - origin, travel_time_s, data)
    return origin, 1 / jnp.sqrt(jnp.maximum(jnp.sum(information * good), 1e-12))
