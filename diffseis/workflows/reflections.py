"""Times of waves reflected at an interface, between sources and receivers from files."""

from collections.abc import Callable
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from scipy.interpolate import LinearNDInterpolator, NearestNDInterpolator

from diffseis.core.errors import InputError
from diffseis.core.frames import LocalFrame
from diffseis.core.grids import RegularGrid
from diffseis.core.results import RESULTS
from diffseis.core.tables import PointTable, VelocityGrid, VelocityTable
from diffseis.eikonal import AbstractTravelTimeField, Surface, reflect, solve_eikonal
from diffseis.velocity import Gridded, layered_pair
from diffseis.workflows.media import model_coordinates
from diffseis.workflows.times import solver_grid
from diffseis.workflows.travel_times import checked_pairs, closed_fields, in_one_frame

REFLECTIONS = {"PvP": (0, 0), "SvS": (1, 1), "PvS": (0, 1), "SvP": (1, 0)}
"""Phases of one reflection from above and what travels down and up (TauP's names, without the depth)."""

Progress = Callable[[str, int, int], None]


def reflected_times(
    velocity: VelocityTable | VelocityGrid,
    sources: PointTable,
    receivers: PointTable,
    interface: float | PointTable,
    *,
    solver: str = "layered",
    spacing_km: float | None = None,
    progress: Progress | None = None,
) -> np.ndarray:
    """Times in s of the phases `REFLECTIONS`, ``"phase source receiver"``: NaN where a point lies below the interface, or where no point of
    reflection was found in the region.

    Waves stay above the interface: what the model says below it has no part in them.

    Args:
        velocity: the medium.
        sources, receivers: both local or both geographic.
        interface: its depth in km; or points on it, between which it is interpolated.
        solver: "layered" or "analytic", for media and interfaces of depth alone, or "sweeping" for all others.
        spacing_km: of the grid along the horizontal; chosen where it is not given.
        progress: called with the stage, how many are done, and of how many.
    """
    checked_pairs(sources, receivers)
    if solver not in ("layered", "analytic", "sweeping"):
        raise InputError(
            f"no reflections by the solver {solver}", field="solver", fix="use layered, analytic or sweeping"
        )
    a, b, frame = in_one_frame(sources, receivers)
    say = progress or (lambda stage, done, total: None)
    flat = not isinstance(interface, PointTable)
    if flat and isinstance(velocity, VelocityTable) and solver != "sweeping":
        return _of_depth_alone(_cut(velocity, float(interface)), a, b, float(interface), solver, say)
    if solver != "sweeping":
        raise InputError(
            f"the solver {solver} is for models and interfaces of depth alone",
            field="solver",
            fix="use sweeping",
        )
    return _swept(velocity, a, b, interface, frame, spacing_km, say)


def _cut(velocity: VelocityTable, depth_km: float) -> VelocityTable:
    """The model above a depth; its last layer goes on below."""
    z = np.asarray(velocity.depth_km)
    if velocity.kind == "layers":
        kept = z < depth_km
        kept[0] = True
        return VelocityTable(
            z[kept], velocity.vp_km_s[kept], velocity.vs_km_s[kept], kind="layers", source=velocity.source
        )
    kept = z < depth_km
    # Just above the depth: of two nodes at one depth the upper counts.
    above = [
        np.interp(depth_km, np.append(z[kept], z[~kept][:1]), np.append(v[kept], v[~kept][:1]))
        for v in (velocity.vp_km_s, velocity.vs_km_s)
    ]
    columns = [
        np.append(x[kept], y)
        for x, y in zip((z, velocity.vp_km_s, velocity.vs_km_s), (depth_km, *above), strict=True)
    ]
    return VelocityTable(*columns, kind="linear", source=velocity.source)


