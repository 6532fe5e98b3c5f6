"""How a time loop is differentiated."""

import abc
import math
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import PyTree

from diffseis.wave.rims import Rims


class Loop(eqx.Module):
    """A time loop, ready to run.

    Attributes:
        operands: what steps need.
        state: what it begins with.
        forces: what acts at each step.
        num_steps: their number (static).
        body: ``body(operands, state, force) -> state, recorded`` (static).
        undo: ``undo(operands, state, force)``: the state before a step, but for its layers and their memory (static).
        rims: what surrounds the part of the grid that `undo` restores.
        moving: which of the operands have derivatives when it does: those that are not of layers alone.
    """

    operands: PyTree
    state: PyTree
    forces: PyTree
    num_steps: int = eqx.field(static=True)
    body: Callable = eqx.field(static=True)
    undo: Callable = eqx.field(static=True)
    rims: Rims
    moving: PyTree


class AbstractAdjoint(eqx.Module):
    """A way to run a time loop so that it can be differentiated. All give the same values."""

    @abc.abstractmethod
    def run(self, loop: Loop) -> tuple[PyTree, PyTree]:
        """The state at the end, and what was recorded at each step."""

    @abc.abstractmethod
    def recomputation(self, num_steps: int) -> float:
        """Steps of the wavefield that a gradient computes, forwards or backwards in time, over their number; cotangents not counted."""


class Full(AbstractAdjoint):
    """Every state is kept: the fastest where memory allows. Derivatives are exact, of any order, forward and reverse."""

    def run(self, loop: Loop) -> tuple[PyTree, PyTree]:
        return jax.lax.scan(lambda s, f: loop.body(loop.operands, s, f), loop.state, loop.forces)

    def recomputation(self, num_steps: int) -> float:
        return 1.0


class Recursive(AbstractAdjoint):
    """States are kept at checkpoints, and those between computed once more. Derivatives are exact, of any order, forward and reverse.

    Attributes:
        checkpoints: their number; by default the square root of the number of steps, at which memory is smallest.
    """

    checkpoints: int | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        if self.checkpoints is not None and self.checkpoints < 1:
            raise ValueError(f"`checkpoints` must be at least 1, got {self.checkpoints}")

    def parts(self, num_steps: int) -> tuple[int, int]:
        """Number of checkpoints, and of steps between them."""
        parts = min(self.checkpoints or math.isqrt(num_steps - 1) + 1, num_steps)
        length = -(-num_steps // parts)
        return -(-num_steps // length), length

    def run(self, loop: Loop) -> tuple[PyTree, PyTree]:
        parts, length = self.parts(loop.num_steps)
        extra = parts * length - loop.num_steps
        # Steps after the last one, without forces: what they record is cut off.
        padded = jax.tree.map(lambda x: jnp.pad(x, [(0, extra)] + [(0, 0)] * (x.ndim - 1)), loop.forces)
        split = jax.tree.map(lambda x: x.reshape(parts, length, *x.shape[1:]), padded)
        body = lambda s, f: loop.body(loop.operands, s, f)
        part = jax.checkpoint(lambda state, xs: jax.lax.scan(body, state, xs))
        state, recorded = jax.lax.scan(part, loop.state, split)
        join = lambda x: x.reshape(parts * length, *x.shape[2:])[: loop.num_steps]
        return state, jax.tree.map(join, recorded)

    def recomputation(self, num_steps: int) -> float:
        parts, length = self.parts(num_steps)
        return 2.0 * parts * length / num_steps


class BoundaryReconstruct(AbstractAdjoint):
    """Only what surrounds the grid is kept at each step; in reverse mode the wavefield is run backwards from its end.

    What is kept grows with the faces of the grid and the number of steps, what checkpoints keep with its volume: `plan` tells which is less. For equations
    without absorption. Derivatives are of first order and in reverse mode alone.
    Those by the medium are exact to rounding except on the outermost nodes next to absorbing layers, half a stencil deep, which get none (with staggered
    grids the next nodes get a part); those by positions
    are inexact where interpolation reaches into a layer, within six nodes of it.
    """

    def run(self, loop: Loop) -> tuple[PyTree, PyTree]:
        return _reconstructed(loop)

    def recomputation(self, num_steps: int) -> float:
        # Forwards, backwards, and once more for what derivatives by the medium need of each step.
        return 3.0


def _forward(loop: Loop, *, keep: bool):
    def body(state, force):
        later, recorded = loop.body(loop.operands, state, force)
        return later, (recorded, loop.rims.read(state) if keep else None)

    return jax.lax.scan(body, loop.state, loop.forces)


@eqx.filter_custom_vjp
def _reconstructed(loop: Loop):
    state, (recorded, _) = _forward(loop, keep=False)
    return state, recorded


@_reconstructed.def_fwd
def _reconstructed_fwd(perturbed, loop: Loop):
    state, (recorded, rims) = _forward(loop, keep=True)
    return (state, recorded), (state, rims)


@_reconstructed.def_bwd
def _reconstructed_bwd(residuals, cotangents, perturbed, loop: Loop):
    state, rims = residuals
    like = lambda tree: eqx.filter(tree, eqx.is_inexact_array)
    zero = lambda cotangent, tree: jax.tree.map(
        lambda x, c: jnp.zeros_like(x) if c is None else c, like(tree), cotangent, is_leaf=lambda x: x is None
    )
    state_bar, recorded_bar = cotangents
    state_bar = zero(state_bar, state)

    def body(carry, xs):
        after, bar, operands_bar = carry
        force, rim, recorded_bar = xs
        before = loop.rims.write(loop.undo(loop.operands, after, force), rim)
        step = lambda values, state, force: loop.body(eqx.combine(values, rest), state, force)
        (_, recorded), turn = jax.vjp(step, values, before, force)
        recorded_bar = jax.tree.map(
            lambda x, c: jnp.zeros_like(x) if c is None else c,
            recorded,
            recorded_bar,
            is_leaf=lambda x: x is None,
        )
        gained, bar, force_bar = turn((bar, recorded_bar))
        operands_bar = jax.tree.map(jnp.add, operands_bar, gained)
        return (before, bar, operands_bar), force_bar

    values, rest = eqx.partition(loop.operands, loop.moving)
    operands_bar = jax.tree.map(jnp.zeros_like, values)
    carry = (state, state_bar, operands_bar)
    (_, state_bar, operands_bar), forces_bar = jax.lax.scan(
        body, carry, (loop.forces, rims, recorded_bar), reverse=True
    )
    # Outside the restored part the wavefield is not the one that was: nothing is learnt there.
    shape = next(iter(state.fields.values())).shape
    operands_bar = loop.rims.keep_inside(operands_bar, shape)
    operands_bar = eqx.combine(operands_bar, jax.tree.map(jnp.zeros_like, like(loop.operands)))
    found = eqx.filter(loop, lambda x: False)
    return eqx.tree_at(
        lambda x: (x.operands, x.state, x.forces),
        found,
        (operands_bar, state_bar, forces_bar),
        is_leaf=lambda x: x is None,
    )
