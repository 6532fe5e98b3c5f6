"""Principal values and axes of a symmetric tensor, with derivatives that stay finite where values coincide.

By Jacobi's rotations, in plain arithmetic: they are accurate for close values, map over millions of tensors, and need no LAPACK (whose batched calls on XLA's CPU
threads were seen to wait for each other for ever).

References:
    Golub & Van Loan (2013), Matrix computations, section 8.5.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.core import safe

_SWEEPS = 6
"""Convergence is quadratic: tensors of three rows need four or five in double precision."""


@jax.custom_jvp
def principal(tensor: Float[Array, "3 3"]) -> tuple[Float[Array, "3"], Float[Array, "3 3"]]:
    """Eigenvalues from the largest, and a right-handed frame of unit eigenvectors as columns.

    Of a moment tensor they belong to the axes T, B and P. Where eigenvalues coincide their vectors are any of many: the frame's derivative
    within that plane is given as 0 (the values' derivatives, and those of anything that does not depend on the choice, are right).
    """

    if tensor.shape != (3, 3):
        raise ValueError(
            f"one tensor of 3 by 3 is expected, got the shape {tensor.shape}: map over more with `jax.vmap`"
        )
    nn, ne, nd = tensor[0, 0], 0.5 * (tensor[0, 1] + tensor[1, 0]), 0.5 * (tensor[0, 2] + tensor[2, 0])
    ee, ed, dd = tensor[1, 1], 0.5 * (tensor[1, 2] + tensor[2, 1]), tensor[2, 2]
    eye = jnp.eye(3, dtype=tensor.dtype)
    start = ((nn, ee, dd), (ed, nd, ne), (eye[0], eye[1], eye[2]))
    values, _, axes = jax.lax.fori_loop(0, _SWEEPS, _sweep, start)
    return _sorted(list(values), list(axes))


def _sweep(_, state):
    """One rotation for each element off the diagonal; `off` holds each at the place of the row that it does not belong to."""
    values, off, axes = (list(part) for part in state)
    for r, p, q in ((2, 0, 1), (1, 0, 2), (0, 1, 2)):
        none = off[r] == 0
        ratio = (values[q] - values[p]) / jnp.where(none, 1, 2 * off[r])
        tangent = jnp.where(ratio >= 0, 1, -1) / (jnp.abs(ratio) + jnp.sqrt(ratio**2 + 1))
        tangent = jnp.where(none, 0, tangent)
        cosine = 1 / jnp.sqrt(tangent**2 + 1)
        sine = tangent * cosine
        values[p], values[q] = values[p] - tangent * off[r], values[q] + tangent * off[r]
        # The element of rows r and p lies at q, that of r and q at p.
        off[q], off[p] = cosine * off[q] - sine * off[p], sine * off[q] + cosine * off[p]
        off[r] = jnp.zeros_like(off[r])
        axes[p], axes[q] = cosine * axes[p] - sine * axes[q], sine * axes[p] + cosine * axes[q]
    return tuple(values), tuple(off), tuple(axes)


def _sorted(values, axes):
    """By three exchanges; the last axis completes a right-handed frame."""
    for i, j in ((0, 1), (1, 2), (0, 1)):
        wrong = values[i] < values[j]
        values[i], values[j] = jnp.where(wrong, values[j], values[i]), jnp.where(wrong, values[i], values[j])
        axes[i], axes[j] = jnp.where(wrong, axes[j], axes[i]), jnp.where(wrong, axes[i], axes[j])
    return jnp.stack(values), jnp.stack([axes[0], axes[1], jnp.cross(axes[0], axes[1])], axis=1)


@principal.defjvp
def _(primals, tangents):
    value, vector = principal(*primals)
    change = vector.T @ _symmetric(tangents[0]) @ vector
    gap = value[None, :] - value[:, None]
    scale = jnp.max(jnp.abs(value)) * jnp.finfo(value.dtype).eps * 4
    # Rounding parts equal values by a few units: dividing by that is noise.
    gap = jnp.where(jnp.abs(gap) > scale, gap, 0)
    turn = safe.divide(change, gap)
    return (value, vector), (jnp.diagonal(change), vector @ turn)


def _symmetric(tensor):
    return 0.5 * (tensor + tensor.T)
