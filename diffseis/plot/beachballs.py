"""Beachballs of any moment tensor, as outlines that stay sharp in PDF and SVG."""

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.transforms import Affine2D, ScaledTranslation, Transform

from diffseis.plot.focal_sphere import LOWER, Hemisphere
from diffseis.plot.nodal_curves import compressions, nodal_lines, plane_line, rim
from diffseis.plot.style import halo

BALL_COLOUR = "#4A4A4A"
PALE_BALL_COLOUR = "#B9C7D4"
"""Of balls that carry symbols, which have to be seen on it."""

_POINTS_PER_INCH = 72.0


def draw_beachball(
    ax: Axes,
    tensor: Float[np.ndarray, "3 3"],
    *,
    centre: tuple[float, float] = (0.0, 0.0),
    radius: float = 1.0,
    radius_points: float | None = None,
    sphere: Hemisphere = LOWER,
    colour: str | tuple = BALL_COLOUR,
    open_colour: str | tuple = "white",
    linewidth: float = 0.8,
    lines: bool = True,
    double_couple: bool = False,
    fault_plane_deg: tuple[float, float] | None = None,
    axes_marked: bool = False,
    alpha: float = 1.0,
    zorder: float = 3.0,
) -> None:
    """The first motion of P on the focal sphere: filled where it is up (away from the source, compression), open where down.

    It is the sign of P itself, so explosions are full, implosions empty, and cracks and dipoles right. A few milliseconds each.

    Args:
        ax: not rescaled; with `radius`, it should have equal scales (`disc_axes` makes such).
        tensor: in north, east, down, in any unit.
        centre, radius: in the coordinates of `ax`.
        radius_points: in points (1/72 inch) instead of `radius`, whatever the scales of `ax`.
        sphere: which half, in which projection.
        colour, open_colour: of compressions and of dilatations.
        lines: whether the nodal lines of the tensor are drawn.
        double_couple: whether the planes of its best double couple are, too (dashed), which differ where it is not one.
        fault_plane_deg: strike and dip of the plane that broke, drawn bold.
        axes_marked: P and T by their letters, where the tensor has such axes.
    """
    placed = ball_transform(ax, centre, radius, radius_points)
    circle = Path(np.concatenate([rim(), rim()[:1]]), closed=True)
    style = {"transform": placed, "zorder": zorder, "alpha": alpha}

    def add(path: Path, **how) -> None:
        if np.size(path.vertices):
            ax.add_artist(PathPatch(path, **{**style, **how}))

    add(circle, facecolor=open_colour, edgecolor="none")
    add(compressions(tensor, sphere), facecolor=colour, edgecolor="none")
    line = {"facecolor": "none", "edgecolor": "black", "capstyle": "round", "joinstyle": "round"}
    if lines:
        add(nodal_lines(tensor, sphere), linewidth=0.8 * linewidth, **line)
    if double_couple:
        add(
            nodal_lines(best_double_couple(tensor), sphere),
            linewidth=linewidth,
            **line | {"edgecolor": "#C2410C", "linestyle": (0, (4, 2)), "capstyle": "butt"},
        )
    if fault_plane_deg is not None:
        add(plane_line(*fault_plane_deg, sphere), linewidth=2.6 * linewidth, **line)
    add(circle, linewidth=linewidth, **line)
    if axes_marked:
        _mark_axes(ax, tensor, sphere, placed, zorder)


def best_double_couple(tensor: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "3 3"]:
    """The double couple with the tensor's axes T and P, of the moment halfway between its largest and smallest principal values."""
    value, axes = np.linalg.eigh(np.asarray(tensor, float))
    along, against = axes[:, 2], axes[:, 0]
    return 0.5 * (value[2] - value[0]) * (np.outer(along, along) - np.outer(against, against))


def disc_axes(ax: Axes, *, reach: float = 1.08, north: bool = True) -> None:
    """Makes `ax` the place of one ball of radius 1 about (0, 0): no frame, equal scales, a tick to the north."""
    ax.set_xlim(-reach, reach)
    ax.set_ylim(-reach, reach)
    ax.set_aspect("equal")
    ax.set_axis_off()
    if north:
        ax.plot([0, 0], [1.0, 1.05], color="black", linewidth=1.0, clip_on=False)
        ax.text(0, 1.06, "N", ha="center", va="bottom", fontsize=8, clip_on=False)


def ball_transform(
    ax: Axes,
    centre: tuple[float, float] = (0.0, 0.0),
    radius: float = 1.0,
    radius_points: float | None = None,
) -> Transform:
    """From the disc of radius 1 to where the ball stands in `ax`."""
    if radius_points is None:
        return Affine2D().scale(radius).translate(*centre) + ax.transData
    inches = Affine2D().scale(radius_points / _POINTS_PER_INCH)
    to_place = ScaledTranslation(*centre, ax.transData)  # pyright: ignore[reportArgumentType]
    return inches + ax.figure.dpi_scale_trans + to_place


def _mark_axes(ax, tensor, sphere, placed, zorder):
    value, axes = np.linalg.eigh(np.asarray(tensor, float))
    least = 1e-6 * np.max(np.abs(value))
    for letter, column, gap in (("P", 0, value[1] - value[0]), ("T", 2, value[2] - value[1])):
        # Of equal values any axis of a plane would do: none is marked.
        if gap <= least:
            continue
        ax.text(
            *sphere.place(axes[:, column]),
            letter,
            transform=placed,
            ha="center",
            va="center",
            fontsize=9,
            fontweight="bold",
            zorder=zorder + 2,
            path_effects=halo(),
            snap=False,
        )
