"""Where optax is called."""

from typing import Any

import jax
import optax
from jaxtyping import PyTree


def optax_updates(
    optimiser: optax.GradientTransformation, gradient: PyTree, state: Any, weights: PyTree
) -> tuple[PyTree, Any]:
    """What to add to the weights, and the optimiser's state after it: optax mixes dtypes and ranks, which diffseis forbids elsewhere."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        return optimiser.update(gradient, state, weights)
