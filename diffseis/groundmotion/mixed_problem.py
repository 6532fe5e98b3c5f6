"""What is minimised in fits with random effects: the likelihood of records by the parameters of their mean and the logarithms of deviations."""

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from diffseis.groundmotion.crossed import (
    Deviations,
    covariance_solve,
    deviations_at,
    log_marginal_likelihood,
    normal_equations,
)


def as_columns(name: str, columns, num: int, dtype) -> Float[Array, "row column"]:
    """As they are given, or none.

    Raises:
        ValueError: if a column is not finite, or the same for all.
    """
    if columns is None:
        return jnp.zeros((num, 0), dtype)
    if columns.shape[0] != num:
        raise ValueError(f"`{name}` must have {num} rows, got {columns.shape[0]}")
    varies = np.ptp(np.asarray(columns), axis=0)
    if not np.all(np.isfinite(varies) & (varies > 0)):
        raise ValueError(f"every column of `{name}` must be finite, and not the same for all")
    return columns.astype(dtype)


class MixedProblem(eqx.Module):
    """Records, their mean by parameters, and their effects.

    Unknowns of the deviations are one vector, `logs`: ln tau, ln phi_ss, ln phi_s2s where sites have effects, then the slopes of ln tau and of ln phi_ss.
    """

    mean: Callable
    log_observed: Float[Array, " record"]
    event: Int[Array, " record"]
    site: Int[Array, " record"]
    prior: Float[Array, " parameter"]
    tau_columns: Float[Array, "event event_column"]
    phi_ss_columns: Float[Array, "record record_column"]
    slope_precision: Float[Array, ""]
    num_events: int = eqx.field(static=True)
    num_sites: int = eqx.field(static=True)
    site_effects: bool = eqx.field(static=True)
    restricted: bool = eqx.field(static=True)

    @property
    def index(self):
        return self.event, self.site, self.num_events, self.num_sites

    def levels(self, logs) -> Deviations:
        """Of logarithms of tau, phi_ss and, where sites have effects, phi_s2s; slopes follow these."""
        sd = jnp.exp(logs[: self.num_levels])
        return Deviations(sd[0], sd[2] if self.site_effects else jnp.zeros_like(sd[0]), sd[1])

    @property
    def num_levels(self) -> int:
        return 3 if self.site_effects else 2

    def slopes(self, logs) -> tuple[Float[Array, " event_column"], Float[Array, " record_column"]]:
        """Of tau and of phi_ss."""
        both, num = logs[self.num_levels :], self.tau_columns.shape[1]
        return both[:num], both[num:]

    def deviations(self, logs) -> Deviations:
        """Of events, sites and records."""
        return deviations_at(self.levels(logs), *self.slopes(logs), self.tau_columns, self.phi_ss_columns)

    def loss(self, flat, apart, design, logs) -> Float[Array, ""]:
        """The negative log likelihood of residuals, restricted or not, and of the parameters' prior."""
        deviations = self.deviations(logs)
        total = 0.5 * jnp.sum(self.prior * flat**2) - log_marginal_likelihood(apart, deviations, *self.index)
        total = total + 0.5 * self.slope_precision * jnp.sum(logs[self.num_levels :] ** 2)
        if not self.restricted:
            return total
        return total + 0.5 * jnp.linalg.slogdet(self.information(design, deviations))[1]

    def covariance_solve(self, deviations: Deviations, right):
        """The inverse of the records' covariance, times columns."""
        normal = normal_equations(right.shape[0], deviations, *self.index)
        return covariance_solve(normal, deviations, right, self.event, self.site)

    def information(self, design, deviations) -> Float[Array, "parameter parameter"]:
        """Of the parameters of the mean."""
        return design.T @ self.covariance_solve(deviations, design) + jnp.diag(self.prior)
