"""Residuals: their distribution, by station, with distance."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from diffseis.core.tables import PHASES
from diffseis.location.catalogue import LocatedCatalogue
from diffseis.plot.names import plain_text
from diffseis.plot.style import (
    PHASE_COLOURS,
    add_grid,
    count_axis,
    empty_figure,
    freeze_layout,
    house_style,
    new_figure,
    say_empty,
)

MAD_TO_SIGMA = 1.4826
"""Median absolute deviation to standard deviation, for a Gaussian."""

_MAX_STATIONS = 60


def residual_figure(catalogue: LocatedCatalogue) -> Figure:
    """Histograms of P and S with median and scaled MAD; residuals against distance; residuals by station,
    sorted.
    """
    with house_style():
        used = used_arrivals(catalogue)
        if not used.any():
            return empty_figure("No arrival of a located event was used.")
        stations = _station_order(catalogue, used)
        figure = new_figure(10.4, float(np.clip(0.16 * len(stations) + 1.0, 7.6, 11.0)))
        grid = figure.add_gridspec(3, 2, width_ratios=[1.0, 1.15])
        limit = _limit(catalogue.arrivals.residual_s[used])
        for row, phase in enumerate(PHASES):
            _histogram(figure.add_subplot(grid[row, 0]), catalogue, used, phase, limit)
        _by_distance(figure.add_subplot(grid[2, 0]), catalogue, used, limit)
        _by_station(figure.add_subplot(grid[:, 1]), catalogue, used, stations, limit)
        freeze_layout(figure)
        return figure


def used_arrivals(catalogue: LocatedCatalogue) -> np.ndarray:
    """Arrivals of located events with a residual."""
    arrivals = catalogue.arrivals
    if not len(arrivals):
        return np.zeros(0, dtype=bool)
    located = catalogue.events.status[arrivals.event_row] == "located"
    return (arrivals.status == "used") & np.isfinite(arrivals.residual_s) & located


def weighted_rms_s(catalogue: LocatedCatalogue, rows: np.ndarray) -> float:
    """RMS residual of some arrivals, weighted as in the location: by precision and by the probability of being no
    outlier.
    """
    arrivals = catalogue.arrivals
    weight = arrivals.weight[rows] / arrivals.sigma_s[rows] ** 2
    return float(np.sqrt(np.sum(weight * arrivals.residual_s[rows] ** 2) / max(np.sum(weight), 1e-300)))


def robust_spread(values: np.ndarray) -> tuple[float, float]:
    """Median and 1.4826 times the median absolute deviation."""
    middle = float(np.median(values))
    return middle, float(MAD_TO_SIGMA * np.median(np.abs(values - middle)))


def signed(value: float, decimals: int = 3) -> str:
    """A number with its sign, zero without one, minus as long as plus."""
    text = f"{value:+.{decimals}f}"
    return text[1:] if float(text) == 0.0 else text.replace("-", "−")


def _limit(residuals: np.ndarray) -> float:
    """A round limit that holds 98 % of the residuals."""
    if not len(residuals):
        return 1.0
    wide = float(np.quantile(np.abs(residuals), 0.98)) * 1.15
    return float(np.ceil(max(wide, 0.05) * 20) / 20)


def _histogram(ax: Axes, catalogue: LocatedCatalogue, used: np.ndarray, phase: str, limit: float) -> None:
    mine = used & (catalogue.picks.phase == phase)
    ax.set_title(f"{phase} residuals")
    if not mine.any():
        say_empty(ax, f"No {phase} arrival was used.")
        return
    residuals = catalogue.arrivals.residual_s[mine]
    clean = catalogue.arrivals.weight[mine] > 0.5
    edges = np.linspace(-limit, limit, 41)
    clipped = np.clip(residuals, -limit, limit)
    ax.hist(
        [clipped[clean], clipped[~clean]],
        list(edges),
        stacked=True,
        color=[PHASE_COLOURS[phase], "#BBBBBB"],
        label=[f"weight above 0.5 ({clean.sum()})", f"likely outlier ({(~clean).sum()})"],
    )
    middle, spread = robust_spread(residuals)
    ax.axvline(0.0, color="black", linewidth=0.8)
    ax.axvline(middle, color="black", linewidth=0.9, linestyle="--", label=f"median {signed(middle)} s")
    beyond = int(np.sum(np.abs(residuals) > limit))
    note = f"n = {len(residuals)}\n1.48 MAD = {spread:.3f} s" + (
        f"\n{beyond} beyond the axis\n(drawn at its ends)" if beyond else ""
    )
    ax.text(0.02, 0.97, note, transform=ax.transAxes, va="top", fontsize=8)
    ax.set_ylim(0, ax.get_ylim()[1] * 1.28)
    ax.legend(loc="upper right")
    ax.set_xlabel("Observed minus predicted (s)")
    ax.set_ylabel("Arrivals")
    count_axis(ax.yaxis)
    ax.set_xlim(-limit, limit)


def _by_distance(ax: Axes, catalogue: LocatedCatalogue, used: np.ndarray, limit: float) -> None:
    ax.set_title("Against epicentral distance")
    if not used.any():
        say_empty(ax, "No arrival was used.")
        return
    for phase in PHASES:
        mine = used & (catalogue.picks.phase == phase)
        if not mine.any():
            continue
        distance, residual = catalogue.arrivals.distance_km[mine], catalogue.arrivals.residual_s[mine]
        step = max(1, len(distance) // 6000)
        ax.plot(
            distance[::step],
            np.clip(residual, -limit, limit)[::step],
            ".",
            markersize=4 if len(distance) < 1000 else 2.5,
            alpha=0.45 if len(distance) < 1000 else 0.3,
            color=PHASE_COLOURS[phase],
            markeredgewidth=0,
            rasterized=True,
        )
        middle = _running_median(distance, residual)
        ax.plot(*middle, color="white", linewidth=3.4)
        ax.plot(*middle, color=PHASE_COLOURS[phase], linewidth=1.8, label=f"{phase} running median")
    ax.axhline(0.0, color="black", linewidth=0.8)
    ax.set_ylim(-limit, limit)
    ax.set_xlim(left=0)
    ax.set_xlabel("Epicentral distance (km)")
    ax.set_ylabel("Observed minus predicted (s)")
    ax.legend(loc="upper right")
    add_grid(ax)


def _running_median(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Medians of up to 15 groups of equal size."""
    order = np.argsort(x)
    groups = np.array_split(order, int(np.clip(len(x) // 20, 1, 15)))
    return np.array([np.median(x[g]) for g in groups]), np.array([np.median(y[g]) for g in groups])


def _station_order(catalogue: LocatedCatalogue, used: np.ndarray) -> np.ndarray:
    """Rows of the stations with most picks, by their median residual."""
    rows = catalogue.arrivals.station_row[used]
    stations, counts = np.unique(rows[rows >= 0], return_counts=True)
    most = stations[np.argsort(-counts, kind="stable")][:_MAX_STATIONS]
    medians = [
        np.median(catalogue.arrivals.residual_s[used & (catalogue.arrivals.station_row == s)]) for s in most
    ]
    return most[np.argsort(medians, kind="stable")]


def _by_station(
    ax: Axes, catalogue: LocatedCatalogue, used: np.ndarray, stations: np.ndarray, limit: float
) -> None:
    rows = catalogue.arrivals.station_row
    total = len(np.unique(rows[used & (rows >= 0)]))
    cut = f" ({len(stations)} of {total} stations)" if len(stations) < total else ""
    ax.set_title(f"By station: median and middle half{cut}")
    if not len(stations):
        say_empty(ax, "No arrival was used.")
        return
    counts = np.zeros((len(stations), len(PHASES)), dtype=int)
    for column, (phase, shift) in enumerate(zip(PHASES, (0.17, -0.17), strict=True)):
        groups = [
            catalogue.arrivals.residual_s[used & (rows == station) & (catalogue.picks.phase == phase)]
            for station in stations
        ]
        counts[:, column] = [len(group) for group in groups]
        _draw_medians(ax, groups, shift, phase, limit)
    names = [
        f"{plain_text(str(catalogue.stations.station[station]))}  {'/'.join(map(str, number))}"
        for station, number in zip(stations, counts, strict=True)
    ]
    ax.set_yticks(np.arange(len(stations)), names, fontsize=7.5 if len(stations) < 35 else 6.5)
    ax.set_ylim(-0.8, len(stations) - 0.2)
    ax.set_ylabel(f"Station, number of {'/'.join(PHASES)} arrivals")
    ax.axvline(0.0, color="black", linewidth=0.8, zorder=1)
    ax.set_xlim(-limit * 1.04, limit * 1.04)
    ax.set_xlabel("Observed minus predicted (s)")
    ax.legend(loc="lower right", frameon=True, framealpha=0.85, edgecolor="none")
    add_grid(ax)


def _draw_medians(ax: Axes, groups: list[np.ndarray], shift: float, phase: str, limit: float) -> None:
    """A dot and a bar for each group that has a residual; an arrow at the edge if its median lies beyond it."""
    places = np.array([place + shift for place, group in enumerate(groups) if len(group)])
    if not len(places):
        return
    low, middle, high = np.array([np.quantile(g, [0.25, 0.5, 0.75]) for g in groups if len(g)]).T
    colour = PHASE_COLOURS[phase]
    ax.hlines(places, low, high, color=colour, alpha=0.45, linewidth=2.2)
    for side, marker in ((0, "o"), (1, ">"), (-1, "<")):
        mine = np.where(np.abs(middle) > limit, np.sign(middle), 0) == side
        if mine.any():
            ax.plot(
                np.clip(middle[mine], -limit, limit),
                places[mine],
                marker,
                markersize=3.4 if side == 0 else 5.5,
                color=colour,
                label=phase if side == 0 else f"{phase}, beyond the axis",
            )
