"""How rays fit a mechanism, and how they surround it: on the host, event by event."""

from dataclasses import dataclass

import numpy as np

from diffseis.core.radiation_table import RadiationTable
from diffseis.mechanism.station_distribution import coverage_gaps_deg
from diffseis.source import radiated


@dataclass(frozen=True)
class Fit:
    """Of one event's rays to its preferred source; see `catalogue.Mechanisms` for the numbers."""

    num_polarities: int
    num_ratios: int
    num_amplitudes: int
    misfit: float
    ratio_misfit: float
    station_distribution_ratio: float
    azimuthal_gap_deg: float
    takeoff_gap_deg: float


def fit_of(rays: RadiationTable, tensor: np.ndarray, ratio_shift: float) -> Fit:
    """The numbers of one event.

    Args:
        rays: of the event; those without angles count for nothing.
        tensor: 3 by 3, north, east, down, of unit scalar moment.
        ratio_shift: of log10 S/P beyond the ratio of radiation.
    """
    rays = rays.take(np.isfinite(rays.azimuth_deg) & np.isfinite(rays.takeoff_deg))
    amplitude = radiated(tensor, rays.azimuth_deg, rays.takeoff_deg)
    s_takeoff = np.where(np.isfinite(rays.s_takeoff_deg), rays.s_takeoff_deg, rays.takeoff_deg)
    shear = radiated(tensor, rays.azimuth_deg, s_takeoff)[:, 1:]
    signs = [
        (rays.polarity, amplitude[:, 0]),
        (rays.sv_polarity, shear[:, 0]),
        (rays.sh_polarity, shear[:, 1]),
    ]
    value = np.concatenate([v for v, _ in signs])
    model = np.concatenate([m for _, m in signs])
    used = np.isfinite(value) & (value != 0)
    size, root = np.abs(value[used]), np.sqrt(np.abs(model[used]))
    wrong = value[used] * model[used] < 0
    whole = float(np.sum(size * root))
    tiny = np.finfo(float).tiny
    log = lambda x: np.log10(np.maximum(np.abs(x), tiny))
    p, sv, sh = log(amplitude[:, 0]), log(shear[:, 0]), log(shear[:, 1])
    both = log(np.hypot(shear[:, 0], shear[:, 1]))
    apart = [
        rays.log10_sp - (both - p + ratio_shift),
        rays.log10_svp - (sv - p + ratio_shift),
        rays.log10_shp - (sh - p + ratio_shift),
        rays.log10_svsh - (sv - sh),
    ]
    apart = np.concatenate(apart)
    apart = apart[np.isfinite(apart)]
    azimuth_gap, takeoff_gap = coverage_gaps_deg(rays.azimuth_deg, rays.takeoff_deg)
    return Fit(
        num_polarities=int(used.sum()),
        num_ratios=len(apart),
        num_amplitudes=int(np.sum(np.isfinite(rays.p_amplitude))),
        misfit=float(np.sum((size * root)[wrong])) / whole if whole else np.nan,
        ratio_misfit=float(np.median(np.abs(apart))) if len(apart) else np.nan,
        station_distribution_ratio=whole / float(np.sum(size)) if len(size) else np.nan,
        azimuthal_gap_deg=azimuth_gap,
        takeoff_gap_deg=takeoff_gap,
    )
