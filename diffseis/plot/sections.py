"""Two depth sections through the posterior."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from diffseis.location.catalogue import LocatedCatalogue
from diffseis.plot.geometry import Scene, add_ellipses, build_scene, inner_moments, nice_step
from diffseis.plot.maps import CLOUD_ALPHA, cloud_size, depth_norm, draw_hypocentres
from diffseis.plot.profiles import Profile, section_profiles
from diffseis.plot.style import (
    DEPTH_MAP,
    STATION_COLOUR,
    add_grid,
    count_axis,
    empty_figure,
    freeze_layout,
    house_style,
    new_figure,
)

_SIDE_WIDTH = 1.5
"""Inches beside each section, for what shares its depth axis."""


def section_figure(catalogue: LocatedCatalogue) -> Figure:
    """Depth along and across the main axis of the events, or W-E and S-N where they have none; no
    exaggeration. Beside the sections and on their depth axes: how many events and how large the depth errors are.
    """
    with house_style():
        scene = build_scene(catalogue)
        profiles = section_profiles(scene)
        if not profiles:
            return empty_figure("No located event to draw a section of.")
        deepest, highest = _depth_range(scene)
        # One scale for both panels, so that slopes can be compared.
        half = max(*(profile.half_km for profile in profiles), deepest - highest)
        ratio = (deepest - highest) / (2 * half)
        figure = new_figure(10.4, float(np.clip(2 * 7.6 * ratio + 2.0, 4.6, 12.0)))
        axes = figure.subplots(2, 2, sharey=True, width_ratios=[7.6, _SIDE_WIDTH])
        norm = depth_norm(scene)
        for ax, profile in zip(axes[:, 0], profiles, strict=True):
            _draw(ax, catalogue, scene, profile, norm)
            ax.set_xlim(-half, half)
            ax.set_ylim(deepest, highest)
            ax.set_aspect("equal")
            _name(ax, profile)
        _count_by_depth(axes[0, 1], scene, norm, float(deepest - highest))
        _error_by_depth(axes[1, 1], catalogue, scene, norm)
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4, markerscale=1.3)
        # The side panels are as high as the sections, whose height follows from their scale.
        freeze_layout(figure)
        for section, side in axes:
            place, beside = section.get_position(), side.get_position(original=True)
            side.set_position((beside.x0, place.y0, beside.width, place.height))
        return figure


def _depth_range(scene: Scene) -> tuple[float, float]:
    """Deepest and highest depth in view."""
    points = scene.ned_km[scene.good]
    cloud = scene.cloud_ned_km if len(scene.cloud_ned_km) else points
    deepest = float(max(points[:, 2].max(), np.quantile(cloud[:, 2], 0.995)))
    top = float(min(points[:, 2].min(), np.quantile(cloud[:, 2], 0.005), 0.0))
    if scene.used_station.any():
        top = min(top, float(scene.stations_ned_km[scene.used_station, 2].min()))
    margin = 0.06 * (deepest - top) + 0.3
    return deepest + margin, top - margin


def _draw(ax: Axes, catalogue: LocatedCatalogue, scene: Scene, profile: Profile, norm: Normalize) -> None:
    good = scene.good
    ax.scatter(
        profile.along_km(scene.cloud_ned_km),
        scene.cloud_ned_km[:, 2],
        c=scene.cloud_depth_km,
        cmap=DEPTH_MAP,
        norm=norm,
        s=cloud_size(scene),
        alpha=CLOUD_ALPHA,
        linewidths=0,
        rasterized=True,
    )
    places = np.stack([profile.along_km(scene.ned_km), scene.ned_km[:, 2]], axis=-1)
    project = np.zeros((2, 3))
    project[0, :2], project[1, 2] = profile.direction, 1.0
    middle, covariance = inner_moments(catalogue)
    at = np.stack([profile.along_km(middle), middle[:, 2]], axis=-1)
    flat = project @ covariance[good] @ project.T
    add_ellipses(ax, at[good], flat, top=float(catalogue.box_ned_km[0, 2]))
    draw_hypocentres(ax, places, scene, norm, catalogue.events.status)
    used = scene.stations_ned_km[scene.used_station]
    if len(used):
        ax.scatter(
            profile.along_km(used),
            used[:, 2],
            marker="^",
            s=26,
            color=STATION_COLOUR,
            linewidths=0,
            label="station",
        )
    ax.axhline(0.0, color="#999999", linewidth=0.8, zorder=0)
    add_grid(ax)


def _name(ax: Axes, profile: Profile) -> None:
    letter, (start, end) = profile.letter, profile.ends
    ax.set_title(
        f"{letter}–{letter}′: {start} to {end} (azimuth {profile.azimuth_deg:.0f}°), all events projected"
    )
    ax.set_ylabel("Depth (km)")
    ax.set_xlabel("Distance from the median epicentre (km)")
    ax.yaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10]))
    for place, side, text in ((0.005, "left", letter), (0.995, "right", f"{letter}′")):
        ax.text(
            place, 0.02, text, ha=side, va="bottom", transform=ax.transAxes, fontsize=11, fontweight="bold"
        )


def _count_by_depth(ax: Axes, scene: Scene, norm: Normalize, height_km: float) -> None:
    """A histogram whose bars have the colours of their depth: the key to the colours, too."""
    depth = scene.ned_km[scene.good, 2]
    width = nice_step(height_km, 30)
    edges = np.arange(np.floor(depth.min() / width), np.floor(depth.max() / width) + 2) * width
    counts, _ = np.histogram(depth, edges)
    middles = 0.5 * (edges[1:] + edges[:-1])
    colours = DEPTH_MAP(norm(middles))
    ax.barh(middles, counts, height=width, color=colours, edgecolor="black", linewidth=0.4)
    ax.axhline(np.median(depth), color="black", linestyle="--", linewidth=0.9)
    ax.set_title("Events by depth")
    ax.set_xlabel(f"Events per {width:g} km\n(median {np.median(depth):.1f} km)")
    count_axis(ax.xaxis, ticks=4)
    ax.tick_params(axis="y", labelleft=False)
    add_grid(ax)


def _error_by_depth(ax: Axes, catalogue: LocatedCatalogue, scene: Scene, norm: Normalize) -> None:
    depth, error = scene.ned_km[scene.good, 2], catalogue.events.vertical_error_km[scene.good]
    ax.scatter(error, depth, c=depth, cmap=DEPTH_MAP, norm=norm, s=12, edgecolors="black", linewidths=0.3)
    ax.set_title("Depth error")
    ax.set_xlabel("± vertical, 68 % (km)")
    ax.set_xlim(left=0)
    ax.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    ax.tick_params(axis="y", labelleft=False)
    add_grid(ax)
