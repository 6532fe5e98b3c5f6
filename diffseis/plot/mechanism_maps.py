"""The map of many mechanisms."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_rgb
from matplotlib.figure import Figure

from diffseis.core.frames import LocalFrame
from diffseis.plot.ball_layout import spread_discs
from diffseis.plot.ball_sizes import ball_growth, radii_points, size_legend
from diffseis.plot.beachballs import BALL_COLOUR, draw_beachball
from diffseis.plot.faulting import STYLE_COLOURS, faulting_styles
from diffseis.plot.geometry import map_axes, north_arrow, scale_bar
from diffseis.plot.labels import place_names
from diffseis.plot.mechanism_figures import BALL_CONVENTION
from diffseis.plot.mechanism_stations import draw_network, draw_stations, map_view, station_places, within
from diffseis.plot.names import plain_text
from diffseis.plot.style import (
    DEPTH_MAP,
    empty_figure,
    freeze_layout,
    house_style,
    new_figure,
)

DOUBTFUL = "status not ok, or grade E or F"
"""Events whose mechanisms are pale and small on the map."""

_DOUBTFUL_SIZE, _WHITE = 0.75, 0.65
_MAX_NAMES = 60
_LONGEST_NAME = 16
_NETWORK_INCHES = 2.8
_POINTS = 72.0


def mechanism_map_figure(
    latitude_deg: Float[np.ndarray, " event"],
    longitude_deg: Float[np.ndarray, " event"],
    tensors: Float[np.ndarray, "event 3 3"],
    *,
    depth_km: Float[np.ndarray, " event"] | None = None,
    magnitude: Float[np.ndarray, " event"] | None = None,
    names: Sequence[str] | None = None,
    doubtful: Bool[np.ndarray, " event"] | None = None,
    station_latitude_deg: Float[np.ndarray, " station"] | None = None,
    station_longitude_deg: Float[np.ndarray, " station"] | None = None,
    title: str = "Focal mechanisms",
) -> Figure:
    """Beachballs at their epicentres; where they would overlap, beside them with a line to the epicentre.

    Args:
        latitude_deg, longitude_deg: of epicentres.
        tensors: in north, east, down.
        depth_km: which colours the balls; without it, the style of faulting does (Frohlich & Apperson 1992).
        magnitude: which sets the size of the balls.
        names: of events, written where there is room.
        doubtful: whose balls are pale and smaller.
        station_latitude_deg, station_longitude_deg: of stations, drawn where the map reaches: it is that of the events. Where most lie beyond it, a small map beside it
            shows all of them. A single event is shown among them.
        title: of the map.
    """
    with house_style():
        placed = (
            np.isfinite(latitude_deg) & np.isfinite(longitude_deg) & np.all(np.isfinite(tensors), axis=(1, 2))
        )
        if not placed.any():
            return empty_figure("No event has a mechanism and an epicentre.")
        frame = LocalFrame.centred_on(latitude_deg[placed], longitude_deg[placed])
        homes = frame.to_ned(latitude_deg[placed], longitude_deg[placed])[:, [1, 0]]
        stations = station_places(frame, station_latitude_deg, station_longitude_deg)
        box = map_view(homes, stations)
        figure, ax, side = _panels(
            box, bool(np.mean(within(stations, box)) < 0.5) if len(stations) else False
        )
        map_axes(ax, box, frame)
        scale_bar(ax)
        north_arrow(ax)
        ax.set_title(title, pad=17)
        ax.annotate(
            BALL_CONVENTION,
            (0, 1),
            (0, 5),
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize=7.5,
            color="#555555",
        )
        chosen = None if depth_km is None else depth_km[placed]
        colours = _colours(figure, ax, tensors[placed], chosen)
        size = np.full(len(homes), np.nan) if magnitude is None else magnitude[placed]
        growth = ball_growth(len(homes))
        pale = np.zeros(len(homes), bool) if doubtful is None else doubtful[placed]
        radii = growth * radii_points(size) * np.where(pale, _DOUBTFUL_SIZE, 1.0)
        colours = _paler(ax, colours, pale)
        draw_stations(ax, stations[within(stations, box)])
        if side is not None:
            draw_network(side, frame, stations, box)
        handles, labels = ax.get_legend_handles_labels()
        if handles:
            figure.legend(handles, labels, loc="outside lower left", ncols=2, markerscale=1.1)
        # A legend of the right height first: the balls' final size is known only when the layout is.
        legend = size_legend(figure, size, growth)
        freeze_layout(figure)
        centres, drawn = _draw_balls(ax, homes, tensors[placed], radii, colours, np.where(pale, 0.3, 0.6))
        if legend is not None and drawn[0] < 0.999 * radii[0]:
            legend.remove()
            size_legend(figure, size, growth * float(drawn[0] / radii[0]))
        if names is not None:
            _name_events(ax, [str(names[i]) for i in np.flatnonzero(placed).tolist()], centres, homes, drawn)
        return figure


def _panels(box: np.ndarray, network: bool) -> tuple[Figure, Axes, Axes | None]:
    """Room for the map, and for that of the network if there is one."""
    shape = float(np.divide(*np.ptp(box, axis=0)))
    height = float(np.clip(7.0 / shape + 1.5, 5.0, 9.0))
    width = float(np.clip((height - 1.5) * shape + 1.9, 6.4, 9.5))
    if not network:
        figure = new_figure(width, height)
        return figure, figure.subplots(), None
    figure = new_figure(width + _NETWORK_INCHES, height)
    ax, side = figure.subplots(1, 2, width_ratios=[width, _NETWORK_INCHES])
    return figure, ax, side


def _colours(figure: Figure, ax: Axes, tensors: np.ndarray, depth_km: np.ndarray | None) -> list:
    """Of events, with the key to them."""
    if depth_km is None:
        styles = faulting_styles(tensors)
        for style, colour in STYLE_COLOURS.items():
            number = int(np.sum(styles == style))
            if number:
                ax.plot([], [], "o", color=colour, markersize=7, label=f"{style} ({number})")
        return [STYLE_COLOURS[style] for style in styles]
    known = depth_km[np.isfinite(depth_km)]
    low, high = np.quantile(known, [0.01, 0.99]) if len(known) else (0.0, 10.0)
    norm = Normalize(float(low), float(max(high, low + 0.5)))
    bar = figure.colorbar(ScalarMappable(norm, DEPTH_MAP), ax=ax, shrink=0.75, pad=0.02, aspect=25)
    bar.set_label("Depth below sea level (km)")
    bar.ax.invert_yaxis()
    return [DEPTH_MAP(norm(d)) if np.isfinite(d) else BALL_COLOUR for d in depth_km]


def _paler(ax: Axes, colours: list, pale: np.ndarray) -> list:
    """Colours, some of them mixed with white, and the key to these."""
    if pale.any():
        label = f"small, pale: {DOUBTFUL} ({pale.sum()})"
        ax.plot([], [], "o", markersize=5, color="#DDDDDD", markeredgecolor="#777777", label=label)
    mixed = [tuple(_WHITE + (1 - _WHITE) * np.array(to_rgb(colour))) for colour in colours]
    return [m if p else colour for m, colour, p in zip(mixed, colours, pale, strict=True)]


def _draw_balls(ax: Axes, homes, tensors, radii, colours, linewidth) -> tuple[np.ndarray, np.ndarray]:
    """Returns centres in data and radii in points. Small ones lie on top."""
    to_points = _POINTS / ax.figure.dpi
    window = np.asarray(ax.get_window_extent().get_points()) * to_points
    at = ax.transData.transform(homes) * to_points
    # The strip of scale bar and arrow stays free.
    window[0, 1] += 0.085 * (window[1, 1] - window[0, 1])
    spread, radii = spread_discs(at, radii, window)
    centres = ax.transData.inverted().transform(spread / to_points)
    moved = np.linalg.norm(spread - at, axis=1) > 1.0
    for home, centre in zip(homes[moved], centres[moved], strict=True):
        ax.plot(*np.stack([home, centre]).T, color="black", linewidth=0.6, zorder=3)
    ax.plot(*homes[moved].T, "o", color="black", markersize=2.4, markeredgewidth=0, zorder=8)
    for i in np.argsort(-radii, kind="stable"):
        centre = (float(centres[i, 0]), float(centres[i, 1]))
        draw_beachball(
            ax,
            tensors[i],
            centre=centre,
            radius_points=float(radii[i]),
            colour=colours[i],
            linewidth=float(linewidth[i]),
            zorder=4.0,
        )
    return centres, radii


def _name_events(
    ax: Axes, names: list[str], centres: np.ndarray, homes: np.ndarray, radii: np.ndarray
) -> None:
    """Beside the balls, where there is room: all balls and epicentres are in the way."""
    if len(names) > _MAX_NAMES:
        return
    # The ends of ids tell events apart: their beginnings are often the same.
    longest = _LONGEST_NAME
    names = [name if len(name) <= longest else "…" + name[1 - longest :] for name in names]
    names = [plain_text(name, longest=longest + 4) for name in names]
    place_names(ax, names, centres, homes, fontsize=6.5, colour="black", marker_points=radii + 1.5)
