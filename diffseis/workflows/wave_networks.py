"""Networks of waves, trained for a medium, judged by a direct solver, and kept in a file."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import jax.random as jr
import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.results import RESULTS
from diffseis.io import sha256_of, write_json
from diffseis.plot import figure_png, network_figure
from diffseis.wave import (
    AcousticMedium,
    Boundary,
    HarmonicSources,
    PressureSources,
    VTIMedium,
    judge_helmholtz,
    judge_waves,
    train_helmholtz,
    train_waves,
)
from diffseis.wave.domain import Domain
from diffseis.wave.harmonic_operator import fastest
from diffseis.wave.neural_features import PER_WAVELENGTH as OF_ONE_FREQUENCY
from diffseis.wave.neural_features import default_number
from diffseis.wave.neural_rows import outside
from diffseis.wave.neural_waves_training import PER_WAVELENGTH as IN_TIME
from diffseis.wave.stretching import stretch_of
from diffseis.workflows.provenance import git_commit, versions
from diffseis.workflows.run_folders import folder_of
from diffseis.workflows.wave_config import NetworkTable, WaveConfig
from diffseis.workflows.wave_jobs import PROGRAM_MB, WaveJob, prepare_waves
from diffseis.workflows.wave_network_files import write_wave_network
from diffseis.workflows.wave_runs import highest_frequency_hz

Progress = Callable[[str, int, int], None]
COMMAND = "diffseis train-wave"
LAYERS_IN_TIME = 1.5
"""Thickness of layers in wavelengths; at one frequency one is enough."""
ROUGH = 0.1
"""Error beyond which a network is called inaccurate."""
MOST = 20_000
"""Features."""
SHOWN = 3
"""Snapshots in the figure."""


@dataclass(frozen=True)
class NetworkJob:
    """What is to be learnt.

    Attributes:
        waves: settings, sources, times.
        table: of the network.
        medium: in double precision.
        hz: the frequency of a network of one frequency; the highest one of a network in time.
        num_features: how many.
        notices: what is to be told.
    """

    waves: WaveJob
    table: NetworkTable
    medium: AcousticMedium | VTIMedium
    hz: float
    num_features: int
    notices: list[str]

    @property
    def places(self) -> np.ndarray:
        """Of the sources that can be computed."""
        return np.stack([e.position_km for e in self.waves.events if not e.problem])

    @property
    def sizes(self) -> np.ndarray:
        """Of explosions with the sources' scalar moments."""
        return np.asarray([e.explosion for e in self.waves.events if not e.problem])

    def faces(self, thickness: int) -> Boundary:
        """Layers of so many nodes, and the surface."""
        return _faces(self.waves.config, self.medium, thickness)


def prepare_network(config: WaveConfig, *, file: Path) -> NetworkJob:
    """Reads and checks everything.

    Raises:
        InputError: for equations or grids that networks do not know.
    """
    table = NetworkTable.model_validate({}) if config.network is None else config.network
    known = ("acoustic",) if table.kind == "time" else ("acoustic", "vti")
    if config.equation not in known:
        raise InputError(
            f"is {config.equation!r}, of which there are no networks in {table.kind}",
            file=file, field="equation", fix=f"take {' or '.join(map(repr, known))}",
        )  # fmt: skip
    waves = prepare_waves(config)
    if table.kind == "time" and waves.medium.grid.num_dims > 2:
        raise InputError(
            "has three dimensions, of which there are no networks in time",
            file=config.medium.file, field="medium", fix='give a section, or network.kind = "frequency"',
        )  # fmt: skip
    if all(e.problem for e in waves.events):
        raise InputError(
            f"none can be computed, the first because {waves.events[0].problem}",
            file=file,
            field="event",
            fix="give one within the medium",
        )
    double = lambda a: jnp.asarray(a, float)
    speed = double(waves.medium.speed_km_s)
    medium = (
        AcousticMedium(waves.medium.grid, speed)
        if isinstance(waves.medium, AcousticMedium)
        else VTIMedium(waves.medium.grid, speed, double(waves.medium.epsilon), double(waves.medium.delta))
    )
    highest = highest_frequency_hz(waves.series, config.time.dt_s)
    hz = table.frequency_hz or (highest if table.kind == "time" else config.frequency_hz)
    lost = []
    num = table.num_features or _default_number(config, medium, table.kind, hz)
    if num > MOST:
        raise InputError(
            f"a network of {hz:.3g} Hz in this medium needs about {num} features; {MOST} are the most",
            file=file, field="network.frequency_hz", fix="give a lower frequency, or a smaller medium",
        )  # fmt: skip
    if table.kind == "time" and hz < 0.98 * highest:
        lost.append(
            f"sources have frequencies up to {highest:.3g} Hz, which the network, for {hz:.3g} Hz, will not carry"
        )
    return NetworkJob(waves, table, medium, hz, num, [*waves.notices, *lost])


