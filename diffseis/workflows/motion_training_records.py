"""Records of a flatfile from which a ground-motion model is learned: which count, and why the others do not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import jax.numpy as jnp
import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.words import plural
from diffseis.groundmotion import Rupture, Site
from diffseis.io import FlatTable, Notice
from diffseis.workflows.motion_training_config import MotionTraining

LEAST_RECORDS = 30
LEAST_EVENTS = 2
_POINT = 5.5
"""Magnitude below which a rupture is small beside distances: an epicentral distance stands for one of Joyner & Boore that is not stated."""


@dataclass(frozen=True)
class TrainingRecords:
    """Records that have all that is needed.

    Attributes:
        table: of them alone.
        imts: measures.
        event, station: whose each is, from 0.
        event_id, station_id: their names.
    """

    table: FlatTable
    imts: tuple[str, ...]
    event: np.ndarray
    station: np.ndarray
    event_id: list[str]
    station_id: list[str]

    def __len__(self) -> int:
        return len(self.table)

    @property
    def log_observed(self) -> np.ndarray:
        """Measure by record."""
        return np.log(np.stack([self.table.observed[imt] for imt in self.imts]))

    @property
    def magnitude(self) -> np.ndarray:
        """Of events: means of their records."""
        return np.bincount(self.event, self.table.values["magnitude"]) / np.bincount(self.event)

    def pairs(self) -> tuple[Rupture, Site]:
        """As models take them."""
        fields = {k: jnp.asarray(x, float) for k, x in self.table.values.items()}
        of = lambda kind: {k: v for k, v in fields.items() if k in kind.__dataclass_fields__}
        return Rupture(**of(Rupture)), Site(**of(Site))

    def some(self, rows: np.ndarray) -> "TrainingRecords":
        """Some of the records, events and stations numbered anew."""
        return numbered(_rows_of(self.table, rows), self.imts)


def training_records(
    table: FlatTable, needs: Sequence[str], settings: MotionTraining
) -> tuple[TrainingRecords, list[Notice]]:
    """Choose records.

    Args:
        table: the flatfile.
        needs: fields without which a record does not count.
        settings: measures, and what else is asked of records.

    Raises:
        InputError: if the flatfile lacks a measure or a column, or too few records are left.
    """
    for imt in settings.imts:
        if imt not in table.observed:
            fix = f"it has {', '.join(table.observed)}"
            raise InputError(f"has no {imt}", file=table.path, field="--imts", fix=fix)
    table, said = _with_distances(table)
    lacking = [field for field in needs if field not in table.values]
    if lacking:
        raise InputError(
            f"has no {', '.join(lacking)}, which the model needs",
            file=table.path,
            fix="give a flatfile that has, or another --base",
        )
    keep = np.ones(len(table), bool)

    def leave(good: np.ndarray, why: str, kind: str) -> None:
        nonlocal keep
        left = int(np.sum(keep & ~good))
        if left:
            said.append(Notice(kind, f"{plural(left, 'record')} left out: {why}", left, table.path))
        keep &= good

    if settings.min_magnitude is not None:
        good = ~(table.values["magnitude"] < settings.min_magnitude)
        leave(good, f"magnitudes below {settings.min_magnitude:g}", "selection")
    if settings.max_distance_km is not None:
        good = ~(table.values["rjb_km"] > settings.max_distance_km)
        leave(good, f"beyond {settings.max_distance_km:g} km", "selection")
    for field in needs:
        leave(_known(field, table.values[field]), f"without {field}", "incomplete")
    for imt in settings.imts:
        leave(np.isfinite(table.observed[imt]), f"without {imt}", "incomplete")
    names, counts = np.unique(table.event_id[keep].astype(str), return_counts=True)
    few = names[counts < settings.min_records]
    why = f"of {plural(len(few), 'event')} with fewer than {settings.min_records} records"
    leave(~np.isin(table.event_id.astype(str), few), why, "selection")
    found = numbered(_rows_of(table, np.flatnonzero(keep)), settings.imts)
    if len(found) < LEAST_RECORDS or len(found.event_id) < LEAST_EVENTS:
        told = "; ".join(n.message for n in said)
        raise InputError(
            f"{plural(len(found), 'record')} of {plural(len(found.event_id), 'event')} are too few to learn from"
            + (f" ({told})" if told else ""),
            file=table.path,
            fix=f"at least {LEAST_RECORDS} records of {LEAST_EVENTS} events are needed; hundreds of dozens make a model",
        )
    return found, said


def _known(field: str, value: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        least = {"vs30_m_s": value > 0, "rjb_km": value >= 0}.get(field, True)
    return np.isfinite(value) & least


def _with_distances(table: FlatTable) -> tuple[FlatTable, list[Notice]]:
    """Epicentral distances where the earthquake is small and its distance to the rupture is not stated."""
    unknown = np.full(len(table), np.nan)
    rjb, repi = table.values.get("rjb_km", unknown), table.values.get("repi_km", unknown)
    magnitude = table.values.get("magnitude", unknown)
    with np.errstate(invalid="ignore"):
        taken = ~np.isfinite(rjb) & np.isfinite(repi) & (magnitude < _POINT)
    if not taken.any():
        return table, []
    num = int(np.sum(taken))
    message = f"{plural(num, 'record')} of magnitudes below {_POINT:g} without a distance to the rupture: the epicentral one is taken"
    values = {**table.values, "rjb_km": np.where(taken, repi, rjb)}
    return replace(table, values=values), [Notice("epicentral-distance", message, num, table.path)]


def _rows_of(table: FlatTable, rows: np.ndarray) -> FlatTable:
    take = lambda several: {k: x[rows] for k, x in several.items()}
    return replace(
        table,
        event_id=table.event_id[rows],
        station_id=table.station_id[rows],
        values=take(table.values),
        observed=take(table.observed),
    )


def numbered(table: FlatTable, imts: Sequence[str]) -> TrainingRecords:
    """Events and stations in the order of their first records."""
    place = lambda names: {name: k for k, name in enumerate(dict.fromkeys(names))}
    events, stations = place(table.event_id), place(table.station_id)
    index = lambda known, names: np.array([known[name] for name in names], int)
    return TrainingRecords(
        table,
        tuple(imts),
        index(events, table.event_id),
        index(stations, table.station_id),
        list(events),
        list(stations),
    )
