"""Mechanisms as CSV: one row per event, whether it has one or not. Numbers of an event without a mechanism are empty."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np

from diffseis.io.atomic import write_text
from diffseis.io.catalogue_csv import fixed
from diffseis.mechanism import MechanismCatalogue, measure_tensors, six_tensors

_DECIMALS = {
    "strike_deg": 2,
    "dip_deg": 2,
    "rake_deg": 2,
    "slope_deg": 2,
    "strike2_deg": 2,
    "dip2_deg": 2,
    "rake2_deg": 2,
    "kagan50_deg": 2,
    "kagan90_deg": 2,
    "probability_within_20_deg": 4,
    "misfit": 4,
    "strike_error_deg": 2,
    "dip_error_deg": 2,
    "rake_error_deg": 2,
    "strike2_error_deg": 2,
    "dip2_error_deg": 2,
    "rake2_error_deg": 2,
    "ratio_misfit": 4,
    "station_distribution_ratio": 4,
    "azimuthal_gap_deg": 1,
    "takeoff_gap_deg": 1,
    "log_evidence": 4,
    "effective_fraction": 4,
    "lune_gamma_deg": 2,
    "lune_delta_deg": 2,
    "share_iso": 4,
    "share_dc": 4,
    "share_clvd": 4,
    "share_iso_error": 4,
    "share_dc_error": 4,
    "share_clvd_error": 4,
    **{f"{axis}_{part}_deg": 1 for axis in "tbp" for part in ("trend", "plunge")},
    **{f"m_{pair}": 5 for pair in ("nn", "ee", "dd", "ne", "nd", "ed")},
}
_COUNTS = ("num_polarities", "num_ratios", "num_amplitudes", "num_modes")

COLUMNS = (
    "event_id",
    "strike_deg",
    "dip_deg",
    "rake_deg",
    "slope_deg",
    "strike2_deg",
    "dip2_deg",
    "rake2_deg",
    "kagan50_deg",
    "kagan90_deg",
    "probability_within_20_deg",
    "grade",
    "num_polarities",
    "misfit",
    "status",
    "strike_error_deg",
    "dip_error_deg",
    "rake_error_deg",
    "strike2_error_deg",
    "dip2_error_deg",
    "rake2_error_deg",
    "num_ratios",
    "num_amplitudes",
    "ratio_misfit",
    "station_distribution_ratio",
    "azimuthal_gap_deg",
    "takeoff_gap_deg",
    "num_modes",
    "lune_gamma_deg",
    "lune_delta_deg",
    "share_iso",
    "share_dc",
    "share_clvd",
    "t_trend_deg",
    "t_plunge_deg",
    "b_trend_deg",
    "b_plunge_deg",
    "p_trend_deg",
    "p_plunge_deg",
    "m_nn",
    "m_ee",
    "m_dd",
    "m_ne",
    "m_nd",
    "m_ed",
    "log_evidence",
    "effective_fraction",
    "reason",
    "share_iso_error",
    "share_dc_error",
    "share_clvd_error",
)
"""Columns of ``mechanisms.csv``, in their order."""


def write_mechanisms_csv(path: str | Path, catalogue: MechanismCatalogue) -> None:
    """Write one row per event, in order.

    The components ``m_nn`` ... are those of the preferred tensor in north, east, down, of unit scalar moment.
    """
    columns = _columns(catalogue)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in range(len(catalogue)):
        writer.writerow([_cell(name, columns[name][row]) for name in COLUMNS])
    write_text(path, stream.getvalue())


def _columns(catalogue: MechanismCatalogue) -> dict[str, Any]:
    table = catalogue.mechanisms
    tensor = np.asarray(table.tensor, np.float64).reshape(-1, 3, 3)
    measures = measure_tensors(tensor)
    columns = {name: getattr(table, name) for name in COLUMNS if hasattr(table, name)}
    columns |= {
        "lune_gamma_deg": measures.gamma_deg,
        "lune_delta_deg": measures.delta_deg,
        "share_iso": measures.isotropic,
        "share_dc": measures.double_couple,
        "share_clvd": measures.clvd,
    }
    columns |= _errors_of_shares(catalogue)
    for i, axis in enumerate("tbp"):
        columns |= {
            f"{axis}_{part}_deg": measures.axes_deg[:, i, j] for j, part in enumerate(("trend", "plunge"))
        }
    pairs = (("nn", 0, 0), ("ee", 1, 1), ("dd", 2, 2), ("ne", 0, 1), ("nd", 0, 2), ("ed", 1, 2))
    return columns | {f"m_{name}": tensor[:, i, j] for name, i, j in pairs}


def _errors_of_shares(catalogue: MechanismCatalogue) -> dict[str, np.ndarray]:
    """Half-widths of the central 68 % of the draws' shares; 0 of double couples, which are nothing else."""
    names, num = ("share_iso_error", "share_dc_error", "share_clvd_error"), len(catalogue)
    known = np.isfinite(np.asarray(catalogue.mechanisms.strike_deg, float))
    found = np.where(known[:, None], 0.0, np.full((num, 3), np.nan))
    for row in np.flatnonzero(known) if catalogue.source != "dc" else ():
        of_draws = measure_tensors(six_tensors(np.asarray(catalogue.draws[row], float)))
        shares = np.stack([of_draws.isotropic, of_draws.double_couple, of_draws.clvd])
        low, high = np.nanquantile(shares, (0.16, 0.84), axis=1)
        found[row] = 0.5 * (high - low)
    return dict(zip(names, found.T, strict=True))


def _cell(name: str, value: Any) -> str:
    if name in _DECIMALS:
        return fixed(value, _DECIMALS[name])
    return str(int(value)) if name in _COUNTS else str(value)
