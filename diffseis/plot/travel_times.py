"""Wavefronts and rays in a vertical section, and how far one set of travel times is from another."""

from dataclasses import dataclass

import matplotlib as mpl
import matplotlib.patheffects as effects
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from diffseis.plot.geometry import nice_step
from diffseis.plot.style import S_COLOUR, freeze_layout, house_style, new_figure

SPEED_MAP = ListedColormap(mpl.colormaps["Blues"](np.linspace(0.04, 0.72, 256)), name="speed")
"""Colours of speed: slow is light; dark enough nowhere to hide a black line."""

_WIDTH = 8.6
_MAX_NAMES = 12
_MANY = 30
_NUM_FRONTS = 24
_DECADES = 4
"""Errors less than the largest by more powers of ten have the lightest colour."""


@dataclass(frozen=True)
class TimeSection:
    """Travel times from one source in a vertical section.

    Attributes:
        distance_km, depth_km: of the nodes, increasing; distance along the section from the source, depth positive down.
        speed_km_s, time_s: at the nodes, ``"distance depth"``.
        source_km: distance and depth of the source.
        receivers_km: those of the receivers, ``"receiver 2"``.
        rays_km: of some or all receivers, each ``"point 2"``.
        names: of the receivers.
        phase: "P" or "S".
        title: what is shown.
        across: what the distance axis is.
    """

    distance_km: np.ndarray
    depth_km: np.ndarray
    speed_km_s: np.ndarray
    time_s: np.ndarray
    source_km: np.ndarray
    receivers_km: np.ndarray
    rays_km: tuple[np.ndarray, ...] = ()
    names: tuple[str, ...] = ()
    phase: str = "P"
    title: str = ""
    across: str = "Distance from the source (km)"

    def __post_init__(self):
        shape = (len(self.distance_km), len(self.depth_km))
        for name in ("speed_km_s", "time_s"):
            if np.shape(getattr(self, name)) != shape:
                raise ValueError(f"`{name}` has shape {np.shape(getattr(self, name))}, its axes {shape}")


def wavefront_figure(section: TimeSection) -> Figure:
    """Isochrones over the speed, with rays, source and receivers; one scale for distance and depth."""
    with house_style():
        figure, ax = _panel(section)
        mesh = ax.pcolormesh(
            section.distance_km,
            section.depth_km,
            section.speed_km_s.T,
            cmap=SPEED_MAP,
            norm=_speed_norm(section.speed_km_s),
            shading="nearest",
            rasterized=True,
        )
        step = _draw_fronts(ax, section)
        _draw_rays(ax, section)
        _draw_ends(ax, section)
        fronts = f"wavefronts every {step:g} s" if step else "times"
        _finish(figure, ax, section, f"{section.phase} {fronts}")
        _bar(figure, ax, mesh, f"{section.phase} speed (km/s)")
        freeze_layout(figure)
        return figure


def error_figure(section: TimeSection, reference_s: np.ndarray, *, signed: bool = False) -> Figure:
    """How far the times of a section are from others at the same nodes, relative to these.

    Args:
        section: the times in question.
        reference_s: those to compare with, ``"distance depth"``.
        signed: show the sign (late is positive), on a linear scale; else the size, on a logarithmic one.

    Raises:
        ValueError: where the shapes differ.
    """
    reference_s = np.asarray(reference_s)
    if reference_s.shape != section.time_s.shape:
        raise ValueError(f"`reference_s` has shape {reference_s.shape}, the section {section.time_s.shape}")
    known = reference_s > 0
    error = np.where(known, section.time_s - reference_s, np.nan) / np.where(known, reference_s, 1)
    size = np.abs(error[known])
    rms = np.sqrt(np.sum((section.time_s - reference_s)[known] ** 2) / np.sum(reference_s[known] ** 2))
    with house_style():
        figure, ax = _panel(section)
        top = float(size.max()) if size.size and size.max() > 0 else 1e-16
        if signed:
            limit = float(np.quantile(size, 0.99)) or top
            shown, norm, colours = error, Normalize(-limit, limit), "RdBu_r"
        else:
            norm = LogNorm(top * 10.0**-_DECADES, top)
            shown, colours = np.maximum(np.abs(error), top * 10.0**-_DECADES), "magma_r"
        mesh = ax.pcolormesh(
            section.distance_km,
            section.depth_km,
            shown.T,
            cmap=colours,
            norm=norm,
            shading="nearest",
            rasterized=True,
        )
        _draw_ends(ax, section)
        what = f"{section.phase} times, relative error: RMS {rms:.1e}, largest {top:.1e}"
        _finish(figure, ax, section, what)
        label = "Relative error" + ("\n(late is positive)" if signed else "")
        _bar(figure, ax, mesh, label, extend="both" if signed else "min")
        freeze_layout(figure)
        return figure


