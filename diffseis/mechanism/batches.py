"""Batches of any number of events in programs of few sizes."""

from collections.abc import Callable
from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Bool

_MOST_BYTES = 2**26
"""Of a batch's data; events of thousands of rays come in smaller batches."""

Tree = TypeVar("Tree")
Result = TypeVar("Result")


def size_of_batch(tree: object) -> int:
    """A multiple of 256 (of 16, where events are large) that holds the events of arrays with a leading axis of events."""
    leaves = jax.tree.leaves(tree)
    num = leaves[0].shape[0]
    each = sum(x.nbytes for x in leaves) // max(num, 1)
    step = 256 if 256 * each <= _MOST_BYTES else 16
    return -(-num // step) * step


@eqx.filter_jit
def grown(tree: Tree, size: int) -> Tree:
    """Arrays with a leading axis of events, lengthened by copies of the first."""

    def grow(x):
        return jnp.concatenate([x, jnp.broadcast_to(x[:1], (size - x.shape[0], *x.shape[1:]))])

    return jax.tree.map(grow, tree)


@eqx.filter_jit
def first_events(tree: Tree, num: int) -> Tree:
    """Of arrays with a leading axis of events."""
    return jax.tree.map(lambda x: x[:num], tree)


def map_there(
    function: Callable[[Tree], Result], tree: Tree, there: Bool[jax.Array, " event"], batch_size: int = 1
) -> Result:
    """`function` of one event after another (or `batch_size` at once); those that are not there are passed over, and zero.

    Args:
        function: of one event.
        tree: arrays with a leading axis of events.
        there: which are events.
        batch_size: events at once, all of which are computed where one is there.
    """
    shape = jax.eval_shape(function, jax.tree.map(lambda x: x[0], tree))
    nothing = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shape)
    one = lambda event: jax.lax.cond(event[0], lambda: function(event[1]), lambda: nothing)
    if batch_size == 1:
        return jax.lax.map(one, (there, tree))
    num = there.shape[0]
    missing = -num % batch_size
    grow = lambda x: jnp.concatenate([x, jnp.broadcast_to(x[:1], (missing, *x.shape[1:]))])
    there = jnp.concatenate([there, jnp.zeros(missing, bool)])
    apart = lambda x: x.reshape(-1, batch_size, *x.shape[1:])
    none = jax.tree.map(lambda x: jnp.zeros((batch_size, *x.shape), x.dtype), nothing)
    some = lambda group: jax.lax.cond(jnp.any(group[0]), lambda: jax.vmap(function)(group[1]), lambda: none)
    found = jax.lax.map(some, (apart(there), jax.tree.map(lambda x: apart(grow(x)), tree)))
    return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:])[:num], found)
