"""Settings of ``diffseis hazard``, checked before anything is read. Imports no JAX."""

import math
from dataclasses import dataclass
from pathlib import Path

from diffseis.core.errors import InputError
from diffseis.core.words import plural
from diffseis.workflows.setting_limits import check_limits

DERIVATIVES = ("none", "parameters", "all")


@dataclass(frozen=True)
class HazardSettings:
    """What a hazard calculation is made of.

    Attributes:
        sources: file.
        models: names, with options.
        weights: of the models; equal if not given.
        imts: measures.
        latitude, longitude: of the one site.
        sites: file of several.
        vs30_m_s: where a file states none.
        vs30_measured: whether it was, of all sites; None: taken as measured, and told.
        levels: of all measures, in their units; by measure if not given.
        return_periods_years: at which levels are told and taken apart.
        years: for which probabilities are told.
        truncation: of the motions' distribution, in standard deviations; infinite for none.
        max_distance_km: epicentral, beyond which sources do not count.
        magnitude_bin: width.
        spacing_km: between the places of an area, and between positions of ruptures on faults.
        derivatives: ``none``, ``parameters`` (of sources and site), ``all`` (coefficients of the model, too).
    """

    sources: Path
    models: tuple[str, ...]
    imts: tuple[str, ...]
    weights: tuple[float, ...] | None = None
    latitude: float | None = None
    longitude: float | None = None
    sites: Path | None = None
    vs30_m_s: float = 760.0
    vs30_measured: bool | None = None
    levels: tuple[float, ...] | None = None
    return_periods_years: tuple[float, ...] = (475.0, 2475.0)
    years: float = 50.0
    truncation: float = 3.0
    max_distance_km: float = 300.0
    magnitude_bin: float = 0.1
    spacing_km: float = 5.0
    derivatives: str = "parameters"

    def __post_init__(self):
        limits = {
            "latitude": (-90.0, 90.0, "were latitude and longitude exchanged?"),
            "longitude": (-180.0, 360.0, "write degrees"),
            "vs30_m_s": (20.0, 5000.0, "write m/s; were km/s given?"),
            "years": (1e-3, 1e6, "such as 50"),
            "truncation": (0.5, math.inf, "such as 3; inf for none"),
            "max_distance_km": (1.0, 2000.0, "such as 300"),
            "magnitude_bin": (0.01, 1.0, "such as 0.1"),
            "spacing_km": (0.1, 200.0, "such as 5"),
        }
        check_limits(self, limits)
        self._check_site()
        for name, option in (("levels", "--levels"), ("return_periods_years", "--return-periods")):
            values = getattr(self, name)
            if values is not None and not all(0 < x < math.inf for x in values):
                raise InputError("must be above 0", field=option, fix="numbers separated by commas")
        if self.levels is not None and (
            len(self.levels) < 2 or any(b <= a for a, b in zip(self.levels, self.levels[1:], strict=False))
        ):
            raise InputError("must grow, two or more", field="--levels", fix="such as 0.01,0.1,1")
        if not self.return_periods_years:
            raise InputError("are missing", field="--return-periods", fix="such as 475,2475")
        if self.weights is not None and len(self.weights) != len(self.models):
            why = f"{plural(len(self.models), 'model')} but {plural(len(self.weights), 'weight')}"
            raise InputError(why, field="--weights", fix="give one per model")
        if self.derivatives not in DERIVATIVES:
            raise InputError(
                f"{self.derivatives!r} is none of {', '.join(DERIVATIVES)}",
                field="--derivatives",
                fix="choose one",
            )

    def _check_site(self) -> None:
        one = (self.latitude is not None, self.longitude is not None)
        if self.sites is not None and any(one):
            raise InputError("is beside --latitude and --longitude", field="--sites", fix="give one or other")
        if self.sites is None and not all(one):
            missing = "--longitude" if one[0] else "--latitude"
            raise InputError("is missing", field=missing, fix="give the site's place, or a file with --sites")
