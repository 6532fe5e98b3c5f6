"""One event on one page: its posterior from three sides and its residuals."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from diffseis.core.tables import PHASES
from diffseis.location.catalogue import LocatedCatalogue
from diffseis.plot.geometry import add_ellipses
from diffseis.plot.names import plain_text
from diffseis.plot.style import (
    P_COLOUR,
    PHASE_COLOURS,
    add_grid,
    freeze_layout,
    house_style,
    new_figure,
    say_empty,
)

_MAX_STATIONS = 55
_SIGMA = "± pick and travel-time error"
_SIDES = (
    ("Map view", "East", 1, "North", 0),
    ("Section W to E", "East", 1, "Depth", 2),
    ("Section S to N", "North", 0, "Depth", 2),
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
        freeze_layout(figure)
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
    for ax, (title, x_label, x, y_label, y) in zip(axes, _SIDES, strict=True):
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
        add_ellipses(ax, (mean - shift)[[x, y]][None], block, edgecolors="black", linewidths=1.0, alpha=1.0)
        ax.plot(*(mean - shift)[[x, y]], "+", color="black", markersize=9, label="mean")
        ax.plot(*(best - shift)[[x, y]], "x", color="#D55E00", markersize=6, label="most probable")
        ax.set_xlim(middle[x] - half, middle[x] + half)
        down = y == 2
        ax.set_ylim((middle[y] + half, middle[y] - half) if down else (middle[y] - half, middle[y] + half))
        ax.set_aspect("equal")
        ax.set_title(title)
        ax.set_xlabel(f"{x_label} of the mean (km)")
        ax.set_ylabel("Depth (km)" if down else f"{y_label} of the mean (km)")
        add_grid(ax)
    axes[0].plot([], [], color="black", linewidth=1.0, label="68 % ellipse")
    figure = axes[0].figure
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower left", ncols=4, fontsize=7.5)


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
        ("Weighted RMS", number(events.rms_s[row], ".3f", " s")),
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
    """One line per station, P above S, nearest station on top."""
    arrivals, picks = catalogue.arrivals, catalogue.picks
    mine = np.flatnonzero((arrivals.event_row == row) & np.isfinite(arrivals.residual_s))
    ax.set_title("Residuals, nearest station on top")
    if not len(mine):
        say_empty(ax, "No arrival has a residual.")
        return
    mine = mine[np.argsort(arrivals.distance_km[mine], kind="stable")]
    stations = list(dict.fromkeys(arrivals.station_row[mine].tolist()))
    shown = stations[:_MAX_STATIONS]
    if len(shown) < len(stations):
        ax.set_title(f"Residuals, nearest {len(shown)} of {len(stations)} stations")
    mine = mine[np.isin(arrivals.station_row[mine], shown)]
    place = np.array([shown.index(station) for station in arrivals.station_row[mine].tolist()], dtype=float)
    size, sigma = np.abs(arrivals.residual_s[mine]), arrivals.sigma_s[mine]
    limit = float(max(np.quantile(size, 0.95) * 1.3, 2.2 * np.median(sigma)))
    for phase, shift in zip(PHASES, (-0.2, 0.2), strict=True):
        chosen = picks.phase[mine] == phase
        if chosen.any():
            _stems(ax, catalogue, mine[chosen], place[chosen] + shift, limit)
    names = [_station_name(catalogue, int(mine[place == i][0])) for i in range(len(shown))]
    ax.set_yticks(np.arange(len(shown)), names, fontsize=7.5 if len(shown) < 40 else 6.0)
    ax.set_ylim(max(len(shown), 14) - 0.3, -0.7)
    ax.set_xlim(-limit * 1.05, limit * 1.05)
    ax.axvline(0.0, color="black", linewidth=0.8)
    beyond = "\n(arrows: beyond the axis)" if np.any(size > limit) else ""
    ax.set_xlabel(f"Observed minus predicted (s){beyond}")
    ax.figure.legend(*ax.get_legend_handles_labels(), loc="outside lower right", ncols=3, fontsize=7.5)


def _stems(ax: Axes, catalogue: LocatedCatalogue, rows: np.ndarray, place: np.ndarray, limit: float) -> None:
    """Residuals of one phase: filled dots, hollow ones where likely wrong, arrows where beyond the axis; ± sigma in grey."""
    arrivals, phase = catalogue.arrivals, str(catalogue.picks.phase[rows[0]])
    colour, sigma = PHASE_COLOURS[phase], arrivals.sigma_s[rows]
    first = not any(label == _SIGMA for label in ax.get_legend_handles_labels()[1])
    ax.barh(
        place, 2 * sigma, height=0.36, left=-sigma, color="#E2E2E2", label=_SIGMA if first else None, zorder=1
    )
    residual = np.clip(arrivals.residual_s[rows], -limit, limit)
    ax.hlines(place, 0, residual, color=colour, linewidth=1.4, zorder=2)
    side = np.where(np.abs(arrivals.residual_s[rows]) > limit, np.sign(residual), 0)
    clean = arrivals.weight[rows] > 0.5
    for good, name in ((True, phase), (False, f"{phase}, likely outlier")):
        for at, marker in ((0, "o"), (1, ">"), (-1, "<")):
            mine = (clean == good) & (side == at)
            if mine.any():
                ax.plot(
                    residual[mine],
                    place[mine],
                    marker,
                    markersize=3.8,
                    color=colour,
                    markerfacecolor=colour if good else "white",
                    label=name if at == 0 else None,
                )


def _station_name(catalogue: LocatedCatalogue, arrival: int) -> str:
    name = plain_text(str(catalogue.picks.station[arrival]))
    return f"{name}  {catalogue.arrivals.distance_km[arrival]:.0f} km"
