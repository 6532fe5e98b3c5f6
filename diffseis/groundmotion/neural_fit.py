"""Learning a ground-motion model from records: networks by the joint likelihood with events' and sites' terms."""

from collections.abc import Callable, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int, Key

from diffseis.core.results import RESULTS, Solution
from diffseis.groundmotion.base import AbstractGroundMotionModel, Rupture, Site
from diffseis.groundmotion.correlated import MeasureCorrelations, measure_correlations
from diffseis.groundmotion.measures import Measure, parse_measures
from diffseis.groundmotion.mixed_effects import MixedFit, fit_mixed_effects
from diffseis.groundmotion.neural import NeuralModel
from diffseis.groundmotion.neural_weights import INPUT_FIELDS, Weights, first_weights, inputs_of, precision_of
from diffseis.groundmotion.tables import Rows

_RTOL = 1e-6
"""Networks creep along directions that hardly matter: of a log likelihood of a thousand this is a thousandth."""
_SLOPE_SD = 0.5
"""Prior standard deviation of the slopes of ln tau and ln phi_ss, per unit of magnitude: published models have 0 to -0.4."""


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
    num_members: int = 1,
    site_effects: bool = True,
    heteroscedastic: bool = False,
    correlated: bool = False,
    max_steps: int = 300,
    throw: bool = True,
    progress: Callable[[int, int], None] | None = None,
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
        num_starts: of the search, from random weights.
        num_members: so many of the most probable fits are members of the model, with equal weights: their mean is nearer to the truth than one, and their differences tell of what none of them knows. Deviations and terms are those of the most probable.
        site_effects: whether stations have terms of their own.
        heteroscedastic: whether ln tau and ln phi_ss vary linearly with magnitude, within the magnitudes of the records.
        correlated: whether to find the correlations between measures, too.
        max_steps: of each search.
        throw: whether a search that does not end is an error.
        progress: told how many searches are done, and of how many.
        key: of the weights to start from.

    Returns:
        A `NeuralModel`; `stats` has the `MixedFit` of each measure, with the terms of events and stations, and of each whether its search came to an end (`settled`).

    Raises:
        ValueError: if there are to be more members than starts, `base` gives other measures, or both `heteroscedastic` and `correlated` are asked for (correlations are found of deviations that are the same for all).
    """
    names = parse_measures(measures)
    if base is not None and base.measures != names:
        raise ValueError("`base` must give the same measures, in the same order")
    if heteroscedastic and correlated:
        raise ValueError(
            "correlations need deviations that do not vary: ask for one of `heteroscedastic` and `correlated`"
        )
    if not 1 <= num_members <= num_starts:
        raise ValueError(f"`num_members` must be from 1 to `num_starts`, {num_starts}; got {num_members}")
    rupture, site = _spread(rupture, site, log_observed.shape[1])
    inputs = jax.vmap(inputs_of)(rupture, site)
    below = jnp.zeros_like(log_observed)
    if base is not None:
        below = jax.vmap(lambda r, s: base(r, s).mean_ln, out_axes=1)(rupture, site)
    magnitude = _of_events(rupture.magnitude, event, num_events)
    centre = jnp.mean(magnitude)
    options = {
        "event": event,
        "site": station,
        "num_events": num_events,
        "num_sites": num_stations,
        "site_effects": site_effects,
    }
    varying = {
        "tau_columns": (magnitude - centre)[:, None],
        "phi_ss_columns": (rupture.magnitude - centre)[:, None],
        "slope_precision": 1 / _SLOPE_SD**2,
    }
    search = {
        **options,
        **(varying if heteroscedastic else {}),
        "rtol": _RTOL,
        "max_steps": max_steps,
        "throw": throw,
    }
    say = progress or (lambda *_: None)
    found = []
    for row, keys in enumerate(jr.split(key, (len(names), num_starts))):
        mean = _Network(inputs, below[row], monotone)
        starts = []
        for number, start in enumerate(keys):
            first = first_weights(num_units, start)
            first = eqx.tree_at(lambda w: w.level, first, jnp.mean(log_observed[row] - below[row]))
            precision = precision_of(first)
            starts.append(
                fit_mixed_effects(mean, log_observed[row], first, prior_precision=precision, **search)
            )
            say(row * num_starts + number + 1, len(names) * num_starts)
        found.append(sorted(starts, key=_height, reverse=True)[:num_members])
    fits = [members[0].value for members in found]
    correlations = None
    if correlated:
        means = [_Network(inputs, b, monotone)(f.theta) for b, f in zip(below, fits, strict=True)]
        correlations = measure_correlations(
            log_observed - jnp.stack(means), [fit.deviations for fit in fits], **options
        )
    limits = {name: jnp.stack([jnp.min(x), jnp.max(x)]) for name, x in _seen(rupture, site).items()}
    networks = [
        [_of_finite(member.value, fit) for member in members]
        for members, fit in zip(found, fits, strict=True)
    ]
    model = _model(names, fits, networks, base, correlations, limits, centre, monotone)
    settled = [members[0].result == RESULTS.successful for members in found]
    return Solution(value=model, result=_worst(fits), stats={"fits": fits, "settled": settled})


def _height(solution: Solution) -> float:
    value = float(solution.value.log_likelihood)
    return value if value == value else -float("inf")


def _of_finite(fit: MixedFit, best: MixedFit) -> tuple[Weights, Float[Array, "weight weight"]]:
    """A fit's weights and the factor of their covariance; those of the best where its search broke down."""
    factor = jnp.linalg.cholesky(fit.theta_covariance)
    if bool(jnp.isfinite(fit.log_likelihood)) and bool(jnp.all(jnp.isfinite(factor))):
        return fit.theta, factor
    return best.theta, jnp.linalg.cholesky(best.theta_covariance)


