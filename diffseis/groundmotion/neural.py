"""Ground-motion models that are learned: small networks, fitted by the joint likelihood with events' and sites' terms, and what is not known of them.

The form is that of Derras, Bard & Cotton: magnitude, distance, depth, style and VS30 through one hidden layer; here each measure has a network of its own, with a linear part beside the hidden units, so that far from the data it goes on in a straight line. A published model may stand below it: then the
network learns what is left. What the weights may be, given the records, is Laplace's approximation about the most probable ones.

References:
    Derras, Bard & Cotton (2014), Towards fully data driven ground-motion prediction models for Europe, doi:10.1007/s10518-013-9481-0.
    Ritter, Botev & Barber (2018), A scalable Laplace approximation for neural networks, ICLR.
    Sill (1998), Monotonic networks, NeurIPS 10.
"""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int, Key

from diffseis.core import safe
from diffseis.core.results import Solution
from diffseis.groundmotion.base import AbstractGroundMotionModel, LogNormalIM, Rupture, Site
from diffseis.groundmotion.correlated import MeasureCorrelations, measure_correlations
from diffseis.groundmotion.measures import Measure, parse_measures
from diffseis.groundmotion.mixed_effects import MixedFit, fit_mixed_effects
from diffseis.groundmotion.tables import Coefficients, Rows
from diffseis.groundmotion.terms import styles

_NEAR_KM = 5.0
_RTOL = 1e-6
"""Networks creep along directions that hardly matter: of a log likelihood of a thousand this is a thousandth."""

_INPUTS = 6
_WEIGHT_SD = 1.0
_LEVEL_SD = 10.0
"""Prior standard deviations of weights, and of levels and slopes, in units of scaled inputs."""


def inputs_of(rupture: Rupture, site: Site) -> Float[Array, " input"]:
    """Magnitude, ln of distance (smooth at 0), depth, normal, reverse and ln VS30, scaled to about one."""
    normal, reverse = styles(rupture.rake_rad, 45.0)
    distance = 0.5 * jnp.log(site.rjb_km**2 + _NEAR_KM**2)
    return jnp.stack(
        [
            rupture.magnitude - 6,
            distance - 3.5,
            (rupture.hypocentre_depth_km - 10) / 10,
            normal,
            reverse,
            2 * jnp.log(site.vs30_m_s / 500),
        ]
    )


class Weights(eqx.Module):
    """Of one measure's network."""

    hidden: Float[Array, "unit input"]
    bias: Float[Array, " unit"]
    out: Float[Array, " unit"]
    linear: Float[Array, " input"]
    level: Float[Array, ""]

    def __call__(self, x: Float[Array, " input"], monotone: bool) -> Float[Array, ""]:
        """The network at one point.

        Args:
            x: scaled inputs.
            monotone: whether it grows with magnitude and falls with distance, everywhere.
        """
        hidden, out, linear = self.hidden, self.out, self.linear
        if monotone:
            sign = jnp.asarray([1.0, -1.0, 0.0, 0.0, 0.0, 0.0], x.dtype)
            bound = lambda w: jnp.where(sign == 0, w, sign * jax.nn.softplus(w))
            # Units that all push the same way.
            hidden, out, linear = jax.vmap(bound)(hidden), jax.nn.softplus(out), bound(linear)
        return self.level + linear @ x + out @ jnp.tanh(hidden @ x + self.bias)


def _first_weights(num_units: int, key: Key[Array, ""]) -> Weights:
    k_hidden, k_bias, k_out = jr.split(key, 3)
    normal = lambda key, shape: 0.5 * jr.normal(key, shape, float)
    return Weights(
        normal(k_hidden, (num_units, _INPUTS)),
        normal(k_bias, (num_units,)),
        normal(k_out, (num_units,)),
        jnp.zeros(_INPUTS, float),
        jnp.zeros((), float),
    )


