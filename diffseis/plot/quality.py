"""How large the errors are, what they depend on, and how well the sampler did."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from diffseis.location.catalogue import LocatedCatalogue
from diffseis.plot.style import (
    OTHER_COLOUR,
    P_COLOUR,
    S_COLOUR,
    STATUS_COLOURS,
    add_grid,
    house_style,
    new_figure,
    say_empty,
)

_HORIZONTAL, _VERTICAL = P_COLOUR, S_COLOUR


def uncertainty_figure(catalogue: LocatedCatalogue) -> Figure:
    """Horizontal and vertical 68 % errors: their distribution, and against gap, nearest station and number
    of phases.
    """
    with house_style():
        events = catalogue.events
        good = (events.status == "located") & np.isfinite(events.horizontal_error_km)
        if not good.any():
            figure = new_figure(7.0, 1.6)
            say_empty(figure.subplots(), "No event was located.")
            return figure
        figure = new_figure(9.6, 6.2)
        axes = figure.subplots(2, 2).ravel()
        pairs = [
            (events.horizontal_error_km[good], _HORIZONTAL, "horizontal"),
            (events.vertical_error_km[good], _VERTICAL, "vertical"),
        ]
        _histograms(axes[0], pairs)
        panels = [
            ("Against the azimuthal gap", events.gap_deg[good], "Largest azimuthal gap (degrees)"),
            ("Against the nearest station", events.nearest_km[good], "Nearest used station (km)"),
            ("Against the number of phases", events.num_phases[good], "Used phases"),
        ]
        for ax, (title, values, label) in zip(axes[1:], panels, strict=True):
            for errors, colour, name in pairs:
                ax.plot(
                    values,
                    errors,
                    "o",
                    markersize=3.2,
                    alpha=0.55,
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
        figure.align_labels()
        return figure


def _histograms(ax: Axes, pairs: list[tuple[np.ndarray, str, str]]) -> None:
    values = np.concatenate([p[0] for p in pairs])
    low, high = max(values.min(), 1e-3), max(values.max(), 2e-3)
    edges = np.geomspace(low / 1.1, high * 1.1, 26)
    for errors, colour, name in pairs:
        label = f"{name}: median {np.median(errors):.2f} km"
        ax.hist(errors, list(edges), color=colour, alpha=0.55, label=label)
        ax.axvline(np.median(errors), color=colour, linewidth=1.4)
    ax.set_xscale("log")
    ax.set_ylim(0, ax.get_ylim()[1] * 1.25)
    _plain_log(ax.xaxis)
    ax.set_title("Half-width of the 68 % interval")
    ax.set_xlabel("Error (km)")
    ax.set_ylabel("Events")
    ax.legend(loc="upper right", frameon=True, framealpha=0.9, edgecolor="none")


def _log_limits(ax: Axes, values: np.ndarray) -> None:
    values = values[np.isfinite(values) & (values > 0)]
    if len(values):
        ax.set_ylim(values.min() / 1.5, values.max() * 1.5)
    _plain_log(ax.yaxis)


def _plain_log(axis: Axis) -> None:
    """Ticks of a logarithmic axis at 1, 2 and 5, written as plain numbers."""
    axis.set_major_locator(LogLocator(base=10.0, subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.set_minor_formatter(NullFormatter())


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
        phases = events.num_phases[placed]
        edges = np.linspace(phases.min() - 0.5, phases.max() + 0.5, min(int(np.ptp(phases)) + 2, 42))
        axes[1].hist(phases, list(edges), color=P_COLOUR)
        axes[1].set_title(f"Used phases per event (median {np.median(phases):.0f})")
        axes[1].set_xlabel("Used phases")
        axes[1].set_ylabel("Events")
        axes[1].xaxis.set_major_locator(MaxNLocator(integer=True))
        rms = events.rms_s[placed & np.isfinite(events.rms_s)]
        if len(rms):
            axes[2].hist(rms, 30, color=P_COLOUR)
            axes[2].axvline(np.median(rms), color="black", linestyle="--", linewidth=0.9)
            axes[2].set_title(f"Weighted RMS residual (median {np.median(rms):.3f} s)")
            axes[2].set_xlabel("RMS (s)")
            axes[2].set_ylabel("Events")
        else:
            say_empty(axes[2], "No residuals.")
        _sampler(axes[3], catalogue, placed)
        return figure


def _statuses(ax: Axes, status: np.ndarray) -> None:
    names, counts = np.unique(status.astype(str), return_counts=True)
    order = np.argsort(counts)
    words = [str(names[i]) for i in order]
    bars = ax.barh(words, counts[order], color=[STATUS_COLOURS.get(word, OTHER_COLOUR) for word in words])
    ax.bar_label(bars, padding=3)
    ax.set_xlim(0, max(int(counts.max()) if len(counts) else 1, 1) * 1.15)
    ax.set_title("Outcome")
    ax.set_xlabel("Events")


def _sampler(ax: Axes, catalogue: LocatedCatalogue, placed: np.ndarray) -> None:
    events = catalogue.events
    ax.set_title("Sampler")
    size, stein = events.effective_sample_size[placed], events.kernel_stein_discrepancy[placed]
    if not np.any(np.isfinite(size) & np.isfinite(stein)):
        say_empty(ax, "The sampler reports no diagnostics.")
        return
    for several, marker, name in ((False, "o", "one mode"), (True, "D", "several modes")):
        mine = (events.num_modes[placed] > 1) == several
        if mine.any():
            colour = S_COLOUR if several else P_COLOUR
            ax.plot(
                stein[mine],
                size[mine],
                marker,
                markersize=3.6,
                alpha=0.6,
                color=colour,
                markeredgewidth=0,
                label=f"{name} ({mine.sum()})",
            )
    ax.set_xlabel("Kernel Stein discrepancy (small is good)")
    ax.set_ylabel("Effective sample fraction")
    ax.set_ylim(0, 1.05)
    ax.set_xlim(left=0)
    ax.legend(loc="lower right")
    add_grid(ax)
