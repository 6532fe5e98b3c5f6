"""What maps and sections share: who is drawn where, in km of the catalogue's local frame.

Everything is drawn in the frame (east, north, down), where distances, ellipses and aspect are right
anywhere on Earth; latitudes and longitudes are only labels, so that the antimeridian is no special case.
"""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection
from matplotlib.path import Path as Outline
from scipy.stats import chi2

from diffseis.core.frames import LocalFrame
from diffseis.location.catalogue import LocatedCatalogue

MAX_POINTS = 20_000
"""Particles drawn in one panel; more are thinned evenly."""

MAX_ELLIPSES = 400

ELLIPSE_CHI2 = 2.2788685663767297
"""68 % quantile of chi-square with two degrees of freedom."""


@dataclass(frozen=True)
class Scene:
    """A catalogue in its frame, ready to draw.

    Attributes:
        ned_km: of the posterior means, NaN where there is none.
        good: events of status `located`.
        doubtful: events with a place but another status.
        stations_ned_km: of all stations.
        used_station: whether a station has a used arrival.
        cloud_ned_km: particles of the located events, thinned.
        cloud_depth_km: mean depth of the event that each belongs to.
    """

    ned_km: np.ndarray
    good: np.ndarray
    doubtful: np.ndarray
    stations_ned_km: np.ndarray
    used_station: np.ndarray
    cloud_ned_km: np.ndarray
    cloud_depth_km: np.ndarray


def build_scene(catalogue: LocatedCatalogue) -> Scene:
    """Put a catalogue into its frame and thin the particles."""
    events, stations = catalogue.events, catalogue.stations
    placed = np.isfinite(events.latitude) & np.isfinite(events.depth_km)
    ned = np.full((len(events), 3), np.nan)
    if placed.any():
        ned[placed] = catalogue.frame.to_ned(events.latitude[placed], events.longitude[placed])
        ned[placed, 2] = events.depth_km[placed]
    good = placed & (events.status == "located")
    station_ned = catalogue.frame.to_ned(stations.latitude, stations.longitude)
    station_ned[:, 2] = stations.depth_km
    used = np.zeros(len(stations), dtype=bool)
    rows = catalogue.arrivals.station_row[
        (catalogue.arrivals.status == "used") & (catalogue.arrivals.station_row >= 0)
    ]
    used[np.unique(rows)] = True
    cloud = np.asarray(catalogue.particles.ned_km)[good]
    depth = np.repeat(ned[good, 2], cloud.shape[1] if cloud.ndim == 3 else 0)
    cloud = cloud.reshape(-1, 3)
    step = max(1, int(np.ceil(len(cloud) / MAX_POINTS)))
    finite = np.all(np.isfinite(cloud), axis=1)
    cloud, depth = cloud[finite][::step], depth[finite][::step]
    return Scene(ned, good, placed & ~good, station_ned, used, cloud, depth)


def bounds(points: list[np.ndarray], *, margin: float = 0.06, least_km: float = 2.0) -> np.ndarray:
    """Lower and upper corner around sets of points (rows of two coordinates), with a margin; a default
    where there are none.
    """
    stacked = np.concatenate([p.reshape(-1, 2) for p in points]) if points else np.zeros((0, 2))
    stacked = stacked[np.all(np.isfinite(stacked), axis=1)]
    if not len(stacked):
        return np.array([[-10.0, -10.0], [10.0, 10.0]])
    low, high = stacked.min(axis=0), stacked.max(axis=0)
    half = np.maximum(0.5 * (high - low) * (1 + 2 * margin), 0.5 * least_km)
    centre = 0.5 * (low + high)
    return np.stack([centre - half, centre + half])


