"""Minimising losses whose gradients are costly: a call of the host's for each, counted; nothing else is compiled.

`descend` follows any optimiser of optax, with other data at every step if wanted. `lbfgs` keeps to one function and makes every step a descent.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PyTree

from diffseis.core.results import RESULTS, Solution
from diffseis.inference.fit import Progress
from diffseis.inference.optax_steps import optax_updates

Loss = Callable[[Any, Any], Float[Array, ""]]
"""Of a model, and of data (both PyTrees of arrays)."""

ARMIJO = 1e-4
"""Share of the decrease that the slope promises which a step must bring."""


def descend(
    loss: Loss,
    start: PyTree,
    data: Callable[[int], PyTree],
    optimiser: optax.GradientTransformation,
    *,
    num_steps: int,
    progress: Progress | None = None,
) -> Solution[PyTree]:
    """Steps of an optimiser of optax, one gradient each.

    Args:
        loss: of the model and of the data of a step.
        start: the model to begin with.
        data: of a step, by its number from 0; of the same shapes always.
        optimiser: with learning rate and sign.
        num_steps: steps made.
        progress: called after every step with the loss before it.

    Returns:
        `Solution`: the last model; ``stats["loss"]`` before each step, ``stats["num_gradients"]``. The result is `non_finite` where a loss or
        gradient became so; the model is then the last one that had both.
    """
    _check(num_steps)
    evaluate = eqx.filter_jit(eqx.filter_value_and_grad(loss))
    model, state, losses = start, optimiser.init(start), []
    result = RESULTS.successful
    before = start
    for number in range(num_steps):
        value, slope = evaluate(model, data(number))
        losses.append(float(value))
        if not _finite(value, slope):
            model, result = before, RESULTS.non_finite
            break
        before = model
        updates, state = _update(optimiser, slope, state, model)
        model = optax.apply_updates(model, updates)
        if progress is not None:
            progress(number + 1, losses[-1])
    stats = {"loss": np.asarray(losses), "num_gradients": len(losses)}
    return Solution(value=model, result=result, stats=stats, state=state)


def lbfgs(
    loss: Loss,
    start: PyTree,
    data: PyTree,
    *,
    num_steps: int,
    first_change: float,
    memory: int = 8,
    max_trials: int = 8,
    tolerance: float = 0.0,
    progress: Progress | None = None,
) -> Solution[PyTree]:
    """Limited-memory BFGS, its steps shortened until each brings a descent (Armijo's condition).

    Most steps cost one gradient: the first length tried is the whole step, and its value comes with its gradient.

    Args:
        loss: of the model and the data.
        start: the model to begin with, a PyTree of arrays.
        data: handed to the loss.
        num_steps: largest number of steps.
        first_change: the first step's largest change of any unknown, since no curvature is known yet.
        memory: pairs of steps and changes of slope that are kept.
        max_trials: lengths tried for one step.
        tolerance: end where a step has made the loss smaller by less than this part of it.
        progress: called after every step with the loss after it.

    Returns:
        `Solution`: the model of the smallest loss; ``stats["loss"]`` of the start and after each step, ``stats["num_gradients"]``. The result is
        `max_steps_reached` where steps went on to the last, `non_finite` where the start's loss or gradient is not finite.

    References:
        Liu & Nocedal (1989), On the limited memory BFGS method for large scale optimization, doi:10.1007/BF01589116.
    """
    _check(num_steps)
    if not first_change > 0:
        raise ValueError(f"`first_change` must be above 0, got {first_change}")
    if memory < 1 or max_trials < 1:
        raise ValueError(f"`memory` and `max_trials` must be at least 1, got {memory} and {max_trials}")
    evaluate = eqx.filter_jit(eqx.filter_value_and_grad(loss))
    inverse = optax.scale_by_lbfgs(memory, scale_init_precond=False)
    model, state = start, inverse.init(start)
    value, slope = evaluate(model, data)
    losses, count = [float(value)], 1
    stats = lambda: {"loss": np.asarray(losses), "num_gradients": count}
    if not _finite(value, slope):
        return Solution(value=start, result=RESULTS.non_finite, stats=stats(), state=state)
    result = RESULTS.max_steps_reached
    for number in range(num_steps):
        direction, state = _update(inverse, slope, state, model)
        scale = 1.0
        if number == 0:
            largest = max(float(jnp.max(jnp.abs(d))) for d in jax.tree.leaves(direction) if d.size)
            scale = first_change / largest if largest > 0 else 0.0
        direction = jax.tree.map(lambda d, s=scale: -s * d, direction)
        found, trials = _shortened(evaluate, data, model, losses[-1], slope, direction, max_trials)
        count += trials
        if found is None:
            result = RESULTS.successful
            break
        model, value, slope = found
        losses.append(value)
        if progress is not None:
            progress(number + 1, value)
        if losses[-2] - value < tolerance * abs(losses[-2]):
            result = RESULTS.successful
            break
    return Solution(value=model, result=result, stats=stats(), state=state)


def _shortened(evaluate, data, model, value: float, slope, direction, max_trials: int):
    """Model, loss and gradient after the first length that descends (None where none does), and how many were tried."""
    parts = zip(jax.tree.leaves(slope), jax.tree.leaves(direction), strict=True)
    along = sum(float(jnp.vdot(s, d)) for s, d in parts)
    if not along < 0:
        return None, 0
    length = 1.0
    for trial in range(1, max_trials + 1):
        there = jax.tree.map(lambda m, d, t=length: m + t * d, model, direction)
        new, new_slope = evaluate(there, data)
        new = float(new)
        if _finite(new, new_slope) and new <= value + ARMIJO * length * along:
            return (there, new, new_slope), trial
        # The lowest point of the parabola through what is known, within bounds.
        bend = 2 * (new - value - length * along)
        guess = -along * length**2 / bend if np.isfinite(new) and bend > 0 else 0.0
        length = float(np.clip(guess, 0.1 * length, 0.5 * length))
    return None, max_trials


_update = eqx.filter_jit(optax_updates)


def _finite(value, slope) -> bool:
    return bool(np.isfinite(float(value))) and all(
        bool(jnp.all(jnp.isfinite(g))) for g in jax.tree.leaves(slope)
    )


def _check(num_steps: int) -> None:
    if num_steps < 1:
        raise ValueError(f"`num_steps` must be at least 1, got {num_steps}")
