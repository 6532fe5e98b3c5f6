"""Tables of published coefficients, as files of this room: one row per intensity measure, read once.

Between published periods a model's results (the mean logarithm and the standard deviations) are interpolated linearly in the logarithm of the period, as the programs of Boore, Stewart, Seyhan & Atkinson do.
"""

import csv
import functools
import importlib.resources
import math
from collections.abc import Sequence
from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffseis.groundmotion.measures import Measure

Coefficients = dict[str, Float[Array, "..."]]
"""Coefficients by name; in a model all have a leading axis of published measures, in its equations each is a scalar."""


class Rows(eqx.Module):
    """Coefficients of the published measures that a model was asked for, or between which it was.

    Attributes:
        columns: by name, one per published measure; `period_s` is 0 of measures without one, `velocity` 1 of PGV and 0 of others.
        low, high: of each measure asked for, the published ones on both sides (the same twice where it is published).
        share: of each, how far it is from the first to the second.
    """

    columns: Coefficients
    low: tuple[int, ...] = eqx.field(static=True)
    high: tuple[int, ...] = eqx.field(static=True)
    share: Float[Array, " measure"]

    def between(self, found: Float[Array, "published *rest"]) -> Float[Array, "measure *rest"]:
        """Results of the measures asked for, from those of the published ones: linear in the logarithm of the period."""
        if self.low == self.high == tuple(range(found.shape[0])):
            return found
        low, high = (found[np.asarray(rows)] for rows in (self.low, self.high))
        share = self.share.astype(found.dtype).reshape(-1, *[1] * (found.ndim - 1))
        return low + share * (high - low)


@dataclass(frozen=True)
class CoefficientTable:
    """Published coefficients.

    Attributes:
        name: of the file.
        source: its comments: paper, DOI, where the figures come from.
        measures: of the rows.
        columns: figures by name; one per row.
    """

    name: str
    source: str
    measures: tuple[Measure, ...]
    columns: dict[str, np.ndarray]

    @property
    def periods_s(self) -> np.ndarray:
        """Of the spectral accelerations, increasing."""
        return np.array([m.period_s for m in self.measures if m.kind == "SA"])

    def rows(self, measures: Sequence[Measure]) -> "Rows":
        """Coefficients from which the measures are found.

        Raises:
            ValueError: if the model does not give a measure, or a period is outside its range.
        """
        bounds = [self._bounds(m) for m in measures]
        needed = sorted({b[0] for b in bounds} | {b[1] for b in bounds})
        place = {i: k for k, i in enumerate(needed)}
        columns = {name: jnp.asarray(x[needed], float) for name, x in self.columns.items()}
        columns["period_s"] = jnp.asarray([self.measures[i].period_s for i in needed], float)
        columns["velocity"] = jnp.asarray([self.measures[i].kind == "PGV" for i in needed], float)
        low, high = tuple(place[b[0]] for b in bounds), tuple(place[b[1]] for b in bounds)
        return Rows(columns, low, high, jnp.asarray([share for _, _, share in bounds], float))

    def of(self, measure: Measure) -> Coefficients:
        """Of one published measure, as scalars."""
        return {name: x[0] for name, x in self.rows([measure]).columns.items()}

    def _bounds(self, measure: Measure) -> tuple[int, int, float]:
        """Rows of the published measures on both sides, and how far the measure is from the first to the second."""
        if measure in self.measures:
            row = self.measures.index(measure)
            return row, row, 0.0
        periods = self.periods_s
        if measure.kind != "SA" or not len(periods) or not periods[0] <= measure.period_s <= periods[-1]:
            raise ValueError(f"{self.name} gives no {measure}; it gives {self._told()}")
        above = int(np.searchsorted(periods, measure.period_s))
        low, high = (float(periods[i]) for i in (above - 1, above))
        share = math.log(measure.period_s / low) / math.log(high / low)
        first, second = (self.measures.index(Measure("SA", t)) for t in (low, high))
        return first, second, share

    def _told(self) -> str:
        others = [str(m) for m in self.measures if m.kind != "SA"]
        periods = self.periods_s
        if len(periods):
            others.append(f"SA from {periods[0]:g} to {periods[-1]:g} s")
        return ", ".join(others)


@functools.cache
def coefficient_table(name: str) -> CoefficientTable:
    """The table in ``coefficients/NAME.csv`` of this room: comments, a header whose first column is ``imt``, a row per measure."""
    file = importlib.resources.files("diffseis.groundmotion") / "coefficients" / f"{name}.csv"
    lines = file.read_text(encoding="utf-8").splitlines()
    comments = [line.lstrip("# ") for line in lines if line.startswith("#")]
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    measures = [_measure(row["imt"]) for row in rows]
    order = sorted(range(len(rows)), key=lambda i: (measures[i].kind == "SA", measures[i].period_s))
    columns = {c: np.array([float(rows[i][c]) for i in order]) for c in rows[0] if c != "imt"}
    return CoefficientTable(name, "\n".join(comments), tuple(measures[i] for i in order), columns)


def _measure(name: str) -> Measure:
    return Measure("SA", float(name[3:-1])) if name.startswith("SA(") else Measure(name)
