"""Learned models asked for some of their measures, or for spectral accelerations between their periods."""

import dataclasses
from collections.abc import Sequence

import equinox as eqx
import numpy as np

from diffseis.groundmotion.measures import Measure, parse_measures
from diffseis.groundmotion.neural import NeuralModel
from diffseis.groundmotion.tables import CoefficientTable

_MOST_APART = 2.0
"""Ratio of two learned periods up to which a spectrum between them is a straight line, nearly."""


def with_measures(model: NeuralModel, measures: Sequence[str | Measure]) -> NeuralModel:
    """The same model of other measures.

    Args:
        model: a learned one.
        measures: those that it learned, in any order, and spectral accelerations between two learned periods of which the longer is at most twice the other.

    Raises:
        ValueError: for measures that it does not give; it names those that it gives.
    """
    names = parse_measures(measures)
    periods = sorted(m.period_s for m in model.learned if m.kind == "SA")
    for name in names:
        if name not in model.learned and not _between(name, periods):
            given = ", ".join(map(str, model.learned))
            raise ValueError(
                f"the learned model gives no {name}; it gives {given}, and SA between neighbouring periods of which one is at most twice the other"
            )
    rows = _table(model).rows(names)
    # What a table adds for its own models is of no use here.
    rows = eqx.tree_at(lambda r: r.columns, rows, {k: rows.columns[k] for k in model.rows.columns})
    return dataclasses.replace(model, measures=names, rows=rows)


def _between(measure: Measure, periods: Sequence[float]) -> bool:
    if measure.kind != "SA" or not periods or not periods[0] < measure.period_s < periods[-1]:
        return False
    above = int(np.searchsorted(periods, measure.period_s))
    return periods[above] <= _MOST_APART * periods[above - 1] * (1 + 1e-9)


def _table(model: NeuralModel) -> CoefficientTable:
    """Of all learned measures."""
    place = np.asarray(model.rows.columns["place"]).astype(int)
    if sorted(place) != list(range(len(model.learned))):
        raise ValueError("the model was asked for some of its measures before: ask the whole one")
    order = sorted(place, key=lambda i: (model.learned[i].kind == "SA", model.learned[i].period_s))
    columns = {k: np.asarray(x)[np.argsort(place)][order] for k, x in model.rows.columns.items()}
    return CoefficientTable("the learned model", "", tuple(model.learned[i] for i in order), columns)