def network_cost_lines(job: NetworkJob) -> list[str]:
    """What the training will cost, for people."""
    grid, num = job.medium.grid, job.num_features
    extent = np.asarray(grid.spacing_km) * (np.asarray(grid.shape) - 1)
    speed = np.asarray(job.medium.speed_km_s)
    shown = lambda several, spec: " x ".join(format(float(v), spec) for v in several)
    lengths = extent * job.hz / speed.min()
    word = "up to" if job.table.kind == "time" else "at"
    # As in the docstrings of `train_waves` and `train_helmholtz`: 40 N^2 and 48 N^2 bytes.
    of_pairs = 40 if job.table.kind == "time" else 48
    return [
        f"medium: {shown(extent, '.3g')} km, speeds {speed.min():.3g} to {speed.max():.3g} km/s",
        f"waves: {word} {job.hz:.3g} Hz; {shown(lengths, '.1f')} of the shortest wavelengths",
        f"features: {num:,}; memory: about {of_pairs * num**2 / 1e6 + PROGRAM_MB:,.0f} MB, of which {PROGRAM_MB} are the program itself",
        f"sources to be judged by: {len(job.places)} of {len(job.waves.events)}",
    ]


def run_network(job: NetworkJob, out: Path, *, progress: Progress | None = None) -> dict[str, Any]:
    """Trains, judges and writes ``network.safetensors``, ``network.png`` and ``run.json``; returns the record."""
    tell = progress or (lambda stage, done, total: None)
    with folder_of(out, COMMAND):
        return _run(job, out, tell)


def _run(job: NetworkJob, out: Path, tell: Progress) -> dict[str, Any]:
    tell("training", 0, 2)
    learn = _in_time if job.table.kind == "time" else _of_one_frequency
    trained, report = learn(job, lambda: tell("judging", 1, 2))
    error = float(report.error)
    status = "trained" if trained.result == RESULTS.successful else "failed: the weights are not finite"
    if not error < ROUGH and status == "trained":
        status = f"inaccurate: {100 * error:.2g} % off; give a larger network.num_features than {int(trained.stats['num_features'])}, or a lower frequency"
    record = {
        "command": COMMAND,
        "files": ["network.safetensors", *(["network.png"] if job.medium.grid.num_dims == 2 else [])],
        "status": status,
        "kind": job.table.kind,
        "frequency_hz": job.hz,
        "error": error,
        "source_radius_km": float(report.radius_km) if job.table.kind == "time" else 0.0,
        "notices": job.notices,
        "sha256": {name: sha256_of(path) for name, path in job.waves.config.files.items()},
        "errors": [float(e) for e in report.errors],
        "training": {k: float(v) for k, v in trained.stats.items() if np.ndim(v) == 0},
        "solver_equivalents": report.solver_equivalents,
        "summary": str(report),
        "settings": job.waves.config.model_dump(mode="json"),
        "versions": versions(),
        "commit": git_commit(),
    }
    told = {k: record[k] for k in ("kind", "frequency_hz", "error", "versions")}
    write_wave_network(out / "network.safetensors", trained.value, told)
    figure = _figure(job, trained, report)
    if figure is not None:
        (out / "network.png").write_bytes(figure_png(figure, dpi=110))
    write_json(out / "run.json", record)
    tell("judging", 2, 2)
    return record


