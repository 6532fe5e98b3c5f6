"""What a store of Green's functions will cost, and how well grid and lattice carry its waves."""

import math
from pathlib import Path

import numpy as np

from diffseis.io import open_greens
from diffseis.wave import tensor_pairs
from diffseis.workflows.greens import values_dtype
from diffseis.workflows.greens_jobs import GreensJob
from diffseis.workflows.wave_runs import ENOUGH, slowest_speeds_km_s

_ROUGH = 0.01
"""Share of the shortest waves that splines may miss before it is said."""


def _wavelengths(job: GreensJob) -> tuple[float, float]:
    """Nodes per shortest wavelength: of the medium's grid anywhere, and of the lattice at its own nodes."""
    grid, lattice = job.medium.grid, job.lattice
    slow = slowest_speeds_km_s(job.config, job.medium)
    spacing = np.asarray(grid.spacing_km)
    first = np.round((np.asarray(lattice.origin_km) - np.asarray(grid.origin_km)) / spacing).astype(int)
    last = first + np.round(np.asarray(lattice.spacing_km) / spacing).astype(int) * (
        np.asarray(lattice.shape) - 1
    )
    inside = slow[tuple(slice(f, e + 1) for f, e in zip(first, last, strict=True))]
    per = lambda speed, of: float(np.min(speed)) / job.pass_hz / float(np.max(np.asarray(of.spacing_km)))
    return per(slow, grid), per(inside, lattice)


def _missed(nodes: float, degree: int) -> float:
    """Share of a wave of so many nodes that a spline misses; see `diffseis.core.bsplines`."""
    return min(1.0, 2 * max(nodes - 1, 1.0) ** -(degree + 1))


def greens_warnings(job: GreensJob) -> list[str]:
    """Where grid or lattice are too coarse for the frequencies."""
    found = []
    points, nodes = _wavelengths(job)
    enough = ENOUGH[job.config.order]
    if points < enough:
        found.append(
            f"the grid is coarse for {job.pass_hz:.3g} Hz: {points:.1f} points per shortest wavelength, order {job.config.order} needs {enough:g}; "
            f"take a spacing {enough / points:.1f} times smaller, a lower store.pass_hz, or a higher order"
        )
    if _missed(nodes, job.table.degree) > _ROUGH:
        found.append(
            f"the store's nodes are far apart for {job.pass_hz:.3g} Hz: {nodes:.1f} of them per shortest wavelength; lower store.every or "
            "store.pass_hz, or take degree = 5"
        )
    return found


def greens_cost_lines(job: GreensJob, out: Path) -> list[str]:
    """What the store will cost, for people; and what of it is there.

    Raises:
        InputError: where `out` holds something else.
    """
    grid, header = job.medium.grid, job.header
    times = lambda numbers: " x ".join(map(str, numbers))
    shape = tuple(n + sum(w) for n, w in zip(grid.shape, job.boundary.widths, strict=True))
    todo = len(_missing(job, out))
    runs = todo * grid.num_dims
    points, nodes = _wavelengths(job)
    itemsize = values_dtype(job.medium).itemsize
    pairs = len(tensor_pairs(grid.num_dims))
    records = math.prod(job.lattice.shape) * pairs * job.num_steps * itemsize
    return [
        f"grid: {times(grid.shape)} nodes, with absorbing layers {times(shape)}; spacing {times(f'{s:g}' for s in np.asarray(grid.spacing_km))} km",
        f"store: {times(job.lattice.shape)} nodes, spacing {times(f'{s:g}' for s in np.asarray(job.lattice.spacing_km))} km, from "
        f"{_place(job.lattice.origin_km)} to {_place(job.lattice.end_km)} km; {header.num_samples} samples of {header.dt_s:g} s",
        f"frequencies up to {job.pass_hz:.3g} Hz: {points:.1f} points of the grid and {nodes:.1f} nodes of the store per shortest wavelength (splines miss "
        f"{_missed(nodes, job.table.degree):.1g} of such a wave)",
        f"stations: {todo} of {len(job.stations)} to be computed; {runs} runs of {job.num_steps} steps, {math.prod(shape) * job.num_steps * runs:.3g} updates of nodes in all",
        f"on disk: {_bytes(job.store_bytes)}, {_bytes(job.store_bytes // len(job.stations))} each station, before compression",
        f"in memory: {_bytes(records)} of records while a run lasts",
    ]


def _place(x) -> str:
    return "(" + ", ".join(f"{v:g}" for v in np.asarray(x)) + ")"


def _bytes(number: int) -> str:
    return f"{number / 1e9:,.2f} GB" if number >= 1e9 else f"{number / 1e6:,.1f} MB"


def _missing(job: GreensJob, out: Path) -> list[str]:
    """Stations that the folder lacks; all of them where there is none."""
    if not out.exists():
        return list(job.stations)
    found = open_greens(out)
    found.check_same(job.header)
    return [job.header.station_id[row] for row in found.missing]
