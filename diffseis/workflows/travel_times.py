"""Travel times between sources and receivers from files, by any of the solvers."""

import math
from collections.abc import Callable
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.frames import LocalFrame
from diffseis.core.results import RESULTS
from diffseis.core.tables import PHASES, PointTable, VelocityGrid, VelocityTable
from diffseis.eikonal import (
    AbstractTravelTimeField,
    GradientTime,
    HomogeneousTime,
    LayeredTime,
    build_swept_tables,
    solve_eikonal,
)
from diffseis.eikonal.neural import Region
from diffseis.io import Notice, read_travel_time_networks
from diffseis.velocity import Gradient, Homogeneous, Layered, layered_pair
from diffseis.workflows.grid_networks import check_inside, read_grid_networks
from diffseis.workflows.media import air_on, gridded_pair, model_coordinates, refuse_points_in_air
from diffseis.workflows.odd_points import odd_points
from diffseis.workflows.times import SWEPT_SPACING_KM, solver_grid

SOLVERS = ("layered", "sweeping", "analytic", "neural")
MAX_PAIRS = 20_000_000
"""More rows than this are refused: the file would have gigabytes."""

BYTES_PER_NODE = 2900.0
"""What the solver holds at its peak, in double precision (measured, in three dimensions)."""
FINEST_SECTION = 4.0
"""Nodes of the finest grid of a section per node of its table."""
MAX_SOLVER_BYTES = 64e9

Progress = Callable[[str, int, int], None]


def refuse_big_grid(num_nodes: int, bytes_per_node: float, spacing_km: float) -> None:
    """Raises InputError where the solver would not find room for its grid."""
    num_bytes = num_nodes * bytes_per_node
    if num_bytes > MAX_SOLVER_BYTES:
        raise InputError(
            f"{spacing_km:g} km make a grid of {num_nodes / 1e6:.3g} million nodes, which takes {num_bytes / 1e9:.3g} GB of memory (at most "
            f"{MAX_SOLVER_BYTES / 1e9:.0f} GB are allowed)",
            field="--spacing-km",
            fix="give a larger one",
        )


def travel_times(
    velocity: VelocityTable | VelocityGrid,
    sources: PointTable,
    receivers: PointTable,
    *,
    solver: str = "layered",
    spacing_km: float | None = None,
    network: Path | None = None,
    air: bool = False,
    progress: Progress | None = None,
    notices: list[Notice] | None = None,
) -> np.ndarray:
    """First-arrival times in s, ``"phase source receiver"``.

    Args:
        velocity: the medium.
        sources, receivers: both local or both geographic.
        solver: "layered" (exact), "sweeping" (the eikonal equation on a grid: of distance and depth, or of three dimensions for a gridded
            medium), "analytic" (one layer, or two nodes of kind "linear"), or "neural" (trained networks). Gridded media are for "sweeping" and
            "neural" only.
        spacing_km: of the grid (along the horizontal in three dimensions, a quarter of it in depth); chosen where it is not given.
        network: file of the networks.
        air: take the nodes of a gridded medium above the uppermost value of their column for air, which waves go round (else they have
            the nearest value).
        progress: called with the stage, how many sources are done, and of how many.
        notices: what is odd about the points is added.
    """
    if solver not in SOLVERS:
        raise InputError(f"unknown solver {solver!r}", field="solver", fix=f"use {', '.join(SOLVERS)}")
    checked_pairs(sources, receivers)
    a, b, frame = in_one_frame(sources, receivers)
    say = progress or (lambda stage, done, total: None)
    if notices is not None:
        notices += odd_points(velocity, sources, receivers, a, b, frame)
    if air and (not isinstance(velocity, VelocityGrid) or velocity.air is None or solver != "sweeping"):
        raise InputError(
            "no nodes are air: that takes a gridded model without values above its ground, and the solver sweeping",
            field="air",
            fix="mark them as NaN, or leave --air out",
        )
    if isinstance(velocity, VelocityGrid):
        if solver not in ("sweeping", "neural"):
            raise InputError(
                f"the solver {solver} is for models of depth alone; {velocity.source} varies along the horizontal",
                field="solver",
                fix="use sweeping, or neural",
            )
        if solver == "sweeping":
            return _gridded(velocity, a, b, frame, spacing_km, air, say)
        fields, a, b = _grid_networks(velocity, network, sources, receivers)
        return _between(fields, a, b, say)
    if solver == "sweeping":
        return _swept(velocity, a, b, spacing_km or SWEPT_SPACING_KM, say)
    if solver == "analytic":
        _check_analytic(velocity, sources, receivers, a, b)
    fields = _networks(velocity, network, a, b) if solver == "neural" else closed_fields(velocity, solver)
    return _between(fields, a, b, say)


