"""Sources and receivers for which travel times are not what they seem."""

import numpy as np

from diffseis.core.tables import PointTable, VelocityGrid, VelocityTable
from diffseis.io import Notice
from diffseis.workflows.media import model_coordinates

FLAT_KM = 150.0
"""Beyond this distance a flat medium is told of (in iasp91 P comes 0.1 s late at 160 km, 0.3 s at 450, 1.2 s at 1300; measured)."""
ASTRAY_KM = 1000.0
SHOWN = 5


def odd_points(
    velocity: VelocityTable | VelocityGrid, sources: PointTable, receivers: PointTable, a, b, frame
) -> list[Notice]:
    """Sources that are far from every receiver, distances at which the Earth is not flat, points beyond the model of a file.

    Args:
        velocity: the medium.
        sources, receivers: with their names.
        a, b: their places in north, east, down, km.
        frame: of these; None where they are the model's own.
    """
    found = []
    apart = np.hypot(*(b[None, :, :2] - a[:, None, :2]).transpose(2, 0, 1))
    astray = np.flatnonzero(apart.min(axis=1) > ASTRAY_KM)
    if len(astray):
        exchanged = (
            "; were latitude and longitude exchanged?" if sources.geographic else "; were metres given?"
        )
        message = f"{_named(sources, astray)}: more than {ASTRAY_KM:g} km from every receiver{exchanged}"
        found.append(Notice("far-from-receivers", message, len(astray)))
    if sources.geographic and apart.max() > FLAT_KM:
        far = int(np.sum(apart > FLAT_KM))
        message = (
            f"{far} of {apart.size} paths are longer than {FLAT_KM:g} km: the Earth is taken to be flat, which makes P late by about 0.1 s at "
            "160 km and 0.3 s at 450 km"
        )
        found.append(Notice("flat-earth", message, far))
    if isinstance(velocity, VelocityGrid):
        for what, table, points in (("sources", sources, a), ("receivers", receivers, b)):
            beyond = np.flatnonzero(_beyond(velocity, points, frame))
            if len(beyond):
                message = f"{what} {_named(table, beyond)} lie beyond the model, where its edge goes on"
                found.append(Notice("beyond-the-model", message, len(beyond)))
    return found


def _beyond(velocity: VelocityGrid, points: np.ndarray, frame) -> np.ndarray:
    x, y = model_coordinates(velocity, points[:, :2], frame)
    outside = np.zeros(len(points), bool)
    for value, axis in ((x, velocity.x), (y, velocity.y), (points[:, 2], velocity.z_km)):
        if len(axis) > 1:  # an axis of one node: the same everywhere along it
            slack = 1e-6 * (axis[-1] - axis[0])
            outside |= (value < axis[0] - slack) | (value > axis[-1] + slack)
    return outside


def _named(table: PointTable, rows: np.ndarray) -> str:
    names = ", ".join(str(table.point_id[r]) for r in rows[:SHOWN])
    return names + (f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else "")
