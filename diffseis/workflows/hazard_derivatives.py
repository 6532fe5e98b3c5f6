"""Derivatives of hazard curves by what sources, site and model are made of, one number for each parameter of each source."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from diffseis.groundmotion import (
    AbstractGroundMotionModel,
    AbstractSources,
    FaultSources,
    GutenbergRichter,
    MagnitudeTable,
    Site,
    hazard_curve,
)
from diffseis.workflows.hazard_sources import SourceGroup

_DEGREE = np.pi / 180
_OF_UNITS = {
    "strike_rad": ("strike_deg", _DEGREE),
    "dip_rad": ("dip_deg", _DEGREE),
    "rake_rad": ("rake_deg", _DEGREE),
    "aspect": ("aspect", 1.0),
    "upper_km": ("upper_depth_km", 1.0),
    "lower_km": ("lower_depth_km", 1.0),
    "length_km": ("length_km", 1.0),
    "width_km": ("width_km", 1.0),
}
"""Fields, the names of the parameters, and their units in the fields' ones."""

_MODEL = "model"
_PLACE = ("north_km", "east_km", "depth_km")
_LAW = {"a": "a", "b": "b", "least": "least_magnitude", "largest": "largest_magnitude"}


@dataclass(frozen=True)
class Derivative:
    """By one parameter.

    Attributes:
        owner: source, ``site`` or ``model``.
        parameter: its name, with the unit.
        value: of it; the mean of the places' where they differ. NaN for north and east.
        slope: of the natural logarithm of the rate, by measure and level; of places, when all of them change alike.
    """

    owner: str
    parameter: str
    value: float
    slope: np.ndarray


def derivatives_of(
    model: AbstractGroundMotionModel,
    groups: Sequence[SourceGroup],
    site: Site,
    log_levels: jax.Array,
    num: int,
    truncation: float | None,
    *,
    coefficients: bool,
) -> list[Derivative]:
    """Of the whole curve.

    Args:
        model: of ground motion.
        groups: of sources.
        site: its ground.
        log_levels: by measure.
        num: bins of magnitude.
        truncation: of the motions' distribution.
        coefficients: whether those of the model are wanted, too.
    """
    shape = log_levels.shape
    total, found, of_site = np.zeros(shape), [], np.zeros(shape)
    of_model: dict[str, np.ndarray] = {}
    for group in groups:
        rates, slopes = _jacobian(model, group.sources, site, log_levels, num, truncation, coefficients)
        total += np.asarray(rates)
        by_sources, by_vs30, by_coefficients = jax.tree.map(
            lambda x: np.asarray(x).reshape(*shape, *x.shape[1:]), slopes
        )
        found += _of_group(group, by_sources)
        of_site += by_vs30
        for name, x in (by_coefficients or {}).items():
            of_model[name] = of_model.get(name, 0) + x
    found.append(Derivative("site", "vs30_m_s", float(site.vs30_m_s), of_site))
    found += _of_coefficients(model, of_model)
    with np.errstate(divide="ignore", invalid="ignore"):
        return [Derivative(d.owner, d.parameter, d.value, d.slope / total) for d in found]


def mean_derivatives(
    rates: Sequence[np.ndarray], derivatives: Sequence[Sequence[Derivative]], weight: np.ndarray
) -> list[Derivative]:
    """Of the weighted mean of several models' rates, by what they share: sources and site.

    Args:
        rates: of each model.
        derivatives: of each model, for the same groups of sources.
        weight: of the models.
    """
    shared = [[d for d in own if d.owner != _MODEL] for own in derivatives]
    parts = weight[:, None, None] * np.stack(rates)
    found = []
    for several in zip(*shared, strict=True):
        # Where a model's rate is 0 it adds nothing.
        moved = sum(part * np.nan_to_num(d.slope) for part, d in zip(parts, several, strict=True))
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = moved / parts.sum(axis=0)
        found.append(replace(several[0], slope=slope))
    return found