def _between(fields, a, b, say) -> np.ndarray:
    """Times of two fields between all points."""
    run = eqx.filter_jit(lambda field, p, q: jax.vmap(lambda y: field(p, y))(q))
    times = np.empty((len(PHASES), len(a), len(b)))
    for row, source in enumerate(a):
        say("travel times", row, len(a))
        for phase, field in enumerate(fields):
            times[phase, row] = run(field, jnp.asarray(source), jnp.asarray(b))
    say("travel times", len(a), len(a))
    return times


def checked_pairs(sources: PointTable, receivers: PointTable) -> None:
    """Raises InputError where there are too many."""
    if len(sources) * len(receivers) > MAX_PAIRS:
        raise InputError(
            f"{len(sources)} sources and {len(receivers)} receivers are {len(sources) * len(receivers)} pairs",
            field="sources",
            fix=f"split them: at most {MAX_PAIRS} per run",
        )


def in_one_frame(
    sources: PointTable, receivers: PointTable
) -> tuple[np.ndarray, np.ndarray, LocalFrame | None]:
    """Both in north, east, down; geographic points about their common centre, with the frame that is there."""
    if sources.geographic != receivers.geographic:
        raise InputError(
            "sources and receivers are given in different systems",
            field="receivers",
            fix="give both as x_km,y_km,z_km or both as latitude,longitude,depth_km",
        )
    tables = (sources.coordinates, receivers.coordinates)
    if not sources.geographic:
        return tables[0][:, [1, 0, 2]], tables[1][:, [1, 0, 2]], None
    both = np.concatenate(tables)
    frame = LocalFrame.centred_on(both[:, 0], both[:, 1])
    first, second = (frame.to_ned(t[:, 0], t[:, 1], t[:, 2]) for t in tables)
    return first, second, frame


def closed_fields(velocity: VelocityTable, solver: str) -> list[AbstractTravelTimeField]:
    """Fields of P and S by the solver "layered" or "analytic"."""
    models = layered_pair(velocity)
    if solver == "layered":
        return [LayeredTime(m) for m in models]
    return [_analytic(m, velocity) for m in models]


def _networks(velocity: VelocityTable, network: Path | None, a, b) -> list[AbstractTravelTimeField]:
    if network is None:
        raise _no_networks()
    models = dict(zip(map(str, PHASES), layered_pair(velocity), strict=True))
    fields = read_travel_time_networks(network, models)
    region = fields[str(PHASES[0])].region
    farthest = float(np.hypot(*(b[None, :, :2] - a[:, None, :2]).transpose(2, 0, 1)).max())
    depths = np.concatenate([a[:, 2], b[:, 2]])
    low, high = float(region.low_km[2]), float(region.high_km[2])
    if farthest > float(region.max_distance_km) * (1 + 1e-6) or depths.min() < low or depths.max() > high:
        raise InputError(
            f"points lie up to {farthest:.1f} km apart between {depths.min():g} and {depths.max():g} km depth; the networks "
            f"know {float(region.max_distance_km):.1f} km and {low:g} to {high:g} km",
            file=network,
            field="network",
            fix="train them for a larger region",
        )
    _check_receivers(region, a, b, network)
    return list(fields.values())


def _check_receivers(region: Region, a, b, network: Path) -> None:
    """Raises InputError where no end of the paths lies where the networks know one of them to lie."""
    top, bottom = (float(z) for z in region.receiver_depth_km)
    inside = [np.all((p[:, 2] >= top - 1e-6) & (p[:, 2] <= bottom + 1e-6)) for p in (a, b)]
    if not any(inside):
        raise InputError(
            f"neither all sources nor all receivers lie between {top:g} and {bottom:g} km, as one end of every path does that the networks know",
            file=network,
            field="network",
            fix="train them with a wider --receiver-depth-km, or without it",
        )


def _grid_networks(velocity: VelocityGrid, network: Path | None, sources: PointTable, receivers: PointTable):
    """The networks of a three-dimensional model, with the points in their frame."""
    if network is None:
        raise _no_networks()
    found, frame = read_grid_networks(velocity, network)
    if frame is None or not sources.geographic:
        a, b, own = in_one_frame(sources, receivers)
        model_coordinates(velocity, a[:, :2], own)  # refuses what cannot go together
        if frame is not None:
            raise InputError(
                "the networks' points are places on the Earth",
                field="sources",
                fix="give sources and receivers as latitude,longitude,depth_km",
            )
    else:
        a, b = (frame.to_ned(*table.coordinates.T) for table in (sources, receivers))
    fields = [found[str(phase)] for phase in PHASES]
    for points in (a, b):
        check_inside(fields[0], points, network)
    _check_receivers(fields[0].region, a, b, network)
    return fields, a, b


def _no_networks() -> InputError:
    return InputError("no networks are given", field="network", fix="train them with diffseis train-eikonal")


