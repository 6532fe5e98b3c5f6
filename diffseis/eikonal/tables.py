"""Travel times from tables, one per station and phase: what locating thousands of events needs.

A table holds ``tau = T / d``, time over straight distance (a mean slowness), on nodes of epicentral
distance and source depth. tau is smooth and finite where the source comes to the station, so that ``T = d
tau`` has the right cone there. By reciprocity the station may be thought of as the source.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from diffseis.core import safe
from diffseis.core.concrete import is_concrete
from diffseis.core.grids import RegularGrid
from diffseis.core.interpolate import evaluate_spline, spline_coefficients
from diffseis.eikonal.base import AbstractPhaseTimes
from diffseis.eikonal.layered import first_arrival
from diffseis.velocity import Layered

NUM_PHASES = 2
FINEST_KM = (0.25, 0.2)
"""Default spacing in distance and depth where the largest number of nodes allows it."""
SAME_DEPTH_KM = 1e-3
"""Stations share one table where their depths differ by no more than this."""


def check_rows(coefficients) -> None:
    """Refuse tables without as many rows for S as for P, or with more coefficients than 32-bit integers count."""
    if coefficients.shape[0] % NUM_PHASES:
        raise ValueError("the tables need as many rows for S as for P")
    if coefficients.size >= 2**31:
        raise ValueError(
            "the tables have more than 2^31 coefficients; use a coarser spacing or fewer stations"
        )


class StationTimeTables(AbstractPhaseTimes):
    """P and S times from every station, for media that vary with depth only.

    One gather of 16 coefficients per time. Twice continuously differentiable in the source's position.
    Beyond the table's depths or its largest distance the mean slowness of the edge is used.

    Attributes:
        coefficients: of the splines of tau in s/km; row ``phase * num_tables + table``.
        table_row: the table of each station; stations at one depth share one.
        grid: nodes of distance (from 0) and source depth.
    """

    coefficients: Float[Array, "row distance depth"]
    table_row: Int[Array, " station"]
    grid: RegularGrid

    def __check_init__(self):
        check_rows(self.coefficients)

    @property
    def num_stations(self) -> int:
        return self.table_row.shape[0]

    def __call__(
        self,
        source_ned_km: Float[Array, "3"],
        receiver_ned_km: Float[Array, "3"],
        receiver_row: Int[Array, ""],
        phase_idx: Int[Array, ""],
    ) -> Float[Array, ""]:
        offset = source_ned_km - receiver_ned_km
        index = self.grid.to_index(jnp.stack([safe.norm(offset[:2]), source_ned_km[2]]))
        num_tables = self.coefficients.shape[0] // NUM_PHASES
        row = jnp.asarray(phase_idx).astype(jnp.int32) * num_tables + self.table_row[receiver_row]
        return safe.norm(offset) * evaluate_spline(self.coefficients, index, row)


def build_layered_tables(
    p_model: Layered,
    s_model: Layered,
    stations_ned_km: Float[Array, "station 3"],
    *,
    max_distance_km: float,
    depth_range_km: tuple[float, float],
    spacing_km: tuple[float, float] | None = None,
    max_nodes: tuple[int, int] = (400, 160),
    single_precision: bool = False,
) -> StationTimeTables:
    """Tables of exact first arrivals in 1-D models; differentiable in their speeds and depths.

    Args:
        p_model, s_model: the media.
        stations_ned_km: positions, in the order of the rows that picks refer to.
        max_distance_km: largest epicentral distance.
        depth_range_km: shallowest and deepest source, below sea level (the first may be negative).
        spacing_km: in distance and in depth; by default `FINEST_KM`, coarser where `max_nodes` asks for it.
        max_nodes: largest number of nodes in distance and in depth, for the default spacing.
        single_precision: keep the coefficients in float32, in half the memory, whatever the dtype they are computed and used in: an
            error below 2e-7 of each time (6 us in 30 s).

    Cost: about 0.3 us per node and core for constant layers (a second for 55 stations on 400 x 120 nodes).
    """
    station_depth_km = jnp.asarray(stations_ned_km)[:, 2]
    grid = table_grid(max_distance_km, depth_range_km, spacing_km, max_nodes, station_depth_km.dtype)
    first, row = shared_rows(station_depth_km)
    dtype = jnp.float32 if single_precision else station_depth_km.dtype
    coefficients = _build_layered(p_model, s_model, station_depth_km[first], grid, dtype)
    return StationTimeTables(coefficients, jnp.asarray(row, jnp.int32), grid)


def shared_rows(station_depth_km: Float[Array, " station"]) -> tuple[np.ndarray, np.ndarray]:
    """Stations that need a table of their own, and for each station which of those tables is its own.

    Stations whose depths agree within `SAME_DEPTH_KM` share one. While depths are traced every station has
    its own.
    """
    if not is_concrete(station_depth_km):
        every = np.arange(station_depth_km.shape[0])
        return every, every
    depth = np.asarray(station_depth_km, np.float64)
    first: list[int] = []
    row = np.zeros(depth.shape[0], np.int64)
    for station in np.argsort(depth, kind="stable"):
        if not first or depth[station] - depth[first[-1]] > SAME_DEPTH_KM:
            first.append(int(station))
        row[station] = len(first) - 1
    return np.asarray(first, np.int64), row


@eqx.filter_jit
def _build_layered(p_model, s_model, table_depth_km, grid, dtype):
    offsets, depths = grid.axis_km(0), grid.axis_km(1)

    def table_of(model, station_km):
        def mean_slowness(offset_km, source_km):
            distance = jnp.sqrt(offset_km**2 + (source_km - station_km) ** 2)
            # At the station itself: the limit, taken at a centimetre.
            distance = jnp.maximum(distance, 1e-5)
            upper, lower = jnp.minimum(source_km, station_km), jnp.maximum(source_km, station_km)
            return first_arrival(model, jnp.maximum(offset_km, 1e-9), upper, lower, distance) / distance

        # Offsets innermost: what depends on the two depths alone is then computed once.
        over_offsets = jax.vmap(mean_slowness, in_axes=(0, None))
        tau = jax.vmap(over_offsets, in_axes=(None, 0), out_axes=1)(offsets, depths)
        return spline_coefficients(tau, 2, even_axes=(0,)).astype(dtype)

    def tables_of(models):
        """Tables of a stack of models, ``model * num_tables + table``."""
        num_models, num_tables = jax.tree.leaves(models)[0].shape[0], table_depth_km.shape[0]
        one = jax.checkpoint(lambda model, z: table_of(model, z))
        pairs = (jnp.repeat(jnp.arange(num_models), num_tables), jnp.tile(table_depth_km, num_models))
        return jax.lax.map(lambda pair: one(jax.tree.map(lambda x: x[pair[0]], models), pair[1]), pairs)

    stack = lambda *models: jax.tree.map(lambda *x: jnp.stack(x), *models)
    if _alike(p_model, s_model):  # one program for both halves the time of compilation
        return tables_of(stack(p_model, s_model))
    return jnp.concatenate([tables_of(stack(p_model)), tables_of(stack(s_model))])


def _alike(one, other) -> bool:
    describe = lambda model: [(x.shape, x.dtype) for x in jax.tree.leaves(model)]
    return jax.tree.structure(one) == jax.tree.structure(other) and describe(one) == describe(other)


def table_grid(max_distance_km, depth_range_km, spacing_km, max_nodes, dtype) -> RegularGrid:
    """Nodes of distance and depth that cover the ranges."""
    top, bottom = (float(z) for z in depth_range_km)
    if not (math.isfinite(max_distance_km) and max_distance_km > 0):
        raise ValueError(f"`max_distance_km` must be positive, got {max_distance_km}")
    if not (math.isfinite(top) and math.isfinite(bottom) and top < bottom):
        raise ValueError(f"`depth_range_km` must be (shallow, deep), got {depth_range_km}")
    lengths = (float(max_distance_km), bottom - top)
    if spacing_km is None:
        spacing_km = tuple(
            max(fine, length / (most - 1))
            for fine, length, most in zip(FINEST_KM, lengths, max_nodes, strict=True)
        )
    if not all(s > 0 for s in spacing_km):
        raise ValueError(f"`spacing_km` must be positive, got {spacing_km}")
    shape = tuple(max(4, math.ceil(n / s - 1e-9) + 1) for n, s in zip(lengths, spacing_km, strict=True))
    grid = RegularGrid([0.0, top], list(spacing_km), shape)
    return jax.tree.map(lambda x: x.astype(dtype), grid)


def table_bytes(
    stations_ned_km: Float[Array, "station 3"],
    *,
    max_distance_km: float,
    depth_range_km: tuple[float, float],
    spacing_km: tuple[float, float] | None = None,
    max_nodes: tuple[int, int] = (400, 160),
    bytes_per_value: int = 8,
) -> int:
    """Memory that the tables of `build_layered_tables` take."""
    shape = table_grid(max_distance_km, depth_range_km, spacing_km, max_nodes, np.float32).shape
    num_tables = len(shared_rows(jnp.asarray(stations_ned_km)[:, 2])[0])
    return NUM_PHASES * num_tables * (shape[0] + 2) * (shape[1] + 2) * bytes_per_value


def table_error(
    tables: StationTimeTables,
    exact: AbstractPhaseTimes,
    stations_ned_km: Float[Array, "station 3"],
    *,
    num_points: int = 20000,
    key: Key[Array, ""],
) -> dict[str, float]:
    """Error of tables in s at random stations, phases, distances and depths within them.

    Args:
        tables: to be measured.
        exact: what they should equal.
        stations_ned_km: as given to the builder.
        num_points: how many random points.
        key: of the random points.

    Returns:
        ``max_s``, ``p99_s``, ``median_s`` of the absolute error.
    """
    stations = jnp.asarray(stations_ned_km)
    k_row, k_phase, k_place = jax.random.split(key, 3)
    row = jax.random.randint(k_row, (num_points,), 0, tables.num_stations)
    phase = jax.random.randint(k_phase, (num_points,), 0, NUM_PHASES)
    place = jax.random.uniform(k_place, (num_points, 3), stations.dtype)
    origin, end = tables.grid.origin_km, tables.grid.end_km
    offset = place[:, 0] * end[0]
    azimuth = 2 * jnp.pi * place[:, 1]
    depth = origin[1] + place[:, 2] * (end[1] - origin[1])
    receivers = stations[row]
    sources = jnp.stack(
        [receivers[:, 0] + offset * jnp.cos(azimuth), receivers[:, 1] + offset * jnp.sin(azimuth), depth],
        axis=-1,
    )
    both = eqx.filter_jit(lambda t: eqx.filter_vmap(t)(sources, receivers, row, phase))
    error = np.abs(np.asarray(both(tables)) - np.asarray(both(exact)))
    return {
        "max_s": float(error.max()),
        "p99_s": float(np.quantile(error, 0.99)),
        "median_s": float(np.median(error)),
    }
