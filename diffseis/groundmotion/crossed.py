"""Random effects of events and of sites, crossed: the likelihood of records, and what solves for the effects.

References:
    Bates & DebRoy (2004), Linear mixed models and penalized least squares, doi:10.1016/j.jmva.2004.04.013.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


class Deviations(eqx.Module):
    """Standard deviations of ln: between events, between sites (0 where sites have no effect of their own) and what is left.

    Each may be one number, or `tau` one per event and `phi_ss` one per record.
    """

    tau: Float[Array, "..."]
    phi_s2s: Float[Array, ""]
    phi_ss: Float[Array, "..."]


class Slopes(eqx.Module):
    """How deviations vary: changes of ln tau by columns that belong to events, and of ln phi_ss by columns of records, with limits of 95 %. Without columns they have no entries."""

    tau: Float[Array, " event_column"]
    tau_low: Float[Array, " event_column"]
    tau_high: Float[Array, " event_column"]
    phi_ss: Float[Array, " record_column"]
    phi_ss_low: Float[Array, " record_column"]
    phi_ss_high: Float[Array, " record_column"]


class Crossed(eqx.Module):
    """The normal equations of the effects, sites eliminated: what solves and determinants need.

    Attributes:
        weight: 1 / phi_ss^2 of records.
        tau: of events.
        site_precision: of each site's effect given the events'; 1 where sites have none.
        crossed: event by site: summed weights.
        factor: Cholesky's, of what is left for the events.
    """

    weight: Float[Array, " record"]
    tau: Float[Array, " event"]
    site_precision: Float[Array, " site"]
    crossed: Float[Array, "event site"]
    factor: Float[Array, "event event"]


def log_marginal_likelihood(
    apart: Float[Array, " record"],
    deviations: Deviations,
    event: Int[Array, " record"],
    site: Int[Array, " record"],
    num_events: int,
    num_sites: int,
) -> Float[Array, ""]:
    """Log of the joint density of records, given how far they are from their means.

    Effects are scaled to standard normal ones, so that deviations of 0 are no special case. Memory: events by sites.

    Args:
        apart: ln observed minus ln median.
        deviations: of the effects; `tau` one for all or one per event, `phi_ss` one for all or one per record.
        event, site: whose each record is, from 0.
        num_events, num_sites: of them.
    """
    normal = normal_equations(apart.shape[0], deviations, event, site, num_events, num_sites)
    solved = covariance_solve(normal, deviations, apart[:, None], event, site)[:, 0]
    logs = jnp.sum(jnp.log(normal.weight)) - jnp.sum(jnp.log(normal.site_precision))
    logs = logs - 2 * jnp.sum(jnp.log(jnp.diagonal(normal.factor)))
    return 0.5 * (logs - apart @ solved - apart.shape[0] * jnp.log(2 * jnp.pi).astype(apart.dtype))


def deviations_at(
    levels: Deviations,
    tau_slope: Float[Array, " event_column"],
    phi_ss_slope: Float[Array, " record_column"],
    of_events: Float[Array, "event event_column"],
    of_records: Float[Array, "record record_column"],
) -> Deviations:
    """Deviations of events and records: ln tau = ln tau_0 + columns of the event @ slopes, and likewise of phi_ss.

    Args:
        levels: where all columns are 0.
        tau_slope, phi_ss_slope: change of the logarithm per unit of each column. Without any the levels stay as they are.
        of_events, of_records: the columns.
    """
    tau, phi_ss = levels.tau, levels.phi_ss
    if tau_slope.shape[0]:
        tau = tau * jnp.exp(of_events @ tau_slope)
    if phi_ss_slope.shape[0]:
        phi_ss = phi_ss * jnp.exp(of_records @ phi_ss_slope)
    return Deviations(tau, levels.phi_s2s, phi_ss)


def normal_equations(num, deviations, event, site, num_events, num_sites) -> Crossed:
    """Of as many records."""
    weight = jnp.broadcast_to(1 / deviations.phi_ss**2, (num,))
    tau = jnp.broadcast_to(deviations.tau, (num_events,))
    by_event = jax.ops.segment_sum(weight, event, num_segments=num_events)
    by_site = jax.ops.segment_sum(weight, site, num_segments=num_sites)
    pair = event * num_sites + site
    crossed = jax.ops.segment_sum(weight, pair, num_segments=num_events * num_sites)
    crossed = tau[:, None] * deviations.phi_s2s * crossed.reshape(num_events, num_sites)
    site_precision = 1 + deviations.phi_s2s**2 * by_site
    left = jnp.diag(1 + tau**2 * by_event) - (crossed / site_precision[None, :]) @ crossed.T
    return Crossed(weight, tau, site_precision, crossed, jnp.linalg.cholesky(left))


def scaled_effects(normal: Crossed, deviations: Deviations, right, event, site):
    """Effects of events and sites, standard normal ones, that fit columns of records."""
    sums = lambda x, index, number: jax.ops.segment_sum(x, index, num_segments=number)
    weighted = normal.weight[:, None] * right
    of_events = normal.tau[:, None] * sums(weighted, event, normal.factor.shape[0])
    of_sites = deviations.phi_s2s * sums(weighted, site, normal.site_precision.shape[0])
    scaled = of_sites / normal.site_precision[:, None]
    events = jax.scipy.linalg.cho_solve((normal.factor, True), of_events - normal.crossed @ scaled)
    sites = (of_sites - normal.crossed.T @ events) / normal.site_precision[:, None]
    return events, sites


def covariance_solve(normal: Crossed, deviations: Deviations, right, event, site):
    """The inverse of the records' covariance, times columns."""
    events, sites = scaled_effects(normal, deviations, right, event, site)
    fitted = (normal.tau[:, None] * events)[event] + deviations.phi_s2s * sites[site]
    return normal.weight[:, None] * (right - fitted)


def own_variances(normal: Crossed):
    """Of the scaled effects of events and of sites given the records: diagonals of the inverse of the normal equations."""
    eye = jnp.eye(normal.factor.shape[0], dtype=normal.factor.dtype)
    inverse = jax.scipy.linalg.cho_solve((normal.factor, True), eye)
    scaled = normal.crossed / normal.site_precision[None, :]
    of_sites = 1 / normal.site_precision + jnp.einsum("es,ef,fs->s", scaled, inverse, scaled)
    return jnp.diagonal(inverse), of_sites
