"""Record sections, and wavefields that move."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.animation import FuncAnimation, PillowWriter
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from diffseis.plot.style import STATION_COLOUR, add_grid, empty_figure, house_style, new_figure

_MAX_NAMES = 30
"""Stations beyond which only every so-manieth is named."""
_CLOSEST = 0.25
"""Gap of neighbours' distances, as a share of the mean one, below which traces would hide each other."""
_UP = {"down": ("up", -1.0)}
"""Seismograms are drawn with up positive."""


def record_figure(
    records: Float[np.ndarray, "station component time"],
    distance_km: Float[np.ndarray, " station"],
    times_s: Float[np.ndarray, " time"],
    station_ids: Sequence[str],
    *,
    components: Sequence[str],
    quantity: str,
    units: str,
    title: str,
    distance: str = "Epicentral distance",
) -> Figure:
    """A record section: a panel for each component, all components of a station on one scale.

    Traces stand at their distances; where those of some stations are too close, all stand in the order of distance instead.

    Args:
        records: what was recorded; the last component of motion is down, and drawn up.
        distance_km: epicentral.
        times_s: after the origin time.
        station_ids: names.
        components, quantity, units, title, distance: words.
    """
    if not len(records):
        return empty_figure("No station recorded.")
    order = np.argsort(distance_km, kind="stable")
    scale = np.max(np.abs(records), axis=(1, 2))
    place, height, true_to_scale = _places(distance_km, order)
    with house_style():
        figure = new_figure(3.1 * len(components) + 1.6, float(np.clip(0.36 * len(records) + 1.5, 3.2, 9.0)))
        axes = np.atleast_1d(figure.subplots(1, len(components), sharex=True, sharey=True))
        for number, (ax, name) in enumerate(zip(axes, components, strict=True)):
            word, sign = _UP.get(name, (name, 1.0))
            add_grid(ax)
            for row in order:
                trace = sign * records[row, number] / (scale[row] or 1.0)
                ax.plot(times_s, place[row] + height * trace, color=STATION_COLOUR, linewidth=0.7)
            ax.set_title(word.capitalize())
            ax.set_xlabel("Time after origin (s)")
            ax.set_xlim(times_s[0], times_s[-1])
        if true_to_scale:
            axes[0].set_ylabel(f"{distance} (km)")
        else:
            named = order[:: -(-len(order) // _MAX_NAMES)]
            axes[0].set_yticks(place[named], [f"{distance_km[row]:.1f} km" for row in named])
        names = [f"{i}  {s:.1e}" for i, s in zip(station_ids, scale, strict=True)]
        _name_stations(axes[-1], place, names, order)
        figure.suptitle(
            f"{title}: {quantity},{chr(10) if len(components) < 3 else ' '}each station on its own scale (right: largest value, {units})",
            fontsize=9.5,
        )
    return figure


def _places(distance_km, order) -> tuple[np.ndarray, float, bool]:
    """Where traces stand, how high they are drawn, and whether they stand at their distances."""
    gaps = np.diff(distance_km[order])
    if len(order) == 1:
        return np.zeros(1), 0.6, False
    if np.min(gaps) > _CLOSEST * np.mean(gaps):
        return np.asarray(distance_km, float), 0.6 * float(np.mean(gaps)), True
    place = np.empty(len(order))
    place[order] = np.arange(len(order))
    return place, 0.6, False


def _name_stations(ax, place, names: list[str], order) -> None:
    """On the right, so many that they do not stand on one another."""
    for row in order[:: -(-len(order) // _MAX_NAMES)]:
        ax.annotate(
            names[row],
            (1.02, place[row]),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=6.5,
            annotation_clip=False,
        )


@dataclass(frozen=True)
class WavefieldFrames:
    """A wavefield on a vertical plane at several times.

    Attributes:
        values: what is shown.
        along_km, depth_km: coordinates of the nodes.
        times_s: of the frames, after the origin time.
        speed_km_s: the medium, drawn behind.
        source_km, stations_km: places, along and down.
        label, axis_name, title: words.
    """

    values: Float[np.ndarray, "frame along down"]
    along_km: Float[np.ndarray, " along"]
    depth_km: Float[np.ndarray, " down"]
    times_s: Float[np.ndarray, " frame"]
    speed_km_s: Float[np.ndarray, "along down"]
    source_km: tuple[float, float]
    stations_km: Float[np.ndarray, "station 2"]
    label: str
    axis_name: str
    title: str


def speed_lines(speed_km_s) -> tuple[list[float], str]:
    """Where to draw the medium, and what is drawn: the interfaces of a few layers, else lines of some speeds."""
    rounded = np.round(np.asarray(speed_km_s, float), 3)
    values, counts = np.unique(rounded, return_counts=True)
    layers = values[counts > 0.02 * rounded.size]
    # Nodes on an interface may have the mean of both sides, which is no layer.
    means = (layers[:-2] + layers[2:]) / 2
    layers = np.delete(layers, 1 + np.flatnonzero(np.abs(layers[1:-1] - means) < 2e-3))
    if 2 <= layers.size <= 8 and np.mean(np.isin(rounded, layers)) > 0.85:
        shown = ", ".join(f"{v:.3g}" for v in layers)
        return [float(v) for v in (layers[:-1] + layers[1:]) / 2], f"grey: interfaces of {shown} km/s"
    low, high = np.quantile(speed_km_s, [0.1, 0.9])
    lines = [float(v) for v in np.linspace(low, high, 4)] if high > low else [float(np.mean(speed_km_s))]
    return lines, f"grey: speeds of {', '.join(f'{v:.3g}' for v in lines)} km/s"


def write_animation(path: Path, frames: WavefieldFrames, *, frames_per_s: int) -> None:
    """Write a GIF. Colours saturate at the largest amplitude of the median frame, so that late waves are seen."""
    peaks = np.max(np.abs(frames.values), axis=(1, 2))
    moving = peaks[peaks > 1e-3 * (peaks.max() or 1.0)]
    limit = float(np.median(moving)) if moving.size else 1.0
    x, z = frames.along_km, frames.depth_km
    half = (x[1] - x[0]) / 2, (z[1] - z[0]) / 2
    extent = (x[0] - half[0], x[-1] + half[0], z[-1] + half[1], z[0] - half[1])
    ratio = (extent[2] - extent[3]) / (extent[1] - extent[0])
    with house_style():
        figure = new_figure(6.4, float(np.clip(4.7 * ratio + 0.9, 2.0, 8.0)))
        ax = figure.subplots()
        image = ax.imshow(
            frames.values[0].T, extent=extent, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="bilinear", aspect="equal"
        )  # fmt: skip
        if np.ptp(frames.speed_km_s) > 1e-3 * np.mean(frames.speed_km_s):
            levels, told = speed_lines(frames.speed_km_s)
            ax.contour(x, z, frames.speed_km_s.T, levels=levels, colors="#555555", linewidths=0.4, alpha=0.4)
            ax.text(
                0.995,
                0.01,
                told,
                transform=ax.transAxes,
                ha="right",
                va="bottom",
                fontsize=6,
                color="#333333",
            )
        ax.plot(
            *frames.source_km,
            marker="*",
            markersize=9,
            color="#E69F00",
            markeredgecolor="black",
            clip_on=False,
        )
        ax.plot(
            *frames.stations_km.T, linestyle="", marker="v", markersize=5, color=STATION_COLOUR, clip_on=False
        )
        ax.set_xlabel(frames.axis_name)
        ax.set_ylabel("Depth (km)")
        numbers = ScalarFormatter()
        numbers.set_powerlimits((-2, 3))
        words = frames.label.capitalize()
        figure.colorbar(image, ax=ax, extend="both", shrink=0.8, pad=0.02, label=words, format=numbers)
        heading = ax.set_title(f"{frames.title}, {frames.times_s[-1]:.2f} s after origin")

        def show(number: int):
            image.set_data(frames.values[number].T)
            heading.set_text(f"{frames.title}, {frames.times_s[number]:.2f} s after origin")
            return image, heading

        animation = FuncAnimation(figure, show, frames=len(frames.values), blit=False)
        animation.save(str(path), writer=PillowWriter(fps=frames_per_s), dpi=100)
