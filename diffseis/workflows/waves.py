"""Seismograms, snapshots and pictures of events from files: the job of ``diffseis wave``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.results import RESULTS
from diffseis.io import sha256_of, write_json
from diffseis.wave import (
    DisplacementReceivers,
    MomentSources,
    PressureReceivers,
    PressureSources,
    VelocityReceivers,
    propagate,
)
from diffseis.workflows.greens import medium_arguments
from diffseis.workflows.provenance import git_commit, versions
from diffseis.workflows.run_folders import folder_of
from diffseis.workflows.wave_files import shown_samples, write_event
from diffseis.workflows.wave_inputs import Event
from diffseis.workflows.wave_jobs import WaveJob, cost_lines

Progress = Callable[[str, int, int], None]
COMMAND = "diffseis wave"


def run_waves(job: WaveJob, out: Path, *, progress: Progress | None = None) -> dict[str, Any]:
    """Computes all events and writes their files; one that fails is recorded as such, and the others go on."""
    with folder_of(out, COMMAND):
        return _run(job, out, progress)


def _run(job: WaveJob, out: Path, progress: Progress | None) -> dict[str, Any]:
    run = _compiled(job)
    record: dict[str, Any] = {
        "command": COMMAND,
        "settings": job.config.model_dump(mode="json"),
        "versions": versions(),
        "commit": git_commit(),
        "sha256": {name: sha256_of(path) for name, path in job.config.files.items()},
        "cost": cost_lines(job),
        "notices": job.notices,
        "events": {},
    }
    for number, event in enumerate(job.events):
        if progress is not None:
            progress("waves", number, len(job.events))
        status, files = _computed(job, event, run, out)
        record["events"][event.event_id] = {"status": status, "files": files}
        write_json(out / "run.json", record)
    if progress is not None:
        progress("waves", len(job.events), len(job.events))
    return record


def _computed(job: WaveJob, event: Event, run, out: Path) -> tuple[str, list[str]]:
    """How an event went, and its files."""
    if event.problem:
        return f"failed: {event.problem}", []
    records, frames, result = run(event)
    if result != RESULTS.successful:
        return "failed: seismograms are not finite; check medium and moment", []
    try:
        return "computed", write_event(job, event, records, frames, out)
    except InputError as error:
        # What was written before is there, and belongs to this run.
        there = out / event.folder
        kept = sorted(f"{event.folder}/{p.name}" for p in there.iterdir()) if there.is_dir() else []
        return f"failed: {error}", kept


def _compiled(job: WaveJob):
    """A function of an event, compiled once: seismograms, snapshots, and how it ended."""
    values, rebuilt = medium_arguments(job.medium)
    with jax.ensure_compile_time_eval():
        stations = jnp.asarray(np.stack(list(job.stations.values())))
        plane = None if job.plane is None else jnp.asarray(job.plane.reshape(-1, stations.shape[1]))
    motion = DisplacementReceivers if job.config.output.quantity == "displacement" else VelocityReceivers
    kind = motion if job.is_solid else PressureReceivers
    shown = VelocityReceivers if job.is_solid else PressureReceivers
    receivers = (kind(stations),) if plane is None else (kind(stations), shown(plane))

    shown_at = shown_samples(job)

    @eqx.filter_jit
    def run(values, position, moment, series):
        if job.is_solid:
            source = MomentSources(position[None], moment[None], series[None])
        else:
            source = PressureSources(position[None], (moment * series)[None])
        found = propagate(
            job.equation,
            rebuilt(values),
            source,
            receivers,
            job.time_axis,
            boundary=job.boundary,
            substeps=job.substeps,
            throw=False,
        )
        kept = [found.value[0], *(v[..., shown_at] for v in found.value[1:])]
        return kept, found.result

    def one(event: Event):
        moment = event.moment if job.is_solid else event.explosion
        kept, result = run(values, *(jnp.asarray(v) for v in (event.position_km, moment, job.series)))
        arrays = [np.asarray(v) for v in kept]
        with_axis = [a if a.ndim == 3 else a[:, None] for a in arrays]
        return with_axis[0], with_axis[1] if len(with_axis) > 1 else None, result

    return one