def _panel(section: TimeSection) -> tuple[Figure, Axes]:
    """A figure as high as one scale for both axes asks for."""
    ratio = np.ptp(section.depth_km) / np.ptp(section.distance_km)
    figure = new_figure(_WIDTH, float(np.clip((_WIDTH - 1.9) * ratio + 1.8, 2.4, 9.0)))
    return figure, figure.subplots()


def _bar(figure: Figure, ax: Axes, mesh, label: str, **options) -> None:
    """The key to the colours, as high as the panel, whose height follows from its scale."""
    bar = figure.colorbar(mesh, cax=ax.inset_axes((1.015, 0.0, 0.016, 1.0)), **options)
    bar.set_label(label)


def _speed_norm(speed_km_s: np.ndarray) -> Normalize:
    low, high = float(np.min(speed_km_s)), float(np.max(speed_km_s))
    # A uniform medium has a colour of the middle.
    more = max(0.0, 0.02 * high - 0.5 * (high - low))
    return Normalize(low - more, high + more)


def _draw_fronts(ax: Axes, section: TimeSection) -> float:
    """Isochrones with their times; returns the step between them, 0 where there are none."""
    latest = float(section.time_s.max())
    if latest <= 0:
        return 0.0
    step = nice_step(latest, _NUM_FRONTS)
    levels = np.arange(1, int(latest / step) + 1) * step
    lines = ax.contour(
        section.distance_km, section.depth_km, section.time_s.T, levels, colors="black", linewidths=0.7
    )
    texts = ax.clabel(lines, levels[1::2], fontsize=7, fmt=lambda t: f"{t:g} s", inline_spacing=2)
    for text in texts:
        text.set_path_effects([effects.withStroke(linewidth=1.5, foreground="white", alpha=0.7)])
    return step


def _draw_rays(ax: Axes, section: TimeSection) -> None:
    for n, ray in enumerate(section.rays_km):
        ax.plot(ray[:, 0], ray[:, 1], color=S_COLOUR, linewidth=1.1, label="ray" if n == 0 else None)


def _draw_ends(ax: Axes, section: TimeSection) -> None:
    style = {"edgecolors": "white", "linewidths": 0.6, "zorder": 5, "clip_on": False}
    ax.scatter(
        *section.source_km,
        marker="*",
        s=170,
        color="#F0E442",
        **(style | {"edgecolors": "black"}),
        label="source",
    )
    if len(section.receivers_km):
        size = 44 if len(section.receivers_km) <= _MANY else 16
        ax.scatter(*section.receivers_km.T, marker="v", s=size, color="black", **style, label="receiver")
    if 0 < len(section.names) <= _MAX_NAMES:
        for name, (x, z) in zip(section.names, section.receivers_km, strict=True):
            ax.annotate(
                name,
                (x, z),
                (0, 6),
                textcoords="offset points",
                ha="center",
                va="bottom",
                fontsize=7,
                parse_math=False,
                path_effects=[effects.withStroke(linewidth=1.5, foreground="white", alpha=0.7)],
            )


def _finish(figure: Figure, ax: Axes, section: TimeSection, what: str) -> None:
    ax.set_xlim(section.distance_km[0], section.distance_km[-1])
    ax.set_ylim(section.depth_km[-1], section.depth_km[0])
    ax.set_aspect("equal")
    ax.set_xlabel(section.across)
    ax.set_ylabel("Depth (km)")
    ax.yaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10]))
    ax.set_title(what + (f"\n{section.title}" if section.title else ""), pad=18, parse_math=False)
    handles, labels = ax.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
