"""One look for all figures: quiet axes, colours that colour-blind readers can tell apart, perceptually
uniform scales.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patheffects import AbstractPathEffect, withStroke
from matplotlib.ticker import MaxNLocator

P_COLOUR = "#0072B2"
S_COLOUR = "#D55E00"
PHASE_COLOURS = {"P": P_COLOUR, "S": S_COLOUR}
HORIZONTAL_COLOUR = "#009E73"
VERTICAL_COLOUR = "#E69F00"
STATION_COLOUR = "#222222"
REFERENCE_COLOUR = "#CC79A7"
OTHER_COLOUR = "#8A8A8A"
STATUS_COLOURS = {
    "located": "#009E73",
    "boundary": "#E69F00",
    "underdetermined": "#56B4E9",
    "not-converged": "#CC79A7",
    "no-data": "#8A8A8A",
    "failed": "#D55E00",
}
DEPTH_MAP = ListedColormap(mpl.colormaps["viridis_r"](np.linspace(0.09, 1.0, 256)), name="depth")
"""Colours of depth: shallow is light (but not so light that it is lost on white), deep is dark."""

_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.axisbelow": True,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "legend.fontsize": 8.0,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "figure.dpi": 110,
    "savefig.dpi": 150,
    "lines.linewidth": 1.2,
    "svg.hashsalt": "diffseis",
}


@contextmanager
def house_style() -> Iterator[None]:
    """The style, for as long as the block lasts; matplotlib's settings outside are left alone."""
    with mpl.rc_context(_STYLE):
        yield


def new_figure(width_inches: float, height_inches: float) -> Figure:
    """A figure that belongs to no window and is laid out so that nothing overlaps."""
    return Figure(figsize=(width_inches, height_inches), layout="constrained")


def freeze_layout(figure: Figure) -> None:
    """Lay the figure out now, and for good: what is placed afterwards may rely on where the axes are."""
    # Several passes, because each learns from the one before how high axes of a fixed aspect become and which ticks
    # there are.
    for _ in range(3):
        figure.draw_without_rendering()
    figure.set_layout_engine("none")


def figure_png(figure: Figure, *, dpi: int = 130) -> bytes:
    """The figure as a PNG file; the same figure gives the same bytes."""
    stream = io.BytesIO()
    with house_style():
        figure.savefig(stream, format="png", dpi=dpi, metadata={"Software": None})
    return stream.getvalue()


def halo(width_points: float = 2.2) -> list[AbstractPathEffect]:
    """A white edge that keeps letters and lines readable on what they cross."""
    return [withStroke(linewidth=width_points, foreground="white", alpha=0.9)]


def say_empty(ax: Axes, why: str) -> None:
    """A panel that has nothing to show says so."""
    ax.set_axis_off()
    ax.text(0.5, 0.5, why, ha="center", va="center", transform=ax.transAxes, color=OTHER_COLOUR, wrap=True)


def empty_figure(why: str) -> Figure:
    """What stands where a figure has nothing to show: one line."""
    figure = new_figure(7.0, 0.5)
    say_empty(figure.subplots(), why)
    return figure


def count_axis(axis: Axis, *, ticks: int | None = None) -> None:
    """Ticks at round whole numbers."""
    axis.set_major_locator(MaxNLocator(ticks or "auto", integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))


def add_grid(ax: Axes) -> None:
    """Faint lines behind the data."""
    ax.grid(True, color="#E4E4E4", linewidth=0.6)
