"""The lune: what kind of source a moment tensor is, whatever its orientation and size.

References:
    Tape & Tape (2012), A geometric setting for moment tensors, doi:10.1111/j.1365-246X.2012.05491.x; (2013), The classical model for
    moment tensors, doi:10.1093/gji/ggt302. Snyder (1987), doi:10.3133/pp1395, chapter 24 (Hammer's projection of equal areas).
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from scipy.ndimage import gaussian_filter

from diffseis.plot.densities import mass_levels, normalised
from diffseis.plot.style import OTHER_COLOUR, P_COLOUR, halo
from diffseis.source import lune_of_values

_EDGE_DEG = 30.0
_GRATICULE = {"color": "#DADADA", "linewidth": 0.6, "zorder": 1.5}
_CELL = 0.01
_SMOOTH = 4.5
"""Standard deviation of the kernel in cells: 2.6 degrees."""

_NAMED = (
    ("+ISO", 0.0, 90.0, (0, 6), "center"),
    ("−ISO", 0.0, -90.0, (0, -6), "center"),
    ("DC", 0.0, 0.0, (5, -7), "left"),
    ("+CLVD", -30.0, 0.0, (-5, 0), "right"),
    ("−CLVD", 30.0, 0.0, (5, 0), "left"),
    ("+LVD", -30.0, float(np.degrees(np.arcsin(1 / np.sqrt(3)))), (-5, 0), "right"),
    ("−LVD", 30.0, -float(np.degrees(np.arcsin(1 / np.sqrt(3)))), (5, 0), "left"),
    ("+C", -30.0, float(np.degrees(np.arcsin(5 / np.sqrt(33)))), (-5, 0), "right"),
    ("−C", 30.0, -float(np.degrees(np.arcsin(5 / np.sqrt(33)))), (5, 0), "left"),
)
"""Name, gamma, delta, and where the name stands. C is a crack in a solid of Poisson's ratio 1/4: values 3, 1, 1."""


def draw_lune(
    ax: Axes,
    gamma_deg: Float[np.ndarray, " particle"],
    delta_deg: Float[np.ndarray, " particle"],
    weights: Float[np.ndarray, " particle"] | None = None,
    *,
    preferred_deg: tuple[float, float] | None = None,
    colour: str = P_COLOUR,
    points: bool = False,
) -> None:
    """Draws on the lune: their density with the smallest regions of 50 and 90 %, over a net of 10 degrees and the arcs of simple sources.

    Args:
        ax: made an axes of equal scales without a frame.
        gamma_deg: longitude, -30 to 30.
        delta_deg: latitude, -90 to 90.
        weights: of draws, equal by default.
        preferred_deg: gamma and delta of a solution that is marked.
        points: the draws as dots, not their density.
    """
    outline = _draw_net(ax)
    _draw_arcs(ax)
    if points:
        ax.plot(
            *hammer(gamma_deg, delta_deg).T, ".", markersize=3.5, color=colour, markeredgewidth=0, zorder=3
        )
    elif len(gamma_deg):
        x, y, density = lune_density(gamma_deg, delta_deg, weights)
        levels = mass_levels(density)
        if levels[1] > levels[0] > 0:
            shades = [_faded(colour, 0.28), _faded(colour, 0.6)]
            filled = ax.contourf(x, y, density, levels=[*levels, np.inf], colors=shades, zorder=2)
            filled.set_clip_path(outline)
            lines = ax.contour(
                x, y, density, levels=levels, colors=[colour], linewidths=[0.7, 1.1], zorder=2.2
            )
            lines.set_clip_path(outline)
            ax.plot([], [], color=colour, linewidth=1.1, label="50 % and 90 %")
    if preferred_deg is not None:
        place = hammer(*(np.array([v]) for v in preferred_deg))[0]
        ax.plot(
            *place,
            "*",
            markersize=11,
            color="#F0E442",
            markeredgecolor="black",
            markeredgewidth=0.7,
            zorder=6,
            linestyle="",
            label="preferred",
        )
    ax.set_xlim(-0.95, 0.95)
    ax.set_ylim(-1.56, 1.56)
    ax.set_aspect("equal")
    ax.set_axis_off()


def hammer(
    gamma_deg: Float[np.ndarray, "*shape"], delta_deg: Float[np.ndarray, "*shape"]
) -> Float[np.ndarray, "*shape 2"]:
    """Places on paper of points of the lune, in Hammer's projection, which keeps areas."""
    longitude, latitude = np.radians(gamma_deg), np.radians(delta_deg)
    scale = np.sqrt(2 / (1 + np.cos(latitude) * np.cos(longitude / 2)))
    return np.stack([2 * scale * np.cos(latitude) * np.sin(longitude / 2), scale * np.sin(latitude)], axis=-1)


