"""How large the errors are, what they depend on, and how well the sampler did."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from diffseis.location.catalogue import LocatedCatalogue
from diffseis.plot.style import (
    HORIZONTAL_COLOUR,
    OTHER_COLOUR,
    P_COLOUR,
    STATUS_COLOURS,
    VERTICAL_COLOUR,
    add_grid,
    count_axis,
    empty_figure,
    freeze_layout,
    house_style,
    new_figure,
    say_empty,
)

_MARKERS = {"horizontal": "o", "vertical": "^"}


def uncertainty_figure(catalogue: LocatedCatalogue) -> Figure:
    """Horizontal and vertical 68 % errors: their distribution, and against gap, nearest station and number
    of phases.
    """
    with house_style():
        events = catalogue.events
        good = (events.status == "located") & np.isfinite(events.horizontal_error_km)
        if not good.any():
            return empty_figure("No event was located.")
        figure = new_figure(9.6, 6.2)
        axes = figure.subplots(2, 2).ravel()
        pairs = [
            (events.horizontal_error_km[good], HORIZONTAL_COLOUR, "horizontal"),
            (events.vertical_error_km[good], VERTICAL_COLOUR, "vertical"),
        ]
        _histograms(axes[0], pairs)
        panels = [
            ("Errors against the azimuthal gap", events.gap_deg[good], "Largest azimuthal gap (degrees)"),
            ("Errors against the nearest station", events.nearest_km[good], "Nearest used station (km)"),
            ("Errors against the number of phases", events.num_phases[good], "Used phases"),
        ]
        for ax, (title, values, label) in zip(axes[1:], panels, strict=True):
            for errors, colour, name in pairs:
                ax.plot(
                    values,
                    errors,
                    _MARKERS[name],
                    markersize=3.6,
                    alpha=0.65,
                    color=colour,
                    markeredgewidth=0,
                    label=name,
                )
            ax.set_yscale("log")
            _log_limits(ax, np.concatenate([p[0] for p in pairs]))
            ax.set_title(title)
            ax.set_xlabel(label)
            ax.set_ylabel("68 % error (km)")
            add_grid(ax)
        figure.legend(
            *axes[1].get_legend_handles_labels(), loc="outside lower center", ncols=2, markerscale=1.5
        )
        figure.align_labels()
        freeze_layout(figure)
        return figure


def _histograms(ax: Axes, pairs: list[tuple[np.ndarray, str, str]]) -> None:
    values = np.concatenate([p[0] for p in pairs])
    low, high = max(values.min(), 1e-3), max(values.max(), 2e-3)
    edges = np.geomspace(low / 1.1, high * 1.1, 26)
    for errors, colour, name in pairs:
        label = f"{name}: median {np.median(errors):.2f} km"
        ax.hist(errors, list(edges), color=colour, alpha=0.5)
        ax.hist(errors, list(edges), histtype="step", color=colour, linewidth=1.2)
        ax.axvline(np.median(errors), color=colour, linewidth=1.4, linestyle="--", label=label)
    ax.set_xscale("log")
    ax.set_ylim(0, ax.get_ylim()[1] * 1.3)
    _plain_log(ax.xaxis)
    count_axis(ax.yaxis)
    ax.set_title(f"68 % errors, half-widths (n = {len(pairs[0][0])})")
    ax.set_xlabel("Error (km)")
    ax.set_ylabel("Events")
    ax.legend(loc="upper right", frameon=True, framealpha=0.9, edgecolor="none")


def _log_limits(ax: Axes, values: np.ndarray) -> None:
    values = values[np.isfinite(values) & (values > 0)]
    if len(values):
        ax.set_ylim(values.min() / 1.5, values.max() * 1.5)
    _plain_log(ax.yaxis)


def _plain_log(axis: Axis) -> None:
    """Ticks of a logarithmic axis at round places, written as plain numbers; the axis has its limits already."""
    low, high = axis.get_view_interval()
    round_places = (1.0, 2.0, 5.0) if high > 8.0 * low else (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)
    axis.set_major_locator(LogLocator(base=10.0, subs=round_places))
    axis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.set_minor_locator(NullLocator())


def quality_figure(catalogue: LocatedCatalogue) -> Figure:
    """Outcomes, phases per event, RMS, and the sampler's effective size against its Stein discrepancy."""
    with house_style():
        figure = new_figure(9.6, 6.0)
        axes = figure.subplots(2, 2).ravel()
        events = catalogue.events
        _statuses(axes[0], events.status)
        placed = np.isfinite(events.latitude)
        if not placed.any():
            for ax in axes[1:]:
                say_empty(ax, "No event has a posterior.")
            return figure
        good = events.status == "located"
        _phases(axes[1], events.num_phases[good])
        _rms(axes[2], events.rms_s[good & np.isfinite(events.rms_s)])
        _sampler(axes[3], catalogue, placed)
        freeze_layout(figure)
        return figure


