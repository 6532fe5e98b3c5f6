"""Adam in the eigenbasis of Shampoo's preconditioner."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int, PyTree


class SoapState(NamedTuple):
    """What one step hands to the next.

    Attributes:
        number: of steps so far.
        mean: running mean of the gradients.
        square: running mean of the squared gradients, in the rotated coordinates.
        sides: per array the running means of ``G G^T`` and ``G^T G``; None for arrays that are no matrices.
        bases: their eigenvectors, nearly.
    """

    number: Int[Array, ""]
    mean: PyTree
    square: PyTree
    sides: PyTree
    bases: PyTree


def scale_by_soap(
    b1: float = 0.95, b2: float = 0.95, eps: float = 1e-8, *, every: int = 10
) -> optax.GradientTransformation:
    """Adam's step in coordinates that are turned to the eigenvectors of ``G G^T`` and ``G^T G``, matrix by matrix.

    Biases and other arrays that are no matrices are left to plain Adam. Eigenvectors follow by one power iteration and a QR decomposition; the
    running means of squares are not turned with them (as published).

    Args:
        b1, b2: decay of the means of gradients and of all squares.
        eps: added to the root of the mean square.
        every: steps between two turns.

    Memory: for a matrix of m by n, 2 m n + 2 m^2 + 2 n^2 numbers.

    References:
        Vyas et al. (2024), SOAP: improving and stabilizing Shampoo using Adam, arXiv:2409.11321.
    """
    if not (0 <= b1 < 1 and 0 <= b2 < 1):
        raise ValueError(f"`b1` and `b2` must be at least 0 and below 1, got {b1} and {b2}")
    if not eps > 0:
        raise ValueError(f"`eps` must be positive, got {eps}")
    if every < 1:
        raise ValueError(f"`every` must be >= 1, got {every}")

    def init(params):
        zeros = jax.tree.map(jnp.zeros_like, params)
        leaves = jax.tree.leaves(params)
        sides = tuple(
            tuple(jnp.zeros((n, n), x.dtype) for n in x.shape) if x.ndim == 2 else None for x in leaves
        )
        bases = tuple(
            tuple(jnp.eye(n, dtype=x.dtype) for n in x.shape) if x.ndim == 2 else None for x in leaves
        )
        return SoapState(jnp.zeros((), jnp.int32), zeros, zeros, sides, bases)

    def update(updates, state, params=None):
        del params
        number = state.number + 1
        turn = (number % every == 0) | (number == 1)
        correct = [1 - b ** number.astype(float) for b in (b1, b2)]
        flat, structure = jax.tree.flatten(updates)
        rows = []
        for g, mean, square, sides, basis in zip(
            flat,
            jax.tree.leaves(state.mean),
            jax.tree.leaves(state.square),
            state.sides,
            state.bases,
            strict=True,
        ):
            if sides is not None:
                new = (g @ g.T, g.T @ g)
                sides = tuple(b2 * s + (1 - b2) * n for s, n in zip(sides, new, strict=True))
                # The first basis comes from the first gradient, or its squares would be of no use later.
                basis = jax.lax.cond(
                    turn & (number == 1), lambda s, b: _eigenvectors(s), lambda s, b: b, sides, basis
                )
            mean = b1 * mean + (1 - b1) * g
            square = b2 * square + (1 - b2) * _turned(g, basis) ** 2
            step = _turned(mean, basis) / correct[0] / (jnp.sqrt(square / correct[1]) + eps)
            step = step if basis is None else basis[0] @ step @ basis[1].T
            if sides is not None:
                basis = jax.lax.cond(turn & (number > 1), _followed, lambda s, b: b, sides, basis)
            rows.append((step.astype(g.dtype), mean, square, sides, basis))
        steps, means, squares, sides, bases = zip(*rows, strict=True)
        whole = lambda leaves: jax.tree.unflatten(structure, leaves)
        return whole(steps), SoapState(number, whole(means), whole(squares), tuple(sides), tuple(bases))

    return optax.GradientTransformation(init, update)


def _turned(matrix, basis):
    return matrix if basis is None else basis[0].T @ matrix @ basis[1]


def _eigenvectors(sides):
    return tuple(jnp.linalg.eigh(s)[1][:, ::-1] for s in sides)


def _followed(sides, basis):
    """One power iteration from the last eigenvectors."""
    return tuple(jnp.linalg.qr(s @ b)[0] for s, b in zip(sides, basis, strict=True))
