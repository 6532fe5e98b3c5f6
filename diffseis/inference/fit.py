"""Fitting weights so that residuals vanish: the loop, and what it asks of a trainer."""

import abc
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, Key, PyTree

from diffseis.core.results import RESULTS, Solution

Terms = Sequence[Callable[[PyTree, PyTree], Array]]
"""Each the residual (one number or several) of weights at one point; the loss is the sum over terms of their mean squares."""

Batches = Sequence[PyTree]
"""Points of each term, stacked along the first axis."""

AVERAGING = 20.0
"""Weights are averaged over about the last one in this many of the steps so far (polynomial decay)."""

NUM_JUDGES = 4
"""Batches that decide between the last weights and their average."""

Progress = Callable[[int, float], None]
"""Called with the number of steps done and the loss."""


class StepInfo(NamedTuple):
    """How a step went.

    Attributes:
        loss: of the batch, before the step.
        fresh_loss: of points that the step was not made from, after it.
        length: of the step (a trainer's own measure).
    """

    loss: Float[Array, ""]
    fresh_loss: Float[Array, ""]
    length: Float[Array, ""]


class AbstractTrainer(eqx.Module):
    """One way of making residuals smaller."""

    @abc.abstractmethod
    def init(self, weights: PyTree) -> PyTree:
        """The state to start from."""

    @abc.abstractmethod
    def step(
        self, terms: Terms, weights: PyTree, state: Any, points: Batches, fresh: Batches
    ) -> tuple[PyTree, Any, StepInfo]:
        """New weights and state from one batch; `fresh` is a second one, independent of the first."""


def residuals_of(terms: Terms, weights: PyTree, points: Batches) -> list[Array]:
    """Residuals of each term, ``"point ..."``."""
    return [
        jax.vmap(lambda p, t=term: t(weights, p))(batch) for term, batch in zip(terms, points, strict=True)
    ]


def loss_of(terms: Terms, weights: PyTree, points: Batches) -> Float[Array, ""]:
    """Sum over terms of the mean over points of the squared residual."""
    parts = [jnp.sum(r * r) / r.shape[0] for r in residuals_of(terms, weights, points)]
    return jnp.sum(jnp.stack(parts))


def fit_residuals(
    terms: Terms,
    weights: PyTree,
    sample: Callable[[Key[Array, ""]], Batches],
    trainer: AbstractTrainer,
    *,
    num_steps: int,
    max_seconds: float | None = None,
    focus: int = 1,
    progress: Progress | None = None,
    key: Key[Array, ""],
) -> Solution[PyTree]:
    """Weights that make residuals small at random points, new ones at every step.

    Random points leave noise in the last weights. A running average of them (the last twentieth or so) is kept beside, and what has the
    smaller loss at new points is returned.

    Args:
        terms: residual functions of weights and one point (`eqx.Module`s or plain functions; arrays in modules are not compiled in).
        weights: where to start; a PyTree of arrays.
        sample: draws the points of every term from a key.
        trainer: how weights are moved.
        num_steps: largest number of steps.
        max_seconds: stop after the step in which this time (compilation not counted) is over; the answer then depends on the machine.
        focus: where above 1, this many times the points are drawn and those with large residuals kept more often.
        progress: called after every step.
        key: of the points.

    Returns:
        `Solution`: weights; ``stats["loss"]``, ``stats["fresh_loss"]`` and ``stats["length"]`` per step, ``stats["seconds"]``,
        ``stats["final_loss"]`` (at new points);
        ``state`` is the trainer's. The result is `non_finite` where the loss became so; the weights are then the last finite ones.
    """
    if num_steps < 1:
        raise ValueError(f"`num_steps` must be >= 1, got {num_steps}")
    if focus < 1:
        raise ValueError(f"`focus` must be >= 1, got {focus}")
    state = trainer.init(weights)
    terms = tuple(terms)
    count = lambda n: jnp.asarray(n, jnp.int32)
    average = weights
    stepper: Any = _one_step
    run = stepper.lower(terms, sample, trainer, focus, weights, average, state, key, count(0)).compile()
    history = []
    result = RESULTS.successful
    start = time.perf_counter()
    for number in range(num_steps):
        new, averaged, state, info = run(
            terms, sample, trainer, focus, weights, average, state, key, count(number)
        )
        row = [float(x) for x in info]
        history.append(row)
        if not np.isfinite(row[0]):
            result = RESULTS.non_finite
            break
        weights, average = new, averaged
        if progress is not None:
            progress(number + 1, row[1])
        if max_seconds is not None and time.perf_counter() - start > max_seconds:
            break
    seconds = time.perf_counter() - start
    judges = jr.split(jr.fold_in(key, num_steps), NUM_JUDGES)
    last, averaged = (float(_judge(terms, sample, w, judges)) for w in (weights, average))
    columns = np.asarray(history).T
    stats = dict(zip(StepInfo._fields, columns, strict=True))
    stats["seconds"] = np.asarray(seconds)
    stats["final_loss"] = np.asarray(min(last, averaged) if np.isfinite(averaged) else last)
    return Solution(value=average if averaged < last else weights, result=result, stats=stats, state=state)


@eqx.filter_jit
def _one_step(terms, sample, trainer, focus, weights, average, state, key, number):
    k_points, k_fresh, k_focus = jr.split(jr.fold_in(key, number), 3)
    points = tuple(sample(k_points))
    if focus > 1:
        points = _focused(terms, sample, focus, weights, points, k_focus)
    weights, state, info = trainer.step(terms, weights, state, points, tuple(sample(k_fresh)))
    share = AVERAGING / (AVERAGING + number.astype(float))
    average = jax.tree.map(lambda a, w: a + share.astype(w.dtype) * (w - a), average, weights)
    return weights, average, state, info


@eqx.filter_jit
def _judge(terms, sample, weights, keys):
    return jnp.mean(jax.lax.map(lambda key: loss_of(terms, weights, tuple(sample(key))), keys))


def _focused(terms, sample, focus, weights, points, key):
    """As many points out of `focus` times as many, drawn without replacement: half alike, half by squared residual."""
    more = [sample(jr.fold_in(key, n)) for n in range(1, focus)]
    pools = [
        jax.tree.map(lambda *x: jnp.concatenate(x), first, *rest)
        for first, *rest in zip(points, *more, strict=True)
    ]
    chosen = []
    for n, (pool, r) in enumerate(zip(pools, residuals_of(terms, weights, pools), strict=True)):
        square = jnp.sum(r.reshape(r.shape[0], -1) ** 2, axis=1)
        log_weight = jnp.log1p(square / jnp.mean(square))
        _, index = jax.lax.top_k(
            log_weight + jr.gumbel(jr.fold_in(key, focus + n), square.shape, square.dtype),
            square.shape[0] // focus,
        )
        chosen.append(jax.tree.map(lambda x, i=index: x[i], pool))
    return tuple(chosen)
