"""One event on one page: its posterior from three sides and its residuals."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from diffseis.core.tables import PHASES
from diffseis.location.catalogue import LocatedCatalogue
from diffseis.plot.geometry import add_ellipses
from diffseis.plot.maps import plain_text
from diffseis.plot.style import (
    OTHER_COLOUR,
    P_COLOUR,
    PHASE_COLOURS,
    add_grid,
    house_style,
    new_figure,
    say_empty,
)

_MAX_ARRIVALS = 60
_SIDES = (
    ("East (km)", 1, "North (km)", 0),
    ("East (km)", 1, "Depth (km)", 2),
    ("North (km)", 0, "Depth (km)", 2),
)


def event_figure(catalogue: LocatedCatalogue, row: int) -> Figure:
    """The posterior of event `row` in map view and two sections, with its 68 % ellipses, and the residual
    of each arrival.
    """
    with house_style():
        events = catalogue.events
        figure = new_figure(10.4, 6.4)
        grid = figure.add_gridspec(2, 3, width_ratios=[1, 1, 1.1])
        axes = [
            figure.add_subplot(grid[0, 0]),
            figure.add_subplot(grid[1, 0]),
            figure.add_subplot(grid[1, 1]),
        ]
        card, list_ax = figure.add_subplot(grid[0, 1]), figure.add_subplot(grid[:, 2])
        name = plain_text(str(events.event_id[row]), longest=40)
        figure.suptitle(f"Event {name}: {events.status[row]}", fontweight="bold", x=0.01, ha="left")
        ned = np.asarray(catalogue.particles.ned_km[row], np.float64)
        ned = ned[np.all(np.isfinite(ned), axis=1)]
        if len(ned) and np.isfinite(events.latitude[row]):
            _posterior(axes, catalogue, row, ned)
        else:
            for ax in axes:
                say_empty(ax, "No posterior.")
        _card(card, catalogue, row)
        _residuals(list_ax, catalogue, row)
        return figure


def _posterior(axes: list[Axes], catalogue: LocatedCatalogue, row: int, ned: np.ndarray) -> None:
    events = catalogue.events
    mean = catalogue.frame.to_ned(events.latitude[row], events.longitude[row], events.depth_km[row])
    best = catalogue.frame.to_ned(
        events.map_latitude[row], events.map_longitude[row], events.map_depth_km[row]
    )
    shift = np.array([mean[0], mean[1], 0.0])  # horizontal distances from the mean; depth as it is
    covariance = np.asarray(events.covariance_km2[row])
    low, high = np.quantile(ned - shift, [0.003, 0.997], axis=0)
    half = 0.5 * np.max(high - low) * 1.12 + 0.05
    middle = 0.5 * (low + high)
    for ax, (x_label, x, y_label, y) in zip(axes, _SIDES, strict=True):
        ax.plot(
            *(ned - shift)[:, [x, y]].T,
            ".",
            markersize=4.5,
            alpha=0.4,
            color=P_COLOUR,
            markeredgewidth=0,
            rasterized=True,
            label="posterior sample",
        )
        block = covariance[np.ix_([x, y], [x, y])][None]
        add_ellipses(ax, (mean - shift)[[x, y]][None], block, edgecolors="black", linewidths=1.0)
        ax.plot(*(mean - shift)[[x, y]], "+", color="black", markersize=9, label="mean")
        ax.plot(*(best - shift)[[x, y]], "x", color="#D55E00", markersize=6, label="most probable")
        ax.set_xlim(middle[x] - half, middle[x] + half)
        down = y == 2
        ax.set_ylim((middle[y] + half, middle[y] - half) if down else (middle[y] - half, middle[y] + half))
        ax.set_aspect("equal")
        ax.set_xlabel(f"{x_label[:-5]} of the mean (km)")
        ax.set_ylabel(y_label if down else f"{y_label[:-5]} of the mean (km)")
        add_grid(ax)
    axes[0].legend(loc="best", fontsize=7)


def _card(ax: Axes, catalogue: LocatedCatalogue, row: int) -> None:
    events = catalogue.events
    ax.set_axis_off()
    number = lambda value, form, unit="": f"{float(value):{form}}{unit}" if np.isfinite(value) else "unknown"
    time = events.time[row]
    lines = [
        ("Origin time", "unknown" if np.isnat(time) else f"{str(time)[:10]}  {str(time)[11:23]}"),
        ("", f"± {number(events.origin_time_error_s[row], '.2f', ' s')}"),
        ("Latitude", number(events.latitude[row], ".4f", "°")),
        ("Longitude", number(events.longitude[row], ".4f", "°")),
        ("Horizontal error", number(events.horizontal_error_km[row], ".2f", " km")),
        (
            "Depth",
            f"{number(events.depth_km[row], '.2f')} ± {number(events.vertical_error_km[row], '.2f', ' km')}",
        ),
        ("Phases, stations", f"{int(events.num_phases[row])}, {int(events.num_stations[row])}"),
        ("Gap", number(events.gap_deg[row], ".0f", "°")),
        ("Nearest station", number(events.nearest_km[row], ".1f", " km")),
        ("RMS", number(events.rms_s[row], ".3f", " s")),
        ("Modes", f"{int(events.num_modes[row])}"),
    ]
    for place, (name, value) in enumerate(lines):
        height = 0.97 - 0.083 * place
        ax.text(0.0, height, name, transform=ax.transAxes, va="top", color="#555555")
        ax.text(0.42, height, value, transform=ax.transAxes, va="top")
    if events.reason[row]:
        ax.text(
            0.0,
            0.03,
            str(events.reason[row])[:120],
            transform=ax.transAxes,
            va="top",
            wrap=True,
            fontsize=7.5,
        )


def _residuals(ax: Axes, catalogue: LocatedCatalogue, row: int) -> None:
    """One line per arrival, nearest station on top."""
    arrivals = catalogue.arrivals
    mine = np.flatnonzero((arrivals.event_row == row) & np.isfinite(arrivals.residual_s))
    ax.set_title("Residuals, nearest station on top")
    if not len(mine):
        say_empty(ax, "No arrival has a residual.")
        return
    mine = mine[np.argsort(arrivals.distance_km[mine], kind="stable")][:_MAX_ARRIVALS]
    place = np.arange(len(mine))
    limit = float(
        max(
            np.quantile(np.abs(arrivals.residual_s[mine]), 0.95) * 1.3,
            2.2 * np.median(arrivals.sigma_s[mine]),
        )
    )
    for phase in PHASES:
        pick = catalogue.picks.phase[mine] == phase
        if not pick.any():
            continue
        residual = np.clip(arrivals.residual_s[mine][pick], -limit, limit)
        clean = arrivals.weight[mine][pick] > 0.5
        ax.hlines(place[pick], 0, residual, color=PHASE_COLOURS[phase], linewidth=1.6)
        ax.plot(
            residual[clean], place[pick][clean], "o", markersize=4, color=PHASE_COLOURS[phase], label=phase
        )
        if (~clean).any():
            ax.plot(
                residual[~clean],
                place[pick][~clean],
                "o",
                markersize=4,
                markerfacecolor="white",
                color=PHASE_COLOURS[phase],
                label=f"{phase}, likely outlier",
            )
    sigma = arrivals.sigma_s[mine]
    ax.fill_betweenx(
        place, -sigma, sigma, step="mid", color=OTHER_COLOUR, alpha=0.2, linewidth=0, label="± total sigma"
    )
    names = [f"{plain_text(str(catalogue.picks.station[i]))} {arrivals.distance_km[i]:.0f} km" for i in mine]
    ax.set_yticks(place, names, fontsize=7.5 if len(mine) < 32 else 5.5)
    ax.set_ylim(len(mine) - 0.3, -0.7)
    ax.set_xlim(-limit * 1.05, limit * 1.05)
    ax.axvline(0.0, color="black", linewidth=0.8)
    ax.set_xlabel("Observed minus predicted (s)")
    ax.legend(loc="upper center", bbox_to_anchor=(0.45, -0.1), ncols=3, fontsize=7)
