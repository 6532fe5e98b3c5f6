"""Sizes that vary (picks per event, events per catalogue) are padded to few, so that few programs are compiled."""

import numpy as np


def bucket_size(n: int, *, minimum: int = 16) -> int:
    """The smallest power of two that is at least `n` and at least `minimum`."""
    if n < 0:
        raise ValueError(f"`n` must be >= 0, got {n}")
    size = minimum
    while size < n:
        size *= 2
    return size


def pad_axis(x: np.ndarray, size: int, *, axis: int = 0, value=0) -> np.ndarray:
    """`x` lengthened to `size` along `axis` with `value` (on the host)."""
    missing = size - x.shape[axis]
    if missing < 0:
        raise ValueError(f"axis {axis} holds {x.shape[axis]} entries, more than `size` = {size}")
    widths = [(0, 0)] * x.ndim
    widths[axis] = (0, missing)
    return np.pad(x, widths, constant_values=value)


def mask_of(n: int, size: int) -> np.ndarray:
    """Boolean array of length `size` whose first `n` entries are true."""
    return np.arange(size) < n
