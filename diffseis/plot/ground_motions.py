"""Ground motion as figures: attenuation with distance, response spectra, residuals."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from diffseis.plot.names import plain_text
from diffseis.plot.style import (
    HORIZONTAL_COLOUR,
    OTHER_COLOUR,
    P_COLOUR,
    REFERENCE_COLOUR,
    S_COLOUR,
    VERTICAL_COLOUR,
    add_grid,
    house_style,
)

COLOURS = (
    P_COLOUR,
    S_COLOUR,
    HORIZONTAL_COLOUR,
    REFERENCE_COLOUR,
    VERTICAL_COLOUR,
    "#56B4E9",
    "#000000",
    OTHER_COLOUR,
)
"""Of models, in their order; with more they begin anew, dashed."""


@dataclass(frozen=True)
class Curve:
    """A median with its standard deviation, along distance or period.

    Attributes:
        name: of the model.
        x: km, or s.
        mean_ln: of the logarithm.
        sigma: total standard deviation of the logarithm.
    """

    name: str
    x: Float[np.ndarray, " point"]
    mean_ln: Float[np.ndarray, " point"]
    sigma: Float[np.ndarray, " point"]


@dataclass(frozen=True)
class Panel:
    """Curves of one scenario or measure.

    Attributes:
        title: what it shows.
        curves: of models.
        records: x and value of records, in the measure's unit; may be none.
    """

    title: str
    curves: Sequence[Curve]
    records: Float[np.ndarray, "record 2"] | None = None


def curves_figure(
    panels: Sequence[Panel],
    *,
    x_label: str,
    y_label: str,
    band: str = "first",
    share_y: bool = True,
    title: str = "",
) -> Figure:
    """Medians on double logarithmic axes, one panel each.

    Args:
        panels: up to a dozen.
        x_label, y_label: with units.
        band: whose standard deviation is shaded: "first", "all" or "none" of the models.
        share_y: whether all panels have one vertical axis; not where they are of different units.
        title: above all.
    """
    with house_style():
        columns = min(len(panels), 2 if len(panels) == 4 else 3)
        rows = -(-len(panels) // columns)
        figure = Figure(figsize=(3.9 * columns + 0.6, 3.3 * rows + 0.5), layout="constrained")
        axes = figure.subplots(rows, columns, sharex=True, sharey=share_y, squeeze=False)
        for ax, panel in zip(axes.flat, panels, strict=False):
            _draw(ax, panel, band)
        for ax in axes.flat[len(panels) :]:
            ax.set_axis_off()
        for ax in axes[:, 0]:
            ax.set_ylabel(y_label)
        for place, ax in enumerate(axes.flat[: len(panels)]):
            if place + columns >= len(panels):
                ax.set_xlabel(x_label)
                ax.tick_params(labelbottom=True)
        handles, labels = axes.flat[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 5))
        if title:
            figure.suptitle(plain_text(title, longest=120), x=0.01, ha="left", fontweight="bold")
        return figure


def _draw(ax: Axes, panel: Panel, band: str) -> None:
    for number, curve in enumerate(panel.curves):
        colour = COLOURS[number % len(COLOURS)]
        dashed = "--" if number >= len(COLOURS) else "-"
        ax.plot(
            curve.x,
            np.exp(curve.mean_ln),
            dashed,
            color=colour,
            label=plain_text(curve.name, longest=60),
            zorder=3,
        )
        if band == "all" or (band == "first" and number == 0):
            low, high = np.exp(curve.mean_ln - curve.sigma), np.exp(curve.mean_ln + curve.sigma)
            shown = f"{plain_text(curve.name, longest=60)}, 16 to 84 %" if band == "first" else None
            ax.fill_between(curve.x, low, high, color=colour, alpha=0.18, linewidth=0, label=shown)
    if panel.records is not None and len(panel.records):
        x, value = panel.records.T
        ax.plot(x, value, ".", color="black", markersize=3.5, label=f"records ({len(x)})", zorder=2)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_title(panel.title)
    plain = FuncFormatter(lambda v, _: f"{v:g}")
    ax.xaxis.set_major_formatter(plain)
    ax.yaxis.set_major_formatter(plain)
    add_grid(ax)


def ground_motion_residuals_figure(
    between: Float[np.ndarray, " event"],
    magnitude: Float[np.ndarray, " event"],
    within: Float[np.ndarray, " record"],
    distance_km: Float[np.ndarray, " record"],
    vs30_m_s: Float[np.ndarray, " record"],
    *,
    distance_label: str = "Distance (km)",
    title: str = "",
) -> Figure:
    """Normalised residuals against magnitude, distance and VS30, with means of bins and their 95 % errors, and histograms against the standard normal.

    Args:
        between: terms of events, over tau.
        magnitude: of the events.
        within: of records, over phi.
        distance_km, vs30_m_s: of the records.
        distance_label: which distance it is.
        title: above all.
    """
    with house_style():
        figure = Figure(figsize=(12.0, 5.6), layout="constrained")
        axes = figure.subplots(2, 3)
        _against(axes[0, 0], magnitude, between, "Magnitude", "Event term / τ", logarithmic=False)
        _against(axes[0, 1], distance_km, within, distance_label, "Within events / φ", logarithmic=True)
        _against(axes[0, 2], vs30_m_s, within, "VS30 (m/s)", "Within events / φ", logarithmic=False)
        _histogram(axes[1, 0], between, "Event term / τ")
        _histogram(axes[1, 1], within, "Within events / φ")
        _quantiles(axes[1, 2], within)
        if title:
            figure.suptitle(plain_text(title, longest=120), x=0.01, ha="left", fontweight="bold")
        return figure


def _against(ax: Axes, x, value, x_label: str, y_label: str, *, logarithmic: bool) -> None:
    good = np.isfinite(x) & np.isfinite(value) & ((x > 0) | (not logarithmic))
    x, value = np.asarray(x)[good], np.asarray(value)[good]
    ax.axhline(0, color="black", linewidth=0.8)
    ax.plot(x, value, ".", color=OTHER_COLOUR, markersize=3.5 if len(x) > 50 else 7, alpha=0.6)
    if logarithmic:
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    if len(x) >= 12:
        order = np.argsort(x)
        for part in np.array_split(order, int(np.clip(len(x) // 12, 2, 8))):
            middle = np.exp(np.mean(np.log(x[part]))) if logarithmic else np.mean(x[part])
            error = 1.96 * np.std(value[part], ddof=1) / np.sqrt(len(part))
            ax.errorbar(middle, np.mean(value[part]), error, fmt="o", color=P_COLOUR, markersize=4, capsize=2)
    most = max(3.0, float(np.max(np.abs(value), initial=0)) * 1.05)
    ax.set_ylim(-most, most)
    ax.set_xlabel(x_label)
    ax.set_ylabel(y_label)
    add_grid(ax)


def _histogram(ax: Axes, value, label: str) -> None:
    value = np.asarray(value)[np.isfinite(value)]
    grid = np.linspace(-4, 4, 161)
    # What lies beyond is in the outermost columns.
    inside = np.clip(value, -3.99, 3.99)
    ax.hist(inside, bins=np.arange(-4, 4.25, 0.5).tolist(), density=True, color=OTHER_COLOUR, alpha=0.5)
    ax.plot(grid, np.exp(-0.5 * grid**2) / np.sqrt(2 * np.pi), color=P_COLOUR, label="standard normal")
    spread = f"{np.std(value, ddof=1):.2f}" if len(value) > 1 else "unknown"
    words = f"mean {np.mean(value):.2f}, standard deviation {spread}".replace("-", "−")
    ax.set_title(f"{words} ({len(value)})")
    ax.set_xlabel(label)
    ax.set_ylabel("Density")
    ax.legend(loc="upper right")


def _quantiles(ax: Axes, value) -> None:
    from scipy.stats import norm

    value = np.sort(np.asarray(value)[np.isfinite(value)])
    expected = norm.ppf((np.arange(len(value)) + 0.5) / max(len(value), 1))
    ax.plot([-4, 4], [-4, 4], color="black", linewidth=0.8)
    ax.plot(expected, value, ".", color=P_COLOUR, markersize=3.5)
    ax.set_xlabel("Standard normal quantile")
    ax.set_ylabel("Within events / φ")
    add_grid(ax)
