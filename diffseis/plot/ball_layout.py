"""Places for discs on a plane where they do not overlap, near where they belong."""

import numpy as np
from jaxtyping import Float
from scipy.spatial import KDTree

_STEPS = 300
_SETTLED = 220
"""From this step on only overlaps count."""

_GAP = 1.06
"""Least distance of neighbours over the sum of their radii."""

_PULL = 0.08
_FULL = 0.45
"""Share of the frame that discs may fill."""

_TRIES, _SMALLER, _FAR = 4, 0.82, 1.6


def spread_discs(
    homes: Float[np.ndarray, "disc 2"],
    radii: Float[np.ndarray, " disc"],
    frame: Float[np.ndarray, "2 2"],
    *,
    dot: float = 2.0,
) -> tuple[Float[np.ndarray, "disc 2"], Float[np.ndarray, " disc"]]:
    """Centres and radii of discs inside a frame (lower and upper corner) that keep clear of each other.

    Those that would overlap move aside until, where there is room, the homes of all that moved can be seen between them, and no further. Where they
    would fill the frame or move by more than 1.6 radii on average, all shrink by one factor.

    Args:
        homes: where the centres belong.
        radii: in the same unit.
        frame: that no disc crosses.
        dot: radius of what stands at the homes of discs that moved.
    """
    if not len(homes):
        return homes, radii
    room = _FULL * np.prod(frame[1] - frame[0])
    radii = radii * min(1.0, float(np.sqrt(room / max(np.pi * np.sum(radii**2), 1e-300))))
    centres = _spread(homes, radii, frame, dot)
    for _ in range(_TRIES):
        if np.mean(np.linalg.norm(centres - homes, axis=1)) <= _FAR * np.mean(radii):
            break
        radii = radii * _SMALLER
        centres = _spread(homes, radii, frame, dot)
    return centres, radii


def _spread(homes, radii, frame, dot) -> np.ndarray:
    num = len(homes)
    crowded = np.linalg.norm(_push(homes, _GAP * radii, num), axis=1) > 0
    crowded[_twins(homes)] = True
    if not crowded.any():
        return homes
    # Discs part in the direction from the middle; those at one place need directions of their own.
    angle = 2.399963 * np.arange(num)
    away = homes - np.mean(homes[crowded], axis=0)
    away = away / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-9)
    nudge = away + 0.3 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    centres = np.where(crowded[:, None], homes + 0.3 * radii[:, None] * nudge, homes)
    dots, sizes = homes[crowded], np.concatenate([_GAP * radii, np.full(int(crowded.sum()), dot)])
    for step in range(_STEPS):
        if step < _SETTLED:
            pull = np.where(crowded[:, None], _PULL * (1 - step / _SETTLED), 0.0)
            push = _push(np.concatenate([centres, dots]), sizes, num)
            centres = centres + pull * (homes - centres) + push
        else:
            centres = centres + _push(centres, sizes[:num], num)
        centres = np.clip(centres, frame[0] + radii[:, None], frame[1] - radii[:, None])
    return centres


def _push(places, sizes, num) -> np.ndarray:
    """The sum of half the overlaps of the first `num` discs with all others, away from these; the rest stays where it is."""
    first, second = KDTree(places).query_pairs(2 * float(np.max(sizes)), output_type="ndarray").T
    apart = places[first] - places[second]
    distance = np.linalg.norm(apart, axis=1)
    lacking = np.maximum(sizes[first] + sizes[second] - distance, 0.0)
    move = (0.5 * lacking / np.maximum(distance, 1e-9))[:, None] * apart
    total = np.zeros_like(places)
    np.add.at(total, first, move)
    np.add.at(total, second, -move)
    return total[:num]


def _twins(homes) -> np.ndarray:
    """Which places are the same as another's: nothing says where to push these."""
    _, group, count = np.unique(homes, axis=0, return_inverse=True, return_counts=True)
    return count[group.reshape(-1)] > 1
