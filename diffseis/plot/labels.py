"""Names beside points, placed so that they cover neither each other nor the points."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

_SIDES = np.array([(0, 1), (1, 0), (-1, 0), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1)])
"""Where a name may stand, the best place first: right and up from its point."""

_CORNERS = np.array([[[0.0, 0.0], [0.42, 0.085]], [[0.9, 0.0], [1.0, 0.12]]])
"""Where `geometry.scale_bar` and `geometry.north_arrow` stand, in fractions of the axes."""

_MARKER_POINTS = 4.0
"""Half the size of the symbol that a name stands beside."""


def place_names(
    ax: Axes,
    names: list[str],
    places: np.ndarray,
    obstacles: np.ndarray,
    *,
    fontsize: float,
    colour: str,
    marker_points: float | np.ndarray = _MARKER_POINTS,
) -> int:
    """Write `names` at `places` (x, y in data), once limits and layout of `ax` are final.

    A name keeps clear of other names, of `places`, of scale bar and arrow, and of `obstacles` (points, too) as far as it can. One that finds
    no room inside the axes is left out. `marker_points` are half the sizes of the symbols at `places`, of one or of each. Returns how many were written.
    """
    to_points = 72.0 / ax.figure.dpi
    frame = np.asarray(ax.get_window_extent().get_points()) * to_points
    at = ax.transData.transform(places.reshape(-1, 2)) * to_points
    other = ax.transData.transform(obstacles.reshape(-1, 2)) * to_points
    size = np.broadcast_to(np.asarray(marker_points, float), len(names))
    taken = frame[0] + _CORNERS * (frame[1] - frame[0])
    for row, name in enumerate(names):
        half = 0.5 * np.array([0.64 * fontsize * len(name), 1.1 * fontsize])
        shift = _best_shift(at, size, row, half, taken, other, frame)
        if shift is None:
            continue
        taken = np.concatenate([taken, _box(at[row] + shift, half)[None]])
        ax.annotate(
            name,
            places[row],
            xytext=(float(shift[0]), float(shift[1])),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=fontsize,
            color=colour,
            zorder=8,
            path_effects=[withStroke(linewidth=1.8, foreground="white", alpha=0.85)],
            # Else the bars of names of straight letters alone, such as ETT, can vanish between pixels.
            snap=False,
        )
    return len(taken) - len(_CORNERS)


def _best_shift(
    at: np.ndarray,
    size: np.ndarray,
    row: int,
    half: np.ndarray,
    taken: np.ndarray,
    obstacles: np.ndarray,
    frame: np.ndarray,
) -> np.ndarray | None:
    """From the point of a row to the middle of its name: the side that covers fewest obstacles; None if no side is free."""
    best, least = None, np.inf
    point, symbols = at[row], np.delete(at, row, axis=0)
    clearance = np.delete(size, row)[:, None] - 1.0
    for side in _SIDES:
        shift = side * (half + size[row]) * (0.85 if np.all(side) else 1.0)
        box = _box(point + shift, half)
        clear = not np.any(_overlap(box, taken)) and not np.any(_inside(box, symbols, clearance))
        if clear and np.all(box[0] >= frame[0]) and np.all(box[1] <= frame[1]):
            covered = int(np.sum(_inside(box, obstacles, 1.0)))
            if covered < least:
                best, least = shift, covered
    return best


def _box(centre: np.ndarray, half: np.ndarray) -> np.ndarray:
    return np.stack([centre - half, centre + half])


def _overlap(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    return np.all((others[:, 0] < box[1]) & (others[:, 1] > box[0]), axis=1)


def _inside(box: np.ndarray, points: np.ndarray, margin: float | np.ndarray) -> np.ndarray:
    return np.all((points > box[0] - margin) & (points < box[1] + margin), axis=1)
