"""What ``diffseis hazard`` writes: tables and figures."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from diffseis.groundmotion import parse_measure
from diffseis.io.atomic import atomic_path
from diffseis.io.rows_csv import write_rows_csv
from diffseis.plot import (
    Disaggregation,
    HazardCurves,
    disaggregation_figure,
    figure_png,
    hazard_curves_figure,
    uniform_hazard_figure,
)
from diffseis.workflows.ground_motions import Progress
from diffseis.workflows.hazard_config import HazardSettings
from diffseis.workflows.hazard_derivatives import Derivative

CURVES = ("site", "model", "imt", "level", "rate", "probability")
LEVELS = ("site", "model", "imt", "return_period_years", "rate", "level")
PARTS = ("site", "imt", "return_period_years", "level", "magnitude", "rrup_km", "epsilon", "share")
OF_SOURCES = ("site", "imt", "return_period_years", "level", "source", "share")
DERIVATIVES = ("site", "model", "imt", "level", "rate", "owner", "parameter", "value", "dln_rate")

_MAGNITUDES = 0.25
_DISTANCES_KM = 10.0
_EPSILONS = 1.0
"""Widths of the bins of magnitude, distance and epsilon into which hazard is taken apart."""
_FARTHEST = (-3.5, 3.5)
"""Epsilons beyond are in the outermost bins."""


@dataclass(frozen=True)
class Curve:
    """Of one model.

    Attributes:
        model: its name.
        rates: by measure and level.
        levels_at: by measure and return period; NaN where the curve does not reach it.
        derivatives: of the rates; None if they were not asked for.
    """

    model: str
    rates: np.ndarray
    levels_at: np.ndarray
    derivatives: list[Derivative] | None


@dataclass(frozen=True)
class Parts:
    """Contributions of scenarios to the rate of one level.

    Attributes:
        names: of the sources.
        source: which each scenario is of.
        magnitude, rrup_km, epsilon, rate: of the scenarios.
    """

    names: list[str]
    source: np.ndarray
    magnitude: np.ndarray
    rrup_km: np.ndarray
    epsilon: np.ndarray
    rate: np.ndarray


@dataclass(frozen=True)
class SiteHazard:
    """All of one site.

    Attributes:
        name: of the site.
        latitude, longitude, vs30_m_s: of it.
        levels: by measure.
        curves: of the models; the last is the one that counts, their mean if there are several.
        apart: contributions by numbers of measure and return period.
    """

    name: str
    latitude: float
    longitude: float
    vs30_m_s: float
    levels: np.ndarray
    curves: list[Curve]
    apart: dict[tuple[int, int], Parts]


def write_hazard(
    settings: HazardSettings, found: Sequence[SiteHazard], out: Path, say: Progress
) -> list[str]:
    """Tables and figures of all sites; returns their names in the folder.

    Raises:
        OutputError: if one cannot be written.
    """
    tables: list[tuple[str, Sequence[str], Iterator[tuple[Any, ...]]]] = [
        ("curves.csv", CURVES, _curve_rows(settings, found)),
        ("levels.csv", LEVELS, _level_rows(settings, found)),
        ("disaggregation.csv", PARTS, _part_rows(settings, found)),
        ("sources.csv", OF_SOURCES, _source_rows(settings, found)),
    ]
    if settings.derivatives != "none":
        tables.append(("derivatives.csv", DERIVATIVES, _derivative_rows(settings, found)))
    files = []
    for name, head, rows in tables:
        write_rows_csv(out / name, head, rows)
        files.append(name)
    (out / "figures").mkdir(exist_ok=True)
    stems = _stems([one.name for one in found])
    for number, one in enumerate(found):
        say("figures", number, len(found))
        for name, figure in _figures(settings, one, stems[number]):
            path = f"figures/{name}.png"
            with atomic_path(out / path) as temporary:
                temporary.write_bytes(figure_png(figure))
            files.append(path)
    say("figures", len(found), len(found))
    return files


def _curve_rows(settings: HazardSettings, found: Sequence[SiteHazard]):
    for one in found:
        for curve in one.curves:
            for row, imt in enumerate(settings.imts):
                for level, rate in zip(one.levels[row], curve.rates[row], strict=True):
                    probability = -np.expm1(-rate * settings.years)
                    yield one.name, curve.model, imt, float(level), float(rate), float(probability)


def _level_rows(settings: HazardSettings, found: Sequence[SiteHazard]):
    for one in found:
        for curve in one.curves:
            for row, imt in enumerate(settings.imts):
                for k, years in enumerate(settings.return_periods_years):
                    level = float(curve.levels_at[row, k])
                    yield one.name, curve.model, imt, years, 1 / years, level


def _each_part(settings: HazardSettings, found: Sequence[SiteHazard]):
    for one in found:
        for (row, k), parts in one.apart.items():
            level = float(one.curves[-1].levels_at[row, k])
            yield (one.name, settings.imts[row], settings.return_periods_years[k], level), parts


def _part_rows(settings: HazardSettings, found: Sequence[SiteHazard]):
    for head, parts in _each_part(settings, found):
        bins = np.stack([
            _bin(parts.magnitude, _MAGNITUDES),
            _bin(parts.rrup_km, _DISTANCES_KM),
            _bin(np.clip(parts.epsilon, *_FARTHEST), _EPSILONS),
        ])  # fmt: skip
        cells, place = np.unique(bins, axis=1, return_inverse=True)
        rate = np.bincount(place.ravel(), parts.rate)
        for k, (m, r, e) in enumerate(cells.T):
            yield (*head, float(m), float(r), float(e), float(rate[k] / rate.sum()))


def _bin(values: np.ndarray, width: float) -> np.ndarray:
    """Middles of the bins that values lie in."""
    return (np.floor(values / width + 1e-9) + 0.5) * width


def _source_rows(settings: HazardSettings, found: Sequence[SiteHazard]):
    for head, parts in _each_part(settings, found):
        rate = np.bincount(parts.source, parts.rate, minlength=len(parts.names))
        for k in np.argsort(-rate):
            yield (*head, parts.names[k], float(rate[k] / rate.sum()))


def _derivative_rows(settings: HazardSettings, found: Sequence[SiteHazard]):
    for one in found:
        for curve in one.curves:
            for d in curve.derivatives or []:
                for row, imt in enumerate(settings.imts):
                    for k, level in enumerate(one.levels[row]):
                        rate, slope = float(curve.rates[row, k]), float(d.slope[row, k])
                        yield (
                            one.name,
                            curve.model,
                            imt,
                            float(level),
                            rate,
                            d.owner,
                            d.parameter,
                            d.value,
                            slope,
                        )


def _stems(names: Sequence[str]) -> list[str]:
    """Beginnings of files' names, no two alike."""
    found: list[str] = []
    for number, name in enumerate(names):
        stem = re.sub(r"[^\w.]+", "_", name).strip("_") or f"site_{number}"
        found.append(f"{stem}_{number}" if stem in found else stem)
    return found


