"""A vertical section of wavefronts and rays from files: through the first source and the farthest receiver."""

import math
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffseis.core.errors import InputError
from diffseis.core.grids import RegularGrid
from diffseis.core.results import RESULTS
from diffseis.core.tables import PointTable, VelocityGrid, VelocityTable
from diffseis.eikonal import GridTime, solve_eikonal, trace_ray
from diffseis.plot import TimeSection
from diffseis.velocity import AbstractVelocityModel, layered_pair
from diffseis.workflows.media import gridded_pair
from diffseis.workflows.times import solver_grid
from diffseis.workflows.travel_times import Progress, in_one_frame

NUM_NODES = 320
"""Nodes along the longer side of the section's grid."""

MARGIN = 0.04
"""Around sources, receivers and rays, as a share of the longer side."""

NARROWEST = 0.5
"""Half the least width of the picture, as a share of its height: receivers may lie above the source."""

MAX_RAYS = 60
CORRIDOR = 0.1
"""In three dimensions receivers are shown that lie no further from the section than this share of its length."""


def wavefront_section(
    velocity: VelocityTable | VelocityGrid,
    sources: PointTable,
    receivers: PointTable,
    *,
    spacing_km: float | None = None,
    progress: Progress | None = None,
) -> TimeSection:
    """P times from the first source, and rays to the receivers, by the eikonal equation on a grid.

    In media of depth alone all receivers are shown, by their distance; in three dimensions those near the vertical plane through the
    source and the farthest receiver, projected on it. The title says how many rays are shown where there are too many to be told apart, or some
    could not be traced.

    Args:
        velocity: the medium.
        sources, receivers: both local or both geographic.
        spacing_km: of a three-dimensional grid (`travel_times`); chosen where it is not given.
        progress: called with the stage, how much is done, and of how much.

    Raises:
        InputError: where the eikonal equation did not converge.
    """
    a, b, frame = in_one_frame(sources, receivers)
    say = progress or (lambda stage, done, total: None)
    say("wavefronts and rays", 0, 1)
    names = np.asarray(receivers.point_id).astype(str)
    if isinstance(velocity, VelocityGrid):
        cut = _cut_in_space(velocity, a[0], b, frame, spacing_km)
    else:
        cut = _cut_of_depth(velocity, a[0], b)
    farthest = names[int(np.hypot(*(b - a[0])[:, :2].T).argmax())]
    shown = np.flatnonzero(cut.near)
    # Evenly among the distances where there are more than can be told apart.
    order = shown[np.argsort(cut.to_section(cut.ends[shown])[:, 0], kind="stable")]
    drawn = order[np.linspace(0, len(order) - 1, min(len(order), MAX_RAYS)).round().astype(int)]
    times, rays = _solve(cut, jnp.asarray(cut.ends[drawn]))
    rays = tuple(cut.to_section(ray) for ray in rays)
    start, places = cut.to_section(cut.start), cut.to_section(cut.ends[shown])
    axis, depth = _view(cut, np.concatenate([start[None, :], places, *rays]))
    nodes = cut.to_grid(np.stack(np.meshgrid(axis, depth, indexing="ij"), axis=-1))
    speed, time = (np.asarray(x) for x in _sample(times, cut.model, jnp.asarray(nodes)))
    say("wavefronts and rays", 1, 1)
    title = f"{sources.point_id[0]} to {farthest}, {cut.what}"
    if len(rays) < len(shown):
        title += f"; rays of {len(rays)} of {len(shown)}"
    return TimeSection(axis, depth, speed, time, start, places, rays, tuple(names[shown]), title=title)


@dataclass(frozen=True)
class _Cut:
    """A vertical section, and how it lies in the grid of the solver.

    Attributes:
        model: the medium of P.
        grid: of two dimensions (the section itself) or three.
        start, ends: source and receivers on the grid's axes.
        direction: of the section in three dimensions (north, east).
        near: receivers to be shown.
        what: words on the section.
    """

    model: AbstractVelocityModel
    grid: RegularGrid
    start: np.ndarray
    ends: np.ndarray
    direction: np.ndarray
    near: np.ndarray
    what: str

    def to_section(self, x_km: np.ndarray) -> np.ndarray:
        """Distance and depth of points of the grid, those beside the section projected on it."""
        if self.grid.num_dims == 2:
            return x_km
        along = (x_km[..., :2] - self.start[:2]) @ self.direction
        return np.stack([along, x_km[..., 2]], axis=-1)

    def to_grid(self, x_km: np.ndarray) -> np.ndarray:
        """The same the other way."""
        if self.grid.num_dims == 2:
            return x_km
        return np.concatenate([self.start[:2] + x_km[..., :1] * self.direction, x_km[..., 1:]], axis=-1)


