"""Learned ground-motion models as figures: attenuation with both kinds of uncertainty beside the records, and deviations by magnitude."""

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
    S_COLOUR,
    add_grid,
    house_style,
)

_NORMAL_95 = 1.959963984540054


@dataclass(frozen=True)
class Attenuation:
    """One magnitude of a learned model.

    Attributes:
        title: magnitude and site.
        distance_km: of the curve.
        mean_ln: of the logarithm.
        epistemic_sd: what is not known of the mean.
        sigma: aleatory standard deviation.
        base_ln: of the published model below; None without one.
        records: distance and value of records of nearby magnitudes.
    """

    title: str
    distance_km: Float[np.ndarray, " point"]
    mean_ln: Float[np.ndarray, " point"]
    epistemic_sd: Float[np.ndarray, " point"]
    sigma: Float[np.ndarray, " point"]
    base_ln: Float[np.ndarray, " point"] | None
    records: Float[np.ndarray, "record 2"]


@dataclass(frozen=True)
class DeviationCurves:
    """Standard deviations by magnitude.

    Attributes:
        magnitude: of the curves.
        tau, phi_s2s, phi_ss: at each.
        event_magnitude: of the events that were learned from.
    """

    magnitude: Float[np.ndarray, " point"]
    tau: Float[np.ndarray, " point"]
    phi_s2s: Float[np.ndarray, " point"]
    phi_ss: Float[np.ndarray, " point"]
    event_magnitude: Float[np.ndarray, " event"]


def learned_motion_figure(
    panels: Sequence[Attenuation],
    deviations: DeviationCurves,
    *,
    y_label: str,
    base: str | None = None,
    title: str = "",
) -> Figure:
    """Attenuation of a few magnitudes, and deviations by magnitude.

    Args:
        panels: up to three.
        deviations: of the same measure.
        y_label: the measure with its unit.
        base: name of the published model below.
        title: above all.
    """
    with house_style():
        num = len(panels) + 1
        figure = Figure(figsize=(3.5 * num + 0.4, 4.1), layout="constrained")
        axes = figure.subplots(1, num, squeeze=False)[0]
        for ax in axes[1:-1]:
            ax.sharey(axes[0])
            ax.tick_params(labelleft=False)
        for ax, panel in zip(axes, panels, strict=False):
            _attenuation(ax, panel, base)
        axes[0].set_ylabel(y_label)
        _deviations(axes[-1], deviations)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
        if title:
            figure.suptitle(plain_text(title, longest=120), x=0.01, ha="left", fontweight="bold")
        return figure


def _attenuation(ax: Axes, panel: Attenuation, base: str | None) -> None:
    x, mean = panel.distance_km, panel.mean_ln
    band = lambda half, colour, alpha, label: ax.fill_between(
        x, np.exp(mean - half), np.exp(mean + half), color=colour, alpha=alpha, linewidth=0, label=label
    )
    band(panel.sigma, P_COLOUR, 0.15, "one record, 68 % (aleatory)")
    band(_NORMAL_95 * panel.epistemic_sd, P_COLOUR, 0.38, "the median, 95 % (epistemic)")
    ax.plot(x, np.exp(mean), color=P_COLOUR, linewidth=1.5, label="learned median", zorder=4)
    if panel.base_ln is not None:
        ax.plot(x, np.exp(panel.base_ln), "--", color=S_COLOUR, label=base, zorder=3)
    distance, value = panel.records.T
    label = "records within 0.25 magnitudes"
    ax.plot(distance, value, ".", color="black", markersize=3.0, alpha=0.55, label=label, zorder=2)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_title(f"{panel.title} ({len(distance)} records)")
    plain = FuncFormatter(lambda v, _: f"{v:g}")
    ax.xaxis.set_major_formatter(plain)
    ax.yaxis.set_major_formatter(plain)
    ax.set_xlabel("$R_{JB}$ (km)")
    add_grid(ax)


def _deviations(ax: Axes, curves: DeviationCurves) -> None:
    for name, value, colour in (
        ("total", np.sqrt(curves.tau**2 + curves.phi_s2s**2 + curves.phi_ss**2), "black"),
        ("τ, events", curves.tau, S_COLOUR),
        ("φ of sites", curves.phi_s2s, HORIZONTAL_COLOUR),
        ("φ, rest", curves.phi_ss, P_COLOUR),
    ):
        ax.plot(curves.magnitude, value, color=colour, label=name)
    bottom = np.zeros_like(curves.event_magnitude)
    ax.plot(curves.event_magnitude, bottom, "|", color=OTHER_COLOUR, markersize=9, clip_on=False)
    # Room for the names of the curves above them.
    ax.set_ylim(0, 1.3 * ax.get_ylim()[1])
    ax.set_xlabel("Magnitude (events: ticks)")
    ax.set_ylabel("Standard deviation of ln")
    ax.set_title("Deviations")
    ax.legend(loc="upper right", ncols=2)
    add_grid(ax)
