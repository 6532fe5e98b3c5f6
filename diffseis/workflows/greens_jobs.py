"""A store of Green's functions from files: the job of ``diffseis greens``."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from diffseis.core import bsplines
from diffseis.core.errors import InputError
from diffseis.core.frames import LocalFrame
from diffseis.core.grids import RegularGrid
from diffseis.io import GreensFile, GreensHeader
from diffseis.wave import (
    Boundary,
    TimeAxis,
    impulse,
    num_substeps,
    source_lattice,
    time_series,
)
from diffseis.workflows.greens import build_greens, store_header, values_dtype
from diffseis.workflows.wave_config import StoreTable, WaveConfig
from diffseis.workflows.wave_inputs import SOLIDS, read_wave_stations
from diffseis.workflows.wave_runs import (
    checked_medium,
    faces,
    highest_frequency_hz,
    time_axis,
    time_function,
)

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class GreensJob:
    """A store that is to be built, its parts read and checked.

    Attributes:
        config, table: the settings, and those of the store.
        equation, medium, boundary, time_axis, substeps: of the runs.
        stations: places by id.
        lattice: nodes of the store.
        pass_hz: highest frequency.
        header: what the store will say of itself.
        notices: what is to be told.
    """

    config: WaveConfig
    table: StoreTable
    equation: Any
    medium: Any
    boundary: Boundary
    time_axis: TimeAxis
    substeps: int
    stations: dict[str, np.ndarray]
    lattice: RegularGrid
    pass_hz: float
    header: GreensHeader
    notices: list[str] = field(default_factory=list)

    @property
    def num_steps(self) -> int:
        """Of one run."""
        return (self.time_axis.num_samples + self.header.num_before) * self.substeps

    @property
    def store_bytes(self) -> int:
        """Of the coefficients of all stations, before they are compressed."""
        return math.prod(self.header.array_shape) * values_dtype(self.medium).itemsize


def prepare_greens(config: WaveConfig, *, file: Path) -> GreensJob:
    """Reads and checks everything; computes nothing that takes time.

    Args:
        config: the settings.
        file: where they are from, for messages.
    """
    table = config.store
    if table is None:
        raise InputError(
            "is missing",
            file=file,
            field="store",
            fix="add a [store] table with low_km and high_km, the corners of a box of sources",
        )
    if config.equation not in SOLIDS:
        raise InputError(
            f"{config.equation} waves have no stores of Green's functions",
            file=file,
            field="equation",
            fix=f"choose {' or '.join(SOLIDS)}",
        )
    notices: list[str] = []
    equation, medium = checked_medium(config)
    stations = read_wave_stations(config, medium.grid, notices)
    axis = time_axis(config)
    lattice = _lattice(table, medium.grid, file)
    boundary = faces(config, medium.grid.num_dims)
    pass_hz = _pass_hz(config, table, axis, file)
    places = np.stack(list(stations.values()))
    header = store_header(
        equation, medium, stations, places, lattice, axis, pass_hz,
        degree=table.degree, boundary=boundary, frame=_frame(config),
    )  # fmt: skip
    substeps = num_substeps(equation, medium, axis)
    return GreensJob(
        config, table, equation, medium, boundary, axis, substeps, stations, lattice, pass_hz, header, notices
    )


def _lattice(table: StoreTable, grid: RegularGrid, file: Path) -> RegularGrid:
    for name in ("low_km", "high_km", "every"):
        value = getattr(table, name)
        if not isinstance(value, int) and len(value) != grid.num_dims:
            raise InputError(
                f"has {len(value)} numbers, the medium {grid.num_dims} axes",
                file=file,
                field=f"store.{name}",
                fix="give one for each axis",
            )
    try:
        lattice = source_lattice(grid, table.low_km, table.high_km, table.every)
        for num in lattice.shape:
            bsplines.num_coefficients(num, table.degree)
    except ValueError as error:
        raise InputError(
            str(error),
            file=file,
            field="store",
            fix="give corners within the medium, low_km below high_km along each axis and some nodes apart, and every = 1 or more",
        ) from error
    return lattice


def _pass_hz(config: WaveConfig, table: StoreTable, axis: TimeAxis, file: Path) -> float:
    pass_hz = table.pass_hz
    if pass_hz is None:
        series = np.asarray(time_series(time_function(config), axis, config.time.origin_s)[0])
        pass_hz = highest_frequency_hz(series, config.time.dt_s)
    try:
        impulse(axis, pass_hz)
    except ValueError as error:
        fix = "give a lower store.pass_hz, or a smaller time.dt_s"
        raise InputError(str(error), file=file, field="store.pass_hz", fix=fix) from error
    return pass_hz


def _frame(config: WaveConfig) -> LocalFrame | None:
    return None if config.frame is None else LocalFrame(config.frame.latitude, config.frame.longitude)


def run_greens(job: GreensJob, out: Path, *, progress: Progress | None = None) -> GreensFile:
    """Computes what the folder lacks, station by station."""
    return build_greens(
        out, job.equation, job.medium, job.stations, job.lattice, job.time_axis, job.pass_hz,
        degree=job.table.degree, boundary=job.boundary, frame=_frame(job.config), progress=progress,
    )  # fmt: skip
