"""From a flatfile and names of models to residuals and a ranking: the job of ``diffseis residuals``."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.padding import bucket_size, pad_axis
from diffseis.core.words import plural
from diffseis.groundmotion import (
    AbstractGroundMotionModel,
    LogNormalIM,
    Rupture,
    Site,
    average_log_likelihood,
    data_support,
    euclidean_distance_ranking,
    event_residuals,
    ground_motions,
    likelihood_index,
)
from diffseis.io import FlatTable, Notice, read_flatfile, sha256_of, write_json
from diffseis.io.atomic import atomic_path
from diffseis.io.rows_csv import write_rows_csv
from diffseis.plot import figure_png, ground_motion_residuals_figure
from diffseis.workflows.ground_motions import Progress
from diffseis.workflows.motion_models import caveats, measures_of, named_model
from diffseis.workflows.provenance import git_commit, versions
from diffseis.workflows.run_folders import check_folder, folder_of

COMMAND = "diffseis residuals"
_NEAREST_KM = 0.1
"""Nearer records are drawn there: the axis is logarithmic."""
_LEAST = 3
"""Fewer records say nothing of a model."""

RANKING = (
    *("model", "imt", "num_records", "num_events", "mean_total", "sd_total", "mean_between", "sd_between"),
    *("mean_within", "sd_within", "median_lh", "llh_bits", "edr", "weight"),
)
RECORDS = ("event_id", "station_id", "model", "imt", "total", "within")
EVENTS = ("event_id", "model", "imt", "num_records", "between", "between_sd")


@dataclass(frozen=True)
class Part:
    """Residuals of one model and measure.

    Attributes:
        model, imt: names.
        rows: of the flatfile that were used.
        event: which of `event_id` each belongs to.
        event_id: of the events.
        total, within: of the records, normalised.
        between, between_sd: of the events.
        numbers: of the ranking.
    """

    model: str
    imt: str
    rows: np.ndarray
    event: np.ndarray
    event_id: list[str]
    total: np.ndarray
    within: np.ndarray
    between: np.ndarray
    between_sd: np.ndarray
    numbers: dict[str, float | int]


def run_residuals(
    flatfile: Path, models: Sequence[str], imts: Sequence[str], out: Path, progress: Progress | None = None
) -> dict[str, Any]:
    """The whole job; returns the record of the run.

    Raises:
        InputError: if a model or a measure cannot be, or no record is left for any.
    """
    say = progress or (lambda *_: None)
    clock = time.perf_counter()
    check_folder(out, COMMAND)
    names = [str(measure) for measure in measures_of(imts)]
    made = {(m, i): named_model(m, [i]) for m in models for i in names}
    table, notices = read_flatfile(flatfile)
    notices += caveats({model: made[model, names[0]] for model in models})
    for name in names:
        if name not in table.observed:
            raise InputError(
                f"has no {name}", file=flatfile, field="--imts", fix=f"it has {', '.join(table.observed)}"
            )
    parts = []
    for number, ((model_name, imt), model) in enumerate(made.items()):
        part, said = residual_part(table, model_name, imt, model)
        notices += said
        parts += [part] if part is not None else []
        say("residuals", number + 1, len(made))
    if not parts:
        raise InputError(
            "no model has enough records: " + "; ".join(n.message for n in notices), file=flatfile
        )
    ranking = _ranked(parts)
    with folder_of(out, COMMAND):
        files = _write(table, parts, ranking, out, say)
        record = {
            "command": COMMAND,
            "settings": {"flatfile": str(flatfile), "models": list(models), "imts": list(imts)},
            "versions": versions(),
            "commit": git_commit(),
            "sha256": {"flatfile": sha256_of(flatfile)},
            "format": table.format,
            "num_records": len(table),
            "ranking": ranking,
            "notices": [str(n) for n in notices],
            "seconds": round(time.perf_counter() - clock, 3),
            "files": files,
        }
        write_json(out / "run.json", record)
    return record


def residual_part(
    table: FlatTable, name: str, imt: str, model: AbstractGroundMotionModel
) -> tuple[Part | None, list[Notice]]:
    """Residuals of the records that have what a model needs, and which do not.

    Args:
        table: of records.
        name: of the model.
        imt: a measure of the table.
        model: of this measure alone.
    """
    lacking = [field for field in model.needs if field not in table.values]
    if lacking:
        message = f"{name}: the flatfile has no {', '.join(lacking)}"
        return None, [Notice("missing-column", message, count=len(table), file=table.path)]
    needed = np.all([np.isfinite(table.values[field]) for field in model.needs], axis=0)
    there = np.isfinite(table.observed[imt])
    rows = np.flatnonzero(needed & there)
    said = []
    if np.any(there & ~needed):
        left = int(np.sum(there & ~needed))
        message = f"{name}, {imt}: {plural(left, 'record')} left out: without all of {', '.join(model.needs)}"
        said.append(Notice("incomplete", message, count=left, file=table.path))
    if len(rows) < _LEAST:
        message = (
            f"{name}, {imt}: only {plural(len(rows), 'record')} with all that it needs, {_LEAST} at least"
        )
        return None, [*said, Notice("few-records", message, count=len(rows), file=table.path)]
    events = list(dict.fromkeys(table.event_id[rows]))
    place = {name: k for k, name in enumerate(events)}
    event = np.array([place[name] for name in table.event_id[rows]])
    size = bucket_size(len(rows))
    padded = lambda x, value: jnp.asarray(pad_axis(x, size, value=value))
    fields = {k: padded(x[rows], x[rows][0]).astype(float) for k, x in table.values.items()}
    of = lambda kind: {k: v for k, v in fields.items() if k in kind.__dataclass_fields__}
    motion = jax.tree.map(lambda x: x[0], ground_motions(model, Rupture(**of(Rupture)), Site(**of(Site))))
    observed = padded(np.log(table.observed[imt][rows]), 0.0).astype(float)
    mask = jnp.arange(size) < len(rows)
    found = event_residuals(observed, motion, padded(event, 0), bucket_size(len(events)), mask)
    own = lambda x, n: np.asarray(x, float)[:n]
    total, within = own(found.total, len(rows)), own(found.within, len(rows))
    between, between_sd = own(found.between, len(events)), own(found.between_sd, len(events))
    kept = jax.tree.map(lambda x: x[: len(rows)], motion)
    numbers = _numbers(kept, observed[: len(rows)], total, within, between)
    return Part(name, imt, rows, event, events, total, within, between, between_sd, numbers), said


def _numbers(motion: LogNormalIM, observed, total, within, between) -> dict[str, float | int]:
    spread = lambda x: float(np.std(x, ddof=1)) if len(x) > 1 else float("nan")
    return {
        "num_records": len(total),
        "num_events": len(between),
        "mean_total": float(np.mean(total)),
        "sd_total": spread(total),
        "mean_between": float(np.mean(between)),
        "sd_between": spread(between),
        "mean_within": float(np.mean(within)),
        "sd_within": spread(within),
        "median_lh": float(np.median(likelihood_index(jnp.asarray(total)))),
        "llh_bits": float(average_log_likelihood(motion, observed)),
        "edr": float(euclidean_distance_ranking(motion, observed)),
    }


def _ranked(parts: Sequence[Part]) -> list[dict[str, Any]]:
    """Rows of the ranking: by measure, the model with the smallest LLH first; weights by LLH among the models of a measure."""
    rows = []
    for imt in dict.fromkeys(part.imt for part in parts):
        own = [part for part in parts if part.imt == imt]
        weights = data_support(jnp.asarray([part.numbers["llh_bits"] for part in own]))
        for part, weight in sorted(zip(own, weights.tolist(), strict=True), key=lambda x: -x[1]):
            rows.append({"model": part.model, "imt": imt, **part.numbers, "weight": weight})
    return rows


def _write(table: FlatTable, parts: Sequence[Part], ranking, out: Path, say: Progress) -> list[str]:
    records = [
        (table.event_id[row], table.station_id[row], p.model, p.imt, p.total[k], p.within[k])
        for p in parts
        for k, row in enumerate(p.rows)
    ]
    counts = [np.bincount(p.event, minlength=len(p.event_id)) for p in parts]
    events = [
        (name, p.model, p.imt, counts[i][k], p.between[k], p.between_sd[k])
        for i, p in enumerate(parts)
        for k, name in enumerate(p.event_id)
    ]
    files = []
    for name, head, rows in (
        ("residuals.csv", RECORDS, records),
        ("events.csv", EVENTS, events),
        ("ranking.csv", RANKING, [[row[c] for c in RANKING] for row in ranking]),
    ):
        write_rows_csv(out / name, head, rows)
        files.append(name)
    for number, part in enumerate(parts):
        path = f"figures/{_file_name(part)}"
        (out / "figures").mkdir(exist_ok=True)
        with atomic_path(out / path) as temporary:
            temporary.write_bytes(figure_png(residuals_figure(table, part)))
        files.append(path)
        say("figures", number + 1, len(parts))
    return files


def residuals_figure(table: FlatTable, part: Part):
    """Of one model and measure."""
    of = lambda field: table.values.get(field, np.full(len(table), np.nan))[part.rows]
    joyner = np.isfinite(of("rjb_km")).any()
    distance = of("rjb_km" if joyner else "rrup_km")
    label = "$R_{JB}$ (km)" if joyner else "$R_{rup}$ (km)"
    if np.any(distance < _NEAREST_KM):
        label += f", at least {_NEAREST_KM:g}"
    first = [int(np.flatnonzero(part.event == k)[0]) for k in range(len(part.event_id))]
    return ground_motion_residuals_figure(
        part.between,
        of("magnitude")[first],
        part.within,
        np.maximum(distance, _NEAREST_KM),
        of("vs30_m_s"),
        distance_label=label,
        title=f"{part.model}, {part.imt}: {plural(len(part.rows), 'record')} of {plural(len(part.event_id), 'event')}",
    )


def _file_name(part: Part) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "_", f"{part.model}_{part.imt}").strip("_") + ".png"
