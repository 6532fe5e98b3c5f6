"""Oscillators through a record: many blocks of it at once, so that the loop over time is short and wide.

First every block is run from rest; the states at the begins of blocks follow from the states at their ends; then every block is run again from its
true begin. Twice the arithmetic in a loop as long as one block.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int, PyTree

from diffseis.signal.oscillator_steps import Step, free_turn, oscillator_step

_WIDTH = 8192
_SHORTEST = 64
MULTIPLE = 16
"""Steps in a block are a multiple of this."""

Visit = Callable[[PyTree, Any, Any, Any], tuple[PyTree, Any]]


def block_shape(num_steps: int, width: int) -> tuple[int, int]:
    """Steps in a block and number of blocks for so many oscillators."""
    wanted = min(_WIDTH // max(width, 1), num_steps // _SHORTEST)
    count = 1 << max(wanted.bit_length() - 1, 0)
    length = -(-num_steps // count)
    return -(-length // MULTIPLE) * MULTIPLE, count


def run_blocks(
    acceleration: Float[Array, " time"],
    angle: Float[Array, " oscillator"],
    damping: Float[Array, " oscillator"],
    fraction: Float[Array, " oscillator"] | None,
    shape: tuple[int, int],
    visit: Visit,
    carry: PyTree,
) -> tuple[PyTree, PyTree]:
    """Runs oscillators from rest and shows their states to a function, step by step.

    Args:
        acceleration: at equal intervals; linear in between.
        angle: of one interval, ``2 pi dt / T``.
        damping: fraction of critical.
        fraction: of each step at which states are shown; None: at its end.
        shape: of `block_shape`.
        visit: ``(carry, x "block oscillator", y, sample "block") -> (carry, out)``: displacement and velocity as in
            `diffseis.signal.oscillator_steps`; `sample` counts the end of the step, and
            passes the end of the record where the last block is longer than what is left.
        carry: what `visit` begins with.

    Returns:
        The last carry, and what was returned at each step.
    """
    whole = oscillator_step(angle, damping, jnp.ones_like(angle))
    part = None if fraction is None else oscillator_step(angle, damping, fraction)
    first, last, sample = _split(acceleration, shape)
    begin = _begins(whole, angle, damping, first, last, shape)

    def advance(state, inputs):
        x, y, told = state
        first, last, sample = inputs
        first, last = first[:, None], last[:, None]
        whole_, part_ = _rows(whole), None if part is None else _rows(part)
        next_x, next_y = whole_(x, y, first, last)
        shown = (next_x, next_y) if part_ is None else part_(x, y, first, last)
        told, out = visit(told, shown[0], shown[1], sample)
        return (next_x, next_y, told), out

    (_, _, carry), out = lax.scan(advance, (*begin, carry), (first, last, sample))
    return carry, out


def _rows(step: Step) -> Step:
    return Step(*(value[None, :] for value in vars(step).values()))


def _split(acceleration, shape) -> tuple[Array, Array, Int[Array, "length block"]]:
    """Accelerations at the begin and the end of each step, and the sample at its end; steps behind the end are at rest."""
    length, count = shape
    missing = length * count - (acceleration.shape[0] - 1)
    lay = lambda values: jnp.pad(values, (0, missing)).reshape(count, length).T
    sample = np.arange(1, length * count + 1, dtype=np.int32).reshape(count, length).T
    return lay(acceleration[:-1]), lay(acceleration[1:]), jnp.asarray(sample)


def _begins(whole, angle, damping, first, last, shape) -> tuple[Array, Array]:
    """States at the begins of blocks."""
    length, count = shape
    rest = jnp.zeros((count, angle.shape[0]), angle.dtype)
    if count == 1:
        return rest, rest
    row = _rows(whole)

    def from_rest(state, inputs):
        first, last = inputs
        x, y = state
        return row(x, y, first[:, None], last[:, None]), None

    ends, _ = lax.scan(from_rest, (rest, rest), (first, last))
    turn = free_turn(length * angle, damping)

    def across(state, own):
        x, y = state
        rest = jnp.zeros_like(x)
        next_x, next_y = turn(x, y, rest, rest)
        return (next_x + own[0], next_y + own[1]), state

    _, begins = lax.scan(across, (rest[0], rest[0]), ends)
    return begins
