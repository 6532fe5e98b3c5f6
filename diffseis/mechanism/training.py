"""Training in programs of some hundred steps, between which progress is told."""

from collections.abc import Callable
from typing import Any

import numpy as np

from diffseis.core.results import RESULTS, Solution

Steps = Callable[[Any, Any, int, int], tuple[Any, Any, Any]]
"""From a network, the optimiser's state, the number of the first step and how many: both after them, and the loss of each."""

_PIECES = 20


def train_in_pieces(
    steps: Steps,
    network: Any,
    state: Any,
    num_steps: int,
    name: str,
    progress: Callable[[int, int], None] | None = None,
) -> Solution[Any]:
    """Make steps, a twentieth of them at a time.

    Args:
        steps: makes some.
        network: to begin with.
        state: of the optimiser.
        num_steps: in all.
        name: of the loss in the result's ``stats``.
        progress: told about steps made.

    Returns:
        `Solution`: the network. The result is `non_finite` where a loss became so.
    """
    history, piece = [], max(1, num_steps // _PIECES)
    for first in range(0, num_steps, piece):
        number = min(piece, num_steps - first)
        network, state, losses = steps(network, state, first, number)
        history.append(np.asarray(losses))
        if progress is not None:
            progress(first + number, num_steps)
    losses = np.concatenate(history)
    result = RESULTS.successful if np.all(np.isfinite(losses)) else RESULTS.non_finite
    return Solution(value=network, result=result, stats={name: losses})