def _of_events(values: Float[Array, " record"], event, num_events: int) -> Float[Array, " event"]:
    """Means of the records of each event."""
    sums = lambda x: jax.ops.segment_sum(x, event, num_segments=num_events)
    return sums(values) / jnp.maximum(sums(jnp.ones_like(values)), 1)


def _seen(rupture: Rupture, site: Site) -> dict[str, Float[Array, " record"]]:
    """Of the networks' inputs those that have an order."""
    both = {**vars(rupture), **vars(site)}
    return {name: both[name] for name in INPUT_FIELDS if name != "rake_rad"}


def _spread(rupture: Rupture, site: Site, num: int) -> tuple[Rupture, Site]:
    """Each field of as many values as records."""
    return jax.tree.map(lambda x: jnp.broadcast_to(x, (num,)), (rupture, site))


def _worst(fits: Sequence[MixedFit]):
    finite = all(bool(jnp.isfinite(fit.log_likelihood)) for fit in fits)
    return RESULTS.successful if finite else RESULTS.non_finite


def _model(
    names: tuple[Measure, ...],
    fits: Sequence[MixedFit],
    networks: Sequence[Sequence[tuple[Weights, Float[Array, "weight weight"]]]],
    base: AbstractGroundMotionModel | None,
    correlations: MeasureCorrelations | None,
    limits: dict[str, Float[Array, "2"]],
    centre: Float[Array, ""],
    monotone: bool,
) -> NeuralModel:
    stacked = jax.tree.map(lambda *x: jnp.stack(x), *fits)
    zero = jnp.zeros(len(names), float)
    columns = {
        "place": jnp.arange(len(names), dtype=float),
        "magnitude_centre": zero + centre,
        # One column at most; none where they do not vary.
        "tau_slope": zero + jnp.sum(stacked.slopes.tau, axis=1),
        "phi_ss_slope": zero + jnp.sum(stacked.slopes.phi_ss, axis=1),
        "tau": stacked.deviations.tau,
        "phi_s2s": stacked.deviations.phi_s2s,
        "phi_ss": stacked.deviations.phi_ss,
    }
    rows = tuple(range(len(names)))
    stack = lambda several: jax.tree.map(lambda *x: jnp.stack(x), *several)
    weights, factors = stack([stack(members) for members in networks])
    return NeuralModel(
        measures=names,
        learned=names,
        rows=Rows(columns, rows, rows, zero),
        weights=weights,
        factor=factors,
        base=base,
        correlations=correlations,
        limits=limits,
        monotone=monotone,
        epistemic=False,
    )
