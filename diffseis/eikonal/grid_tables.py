"""Travel-time tables for media of two and three dimensions: one grid per station and phase."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from diffseis.core import safe
from diffseis.core.concrete import is_concrete
from diffseis.core.grids import RegularGrid
from diffseis.core.interpolate import evaluate_spline, spline_coefficients
from diffseis.core.results import RESULTS
from diffseis.eikonal.base import AbstractPhaseTimes
from diffseis.eikonal.solve import FactoredSweeping, solve_eikonal
from diffseis.eikonal.tables import NUM_PHASES, check_rows
from diffseis.velocity import AbstractVelocityModel


class GridTimeTables(AbstractPhaseTimes):
    """P and S times from every station to any point of a grid.

    By reciprocity the station is the source of the solution; ``tau = T / distance`` is interpolated by a
    cubic spline (64 coefficients per time in three dimensions), so that times keep their cone at the station.

    Attributes:
        coefficients: of the splines of tau in s/km; row ``phase * num_stations + station``.
        grid: nodes in north, east, down; or in north, down, where everything is taken to lie in that plane.
    """

    coefficients: Float[Array, "row *axes"]
    grid: RegularGrid

    def __check_init__(self):
        check_rows(self.coefficients)

    @property
    def num_stations(self) -> int:
        return self.coefficients.shape[0] // NUM_PHASES

    def __call__(
        self,
        source_ned_km: Float[Array, "3"],
        receiver_ned_km: Float[Array, "3"],
        receiver_row: Int[Array, ""],
        phase_idx: Int[Array, ""],
    ) -> Float[Array, ""]:
        row = phase_idx * self.num_stations + receiver_row
        source, receiver = (on_axes(x, self.grid.num_dims) for x in (source_ned_km, receiver_ned_km))
        return safe.norm(source - receiver) * evaluate_spline(
            self.coefficients, self.grid.to_index(source), row
        )


def on_axes(x_ned_km: Float[Array, "... 3"], num_dims: int) -> Float[Array, "... dim"]:
    """Coordinates on the axes of a grid: without east in two dimensions."""
    return x_ned_km if num_dims == 3 else jnp.stack([x_ned_km[..., 0], x_ned_km[..., 2]], axis=-1)


def build_grid_tables(
    p_model: AbstractVelocityModel,
    s_model: AbstractVelocityModel,
    stations_ned_km: Float[Array, "station 3"],
    *,
    grid: RegularGrid,
    solver: FactoredSweeping | None = None,
    throw: bool = True,
) -> GridTimeTables:
    """Tables from the sweeping solver, one station after the other; differentiable in the models.

    Args:
        p_model, s_model: the media.
        stations_ned_km: positions, all within the grid (which must reach above the highest station).
        grid: nodes in north, east, down.
        solver: the scheme; `FactoredSweeping()` by default.
        throw: raise when the sweeps of any station did not converge.

    Memory: 8 bytes per station, phase and node (and about 10 times one grid while it is solved).
    """
    stations = jnp.asarray(stations_ned_km)
    if grid.num_dims != 3:
        raise ValueError(f"the tables need a grid of 3 dimensions, got {grid.num_dims}")
    if is_concrete(stations, grid.origin_km, grid.spacing_km):
        for row, station in enumerate(stations):
            if not grid.contains(station):
                raise ValueError(
                    f"station {row} at {station} km lies outside the grid; let the grid reach above it"
                )

    def rows_of(model):
        one = lambda x: station_row(model, grid, solver, station_ned_km=x, throw=throw)[0]
        return jax.lax.map(one, stations)

    build = eqx.filter_jit(lambda p, s: jnp.concatenate([rows_of(p), rows_of(s)]))
    return GridTimeTables(build(p_model, s_model), grid)


def station_row(
    model: AbstractVelocityModel,
    grid: RegularGrid,
    solver: FactoredSweeping | None = None,
    *,
    station_ned_km: Float[Array, "3"],
    throw: bool = True,
) -> tuple[Float[Array, "north east down"], Bool[Array, ""]]:
    """One station's row of `GridTimeTables`, and whether its sweeps converged: for builders that keep what they have solved."""
    solution = solve_eikonal(model, grid, solver, source_km=station_ned_km, throw=throw)
    return spline_coefficients(solution.stats["tau"], 3), solution.result == RESULTS.successful
