"""Residuals of records to a model: total, between events and within events.

ln Y_j = mean_j + tau_j b_e + phi_j w_j, with b of each event and w of each record standard normal. b is its mean given the records (the best linear unbiased prediction), which for deviations that are the same for all records of an event
is that of Abrahamson & Youngs.

References:
    Abrahamson & Youngs (1992), Bulletin of the Seismological Society of America 82, 505-510.
    Al Atik et al. (2010), The variability of ground-motion prediction models and its components, doi:10.1785/gssrl.81.5.794.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from diffseis.groundmotion.base import LogNormalIM


class Residuals(eqx.Module):
    """Of one measure; records that are not there have 0.

    Attributes:
        total: of records, over the total standard deviation.
        between: event terms, over `tau`; 0 of events without a record.
        within: of records, over `phi`.
        between_sd: standard deviation of `between` that is left, given the records: 1 without any, small with many.
    """

    total: Float[Array, " record"]
    between: Float[Array, " event"]
    within: Float[Array, " record"]
    between_sd: Float[Array, " event"]


def event_residuals(
    log_observed: Float[Array, " record"],
    motion: LogNormalIM,
    event: Int[Array, " record"],
    num_events: int,
    mask: Bool[Array, " record"] | None = None,
) -> Residuals:
    """Residuals of records to a model.

    Args:
        log_observed: natural logarithm of the measure, in the model's units.
        motion: of the model for these records.
        event: whose each record is, from 0.
        num_events: of the events.
        mask: records that are there; all by default.
    """
    there = jnp.ones(log_observed.shape, bool) if mask is None else mask
    # NaN of a record that is not there would spoil derivatives, too.
    apart = jnp.where(there, log_observed - motion.mean_ln, 0)
    weight = jnp.where(there, 1 / motion.phi**2, 0)
    sums = lambda x: jax.ops.segment_sum(x, event, num_segments=num_events)
    precision = 1 + sums(weight * motion.tau**2)
    between = sums(weight * motion.tau * apart) / precision
    within = jnp.where(there, (apart - motion.tau * between[event]) / motion.phi, 0)
    return Residuals(apart / motion.sigma, between, within, 1 / jnp.sqrt(precision))


def log_likelihood(
    log_observed: Float[Array, " record"],
    motion: LogNormalIM,
    event: Int[Array, " record"],
    num_events: int,
    mask: Bool[Array, " record"] | None = None,
) -> Float[Array, ""]:
    """Log of the joint density of all records, those of one event correlated by its term (Mak et al. 2017, doi:10.1785/0120160232)."""
    there = jnp.ones(log_observed.shape, bool) if mask is None else mask
    apart = jnp.where(there, log_observed - motion.mean_ln, 0)
    weight = jnp.where(there, 1 / motion.phi**2, 0)
    sums = lambda x: jax.ops.segment_sum(x, event, num_segments=num_events)
    precision = 1 + sums(weight * motion.tau**2)
    pull = sums(weight * motion.tau * apart)
    squares = jnp.sum(weight * apart**2) - jnp.sum(pull**2 / precision)
    logs = jnp.sum(jnp.where(there, 2 * jnp.log(motion.phi) + jnp.log(2 * jnp.pi), 0))
    return -0.5 * (squares + logs + jnp.sum(jnp.log(precision)))


def residuals_by_record(
    log_observed: Float[Array, " record"],
    motion: LogNormalIM,
    event: Int[Array, " record"],
    num_events: int,
) -> tuple[Float[Array, " record"], Float[Array, " record"]]:
    """Residuals between and within events as eGSIM and the GMPE toolkits give them, one of each per record.

    Abrahamson & Youngs's formula, which supposes the same deviations for all records of an event, is taken for each record with its own. Where they are the same it agrees with `event_residuals`; where they are not (deviations that depend on
    the site), an event has as many terms as records, about a percent apart.
    """
    apart = log_observed - motion.mean_ln
    sums = lambda x: jax.ops.segment_sum(x, event, num_segments=num_events)[event]
    number = sums(jnp.ones_like(apart))
    term = motion.tau**2 * sums(apart) / (number * motion.tau**2 + motion.phi**2)
    return term / motion.tau, (apart - term) / motion.phi
