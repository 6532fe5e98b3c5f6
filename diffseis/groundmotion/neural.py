"""Ground-motion models that are learned: networks, deviations that may vary with magnitude, and what is not known of the means.

A published model may stand below: then the networks give what it lacks. What the weights may be, given the records, is Laplace's approximation about the most probable ones (`fit_neural_model`), or a mixture of such about several that were found from different starts.

References:
    Lakshminarayanan, Pritzel & Blundell (2017), Simple and scalable predictive uncertainty estimation using deep ensembles, NeurIPS 30.
    Ritter, Botev & Barber (2018), A scalable Laplace approximation for neural networks, ICLR.
"""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from diffseis.core import safe
from diffseis.groundmotion.base import AbstractGroundMotionModel, LogNormalIM, Rupture, Site
from diffseis.groundmotion.correlated import MeasureCorrelations
from diffseis.groundmotion.measures import Measure
from diffseis.groundmotion.neural_weights import INPUT_FIELDS, Weights, inputs_of
from diffseis.groundmotion.tables import Coefficients, Rows


class NeuralModel(AbstractGroundMotionModel):
    """A fitted model: one of the published kind to all that use it.

    Attributes:
        measures: that it was asked for.
        learned: measures that it has networks of, in their order; those between two periods are interpolated.
        rows: deviations of the learned measures, their slopes by magnitude, and their place among `learned`.
        weights: of the networks; leading axes of learned measures and of members, whose mean counts.
        factor: lower triangular: the weights' covariance is its square; likewise.
        base: the published model of the learned measures below, if there is one.
        correlations: between learned measures; None if they were not asked for.
        limits: least and largest value of the records, by field of `Rupture` and `Site`. Deviations do not change beyond those of magnitude.
        monotone: see `Weights`.
        epistemic: whether `tau` has in it what is not known of the means, which is common to all records of an earthquake, nearly.
        note: what users are told of it.
    """

    measures: tuple[Measure, ...] = eqx.field(static=True)
    learned: tuple[Measure, ...] = eqx.field(static=True)
    rows: Rows
    weights: Weights
    factor: Float[Array, "learned member weight weight"]
    base: AbstractGroundMotionModel | None
    correlations: MeasureCorrelations | None
    limits: dict[str, Float[Array, "2"]]
    monotone: bool = eqx.field(static=True)
    epistemic: bool = eqx.field(static=True)
    note: str = eqx.field(static=True, default="")

    @property
    def needs(self) -> tuple[str, ...]:
        return INPUT_FIELDS if self.base is None else tuple(dict.fromkeys((*INPUT_FIELDS, *self.base.needs)))

    @property
    def caveat(self) -> str:
        """Of the model itself, and of the one below."""
        below = "" if self.base is None else self.base.caveat
        return "; ".join(x for x in (self.note, below) if x)

    @property
    def considers(self) -> tuple[str, ...]:
        return () if self.base is None else self.base.considers

    def reference(self, rupture: Rupture, site: Site) -> Float[Array, " learned"]:
        """Means of the model below."""
        if self.base is None:
            return jnp.zeros(len(self.learned), rupture.magnitude.dtype)
        return self.base(rupture, site).mean_ln

    def measure(
        self, c: Coefficients, rupture: Rupture, site: Site, reference: Float[Array, " learned"]
    ) -> LogNormalIM:
        place = c["place"].astype(int)
        weights = jax.tree.map(lambda x: x[place].astype(rupture.magnitude.dtype), self.weights)
        x = inputs_of(rupture, site)
        mean = reference[place] + jnp.mean(jax.vmap(lambda w: w(x, self.monotone))(weights))
        low, high = self.limits["magnitude"].astype(rupture.magnitude.dtype)
        above = jnp.clip(rupture.magnitude, low, high) - c["magnitude_centre"]
        tau = c["tau"] * jnp.exp(c["tau_slope"] * above)
        phi_ss = c["phi_ss"] * jnp.exp(c["phi_ss_slope"] * above)
        if self.epistemic:
            tau = safe.sqrt(tau**2 + self._spread(place, rupture, site) ** 2)
        return LogNormalIM(mean, tau, safe.sqrt(c["phi_s2s"] ** 2 + phi_ss**2))

    def epistemic_sd(self, rupture: Rupture, site: Site) -> Float[Array, " measure"]:
        """Standard deviation of the mean for want of records, by measure: small where there were many, large beyond them. That of a mixture of the members: their own variances by Laplace, and how far they are from each other. Between two learned periods that of their errors if these are the same."""
        place = self.rows.columns["place"].astype(int)
        return self.rows.between(jax.vmap(lambda p: self._spread(p, rupture, site))(place))

    def _spread(self, place, rupture: Rupture, site: Site) -> Float[Array, ""]:
        """Of the mean of one learned measure."""
        cast = lambda x: x[place].astype(rupture.magnitude.dtype)
        x = inputs_of(rupture, site)

        def member(weights, factor):
            flat, unravel = ravel_pytree(weights)
            value, slope = jax.value_and_grad(lambda w: unravel(w)(x, self.monotone))(flat)
            return value, jnp.sum((factor.T @ slope) ** 2)

        value, square = jax.vmap(member)(jax.tree.map(cast, self.weights), cast(self.factor))
        num = value.shape[0]
        apart = jnp.sum((value - jnp.mean(value)) ** 2) / (num - 1) if num > 1 else 0 * square[0]
        return safe.sqrt(jnp.mean(square) + apart)

    def covariance(self) -> Float[Array, "measure measure"]:
        """Of the measures of one record of a new earthquake at a new site, about their means.

        Raises:
            ValueError: if the model was fitted without correlations, or a measure lies between learned ones.
        """
        if self.correlations is None:
            raise ValueError(
                "the model was fitted without correlations: `fit_neural_model(..., correlated=True)`"
            )
        if self.rows.low != self.rows.high:
            raise ValueError("correlations are known of learned measures, not of those between their periods")
        row = np.asarray(self.rows.low)
        column = {name: x[row] for name, x in self.rows.columns.items()}
        place = column["place"].astype(int)
        own = jax.tree.map(lambda x: x[place[:, None], place[None, :]], self.correlations)
        return own.covariance(column["tau"], column["phi_s2s"], column["phi_ss"])


def with_epistemic(model: NeuralModel) -> NeuralModel:
    """The same model, its `tau` with what is not known of the means: what it says of a record that it has not seen."""
    return dataclasses.replace(model, epistemic=True)
