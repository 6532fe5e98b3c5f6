"""Whether a learned model holds what it says: earthquakes that its fit did not see."""

from dataclasses import asdict, dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from diffseis.core.words import plural
from diffseis.groundmotion import (
    AbstractGroundMotionModel,
    LogNormalIM,
    average_log_likelihood,
    ground_motions,
)
from diffseis.io import Notice
from diffseis.workflows.motion_training_records import TrainingRecords

LEAST_LEFT = 10
"""Events that must be left to learn from."""
_LEAST_HELD = 2
_NORMAL = {68: 0.994457883209753, 95: 1.959963984540054}
_MARGIN = {68: 0.08, 95: 0.04}
"""Shares may differ from what is said by this, or by twice their standard error."""


@dataclass(frozen=True)
class HeldOut:
    """Of one measure.

    Attributes:
        imt: its name.
        num_records, num_events: that were held out.
        inside_68, inside_95: shares of the records within the predictive intervals (what is not known of the mean counts).
        llh_bits: mean of -log2 of the predictive density; less is better.
        base_inside_68, base_inside_95, base_llh_bits: of the published model below; None without one.
    """

    imt: str
    num_records: int
    num_events: int
    inside_68: float
    inside_95: float
    llh_bits: float
    base_inside_68: float | None = None
    base_inside_95: float | None = None
    base_llh_bits: float | None = None

    def told(self) -> dict[str, Any]:
        """For `run.json`."""
        return {k: round(x, 4) if isinstance(x, float) else x for k, x in asdict(self).items()}


def split_events(
    records: TrainingRecords, share: float, seed: int
) -> tuple[TrainingRecords, TrainingRecords] | None:
    """Records to learn from and records of other events; None where there are too few events for that."""
    num = len(records.event_id)
    held = max(round(share * num), _LEAST_HELD)
    if num - held < LEAST_LEFT:
        return None
    chosen = np.random.default_rng(seed).permutation(num)[:held]
    out = np.isin(records.event, chosen)
    return records.some(np.flatnonzero(~out)), records.some(np.flatnonzero(out))


def held_out_check(
    records: TrainingRecords, model: AbstractGroundMotionModel, base: AbstractGroundMotionModel | None
) -> tuple[list[HeldOut], list[Notice]]:
    """How records of other events lie in a model's intervals.

    Args:
        records: that the model has not seen.
        model: with what is not known of its means (`with_epistemic`).
        base: the published one below.
    """
    motion = ground_motions(model, *records.pairs())
    below = None if base is None else ground_motions(base, *records.pairs())
    found, said = [], []
    for row, imt in enumerate(records.imts):
        observed = records.log_observed[row]
        hits = _hits(_row(motion, row), observed)
        beside = {}
        if below is not None:
            shares = _hits(_row(below, row), observed)
            beside = {f"base_inside_{level}": float(np.mean(x)) for level, x in shares.items()}
            beside["base_llh_bits"] = _bits(_row(below, row), observed)
        check = HeldOut(
            imt=imt,
            num_records=len(records),
            num_events=len(records.event_id),
            inside_68=float(np.mean(hits[68])),
            inside_95=float(np.mean(hits[95])),
            llh_bits=_bits(_row(motion, row), observed),
            **beside,
        )
        found.append(check)
        said += _off(imt, hits, records)
    return found, said


def _row(motion: LogNormalIM, row: int) -> LogNormalIM:
    return jax.tree.map(lambda x: x[row], motion)


def _bits(motion: LogNormalIM, observed: np.ndarray) -> float:
    return float(average_log_likelihood(motion, jnp.asarray(observed, float)))


def _hits(motion: LogNormalIM, observed: np.ndarray) -> dict[int, np.ndarray]:
    """By level: which records lie inside."""
    z = np.abs(observed - np.asarray(motion.mean_ln, float)) / np.asarray(motion.sigma, float)
    return {level: z < limit for level, limit in _NORMAL.items()}


def _off(imt: str, hits: dict[int, np.ndarray], records: TrainingRecords) -> list[Notice]:
    for level, inside in hits.items():
        share = np.mean(inside)
        # Records of one earthquake go together.
        by_event = np.bincount(records.event, inside - share)
        error = float(np.sqrt(np.sum(by_event**2))) / len(inside)
        if abs(share - level / 100) > max(_MARGIN[level], 2 * error):
            message = f"{imt}: {100 * share:.0f} % of {plural(len(inside), 'record')} of {plural(len(by_event), 'event')} that were held out lie in the intervals that should hold {level} %"
            return [Notice("coverage", message, len(inside))]
    return []
