"""Against a reference catalogue: shifts of the same events."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from diffseis.core.frames import geodesic
from diffseis.core.tables import EventTable
from diffseis.location.catalogue import LocatedCatalogue
from diffseis.plot.geometry import bounds, map_axes, north_arrow, scale_bar
from diffseis.plot.residuals import signed
from diffseis.plot.style import (
    HORIZONTAL_COLOUR,
    P_COLOUR,
    REFERENCE_COLOUR,
    VERTICAL_COLOUR,
    add_grid,
    count_axis,
    empty_figure,
    freeze_layout,
    house_style,
    new_figure,
    say_empty,
)


@dataclass(frozen=True)
class Comparison:
    """The located events that a reference has, too (matched by event id).

    Attributes:
        rows: in the catalogue.
        reference_rows: in the reference.
        epicentral_km: distances between the epicentres.
        depth_km: our depth less the reference's; NaN where it has none.
        missing: events of the reference that are not located here.
    """

    rows: np.ndarray
    reference_rows: np.ndarray
    epicentral_km: np.ndarray
    depth_km: np.ndarray
    missing: int


def compare(catalogue: LocatedCatalogue, reference: EventTable) -> Comparison:
    """Match located events with a reference by id."""
    events = catalogue.events
    row_of = {str(name): i for i, name in enumerate(events.event_id) if events.status[i] == "located"}
    pairs = [
        (row_of[str(name)], j)
        for j, name in enumerate(reference.event_id)
        if str(name) in row_of and np.isfinite(reference.latitude[j]) and np.isfinite(reference.longitude[j])
    ]
    rows = np.array([p[0] for p in pairs], dtype=np.int64)
    others = np.array([p[1] for p in pairs], dtype=np.int64)
    distance = np.zeros(0)
    if len(rows):
        distance = geodesic(
            events.latitude[rows],
            events.longitude[rows],
            reference.latitude[others],
            reference.longitude[others],
        )[0]
    depth = events.depth_km[rows] - reference.depth_km[others]
    return Comparison(rows, others, np.asarray(distance), np.asarray(depth), len(reference) - len(rows))


def comparison_figure(catalogue: LocatedCatalogue, reference: EventTable) -> Figure:
    """Shift vectors from the reference to here, and histograms of the epicentral and depth differences
    with medians.
    """
    with house_style():
        matched = compare(catalogue, reference)
        if not len(matched.rows):
            return empty_figure("No located event has the id of an event of the reference.")
        ours, theirs = _places(catalogue, reference, matched)
        box = _view(ours, theirs, matched)
        shape = float(np.divide(*np.ptp(box, axis=0)))
        figure = new_figure(10.4, 5.6)
        # The map gets the width that its shape asks for at full height.
        grid = figure.add_gridspec(2, 2, width_ratios=[float(np.clip(4.6 * shape, 3.2, 5.8)), 3.8])
        _vectors(figure.add_subplot(grid[:, 0]), catalogue, ours, theirs, box)
        ax, distance = figure.add_subplot(grid[0, 1]), matched.epicentral_km
        _histogram(ax, distance, HORIZONTAL_COLOUR, both=False)
        ax.set_title(f"Distance between epicentres: median {np.median(distance):.2f} km")
        _x_label(ax, distance, "Distance (km)")
        ax = figure.add_subplot(grid[1, 1])
        depth = matched.depth_km[np.isfinite(matched.depth_km)]
        if len(depth):
            _histogram(ax, depth, VERTICAL_COLOUR, both=True)
            ax.set_title(f"Depth difference: median {signed(float(np.median(depth)), 2)} km")
            _x_label(ax, depth, "Depth, this run minus reference (km)")
        else:
            ax.set_title("Depth difference")
            say_empty(ax, "The reference has no depths.")
        freeze_layout(figure)
        return figure


def _histogram(ax: Axes, values: np.ndarray, colour: str, *, both: bool) -> None:
    high = _limit(values)
    edges = [float(e) for e in np.linspace(-high if both else 0.0, high, 31)]
    ax.hist(np.clip(values, edges[0], edges[-1]), edges, color=colour, alpha=0.8)
    ax.axvline(float(np.median(values)), color="black", linestyle="--", linewidth=1.0)
    if both:
        ax.axvline(0.0, color="black", linewidth=0.8)
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylabel(f"Events (n = {len(values)})")
    count_axis(ax.yaxis)


def _limit(values: np.ndarray) -> float:
    """A limit that holds 98 % of the values."""
    return max(float(np.quantile(np.abs(values), 0.98)) * 1.15, 0.1)


def _x_label(ax: Axes, values: np.ndarray, label: str) -> None:
    beyond = int(np.sum(np.abs(values) > _limit(values)))
    ax.set_xlabel(f"{label}\n({beyond} beyond the axis, drawn at its end)" if beyond else label)


def _places(
    catalogue: LocatedCatalogue, reference: EventTable, matched: Comparison
) -> tuple[np.ndarray, np.ndarray]:
    """East and north of our and of the reference's epicentres."""
    events, frame, rows = catalogue.events, catalogue.frame, matched.reference_rows
    ours = frame.to_ned(events.latitude[matched.rows], events.longitude[matched.rows])
    theirs = frame.to_ned(reference.latitude[rows], reference.longitude[rows])
    return ours[:, [1, 0]], theirs[:, [1, 0]]


def _view(ours: np.ndarray, theirs: np.ndarray, matched: Comparison) -> np.ndarray:
    """What the map shows: our events and all but the farthest of theirs, no flatter than 3 to 2 either way."""
    inner = theirs[matched.epicentral_km <= np.quantile(matched.epicentral_km, 0.98)]
    box = bounds([ours, inner], margin=0.08)
    half = 0.5 * np.maximum(box[1] - box[0], np.max(box[1] - box[0]) / 1.5)
    return np.stack([box.mean(axis=0) - half, box.mean(axis=0) + half])


def _vectors(
    ax: Axes, catalogue: LocatedCatalogue, ours: np.ndarray, theirs: np.ndarray, box: np.ndarray
) -> None:
    size = 4.0 if len(ours) < 100 else 2.6
    ax.plot(
        *np.stack([theirs, ours, np.full_like(ours, np.nan)], axis=1).reshape(-1, 2).T,
        color="#777777",
        linewidth=0.7,
    )
    ax.plot(
        *theirs.T, "o", markersize=size, markerfacecolor="white", color=REFERENCE_COLOUR, label="reference"
    )
    ax.plot(*ours.T, "o", markersize=size, color=P_COLOUR, markeredgewidth=0, label="this run")
    map_axes(ax, box, catalogue.frame)
    scale_bar(ax)
    north_arrow(ax)
    east, north = np.median(ours - theirs, axis=0)
    ax.set_title(f"Median shift: {signed(east, 2)} km east, {signed(north, 2)} km north")
    ax.legend(loc="upper right", frameon=True, framealpha=0.85, edgecolor="none")
    add_grid(ax)