def _of_depth_alone(velocity: VelocityTable, a, b, depth_km: float, solver: str, say: Progress) -> np.ndarray:
    """The point of reflection lies in the vertical plane of source and receiver."""
    fields = closed_fields(velocity, solver)
    times = np.full((len(REFLECTIONS), len(a), len(b)), np.nan)

    @eqx.filter_jit
    def run(down: AbstractTravelTimeField, up: AbstractTravelTimeField, source, receivers):
        def one(receiver):
            apart = jnp.linalg.norm(receiver[:2] - source[:2])
            place = lambda distance, depth: jnp.stack([distance, jnp.zeros_like(distance), depth])
            first, last = place(jnp.zeros_like(apart), source[2]), place(apart, receiver[2])
            # Where both stand on one place the point of reflection lies under it, not on an edge.
            margin = 1e-3 * (apart + 1)
            found = reflect(
                lambda x: down(first, place(*x)),
                lambda x: up(place(*x), last),
                lambda _: jnp.full_like(apart, depth_km),
                jnp.atleast_1d(-margin),
                jnp.atleast_1d(apart + margin),
                throw=False,
            )
            return jnp.where(found.result == RESULTS.successful, found.value.time_s, jnp.nan)

        return jax.lax.map(one, receivers, batch_size=256)

    under = b[:, 2] >= depth_km
    for row, source in enumerate(a):
        say("reflected waves", row, len(a))
        if source[2] >= depth_km:
            continue
        for number, (down, up) in enumerate(REFLECTIONS.values()):
            found = run(fields[down], fields[up], jnp.asarray(source), jnp.asarray(b))
            times[number, row] = np.where(under, np.nan, np.asarray(found))
    say("reflected waves", len(a), len(a))
    return times


def _swept(velocity, a, b, interface, frame: LocalFrame | None, spacing_km, say: Progress) -> np.ndarray:
    """Two solutions per point, looked at on the interface only: there times are smooth, and few."""
    both = np.concatenate([a, b])
    low, high = both.min(0), both.max(0)
    deepest = interface if not isinstance(interface, PointTable) else float(interface.coordinates[:, 2].max())
    # Points of reflection may lie beside the region of the points, by as far as the interface is deep and tilted.
    margin = np.array([0.5 * (deepest - low[2]), 0.5 * (deepest - low[2]), 0.0])
    grid, _ = solver_grid(low - margin, np.maximum(high + margin, [-np.inf, -np.inf, deepest]), spacing_km, 1)
    flat_grid = RegularGrid(grid.origin_km[:2], grid.spacing_km[:2], grid.shape[:2])
    north_east = np.asarray(flat_grid.nodes_km())
    depth = _depth_at(interface, north_east, frame)
    bottom = float(grid.end_km[2])
    if depth.max() > bottom:
        grid = RegularGrid(
            grid.origin_km,
            grid.spacing_km,
            (*grid.shape[:2], grid.shape[2] + int(np.ceil((depth.max() - bottom) / float(grid.spacing_km[2]))) + 2),
        )  # fmt: skip
    models = [Gridded(grid, jnp.asarray(v)) for v in _speeds_above(velocity, grid, depth, frame)]
    nodes = jnp.asarray(np.concatenate([north_east, depth[..., None]], axis=-1).reshape(-1, 3))
    surface = Surface(flat_grid, depth)

    @eqx.filter_jit
    def legs(model, start):
        solution = solve_eikonal(model, grid, source_km=start, throw=False)
        on_it = Surface(flat_grid, jax.vmap(solution.value)(nodes).reshape(flat_grid.shape))
        return on_it.coefficients, solution.result == RESULTS.successful

    under = np.array([p[2] >= float(surface(jnp.asarray(p[:2]))) for p in both])
    coefficients = np.full((2, len(both), *(n + 2 for n in flat_grid.shape)), np.nan)
    stage = f"solving the eikonal equation on {' x '.join(map(str, grid.shape))} nodes"
    for row, start in enumerate(both):
        say(stage, row, len(both))
        if under[row]:
            continue
        for phase, model in enumerate(models):
            found, good = legs(model, jnp.asarray(start))
            if not bool(good):
                raise InputError(
                    f"the eikonal equation did not converge at {np.round(start, 3)} km (north, east, down)",
                    field="velocity",
                    fix="smooth the model, or give another --spacing-km",
                )
            coefficients[phase, row] = found
    say(stage, len(both), len(both))

    inner = np.asarray(flat_grid.origin_km), np.asarray(flat_grid.end_km)
    edges = tuple(jnp.asarray(e) for e in inner)

    @eqx.filter_jit
    def run(down, up):
        leg = lambda values: eqx.tree_at(lambda s: s.coefficients, surface, values)
        found = reflect(
            lambda x: leg(down)(x[:2]), lambda x: leg(up)(x[:2]), lambda y: surface(y), *edges, throw=False
        )
        return jnp.where(found.result == RESULTS.successful, found.value.time_s, jnp.nan)

    pair = eqx.filter_jit(lambda down, ups: jax.lax.map(lambda up: run(down, up), ups, batch_size=64))
    times = np.full((len(REFLECTIONS), len(a), len(b)), np.nan)
    for row in range(len(a)):
        say("reflected waves", row, len(a))
        if under[row]:
            continue
        for number, (down, up) in enumerate(REFLECTIONS.values()):
            times[number, row] = pair(
                jnp.asarray(coefficients[down, row]), jnp.asarray(coefficients[up, len(a) :])
            )
    say("reflected waves", len(a), len(a))
    return times


