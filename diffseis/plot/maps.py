"""The map: stations, posterior clouds, hypocentres coloured by depth, ellipses."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from diffseis.location.catalogue import LocatedCatalogue
from diffseis.plot.geometry import (
    Scene,
    add_ellipses,
    bounds,
    build_scene,
    inner_moments,
    map_axes,
    north_arrow,
    scale_bar,
)
from diffseis.plot.labels import place_names
from diffseis.plot.names import plain_text
from diffseis.plot.profiles import section_profiles
from diffseis.plot.style import (
    DEPTH_MAP,
    OTHER_COLOUR,
    STATION_COLOUR,
    freeze_layout,
    house_style,
    new_figure,
)

_MAX_LABELS = 80
CLOUD_ALPHA = 0.35
_ZOOM_BELOW = 0.65
_MANY = 30


def map_figure(catalogue: LocatedCatalogue) -> Figure:
    """Epicentres with their posteriors, the network, and the lines of the depth sections; a second panel closes in on
    the events where the network is wide.
    """
    with house_style():
        scene = build_scene(catalogue)
        norm = depth_norm(scene)
        boxes = _views(scene)
        figure, axes = _panels(boxes)
        for ax, box in zip(axes, boxes, strict=True):
            _draw(ax, catalogue, scene, norm, box)
        letters = _draw_profiles(axes[-1], scene, boxes[-1])
        if len(axes) > 1:
            corner, size = boxes[1][0], np.ptp(boxes[1], axis=0)
            axes[0].add_patch(
                Rectangle(
                    corner, *size, fill=False, edgecolor="black", linewidth=0.9, linestyle="--", zorder=6
                )
            )
            axes[0].set_title("Network and events")
            inside = int(_within(scene.ned_km[scene.good][:, [1, 0]], boxes[1]).sum())
            what = (
                f" ({inside} of {scene.good.sum()} located events), with samples" if scene.good.any() else ""
            )
            axes[1].set_title(f"Inside the frame{what}")
        else:
            axes[0].set_title("Epicentres with posterior samples, and stations")
        if scene.good.any():
            depth_bar(figure, axes)
        _legend(figure, axes)
        # Names are placed last: they need the final layout to know what they would cover.
        freeze_layout(figure)
        for ax, box in zip(axes, boxes, strict=True):
            # Where the second panel shows a station, its name stands there and not in the first, too.
            elsewhere = boxes[1] if len(boxes) > 1 and ax is axes[0] else None
            _name_stations(ax, catalogue, scene, box, elsewhere, letters)
        return figure


def depth_norm(scene: Scene) -> Normalize:
    """The colour scale of depth: all located events but the outermost 1 %."""
    depth = scene.ned_km[scene.good, 2]
    if not len(depth):
        return Normalize(0.0, 10.0)
    low, high = np.quantile(depth, [0.01, 0.99])
    more = max(0.0, 0.25 - 0.5 * float(high - low))
    return Normalize(float(low) - more, float(high) + more)


def cloud_size(scene: Scene) -> float:
    """Size of the dots of the clouds: larger where there are few."""
    return float(np.clip(8000.0 / max(len(scene.cloud_ned_km), 1), 2.6, 9.0))


def depth_bar(figure: Figure, axes: list[Axes]) -> None:
    """The key to the colours of depth, deep at the bottom."""
    bar = figure.colorbar(axes[-1].collections[0], ax=axes, shrink=0.8, pad=0.015, aspect=25)
    bar.set_label("Depth below sea level (km)")
    bar.ax.invert_yaxis()
    if bar.solids is not None:
        bar.solids.set_alpha(1.0)


def _views(scene: Scene) -> list[np.ndarray]:
    """What the panels show: everything, and the events alone where they are small within it."""
    stations = scene.stations_ned_km[:, [1, 0]]
    shown = stations[scene.used_station] if scene.used_station.any() else stations
    events = _event_points(scene)
    whole = frame_box(bounds([shown, events]))
    closer = [bounds([events], margin=0.12)]
    if scene.good.sum() >= _MANY:
        # A few far events shall not keep the view from the many.
        middle = np.quantile(scene.ned_km[scene.good][:, [1, 0]], [0.05, 0.95], axis=0)
        closer.append(bounds([middle], margin=0.12))
    for box in closer if len(events) else []:
        if np.max(box[1] - box[0]) < _ZOOM_BELOW * np.max(whole[1] - whole[0]):
            return [whole, frame_box(box)]
    return [whole]


def _event_points(scene: Scene) -> np.ndarray:
    """What has to be in view: located epicentres and all but the outermost 2 % of the clouds."""
    points = [scene.ned_km[scene.good][:, [1, 0]]]
    if len(scene.cloud_ned_km):
        points.append(np.quantile(scene.cloud_ned_km[:, [1, 0]], [0.01, 0.99], axis=0))
    if not scene.good.any():
        points.append(scene.ned_km[scene.doubtful][:, [1, 0]])
    return np.concatenate(points)


def frame_box(box: np.ndarray) -> np.ndarray:
    """The box, no flatter than 3 to 2 either way, and below it a strip for scale bar and arrow."""
    size = box[1] - box[0]
    half = 0.5 * np.maximum(size, size.max() / 1.5)
    centre = box.mean(axis=0)
    framed = np.stack([centre - half, centre + half])
    framed[0, 1] -= 0.1 * np.ptp(framed[:, 1])
    return framed


def _panels(boxes: list[np.ndarray]) -> tuple[Figure, list[Axes]]:
    """Panels of one height, as wide as their boxes ask for, on a figure that they fill."""
    shapes = [float(np.divide(*np.ptp(box, axis=0))) for box in boxes]
    width = 11.0 if len(boxes) > 1 else 7.4
    room = width - 1.0 - 0.75 * len(boxes)
    figure = new_figure(width, float(np.clip(room / sum(shapes) + 1.2, 4.2, 7.6)))
    axes = figure.subplots(1, len(boxes), squeeze=False, width_ratios=shapes)[0]
    return figure, list(axes)


def _draw(ax: Axes, catalogue: LocatedCatalogue, scene: Scene, norm: Normalize, box: np.ndarray) -> None:
    good = scene.good
    east_north = scene.ned_km[:, [1, 0]]
    if good.any():
        ax.scatter(
            scene.cloud_ned_km[:, 1],
            scene.cloud_ned_km[:, 0],
            c=scene.cloud_depth_km,
            cmap=DEPTH_MAP,
            norm=norm,
            s=cloud_size(scene),
            alpha=CLOUD_ALPHA,
            linewidths=0,
            rasterized=True,
            zorder=2,
        )
        middle, covariance = inner_moments(catalogue)
        flat = covariance[good][:, [1, 0]][:, :, [1, 0]]
        add_ellipses(ax, middle[good][:, [1, 0]], flat, zorder=3)
    draw_hypocentres(ax, east_north, scene, norm, catalogue.events.status)
    _draw_stations(ax, scene, box)
    map_axes(ax, box, catalogue.frame)
    ax.tick_params(axis="y", labelrotation=90)
    for label in ax.get_yticklabels():
        label.set_verticalalignment("center")
    scale_bar(ax)
    north_arrow(ax)


def draw_hypocentres(ax: Axes, places: np.ndarray, scene: Scene, norm: Normalize, status: np.ndarray) -> None:
    """Posterior means at `places` (x, y of every event): dots in the colour of their depth, crosses where the location
    is doubtful.
    """
    good, doubtful = scene.good, scene.doubtful
    if good.any():
        ax.scatter(
            *places[good].T,
            c=scene.ned_km[good, 2],
            cmap=DEPTH_MAP,
            norm=norm,
            s=float(np.clip(1000.0 / good.sum(), 6.0, 20.0)),
            edgecolors="black",
            linewidths=0.4,
            zorder=4,
            label=f"located ({good.sum()})",
        )
    if doubtful.any():
        words = ", ".join(np.unique(status[doubtful].astype(str)))
        ax.scatter(
            *places[doubtful].T,
            marker="x",
            s=float(np.clip(1200.0 / doubtful.sum(), 10.0, 24.0)),
            color=OTHER_COLOUR,
            linewidths=1.0,
            zorder=3.8,
            label=f"{words} ({doubtful.sum()})",
        )


def _draw_stations(ax: Axes, scene: Scene, box: np.ndarray) -> None:
    place = scene.stations_ned_km[:, [1, 0]]
    inside = _within(place, box)
    used, idle = scene.used_station & inside, ~scene.used_station & inside
    if used.any():
        ax.scatter(
            *place[used].T,
            marker="^",
            s=36,
            color=STATION_COLOUR,
            edgecolors="white",
            linewidths=0.5,
            zorder=5,
            label="station",
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


def _name_stations(
    ax: Axes,
    catalogue: LocatedCatalogue,
    scene: Scene,
    box: np.ndarray,
    elsewhere: np.ndarray | None,
    letters: np.ndarray,
) -> None:
    place = scene.stations_ned_km[:, [1, 0]]
    named = _within(place, box)
    if elsewhere is not None:
        named &= ~_within(place, elsewhere)
    if not 0 < named.sum() <= _MAX_LABELS:
        return
    events = scene.ned_km[scene.good][:, [1, 0]]
    names = [plain_text(str(name)) for name in catalogue.stations.station[named]]
    keep_clear = np.concatenate([events, letters])
    place_names(ax, names, place[named], keep_clear, fontsize=6.5, colour=STATION_COLOUR)


def _within(places: np.ndarray, box: np.ndarray) -> np.ndarray:
    return np.all((places >= box[0]) & (places <= box[1]), axis=1)


def _draw_profiles(ax: Axes, scene: Scene, box: np.ndarray) -> np.ndarray:
    """The lines of the depth sections, cut where the panel ends. Returns points all over
    their letters."""
    letters = [np.zeros((0, 2))]
    around = 0.011 * np.ptp(box, axis=0).max() * np.array([(1, 1), (1, -1), (-1, 1), (-1, -1)])
    inner = box.mean(axis=0) + 0.94 * (box - box.mean(axis=0))
    for profile in section_profiles(scene):
        centre, direction = profile.centre_ned_km[[1, 0]], profile.direction[::-1]
        reach = [_reach(centre, sign * direction, inner, profile.half_km) for sign in (-1.0, 1.0)]
        ends = np.stack([centre - reach[0] * direction, centre + reach[1] * direction])
        letters += [ends + shift for shift in around]
        ax.plot(*ends.T, color="black", linewidth=0.8, alpha=0.7, dashes=(6, 3), zorder=3.5)
        for end, name in zip(ends, (profile.letter, f"{profile.letter}′"), strict=True):
            ax.text(
                float(end[0]),
                float(end[1]),
                name,
                ha="center",
                va="center",
                fontsize=8,
                fontweight="bold",
                zorder=7,
                bbox={
                    "boxstyle": "circle,pad=0.15",
                    "facecolor": "white",
                    "edgecolor": "black",
                    "linewidth": 0.6,
                },
            )
    return np.concatenate(letters)


def _reach(start: np.ndarray, direction: np.ndarray, box: np.ndarray, longest: float) -> float:
    """How far one gets from `start` before leaving `box`, at most `longest`."""
    moves = np.abs(direction) > 1e-9
    walls = (np.where(direction > 0, box[1], box[0]) - start)[moves] / direction[moves]
    return float(np.clip(walls.min(), 0.0, longest))


def _legend(figure: Figure, axes: list[Axes]) -> None:
    entries = {}
    for ax in reversed(axes):
        handles, labels = ax.get_legend_handles_labels()
        entries |= {
            label: handle for handle, label in zip(handles, labels, strict=True) if label not in entries
        }
    if entries:
        figure.legend(
            list(entries.values()), list(entries), loc="outside lower center", ncols=4, markerscale=1.2
        )
