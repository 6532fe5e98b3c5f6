"""Styles of faulting: by the plunges of the axes, and as a triangle.

References:
    Frohlich & Apperson (1992), Earthquake focal mechanisms, moment tensors, and the consistency of seismic activity near plate boundaries,
    doi:10.1029/91TC02888. Frohlich (1992), Triangle diagrams: ternary graphs to display similarity and diversity of earthquake focal
    mechanisms, doi:10.1016/0031-9201(92)90130-N.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from diffseis.plot.beachballs import draw_beachball
from diffseis.plot.style import OTHER_COLOUR

STYLE_COLOURS = {"strike-slip": "#009E73", "normal": "#0072B2", "reverse": "#D55E00", "oblique": "#7A7A7A"}
_LEAST_PLUNGE_DEG = {"T": 50.0, "B": 60.0, "P": 60.0}
_TILT = np.arcsin(1 / np.sqrt(3))
"""Plunge of three axes that plunge alike."""


def plunges_deg(tensors: Float[np.ndarray, "*event 3 3"]) -> Float[np.ndarray, "*event 3"]:
    """How steep the axes T, B and P are, 0 (level) to 90."""
    _, axes = np.linalg.eigh(np.asarray(tensors, float))
    level = np.hypot(axes[..., 0, ::-1], axes[..., 1, ::-1])
    return np.degrees(np.arctan2(np.abs(axes[..., 2, ::-1]), level))


def faulting_styles(tensors: Float[np.ndarray, "event 3 3"]) -> np.ndarray:
    """`reverse` where T plunges by more than 50°, `strike-slip` where B does by more than 60°, `normal` where P does by more than 60°, else `oblique`."""
    t, b, p = plunges_deg(tensors).T
    return np.select(
        [t > _LEAST_PLUNGE_DEG["T"], b > _LEAST_PLUNGE_DEG["B"], p > _LEAST_PLUNGE_DEG["P"]],
        ["reverse", "strike-slip", "normal"],
        "oblique",
    )


def ternary_place(plunge_deg: Float[np.ndarray, "*event 3"]) -> Float[np.ndarray, "*event 2"]:
    """Place in the triangle (about (0, 0), strike-slip on top, normal left, reverse right) of plunges of T, B and P.

    Frohlich's gnomonic projection of the octant of the three sines, whose squares sum to 1.
    """
    t, b, p = np.moveaxis(np.radians(plunge_deg), -1, 0)
    turn = np.arctan2(np.sin(t), np.sin(p)) - np.pi / 4
    flat = np.cos(b) * np.cos(turn)
    scale = np.sin(_TILT) * np.sin(b) + np.cos(_TILT) * flat
    across = np.cos(b) * np.sin(turn)
    up = np.cos(_TILT) * np.sin(b) - np.sin(_TILT) * flat
    return np.stack([across, up], axis=-1) / scale[..., None]


def draw_faulting_ternary(
    ax: Axes,
    tensors: Float[np.ndarray, "event 3 3"],
    *,
    colours: Sequence | np.ndarray | None = None,
    size_points: float = 5.0,
    balls: bool = False,
) -> None:
    """Mechanisms in the triangle of styles, with the limits of the styles and a typical ball at each corner.

    Args:
        ax: made an axes of equal scales without a frame.
        tensors: in north, east, down.
        colours: of events; by default those of their styles.
        size_points: diameter of the symbols.
        balls: events as beachballs of twice that size, for small numbers of events.
    """
    corners = ternary_place(90.0 * np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]))
    ax.plot(*corners[[0, 1, 2, 0]].T, color="black", linewidth=0.9, zorder=2)
    for axis, least in _LEAST_PLUNGE_DEG.items():
        ax.plot(*_line_of_plunge(axis, least).T, color=OTHER_COLOUR, linewidth=0.8, dashes=(4, 2), zorder=1)
        for plunge in (30.0,):
            ax.plot(*_line_of_plunge(axis, plunge).T, color="#DADADA", linewidth=0.6, zorder=0.9)
    _label_corners(ax, corners)
    styles = faulting_styles(tensors)
    colours = [STYLE_COLOURS[style] for style in styles] if colours is None else colours
    places = ternary_place(plunges_deg(tensors))
    if balls:
        for tensor, place, colour in zip(tensors, places, colours, strict=True):
            centre = (float(place[0]), float(place[1]))
            draw_beachball(ax, tensor, centre=centre, radius_points=size_points, colour=colour, linewidth=0.5)
    elif len(places):
        ax.scatter(
            *places.T, s=size_points**2, c=colours, edgecolors="white", linewidths=0.4, alpha=0.85, zorder=4
        )
    ax.set_xlim(-1.75, 1.75)
    ax.set_ylim(-1.25, 1.95)
    ax.set_aspect("equal")
    ax.set_axis_off()


def _line_of_plunge(axis: str, plunge_deg: float) -> np.ndarray:
    """Where one axis plunges so much: the others share the rest of the squared sines."""
    own = np.sin(np.radians(plunge_deg)) ** 2
    share = np.linspace(0, 1, 61)
    squares = {axis: np.full(61, own)}
    first, second = (name for name in "TBP" if name != axis)
    squares |= {first: (1 - own) * share, second: (1 - own) * (1 - share)}
    return ternary_place(np.degrees(np.arcsin(np.sqrt(np.stack([squares[n] for n in "TBP"], axis=-1)))))


def _label_corners(ax: Axes, corners: np.ndarray) -> None:
    along_north = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    pulled_down = np.diag([0.0, -1.0, 1.0])
    typical = ((along_north, "Strike-slip"), (-pulled_down, "Normal"), (pulled_down, "Reverse"))
    names = ("strike-slip", "normal", "reverse")
    ups = (1, -1, -1)
    for (tensor, title), name, corner, up in zip(typical, names, corners, ups, strict=True):
        x, y = (float(v) for v in corner)
        draw_beachball(
            ax, tensor, centre=(x, y + 0.2 * up), radius=0.12, colour=STYLE_COLOURS[name], linewidth=0.6
        )
        ax.text(x, y + 0.36 * up, title, ha="center", va="bottom" if up > 0 else "top", fontsize=8)
