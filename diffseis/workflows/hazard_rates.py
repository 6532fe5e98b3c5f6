"""Rates of exceedance of all sources about a site, and what they are made of."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from diffseis.groundmotion import (
    AbstractGroundMotionModel,
    AbstractSources,
    Site,
    disaggregate,
    hazard_curve,
)
from diffseis.workflows.hazard_files import Parts
from diffseis.workflows.hazard_sources import SourceGroup


def curve_rates(
    model: AbstractGroundMotionModel,
    groups: Sequence[SourceGroup],
    site: Site,
    log_levels: jax.Array,
    num: int,
    truncation: float | None,
) -> np.ndarray:
    """Rates of all groups together, by measure and level; the place is the origin of their frame."""
    found = [_rates(model, g.sources, site, log_levels, num, truncation) for g in groups]
    return np.sum([np.asarray(x, float) for x in found], axis=0)


@eqx.filter_jit
def _rates(model, sources: AbstractSources, site: Site, log_levels, num: int, truncation: float | None):
    return hazard_curve(
        model,
        sources,
        site,
        jnp.zeros(3, float),
        log_levels,
        num_magnitudes=num,
        truncation=truncation,
    )


@eqx.filter_jit
def _contributions(model, sources, site: Site, log_level, measure, num: int, truncation: float | None):
    return disaggregate(
        model,
        sources,
        site,
        jnp.zeros(3, float),
        log_level,
        measure=measure,
        num_magnitudes=num,
        truncation=truncation,
    )


def contributions_of(
    models, weight, groups: list[SourceGroup], site: Site, levels_at: np.ndarray, num: int, truncation
) -> dict[tuple[int, int], Parts]:
    """Contributions by measure and return period, of all groups and models, weighted; sources by name."""
    found = {}
    names = [name for group in groups for name in group.names]
    first = np.cumsum([0, *(len(group.names) for group in groups)])
    for row, period in np.argwhere(np.isfinite(levels_at)):
        level = jnp.log(jnp.asarray(levels_at[row, period], float))
        parts = []
        for model, w in zip(models, weight, strict=True):
            for k, group in enumerate(groups):
                part = _contributions(model, group.sources, site, level, jnp.asarray(row), num, truncation)
                part = jax.tree.map(np.asarray, part)
                own = (part.source + first[k], part.magnitude, part.rrup_km, part.epsilon, w * part.rate)
                parts.append(own)
        columns = [np.concatenate(x) for x in zip(*parts, strict=True)]
        kept = columns[-1] > 0
        found[int(row), int(period)] = Parts(names, *(x[kept] for x in columns))
    return found
