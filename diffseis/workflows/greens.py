"""A store of Green's functions on disk, station by station."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.frames import LocalFrame
from diffseis.core.grids import RegularGrid
from diffseis.io import GreensFile, GreensHeader, create_greens
from diffseis.wave import (
    AbstractWaveEquation,
    Boundary,
    TimeAxis,
    impulse,
    num_substeps,
    station_coefficients,
)
from diffseis.workflows.provenance import git_commit, versions
from diffseis.workflows.store import fingerprint

Progress = Callable[[str, int, int], None]


def build_greens(
    path: str | Path,
    equation: AbstractWaveEquation,
    medium: Any,
    stations: Mapping[str, Sequence[float] | np.ndarray],
    lattice: RegularGrid,
    time_axis: TimeAxis,
    pass_hz: float,
    *,
    degree: int = 3,
    boundary: Boundary | None = None,
    frame: LocalFrame | None = None,
    progress: Progress | None = None,
) -> GreensFile:
    """Computes the stations that a store lacks, with one compilation; what an interrupted build has finished is kept.

    Args:
        path: the store's folder, which is made where it is missing.
        equation, medium, lattice, time_axis, pass_hz, degree, boundary: as of `diffseis.wave.greens_store`.
        stations: places on the axes of the medium's grid, by code.
        frame: of those axes, for the record.
        progress: called with a stage, how many stations are there, and of how many.

    Raises:
        InputError: where the folder holds something else, a station lies outside the medium, or waves grew without bounds.
    """
    boundary = Boundary.absorbing(lattice.num_dims) if boundary is None else boundary
    places = np.asarray(list(stations.values()), float).reshape(-1, lattice.num_dims)
    for code, place in zip(stations, places, strict=True):
        if not medium.grid.contains(place):
            raise InputError(
                f"station {code} at {place} km lies outside the medium",
                field="stations",
                fix="correct its place, or extend the medium",
            )
    header = store_header(
        equation,
        medium,
        stations,
        places,
        lattice,
        time_axis,
        pass_hz,
        degree=degree,
        boundary=boundary,
        frame=frame,
    )
    run = _compiled(equation, medium, lattice, time_axis, pass_hz, degree, boundary)
    file = create_greens(path, header, dtype=str(values_dtype(medium)))
    todo, total = file.missing, len(stations)
    for number, row in enumerate(todo):
        if progress is not None:
            progress("Green's functions", total - len(todo) + number, total)
        found = np.asarray(run(jnp.asarray(places[row])))
        if not np.all(np.isfinite(found)):
            code = header.station_id[row]
            raise InputError(
                f"the waves of station {code} did not stay finite",
                field="medium",
                fix="check the medium near it, and use single precision only where amplitudes allow it",
            )
        file.write_station(row, found)
    if progress is not None:
        progress("Green's functions", total, total)
    return file


def medium_arguments(medium: Any) -> tuple[Any, Callable[[Any], Any]]:
    """A medium's values, to be given to a compiled function, and how that puts them on their grid again.

    Grids have to be known when a function is compiled, values had better not be: constants of that size are slow to compile.
    """
    fixed, values = eqx.partition(medium, _is_grid, is_leaf=_is_grid)
    return values, lambda values: eqx.combine(fixed, values, is_leaf=_is_grid)


def values_dtype(medium: Any) -> np.dtype:
    """Of a medium's values, and so of its waves."""
    values, _ = medium_arguments(medium)
    return np.result_type(*(x.dtype for x in jax.tree.leaves(eqx.filter(values, eqx.is_inexact_array))))


def _is_grid(node: Any) -> bool:
    return isinstance(node, RegularGrid)


def _compiled(equation, medium, lattice, time_axis, pass_hz, degree, boundary):
    """A function of the station's place."""
    substeps = num_substeps(equation, medium, time_axis)
    values, rebuilt = medium_arguments(medium)
    options = {"degree": degree, "boundary": boundary, "substeps": substeps}

    @eqx.filter_jit
    def run(values, at):
        return station_coefficients(equation, rebuilt(values), at, lattice, time_axis, pass_hz, **options)

    return lambda at: run(values, at)


def store_header(
    equation, medium, stations, places, lattice, time_axis, pass_hz, *, degree, boundary, frame
) -> GreensHeader:
    """What a store will say of itself; arguments as of `build_greens`, with codes and places of stations apart."""
    made_of = {
        "equation": f"{type(equation).__name__}, order {equation.order}: {equation}",
        "boundary": repr(boundary),
        "num_samples": time_axis.num_samples,
        "degree": degree,
        "lattice": lattice.shape,
    }
    numbers = (medium, lattice, float(time_axis.dt_s), float(pass_hz))
    about = {
        **made_of,
        "order": equation.order,
        "medium": type(medium).__name__,
        "medium_fingerprint": fingerprint({}, medium),
        "frame": None if frame is None else [frame.latitude_deg, frame.longitude_deg],
        "versions": versions(),
        "commit": git_commit(),
    }
    plain = lambda x: tuple(float(v) for v in np.asarray(x))
    return GreensHeader(
        station_id=tuple(stations),
        station_km=tuple(plain(p) for p in places),
        origin_km=plain(lattice.origin_km),
        spacing_km=plain(lattice.spacing_km),
        shape=lattice.shape,
        num_samples=time_axis.num_samples,
        dt_s=float(time_axis.dt_s),
        num_before=impulse(time_axis, pass_hz)[1],
        pass_hz=float(pass_hz),
        degree=degree,
        fingerprint=fingerprint(made_of, *numbers),
        about=about,
    )
