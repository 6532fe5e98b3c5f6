"""Station tables from any travel-time field of a medium that varies with depth only."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.core.grids import RegularGrid
from diffseis.core.interpolate import spline_coefficients
from diffseis.eikonal.base import AbstractTravelTimeField
from diffseis.eikonal.tables import StationTimeTables, shared_rows, table_grid

AT_STATION_KM = 1e-5
"""The mean slowness at the station itself is its limit, taken here."""


def build_field_tables(
    p_field: AbstractTravelTimeField,
    s_field: AbstractTravelTimeField,
    stations_ned_km: Float[Array, "station 3"],
    *,
    max_distance_km: float,
    depth_range_km: tuple[float, float],
    spacing_km: tuple[float, float] | None = None,
    max_nodes: tuple[int, int] = (400, 160),
) -> StationTimeTables:
    """Tables of the times of two fields, for locating: a network costs thousands of operations per time, a table sixteen.

    The fields must not depend on the horizontal place, only on the distance: that is not checked.

    Args:
        p_field, s_field: times of P and S.
        stations_ned_km: positions, in the order of the rows that picks refer to.
        max_distance_km: largest epicentral distance.
        depth_range_km: shallowest and deepest source.
        spacing_km, max_nodes: as of `build_layered_tables`.
    """
    depth_km = jnp.asarray(stations_ned_km)[:, 2]
    grid = table_grid(max_distance_km, depth_range_km, spacing_km, max_nodes, depth_km.dtype)
    first, row = shared_rows(depth_km)
    coefficients = _build(p_field, s_field, depth_km[first], grid)
    return StationTimeTables(coefficients, jnp.asarray(row, jnp.int32), grid)


@eqx.filter_jit
def _build(p_field, s_field, table_depth_km, grid: RegularGrid):
    offsets, depths = grid.axis_km(0), grid.axis_km(1)

    def tables_of(field):
        def one_station(station_km):
            def mean_slowness(offset_km, source_km):
                apart = source_km - station_km
                near = (offset_km < AT_STATION_KM) & (jnp.abs(apart) < AT_STATION_KM)
                offset_km = jnp.where(near, AT_STATION_KM, offset_km)
                zero = jnp.zeros_like(offset_km)
                station = jnp.stack([zero, zero, station_km])
                source = jnp.stack([offset_km, zero, source_km])
                return field(source, station) / jnp.sqrt(offset_km**2 + apart**2)

            over_depths = jax.vmap(mean_slowness, in_axes=(None, 0))
            tau = jax.lax.map(lambda x: over_depths(x, depths), offsets)
            return spline_coefficients(tau, 2, even_axes=(0,))

        return jax.lax.map(one_station, table_depth_km)

    return jnp.concatenate([tables_of(p_field), tables_of(s_field)])
