"""Figures of seismic hazard: curves, what they are made of, and spectra of uniform hazard."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import matplotlib
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from diffseis.plot.measures import measure_unit
from diffseis.plot.names import plain_text
from diffseis.plot.style import house_style

_EPSILON = (-np.inf, -1.0, 0.0, 1.0, 2.0, np.inf)


@dataclass(frozen=True)
class HazardCurves:
    """Of one measure at one site.

    Attributes:
        imt: its name.
        levels: in its unit.
        curves: yearly rates of exceedance by name; the last is drawn thick.
        marks: levels of the last one by return period in years; NaN where it does not reach it.
        title: above all.
    """

    imt: str
    levels: Float[np.ndarray, " level"]
    curves: Mapping[str, Float[np.ndarray, " level"]]
    marks: Mapping[float, float]
    title: str = ""


@dataclass(frozen=True)
class Disaggregation:
    """What the rate of exceeding one level is made of.

    Attributes:
        imt, level, return_period_years: which.
        magnitude, rrup_km, epsilon, rate: of the scenarios.
        title: above all.
    """

    imt: str
    level: float
    return_period_years: float
    magnitude: Float[np.ndarray, " scenario"]
    rrup_km: Float[np.ndarray, " scenario"]
    epsilon: Float[np.ndarray, " scenario"]
    rate: Float[np.ndarray, " scenario"]
    title: str = ""


def hazard_curves_figure(hazard: HazardCurves) -> Figure:
    """Yearly rates against levels, both logarithmic."""
    with house_style():
        figure = Figure(figsize=(6.0, 4.6), layout="constrained")
        ax = figure.subplots()
        *others, last = hazard.curves
        largest = max(float(np.max(c)) for c in hazard.curves.values())
        for name in others:
            ax.loglog(
                hazard.levels,
                _drawable(hazard.curves[name]),
                linewidth=1.2,
                label=plain_text(name, longest=60),
            )
        ax.loglog(
            hazard.levels,
            _drawable(hazard.curves[last]),
            color="black",
            linewidth=2.2,
            label=plain_text(last, longest=60),
        )
        for years, level in hazard.marks.items():
            if np.isfinite(level):
                ax.plot(
                    [hazard.levels[0], level, level],
                    [1 / years, 1 / years, 1e-12],
                    color="0.5",
                    linewidth=0.8,
                    linestyle=":",
                )
                ax.plot(level, 1 / years, "o", color="black", markersize=5)
                label = f"{years:g} years: {level:.3g} {measure_unit(hazard.imt)}"
                ax.annotate(label, (level, 1 / years), (6, 5), textcoords="offset points", fontsize=8)
        if largest <= 0:
            ax.text(0.5, 0.5, "no level is exceeded", transform=ax.transAxes, ha="center")
            largest = 1.0
        low = max(1e-6, 1e-6 * largest)
        ax.set_ylim(low, 2 * largest)
        ax.set_xlim(hazard.levels[0], hazard.levels[-1])
        ax.set_xlabel(f"{hazard.imt} ({measure_unit(hazard.imt)})")
        ax.set_ylabel("rate of exceedance (1/year)")
        _plain(ax.xaxis)
        ax.grid(True, which="major", linewidth=0.4, alpha=0.6)
        ax.legend(loc="lower left", fontsize=8)
        figure.suptitle(plain_text(hazard.title, longest=80), x=0.01, ha="left", fontweight="bold")
        return figure


def _plain(axis) -> None:
    """Numbers as they are, at 1, 2 and 5 of each decade."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    axis.set_minor_formatter(NullFormatter())


def _drawable(rate: np.ndarray) -> np.ndarray:
    """Rates of 0 are not drawn."""
    return np.where(rate > 0, rate, np.nan)