def _precision_of(weights: Weights) -> Weights:
    """Of the prior: weak for levels and slopes."""
    tight, loose = 1 / _WEIGHT_SD**2, 1 / _LEVEL_SD**2
    full = jax.tree.map(lambda x: jnp.full_like(x, tight), weights)
    free = lambda w: (w.linear, w.level)
    return eqx.tree_at(free, full, jax.tree.map(lambda x: jnp.full_like(x, loose), free(weights)))


class NeuralModel(AbstractGroundMotionModel):
    """A fitted model: one of the published kind to all that use it.

    Attributes:
        measures: that it gives.
        rows: deviations of each, and its place among the measures.
        weights: of the networks; leading axis of measures.
        factor: lower triangular: the weights' covariance is its square; leading axis of measures.
        base: the published model below, if there is one.
        correlations: between measures; None if they were not asked for.
        monotone: see `Weights`.
    """

    measures: tuple[Measure, ...] = eqx.field(static=True)
    rows: Rows
    weights: Weights
    factor: Float[Array, "measure weight weight"]
    base: AbstractGroundMotionModel | None
    correlations: MeasureCorrelations | None
    monotone: bool = eqx.field(static=True)

    @property
    def needs(self) -> tuple[str, ...]:
        own = ("magnitude", "rake_rad", "hypocentre_depth_km", "rjb_km", "vs30_m_s")
        return own if self.base is None else tuple(dict.fromkeys((*own, *self.base.needs)))

    def reference(self, rupture: Rupture, site: Site) -> Float[Array, " measure"]:
        """Means of the model below."""
        if self.base is None:
            return jnp.zeros(len(self.measures), rupture.magnitude.dtype)
        return self.base(rupture, site).mean_ln

    def measure(
        self, c: Coefficients, rupture: Rupture, site: Site, reference: Float[Array, " measure"]
    ) -> LogNormalIM:
        place = c["place"].astype(int)
        weights = jax.tree.map(lambda x: x[place].astype(rupture.magnitude.dtype), self.weights)
        mean = reference[place] + weights(inputs_of(rupture, site), self.monotone)
        return LogNormalIM(mean, c["tau"], safe.sqrt(c["phi_s2s"] ** 2 + c["phi_ss"] ** 2))

    def epistemic_sd(self, rupture: Rupture, site: Site) -> Float[Array, " measure"]:
        """Standard deviation of the mean for want of records, by measure: small where there were many, large beyond them."""
        x = inputs_of(rupture, site)

        def one(weights, factor):
            flat, unravel = ravel_pytree(weights)
            slope = jax.grad(lambda w: unravel(w)(x, self.monotone))(flat)
            return safe.norm(factor.T @ slope)

        return jax.vmap(one)(self.weights, self.factor)

    def covariance(self) -> Float[Array, "measure measure"]:
        """Of the measures of one record of a new earthquake at a new site, about their means.

        Raises:
            ValueError: if the model was fitted without correlations.
        """
        if self.correlations is None:
            raise ValueError(
                "the model was fitted without correlations: `fit_neural_model(..., correlated=True)`"
            )
        column = self.rows.columns
        return self.correlations.covariance(column["tau"], column["phi_s2s"], column["phi_ss"])


class _Network(eqx.Module):
    """The mean of all records by the weights of one measure."""

    inputs: Float[Array, "record input"]
    base: Float[Array, " record"]
    monotone: bool = eqx.field(static=True)

    def __call__(self, weights: Weights) -> Float[Array, " record"]:
        return self.base + jax.vmap(lambda x: weights(x, self.monotone))(self.inputs)


