"""Travel times for locating, from the settings of a run."""

import math
from collections.abc import Callable
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.frames import LocalFrame
from diffseis.core.grids import RegularGrid
from diffseis.core.interpolate import spline_coefficients
from diffseis.core.results import RESULTS
from diffseis.core.tables import PHASES, StationTable, VelocityGrid, VelocityTable
from diffseis.eikonal import (
    AbstractPhaseTimes,
    FactoredSweeping,
    GridTimeTables,
    build_field_tables,
    build_layered_tables,
    build_swept_tables,
    solve_eikonal,
    table_bytes,
)
from diffseis.io import Notice, read_travel_time_networks, write_travel_time_networks
from diffseis.io.time_tables import read_time_table, write_time_table
from diffseis.location import SearchVolume
from diffseis.velocity import layered_pair, model_hash
from diffseis.workflows.config import LocateConfig
from diffseis.workflows.media import gridded_pair, model_coordinates
from diffseis.workflows.store import fingerprint
from diffseis.workflows.training import train_networks

MAX_TABLE_BYTES = 8e9
COMPACT_TABLE_BYTES = 256e6
"""Tables that would be larger keep their coefficients in single precision."""
SWEPT_SPACING_KM = 0.15
"""Default spacing of grids of distance and depth. With 0.2, 6 % of central Italy's events, those at interfaces, moved by more than 0.1 standard deviations
in depth (`experiments/006_locating_by_three_solvers`)."""
MOST_NODES = 1_500_000
"""Of a three-dimensional grid, where no spacing is given."""
FLATNESS = 4.0
"""Nodes of three-dimensional grids are so many times closer in depth than along the horizontal, as the Earth varies (measured: for one
number of nodes a fifth of the error of cubes)."""
TABLES_BYTES = 2e9
"""All tables of a network take about this at most, where no spacing is given."""
LEAST_SPACING_KM = 0.1
DIVE_KM = 5.0
DIVE_SHARE = 0.1
"""Three-dimensional grids reach deeper than the sources by this, and by this share of their width: rays dive."""

Progress = Callable[[str, int, int], None]


def make_times(
    config: LocateConfig,
    stations: StationTable,
    velocity: VelocityTable | VelocityGrid,
    frame: LocalFrame,
    volume: SearchVolume,
    *,
    progress: Progress | None = None,
    notices: list[Notice] | None = None,
) -> AbstractPhaseTimes:
    """Travel-time tables that cover the search volume; what is odd about them is added to `notices`."""
    say = progress or (lambda stage, done, total: None)
    position = frame.to_ned(stations.latitude, stations.longitude, stations.depth_km)
    kind = solver_of(config, velocity)
    if isinstance(velocity, VelocityGrid):
        told = [] if notices is None else notices
        return _of_three_dimensions(config, stations, position, velocity, frame, volume, say, told)
    try:
        p_model, s_model = layered_pair(velocity)
    except ValueError as error:
        raise InputError(str(error), file=config.velocity, fix="correct the velocity model") from error
    reach = _reach(position, volume)
    num_bytes = float(table_bytes(jnp.asarray(position), **reach))
    compact = kind == "layered" and num_bytes > COMPACT_TABLE_BYTES
    _refuse_too_big(num_bytes / 2 if compact else num_bytes, len(stations))
    if kind == "grid":
        spacing = config.grid_spacing_km or SWEPT_SPACING_KM
        say(f"solving the eikonal equation for {len(stations)} stations, nodes {spacing:g} km apart", 0, 0)
        return build_swept_tables(p_model, s_model, jnp.asarray(position), spacing_km=spacing, **reach)
    if kind == "neural":
        return _neural(config, velocity, position, reach, say)
    return build_layered_tables(p_model, s_model, jnp.asarray(position), **reach, single_precision=compact)


def solver_of(config: LocateConfig, velocity: VelocityTable | VelocityGrid) -> str:
    """ "layered", "grid" or "neural"."""
    gridded = isinstance(velocity, VelocityGrid)
    if config.traveltimes == "auto":
        return "grid" if gridded else "layered"
    if gridded and config.traveltimes != "grid":
        raise InputError(
            f"{config.traveltimes} travel times are for models of depth alone; {velocity.source} varies along the horizontal",
            field="traveltimes",
            fix="use grid (or auto)",
        )
    return config.traveltimes