def inner_moments(catalogue: LocatedCatalogue, *, level: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of the inner 90 % of each event's samples, the latter enlarged so that a normal posterior's is its own.

    The few samples far out (where one pick is taken for wrong) can double a standard deviation; an ellipse of that size
    would surround what nobody sees.
    """
    events = catalogue.events
    out = np.array(events.covariance_km2, float)
    middle = catalogue.frame.to_ned(events.latitude, events.longitude, events.depth_km)
    radius2 = chi2.ppf(level, 3)
    cut = chi2.cdf(radius2, 5) / chi2.cdf(radius2, 3)
    for e in np.flatnonzero(np.all(np.isfinite(out), axis=(1, 2))):
        ned = catalogue.particles.ned_km[e]
        if len(ned) < 20 or not np.all(np.isfinite(ned)):
            continue
        for _ in range(3):
            centred = ned - np.median(ned, axis=0)
            distance = np.einsum("pi,ij,pj->p", centred, np.linalg.pinv(out[e]), centred)
            inside = ned[distance <= np.quantile(distance, level)]
            middle[e], out[e] = inside.mean(axis=0), np.cov(inside.T) / cut
    return middle, out


def add_ellipses(ax: Axes, centres: np.ndarray, covariances: np.ndarray, **style) -> None:
    """Joint 68 % ellipses about `centres` (x, y) of 2 x 2 `covariances` in the same axes; the fainter, the more there
    are, and none where they would be a tangle. Of sections, nothing is drawn above the depth `top`.
    """
    good = np.all(np.isfinite(covariances), axis=(1, 2)) & np.all(np.isfinite(centres), axis=1)
    if not 0 < good.sum() <= MAX_ELLIPSES:
        return
    style = {
        "edgecolors": "#444444",
        "linewidths": 0.5,
        "alpha": float(np.clip(15.0 / good.sum(), 0.3, 0.8)),
    } | style
    values, vectors = np.linalg.eigh(covariances[good])
    lengths = 2.0 * np.sqrt(np.maximum(values, 0.0) * ELLIPSE_CHI2)
    angles = np.degrees(np.arctan2(vectors[:, 1, 1], vectors[:, 0, 1]))
    top = style.pop("top", None)
    ellipses = ax.add_collection(
        EllipseCollection(
            lengths[:, 1],
            lengths[:, 0],
            angles,
            units="xy",
            offsets=centres[good],
            offset_transform=ax.transData,
            facecolors="none",
            **style,
        )
    )
    ellipses.set_in_layout(False)
    if top is not None:
        # A path, not a rectangle: that would take the place of the frame of the axes.
        corners = np.array([[-1e4, top], [1e4, top], [1e4, 1e4], [-1e4, 1e4], [-1e4, top]])
        ellipses.set_clip_path(Outline(corners), transform=ax.transData)


def nice_step(span: float, count: int = 4) -> float:
    """A step of 1, 2 or 5 times a power of ten that divides `span` into about `count` parts."""
    raw = span / max(count, 1)
    power = 10.0 ** np.floor(np.log10(raw))
    return float(power * min((m for m in (1.0, 2.0, 5.0, 10.0) if m * power >= raw), default=10.0))


def map_axes(ax: Axes, box: np.ndarray, frame: LocalFrame) -> None:
    """Makes `ax` a map of `box` (lower and upper corner; east, north): true to scale, framed, with degrees."""
    ax.set_xlim(box[0, 0], box[1, 0])
    ax.set_ylim(box[0, 1], box[1, 1])
    ax.set_aspect("equal")
    for side in ("top", "right"):
        ax.spines[side].set_visible(True)
    degree_ticks(ax, frame)


def degree_ticks(ax: Axes, frame: LocalFrame) -> None:
    """Label km axes (east, north) by longitude along the bottom and latitude along the left; km near a
    pole.
    """
    x0, x1 = ax.get_xlim()
    y0, y1 = ax.get_ylim()
    span_km = max(x1 - x0, y1 - y0)
    if abs(frame.latitude_deg) > 85.0 or span_km > 3000.0:
        ax.set_xlabel("East (km)")
        ax.set_ylabel("North (km)")
        return
    east = np.linspace(x0, x1, 200)
    _, longitude, _ = frame.to_geographic(np.stack([np.full(200, y0), east, np.zeros(200)], axis=-1))
    # Longitudes relative to the centre never jump.
    relative = (longitude - frame.longitude_deg + 180.0) % 360.0 - 180.0
    north = np.linspace(y0, y1, 200)
    latitude, _, _ = frame.to_geographic(np.stack([north, np.full(200, x0), np.zeros(200)], axis=-1))
    whole = frame.longitude_deg + relative
    ticks, step = _nice_ticks(float(whole[0]), float(whole[-1]))
    labels = [_degrees((t + 180.0) % 360.0 - 180.0, step, "E", "W") for t in ticks]
    ax.set_xticks(np.interp(ticks, whole, east), labels)
    ticks, step = _nice_ticks(float(latitude[0]), float(latitude[-1]))
    ax.set_yticks(np.interp(ticks, latitude, north), [_degrees(t, step, "N", "S") for t in ticks])
    ax.set_xlabel("Longitude")
    ax.set_ylabel("Latitude")


def _nice_ticks(low: float, high: float) -> tuple[np.ndarray, float]:
    """Round numbers between two, at least two of them, and their step."""
    for count in (3, 4, 6, 8):
        step = nice_step(high - low, count)
        ticks = np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step
        if len(ticks) >= 2:
            break
    return ticks, step


def _degrees(value: float, step: float, positive: str, negative: str) -> str:
    decimals = max(0, int(np.ceil(-np.log10(step) - 1e-9)))
    if abs(value) < 1e-9 or (abs(abs(value) - 180.0) < 1e-9 and positive == "E"):
        return f"{abs(value):.{decimals}f}°"
    return f"{abs(value):.{decimals}f}°{positive if value > 0 else negative}"


def scale_bar(ax: Axes) -> None:
    """A bar of a round number of km in the lower left corner of km axes."""
    x0, x1 = ax.get_xlim()
    y0, y1 = ax.get_ylim()
    length = nice_step(x1 - x0, 5)
    left, low = x0 + 0.04 * (x1 - x0), y0 + 0.03 * (y1 - y0)
    halo = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1.0}
    ax.plot([left, left + length], [low, low], color="black", linewidth=2.5, solid_capstyle="butt", zorder=9)
    ax.text(
        left + length / 2,
        low + 0.012 * (y1 - y0),
        f"{length:g} km",
        ha="center",
        va="bottom",
        fontsize=8,
        zorder=9,
        bbox=halo,
    )


def north_arrow(ax: Axes) -> None:
    """An arrow to the north in the lower right corner of axes that point north."""
    ax.annotate(
        "N",
        (0.955, 0.095),
        (0.955, 0.03),
        xycoords="axes fraction",
        textcoords="axes fraction",
        ha="center",
        va="center",
        fontsize=8,
        fontweight="bold",
        zorder=9,
        arrowprops={"arrowstyle": "-|>", "color": "black", "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0},
        bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.5},
    )