def fit_neural_model(
    measures: Sequence[str | Measure],
    log_observed: Float[Array, "measure record"],
    rupture: Rupture,
    site: Site,
    *,
    event: Int[Array, " record"],
    station: Int[Array, " record"],
    num_events: int,
    num_stations: int,
    num_units: int = 5,
    base: AbstractGroundMotionModel | None = None,
    monotone: bool = False,
    num_starts: int = 3,
    site_effects: bool = True,
    correlated: bool = False,
    max_steps: int = 300,
    throw: bool = True,
    key: Key[Array, ""],
) -> Solution:
    """Learn a model from records.

    Args:
        measures: of the records.
        log_observed: their natural logarithms, in the units of `measures.UNITS`.
        rupture, site: of the records: arrays of one length, with magnitude, rake, depth of the hypocentre, R_JB and VS30.
        event, station: whose each record is, from 0.
        num_events, num_stations: of them.
        num_units: of the hidden layer.
        base: a published model of the same measures, whose means the network corrects.
        monotone: whether motion grows with magnitude and falls with distance everywhere (of the network alone, where there is a model below).
        num_starts: of the search, from random weights; the most probable fit counts.
        site_effects: whether stations have terms of their own.
        correlated: whether to find the correlations between measures, too.
        max_steps: of each search.
        throw: whether a search that does not end is an error.
        key: of the weights to start from.

    Returns:
        A `NeuralModel`; `stats` has the `MixedFit` of each measure, with the terms of events and stations.

    Raises:
        ValueError: if `base` gives other measures.
    """
    names = parse_measures(measures)
    if base is not None and base.measures != names:
        raise ValueError("`base` must give the same measures, in the same order")
    inputs = jax.vmap(inputs_of)(*_spread(rupture, site, log_observed.shape[1]))
    below = jnp.zeros_like(log_observed)
    if base is not None:
        below = jax.vmap(lambda r, s: base(r, s).mean_ln, out_axes=1)(
            *_spread(rupture, site, log_observed.shape[1])
        )
    fits = []
    for row, keys in enumerate(jr.split(key, (len(names), num_starts))):
        options = {
            "event": event,
            "site": station,
            "num_events": num_events,
            "num_sites": num_stations,
            "site_effects": site_effects,
            "rtol": _RTOL,
            "max_steps": max_steps,
            "throw": throw,
        }
        mean = _Network(inputs, below[row], monotone)
        found = []
        for start in keys:
            first = _first_weights(num_units, start)
            level = jnp.mean(log_observed[row] - below[row])
            first = eqx.tree_at(lambda w: w.level, first, level)
            precision = _precision_of(first)
            found.append(
                fit_mixed_effects(mean, log_observed[row], first, prior_precision=precision, **options).value
            )
        fits.append(max(found, key=lambda fit: float(fit.log_likelihood)))
    correlations = None
    if correlated:
        means = [_Network(inputs, b, monotone)(f.theta) for b, f in zip(below, fits, strict=True)]
        correlations = measure_correlations(
            log_observed - jnp.stack(means),
            [fit.deviations for fit in fits],
            event=event,
            site=station,
            num_events=num_events,
            num_sites=num_stations,
            site_effects=site_effects,
        )
    model = _model(names, fits, base, correlations, monotone)
    return Solution(value=model, result=_worst(fits), stats={"fits": fits})


def _spread(rupture: Rupture, site: Site, num: int) -> tuple[Rupture, Site]:
    """Each field of as many values as records."""
    return jax.tree.map(lambda x: jnp.broadcast_to(x, (num,)), (rupture, site))


def _worst(fits: Sequence[MixedFit]):
    from diffseis.core.results import RESULTS

    finite = all(bool(jnp.isfinite(fit.log_likelihood)) for fit in fits)
    return RESULTS.successful if finite else RESULTS.non_finite


def _model(
    names: tuple[Measure, ...],
    fits: Sequence[MixedFit],
    base: AbstractGroundMotionModel | None,
    correlations: MeasureCorrelations | None,
    monotone: bool,
) -> NeuralModel:
    stacked = jax.tree.map(lambda *x: jnp.stack(x), *fits)
    columns = {
        "place": jnp.arange(len(names), dtype=float),
        "tau": stacked.deviations.tau,
        "phi_s2s": stacked.deviations.phi_s2s,
        "phi_ss": stacked.deviations.phi_ss,
    }
    rows = tuple(range(len(names)))
    factors = jnp.stack([jnp.linalg.cholesky(fit.theta_covariance) for fit in fits])
    return NeuralModel(
        names,
        Rows(columns, rows, rows, jnp.zeros(len(names), float)),
        stacked.theta,
        factors,
        base,
        correlations,
        monotone,
    )