def _analytic(model: Layered, velocity: VelocityTable) -> AbstractTravelTimeField:
    if len(velocity) == 1:
        return HomogeneousTime(Homogeneous(model.speed_km_s[0]))
    depth, speed = (np.asarray(x) for x in (model.depth_km, model.speed_km_s))
    if model.kind == "linear" and len(velocity) == 2 and depth[1] > depth[0]:
        slope = (speed[1] - speed[0]) / (depth[1] - depth[0])
        return GradientTime(Gradient(speed[0] - slope * depth[0], slope))
    raise InputError(
        f"a closed form exists for one layer, or for two nodes of kind linear; the model has {len(velocity)} rows of kind {velocity.kind}",
        file=Path(velocity.source) if velocity.source else None,
        field="solver",
        fix="use --solver layered",
    )


def _check_analytic(velocity: VelocityTable, sources: PointTable, receivers: PointTable, a, b) -> None:
    """Raises InputError for points beyond the two nodes: the closed form would carry the gradient on, the other solvers do not."""
    if velocity.kind != "linear" or len(velocity) != 2:
        return
    top, bottom = (float(z) for z in velocity.depth_km)
    for what, table, points in (("source", sources, a), ("receiver", receivers, b)):
        for row in np.flatnonzero((points[:, 2] < top) | (points[:, 2] > bottom)):
            raise InputError(
                f"{what} {table.point_id[row]} at {points[row, 2]:g} km lies beyond the model's nodes, {top:g} to {bottom:g} km, where speeds are "
                "constant and there is no closed form",
                field="solver",
                fix="use --solver layered",
            )


def _swept(velocity, a, b, spacing_km, say) -> np.ndarray:
    p_model, s_model = layered_pair(velocity)
    reach = float(np.hypot(*(b[None, :, :2] - a[:, None, :2]).transpose(2, 0, 1)).max())
    depths = np.concatenate([a[:, 2], b[:, 2]])
    # Rays dive below the deepest point: down to where the medium is fastest, or a quarter of the distance.
    bottom = max(float(depths.max()), float(velocity.depth_km[-1])) + max(2.0, reach / 4)
    nodes = math.ceil(reach / spacing_km) * math.ceil((bottom - float(depths.min())) / spacing_km)
    refuse_big_grid(nodes, FINEST_SECTION * BYTES_PER_NODE, spacing_km)
    say("solving the eikonal equation", 0, 1)
    tables = build_swept_tables(
        p_model,
        s_model,
        jnp.asarray(a),
        max_distance_km=max(reach, 4 * spacing_km),
        depth_range_km=(float(depths.min()), bottom),
        spacing_km=spacing_km,
    )
    say("solving the eikonal equation", 1, 1)
    rows = jnp.arange(len(a), dtype=jnp.int32)
    one = lambda phase, row, p: jax.vmap(lambda q: tables(q, p, row, phase))(jnp.asarray(b))
    run = eqx.filter_jit(lambda phase: jax.lax.map(lambda x: one(phase, *x), (rows, jnp.asarray(a))))
    return np.stack([np.asarray(run(jnp.asarray(phase, jnp.int32))) for phase in range(len(PHASES))])


def _gridded(velocity: VelocityGrid, a, b, frame, spacing_km, with_air, say) -> np.ndarray:
    """One solution per point and phase of the smaller of the two sets: times are the same both ways."""
    starts, ends = (a, b) if len(a) <= len(b) else (b, a)
    both = np.concatenate([a, b])
    grid, _ = solver_grid(both.min(0), both.max(0), spacing_km, 1)
    nodes = math.prod(grid.shape)
    refuse_big_grid(nodes, BYTES_PER_NODE, float(grid.spacing_km[0]))
    say(f"{nodes / 1e6:.2g} million nodes, about {1 + nodes * BYTES_PER_NODE / 1e9:.1f} GB of memory", 0, 0)
    p_model, s_model, ratio = gridded_pair(velocity, grid, frame)
    air = air_on(velocity, grid, frame) if with_air else None

    @eqx.filter_jit
    def run(model, start, points):
        solution = solve_eikonal(model, grid, source_km=start, air=air, throw=False)
        return jax.vmap(solution.value)(points), solution.result == RESULTS.successful

    if air is not None:
        refuse_points_in_air(air, grid, both)
    times = np.empty((len(PHASES), len(starts), len(ends)))
    stage = f"solving the eikonal equation on {' x '.join(map(str, grid.shape))} nodes"
    for row, start in enumerate(starts):
        say(stage, row, len(starts))
        for phase, model in enumerate((p_model, s_model)):
            if model is None:
                times[phase, row] = times[0, row] * ratio
                continue
            found, good = run(model, jnp.asarray(start), jnp.asarray(ends))
            if not bool(good):
                raise InputError(
                    f"the eikonal equation did not converge for {PHASES[phase]} at {np.round(start, 3)} km (north, east, down)",
                    field="velocity",
                    fix="smooth the model, or give another --spacing-km",
                )
            times[phase, row] = found
    say(stage, len(starts), len(starts))
    return times if starts is a else times.transpose(0, 2, 1)
