"""Measures that do not depend on how instruments were turned, from values at every whole degree."""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

At = Callable[[Int[Array, "*choice column"]], Float[Array, "*choice column"]]


def choose_percentile(
    by_angle: Float[Array, "angle column"], at: At, percentile: float
) -> tuple[Float[Array, " column"], Float[Array, " column"]]:
    """A percentile over angles, linear between the two values next to it, and the angle in degrees of the nearer one.

    Args:
        by_angle: values at 0, 1, ... degrees.
        at: the same values at angles of choice, differentiable.
        percentile: from 0 to 100.
    """
    if not 0 <= percentile <= 100:
        raise ValueError(f"`percentile` must be from 0 to 100, got {percentile}")
    order = jnp.argsort(by_angle, axis=0)
    rank = percentile / 100 * (by_angle.shape[0] - 1)
    below = min(int(rank), by_angle.shape[0] - 2)
    share = rank - below
    chosen = order[below : below + 2]
    # One angle where the percentile is that of one.
    if share in (0.0, 1.0):
        chosen = chosen[int(share)]
        return at(chosen[None])[0], chosen.astype(by_angle.dtype)
    low, high = at(chosen)
    return low + share * (high - low), chosen[int(share > 0.5)].astype(by_angle.dtype)