def _cut_of_depth(velocity: VelocityTable, source: np.ndarray, receivers: np.ndarray) -> _Cut:
    """In a medium of depth alone: distance and depth, whatever the azimuth."""
    distance = np.hypot(*(receivers - source)[:, :2].T)
    start, ends = np.array([0.0, source[2]]), np.stack([distance, receivers[:, 2]], axis=-1)
    depths = np.append(ends[:, 1], source[2])
    top, bottom, reach = depths.min(), depths.max(), distance.max()
    # Rays dive below the deepest point: down to where the medium is fastest, but hardly below half their length.
    deep = max(bottom, min(float(velocity.depth_km[-1]), bottom + reach / 2)) + max(2.0, reach / 4)
    margin = MARGIN * max(reach, bottom - top, 1.0)
    beside = max(margin, NARROWEST * (bottom - top))
    spacing = max(reach + 2 * beside, deep - top + margin) / NUM_NODES
    shape = (math.ceil((reach + 2 * beside) / spacing) + 1, math.ceil((deep - top + margin) / spacing) + 1)
    grid = RegularGrid([-beside, top - margin], spacing, shape)
    everyone = np.full(len(ends), True)
    what = "all receivers by their epicentral distance"
    return _Cut(layered_pair(velocity)[0], grid, start, ends, np.array([1.0, 0.0]), everyone, what)


def _cut_in_space(velocity: VelocityGrid, source, receivers, frame, spacing_km) -> _Cut:
    """In three dimensions: the plane through the source and the farthest receiver."""
    both = np.concatenate([source[None, :], receivers])
    grid, _ = solver_grid(both.min(0), both.max(0), spacing_km, 1)
    model, *_ = gridded_pair(velocity, grid, frame)
    offset = (receivers - source)[:, :2]
    distance = np.hypot(*offset.T)
    farthest = int(distance.argmax())
    direction = offset[farthest] / distance[farthest] if distance[farthest] > 0 else np.array([0.0, 1.0])
    corridor_km = CORRIDOR * max(float(distance[farthest]), float(np.ptp(both[:, 2])))
    near = np.abs(offset @ np.array([-direction[1], direction[0]])) <= corridor_km
    azimuth = np.rad2deg(np.arctan2(direction[1], direction[0])) % 360
    what = f"azimuth {azimuth:.0f}°, receivers within {corridor_km:.2g} km of the section"
    return _Cut(model, grid, source, receivers, direction, near, what)


def _solve(cut: _Cut, ends: Float[Array, "receiver dim"]) -> tuple[GridTime, list[np.ndarray]]:
    """Times, and the rays that could be traced."""
    solution = solve_eikonal(cut.model, cut.grid, source_km=jnp.asarray(cut.start), throw=False)
    if solution.result != RESULTS.successful:
        raise InputError(
            "the eikonal equation did not converge for the figure",
            field="velocity",
            fix="smooth the model, or give another --spacing-km",
        )
    trace = eqx.filter_jit(eqx.filter_vmap(lambda x: trace_ray(solution.value, cut.model, x, throw=False)))
    rays = trace(ends)
    good = np.asarray(rays.result == RESULTS.successful)
    return solution.value, list(np.asarray(rays.value.points_km)[good])


def _view(cut: _Cut, points: np.ndarray) -> list[np.ndarray]:
    """Axes of the picture: from the highest point (above it there is air) to below all rays, within the grid."""
    low, high = points.min(0), points.max(0)
    margin = MARGIN * max(float(np.max(high - low)), 1.0)
    low, high = low - margin * np.array([1.0, 0.1]), high + margin * np.array([1.0, 2.0])
    missing = max(0.0, NARROWEST * float(high[1] - low[1]) - 0.5 * float(high[0] - low[0]))
    low[0], high[0] = low[0] - missing, high[0] + missing
    # The depths of the grid hold for any section, its sides where the section is one of them.
    edges = np.stack([np.asarray(cut.grid.origin_km), np.asarray(cut.grid.end_km)])
    low[1], high[1] = max(low[1], edges[0, -1]), min(high[1], edges[1, -1])
    if cut.grid.num_dims == 2:
        low[0], high[0] = max(low[0], edges[0, 0]), min(high[0], edges[1, 0])
    else:
        low[0], high[0] = _clipped(cut, edges[:, :2], low[0], high[0])
    spacing = float(np.max(high - low)) / NUM_NODES
    return [np.linspace(a, b, max(2, round((b - a) / spacing) + 1)) for a, b in zip(low, high, strict=True)]


def _clipped(cut: _Cut, edges: np.ndarray, low: float, high: float) -> tuple[float, float]:
    """The part of the section that lies within the sides of the grid."""
    for axis in range(2):
        slope = cut.direction[axis]
        if abs(slope) > 1e-9:
            ends = np.sort((edges[:, axis] - cut.start[axis]) / slope)
            low, high = max(low, ends[0]), min(high, ends[1])
    return float(low), float(high)


@eqx.filter_jit
def _sample(times: GridTime, model: AbstractVelocityModel, nodes: Float[Array, "distance depth dim"]):
    """Speed and time at the nodes of the picture."""
    to_ned = lambda x: x if x.shape[0] == 3 else jnp.stack([x[0], jnp.zeros_like(x[0]), x[1]])
    over = lambda f: jax.vmap(jax.vmap(f))(nodes)
    return over(lambda x: model.speed(to_ned(x))), over(lambda x: times(x))
