"""Two depth sections through the posterior."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from diffseis.location.catalogue import LocatedCatalogue
from diffseis.plot.geometry import Scene, add_ellipses, build_scene
from diffseis.plot.maps import CLOUD_ALPHA, CLOUD_SIZE, depth_norm
from diffseis.plot.style import (
    DEPTH_MAP,
    OTHER_COLOUR,
    STATION_COLOUR,
    add_grid,
    house_style,
    new_figure,
    say_empty,
)

_ELONGATED = 1.8
_COMPASS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")


def section_figure(catalogue: LocatedCatalogue) -> Figure:
    """Depth along and across the main axis of the events, or W-E and S-N where they have none; no
    exaggeration.
    """
    with house_style():
        scene = build_scene(catalogue)
        if not scene.good.any():
            figure = new_figure(7.0, 2.0)
            say_empty(figure.subplots(), "No located event to draw a section of.")
            return figure
        azimuths = section_azimuths_deg(scene.ned_km[scene.good])
        centre = np.median(scene.ned_km[scene.good], axis=0)
        deepest, highest, halves = _extent(scene, centre, azimuths)
        # Panels one above the other on the same scale, so that slopes can be compared.
        height_km = deepest - highest
        halves = [max(half, 0.75 * height_km) for half in halves]
        ratio = height_km / (2 * max(halves))
        figure = new_figure(8.6, float(np.clip(2 * 7.2 * ratio + 1.6, 4.2, 11.0)))
        axes = figure.subplots(2, 1)
        norm = depth_norm(scene)
        for ax, azimuth, letter in zip(axes, azimuths, "AB", strict=True):
            _draw(ax, catalogue, scene, centre, azimuth, norm)
            ax.set_xlim(-max(halves), max(halves))
            ax.set_ylim(deepest, highest)
            ax.set_aspect("equal")
            ends = _ends(azimuth)
            ax.set_title(f"{letter}: {ends[0]} to {ends[1]} (azimuth {azimuth:.0f}°)")
            ax.set_ylabel("Depth (km)")
            ax.set_xlabel("Distance from the median epicentre (km)")
        bar = figure.colorbar(axes[0].collections[0], ax=list(axes), shrink=0.6, pad=0.02)
        bar.set_label("Depth below sea level (km)")
        bar.ax.invert_yaxis()
        if bar.solids is not None:
            bar.solids.set_alpha(1.0)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4)
        return figure


def section_azimuths_deg(ned_km: np.ndarray) -> tuple[float, float]:
    """Azimuths of the two sections: along and across the long axis if the epicentres have one, else 90 and
    0.
    """
    if len(ned_km) < 5:
        return 90.0, 0.0
    values, vectors = np.linalg.eigh(np.cov(ned_km[:, :2].T))
    if values[0] <= 0 or np.sqrt(values[1] / max(values[0], 1e-9)) < _ELONGATED:
        return 90.0, 0.0
    along = float(np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1])) % 180.0)
    return along, (along + 90.0) % 180.0


def _ends(azimuth: float) -> tuple[str, str]:
    at = round(azimuth / 45.0) % 8
    return _COMPASS[(at + 4) % 8], _COMPASS[at]


def _direction(azimuth: float) -> np.ndarray:
    return np.array([np.cos(np.radians(azimuth)), np.sin(np.radians(azimuth))])


def _extent(
    scene: Scene, centre: np.ndarray, azimuths: tuple[float, float]
) -> tuple[float, float, list[float]]:
    """Deepest and highest depth and the half-width of each section."""
    points = scene.ned_km[scene.good]
    cloud = scene.cloud_ned_km if len(scene.cloud_ned_km) else points
    deepest = float(max(points[:, 2].max(), np.quantile(cloud[:, 2], 0.995)))
    top = float(min(points[:, 2].min(), np.quantile(cloud[:, 2], 0.005), 0.0))
    if scene.used_station.any():
        top = min(top, float(scene.stations_ned_km[scene.used_station, 2].min()))
    halves = []
    for azimuth in azimuths:
        reach = np.abs((points[:, :2] - centre[:2]) @ _direction(azimuth)).max()
        spread = np.quantile(np.abs((cloud[:, :2] - centre[:2]) @ _direction(azimuth)), 0.995)
        halves.append(float(max(reach, spread, 1.0)) * 1.08)
    margin = 0.06 * (deepest - top) + 0.3
    return deepest + margin, top - margin, halves


def _draw(
    ax: Axes, catalogue: LocatedCatalogue, scene: Scene, centre: np.ndarray, azimuth: float, norm: Normalize
) -> None:
    direction = _direction(azimuth)
    along = lambda ned: (ned[:, :2] - centre[:2]) @ direction
    good = scene.good
    ax.scatter(
        along(scene.cloud_ned_km),
        scene.cloud_ned_km[:, 2],
        c=scene.cloud_depth_km,
        cmap=DEPTH_MAP,
        norm=norm,
        s=CLOUD_SIZE,
        alpha=CLOUD_ALPHA,
        linewidths=0,
        rasterized=True,
    )
    if good.sum() <= 400:
        project = np.zeros((2, 3))
        project[0, :2], project[1, 2] = direction, 1.0
        flat = project @ catalogue.events.covariance_km2[good] @ project.T
        centres = np.stack([along(scene.ned_km[good]), scene.ned_km[good, 2]], axis=-1)
        add_ellipses(ax, centres, flat, edgecolors="#555555", linewidths=0.45, alpha=0.7)
    ax.scatter(
        along(scene.ned_km[good]),
        scene.ned_km[good, 2],
        c=scene.ned_km[good, 2],
        cmap=DEPTH_MAP,
        norm=norm,
        s=18 if good.sum() < 300 else 8,
        edgecolors="black",
        linewidths=0.35,
        label=f"located ({good.sum()})",
    )
    if scene.doubtful.any():
        other = scene.ned_km[scene.doubtful]
        ax.scatter(
            along(other),
            other[:, 2],
            marker="x",
            s=24,
            color=OTHER_COLOUR,
            linewidths=1.0,
            label=f"other status ({len(other)})",
        )
    used = scene.stations_ned_km[scene.used_station]
    if len(used):
        ax.scatter(
            along(used), used[:, 2], marker="^", s=26, color=STATION_COLOUR, linewidths=0, label="station"
        )
    ax.axhline(0.0, color="#999999", linewidth=0.8, zorder=0)
    add_grid(ax)
