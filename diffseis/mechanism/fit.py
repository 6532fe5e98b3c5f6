"""How rays fit mechanisms, and how they surround them: on the host, all events at once."""

from dataclasses import dataclass

import numpy as np

from diffseis.core.radiation_table import RadiationTable
from diffseis.mechanism.station_distribution import coverage_gaps_deg
from diffseis.source import radiated


@dataclass(frozen=True)
class Fits:
    """Of the rays of events to their preferred sources, one number per event; see `catalogue.Mechanisms`."""

    num_polarities: np.ndarray
    num_ratios: np.ndarray
    num_amplitudes: np.ndarray
    misfit: np.ndarray
    ratio_misfit: np.ndarray
    station_distribution_ratio: np.ndarray
    azimuthal_gap_deg: np.ndarray
    takeoff_gap_deg: np.ndarray


def fits_of(rays: RadiationTable, event: np.ndarray, tensors: np.ndarray, ratio_shift: float) -> Fits:
    """The numbers of all events.

    Args:
        rays: of the events; those without angles count for nothing.
        event: whose each ray is: a row of `tensors`.
        tensors: event by 3 by 3, north, east, down, of unit scalar moment.
        ratio_shift: of log10 S/P beyond the ratio of radiation.
    """
    usable = np.isfinite(rays.azimuth_deg) & np.isfinite(rays.takeoff_deg)
    rays, event, num = rays.take(usable), np.asarray(event)[usable], len(tensors)
    own = np.asarray(tensors, float)[event]
    p = radiated(own, rays.azimuth_deg, rays.takeoff_deg)[:, 0]
    s_takeoff = np.where(np.isfinite(rays.s_takeoff_deg), rays.s_takeoff_deg, rays.takeoff_deg)
    _, sv, sh = radiated(own, rays.azimuth_deg, s_takeoff).T

    total = lambda weight, whose=event: np.bincount(whose, weight, minlength=num)
    value = np.concatenate([rays.polarity, rays.sv_polarity, rays.sh_polarity])
    whose, model = np.tile(event, 3), np.concatenate([p, sv, sh])
    used = np.isfinite(value) & (value != 0)
    value, whose, model = value[used], whose[used], model[used]
    weight = np.abs(value) * np.sqrt(np.abs(model))
    whole = total(weight, whose)
    gaps = [coverage_gaps_deg(*angles) for angles in _by_event(event, num, rays)]
    num_ratios, ratio_misfit = _ratios(rays, event, num, p, sv, sh, ratio_shift)
    return Fits(
        num_polarities=np.bincount(whose, minlength=num),
        num_ratios=num_ratios,
        num_amplitudes=np.bincount(event[np.isfinite(rays.p_amplitude)], minlength=num),
        misfit=_share(total(np.where(value * model < 0, weight, 0), whose), whole),
        ratio_misfit=ratio_misfit,
        station_distribution_ratio=_share(whole, total(np.abs(value), whose)),
        azimuthal_gap_deg=np.array([gap for gap, _ in gaps], float),
        takeoff_gap_deg=np.array([gap for _, gap in gaps], float),
    )


def _share(part, whole):
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)


def _by_event(event, num, rays):
    """Azimuths and take-off angles of each event."""
    order = np.argsort(event, kind="stable")
    ends = np.searchsorted(event[order], np.arange(1, num))
    parts = [np.split(x[order], ends) for x in (rays.azimuth_deg, rays.takeoff_deg)]
    return zip(*parts, strict=True)


def _ratios(rays, event, num, p, sv, sh, shift):
    """How many ratios each event has, and the median size of their misfits."""
    log = lambda x: np.log10(np.maximum(np.abs(x), np.finfo(float).tiny))
    apart = [
        rays.log10_sp - (log(np.hypot(sv, sh)) - log(p) + shift),
        rays.log10_svp - (log(sv) - log(p) + shift),
        rays.log10_shp - (log(sh) - log(p) + shift),
        rays.log10_svsh - (log(sv) - log(sh)),
    ]
    size, whose = np.abs(np.concatenate(apart)), np.tile(event, len(apart))
    used = np.isfinite(size)
    size, whose = size[used], whose[used]
    order = np.lexsort([size, whose])
    count = np.bincount(whose, minlength=num)
    first = np.cumsum(count) - count
    middle = np.full(num, np.nan)
    some = count > 0
    ordered = size[order]
    lower, upper = first + np.maximum(count - 1, 0) // 2, first + count // 2
    middle[some] = 0.5 * (ordered[lower[some]] + ordered[upper[some]])
    return count, middle
