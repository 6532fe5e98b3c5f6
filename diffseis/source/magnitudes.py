"""Scalar moment and moment magnitude.

References:
    IASPEI (2013), Summary of magnitude working group recommendations: Mw = 2/3 (log10 M0 - 9.1), M0 in N m.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.core import safe

_LOG_UNIT = 18.0
"""Moments are in 1e18 N m."""


def moment_magnitude(moment_1e18nm: Float[Array, ""]) -> Float[Array, ""]:
    """Mw of a scalar moment; that of the smallest number, with derivative 0, where there is none."""
    return (
        2 / 3 * (safe.log(moment_1e18nm) / jnp.log(jnp.asarray(10.0, moment_1e18nm.dtype)) + _LOG_UNIT - 9.1)
    )


def moment_of_magnitude(magnitude: Float[Array, ""]) -> Float[Array, ""]:
    """The scalar moment in 1e18 N m."""
    return jnp.asarray(10.0, magnitude.dtype) ** (1.5 * magnitude + 9.1 - _LOG_UNIT)
