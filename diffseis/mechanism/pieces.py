"""Sums over an event's rays, a few rays at a time."""

from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

PIECE = 4
"""Rays at once: what they need of all sources of a grid stays in a core's cache, and few of them are only padding."""

Tree = TypeVar("Tree")


def sum_over_rays(
    function: Callable[[Tree], Float[Array, " source"]],
    rays: Tree,
    mask: Bool[Array, " ray"],
    total: Float[Array, " source"],
) -> Float[Array, " source"]:
    """What `function` makes of pieces of the rays, added to `total`; pieces that hold padding alone are passed over (unless events are mapped over at once).

    Args:
        function: of a piece: the arrays of `rays`, fewer of them; must give 0 for rays that are padding, whose values are 0.
        rays: arrays with a leading axis of rays.
        mask: which rays there are.
        total: to begin with.
    """
    num = mask.shape[0]
    missing = -num % PIECE
    cut = lambda x: jnp.pad(x, ((0, missing), *((0, 0),) * (x.ndim - 1))).reshape(-1, PIECE, *x.shape[1:])

    @jax.checkpoint
    def add(total, piece):
        some, rays = piece
        return jax.lax.cond(some, lambda t: t + function(rays), lambda t: t, total), None

    pieces = (jnp.any(cut(mask), axis=1), jax.tree.map(cut, rays))
    if num <= PIECE:
        return total + function(jax.tree.map(lambda x: x[0], pieces[1]))
    return jax.lax.scan(add, total, pieces)[0]


def ray_by_ray(function: Callable[..., Float[Array, " source"]], *rays) -> list[Float[Array, " source"]]:
    """What `function` makes of each ray of a piece, written out: mapped, or reduced over rays by XLA, the same arithmetic takes up to ten times as long on CPU.

    Args:
        function: of as many trees of arrays as there are of `rays`, each without the axis of rays.
        rays: arrays with a leading axis of rays.
    """
    num = jax.tree.leaves(rays)[0].shape[0]
    return [function(*jax.tree.map(lambda x, i=i: x[i], rays)) for i in range(num)]
