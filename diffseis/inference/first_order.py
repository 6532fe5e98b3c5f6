"""Training by gradients alone: any optimiser of optax."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import PyTree

from diffseis.inference.fit import AbstractTrainer, Batches, StepInfo, Terms, loss_of
from diffseis.inference.optax_steps import optax_updates
from diffseis.inference.rotated_adam import scale_by_soap

JUDGED = 8
"""Every so many points of the second batch tell the loss after a step: all of them would cost a third of it."""


class Optax(AbstractTrainer):
    """One step of an optimiser of optax per batch.

    A step whose gradient is not finite is not taken, and leaves the optimiser's state as it was.

    Attributes:
        optimiser: what optax calls a gradient transformation, learning rate and sign included; `adam` and `soap` make two.

    Memory: twice the weights for Adam; the gradient of a batch costs about three evaluations and the memory of their intermediate
    values, points times units. No array grows with points times weights, or with the square of the number of weights: for networks that
    `Spring` and `SelfScaledBroyden` have no memory for.
    """

    optimiser: optax.GradientTransformation = eqx.field(static=True)

    def init(self, weights: PyTree) -> Any:
        return self.optimiser.init(weights)

    def step(
        self, terms: Terms, weights: PyTree, state: Any, points: Batches, fresh: Batches
    ) -> tuple[PyTree, Any, StepInfo]:
        loss, gradient = jax.value_and_grad(lambda w: loss_of(terms, w, points))(weights)
        updates, moved = optax_updates(self.optimiser, gradient, state, weights)
        new = optax.apply_updates(weights, updates)
        good = jnp.isfinite(loss) & jnp.all(
            jnp.stack([jnp.all(jnp.isfinite(x)) for x in jax.tree.leaves((gradient, updates))])
        )
        keep = lambda a, b: jax.tree.map(lambda x, y: jnp.where(good, x, y), a, b)
        new, moved = keep(new, weights), keep(moved, state)
        some = jax.tree.map(lambda x: x[::JUDGED], tuple(fresh))
        length = jnp.where(good, optax.tree.norm(updates), 0)
        return new, moved, StepInfo(loss, loss_of(terms, new, some), length)


def cosine(learning_rate: float, num_steps: int, *, warm_up: float = 0.02) -> optax.Schedule:
    """Up from zero in the first part `warm_up` of the steps, down to a thousandth along a cosine."""
    if not learning_rate > 0:
        raise ValueError(f"`learning_rate` must be positive, got {learning_rate}")
    if num_steps < 2:
        raise ValueError(f"`num_steps` must be >= 2, got {num_steps}: the rate rises and falls over them")
    if not 0 <= warm_up < 1:
        raise ValueError(f"`warm_up` is a share of the steps, at least 0 and below 1, got {warm_up}")
    return optax.warmup_cosine_decay_schedule(
        1e-3 * learning_rate, learning_rate, int(warm_up * num_steps), num_steps, 1e-3 * learning_rate
    )


def adam(num_steps: int, *, learning_rate: float = 5e-3) -> Optax:
    """Adam with the rate of `cosine`.

    Args:
        num_steps: over which the rate falls: those of the training.
        learning_rate: the largest.

    References:
        Kingma & Ba (2015), Adam: a method for stochastic optimization, arXiv:1412.6980.
    """
    return Optax(optax.adam(cosine(learning_rate, num_steps)))


def soap(num_steps: int, *, learning_rate: float = 5e-3, every: int = 10) -> Optax:
    """SOAP (`scale_by_soap`) with the rate of `cosine`.

    Args:
        num_steps: over which the rate falls: those of the training.
        learning_rate: the largest.
        every: steps between two rotations.
    """
    rate = cosine(learning_rate, num_steps)
    return Optax(optax.chain(scale_by_soap(every=every), optax.scale_by_learning_rate(rate)))
