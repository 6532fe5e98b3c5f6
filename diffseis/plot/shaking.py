"""Maps of shaking: the median with the stations that recorded it, and how well it is known."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Polygon
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from diffseis.core.frames import LocalFrame
from diffseis.plot.geometry import map_axes, north_arrow, scale_bar
from diffseis.plot.measures import measure_unit
from diffseis.plot.names import plain_text
from diffseis.plot.style import house_style


@dataclass(frozen=True)
class ShakingMap:
    """One measure of one earthquake.

    Attributes:
        imt: its name.
        frame: whose origin is the epicentre.
        places_km: local north and east.
        median: there, in the measure's unit.
        sigma: standard deviation of its logarithm.
        stations_km: local north and east of the stations whose records count.
        recorded: there.
        outliers_km: of stations whose records were left out.
        outline_km: corners of the rupture from above, upper edge first, north and east; None for a point.
        title: above all.
    """

    imt: str
    frame: LocalFrame
    places_km: Float[np.ndarray, "place 2"]
    median: Float[np.ndarray, " place"]
    sigma: Float[np.ndarray, " place"]
    stations_km: Float[np.ndarray, "station 2"]
    recorded: Float[np.ndarray, " station"]
    outliers_km: Float[np.ndarray, "outlier 2"]
    outline_km: Float[np.ndarray, "4 2"] | None
    title: str = ""


def shaking_figure(shaking: ShakingMap) -> Figure:
    """Two maps: the median, in one scale of colours with the records, and the standard deviation of its logarithm."""
    with house_style():
        figure = Figure(figsize=(11.0, 4.9), layout="constrained")
        axes = figure.subplots(1, 2)
        values = np.concatenate([shaking.median, shaking.recorded])
        low, high = float(values.min()), float(values.max())
        high = max(high, 1.01 * low)
        level = LogNorm(low, high)
        known = Normalize(0.9 * float(shaking.sigma.min()), float(shaking.sigma.max()))
        unit = measure_unit(shaking.imt)
        for ax, value, norm, colours, label in (
            (axes[0], shaking.median, level, "YlOrRd", f"{shaking.imt}, median ({unit})"),
            (axes[1], shaking.sigma, known, "viridis", f"{shaking.imt}, standard deviation of ln"),
        ):
            image = _field(ax, shaking, value, norm, colours)
            bar = figure.colorbar(image, ax=ax, shrink=0.85, pad=0.02)
            bar.set_label(label)
            if isinstance(norm, LogNorm):
                steps = (1, 2, 5) if high / low < 1e3 else (1,)
                bar.locator = LogLocator(subs=steps)
                bar.formatter = FuncFormatter(lambda v, _: f"{v:g}")
                bar.update_ticks()
                bar.ax.yaxis.set_minor_formatter(NullFormatter())
            _places(ax, shaking, level if norm is level else None)
            map_axes(ax, _box(shaking), shaking.frame)
            scale_bar(ax)
            north_arrow(ax)
        figure.suptitle(plain_text(shaking.title, longest=120), x=0.01, ha="left", fontweight="bold")
        return figure


def _box(shaking: ShakingMap) -> np.ndarray:
    """Of all places and the epicentre, no narrower than 2 km: east and north of two corners."""
    points = np.concatenate([shaking.places_km, np.zeros((1, 2))])[:, ::-1]
    low, high = points.min(axis=0), points.max(axis=0)
    more = np.maximum(1.0 - 0.5 * (high - low), 0)
    return np.stack([low - more, high + more])


def _field(ax: Axes, shaking: ShakingMap, value, norm, colours: str):
    """As an image where the places are a grid, as dots where they are not."""
    north, east = (np.unique(np.round(shaking.places_km[:, k], 6)) for k in (0, 1))
    if len(north) * len(east) == len(value) and len(north) > 1 and len(east) > 1:
        order = np.lexsort((np.round(shaking.places_km[:, 1], 6), np.round(shaking.places_km[:, 0], 6)))
        grid = value[order].reshape(len(north), len(east))
        return ax.pcolormesh(east, north, grid, norm=norm, cmap=colours, shading="gouraud", rasterized=True)
    return ax.scatter(
        shaking.places_km[:, 1], shaking.places_km[:, 0], c=value, s=14, norm=norm, cmap=colours, linewidths=0
    )


def _places(ax: Axes, shaking: ShakingMap, norm: LogNorm | None) -> None:
    if shaking.outline_km is not None:
        corners = shaking.outline_km[:, ::-1]
        ax.add_patch(Polygon(corners, fill=False, edgecolor="black", linewidth=0.8, zorder=5))
        ax.plot(*corners[:2].T, color="black", linewidth=2.2, zorder=5, label="rupture (thick: upper edge)")
    ax.plot(0, 0, "*", color="white", markeredgecolor="black", markersize=13, zorder=7, label="epicentre")
    if len(shaking.recorded):
        where = shaking.stations_km[:, ::-1].T
        look = {"s": 42, "marker": "^", "edgecolors": "black", "linewidths": 0.8, "zorder": 6}
        if norm is None:
            ax.scatter(*where, facecolors="none", label="stations", **look)
        else:
            ax.scatter(*where, c=shaking.recorded, norm=norm, cmap="YlOrRd", label="records", **look)
    if len(shaking.outliers_km):
        where = shaking.outliers_km[:, ::-1].T
        ax.scatter(*where, marker="x", s=30, color="black", linewidths=1.2, zorder=6, label="left out")
    ax.legend(loc="upper right", fontsize=7, framealpha=0.85)
