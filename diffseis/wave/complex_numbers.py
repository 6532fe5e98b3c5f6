"""Complex arrays under strict promotion of types."""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Complex, Float


def as_complex(real: Float[Array, "*shape"]) -> Complex[Array, "*shape"]:
    """The same numbers."""
    return lax.complex(real, jnp.zeros_like(real))


def complex_dtype(dtype) -> np.dtype:
    """Of the same precision."""
    return np.result_type(dtype, np.complex64)