def lune_density(
    gamma_deg: Float[np.ndarray, " particle"],
    delta_deg: Float[np.ndarray, " particle"],
    weights: Float[np.ndarray, " particle"] | None = None,
) -> tuple[Float[np.ndarray, " x"], Float[np.ndarray, " y"], Float[np.ndarray, "y x"]]:
    """Coordinates on paper of cells, and the density of points in them per unit area, smoothed by 2.6 degrees; 0 outside the lune.

    What the kernel would spread over the edge stays within: at the edge the density is not halved.
    """
    edges_x, edges_y = np.arange(-0.8, 0.8 + _CELL, _CELL), np.arange(-1.5, 1.5 + _CELL, _CELL)
    x, y = 0.5 * (edges_x[1:] + edges_x[:-1]), 0.5 * (edges_y[1:] + edges_y[:-1])
    weight = normalised(weights, len(gamma_deg))
    places = hammer(np.asarray(gamma_deg), np.asarray(delta_deg))
    counts, _, _ = np.histogram2d(places[:, 1], places[:, 0], bins=(edges_y, edges_x), weights=weight)
    nodes = np.stack(np.meshgrid(x, y), axis=-1)
    inside = _outline().contains_points(nodes.reshape(-1, 2), radius=1e-9).reshape(counts.shape)
    reach = gaussian_filter(inside.astype(float), _SMOOTH, mode="constant")
    # Mass is shared out by each cell to those that its kernel reaches within the lune.
    kept = counts / np.maximum(reach, 0.05)
    density = gaussian_filter(kept, _SMOOTH, mode="constant") / _CELL**2
    return x, y, np.where(inside, density, 0.0)


def lune_degrees(tensors: Float[np.ndarray, "particle 3 3"]) -> Float[np.ndarray, "particle 2"]:
    """Gamma and delta in degrees of tensors."""
    values = np.linalg.eigvalsh(np.asarray(tensors, float))[:, ::-1]
    return _degrees_of_values(values)


def _degrees_of_values(values):
    return np.degrees(np.asarray(_lune_of_many(jnp.asarray(values)), float))


_lune_of_many = jax.jit(jax.vmap(lune_of_values))


def _outline() -> Path:
    delta = np.linspace(-90, 90, 121)
    left, right = hammer(np.full(121, -_EDGE_DEG), delta), hammer(np.full(121, _EDGE_DEG), delta[::-1])
    return Path(np.concatenate([left, right, left[:1]]), closed=True)


def _draw_net(ax: Axes) -> PathPatch:
    outline = PathPatch(_outline(), facecolor="white", edgecolor="black", linewidth=0.9, zorder=1)
    ax.add_patch(outline)
    fine = np.linspace(-90, 90, 121)
    for gamma in (-20.0, -10.0, 10.0, 20.0):
        ax.plot(*hammer(np.full(121, gamma), fine).T, **_GRATICULE)
    across = np.linspace(-_EDGE_DEG, _EDGE_DEG, 41)
    for delta in range(-80, 90, 10):
        ax.plot(*hammer(across, np.full(41, float(delta))).T, **_GRATICULE)
    return outline


def _draw_arcs(ax: Axes) -> None:
    """Arcs between kinds of sources, and their names."""
    fine = np.linspace(-90, 90, 121)
    ax.plot(*hammer(np.zeros(121), fine).T, color=OTHER_COLOUR, linewidth=0.9, zorder=1.7)
    across = np.linspace(-_EDGE_DEG, _EDGE_DEG, 41)
    ax.plot(*hammer(across, np.zeros(41)).T, color=OTHER_COLOUR, linewidth=0.9, zorder=1.7)
    share = np.linspace(0, 1, 61)[:, None]
    arcs = (
        # Two equal values and a 0 at one end, one value alone at the other.
        (np.array([1.0, 0.0, 0.0]) + share * np.array([0.0, 1.0, 0.0]), "#009E73", r"$\lambda_3=0$"),
        (np.array([0.0, 0.0, -1.0]) - share * np.array([0.0, 1.0, 0.0]), "#E69F00", r"$\lambda_1=0$"),
        (_classical(np.linspace(-1, 1, 121)), "#CC79A7", r"$\nu=1/4$"),
    )
    for values, colour, name in arcs:
        ax.plot(*hammer(*_degrees_of_values(values).T).T, color=colour, linewidth=1.1, zorder=1.8, label=name)
    for name, gamma, delta, shift, side in _NAMED:
        place = hammer(np.array(gamma), np.array(delta))
        ax.plot(*place, "o", markersize=3, color="black", zorder=4, clip_on=False)
        ax.annotate(
            name,
            (float(place[0]), float(place[1])),
            shift,
            textcoords="offset points",
            ha=side,
            va={"right": "center", "left": "center"}.get(side, "bottom" if shift[1] > 0 else "top"),
            fontsize=7.5,
            zorder=5,
            path_effects=halo(),
            snap=False,
        )


def _classical(sine: np.ndarray) -> np.ndarray:
    """Principal values of slip on a plane that opens with this sine of its angle, in a solid whose Poisson's ratio is 1/4."""
    return np.stack([2 * sine + 1, sine, 2 * sine - 1], axis=-1)


def _faded(colour: str, share: float) -> tuple[float, float, float]:
    red, green, blue = (1 - share * (1 - c) for c in to_rgb(colour))
    return red, green, blue
