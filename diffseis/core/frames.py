"""Places on the Earth and in the local frame.

Inside diffseis every position is ``[north, east, down]`` in km from a reference point at sea level, right-handed, in an
azimuthal-equidistant projection of the WGS84 ellipsoid. Depth is measured from sea level, positive down, so a station on a
mountain has a negative down coordinate. The projection is PROJ's, through pyproj, on the host, in float64.

Distances from the centre are exact; between two points 300 km from it they are stretched by up to 2e-4.

References:
    Snyder (1987), Map projections: a working manual, doi:10.3133/pp1395.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float
from pyproj import Geod, Transformer

_GEOD = Geod(ellps="WGS84")


@dataclass(frozen=True)
class LocalFrame:
    """A local north-east-down frame about a reference point.

    Args:
        latitude_deg: of the origin, -90 to 90.
        longitude_deg: of the origin, -180 to 360.
    """

    latitude_deg: float
    longitude_deg: float

    def __post_init__(self):
        if not -90 <= self.latitude_deg <= 90:
            raise ValueError(
                f"`latitude_deg` must lie in [-90, 90], got {self.latitude_deg}; were latitude and longitude swapped?"
            )
        if not -180 <= self.longitude_deg <= 360:
            raise ValueError(f"`longitude_deg` must lie in [-180, 360], got {self.longitude_deg}")

    @classmethod
    def centred_on(cls, latitude_deg, longitude_deg) -> "LocalFrame":
        """The frame at the centre of a set of points: their mean *direction*, right at the antimeridian and poles."""
        lat = np.radians(np.asarray(latitude_deg, dtype=np.float64))
        lon = np.radians(np.asarray(longitude_deg, dtype=np.float64))
        if lat.size == 0:
            raise ValueError("a frame needs at least one point")
        x = np.mean(np.cos(lat) * np.cos(lon))
        y = np.mean(np.cos(lat) * np.sin(lon))
        z = np.mean(np.sin(lat))
        if np.hypot(np.hypot(x, y), z) < 1e-6:
            raise ValueError("the points are spread evenly over the globe: there is no local frame for them")
        # Rounded so that the frame does not change with the last bit of the inputs.
        latitude = round(float(np.degrees(np.arctan2(z, np.hypot(x, y)))), 6)
        longitude = round(float(np.degrees(np.arctan2(y, x))), 6)
        return cls(latitude, longitude)

    @cached_property
    def _transformer(self) -> Transformer:
        projection = (
            f"+proj=aeqd +lat_0={self.latitude_deg!r} +lon_0={self.longitude_deg!r} +ellps=WGS84 +units=km"
        )
        return Transformer.from_crs("EPSG:4326", projection, always_xy=True)

    def to_ned(self, latitude_deg, longitude_deg, depth_km: Any = 0.0) -> Float[np.ndarray, "... 3"]:
        """North, east, down in km of geographic points; `depth_km` below sea level (a summit's is negative)."""
        lat, lon, down = np.broadcast_arrays(
            np.asarray(latitude_deg, np.float64),
            np.asarray(longitude_deg, np.float64),
            np.asarray(depth_km, np.float64),
        )
        east, north = self._transformer.transform(lon, lat)
        return np.stack([np.asarray(north), np.asarray(east), down], axis=-1)

    def to_geographic(self, ned_km) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Latitude, longitude (-180 to 180) and depth of points in the frame."""
        ned = np.asarray(ned_km, np.float64)
        lon, lat = self._transformer.transform(ned[..., 1], ned[..., 0], direction="INVERSE")
        lon = (np.asarray(lon) + 180.0) % 360.0 - 180.0
        return np.asarray(lat), np.asarray(lon), np.asarray(ned[..., 2])


def geodesic(latitude_a, longitude_a, latitude_b, longitude_b) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distance in km on WGS84, azimuth from a to b and from b to a, in degrees 0 to 360."""
    places = np.broadcast_arrays(longitude_a, latitude_a, longitude_b, latitude_b)
    lon_a, lat_a, lon_b, lat_b = (np.asarray(v, np.float64) for v in places)
    forward, backward, metres = _GEOD.inv(lon_a, lat_a, lon_b, lat_b)
    return np.asarray(metres) / 1000.0, np.asarray(forward) % 360.0, np.asarray(backward) % 360.0


# Moment tensors: NED is [north, east, down]; GCMT and QuakeML use (r, theta, phi) = (up, south, east).
_USE_FROM_NED = np.array([[0.0, 0.0, -1.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def ned_to_use(tensor: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "3 3"]:
    """A tensor in north-east-down turned to up-south-east (r, theta, phi), GCMT's and QuakeML's order."""
    return _USE_FROM_NED @ tensor @ _USE_FROM_NED.T


def use_to_ned(tensor: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "3 3"]:
    """The inverse of `ned_to_use`."""
    return _USE_FROM_NED.T @ tensor @ _USE_FROM_NED
