"""Hazard: rates at which levels of ground motion are exceeded at a site, with derivatives by everything that they depend on.

Everything is a sum over the scenarios of the sources: no sampling.

References:
    Cornell (1968), Bulletin of the Seismological Society of America 58, 1583-1606.
    McGuire (2004), Seismic hazard and risk analysis, EERI MNO-10.
    Bazzurro & Cornell (1999), Disaggregation of seismic hazard, Bulletin of the Seismological Society of America 89, 501-520.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from diffseis.core import safe
from diffseis.groundmotion.base import AbstractGroundMotionModel, LogNormalIM, Site, ground_motions
from diffseis.groundmotion.distribution import exceedance
from diffseis.groundmotion.sources import AbstractSources, Scenarios, scenarios_of

_ROWS = 4096
"""Scenarios that are computed at once, about."""


def hazard_curve(
    model: AbstractGroundMotionModel,
    sources: AbstractSources,
    site: Site,
    site_ned_km: Float[Array, "3"],
    log_levels: Float[Array, "measure level"],
    *,
    num_magnitudes: int = 20,
    truncation: float | None = None,
) -> Float[Array, "measure level"]:
    """Yearly rates at which levels are exceeded at one site. Those of several groups of sources add up.

    Args:
        model: any.
        sources: of earthquakes.
        site: its ground (distances are computed here).
        site_ned_km: its place.
        log_levels: natural logarithms of levels, by measure of the model.
        num_magnitudes: bins of laws that are continuous.
        truncation: of the distribution, in standard deviations; see `exceedance`.
    """
    units, size = _chunks(sources, num_magnitudes)

    # Chunk by chunk, forgetting what is within, so that memory does not grow with the sources, backwards neither.
    @jax.checkpoint
    def of_chunk(unit, there):
        rows = _scenarios(sources, unit, num_magnitudes)
        motion = ground_motions(model, rows.rupture, rows.at(site, site_ned_km))
        wide = LogNormalIM(*(x[:, :, None] for x in (motion.mean_ln, motion.tau, motion.phi)))
        chance = exceedance(wide, log_levels[:, None, :], truncation=truncation)
        rate = rows.rate * jnp.repeat(there, rows.rate.shape[0] // size)
        return jnp.einsum("p,mpl->ml", rate, chance)

    add = lambda total, chunk: (total + of_chunk(*chunk), None)
    there = (jnp.arange(units.size) < sources.source.shape[0]).reshape(units.shape).astype(log_levels.dtype)
    return jax.lax.scan(add, jnp.zeros_like(log_levels), (units, there))[0]


class Contributions(eqx.Module):
    """What each scenario adds to the rate of exceeding one level; arrays of one length.

    Attributes:
        source: which source each belongs to.
        magnitude, rrup_km: of the scenarios.
        epsilon: standard deviations of the level above the mean.
        rate: per year.
    """

    source: Int[Array, " scenario"]
    magnitude: Float[Array, " scenario"]
    rrup_km: Float[Array, " scenario"]
    epsilon: Float[Array, " scenario"]
    rate: Float[Array, " scenario"]


def disaggregate(
    model: AbstractGroundMotionModel,
    sources: AbstractSources,
    site: Site,
    site_ned_km: Float[Array, "3"],
    log_level: Float[Array, ""],
    *,
    measure: Int[Array, ""] | int = 0,
    num_magnitudes: int = 20,
    truncation: float | None = None,
) -> Contributions:
    """Contributions of all scenarios to the rate of one level.

    Args:
        model: any.
        sources: of earthquakes.
        site: its ground.
        site_ned_km: its place.
        log_level: natural logarithm of the level.
        measure: which of the model's.
        num_magnitudes: bins of laws that are continuous.
        truncation: of the distribution, in standard deviations.
    """
    units, size = _chunks(sources, num_magnitudes)

    def of_chunk(unit):
        rows = _scenarios(sources, unit, num_magnitudes)
        where = rows.at(site, site_ned_km)
        motion = jax.tree.map(lambda x: x[measure], ground_motions(model, rows.rupture, where))
        rate = rows.rate * exceedance(motion, log_level, truncation=truncation)
        source = jnp.repeat(sources.source[unit], rows.rate.shape[0] // size)
        epsilon = (log_level - motion.mean_ln) / motion.sigma
        return Contributions(source, rows.rupture.magnitude, where.rrup_km, epsilon, rate)

    found = jax.lax.map(of_chunk, units)
    num = sources.source.shape[0] * (found.rate.size // units.size)
    return jax.tree.map(lambda x: x.reshape(-1)[:num], found)


def probability_in(rate: Float[Array, "..."], years: float) -> Float[Array, "..."]:
    """Of at least one exceedance in some years, of a Poisson process."""
    return -jnp.expm1(-rate * years)


def level_at_rate(
    log_levels: Float[Array, "measure level"], rates: Float[Array, "measure level"], rate: float
) -> Float[Array, " measure"]:
    """Natural logarithms of the levels that are exceeded at a rate: straight lines between the logarithms of a curve's points. NaN where the curve does not reach it.

    Args:
        log_levels: growing.
        rates: of a `hazard_curve`, per year.
        rate: per year, such as 1/475.
    """
    wanted = jnp.log(jnp.asarray(rate, rates.dtype))

    def one(levels, rates):
        # Interpolation wants growing abscissae.
        falling = safe.log(rates)[::-1]
        within = (wanted >= falling[0]) & (wanted <= falling[-1])
        return jnp.where(within, jnp.interp(wanted, falling, levels[::-1]), jnp.nan)

    return jax.vmap(one)(log_levels, rates)


def _chunks(sources: AbstractSources, num_magnitudes: int) -> tuple[Int[Array, "chunk unit"], int]:
    """Numbers of units in chunks of equal size, the last unit repeated at the end, and that size."""
    num = sources.source.shape[0]
    shape = jax.eval_shape(lambda s: scenarios_of(s, jnp.asarray(0), num_magnitudes).rate, sources).shape
    size = min(num, max(1, _ROWS // shape[0]))
    chunks = -(-num // size)
    return jnp.minimum(jnp.arange(chunks * size), num - 1).reshape(chunks, size), size


def _scenarios(sources: AbstractSources, unit: Int[Array, " unit"], num_magnitudes: int) -> Scenarios:
    """Of several units, one after the other."""
    found = jax.vmap(lambda u: scenarios_of(sources, u, num_magnitudes))(unit)
    return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), found)
