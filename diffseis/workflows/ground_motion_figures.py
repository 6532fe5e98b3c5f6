"""Spectra of scenarios, for ``diffseis groundmotion --figure``."""

from collections.abc import Sequence

import numpy as np

from diffseis.groundmotion import (
    AbstractGroundMotionModel,
    LogNormalIM,
    coefficient_table,
    ground_motion_model,
    ground_motions,
)
from diffseis.io import ScenarioTable, load_neural_model
from diffseis.plot import Curve, Panel, curves_figure
from diffseis.workflows.ground_motions import pairs
from diffseis.workflows.motion_models import learned_file, named_model

MOST_SCENARIOS = 6


def spectra_figure(table: ScenarioTable, models: Sequence[str]):
    """Response spectra of the first scenarios by all models that have one; None where none has."""
    shown = min(len(table), MOST_SCENARIOS)
    found = {}
    for name in models:
        periods = _periods(name)
        if len(periods):
            model = named_model(name, [f"SA({p:g})" for p in periods])
            motion = ground_motions(model, *pairs(table, slice(0, shown)))
            found[name] = (periods, motion)
    if not found:
        return None
    panels = [Panel(_title(table, row), _curves(found, row)) for row in range(shown)]
    return curves_figure(panels, x_label="Period (s)", y_label="Spectral acceleration, 5 % damped (g)")


def _curves(found: dict[str, tuple[np.ndarray, LogNormalIM]], row: int) -> list[Curve]:
    return [
        Curve(
            name, periods, np.asarray(motion.mean_ln, float)[:, row], np.asarray(motion.sigma, float)[:, row]
        )
        for name, (periods, motion) in found.items()
    ]


def _periods(name: str) -> np.ndarray:
    """Published periods of a model, or learned ones; none of one without spectra."""
    path = learned_file(name)
    if path is not None:
        return np.array(sorted(m.period_s for m in load_neural_model(path)[0].learned if m.kind == "SA"))
    try:
        model: AbstractGroundMotionModel = ground_motion_model(name, ["SA(1.0)"])
    except ValueError:
        return np.zeros(0)
    stem = type(model).__name__.lower()
    table = coefficient_table(
        {
            "i14": "i14_small",
            "asb14": "asb14_rjb",
            "bindi14": "bindi14_rjb_vs30",
            "derras14": "asb14_rjb",
        }.get(stem, stem)
    )
    given = table.periods_s
    return np.array([p for p in given if _gives(name, float(p))])


def _gives(name: str, period_s: float) -> bool:
    try:
        ground_motion_model(name, [f"SA({period_s:g})"])
    except ValueError:
        return False
    return True


def _title(table: ScenarioTable, row: int) -> str:
    values = {name: float(x[row]) for name, x in table.values.items()}
    parts = [f"M {values['magnitude']:.1f}"]
    for name, words in (("rjb_km", "$R_{JB}$"), ("rrup_km", "$R_{rup}$"), ("rhypo_km", "$R_{hypo}$")):
        if np.isfinite(values.get(name, np.nan)):
            parts.append(f"{words} {values[name]:.0f} km")
            break
    if np.isfinite(values.get("vs30_m_s", np.nan)):
        parts.append(f"VS30 {values['vs30_m_s']:.0f} m/s")
    return f"{row}: " + ", ".join(parts)