def _reach(position: np.ndarray, volume: SearchVolume) -> dict:
    """Largest distance between a station and a source, and the range of depths of both."""
    lower, upper = np.asarray(volume.lower_km), np.asarray(volume.upper_km)
    corner = np.maximum(np.abs(position[:, :2] - lower[:2]), np.abs(position[:, :2] - upper[:2]))
    return {
        "max_distance_km": float(np.max(np.hypot(corner[:, 0], corner[:, 1]))) + 1.0,
        "depth_range_km": (float(lower[2]) - 0.5, float(upper[2]) + 0.5),
    }


def _refuse_too_big(num_bytes: float, num_stations: int) -> None:
    """Says how much memory travel-time tables would take, where that is too much."""
    if num_bytes > MAX_TABLE_BYTES:
        raise InputError(
            f"travel-time tables for {num_stations} stations would take {num_bytes / 1e9:.1f} GB "
            f"(at most {MAX_TABLE_BYTES / 1e9:.0f} GB are allowed)",
            field="stations",
            fix="reduce search_margin_km or max_depth_km, give a larger grid_spacing_km, or locate with fewer stations at a time",
        )


def _neural(config: LocateConfig, velocity: VelocityTable, position, reach, say: Progress):
    """Tables of networks: those of a file, or trained now and kept beside the results."""
    models = dict(zip(map(str, PHASES), layered_pair(velocity), strict=True))
    stations = float(position[:, 2].min()), float(position[:, 2].max())
    depths: tuple[float, float] = reach["depth_range_km"]
    top, bottom = min(depths[0], stations[0]), max(depths[1], stations[1])
    given, own = config.network, config.out / "networks.safetensors"
    fields = None
    if given is not None:
        fields = read_travel_time_networks(given, models)
    elif own.is_file():
        try:
            fields = read_travel_time_networks(own, models)
        except InputError:  # of another model, or damaged: train anew
            fields = None
    region = None if fields is None else fields[str(PHASES[0])].region
    short = "" if region is None else _short_of(region, reach["max_distance_km"], (top, bottom), stations)
    if short and given is not None:
        raise InputError(
            f"its networks know {short}; needed are {reach['max_distance_km']:.1f} km, sources at {top:.2f} to {bottom:.2f} km and "
            f"stations at {stations[0]:.2f} to {stations[1]:.2f} km depth",
            file=given,
            field="network",
            fix=f"diffseis train-eikonal --max-distance-km {math.ceil(reach['max_distance_km'])} --top-km {math.floor(top)} "
            f"--bottom-km {math.ceil(bottom)} --receiver-depth-km {math.floor(10 * stations[0]) / 10:g},{math.ceil(10 * stations[1]) / 10:g}, "
            "or leave --network out",
        )
    if fields is None or short:
        fields, about, _ = train_networks(
            velocity,
            max_distance_km=reach["max_distance_km"],
            top_km=top,
            bottom_km=bottom,
            receiver_depth_km=stations,
            trainer=config.network_trainer,
            num_steps=config.network_steps,
            seed=config.seed,
            progress=say,
        )
        if config.out.is_dir():
            write_travel_time_networks(own, fields, training={"velocity": velocity.source, **about})
    say("travel-time tables from the networks", 0, 0)
    p_field, s_field = (fields[str(p)] for p in PHASES)
    return build_field_tables(p_field, s_field, jnp.asarray(position), **reach)


def _short_of(
    region, max_distance_km: float, depths: tuple[float, float], stations: tuple[float, float]
) -> str:
    """What a network knows, where that is not enough; else nothing."""
    farthest, ends, receivers = (
        float(region.max_distance_km),
        (float(region.low_km[2]), float(region.high_km[2])),
        tuple(float(z) for z in region.receiver_depth_km),
    )
    within = lambda inner, outer: inner[0] >= outer[0] - 1e-6 and inner[1] <= outer[1] + 1e-6
    if farthest >= max_distance_km * (1 - 1e-6) and within(depths, ends) and within(stations, receivers):
        return ""
    return f"{farthest:.1f} km, sources at {ends[0]:.2f} to {ends[1]:.2f} km and stations at {receivers[0]:.2f} to {receivers[1]:.2f} km depth"


