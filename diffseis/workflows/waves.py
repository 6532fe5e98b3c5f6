"""Seismograms, snapshots and pictures of events from files: the job of ``diffseis wave``."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.grids import RegularGrid
from diffseis.core.results import RESULTS
from diffseis.io import (
    atomic_path,
    sha256_of,
    to_stream,
    write_json,
    write_mseed,
    write_records_netcdf,
    write_snapshots_netcdf,
)
from diffseis.io.atomic import make_folder
from diffseis.io.times import format_time
from diffseis.plot import WavefieldFrames, figure_png, record_figure, write_animation
from diffseis.wave import (
    Boundary,
    DisplacementReceivers,
    MomentSources,
    PressureReceivers,
    PressureSources,
    TimeAxis,
    VelocityReceivers,
    num_substeps,
    propagate,
    time_series,
)
from diffseis.workflows.greens import medium_arguments
from diffseis.workflows.provenance import git_commit, versions
from diffseis.workflows.wave_config import WaveConfig
from diffseis.workflows.wave_inputs import SOLIDS, Event, read_wave_events, read_wave_stations
from diffseis.workflows.wave_runs import (
    ENOUGH,
    checked_medium,
    elastic_part,
    faces,
    highest_frequency_hz,
    slowest_speeds_km_s,
    time_axis,
    time_function,
)

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class WaveJob:
    """All that is to be computed, read and checked.

    Attributes:
        config: the settings.
        equation, medium, boundary, time_axis: of the runs.
        series: moment rate over moment.
        stations: places by id.
        events: sources.
        plane: nodes of snapshots, (along, down, dim), or None.
        plane_axes: their coordinates by name.
        notices: what is to be told.
    """

    config: WaveConfig
    equation: Any
    medium: Any
    boundary: Boundary
    time_axis: TimeAxis
    substeps: int
    series: np.ndarray
    stations: dict[str, np.ndarray]
    events: list[Event]
    plane: np.ndarray | None
    plane_axes: dict[str, np.ndarray]
    notices: list[str] = field(default_factory=list)

    @property
    def is_solid(self) -> bool:
        """Whether motion is recorded; else pressure is."""
        return self.config.equation in SOLIDS


def prepare_waves(config: WaveConfig) -> WaveJob:
    """Reads and checks everything; computes nothing that takes time."""
    notices: list[str] = []
    equation, medium = checked_medium(config)
    if not config.event and config.events_file is None:
        raise InputError(
            "no sources are given",
            field="events_file, event",
            fix="name a QuakeML file, or add [[event]] tables",
        )
    grid = medium.grid
    stations = read_wave_stations(config, grid, notices)
    events = read_wave_events(config, grid, notices)
    if not events:
        raise InputError(
            "holds no events", file=config.events_file, field="events_file", fix="name a file with events"
        )
    axis = time_axis(config)
    series = np.asarray(time_series(time_function(config), axis, config.time.origin_s)[0])
    boundary = faces(config, grid.num_dims)
    substeps = num_substeps(equation, medium, axis)
    plane, axes = _plane(config, grid, events, axis.num_samples * substeps)
    job = WaveJob(
        config, equation, medium, boundary, axis, substeps, series, stations, events, plane, axes, notices
    )
    notices += _warnings(job)
    return job


def _plane(config: WaveConfig, grid: RegularGrid, events: list[Event], num_steps: int):
    """Every so-manieth node of the section, or of the plane through north and down at the first event."""
    if not config.output.snapshots:
        return None, {}
    fields = grid.num_dims if config.equation in SOLIDS else 1
    allowed = config.output.max_snapshot_mb * 1e6 / (4.0 * fields * num_steps)
    along, down = np.asarray(grid.axis_km(0)), np.asarray(grid.axis_km(grid.num_dims - 1))
    every = max(1, math.ceil(math.sqrt(along.size * down.size / max(allowed, 1.0))))
    if min(along.size, down.size) // every < 4:
        raise InputError(
            "leaves less than four nodes along an axis",
            field="output.max_snapshot_mb",
            fix="allow more memory",
        )
    along, down = along[::every], down[::every]
    x, z = np.meshgrid(along, down, indexing="ij")
    if grid.num_dims == 2:
        return np.stack([x, z], -1), {"x_km": along, "depth_km": down}
    usable = [e.position_km[1] for e in events if not e.problem]
    east = np.asarray(grid.axis_km(1))
    middle = east[np.argmin(np.abs(east - usable[0]))] if usable else east[east.size // 2]
    return np.stack([x, np.full_like(x, middle), z], -1), {"north_km": along, "depth_km": down}


def points_per_wavelength(job: WaveJob) -> float:
    """Nodes per shortest wavelength, of the slowest wave at the highest frequency of the sources."""
    hz = highest_frequency_hz(job.series, job.config.time.dt_s)
    slowest = float(np.min(slowest_speeds_km_s(job.config, job.medium)))
    return slowest / hz / float(np.max(np.asarray(job.medium.grid.spacing_km)))


def _warnings(job: WaveJob) -> list[str]:
    found, config = [], job.config
    points, enough = points_per_wavelength(job), ENOUGH[config.order]
    if points < enough:
        found.append(
            f"the grid is coarse for the sources: {points:.1f} points per shortest wavelength, order {config.order} needs {enough:g}; take a spacing "
            f"{enough / points:.1f} times smaller, a lower frequency_hz, or a higher order"
        )
    nyquist = 0.5 / config.time.dt_s
    if highest_frequency_hz(job.series, config.time.dt_s) > 0.9 * nyquist:
        found.append(
            f"dt_s is long for the sources, whose spectrum reaches the Nyquist frequency {nyquist:g} Hz: give a smaller one"
        )
    top = float(job.medium.grid.origin_km[-1])
    silent = [name for name, at in job.stations.items() if at[-1] == top]
    if silent and config.free_surface and not job.is_solid:
        found.append(
            f"pressure is zero on a free surface: stations {', '.join(silent)} record nothing; put them deeper, or set free_surface = false"
        )
    peak = np.max(np.abs(job.series))
    if abs(job.series[0]) > 1e-3 * peak:
        found.append("sources are not at rest at the first sample: give a larger time.origin_s")
    return found


def cost_lines(job: WaveJob) -> list[str]:
    """What the runs will cost, for people."""
    grid = job.medium.grid
    widths = job.boundary.widths
    shape = tuple(n + sum(w) for n, w in zip(grid.shape, widths, strict=True))
    steps = job.time_axis.num_samples * job.substeps
    todo = sum(not e.problem for e in job.events)
    times = lambda numbers: " x ".join(map(str, numbers))
    lines = [
        f"grid: {times(grid.shape)} nodes, with absorbing layers {times(shape)}; spacing {times(f'{s:g}' for s in np.asarray(grid.spacing_km))} km",
        f"time: {job.time_axis.num_samples} samples of {float(job.time_axis.dt_s):g} s, {job.substeps} steps each: {steps} steps of {float(job.time_axis.dt_s) / job.substeps:.4g} s",
        f"sources: {todo} of {len(job.events)}; {math.prod(shape) * steps * todo:.3g} updates of nodes in all",
        f"frequencies up to {highest_frequency_hz(job.series, job.config.time.dt_s):.3g} Hz: {points_per_wavelength(job):.1f} points per shortest wavelength",
    ]
    if job.plane is not None:
        lines.append(f"snapshots: {job.config.output.snapshots} of {times(job.plane.shape[:2])} nodes")
    return lines


def run_waves(job: WaveJob, out: Path, *, progress: Progress | None = None) -> dict[str, Any]:
    """Computes all events and writes their files; one that fails is recorded as such, and the others go on."""
    make_folder(out)
    run = _compiled(job)
    record: dict[str, Any] = {
        "command": "diffseis wave",
        "settings": job.config.model_dump(mode="json"),
        "versions": versions(),
        "commit": git_commit(),
        "sha256": {"medium": sha256_of(job.config.medium.file)},
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
        return "failed: seismograms are not finite; check the medium", []
    try:
        return "computed", _write_event(job, event, records, frames, out)
    except InputError as error:
        return f"failed: {error}", []


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

    shown_at = _frames(job)

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


def _frames(job: WaveJob) -> np.ndarray:
    """Samples that are shown."""
    first = np.searchsorted(np.asarray(job.time_axis.times_s()), 0.5 * job.config.time.origin_s)
    last = job.time_axis.num_samples - 1
    return np.unique(np.linspace(min(first, last), last, job.config.output.snapshots).astype(int))


def _write_event(job: WaveJob, event: Event, records, frames, out: Path) -> list[str]:
    safe = "".join(c if c.isalnum() or c in "._-" else "_" for c in event.event_id) or "event"
    folder = out / safe
    start = event.time - np.timedelta64(round(job.config.time.origin_s * 1e9), "ns")
    if job.is_solid:
        name = job.config.output.quantity
        units = {"displacement": "km", "velocity": "km/s"}[name]
    else:
        name, units = "pressure", "GPa" if job.config.equation == "fluid" else "1"
    components = _components(job) if job.is_solid else ["pressure"]
    about = {
        "event": event.event_id,
        "origin_time": format_time(event.time),
        "reference_time": format_time(start),
    }
    times = np.asarray(job.time_axis.times_s())
    places = np.stack(list(job.stations.values()))
    write_records_netcdf(
        folder / "records.nc", records, name=name, units=units, station_ids=list(job.stations), station_km=places,
        components=components, times_s=times, attributes=about,
    )  # fmt: skip
    files = ["records.nc"]
    if job.is_solid:
        azimuth = job.config.frame and math.radians(job.config.frame.azimuth_deg)
        stream = to_stream(
            np.asarray(records, np.float64), list(job.stations), start, job.config.time.dt_s,
            azimuth_rad=azimuth if job.medium.grid.num_dims == 2 else None,
        )  # fmt: skip
        write_mseed(folder / "seismograms.mseed", stream)
        files.append("seismograms.mseed")
    distance = np.linalg.norm((places - event.position_km)[:, :-1], axis=1)
    figure = record_figure(
        records * 1e3 if job.is_solid else records, distance, times - job.config.time.origin_s, list(job.stations),
        components=components, quantity=name, units={"km": "m", "km/s": "m/s"}.get(units, units), title=f"Event {event.event_id}", distance="Epicentral distance" if places.shape[1] == 3 else "Distance along the section",
    )  # fmt: skip
    with atomic_path(folder / "section.png") as temporary:
        temporary.write_bytes(figure_png(figure, dpi=150))
    files.append("section.png")
    if frames is not None:
        files += _write_frames(job, event, frames, folder, about)
    return [f"{safe}/{f}" for f in files]


def _components(job: WaveJob) -> list[str]:
    return ["north", "east", "down"] if job.medium.grid.num_dims == 3 else ["along", "down"]


def _write_frames(job: WaveJob, event: Event, frames, folder: Path, about) -> list[str]:
    shape = job.plane.shape[:2] if job.plane is not None else ()
    values = np.moveaxis(frames, -1, 0)
    values = np.moveaxis(values.reshape(values.shape[0], *shape, -1), -1, 1)
    times = np.asarray(job.time_axis.times_s())[_frames(job)]
    name, units = ("velocity", "km/s") if job.is_solid else ("pressure", "1")
    components = _components(job) if job.is_solid else ["pressure"]
    write_snapshots_netcdf(
        folder / "snapshots.nc", values, name=name, units=units, components=components, axes=job.plane_axes, times_s=times,
        attributes=about,
    )  # fmt: skip
    along, down = job.plane_axes.values()
    picture = WavefieldFrames(
        values=-1e3 * values[:, -1] if job.is_solid else values[:, 0],
        along_km=along,
        depth_km=down,
        times_s=times - job.config.time.origin_s,
        speed_km_s=_speed_on(job, along, down),
        source_km=(float(event.position_km[0]), float(event.position_km[-1])),
        stations_km=np.stack([p[[0, -1]] for p in job.stations.values()]),
        label="vertical velocity (m/s)" if job.is_solid else "pressure",
        axis_name="North (km)" if job.medium.grid.num_dims == 3 else "Distance along the section (km)",
        title=f"Event {event.event_id}",
    )
    with atomic_path(folder / "wavefield.gif") as temporary:
        write_animation(temporary, picture, frames_per_s=job.config.output.frames_per_s)
    return ["snapshots.nc", "wavefield.gif"]


def _speed_on(job: WaveJob, along, down) -> np.ndarray:
    """The medium's P speed at the nodes of snapshots."""
    grid = job.medium.grid
    speed = np.asarray(elastic_part(job.medium).p_speed_km_s if job.is_solid else job.medium.speed_km_s)
    row = lambda axis, v: np.round((v - float(grid.origin_km[axis])) / float(grid.spacing_km[axis])).astype(
        int
    )
    if grid.num_dims == 3 and job.plane is not None:
        speed = speed[:, row(1, job.plane[0, 0, 1])]
    return speed[np.ix_(row(0, along), row(grid.num_dims - 1, down))]
