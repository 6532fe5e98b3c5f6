"""Velocity models from files, as media on the nodes of a computing grid."""

import jax
import jax.numpy as jnp
import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.frames import LocalFrame
from diffseis.core.grids import RegularGrid
from diffseis.core.tables import VelocityGrid
from diffseis.velocity import Gridded

SAME_RATIO = 1e-6
"""S is taken for a scaled P where Vp/Vs varies by no more than this share."""


def speeds_on(
    velocity: VelocityGrid, grid: RegularGrid, frame: LocalFrame | None
) -> tuple[np.ndarray, np.ndarray]:
    """P and S speed at the nodes (north, east, down) of a grid.

    Args:
        velocity: the model of the file; its edge values serve beyond it.
        grid: the nodes.
        frame: where they are; None where their coordinates are the model's own (x east, y north).
    """
    nodes = np.asarray(grid.nodes_km())
    return velocity.at(*model_coordinates(velocity, nodes[..., :2], frame), nodes[..., 2])


def model_coordinates(velocity: VelocityGrid, north_east_km: np.ndarray, frame: LocalFrame | None):
    """x and y on the model's axes of points in the local frame."""
    if frame is None:
        if velocity.projection.kind == "geographic":
            raise InputError(
                f"the points are local, and the model {velocity.source} is geographic",
                field="x_km",
                fix="give sources and receivers as latitude,longitude,depth_km",
            )
        return north_east_km[..., 1], north_east_km[..., 0]
    zero = np.zeros_like(north_east_km[..., :1])
    latitude, longitude, _ = frame.to_geographic(np.concatenate([north_east_km, zero], axis=-1))
    if velocity.projection.kind == "none":
        raise InputError(
            "the model's x and y are tied to no place on the Earth",
            file=velocity.source,
            field="projection",
            fix="add a global attribute `projection` with the PROJ string of its x and y (netCDF), or a TRANSFORM line (NonLinLoc)",
        )
    x, y = velocity.projection.to_map(latitude, longitude)
    if velocity.projection.kind == "geographic":
        # The same place may be given as 190 or as -170 degrees.
        middle = 0.5 * (velocity.x[0] + velocity.x[-1])
        x = middle + (x - middle + 180.0) % 360.0 - 180.0
    return x, y


def gridded_pair(
    velocity: VelocityGrid, grid: RegularGrid, frame: LocalFrame | None, dtype: type[np.floating] = np.float64
) -> tuple[Gridded, Gridded | None, float]:
    """P and S media on a grid, and Vp/Vs where it is the same everywhere (then the S medium is None)."""
    vp, vs = speeds_on(velocity, grid, frame)
    grid = jax.tree.map(lambda x: x.astype(dtype), grid)
    medium = lambda v: Gridded(grid, jnp.asarray(v, dtype))
    ratio = vp / vs
    if np.ptp(ratio) <= SAME_RATIO * ratio.min():
        return medium(vp), None, float(np.mean(ratio))
    return medium(vp), medium(vs), 0.0


def air_on(velocity: VelocityGrid, grid: RegularGrid, frame: LocalFrame | None) -> np.ndarray:
    """Which nodes (north, east, down) of a grid lie in the model's air; arguments as of `speeds_on`."""
    nodes = np.asarray(grid.nodes_km())
    return velocity.air_at(*model_coordinates(velocity, nodes[..., :2], frame), nodes[..., 2])


def refuse_points_in_air(air: np.ndarray, grid: RegularGrid, ned_km: np.ndarray) -> None:
    """Raises InputError where all nodes around a point are air."""
    index = (np.asarray(ned_km) - np.asarray(grid.origin_km)) / np.asarray(grid.spacing_km)
    for point, at in zip(np.asarray(ned_km), index, strict=True):
        around = np.ix_(*(np.unique([int(np.floor(i)), int(np.ceil(i))]) for i in at))
        if air[around].all():
            raise InputError(
                f"the point {np.round(point, 3)} km (north, east, down) lies in the air of the model",
                field="air",
                fix="correct its depth, give a smaller --spacing-km, or leave --air out",
            )