def _of_three_dimensions(
    config: LocateConfig,
    stations: StationTable,
    position: np.ndarray,
    velocity: VelocityGrid,
    frame: LocalFrame,
    volume: SearchVolume,
    say: Progress,
    notices: list[Notice],
) -> GridTimeTables:
    """One solution of the eikonal equation per station and phase, kept on disk with the hash of what it was solved for."""
    lower, upper = np.asarray(volume.lower_km), np.asarray(volume.upper_km)
    low, high = np.minimum(lower, position.min(0)), np.maximum(upper, position.max(0))
    grid, kept = solver_grid(low, high, config.grid_spacing_km, len(stations))
    spacing = np.asarray(grid.spacing_km)
    num_bytes = 4.0 * len(PHASES) * len(stations) * math.prod(n + 2 for n in kept.shape)
    shown = " x ".join(map(str, grid.shape))
    # The tables are held twice while they are handed over; the solver keeps some 24 arrays of its grid.
    peak = 2 * num_bytes + 24 * 4 * math.prod(grid.shape)
    say(
        f"travel-time tables: {len(stations)} stations, {shown} nodes {spacing[0]:g} and in depth {spacing[2]:g} km apart; "
        f"{num_bytes / 1e9:.2f} GB of tables, about {peak / 1e9 + 1:.1f} GB of memory",
        0,
        0,
    )
    _refuse_too_big(num_bytes, len(stations))
    p_model, s_model, ratio = gridded_pair(velocity, grid, frame, np.float32)
    single = jax.tree.map(lambda x: x.astype(np.float32), grid)
    solver = FactoredSweeping()
    run = eqx.filter_jit(lambda m, x, how: solve_eikonal(m, single, how, source_km=x, throw=False))
    robust = FactoredSweeping(order=1, max_rounds=200)
    folder = config.tables if config.tables is not None else config.out / "traveltimes"
    store = config.tables is not None or config.out.is_dir()
    crop = tuple(slice(0, n) for n in kept.shape)
    media = model_hash((p_model, s_model, jnp.asarray(ratio)))
    spline = jax.jit(lambda t: spline_coefficients(t.astype(float), 3).astype(np.float32))
    coefficients = np.empty((len(PHASES) * len(stations), *(n + 2 for n in kept.shape)), np.float32)
    rough: list[str] = []
    failed: list[str] = []
    axes = (np.asarray(kept.axis_km(0)), np.asarray(kept.axis_km(1)), np.asarray(kept.axis_km(2)))
    for number, (name, place) in enumerate(zip(stations.ids, position, strict=True)):
        say("travel-time tables", number, len(stations))
        mark = fingerprint({"media": media, "shape": grid.shape, "solver": repr(solver)}, place, kept)
        path = _table_path(folder, str(name))
        tau = read_time_table(path, mark) if store else None
        if tau is None or set(tau) != set(map(str, PHASES)):
            tau = {}
            for phase, model in zip(map(str, PHASES), (p_model, s_model), strict=True):
                if model is None:
                    tau[phase] = tau[str(PHASES[0])] * np.float32(ratio)
                    continue
                solution = run(model, jnp.asarray(place, np.float32), solver)
                if not bool(solution.result == RESULTS.successful):
                    rough.append(f"{name} {phase}")
                    solution = run(model, jnp.asarray(place, np.float32), robust)
                    if not bool(solution.result == RESULTS.successful):
                        failed.append(f"{name} {phase}")
                tau[phase] = np.asarray(solution.stats["tau"])[crop]
            if store and not any(
                r.startswith(f"{name} ") for r in rough
            ):  # else the next run tells of it, too
                write_time_table(
                    path,
                    tau,
                    axes,
                    fingerprint=mark,
                    station_ned_km=place,
                    attributes={
                        "station": str(name),
                        "velocity": velocity.source,
                        "frame_latitude_deg": frame.latitude_deg,
                        "frame_longitude_deg": frame.longitude_deg,
                    },
                )
        for row, phase in enumerate(map(str, PHASES)):
            coefficients[row * len(stations) + number] = spline(tau[phase])
    say("travel-time tables", len(stations), len(stations))
    if failed:
        raise InputError(
            f"the eikonal equation did not converge for {', '.join(failed[:5])}{' ...' if len(failed) > 5 else ''}",
            file=config.velocity,
            field="velocity",
            fix="smooth the model, or give another grid_spacing_km",
        )
    if rough:
        message = (
            f"travel times of first order only for {', '.join(rough[:8])}{' ...' if len(rough) > 8 else ''}: the second-order scheme did not "
            "settle; smooth the model, or give another grid_spacing_km"
        )
        notices.append(Notice("first-order-times", message, len(rough)))
    return GridTimeTables(jnp.asarray(coefficients), kept)