def _phases(ax: Axes, phases: np.ndarray) -> None:
    if not len(phases):
        say_empty(ax, "No event was located.")
        return
    # Bars of a whole number of phases, or they would count unequal numbers of them.
    width = int(np.ceil((np.ptp(phases) + 1) / 30))
    edges = np.arange(phases.min(), phases.max() + width + 1, width) - 0.5
    ax.hist(phases, list(edges), color=P_COLOUR, edgecolor="white", linewidth=0.4)
    _median_line(ax, phases)
    ax.set_title(f"Used phases per located event (median {np.median(phases):.0f})")
    ax.set_xlabel("Used phases")
    count_axis(ax.xaxis)


def _rms(ax: Axes, rms: np.ndarray) -> None:
    if not len(rms):
        say_empty(ax, "No residuals of a located event.")
        return
    reach = 0.95 * float(rms.min()), max(1.05 * float(rms.max()), 1e-3)
    ax.hist(
        rms, min(30, max(5, len(rms) // 3)), range=reach, color=P_COLOUR, edgecolor="white", linewidth=0.4
    )
    _median_line(ax, rms)
    ax.set_title(f"Weighted RMS per located event (median {np.median(rms):.3f} s)")
    ax.set_xlabel("RMS (s)")


def _median_line(ax: Axes, values: np.ndarray) -> None:
    ax.axvline(np.median(values), color="black", linestyle="--", linewidth=0.9)
    ax.set_ylabel("Events")
    count_axis(ax.yaxis)


def _statuses(ax: Axes, status: np.ndarray) -> None:
    names, counts = np.unique(status.astype(str), return_counts=True)
    order = np.argsort(counts)
    words = [str(names[i]) for i in order]
    bars = ax.barh(words, counts[order], color=[STATUS_COLOURS.get(word, OTHER_COLOUR) for word in words])
    ax.bar_label(bars, padding=3)
    ax.set_xlim(0, max(int(counts.max()) if len(counts) else 1, 1) * 1.15)
    ax.set_title("Outcome")
    ax.set_xlabel("Events")
    count_axis(ax.xaxis)


def _sampler(ax: Axes, catalogue: LocatedCatalogue, placed: np.ndarray) -> None:
    events = catalogue.events
    ax.set_title("Sampler")
    size, stein = events.effective_sample_size, events.kernel_stein_discrepancy
    shown = placed & np.isfinite(size) & np.isfinite(stein) & (stein > 0)
    if not shown.any():
        say_empty(ax, "The sampler reports no diagnostics.")
        return
    good, several = events.status == "located", events.num_modes > 1
    for mine, marker, colour, name in (
        (good & ~several, "o", P_COLOUR, "located, one mode"),
        (good & several, "D", VERTICAL_COLOUR, "located, several modes"),
        (~good, "x", "black", "not located"),
    ):
        mine = mine & shown
        if mine.any():
            ax.plot(
                stein[mine],
                size[mine],
                marker,
                markersize=4.5,
                alpha=0.7,
                color=colour,
                markeredgewidth=1.2 if marker == "x" else 0,
                label=f"{name} ({mine.sum()})",
            )
    ax.set_xscale("log")
    ax.set_xlim(stein[shown].min() / 1.4, stein[shown].max() * 1.4)
    _plain_log(ax.xaxis)
    ax.set_xlabel("Kernel Stein discrepancy (small is good, as is a large fraction)")
    ax.set_ylabel("Effective sample fraction")
    ax.set_ylim(0, 1.05)
    ax.legend(loc="upper right", frameon=True, framealpha=1.0, edgecolor="#bbbbbb")
    add_grid(ax)
