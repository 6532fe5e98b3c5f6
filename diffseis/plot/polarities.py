"""First motions of stations on the focal sphere."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.transforms import Affine2D

from diffseis.plot.focal_sphere import LOWER, Hemisphere, ray_direction
from diffseis.plot.labels import place_names
from diffseis.plot.names import plain_text
from diffseis.plot.style import STATION_COLOUR
from diffseis.source import p_amplitudes

UP_COLOUR = "#1F1F1F"
DOWN_COLOUR = "white"
WRONG_COLOUR = "#D62728"
_MAX_NAMES = 60
_KINDS = (
    (1, False, "first motion up"),
    (1, True, "up, against the mechanism"),
    (-1, False, "first motion down"),
    (-1, True, "down, against the mechanism"),
)


def draw_polarities(
    ax: Axes,
    azimuth_deg: Float[np.ndarray, " ray"],
    takeoff_deg: Float[np.ndarray, " ray"],
    polarity: Float[np.ndarray, " ray"],
    *,
    tensor: Float[np.ndarray, "3 3"] | None = None,
    amplitude: Float[np.ndarray, " ray"] | None = None,
    names: Sequence[str] | None = None,
    centre: tuple[float, float] = (0.0, 0.0),
    radius: float = 1.0,
    sphere: Hemisphere = LOWER,
    size_points: float = 6.5,
    zorder: float = 6.0,
) -> Float[np.ndarray, "ray 2"]:
    """Rays where they leave the focal sphere: filled where the first motion is up (compression), open where down.

    Rays that leave through the other half are drawn where their other end comes out: at azimuth + 180°, 180° - take-off. Those without a
    polarity (0 or NaN) are small crosses.

    Args:
        ax: to draw in.
        azimuth_deg: from north, at the source.
        takeoff_deg: from down: 0 down, 90 level, 180 up.
        polarity: -1 (down) to 1 (up); the symbol's area goes with its absolute value.
        tensor: those that disagree with the sign of its P have a red edge.
        amplitude: absolute amplitudes in any unit, which take the place of |polarity| for the size: its width goes with their root.
        names: of stations, written where there is room; limits and layout of `ax` have to be final.
        centre, radius: of the ball, in the coordinates of `ax`.
        sphere: which half, in which projection.
        size_points: diameter of the largest symbols.

    Returns:
        Where the rays are, x and y in the coordinates of `ax`.
    """
    direction = ray_direction(azimuth_deg, takeoff_deg)
    places = Affine2D().scale(radius).translate(*centre).transform(sphere.place(direction).reshape(-1, 2))
    known = np.isfinite(polarity) & (polarity != 0)
    width = _relative_width(polarity, amplitude)
    wrong = disagrees(tensor, azimuth_deg, takeoff_deg, polarity)
    for sign, against, label in _KINDS:
        mine = known & (np.sign(polarity) == sign) & (wrong == against)
        if not mine.any():
            continue
        ax.scatter(
            *places[mine].T,
            s=(size_points * width[mine]) ** 2,
            facecolors=UP_COLOUR if sign > 0 else DOWN_COLOUR,
            edgecolors=WRONG_COLOUR if against else ("white" if sign > 0 else UP_COLOUR),
            linewidths=1.7 if against else (0.5 if sign > 0 else 0.9),
            # What disagrees shall not be hidden by what agrees.
            zorder=zorder + 0.1 * against,
            label=f"{label} ({mine.sum()})",
            clip_on=False,
        )
    if not known.all():
        ax.scatter(
            *places[~known].T,
            marker="x",
            s=(0.5 * size_points) ** 2,
            color="#6B6B6B",
            linewidths=0.8,
            zorder=zorder - 0.1,
            label=f"no polarity ({(~known).sum()})",
            clip_on=False,
        )
    if names is not None and 0 < len(names) <= _MAX_NAMES:
        texts = [plain_text(str(name)) for name in names]
        place_names(ax, texts, places, np.zeros((0, 2)), fontsize=6.0, colour=STATION_COLOUR)
    return places


def disagrees(
    tensor: Float[np.ndarray, "3 3"] | None,
    azimuth_deg: Float[np.ndarray, " ray"],
    takeoff_deg: Float[np.ndarray, " ray"],
    polarity: Float[np.ndarray, " ray"],
) -> np.ndarray:
    """Whether polarities (0 and NaN are none) are against the sign of a tensor's P; without a tensor none is."""
    if tensor is None:
        return np.zeros(len(polarity), dtype=bool)
    predicted = p_amplitudes(np.asarray(tensor, float), ray_direction(azimuth_deg, takeoff_deg))
    return np.nan_to_num(polarity) * predicted < 0


def _relative_width(polarity, amplitude):
    """Diameters over the largest one; none so small that its kind cannot be told."""
    size = np.abs(np.nan_to_num(polarity if amplitude is None else amplitude))
    largest = np.max(size, initial=0.0) if amplitude is not None else 1.0
    return np.clip(np.sqrt(size / largest) if largest > 0 else np.ones_like(size), 0.45, 1.0)
