"""What readers of seismic sources give: sources with places or a fault, and how often earthquakes of which magnitudes happen."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class MagnitudeLaw:
    """Gutenberg and Richter's, between two magnitudes.

    Attributes:
        a: log10 of the yearly number above magnitude 0.
        b: its decrease per unit of magnitude.
        least, largest: limits.
        rate: yearly number between the limits, where the file gives it in place of `a`; else NaN.
    """

    a: float
    b: float
    least: float
    largest: float
    rate: float = np.nan


@dataclass(frozen=True)
class MagnitudeRates:
    """Yearly rates of single magnitudes.

    Attributes:
        magnitude, rate: as many of the one as of the other.
    """

    magnitude: np.ndarray
    rate: np.ndarray


@dataclass(frozen=True)
class EarthquakeSource:
    """One source.

    Attributes:
        name: that the file gives it.
        law: of its magnitudes.
        latitude, longitude, depth_km: of its places, hypocentres; of a fault, one place: the middle of its upper edge.
        share: of the rate at each place, summing to 1.
        strike_deg, dip_deg, rake_deg: at each place; NaN where they are not stated. Without strike or dip an earthquake is a point.
        aspect: length over width of ruptures.
        upper_depth_km, lower_depth_km: between which ruptures stay.
        length_km, width_km: of a fault; NaN for places.
        points: whether earthquakes have no size whatever the strike.
        region: of tectonics, as the file names it.
    """

    name: str
    law: MagnitudeLaw | MagnitudeRates
    latitude: np.ndarray
    longitude: np.ndarray
    depth_km: np.ndarray
    share: np.ndarray
    strike_deg: np.ndarray
    dip_deg: np.ndarray
    rake_deg: np.ndarray
    aspect: float = 1.0
    upper_depth_km: float = 0.0
    lower_depth_km: float = 800.0
    length_km: float = np.nan
    width_km: float = np.nan
    points: bool = False
    region: str = ""

    @property
    def is_fault(self) -> bool:
        """Whether it is a rectangle on which ruptures float."""
        return bool(np.isfinite(self.length_km))

    @property
    def is_finite(self) -> bool:
        """Whether its earthquakes are rectangles."""
        return not self.points and bool(np.all(np.isfinite(self.strike_deg) & np.isfinite(self.dip_deg)))


LIMITS: dict[str, tuple[float, float, str]] = {
    "latitude": (-90.0, 90.0, "were latitude and longitude exchanged?"),
    "longitude": (-180.0, 360.0, "write degrees"),
    "depth_km": (0.0, 800.0, "write km below the ground"),
    "a": (-20.0, 20.0, "log10 of the yearly number above magnitude 0"),
    "rate": (0.0, 1e6, "the yearly number above the least magnitude"),
    "b": (0.0, 5.0, "about 1"),
    "least_magnitude": (-2.0, 10.0, "check the magnitude"),
    "largest_magnitude": (-2.0, 10.0, "check the magnitude"),
    "strike_deg": (-360.0, 360.0, "write degrees"),
    "dip_deg": (1.0, 90.0, "degrees below the horizontal"),
    "rake_deg": (-360.0, 360.0, "write degrees"),
    "aspect": (0.1, 100.0, "length over width"),
    "upper_depth_km": (0.0, 800.0, "write km below the ground"),
    "lower_depth_km": (0.0, 800.0, "write km below the ground"),
    "length_km": (0.01, 5000.0, "write km"),
    "width_km": (0.01, 1000.0, "write km"),
    "share": (0.0, 1e9, "parts of the source's rate, in any unit"),
}
"""Of the numbers of a source, with what to do beyond them."""
