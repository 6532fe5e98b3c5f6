"""Where stations are, on and beside the map of mechanisms."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from diffseis.core.frames import LocalFrame
from diffseis.plot.geometry import bounds, map_axes, scale_bar
from diffseis.plot.maps import frame_box
from diffseis.plot.style import S_COLOUR, STATION_COLOUR

_MARGIN, _LEAST_KM, _LEAST_ALONE_KM = 0.12, 0.25, 10.0
_FAR = 3.0
_STATION_STYLE: dict[str, Any] = {
    "markersize": 5,
    "color": STATION_COLOUR,
    "markeredgecolor": "white",
    "markeredgewidth": 0.5,
    "zorder": 2.5,
}


def map_view(homes: np.ndarray, stations: np.ndarray) -> np.ndarray:
    """What the map shows: the events; a single one among its stations."""
    if len(homes) > 1:
        return frame_box(bounds([homes], margin=_MARGIN, least_km=_LEAST_KM))
    return frame_box(bounds([homes, stations[_near(stations)]], margin=_MARGIN, least_km=_LEAST_ALONE_KM))


def _near(stations: np.ndarray) -> np.ndarray:
    """All but a few that are far away, which shall not hide how the others lie."""
    if not len(stations):
        return np.zeros(0, bool)
    distance = np.linalg.norm(stations - np.median(stations, axis=0), axis=1)
    return distance <= _FAR * max(float(np.quantile(distance, 0.9)), 1e-3)


def station_places(frame: LocalFrame, latitude_deg, longitude_deg) -> np.ndarray:
    """East and north of stations, none where they are not known."""
    if latitude_deg is None or longitude_deg is None:
        return np.zeros((0, 2))
    known = np.isfinite(latitude_deg) & np.isfinite(longitude_deg)
    places = frame.to_ned(latitude_deg[known], longitude_deg[known])[:, [1, 0]]
    # One place for the channels and epochs of a station.
    return np.unique(np.round(places, 3), axis=0)


def within(places: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Which places lie in a box."""
    return np.all((places >= box[0]) & (places <= box[1]), axis=1)


def draw_stations(ax: Axes, places: np.ndarray) -> None:
    """Triangles, with their number in the legend."""
    if len(places):
        ax.plot(
            *places.T,
            "^",
            label=f"station ({len(places)})",
            **_STATION_STYLE,
        )


def draw_network(ax: Axes, frame: LocalFrame, stations: np.ndarray, box: np.ndarray) -> None:
    """All stations, and the frame of the map."""
    near = _near(stations)
    view = frame_box(bounds([stations[near], box]))
    map_axes(ax, view, frame)
    ax.set_anchor("N")
    ax.set_xlabel("")
    ax.set_ylabel("")
    ax.tick_params(labelsize=6.5)
    scale_bar(ax)
    ax.set_title(f"Stations ({len(stations)})", fontsize=8.5)
    if not near.all():
        ax.set_xlabel(f"{(~near).sum()} more beyond", fontsize=7.5)
    ax.plot(*stations[near].T, "^", **_STATION_STYLE, clip_on=False)
    size = np.ptp(box, axis=0)
    if np.max(size) > 0.02 * np.max(np.ptp(view, axis=0)):
        ax.add_patch(Rectangle(box[0], *size, fill=False, edgecolor=S_COLOUR, linewidth=1.2, zorder=6))
    else:
        ax.plot(*box.mean(axis=0), "*", markersize=12, color=S_COLOUR, markeredgecolor="white", zorder=6)