@eqx.filter_jit
def _jacobian(
    model, sources: AbstractSources, site: Site, log_levels, num: int, truncation, coefficients: bool
):
    """Rates, and their derivatives by sources, VS30 and coefficients, with a leading axis of measures times levels."""
    floats, rest = eqx.partition(sources, eqx.is_inexact_array)

    def rates(floats, vs30, columns):
        own = model if columns is None else eqx.tree_at(lambda m: m.rows.columns, model, columns)
        there = eqx.tree_at(lambda s: s.vs30_m_s, site, vs30)
        curve = hazard_curve(
            own,
            eqx.combine(floats, rest),
            there,
            jnp.zeros(3, float),
            log_levels,
            num_magnitudes=num,
            truncation=truncation,
        )
        return curve.reshape(-1)

    columns = model.rows.columns if coefficients else None
    value, pull = jax.vjp(rates, floats, site.vs30_m_s, columns)
    # One after the other, so that memory does not grow with the levels.
    return value.reshape(log_levels.shape), jax.lax.map(pull, jnp.eye(value.size, dtype=value.dtype))


def _of_group(group: SourceGroup, slopes: AbstractSources) -> list[Derivative]:
    """Of each source: the sum over its places, for they change alike."""
    sources, names = group.sources, group.names
    kept = slice(0, group.num_units)
    number = np.asarray(sources.source)[kept]
    found = []

    def add(parameter, values, by_unit):
        for k, name in enumerate(names):
            own = number == k
            value = np.asarray(values, float)[kept][own].mean() if values is not None else np.nan
            if values is None or np.isfinite(value):
                found.append(
                    Derivative(name, parameter, float(value), by_unit[..., kept][..., own].sum(axis=-1))
                )

    for field, (parameter, unit) in _OF_UNITS.items():
        if hasattr(sources, field) and _counts(sources, field):
            values = np.array(getattr(sources, field), float)
            if field == "strike_rad":
                # As the file has it, from the place's own north.
                values[kept] -= group.turned_rad
            add(parameter, values / unit, getattr(slopes, field) * unit)
    place = "top_ned_km" if isinstance(sources, FaultSources) else "place_ned_km"
    for axis, parameter in enumerate(_PLACE):
        values = np.asarray(getattr(sources, place))[:, 2] if axis == 2 else None
        add(parameter, values, getattr(slopes, place)[..., axis])
    table, table_slopes = sources.magnitudes, slopes.magnitudes
    if isinstance(table, MagnitudeTable) and isinstance(table_slopes, MagnitudeTable):
        values, by = np.asarray(table.rate), np.asarray(table_slopes.rate)
        magnitude = np.asarray(table.magnitude)
        for k, name in enumerate(names):
            for n in np.flatnonzero(values[k] > 0):
                word = f"rate(M {magnitude[k, n]:g})"
                found.append(Derivative(name, word, float(values[k, n]), by[..., k, n]))
    if isinstance(sources.magnitudes, GutenbergRichter):
        for k, name in enumerate(names):
            law, by = (
                {f: np.asarray(getattr(x.magnitudes, f))[..., k] for f in _LAW} for x in (sources, slopes)
            )
            found += _of_law(name, {f: float(x) for f, x in law.items()}, by, group.rates[k])
    return found


def _of_law(name: str, law: dict[str, float], by: dict[str, np.ndarray], rate: float) -> list[Derivative]:
    """By the parameters that the file gives: `a`, or the rate between the limits, which then holds while the others change."""
    if np.isnan(rate):
        return [Derivative(name, parameter, law[field], by[field]) for field, parameter in _LAW.items()]
    b, least, largest = law["b"], 10 ** (-law["b"] * law["least"]), 10 ** (-law["b"] * law["largest"])
    between = least - largest
    # a = log10(rate) - log10(between).
    a_by = {
        "b": (law["least"] * least - law["largest"] * largest) / between,
        "least": b * least / between,
        "largest": -b * largest / between,
    }
    found = [Derivative(name, "rate", rate, by["a"] / (rate * np.log(10)))]
    found += [Derivative(name, _LAW[f], law[f], by[f] + by["a"] * x) for f, x in a_by.items()]
    return found


def _counts(sources: AbstractSources, field: str) -> bool:
    """Points have neither strike nor shape."""
    points = not getattr(sources, "finite", True)
    return not (points and field in ("strike_rad", "aspect", "upper_km", "lower_km"))


def _of_coefficients(model: AbstractGroundMotionModel, slopes: dict[str, np.ndarray]) -> list[Derivative]:
    """Of each coefficient of each row, where any rate depends on it."""
    found = []
    for name, by in slopes.items():
        values = np.asarray(model.rows.columns[name], float)
        for row in range(by.shape[-1]):
            if np.any(by[..., row] != 0):
                found.append(Derivative(_MODEL, f"{name}[{row}]", float(values[row]), by[..., row]))
    return found
