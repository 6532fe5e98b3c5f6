"""Stores of Green's functions, from runs with forces at stations."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffseis.core import bsplines
from diffseis.core.concrete import is_concrete
from diffseis.core.grids import RegularGrid
from diffseis.source import BandLimitedDelta
from diffseis.wave.base import AbstractWaveEquation
from diffseis.wave.boundary import Boundary
from diffseis.wave.greens import GreensStore, tensor_pairs
from diffseis.wave.points import check_inside
from diffseis.wave.propagate import num_substeps
from diffseis.wave.sources import MomentSources
from diffseis.wave.time_axis import TimeAxis
from diffseis.wave.transposed import transposed

LARGEST_PASS = 0.7
"""Of the Nyquist frequency: the narrower the band in which an impulse fades out, the longer it is."""


def source_lattice(grid: RegularGrid, low_km, high_km, every: int | tuple[int, ...]) -> RegularGrid:
    """Nodes of a medium's grid that cover a box of possible sources: on them strains are read at least cost.

    Args:
        grid: the medium's.
        low_km, high_km: corners of the box; the lattice reaches up to a spacing farther, where there is room.
        every: take each so-manieth node, along all axes or by axis.
    """
    steps = np.broadcast_to(np.asarray(every, int), (grid.num_dims,))
    low, high = (np.broadcast_to(np.asarray(x, float), (grid.num_dims,)) for x in (low_km, high_km))
    if np.any(steps < 1):
        raise ValueError(f"`every` must be at least 1, got {every}")
    if not (grid.contains(low) and grid.contains(high) and np.all(low < high)):
        raise ValueError(
            f"a box from {low} to {high} km does not lie within the grid, which spans {grid.origin_km} to {grid.end_km} km"
        )
    origin, spacing = np.asarray(grid.origin_km), np.asarray(grid.spacing_km)
    rounding = 1e-9
    first = np.floor((low - origin) / spacing + rounding).astype(int)
    cells = np.ceil((high - origin) / spacing - first - rounding).astype(int)
    num = -(-cells // steps) + 1
    # Where the last node would lie outside, the lattice begins earlier, or ends before the box does not.
    last = np.asarray(grid.shape) - 1
    first = np.maximum(0, np.minimum(first, last - (num - 1) * steps))
    if np.any(first + (num - 1) * steps > last):
        raise ValueError(
            f"a lattice of each {every} nodes that covers {low} to {high} km does not fit into the grid: change `every` or the box"
        )
    return RegularGrid(origin + first * spacing, steps * spacing, tuple(int(n) for n in num))


def impulse(time_axis: TimeAxis, pass_hz) -> tuple[BandLimitedDelta, int]:
    """The time function of forces at stations, and how many samples before the time 0 of a store it begins."""
    nyquist = 0.5 / float(time_axis.dt_s)
    if not 0 < float(pass_hz) <= LARGEST_PASS * nyquist:
        raise ValueError(
            f"`pass_hz` must lie between 0 and {LARGEST_PASS} of the Nyquist frequency {nyquist:g} Hz, got {float(pass_hz):g}: give a smaller `dt_s`"
        )
    with jax.ensure_compile_time_eval():
        pulse = BandLimitedDelta(pass_hz, nyquist)
        return pulse, int(np.ceil(float(pulse.half_duration_s) / float(time_axis.dt_s)))


def station_coefficients(
    equation: AbstractWaveEquation,
    medium: Any,
    station_km: Float[Array, " dim"],
    lattice: RegularGrid,
    time_axis: TimeAxis,
    pass_hz: float,
    *,
    degree: int = 3,
    boundary: Boundary | None = None,
    substeps: int | None = None,
) -> Float[Array, "*node tensor component time"]:
    """What a `GreensStore` holds of one station: a run for a force along each axis.

    Runs are `transposed`: what the store gives on nodes of the lattice is what a direct run gives, to rounding. Their records need 24 bytes (in two
    dimensions 12) for each node of the lattice and step of time, in single precision. Differentiable in the medium and the station's place.
    """
    bsplines.check_degree(degree)
    check_inside("station", station_km[None, :], medium.grid)
    nodes = _nodes(lattice)
    check_inside("lattice node", nodes, medium.grid)
    substeps = num_substeps(equation, medium, time_axis) if substeps is None else substeps
    pulse, before = impulse(time_axis, pass_hz)
    num = lattice.num_dims
    times = jnp.arange(-before, time_axis.num_samples).astype(time_axis.dt_s.dtype) * time_axis.dt_s
    series = jax.vmap(pulse)(times)
    # Places are as exact as the grid's, whatever the precision of the medium.
    station_km = station_km.astype(medium.grid.origin_km.dtype)
    run = lambda share: transposed(
        equation,
        medium,
        tuple(_unit_strain(nodes, i, j) for i, j in tensor_pairs(num)),
        tuple(f"velocity {axis}" for axis in range(num)),
        station_km,
        share,
        series,
        time_axis.dt_s,
        boundary=Boundary.absorbing(num) if boundary is None else boundary,
        substeps=substeps,
    )
    strains = jax.lax.map(run, jnp.eye(num, dtype=series.dtype))
    strains = jnp.moveaxis(strains.reshape(num, -1, *lattice.shape, len(times)), (1, 0), (-3, -2))
    return bsplines.coefficients(strains, tuple(range(num)), degree)


def _unit_strain(nodes, i: int, j: int) -> MomentSources:
    """Tensors whose double product with a strain is one component of it."""
    dim = nodes.shape[1]
    tensor = np.zeros((dim, dim))
    tensor[i, j] += 0.5
    tensor[j, i] += 0.5
    moment = jnp.broadcast_to(jnp.asarray(tensor, nodes.dtype), (nodes.shape[0], dim, dim))
    return MomentSources(nodes, moment, jnp.zeros((nodes.shape[0], 1), nodes.dtype))


def greens_store(
    equation: AbstractWaveEquation,
    medium: Any,
    station_position_km: Float[Array, "station dim"],
    lattice: RegularGrid,
    time_axis: TimeAxis,
    pass_hz: float,
    *,
    degree: int = 3,
    substeps: int | None = None,
    **options: Any,
) -> GreensStore:
    """A store of Green's functions, station by station.

    Args:
        equation, medium: as of `propagate`, solid and with a velocity.
        station_position_km: anywhere within the medium's grid.
        lattice: places where sources may be, best made by `source_lattice`. Splines of degree 3 need six of its nodes per wavelength at `pass_hz`,
            those of degree 5 four, but more than three times as many coefficients in three dimensions.
        time_axis: of seismograms.
        pass_hz: the highest frequency, well below that of the time axis.
        degree: of the splines: 3 or 5.
        substeps: as of `propagate`.
        options: `boundary`.

    Example:
        >>> lattice = source_lattice(medium.grid, [-5, -5, 2], [5, 5, 12], every=3)
        >>> store = greens_store(Elastic(), medium, stations_km, lattice, TimeAxis(400, 0.1), pass_hz=2.0)
        >>> series = time_series(Gaussian(0.3), store.time_axis, 2.0)[0]
        >>> u_km = store.displacement(position_km, moment, series)
    """
    check_inside("station", station_position_km, medium.grid)
    options["substeps"] = num_substeps(equation, medium, time_axis) if substeps is None else substeps
    one = lambda at: station_coefficients(
        equation, medium, at, lattice, time_axis, pass_hz, degree=degree, **options
    )
    coefficients = jax.lax.map(one, station_position_km)
    before = impulse(time_axis, pass_hz)[1]
    return GreensStore(
        coefficients, lattice, time_axis, jnp.asarray(pass_hz, float), num_before=before, degree=degree
    )


def _nodes(lattice: RegularGrid) -> Float[Array, "node dim"]:
    """Places that can be seen to lie on nodes of the medium, also where JAX traces."""
    if not is_concrete(lattice.origin_km, lattice.spacing_km):
        return lattice.nodes_km().reshape(-1, lattice.num_dims)
    with jax.ensure_compile_time_eval():
        return lattice.nodes_km().reshape(-1, lattice.num_dims)
