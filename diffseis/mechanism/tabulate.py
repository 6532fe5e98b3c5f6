"""From posteriors and fits to the columns of a catalogue."""

from typing import Any

import numpy as np

from diffseis.core.radiation_table import RadiationTable
from diffseis.core.results import RESULTS
from diffseis.mechanism.catalogue import (
    FAILED,
    FEW_DATA,
    LEAST_MODE,
    MAX_MODES,
    NO_DATA,
    NOT_CONVERGED,
    OK,
    Mechanisms,
    grade_of,
)
from diffseis.mechanism.fit import fits_of
from diffseis.mechanism.summary import Summary

LEAST_DATA = 4
"""Fewer do not determine a mechanism."""

_LEAST_EFFECTIVE = 20.0
"""Fewer effective draws do not describe a posterior."""

Columns = dict[str, np.ndarray]
_WORDS = ("event_id", "status", "reason", "grade")
_COUNTS = ("num_polarities", "num_ratios", "num_amplitudes", "num_modes")


def posterior_columns(
    summary: Summary, log_evidence: np.ndarray, effective_fraction: np.ndarray, num_draws: int
) -> Columns:
    """What posteriors say of each event of a batch, and whether they can be relied on.

    Args:
        summary: of the batch, on the host.
        log_evidence, effective_fraction: of the batch.
        num_draws: that the posteriors were summed up from.
    """
    planes = np.degrees(np.asarray(summary.planes, float))
    errors = np.degrees(np.asarray(summary.plane_errors, float))
    low, high = np.quantile(errors, (0.16, 0.84), axis=1)
    kagan = np.degrees(np.asarray(summary.kagan_rad, float))
    half, most = np.quantile(kagan, (0.5, 0.9), axis=1)
    columns: Columns = {"tensor": np.asarray(summary.tensor, float)}
    for i, end in enumerate(("", "2")):
        for j, angle in enumerate(("strike", "dip", "rake")):
            columns[f"{angle}{end}_deg"] = planes[:, i, j]
            columns[f"{angle}{end}_error_deg"] = 0.5 * (high - low)[:, i, j]
    finite = np.all(np.isfinite(planes), axis=(1, 2))
    status = np.where(effective_fraction * num_draws < _LEAST_EFFECTIVE, NOT_CONVERGED, OK).astype(object)
    status[~finite] = FAILED
    return columns | {
        "status": status,
        "slope_deg": np.degrees(np.asarray(summary.slope_rad, float)),
        "kagan50_deg": half,
        "kagan90_deg": most,
        "probability_within_20_deg": np.mean(kagan <= 20, axis=1),
        "num_modes": np.sum(np.asarray(summary.mode_share) >= LEAST_MODE, axis=1),
        "mode_share": np.asarray(summary.mode_share, float),
        "mode_planes_deg": np.degrees(np.asarray(summary.mode_planes, float)),
        "log_evidence": np.asarray(log_evidence, float),
        "effective_fraction": np.asarray(effective_fraction, float),
    }


def with_fits(columns: Columns, rays: RadiationTable, event: np.ndarray, ratio_shift: float) -> Columns:
    """The columns with how data fit, grades and reasons.

    Args:
        columns: of `posterior_columns`.
        rays: of the batch.
        event: whose each ray is: a row of the columns.
        ratio_shift: of log10 S/P beyond the ratio of radiation.
    """
    fits = vars(fits_of(rays, event, columns["tensor"], ratio_shift))
    status = columns["status"].copy()
    few = fits["num_polarities"] + fits["num_ratios"] + fits["num_amplitudes"] < LEAST_DATA
    status[few & (status != FAILED)] = FEW_DATA
    names = ("misfit", "num_polarities", "azimuthal_gap_deg", "takeoff_gap_deg")
    judged = (columns["probability_within_20_deg"], *(fits[name] for name in names))
    graded = zip(*(column.tolist() for column in judged), strict=True)
    grade = np.array([grade_of(*one) for one in graded], object)
    reason = np.array([_REASONS[word] for word in status], object)
    return columns | fits | {"status": status, "reason": reason, "grade": grade}


_REASONS = {
    OK: "",
    NO_DATA: "No ray of the event has both angles and a measurement.",
    FEW_DATA: f"Fewer than {LEAST_DATA} data do not determine a mechanism. First motions, ratios or amplitudes of more stations are needed.",
    NOT_CONVERGED: f"Fewer than {_LEAST_EFFECTIVE:.0f} draws count, too few to describe the posterior. Raise the number of draws.",
    FAILED: RESULTS[RESULTS.non_finite],
}


class Table:
    """Columns of all events, empty at first."""

    def __init__(self, ids):
        self.row_of = {name: i for i, name in enumerate(ids)}
        num = len(ids)
        self.columns: dict[str, Any] = {
            name: np.full(num, np.nan) for name in Mechanisms.__dataclass_fields__
        }
        self.columns["tensor"] = np.full((num, 3, 3), np.nan)
        self.columns["mode_share"] = np.zeros((num, MAX_MODES))
        self.columns["mode_planes_deg"] = np.full((num, MAX_MODES, 2, 3), np.nan)
        self.columns |= {name: np.zeros(num, int) for name in _COUNTS}
        self.columns |= {name: np.full(num, "", object) for name in _WORDS}
        self.columns["event_id"][:] = ids
        self.columns["status"][:] = NO_DATA
        self.columns["reason"][:] = _REASONS[NO_DATA]

    def rows(self, names) -> np.ndarray:
        """Of the events named."""
        return np.array([self.row_of[name] for name in names], int)

    def put(self, names, columns: Columns) -> None:
        """Columns of some events."""
        for column, values in columns.items():
            self.columns[column][self.rows(names)] = values

    def fail(self, name: str, reason: str) -> None:
        """An event whose computation raised an error."""
        row = self.row_of[name]
        self.columns["status"][row], self.columns["reason"][row] = FAILED, reason

    def mechanisms(self) -> Mechanisms:
        """All of them."""
        return Mechanisms(**self.columns)
