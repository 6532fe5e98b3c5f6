"""What ``diffseis train-groundmotion`` writes: the model, its deviations, terms of events and stations, figures."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from diffseis.core.results import Solution
from diffseis.groundmotion import (
    AbstractGroundMotionModel,
    MixedFit,
    NeuralModel,
    with_measures,
)
from diffseis.io import save_neural_model
from diffseis.io.atomic import atomic_path
from diffseis.io.learned_motions import SUFFIX
from diffseis.io.rows_csv import write_rows_csv
from diffseis.plot import figure_png
from diffseis.workflows.ground_motion_residuals import residual_part, residuals_figure
from diffseis.workflows.ground_motions import Progress
from diffseis.workflows.motion_training_config import MotionTraining
from diffseis.workflows.motion_training_figure import learned_figure
from diffseis.workflows.motion_training_records import TrainingRecords

_LIMITS = ("", "_low", "_high")
DEVIATIONS = (
    *("imt", "num_records", "num_events", "num_stations", "magnitude_centre"),
    *(f"{name}{end}" for name in ("tau", "phi_s2s", "phi_ss") for end in _LIMITS),
    *(f"{name}_slope{end}" for name in ("tau", "phi_ss") for end in _LIMITS),
)
EVENTS = ("event_id", "imt", "magnitude", "num_records", "term", "sd")
STATIONS = ("station_id", "imt", "vs30", "num_records", "term", "sd")


def write_learned(
    settings: MotionTraining,
    records: TrainingRecords,
    solution: Solution,
    base: AbstractGroundMotionModel | None,
    about: dict[str, Any],
    out: Path,
    say: Progress,
) -> list[str]:
    """Write all; returns the files.

    Args:
        settings: of the run.
        records: that were learned from.
        solution: of the fit to all of them.
        base: the published model below.
        about: of the run, for the model's file.
        out: the folder.
        say: told of figures.
    """
    model, fits = solution.value, solution.stats["fits"]
    name = f"model{SUFFIX}"
    save_neural_model(out / name, model, name=out.resolve().name, base=settings.base, about=about)
    write_rows_csv(out / "deviations.csv", DEVIATIONS, deviation_rows(records, model, fits))
    write_rows_csv(out / "events.csv", EVENTS, _events(records, fits))
    write_rows_csv(out / "stations.csv", STATIONS, _stations(records, fits))
    files = [name, "deviations.csv", "events.csv", "stations.csv"]
    (out / "figures").mkdir(exist_ok=True)
    for row, imt in enumerate(settings.imts):
        say("figures", row, len(settings.imts))
        stem = re.sub(r"[^A-Za-z0-9.]+", "_", imt).strip("_")
        part, _ = residual_part(records.table, out.resolve().name, imt, with_measures(model, [imt]))
        drawn = {f"figures/attenuation_{stem}.png": learned_figure(settings, records, model, base, row)}
        if part is not None:
            drawn[f"figures/residuals_{stem}.png"] = residuals_figure(records.table, part)
        for path, figure in drawn.items():
            with atomic_path(out / path) as temporary:
                temporary.write_bytes(figure_png(figure))
        files += list(drawn)
    say("figures", len(settings.imts), len(settings.imts))
    return files


def deviation_rows(records: TrainingRecords, model: NeuralModel, fits: list[MixedFit]):
    """Rows of `DEVIATIONS`, by measure."""
    counts = (len(records), len(records.event_id), len(records.station_id))
    centre = float(model.rows.columns["magnitude_centre"][0])
    for imt, fit in zip(records.imts, fits, strict=True):
        d, s = fit.deviations, fit.slopes
        levels = zip((d.tau, d.phi_s2s, d.phi_ss), fit.low, fit.high, strict=True)
        values = [float(x) for three in levels for x in three]
        for three in ((s.tau, s.tau_low, s.tau_high), (s.phi_ss, s.phi_ss_low, s.phi_ss_high)):
            values += [float(x[0]) if x.shape[0] else float("nan") for x in three]
        yield (imt, *counts, centre, *values)


def _events(records: TrainingRecords, fits: list[MixedFit]):
    counts, magnitude = np.bincount(records.event), records.magnitude
    for imt, fit in zip(records.imts, fits, strict=True):
        term, sd = (np.asarray(x, float) for x in (fit.effects.event, fit.effects.event_sd))
        for k, name in enumerate(records.event_id):
            yield name, imt, magnitude[k], counts[k], term[k], sd[k]


def _stations(records: TrainingRecords, fits: list[MixedFit]):
    counts = np.bincount(records.station)
    vs30 = np.bincount(records.station, records.table.values["vs30_m_s"]) / counts
    for imt, fit in zip(records.imts, fits, strict=True):
        term, sd = (np.asarray(x, float) for x in (fit.effects.site, fit.effects.site_sd))
        for k, name in enumerate(records.station_id):
            yield name, imt, vs30[k], counts[k], term[k], sd[k]
