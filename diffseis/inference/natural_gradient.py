"""Natural-gradient training of networks on residuals."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PyTree

from diffseis.inference.fit import AbstractTrainer, Batches, StepInfo, Terms, loss_of


class SpringState(eqx.Module):
    """What one step hands to the next.

    Attributes:
        direction: what the last step left of its direction, over the flat weights.
        loss: of the last batch before its step, which sets the damping.
    """

    direction: Float[Array, " weight"]
    loss: Float[Array, ""]


class Spring(AbstractTrainer):
    """Gauss-Newton in its small kernel form with momentum, and a line search.

    With residuals r, their Jacobian J and the last direction d, the new direction is the one closest to ``momentum * d`` that solves ``J d =
    r`` in the damped least-squares sense, ``d = momentum d + J^T (J J^T + lambda)^-1 (r - momentum J d)``: a solve with as many unknowns
    as there are residuals in a batch, however many weights. The step along it is halved as long as that lessens the loss of a batch that
    the direction was not made from, so that noise is not fitted.

    A step of length l leaves ``(1 - l) d`` of the direction to do, and that is what the next one starts from.

    Attributes:
        damping: lambda over the mean squared residual (all residuals carry the weight of one over their number). Larger where the batch
            is far smaller than the number of weights and the residuals cannot vanish.
        least_damping: floor of lambda.
        momentum: share of the last direction that is kept.
        num_halvings: lengths tried are 1, 1/2, ... 2^-num_halvings.

    Cost of a step: the Jacobian (memory: residuals times weights), its Gram matrix, and `num_halvings` evaluations.

    References:
        Goldshlager, Abrahamsen & Lin (2024), A Kaczmarz-inspired approach to accelerate the optimization of neural network
        wavefunctions, doi:10.1016/j.jcp.2024.113351. Müller & Zeinhofer (2023), Achieving high accuracy with PINNs via energy natural
        gradient descent, arXiv:2302.13163.
    """

    damping: float = 0.01
    least_damping: float = 1e-12
    momentum: float = 0.9
    num_halvings: int = eqx.field(static=True, default=8)

    def __check_init__(self):
        if not (self.damping > 0 and self.least_damping > 0):
            raise ValueError(f"`damping` must be positive, got {self.damping} and {self.least_damping}")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"`momentum` must be at least 0 and below 1, got {self.momentum}")
        if self.num_halvings < 1:
            raise ValueError(f"`num_halvings` must be >= 1, got {self.num_halvings}")

    def init(self, weights: PyTree) -> SpringState:
        flat, _ = ravel_pytree(weights)
        return SpringState(jnp.zeros_like(flat), jnp.ones((), flat.dtype))

    def step(
        self, terms: Terms, weights: PyTree, state: SpringState, points: Batches, fresh: Batches
    ) -> tuple[PyTree, SpringState, StepInfo]:
        flat, unravel = ravel_pytree(weights)
        r, jacobian = _linearise(terms, flat, unravel, points)
        loss = jnp.sum(r * r)
        damping = jnp.maximum(self.damping * loss, self.least_damping)
        kept = self.momentum * state.direction
        gram = jacobian @ jacobian.T + damping * jnp.eye(r.shape[0], dtype=r.dtype)
        alpha = jax.scipy.linalg.solve(gram, r - jacobian @ kept, assume_a="pos")
        direction = kept + jacobian.T @ alpha

        lengths = 2.0 ** -jnp.arange(self.num_halvings + 1, dtype=flat.dtype)
        tried = jax.lax.map(lambda e: loss_of(terms, unravel(flat - e * direction), fresh), lengths)
        tried = jnp.where(jnp.isfinite(tried), tried, jnp.inf)
        best = jnp.argmin(tried)
        # Where no length has a finite loss the step is not taken and the momentum is forgotten.
        moves = jnp.isfinite(tried[best]) & jnp.all(jnp.isfinite(direction))
        length = jnp.where(moves, lengths[best], 0)
        direction = jnp.where(moves, direction, 0)
        new = unravel(flat - length * direction)
        return new, SpringState((1 - length) * direction, loss), StepInfo(loss, tried[best], length)


def _linearise(terms, flat, unravel, points):
    """All residuals, each over the root of its number, and their Jacobian by the flat weights."""

    def of_term(term, batch):
        def one(flat, point):
            return jnp.atleast_1d(term(unravel(flat), point))

        def value_and_jacobian(point):
            value, pull = jax.vjp(lambda w: one(w, point), flat)
            return value, jax.vmap(lambda c: pull(c)[0])(jnp.eye(value.shape[0], dtype=value.dtype))

        value, jacobian = jax.vmap(value_and_jacobian)(batch)
        scale = value.shape[0] ** -0.5
        return value.reshape(-1) * scale, jacobian.reshape(-1, flat.shape[0]) * scale

    parts = [of_term(term, batch) for term, batch in zip(terms, points, strict=True)]
    return tuple(jnp.concatenate(part) for part in zip(*parts, strict=True))
