"""What ``diffseis wave`` is to compute: read, checked, and what it will cost."""

import math
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.grids import RegularGrid
from diffseis.wave import (
    Boundary,
    MomentSources,
    Plan,
    PressureReceivers,
    PressureSources,
    TimeAxis,
    VelocityReceivers,
    num_substeps,
    plan,
    time_series,
)
from diffseis.workflows.wave_config import WaveConfig
from diffseis.workflows.wave_inputs import SOLIDS, Event, read_wave_events, read_wave_stations
from diffseis.workflows.wave_runs import (
    ENOUGH,
    checked_medium,
    faces,
    highest_frequency_hz,
    slowest_speeds_km_s,
    time_axis,
    time_function,
)

LEAST = 2.0
"""Points per shortest wavelength."""
DRAWING_S = 0.5
"""A frame of an animation (measured)."""
CUT = 0.05
"""Of the peak, at the first or last sample, beyond which a pulse is cut."""
PROGRAM_MB = 700
"""What the program needs before it computes anything: compilation and drawing included (measured)."""


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
    _check_pulse(config, series)
    points = points_per_wavelength(job)
    if points < LEAST:
        raise InputError(
            f"makes {points:.2g} points per shortest wavelength: no grid carries waves with less than {LEAST:g}",
            field="medium.spacing_km",
            fix=f"take a spacing {ENOUGH[config.order] / points:.1f} times smaller, or a lower frequency_hz",
        )
    notices += _warnings(job)
    return job


def _check_pulse(config: WaveConfig, series: np.ndarray) -> None:
    """Refuse series that begin or end within the pulse: a cut has all frequencies."""
    peak = np.max(np.abs(series))
    enough = f"a pulse of {config.frequency_hz:g} Hz needs about {1.2 / config.frequency_hz:.2g} s before and after its origin"
    if config.time.origin_s >= config.time.duration_s or not peak:
        raise InputError(
            f"{config.time.origin_s:g} is not within the {config.time.duration_s:g} s of the records", field="time.origin_s",
            fix=f"give a smaller one, or a longer time.duration_s: {enough}",
        )  # fmt: skip
    for value, name, words in (
        (series[0], "time.origin_s", "begin"),
        (series[-1], "time.duration_s", "end"),
    ):
        if abs(value) > CUT * peak:
            raise InputError(
                f"lets sources {words} at {100 * abs(value) / peak:.0f} % of their peak", field=name, fix=f"give a larger one: {enough}"
            )  # fmt: skip


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
    if job.medium.grid.num_dims == 2:
        found.append(
            "in two dimensions sources are lines across the section: amplitudes decay with the root of distance, and pulses have tails"
        )
    if points < 0.99 * enough:
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


def _plan(job: WaveJob) -> Plan:
    """What a run needs."""
    stations = jnp.asarray(np.stack(list(job.stations.values())))
    place, series = jnp.mean(stations, axis=0)[None], jnp.asarray(job.series)[None]
    unit = jnp.eye(place.shape[1])[None]
    source = MomentSources(place, unit, series) if job.is_solid else PressureSources(place, series)
    kind = VelocityReceivers if job.is_solid else PressureReceivers
    places = [stations, *([] if job.plane is None else [jnp.asarray(job.plane.reshape(-1, place.shape[1]))])]
    receivers = tuple(kind(p) for p in places)
    options = {"boundary": job.boundary, "substeps": job.substeps}
    return plan(job.equation, job.medium, source, receivers, job.time_axis, **options)


def cost_lines(job: WaveJob) -> list[str]:
    """What the runs will cost, for people."""
    grid = job.medium.grid
    widths = job.boundary.widths
    shape = tuple(n + sum(w) for n, w in zip(grid.shape, widths, strict=True))
    steps = job.time_axis.num_samples * job.substeps
    todo = sum(not e.problem for e in job.events)
    times = lambda numbers: " x ".join(map(str, numbers))
    needed = _plan(job)
    lines = [
        f"grid: {times(grid.shape)} nodes, with absorbing layers {times(shape)}; spacing {times(f'{s:g}' for s in np.asarray(grid.spacing_km))} km",
        f"time: {job.time_axis.num_samples} samples of {float(job.time_axis.dt_s):g} s, {job.substeps} steps each: {steps} steps of {float(job.time_axis.dt_s) / job.substeps:.4g} s",
        f"sources: {todo} of {len(job.events)}; {math.prod(shape) * steps * todo:.3g} updates of nodes in all",
        f"memory: about {needed.forward_bytes / 1e6 + PROGRAM_MB:,.0f} MB, of which {PROGRAM_MB} are the program itself",
        f"frequencies up to {highest_frequency_hz(job.series, job.config.time.dt_s):.3g} Hz: {points_per_wavelength(job):.1f} points per shortest wavelength",
    ]
    if job.plane is not None:
        drawing = DRAWING_S * job.config.output.snapshots * todo
        lines.append(
            f"snapshots: {job.config.output.snapshots} of {times(job.plane.shape[:2])} nodes; about {drawing:,.0f} s to draw them"
        )
    return lines
