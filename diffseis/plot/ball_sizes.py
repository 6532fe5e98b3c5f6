"""How large beachballs are on a map, by magnitude and number, and the key to that."""

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D

_RADII_POINTS = (5.5, 15.0)
_PLAIN_POINTS = 10.0
_FEW, _MOST_GROWTH = 12, 2.0
_FONT_POINTS = 8.0


def ball_growth(number: int) -> float:
    """By what factor balls are larger where there are few of them."""
    return float(np.clip(np.sqrt(_FEW / max(number, 1)), 1.0, _MOST_GROWTH))


def radii_points(magnitude: Float[np.ndarray, " event"]) -> Float[np.ndarray, " event"]:
    """Radii that grow evenly with magnitude; of unknown magnitudes the smallest."""
    if not np.isfinite(magnitude).any():
        return np.full(len(magnitude), _PLAIN_POINTS)
    low, high = _magnitude_range(magnitude)
    share = np.clip((np.nan_to_num(magnitude, nan=low) - low) / (high - low), 0, 1)
    return _RADII_POINTS[0] + share * (_RADII_POINTS[1] - _RADII_POINTS[0])


def size_legend(figure: Figure, magnitude: Float[np.ndarray, " event"], growth: float) -> Legend | None:
    """Balls of whole magnitudes at the size that they have on the map, `growth` times that of `radii_points`."""
    if not np.isfinite(magnitude).any():
        return None
    low, high = _magnitude_range(magnitude)
    whole = np.arange(low, high + 0.5, max(1.0, np.ceil((high - low) / 4)))
    sizes = growth * radii_points(np.append(magnitude, whole))[-len(whole) :]
    handles = [
        Line2D(
            [], [], marker="o", linestyle="", markersize=2 * radius, color="#BBBBBB", markeredgecolor="black"
        )
        for radius in sizes
    ]
    return figure.legend(
        handles,
        [f"M {m:.0f}" for m in whole],
        loc="outside lower right",
        ncols=len(whole),
        fontsize=_FONT_POINTS,
        handlelength=2 * float(np.max(sizes)) / _FONT_POINTS,
        columnspacing=0.9,
        handletextpad=0.6,
        borderpad=1.5 * max(growth, 1.0) ** 1.5,
    )


def _magnitude_range(magnitude: np.ndarray) -> tuple[float, float]:
    low, high = float(np.floor(np.nanmin(magnitude))), float(np.ceil(np.nanmax(magnitude)))
    return low, max(high, low + 1.0)
