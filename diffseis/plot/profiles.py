"""Where the two depth sections lie: the sections are drawn along these lines and the map shows them."""

from dataclasses import dataclass

import numpy as np

from diffseis.plot.geometry import Scene

_ELONGATED = 1.8
"""Ratio of the axes of a cloud of epicentres from which its long axis means something."""

_COMPASS = (
    "N",
    "NNE",
    "NE",
    "ENE",
    "E",
    "ESE",
    "SE",
    "SSE",
    "S",
    "SSW",
    "SW",
    "WSW",
    "W",
    "WNW",
    "NW",
    "NNW",
)


@dataclass(frozen=True)
class Profile:
    """A vertical section; all events are projected onto it.

    Attributes:
        letter: its name; the line runs from A to A′.
        azimuth_deg: of the direction in which distance grows, clockwise from north.
        centre_ned_km: where distance is zero, the median hypocentre.
        half_km: distance that holds the located events and 99.5 % of their samples.
    """

    letter: str
    azimuth_deg: float
    centre_ned_km: np.ndarray
    half_km: float

    @property
    def direction(self) -> np.ndarray:
        """North and east component of the unit vector along the line."""
        return np.array([np.cos(np.radians(self.azimuth_deg)), np.sin(np.radians(self.azimuth_deg))])

    @property
    def ends(self) -> tuple[str, str]:
        """Compass names of where the line comes from and where it goes."""
        at = round(self.azimuth_deg / 22.5) % 16
        return _COMPASS[(at + 8) % 16], _COMPASS[at]

    def along_km(self, ned_km: np.ndarray) -> np.ndarray:
        """Distance of points along the line."""
        return (ned_km[:, :2] - self.centre_ned_km[:2]) @ self.direction


def section_profiles(scene: Scene) -> list[Profile]:
    """The two profiles of the located events; none without such."""
    points = scene.ned_km[scene.good]
    if not len(points):
        return []
    cloud = scene.cloud_ned_km if len(scene.cloud_ned_km) else points
    centre = np.median(points, axis=0)
    profiles = []
    for letter, azimuth in zip("AB", section_azimuths_deg(points), strict=True):
        line = Profile(letter, azimuth, centre, 1.0)
        reach = np.abs(line.along_km(points)).max()
        spread = np.quantile(np.abs(line.along_km(cloud)), 0.995)
        profiles.append(Profile(letter, azimuth, centre, 1.08 * float(max(reach, spread, 1.0))))
    return profiles


def section_azimuths_deg(ned_km: np.ndarray) -> tuple[float, float]:
    """Azimuths of the two sections: along and across the long axis if the epicentres have one, else 90 and
    0.
    """
    if len(ned_km) < 5:
        return 90.0, 0.0
    values, vectors = np.linalg.eigh(np.cov(ned_km[:, :2].T))
    if values[0] <= 0 or np.sqrt(values[1] / max(values[0], 1e-9)) < _ELONGATED:
        return 90.0, 0.0
    along = float(np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1])) % 180.0)
    return along, (along + 90.0) % 180.0
