"""Ground motion of one earthquake at many places, given what some of them recorded.

Logarithms at all places are jointly normal: the term of the event is common to all, what is left within it is correlated over distance. Conditioned on records, the event's term is estimated with them, and places near them are known better.

References:
    Jayaram & Baker (2009), Correlation model for spatially distributed ground-motion intensities, doi:10.1002/eqe.922.
    Worden, Thompson, Baker, Bradley, Luco & Wald (2018), Spatial and spectral interpolation of ground-motion intensity measures, doi:10.1785/0120170201.
    Engler, Worden, Thompson & Jaiswal (2022), Partitioning ground motion uncertainty when conditioned on station data, doi:10.1785/0120210177.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.core import safe
from diffseis.groundmotion.base import LogNormalIM
from diffseis.groundmotion.measures import Measure


class ConditionedMotion(eqx.Module):
    """At places, given records.

    Attributes:
        mean_ln: of the logarithm.
        sigma: its standard deviation.
        event_term: of the earthquake, in units of `tau`: its mean.
        event_sd: and standard deviation.
    """

    mean_ln: Float[Array, " place"]
    sigma: Float[Array, " place"]
    event_term: Float[Array, ""]
    event_sd: Float[Array, ""]


def correlation_range_km(measure: Measure, *, clustered: bool = False) -> float:
    """Distance at which residuals within events are correlated by exp(-3), Jayaram & Baker (2009).

    Args:
        measure: PGA counts as a period of 0, PGV as one of 1 s.
        clustered: whether the VS30 of neighbouring places are alike.
    """
    period = {"PGA": 0.0, "PGV": 1.0}.get(measure.kind, measure.period_s)
    if measure.kind not in ("PGA", "PGV", "SA"):
        raise ValueError(f"no range of correlation is known for {measure}; give one in km")
    if period >= 1:
        return 22.0 + 3.7 * period
    return 40.7 - 15.0 * period if clustered else 8.5 + 17.2 * period


def spatial_correlation(
    first_km: Float[Array, "place 2"], second_km: Float[Array, "other 2"], range_km: Float[Array, ""]
) -> Float[Array, "place other"]:
    """exp(-3 distance / range)."""
    apart = safe.norm(first_km[:, None, :] - second_km[None, :, :])
    return jnp.exp(-3 * apart / range_km)


def condition_on_records(
    places_km: Float[Array, "place 2"],
    motion: LogNormalIM,
    stations_km: Float[Array, "station 2"],
    recorded: Float[Array, " station"],
    at_stations: LogNormalIM,
    range_km: Float[Array, ""],
    measurement_sd: Float[Array, " station"] | None = None,
) -> ConditionedMotion:
    """Ground motion at places given records of the same earthquake and measure.

    Args:
        places_km: local north and east.
        motion: of the model at the places, one measure.
        stations_km: local north and east of the stations.
        recorded: natural logarithms.
        at_stations: of the model there.
        range_km: of the correlation within the event.
        measurement_sd: of the records, in ln: 0 for instruments, more for felt intensities that were converted.
    """
    noise = jnp.zeros_like(recorded) if measurement_sd is None else measurement_sd
    within = lambda a, b, x, y: a.phi[:, None] * b.phi[None, :] * spatial_correlation(x, y, range_km)
    own = within(at_stations, at_stations, stations_km, stations_km) + jnp.diag(noise**2)
    # Records at one place would make the matrix singular.
    own = own + jnp.diag(1e-9 * at_stations.phi**2)
    factor = (jnp.linalg.cholesky(own), True)
    apart = recorded - at_stations.mean_ln
    solve = lambda right: jax.scipy.linalg.cho_solve(factor, right)
    precision = 1 + at_stations.tau @ solve(at_stations.tau)
    event_term = (at_stations.tau @ solve(apart)) / precision
    cross = within(motion, at_stations, places_km, stations_km)
    weights = solve(cross.T).T
    left_tau = motion.tau - weights @ at_stations.tau
    mean = motion.mean_ln + weights @ apart + left_tau * event_term
    variance = motion.phi**2 - jnp.sum(weights * cross, axis=1) + left_tau**2 / precision
    return ConditionedMotion(mean, safe.sqrt(jnp.maximum(variance, 0)), event_term, 1 / jnp.sqrt(precision))
