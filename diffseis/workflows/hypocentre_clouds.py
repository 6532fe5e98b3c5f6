"""Hypocentres with their errors, as points."""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from diffseis.core.radiation_table import RadiationTable
from diffseis.core.tables import EventTable
from diffseis.core.units import KM_PER_DEGREE
from diffseis.inference.quasirandom import normal_points

NUM_POINTS = 16
"""Of a hypocentre's cloud: enough to know a standard deviation to a fifth."""

DEFAULT_ERROR_KM = 1.0
"""Of a hypocentre that states none, horizontally and vertically, as HASH takes it."""

_OWN = {
    "latitude": "origin_latitude",
    "longitude": "origin_longitude",
    "depth_km": "origin_depth_km",
    "across_km": "horz_uncert_km",
    "deep_km": "vert_uncert_km",
}
"""Facts of a hypocentre, and the further columns of rays that have them where each ray has its own."""


@dataclass(frozen=True)
class Clouds:
    """Hypocentres as points, one cloud per ray.

    Attributes:
        latitude_deg, longitude_deg, depth_km: ray by point; NaN where the ray has no hypocentre.
    """

    latitude_deg: np.ndarray
    longitude_deg: np.ndarray
    depth_km: np.ndarray

    @property
    def known(self) -> np.ndarray:
        """Rays that have one."""
        places = np.stack([self.latitude_deg, self.longitude_deg, self.depth_km])
        return np.all(np.isfinite(places), axis=(0, 2))

    def take(self, rows: np.ndarray) -> "Clouds":
        """Of the chosen rays."""
        return Clouds(self.latitude_deg[rows], self.longitude_deg[rows], self.depth_km[rows])


def hypocentres(rays: RadiationTable, events: EventTable | None) -> tuple[np.ndarray, np.ndarray]:
    """Latitude, longitude and depth of the hypocentre of each ray (its own, as composite events have them, else its event's), and its errors horizontally and
    vertically in km; NaN where they are not known.
    """
    blank = np.full(len(rays), np.nan)
    found = dict.fromkeys(_OWN, blank)
    if events is not None and len(events):
        row_of = {str(name): i for i, name in enumerate(events.event_id)}
        row = np.array([row_of.get(str(name), -1) for name in rays.event_id], int)
        take = lambda column: np.where(row >= 0, np.asarray(column, float)[row], np.nan)
        error = lambda name: (
            take(events.extra[f"{name}_error_km"]) if f"{name}_error_km" in events.extra else blank
        )
        found |= {name: take(getattr(events, name)) for name in ("latitude", "longitude", "depth_km")}
        found |= {
            "across_km": np.hypot(error("latitude"), error("longitude")) / np.sqrt(2),
            "deep_km": error("vertical"),
        }
    for name, column in _OWN.items():
        if column in rays.extra:
            own = _numbers(rays.extra[column])
            found[name] = np.where(np.isfinite(own), own, found[name])
    columns = list(found.values())
    return np.stack(columns[:3], axis=1), np.stack(columns[3:], axis=1)


def clouds_of(rays: RadiationTable, events: EventTable | None, *, key: Key[Array, ""]) -> Clouds:
    """Draws about the hypocentre of each ray, with the errors that it states; the same draws for all."""
    at, errors = hypocentres(rays, events)
    errors = np.where(errors > 0, errors, DEFAULT_ERROR_KM)
    half = np.asarray(normal_points(NUM_POINTS // 2, 3, key=key, dtype=jnp.float32), float)
    # Each point has its mirror image, so that the middle of the cloud is the hypocentre itself, and each direction its whole variance.
    north, east, down = (np.concatenate([half, -half]) / np.sqrt(np.mean(half**2, axis=0))).T
    latitude, longitude, depth = at.T[..., None]
    across, deep = errors.T[..., None]
    shrink = np.maximum(np.cos(np.radians(latitude)), 1e-3)
    return Clouds(
        latitude + across * north / KM_PER_DEGREE,
        longitude + across * east / KM_PER_DEGREE / shrink,
        depth + deep * down,
    )


def _numbers(column: np.ndarray) -> np.ndarray:
    """Numbers of a further column, which a reader may have left as text."""

    def number(cell) -> float:
        try:
            return float(cell)
        except (TypeError, ValueError):
            return np.nan

    return np.array([number(cell) for cell in column], float)
