"""Settings of ``diffseis shaking``, checked before anything is read. Imports no JAX."""

import math
from dataclasses import dataclass
from pathlib import Path

from diffseis.core.errors import InputError
from diffseis.workflows.setting_limits import check_limits


@dataclass(frozen=True)
class ShakingSettings:
    """What a map is made of.

    Attributes:
        magnitude: of moment.
        latitude, longitude, depth_km: of the hypocentre.
        strike_deg, dip_deg, rake_deg: of the rupture; without strike and dip distances are to the hypocentre.
        model: name, with options.
        imts: measures.
        records, stations, places: files.
        component: of the records.
        vs30_m_s: where a file states none.
        vs30_measured: whether it was, of all places; None: taken as measured, and told.
        extent_km, spacing_km: half width of the grid about the epicentre, and its steps.
        range_km: of the correlation within the event; None for Jayaram & Baker (2009).
        outlier_sigma: records further than this many standard deviations from the earthquake's level are left out.
    """

    magnitude: float
    latitude: float
    longitude: float
    depth_km: float
    model: str
    imts: tuple[str, ...]
    strike_deg: float | None = None
    dip_deg: float | None = None
    rake_deg: float | None = None
    records: Path | None = None
    stations: Path | None = None
    places: Path | None = None
    component: str = "rotd50"
    vs30_m_s: float = 760.0
    vs30_measured: bool | None = None
    extent_km: float = 100.0
    spacing_km: float = 4.0
    range_km: float | None = None
    outlier_sigma: float = 3.0

    def __post_init__(self):
        limits = {
            "magnitude": (0.0, 10.0, ""),
            "latitude": (-90.0, 90.0, "were latitude and longitude exchanged?"),
            "longitude": (-180.0, 360.0, ""),
            "depth_km": (0.0, 800.0, "write km below the ground"),
            "strike_deg": (-360.0, 360.0, ""),
            "dip_deg": (1.0, 90.0, "degrees below the horizontal"),
            "rake_deg": (-360.0, 360.0, ""),
            "vs30_m_s": (20.0, 5000.0, "write m/s; were km/s given?"),
            "extent_km": (1.0, 1000.0, ""),
            "spacing_km": (0.05, 500.0, ""),
            "range_km": (0.1, 1000.0, ""),
            "outlier_sigma": (1.0, math.inf, ""),
        }  # fmt: skip
        check_limits(self, limits)
        if (self.strike_deg is None) != (self.dip_deg is None):
            missing = "--strike-deg" if self.strike_deg is None else "--dip-deg"
            raise InputError(
                "is missing", field=missing, fix="a rupture needs both; leave both out for a point"
            )
        if self.spacing_km > self.extent_km:
            raise InputError(
                f"{self.spacing_km:g} is more than --extent-km",
                field="--spacing-km",
                fix="choose a smaller step",
            )
        if (2 * self.extent_km / self.spacing_km) ** 2 > 4e6:
            raise InputError(
                "the grid would have more than 4 million places",
                field="--spacing-km",
                fix="choose a larger step",
            )
