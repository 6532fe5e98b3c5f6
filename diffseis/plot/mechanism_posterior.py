"""What a sample of moment tensors leaves open, on the focal sphere."""

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.contour import ContourSet
from matplotlib.patches import Circle

from diffseis.plot.beachballs import BALL_COLOUR, ball_transform
from diffseis.plot.densities import mass_levels, normalised
from diffseis.plot.focal_sphere import LOWER, Hemisphere, disc_grid
from diffseis.plot.nodal_curves import nodal_lines
from diffseis.plot.style import P_COLOUR, S_COLOUR
from diffseis.source import p_amplitudes

MAX_PLANES = 100
UP_MAP = LinearSegmentedColormap.from_list("first motion up", ["white", BALL_COLOUR])
AXIS_COLOURS = {"P": P_COLOUR, "T": S_COLOUR}
_MAX_TENSORS = 2000
_BLOCK = 2000
_CONCENTRATION = 100.0
"""Of the kernel over axes: a spread of about 6 degrees."""


def draw_posterior_planes(
    ax: Axes,
    tensors: Float[np.ndarray, "particle 3 3"],
    *,
    centre: tuple[float, float] = (0.0, 0.0),
    radius: float = 1.0,
    sphere: Hemisphere = LOWER,
    colour: str = "black",
    linewidth: float = 0.5,
    zorder: float = 4.0,
) -> int:
    """Thin nodal lines of up to 100 draws, evenly chosen; the fainter, the more there are. The draws shall be of equal weight.

    Returns how many draws have any.
    """
    chosen = tensors[thinned(len(tensors), MAX_PLANES)]
    lines = [nodal_lines(tensor, sphere) for tensor in chosen]
    lines = [line for line in lines if np.size(line.vertices)]
    if not lines:
        return 0
    bundle = PathCollection(
        lines,
        facecolors="none",
        edgecolors=colour,
        linewidths=linewidth,
        alpha=float(np.clip(12.0 / len(lines), 0.16, 0.6)),
        transform=ball_transform(ax, centre, radius),
        zorder=zorder,
    )
    ax.add_artist(bundle)
    return len(lines)


def draw_fuzzy_ball(
    ax: Axes,
    tensors: Float[np.ndarray, "particle 3 3"],
    weights: Float[np.ndarray, " particle"] | None = None,
    *,
    centre: tuple[float, float] = (0.0, 0.0),
    radius: float = 1.0,
    sphere: Hemisphere = LOWER,
    num: int = 101,
    zorder: float = 3.0,
) -> ContourSet:
    """The probability that the first motion of P is up, everywhere on the focal sphere: white 0, dark 1, with the line of one half.

    Args:
        ax: with equal scales; not rescaled.
        tensors: draws, in north, east, down.
        weights: of draws, equal by default.
        centre, radius: in the coordinates of `ax`.
        num: nodes along one side of the grid.

    Returns:
        The shading, for a colour bar.
    """
    along, probability = probability_up(tensors, weights, sphere=sphere, num=num)
    x, y = centre[0] + radius * along, centre[1] + radius * along
    limits = ax.axis()
    edge = Circle(centre, radius, facecolor="none", edgecolor="black", linewidth=0.9, zorder=zorder + 1)
    ax.add_artist(edge)
    shading = ax.contourf(x, y, probability, levels=np.linspace(0, 1, 21), cmap=UP_MAP, zorder=zorder)
    shading.set_clip_path(edge)
    # Neighbouring patches shall not let the paper shine through in between.
    shading.set_edgecolor("face")
    shading.set_linewidth(0.2)
    if np.min(probability) < 0.5 < np.max(probability):
        half = ax.contour(
            x, y, probability, levels=[0.5], colors="black", linewidths=1.0, zorder=zorder + 0.5
        )
        half.set_clip_path(edge)
    ax.axis(limits)
    return shading


