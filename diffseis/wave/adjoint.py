"""How a time loop is differentiated."""

import abc
import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import PyTree


class AbstractAdjoint(eqx.Module):
    """A way to run a time loop so that it can be differentiated. All give the same values and the same exact derivatives."""

    @abc.abstractmethod
    def loop(self, body, state: PyTree, forces: PyTree, num_steps: int) -> tuple[PyTree, PyTree]:
        """``lax.scan(body, state, forces)``."""


class Full(AbstractAdjoint):
    """Every state is kept: the fastest where memory allows."""

    def loop(self, body, state: PyTree, forces: PyTree, num_steps: int) -> tuple[PyTree, PyTree]:
        return jax.lax.scan(body, state, forces)


class Recursive(AbstractAdjoint):
    """States are kept at checkpoints, and those between computed once more.

    Attributes:
        checkpoints: their number; by default the square root of the number of steps, at which memory is smallest.
    """

    checkpoints: int | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        if self.checkpoints is not None and self.checkpoints < 1:
            raise ValueError(f"`checkpoints` must be at least 1, got {self.checkpoints}")

    def loop(self, body, state: PyTree, forces: PyTree, num_steps: int) -> tuple[PyTree, PyTree]:
        parts = min(self.checkpoints or math.isqrt(num_steps - 1) + 1, num_steps)
        length = -(-num_steps // parts)
        parts = -(-num_steps // length)
        extra = parts * length - num_steps
        # Steps after the last one, without forces: what they record is cut off.
        padded = jax.tree.map(lambda x: jnp.pad(x, [(0, extra)] + [(0, 0)] * (x.ndim - 1)), forces)
        split = jax.tree.map(lambda x: x.reshape(parts, length, *x.shape[1:]), padded)
        part = jax.checkpoint(lambda state, xs: jax.lax.scan(body, state, xs))
        state, recorded = jax.lax.scan(part, state, split)
        join = lambda x: x.reshape(parts * length, *x.shape[2:])[:num_steps]
        return state, jax.tree.map(join, recorded)