def _default_number(config: WaveConfig, medium: AcousticMedium | VTIMedium, kind: str, hz: float) -> int:
    """As training chooses it: layers have features, too."""
    lengths = _lengths(medium, hz)
    domain = Domain(medium.grid, _faces(config, medium, _thickness(kind, lengths)))
    low, high = outside(domain, stretch_of(domain, fastest(medium), jnp.asarray(1.0)))
    return default_number(medium, low, high, hz, IN_TIME if kind == "time" else OF_ONE_FREQUENCY)


def _lengths(medium: AcousticMedium | VTIMedium, hz: float) -> float:
    """Nodes per shortest wavelength."""
    spacing = float(np.min(np.asarray(medium.grid.spacing_km)))
    return float(jnp.min(medium.speed_km_s)) / hz / spacing


def _thickness(kind: str, lengths: float) -> int:
    """Nodes of the layers that a network is trained with, for so many nodes per wavelength."""
    return max(2, round((LAYERS_IN_TIME if kind == "time" else 1) * lengths))


def _faces(config: WaveConfig, medium: AcousticMedium | VTIMedium, thickness: int) -> Boundary:
    """Layers of so many nodes, and the surface."""
    top = bool(config.free_surface)
    options = {"num_nodes": thickness, "reflection": 1e-3}
    return Boundary.absorbing(medium.grid.num_dims, free_surface=top, **options)


def _in_time(job: NetworkJob, then: Callable[[], None]):
    if not isinstance(job.medium, AcousticMedium):
        raise TypeError("networks in time are of acoustic media")
    nodes, absorbing = _lengths(job.medium, job.hz), job.waves.config.absorbing_nodes
    trained = train_waves(
        job.medium,
        job.hz,
        boundary=job.faces(_thickness("time", nodes)),
        num_features=job.num_features,
        key=jr.key(job.table.seed),
    )
    then()
    series = jnp.asarray(job.sizes)[:, None] * jnp.asarray(job.waves.series, float)[None]
    sources = PressureSources(jnp.asarray(job.places), series)
    thick = job.faces(max(absorbing, round(3 * nodes)))
    return trained, judge_waves(trained, job.medium, sources, job.waves.time_axis, boundary=thick)


def _of_one_frequency(job: NetworkJob, then: Callable[[], None]):
    nodes, absorbing = _lengths(job.medium, job.hz), job.waves.config.absorbing_nodes
    trained = train_helmholtz(
        job.medium,
        HarmonicSources(job.places, job.sizes),
        job.hz,
        boundary=job.faces(_thickness("frequency", nodes)),
        num_features=job.num_features,
        num_rounds=job.table.num_rounds,
        key=jr.key(job.table.seed),
    )
    then()
    thick = job.faces(max(absorbing, round(1.5 * nodes)))
    return trained, judge_helmholtz(trained, job.medium, boundary=thick)


def _figure(job: NetworkJob, trained, report):
    """Snapshots of the first source; of one frequency, the real part of the first sources' scattered fields. Of sections alone."""
    grid = job.medium.grid
    if grid.num_dims != 2:
        return None
    if job.table.kind == "time":
        size = np.linalg.norm(np.asarray(report.truth[0]).reshape(-1, report.truth.shape[-1]), axis=0)
        there = np.flatnonzero(size > 0.2 * size.max())
        shown = there[np.linspace(0, len(there) - 1, SHOWN + 1).astype(int)[1:]]
        truth, found = (
            np.moveaxis(np.asarray(a[0])[..., shown], -1, 0) for a in (report.truth, report.found)
        )
        times = np.asarray(job.waves.time_axis.times_s())[shown] - job.waves.config.time.origin_s
        labels = [f"{t:.2f} s after origin" for t in times]
    else:
        found = np.asarray(trained.value.on(grid.nodes_km().reshape(-1, 2)))
        truth = np.real(np.asarray(report.truth)[:1])
        found = np.real(found.reshape(-1, *grid.shape)[:1])
        labels = [f"{job.hz:.3g} Hz, scattered, real part"]
    return network_figure(
        truth,
        found,
        labels,
        x_km=np.asarray(grid.axis_km(0)),
        depth_km=np.asarray(grid.axis_km(1)),
        source_km=job.places[0],
        speed_km_s=np.asarray(job.medium.speed_km_s),
    )
