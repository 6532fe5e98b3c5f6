"""From a flatfile to a learned ground-motion model: the job of ``diffseis train-groundmotion``."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import jax.random as jr
import numpy as np

from diffseis.core.results import Solution
from diffseis.core.words import plural
from diffseis.groundmotion import AbstractGroundMotionModel, fit_neural_model, with_epistemic
from diffseis.groundmotion.neural_weights import INPUT_FIELDS
from diffseis.io import Notice, read_flatfile, write_json
from diffseis.workflows.ground_motions import Progress
from diffseis.workflows.motion_held_out import LEAST_LEFT, HeldOut, held_out_check, split_events
from diffseis.workflows.motion_models import named_model
from diffseis.workflows.motion_training_config import MotionTraining
from diffseis.workflows.motion_training_files import DEVIATIONS, deviation_rows, write_learned
from diffseis.workflows.motion_training_records import TrainingRecords, training_records
from diffseis.workflows.provenance import made_with
from diffseis.workflows.run_folders import check_folder, folder_of

COMMAND = "diffseis train-groundmotion"
FEW_EVENTS = 20
"""With fewer, nothing is known of how deviations vary with magnitude."""


def run_train_groundmotion(
    settings: MotionTraining, out: Path, progress: Progress | None = None
) -> dict[str, Any]:
    """The whole job; returns the record of the run.

    Raises:
        InputError: if a setting, a file or a value cannot be, or there are too few records.
    """
    say = progress or (lambda *_: None)
    clock = time.perf_counter()
    check_folder(out, COMMAND)
    base = None if settings.base is None else named_model(settings.base, settings.imts)
    table, notices = read_flatfile(settings.flatfile)
    needs = tuple(dict.fromkeys((*INPUT_FIELDS, *(() if base is None else base.needs))))
    records, said = training_records(table, needs, settings)
    notices += said
    notices += _few(records)
    varying, said = _varying(settings, records)
    notices += said
    fit = lambda part, stage: _fit(settings, part, base, varying, lambda a, b: say(stage, a, b))
    checks, said = _checked(settings, records, base, lambda part: fit(part, "fit without held-out events"))
    notices += said
    solution = fit(records, "fit to all")
    notices += _unsettled(settings, solution)
    with folder_of(out, COMMAND):
        about = {
            **made_with(settings),
            "format": table.format,
            "num_records": len(records),
            "num_events": len(records.event_id),
            "num_stations": len(records.station_id),
            "heteroscedastic": varying,
            "held_out": [check.told() for check in checks],
            "deviations": _told(records, solution),
        }
        files = write_learned(settings, records, solution, base, about, out, say)
        record = {
            "command": COMMAND,
            **about,
            "notices": [str(n) for n in notices],
            "seconds": round(time.perf_counter() - clock, 3),
            "files": files,
        }
        write_json(out / "run.json", record)
    return record


def _few(records: TrainingRecords) -> list[Notice]:
    num = len(records.event_id)
    if num >= LEAST_LEFT:
        return []
    message = f"{plural(num, 'event')} say next to nothing of tau, and of what magnitude, depth and style do"
    return [Notice("few-events", message, num)]


def _told(records: TrainingRecords, solution: Solution) -> list[dict[str, Any]]:
    """Deviations by measure; what is no number as None."""
    number = lambda x: round(x, 5) if isinstance(x, float) else x
    rows = deviation_rows(records, solution.value, solution.stats["fits"])
    named = [dict(zip(DEVIATIONS, row, strict=True)) for row in rows]
    return [{k: None if x != x else number(x) for k, x in row.items()} for row in named]


def _varying(settings: MotionTraining, records: TrainingRecords) -> tuple[bool, list[Notice]]:
    """Whether deviations vary with magnitude."""
    num = len(records.event_id)
    enough = num >= FEW_EVENTS and np.ptp(records.magnitude) > 0
    if settings.heteroscedastic is None:
        message = f"tau and phi_ss are the same for all magnitudes: {plural(num, 'event')} say too little of how they vary (--heteroscedastic: nevertheless)"
        return bool(enough), [] if enough else [Notice("few-events", message, num)]
    if settings.heteroscedastic and not np.ptp(records.magnitude) > 0:
        return False, [Notice("few-events", "all events have one magnitude: deviations do not vary", num)]
    return settings.heteroscedastic, []


def _fit(
    settings: MotionTraining,
    records: TrainingRecords,
    base: AbstractGroundMotionModel | None,
    varying: bool,
    say: Callable[[int, int], None],
) -> Solution:
    say(0, len(settings.imts) * settings.members)
    rupture, site = records.pairs()
    several = np.max(np.bincount(records.station)) > 1
    return fit_neural_model(
        settings.imts,
        jnp.asarray(records.log_observed, float),
        rupture,
        site,
        event=jnp.asarray(records.event),
        station=jnp.asarray(records.station),
        num_events=len(records.event_id),
        num_stations=len(records.station_id),
        num_units=settings.units,
        base=base,
        monotone=settings.monotone,
        num_starts=settings.members,
        num_members=settings.members,
        # A station's term and what is left of its one record are one.
        site_effects=bool(several),
        heteroscedastic=varying,
        throw=False,
        progress=say,
        key=jr.key(settings.seed),
    )


def _checked(
    settings: MotionTraining,
    records: TrainingRecords,
    base: AbstractGroundMotionModel | None,
    fit: Callable[[TrainingRecords], Solution],
) -> tuple[list[HeldOut], list[Notice]]:
    """How a fit to some of the events does on the others."""
    if settings.held_out == 0:
        return [], []
    parts = split_events(records, settings.held_out, settings.seed)
    if parts is None:
        num = len(records.event_id)
        message = f"no event was held out: of {plural(num, 'event')} fewer than {LEAST_LEFT} would be left"
        return [], [Notice("not-checked", message, num)]
    return held_out_check(parts[1], with_epistemic(fit(parts[0]).value), base)


def _unsettled(settings: MotionTraining, solution: Solution) -> list[Notice]:
    open_ends = [
        imt for imt, settled in zip(settings.imts, solution.stats["settled"], strict=True) if not settled
    ]
    if not open_ends:
        return []
    message = f"the search of {', '.join(open_ends)} did not come to its end: a deviation may be next to nothing, or the records too few"
    return [Notice("not-settled", message, len(open_ends))]
