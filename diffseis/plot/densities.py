"""Levels of densities on a plane."""

import numpy as np
from jaxtyping import Float


def mass_levels(
    density: Float[np.ndarray, "y x"], shares: tuple[float, ...] = (0.9, 0.5)
) -> Float[np.ndarray, " level"]:
    """Densities above which lie these shares of the whole, on cells of equal area; rising, for falling shares.

    The contours at these levels are the smallest regions that hold so much.
    """
    falling = np.sort(density, axis=None)[::-1]
    held = np.cumsum(falling)
    if not held[-1] > 0:
        return np.zeros(len(shares))
    rows = np.searchsorted(held, np.asarray(shares) * held[-1])
    return falling[np.minimum(rows, len(falling) - 1)]


def normalised(weights: np.ndarray | None, num: int) -> Float[np.ndarray, " particle"]:
    """Weights of sum 1; equal ones where none are given."""
    if weights is None:
        return np.full(num, 1.0 / max(num, 1))
    if len(weights) != num or not np.sum(weights) > 0:
        raise ValueError(f"`weights` must be {num} numbers with a positive sum, got {len(weights)}")
    return np.asarray(weights, float) / np.sum(weights)