def _table_path(folder: Path, station: str) -> Path:
    safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in station).lstrip(".")
    return folder / f"{safe or 'station'}.nc"


def _spacing(low: np.ndarray, high: np.ndarray, num_stations: int) -> float:
    """The finest spacing that keeps grids and tables within bounds, rounded up."""
    nodes = min(MOST_NODES, TABLES_BYTES / (4.0 * len(PHASES) * num_stations))
    sides = np.maximum(high - low, 1.0)  # of points in one plane, too
    exact = max(LEAST_SPACING_KM, float(FLATNESS * np.prod(sides) / nodes) ** (1 / 3))
    digit = 10.0 ** (math.floor(math.log10(exact)) - 1)
    return round(math.ceil(exact / digit - 1e-9) * digit, 6)


def solver_grid(
    low: np.ndarray, high: np.ndarray, horizontal_km: float | None, num_tables: int
) -> tuple[RegularGrid, RegularGrid]:
    """The grid of the solver, and the part of it that sources may lie in, with a margin of two nodes.

    Args:
        low, high: corners of the box of sources and receivers in north, east, down.
        horizontal_km: spacing along the horizontal; chosen for `num_tables` stations where it is None.
    """
    dive = high[2] + max(DIVE_KM, DIVE_SHARE * float(np.max(high[:2] - low[:2])))
    if horizontal_km is None:
        horizontal_km = _spacing(low, np.append(high[:2], dive), num_tables)
    spacing = np.array([horizontal_km, horizontal_km, horizontal_km / FLATNESS])
    origin = low - 2 * spacing
    shape = [math.ceil((h - o) / d) + 3 for h, o, d in zip(high, origin, spacing, strict=True)]
    deep = max(shape[2], math.ceil((dive - origin[2]) / spacing[2]) + 1)
    return RegularGrid(origin, spacing, (*shape[:2], deep)), RegularGrid(origin, spacing, shape)


def coverage(velocity: VelocityTable | VelocityGrid, frame: LocalFrame, volume: SearchVolume) -> list[Notice]:
    """A notice where the search volume reaches beyond a gridded model, whose edge values serve there."""
    if not isinstance(velocity, VelocityGrid):
        return []
    lower, upper = np.asarray(volume.lower_km), np.asarray(volume.upper_km)
    edges = [np.linspace(a, b, 9) for a, b in zip(lower[:2], upper[:2], strict=True)]
    north_east = np.stack(np.meshgrid(*edges, indexing="ij"), axis=-1)
    x, y = model_coordinates(velocity, north_east, frame)
    outside = np.mean((x < velocity.x[0]) | (x > velocity.x[-1]) | (y < velocity.y[0]) | (y > velocity.y[-1]))
    deep = upper[2] - velocity.z_km[-1]
    said = []
    if outside > 0:
        said.append(f"{100 * outside:.0f} % of the area searched")
    if deep > 0:
        said.append(f"the depths below {velocity.z_km[-1]:g} km")
    if not said:
        return []
    return [
        Notice(
            "beyond-the-model",
            f"{' and '.join(said)} lie outside {velocity.source}, whose edge values serve there",
        )
    ]
