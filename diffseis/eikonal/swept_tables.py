"""Station tables for media that vary with depth only, by the eikonal equation in distance and depth."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffseis.core.concrete import is_concrete
from diffseis.core.grids import RegularGrid
from diffseis.core.interpolate import spline_coefficients
from diffseis.eikonal.solve import FactoredSweeping, solve_eikonal
from diffseis.eikonal.tables import StationTimeTables, shared_rows, table_grid
from diffseis.velocity import AbstractVelocityModel, Layered

REFINEMENTS = (1, 2)
"""The equation is solved on these multiples of the table's nodes per axis, and extrapolated."""
FINER = 0.6
"""The table's spacing in depth may be this share of what is asked for, to put nodes on interfaces."""
NUM_SPACINGS, NUM_SHIFTS = 81, 40

NUM_SAMPLES = 8
"""Depths per cell at which slowness is averaged: a layer may begin anywhere within a cell."""


class _CellMean(AbstractVelocityModel):
    """A model whose slowness is averaged over one cell in depth."""

    model: AbstractVelocityModel
    cell_km: Float[Array, ""]

    def speed(self, x_ned_km: Float[Array, "3"]) -> Float[Array, ""]:
        fraction = (jnp.arange(NUM_SAMPLES, dtype=x_ned_km.dtype) + 0.5) / NUM_SAMPLES
        offset = (fraction - 0.5) * self.cell_km
        points = x_ned_km[None, :] + jnp.stack([0 * offset, 0 * offset, offset], axis=-1)
        return 1 / jnp.mean(1 / jax.vmap(self.model.speed)(points))


def build_swept_tables(
    p_model: AbstractVelocityModel,
    s_model: AbstractVelocityModel,
    stations_ned_km: Float[Array, "station 3"],
    *,
    max_distance_km: float,
    depth_range_km: tuple[float, float],
    spacing_km: float = 0.25,
    solver: FactoredSweeping | None = None,
) -> StationTimeTables:
    """Tables of first arrivals from the sweeping solver, for any model of depth alone.

    By reciprocity the station is the source, at distance 0; in a medium without lateral variation the
    eikonal equation in distance and depth is that of a vertical plane. The answer is that of
    `build_layered_tables` by other means: a check of it, and the way for models that are not `Layered`.

    Args:
        p_model, s_model: the media; their speeds are read along the vertical axis.
        stations_ned_km: positions, in the order of the rows that picks refer to.
        max_distance_km: largest epicentral distance.
        depth_range_km: shallowest and deepest source; widened to include every station.
        spacing_km: of the table, in distance and depth.
        solver: the scheme; by default that of first order, whose errors at interfaces extrapolate best.

    Error: nodes are put on the interfaces as far as they go (then both solutions see an interface alike, and its error of first order is
    extrapolated away). For five layers whose depths are whole kilometres, 0.25 km spacing, P and S to 100 km: median 0.02 ms, 99 % below 3.1 ms, largest
    12 ms; for depths that no spacing fits 0.8, 6.7 and 13 ms. Differentiable.
    """
    depth_km = jnp.asarray(stations_ned_km)[:, 2]
    if is_concrete(depth_km):
        top, bottom = float(jnp.min(depth_km)), float(jnp.max(depth_km))
        depth_range_km = (min(depth_range_km[0], top), max(depth_range_km[1], bottom + 1e-6))
    top, spacing = _aligned(p_model, s_model, depth_range_km, spacing_km)
    grid = table_grid(max_distance_km, (top, depth_range_km[1]), (spacing_km, spacing), None, depth_km.dtype)
    first, row = shared_rows(depth_km)
    solver = FactoredSweeping(order=1) if solver is None else solver
    coefficients = _build_swept(p_model, s_model, depth_km[first], grid, solver)
    return StationTimeTables(coefficients, jnp.asarray(row, jnp.int32), grid)


def _aligned(p_model, s_model, depth_range_km, spacing_km: float) -> tuple[float, float]:
    """Depth of the first node, and a spacing not above the one asked for, that bring nodes closest to all interfaces."""
    top, bottom = depth_range_km
    layered = [m for m in (p_model, s_model) if isinstance(m, Layered) and is_concrete(m.depth_km)]
    depths = np.unique(np.concatenate([np.asarray(m.depth_km) for m in layered])) if layered else np.array([])
    depths = depths[(depths > top) & (depths < bottom)]
    if not len(depths):
        return top, spacing_km
    spacing = spacing_km * np.linspace(1, FINER, NUM_SPACINGS)[:, None, None]
    # A node on some interface is never worse than all nodes between them.
    shift = np.concatenate([np.full(1, depths[0]), depths[1:NUM_SHIFTS]])[None, :, None]
    steps = (depths[None, None, :] - shift) / spacing
    missed = np.max(np.abs(steps - np.round(steps)), axis=-1)
    # The largest spacing that is as good as any.
    best = np.argwhere(missed <= missed.min() + 0.01)[0]
    chosen, node = float(spacing[best[0], 0, 0]), float(shift[0, best[1], 0])
    return node - chosen * math.ceil((node - top) / chosen - 1e-9), chosen


@eqx.filter_jit
def _build_swept(p_model, s_model, table_depth_km, grid, solver):
    def solved(model, station_km, refinement):
        shape = tuple((n - 1) * refinement + 1 for n in grid.shape)
        fine = RegularGrid(grid.origin_km, grid.spacing_km / refinement, shape)
        source = jnp.stack([jnp.zeros_like(station_km), station_km])
        averaged = _CellMean(model, fine.spacing_km[1])
        tau = solve_eikonal(averaged, fine, solver, source_km=source).stats["tau"]
        return tau[::refinement, ::refinement]

    def tables_of(model):
        def one_station(station_km):
            # Interfaces leave an error of first order: Richardson's extrapolation takes it out.
            coarse, fine = (solved(model, station_km, r) for r in REFINEMENTS)
            return spline_coefficients(2 * fine - coarse, 2, even_axes=(0,))

        return jax.lax.map(one_station, table_depth_km)

    return jnp.concatenate([tables_of(p_model), tables_of(s_model)])