def disaggregation_figure(parts: Disaggregation) -> Figure:
    """Shares by distance and magnitude as columns, stacked by how unusual the motion is."""
    with house_style():
        figure = Figure(figsize=(7.0, 5.2), layout="constrained")
        ax = figure.add_subplot(projection="3d")
        share = 100 * parts.rate / parts.rate.sum()
        wide = _nice(parts.rrup_km, share, 12)
        tall = 0.25 if np.ptp(parts.magnitude) < 2 else 0.5
        column = np.floor(parts.rrup_km / wide).astype(int)
        row = np.floor(parts.magnitude / tall + 1e-9).astype(int)
        shown = column < _reach(column, share)
        colours = matplotlib.colormaps["viridis"](np.linspace(0.05, 0.95, len(_EPSILON) - 1))
        cells = {(c, r) for c, r in zip(column[shown], row[shown], strict=True)}
        for c, r in sorted(cells):
            base = 0.0
            here = (column == c) & (row == r)
            for k, (low, high) in enumerate(itertools.pairwise(_EPSILON)):
                height = float(share[here & (parts.epsilon >= low) & (parts.epsilon < high)].sum())
                if height > 0.02:
                    ax.bar3d(
                        (c + 0.12) * wide,
                        (r + 0.12) * tall,
                        base,
                        0.76 * wide,
                        0.76 * tall,
                        height,
                        color=colours[k],
                        edgecolor="0.25",
                        linewidth=0.2,
                        shade=False,
                    )
                base += height
        ax.set_xlabel("distance to the rupture (km)")
        ax.set_ylabel("magnitude")
        ax.set_zlabel("share of the rate (%)")
        ax.view_init(elev=32, azim=-55)
        mean = lambda x: float(np.sum(share * x) / share.sum())
        words = f"mean magnitude {mean(parts.magnitude):.1f}, {mean(parts.rrup_km):.0f} km, epsilon {mean(parts.epsilon):+.1f}"
        ax.set_title(
            f"{parts.imt} = {parts.level:.3g} {measure_unit(parts.imt)}, once in {parts.return_period_years:g} years\n{words}",
            fontsize=9,
        )
        names = ("below -1", "-1 to 0", "0 to 1", "1 to 2", "above 2")
        patches = [Patch(color=c, label=n) for c, n in zip(colours, names, strict=True)]
        place = {"loc": "upper left", "bbox_to_anchor": (0.02, 0.88)}
        figure.legend(handles=patches, title="epsilon", fontsize=8, title_fontsize=8, **place)
        figure.suptitle(plain_text(parts.title, longest=80), x=0.01, ha="left", fontweight="bold")
        return figure


def _nice(values: np.ndarray, share: np.ndarray, most: int) -> float:
    """A round width of which no more than `most` hold 99.5 % of the shares."""
    order = np.argsort(values)
    reach = values[order][np.searchsorted(np.cumsum(share[order]), 99.5 - 1e-9).clip(0, len(values) - 1)]
    return next((w for w in (1.0, 2.0, 5.0, 10.0, 20.0, 25.0, 50.0) if reach / w <= most), 100.0)


def _reach(column: np.ndarray, share: np.ndarray) -> int:
    """Columns that hold 99.5 %."""
    total = np.cumsum(np.bincount(column, share))
    return int(np.searchsorted(total, 99.5 - 1e-9)) + 1


def uniform_hazard_figure(
    periods_s: Float[np.ndarray, " period"],
    spectra: Mapping[float, Float[np.ndarray, " period"]],
    title: str = "",
) -> Figure:
    """Levels of spectral acceleration that are exceeded equally rarely at all periods.

    Args:
        periods_s: growing.
        spectra: in g, by return period in years; NaN where a curve does not reach it.
        title: above all.
    """
    with house_style():
        figure = Figure(figsize=(6.0, 4.2), layout="constrained")
        ax = figure.subplots()
        for years, levels in spectra.items():
            ax.loglog(periods_s, levels, marker="o", markersize=4, label=f"{years:g} years")
        ax.set_xlabel("period (s)")
        ax.set_ylabel("spectral acceleration (g)")
        _plain(ax.xaxis)
        _plain(ax.yaxis)
        ax.grid(True, which="major", linewidth=0.4, alpha=0.6)
        ax.legend(title="once in", fontsize=8, title_fontsize=8)
        figure.suptitle(plain_text(title, longest=80), x=0.01, ha="left", fontweight="bold")
        return figure