def probability_up(
    tensors: Float[np.ndarray, "particle 3 3"],
    weights: Float[np.ndarray, " particle"] | None = None,
    *,
    sphere: Hemisphere = LOWER,
    num: int = 101,
) -> tuple[Float[np.ndarray, " x"], Float[np.ndarray, "y x"]]:
    """Coordinates along one side of a square grid over the unit disc, and the share of tensors whose P is away from the source (0 counts half)."""
    chosen = thinned(len(tensors), _MAX_TENSORS)
    weight = normalised(None if weights is None else weights[chosen], len(chosen))
    along, places = disc_grid(num)
    blocks = [
        np.sign(p_amplitudes(tensors[chosen], part)) @ weight for part in _blocks(sphere.direction(places))
    ]
    return along, np.clip(0.5 + 0.5 * np.concatenate(blocks), 0.0, 1.0).reshape(num, num)


def draw_axis_density(
    ax: Axes,
    tensors: Float[np.ndarray, "particle 3 3"],
    weights: Float[np.ndarray, " particle"] | None = None,
    *,
    centre: tuple[float, float] = (0.0, 0.0),
    radius: float = 1.0,
    num: int = 101,
    zorder: float = 5.0,
) -> None:
    """Where the axes P and T lie: their smallest regions of 50 % (shaded) and 90 %, on the lower hemisphere in equal area."""
    limits = ax.axis()
    edge = Circle(centre, radius, facecolor="none", edgecolor="none")
    ax.add_artist(edge)
    for name, colour in AXIS_COLOURS.items():
        along, density = axis_density(tensors, weights, axis=name, num=num)
        levels = mass_levels(np.where(_on_disc(along), density, 0.0))
        if not levels[1] > levels[0] > 0:
            continue
        x, y = centre[0] + radius * along, centre[1] + radius * along
        inner = ax.contourf(
            x, y, density, levels=[levels[1], np.inf], colors=[colour], alpha=0.3, zorder=zorder
        )
        lines = ax.contour(
            x, y, density, levels=levels, colors=[colour], linewidths=[0.8, 1.3], zorder=zorder
        )
        for part in (inner, lines):
            part.set_clip_path(edge)
        ax.plot([], [], color=colour, linewidth=1.3, label=f"{name} axis, 50 % and 90 %")
    ax.axis(limits)


def axis_density(
    tensors: Float[np.ndarray, "particle 3 3"],
    weights: Float[np.ndarray, " particle"] | None = None,
    *,
    axis: str,
    num: int = 101,
) -> tuple[Float[np.ndarray, " x"], Float[np.ndarray, "y x"]]:
    """Coordinates of a grid over the unit disc, and the density of the axes "P" or "T" there per unit solid angle of the half sphere.

    With Watson's kernel, which has the same value at both ends of an axis.
    """
    chosen = thinned(len(tensors), _MAX_TENSORS)
    weight = normalised(None if weights is None else weights[chosen], len(chosen))
    _, vectors = np.linalg.eigh(np.asarray(tensors[chosen], float))
    lines = vectors[:, :, 0 if axis == "P" else 2]
    along, places = disc_grid(num)
    norm = 2 * np.pi * _half_watson(_CONCENTRATION)
    blocks = [
        np.exp(_CONCENTRATION * ((part @ lines.T) ** 2 - 1)) @ weight
        for part in _blocks(LOWER.direction(places))
    ]
    return along, np.concatenate(blocks).reshape(num, num) / norm


def thinned(num: int, most: int) -> np.ndarray:
    """Up to `most` of `num` rows, evenly spread."""
    return np.arange(num) if num <= most else np.linspace(0, num - 1, most).round().astype(int)


def _blocks(direction) -> list[np.ndarray]:
    """Directions in groups: the amplitudes of all tensors in all of them would take gigabytes."""
    flat = direction.reshape(-1, 3)
    return [flat[start : start + _BLOCK] for start in range(0, len(flat), _BLOCK)]


def _on_disc(along):
    return along[:, None] ** 2 + along[None, :] ** 2 <= 1


def _half_watson(concentration: float) -> float:
    """The integral of exp(c (t^2 - 1)) over t from 0 to 1."""
    t, weight = np.polynomial.legendre.leggauss(64)
    return float(np.sum(0.5 * weight * np.exp(concentration * ((0.5 * (t + 1)) ** 2 - 1))))