def _figures(settings: HazardSettings, one: SiteHazard, stem: str):
    title = f"{one.name}, VS30 {one.vs30_m_s:g} m/s"
    for row, imt in enumerate(settings.imts):
        curves = {c.model: c.rates[row] for c in one.curves}
        marks = dict(zip(settings.return_periods_years, one.curves[-1].levels_at[row], strict=True))
        yield (
            f"{stem}_{_file(imt)}_curve",
            hazard_curves_figure(HazardCurves(imt, one.levels[row], curves, marks, title)),
        )
        for (measure, k), parts in one.apart.items():
            if measure == row:
                years, level = settings.return_periods_years[k], float(one.curves[-1].levels_at[row, k])
                drawn = Disaggregation(
                    imt, level, years, parts.magnitude, parts.rrup_km, parts.epsilon, parts.rate, title
                )
                yield f"{stem}_{_file(imt)}_{years:g}_years", disaggregation_figure(drawn)
    spectral = [k for k, imt in enumerate(settings.imts) if parse_measure(imt).kind == "SA"]
    if len(spectral) >= 3:
        period = np.array([parse_measure(settings.imts[k]).period_s for k in spectral])
        order = np.argsort(period)
        spectra = {
            y: one.curves[-1].levels_at[spectral, k][order]
            for k, y in enumerate(settings.return_periods_years)
        }
        yield f"{stem}_spectrum", uniform_hazard_figure(period[order], spectra, title)


def _file(imt: str) -> str:
    return imt.replace("(", "_").replace(")", "")
