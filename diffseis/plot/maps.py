"""The map: stations, posterior clouds, hypocentres coloured by depth, ellipses."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from diffseis.location.catalogue import LocatedCatalogue
from diffseis.plot.geometry import Scene, add_ellipses, bounds, build_scene, degree_ticks, scale_bar
from diffseis.plot.style import DEPTH_MAP, OTHER_COLOUR, STATION_COLOUR, house_style, new_figure

_MAX_LABELS = 40
CLOUD_SIZE = 2.6
CLOUD_ALPHA = 0.35
_MAX_ELLIPSES = 400
_ZOOM_BELOW = 0.65


def map_figure(catalogue: LocatedCatalogue) -> Figure:
    """Epicentres with their posteriors, and the network; a second panel closes in on the events where the
    network is wide.
    """
    with house_style():
        scene = build_scene(catalogue)
        norm = depth_norm(scene)
        stations = scene.stations_ned_km[:, [1, 0]]
        shown = stations[scene.used_station] if scene.used_station.any() else stations
        events = _event_points(scene)
        whole = bounds([shown, events])
        close = bounds([events], margin=0.12)
        zoom = len(events) > 0 and np.max(close[1] - close[0]) < _ZOOM_BELOW * np.max(whole[1] - whole[0])
        figure = new_figure(10.0 if zoom else 7.0, 5.6 if zoom else 6.4)
        axes = figure.subplots(1, 2 if zoom else 1, squeeze=False)[0]
        for ax, box in zip(axes, [whole, close] if zoom else [whole], strict=True):
            # Where the second panel shows a station, its name stands there and not in the first, too.
            crowded = _square(close) if zoom and box is whole else None
            _draw(ax, catalogue, scene, norm, _square(box), crowded)
        if zoom:
            corner, size = _square(close)[0], np.ptp(_square(close), axis=0)
            axes[0].add_patch(
                Rectangle(corner, *size, fill=False, edgecolor="black", linewidth=0.9, linestyle="--")
            )
            axes[0].set_title("Network and events")
            axes[1].set_title("Events, with posterior samples")
        else:
            axes[0].set_title("Epicentres with posterior samples, and stations")
        if scene.good.any():
            bar = figure.colorbar(axes[-1].collections[0], ax=list(axes), shrink=0.7, pad=0.02)
            bar.set_label("Depth below sea level (km)")
            bar.ax.invert_yaxis()
            if bar.solids is not None:
                bar.solids.set_alpha(1.0)
        handles, labels = axes[-1].get_legend_handles_labels()
        more, names = axes[0].get_legend_handles_labels()
        entries = dict(zip([*labels, *names], [*handles, *more], strict=True))
        if entries:
            figure.legend(
                list(entries.values()), list(entries), loc="outside lower center", ncols=5, markerscale=1.2
            )
        return figure


def depth_norm(scene: Scene) -> Normalize:
    """The colour scale of depth: all located events but the outermost 1 %."""
    depth = scene.ned_km[scene.good, 2]
    if not len(depth):
        return Normalize(0.0, 10.0)
    low, high = np.quantile(depth, [0.01, 0.99])
    return Normalize(float(low), float(max(high, low + 0.5)))


def _event_points(scene: Scene) -> np.ndarray:
    """What has to be in view: located epicentres and all but the outermost 2 % of the clouds."""
    points = [scene.ned_km[scene.good][:, [1, 0]]]
    if len(scene.cloud_ned_km):
        points.append(np.quantile(scene.cloud_ned_km[:, [1, 0]], [0.01, 0.99], axis=0))
    if not scene.good.any():
        points.append(scene.ned_km[scene.doubtful][:, [1, 0]])
    return np.concatenate(points)


def _square(box: np.ndarray) -> np.ndarray:
    """The box, no flatter than 3 to 2 either way."""
    size = box[1] - box[0]
    half = 0.5 * np.maximum(size, size.max() / 1.5)
    centre = box.mean(axis=0)
    return np.stack([centre - half, centre + half])


def _draw(
    ax: Axes,
    catalogue: LocatedCatalogue,
    scene: Scene,
    norm: Normalize,
    box: np.ndarray,
    crowded: np.ndarray | None,
) -> None:
    good, doubtful = scene.good, scene.doubtful
    east_north = scene.ned_km[:, [1, 0]]
    if good.any():
        ax.scatter(
            scene.cloud_ned_km[:, 1],
            scene.cloud_ned_km[:, 0],
            c=scene.cloud_depth_km,
            cmap=DEPTH_MAP,
            norm=norm,
            s=CLOUD_SIZE,
            alpha=CLOUD_ALPHA,
            linewidths=0,
            rasterized=True,
            zorder=2,
        )
        if good.sum() <= _MAX_ELLIPSES:
            flat = catalogue.events.covariance_km2[good][:, [1, 0]][:, :, [1, 0]]
            add_ellipses(
                ax, east_north[good], flat, edgecolors="#555555", linewidths=0.45, alpha=0.7, zorder=3
            )
        ax.scatter(
            *east_north[good].T,
            c=scene.ned_km[good, 2],
            cmap=DEPTH_MAP,
            norm=norm,
            s=18 if good.sum() < 300 else 8,
            edgecolors="black",
            linewidths=0.35,
            zorder=4,
            label=f"located ({good.sum()})",
        )
    if doubtful.any():
        ax.scatter(
            *east_north[doubtful].T,
            marker="x",
            s=24,
            color=OTHER_COLOUR,
            linewidths=1.0,
            zorder=4,
            label=f"other status ({doubtful.sum()})",
        )
    _draw_stations(ax, catalogue, scene, box, crowded)
    ax.set_xlim(box[0, 0], box[1, 0])
    ax.set_ylim(box[0, 1], box[1, 1])
    ax.set_aspect("equal")
    for side in ("top", "right"):
        ax.spines[side].set_visible(True)
    degree_ticks(ax, catalogue.frame)
    ax.tick_params(axis="y", labelrotation=90)
    for label in ax.get_yticklabels():
        label.set_verticalalignment("center")
    scale_bar(ax)


def _draw_stations(
    ax: Axes, catalogue: LocatedCatalogue, scene: Scene, box: np.ndarray, crowded: np.ndarray | None
) -> None:
    place = scene.stations_ned_km[:, [1, 0]]
    inside = np.all((place >= box[0]) & (place <= box[1]), axis=1)
    used, idle = scene.used_station & inside, ~scene.used_station & inside
    if used.any():
        ax.scatter(
            *place[used].T, marker="^", s=34, color=STATION_COLOUR, linewidths=0, zorder=5, label="station"
        )
    if idle.any():
        ax.scatter(
            *place[idle].T,
            marker="^",
            s=30,
            facecolors="none",
            edgecolors=STATION_COLOUR,
            linewidths=0.8,
            zorder=5,
            label="station without used pick",
        )
    if inside.sum() <= _MAX_LABELS:
        edge = 0.03 * (box[1] - box[0])
        named = np.all((place >= box[0] + edge) & (place <= box[1] - edge), axis=1)
        if crowded is not None:
            named &= ~np.all((place >= crowded[0]) & (place <= crowded[1]), axis=1)
        for row in np.flatnonzero(named):
            ax.annotate(
                plain_text(str(catalogue.stations.station[row])),
                place[row],
                xytext=(0, 5),
                textcoords="offset points",
                ha="center",
                fontsize=6.5,
                color=STATION_COLOUR,
                zorder=6,
                clip_on=True,
            )


def plain_text(text: str, *, longest: int = 12) -> str:
    """A name as matplotlib shall draw it: no mathematics, no control characters, not too long."""
    clean = "".join(c for c in text if c.isprintable()).replace("$", r"\$")
    return clean if len(clean) <= longest else clean[: longest - 1] + "…"
