"""Shares of a moment tensor: isotropic, compensated linear vector dipole, double couple."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.core import safe
from diffseis.source.eigen import principal


class Decomposition(eqx.Module):
    """Signed shares whose absolute values sum to 1.

    Attributes:
        isotropic: positive for explosions.
        clvd: positive where the largest dipole is one of extension.
        double_couple: never negative.

    References:
        Vavrycuk (2015), Moment tensor decompositions revisited, doi:10.1007/s10950-014-9463-y, equations 6 to 11.
    """

    isotropic: Float[Array, ""]
    clvd: Float[Array, ""]
    double_couple: Float[Array, ""]


def decompose(tensor: Float[Array, "3 3"]) -> Decomposition:
    """The shares of a tensor; all are 0 for the tensor of zeros."""
    first, second, third = principal(tensor)[0]
    isotropic = (first + second + third) / 3
    clvd = 2 * (first + third - 2 * second) / 3
    couple = 0.5 * (first - third - jnp.abs(first + third - 2 * second))
    whole = jnp.abs(isotropic) + jnp.abs(clvd) + couple
    return Decomposition(*(safe.divide(part, whole) for part in (isotropic, clvd, couple)))