def _depth_at(interface: float | PointTable, north_east: np.ndarray, frame: LocalFrame | None) -> np.ndarray:
    """Depths of the interface at places; beyond its points that of the nearest."""
    if not isinstance(interface, PointTable):
        return np.full(north_east.shape[:-1], float(interface))
    if interface.geographic != (frame is not None):
        raise InputError(
            "the interface is given in another system than sources and receivers",
            field="reflector",
            fix="give all as x_km,y_km,z_km or all as latitude,longitude,depth_km",
        )
    points = interface.coordinates
    ned = points[:, [1, 0, 2]] if frame is None else frame.to_ned(points[:, 0], points[:, 1], points[:, 2])
    if len(ned) < 3 or np.linalg.matrix_rank(ned[:, :2] - ned[:1, :2], tol=1e-6) < 2:
        raise InputError(
            "an interface needs at least three points that are not in one line",
            field="reflector",
            fix="add points, or give its depth as one number",
        )
    depth = LinearNDInterpolator(ned[:, :2], ned[:, 2])(north_east)
    beyond = ~np.isfinite(depth)
    depth[beyond] = NearestNDInterpolator(ned[:, :2], ned[:, 2])(north_east[beyond])
    return depth


def _speeds_above(velocity, grid: RegularGrid, depth: np.ndarray, frame: LocalFrame | None):
    """P and S speeds at the nodes of a grid; below the interface those of the model's last node above it."""
    nodes = np.asarray(grid.nodes_km())
    if isinstance(velocity, VelocityTable):
        models = layered_pair(velocity)
        deepest = np.nextafter(depth, -np.inf)[..., None]
        z = np.minimum(nodes[..., 2], deepest).reshape(-1)
        points = jnp.asarray(np.stack([0 * z, 0 * z, z], axis=-1))
        return [np.asarray(jax.jit(jax.vmap(m.speed))(points)).reshape(grid.shape) for m in models]
    levels = np.asarray(velocity.z_km)
    row = np.clip(np.searchsorted(levels, depth, side="right") - 1, 0, None)
    z = np.minimum(nodes[..., 2], np.maximum(levels[row], levels[0])[..., None])
    return velocity.at(*model_coordinates(velocity, nodes[..., :2], frame), z)


def read_interface(text: str) -> float | PointTable:
    """A depth in km, or the points of a CSV file."""
    from diffseis.io import read_points_csv

    try:
        depth = float(text)
    except ValueError:
        return read_points_csv(Path(text))
    if not -10 < depth < 1000:
        raise InputError(
            f"got {text}", field="--reflector", fix="give a depth in km, or a CSV of points on the interface"
        )
    return depth
