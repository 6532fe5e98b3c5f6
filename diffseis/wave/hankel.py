"""Hankel functions in JAX: values by SciPy on the host, derivatives by their recurrence, of any order.

References:
    Abramowitz & Stegun (1964), Handbook of Mathematical Functions, 9.1.27.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float
from scipy.special import hankel2 as _hankel2

from diffseis.wave.complex_numbers import as_complex, complex_dtype


@jax.custom_jvp
def hankel_zero(x: Float[Array, "*shape"]) -> Complex[Array, "*shape"]:
    """``H0^(2)``, the outgoing one where fields vary as ``exp(i w t)``, of numbers above 0."""
    return _ask(0, x)


@jax.custom_jvp
def hankel_one(x: Float[Array, "*shape"]) -> Complex[Array, "*shape"]:
    """``H1^(2)``, of numbers above 0."""
    return _ask(1, x)


@hankel_zero.defjvp
def _zero_jvp(primals, tangents):
    (x,), (dx,) = primals, tangents
    return hankel_zero(x), -hankel_one(x) * as_complex(dx)


@hankel_one.defjvp
def _one_jvp(primals, tangents):
    (x,), (dx,) = primals, tangents
    value = hankel_one(x)
    return value, (hankel_zero(x) - value / as_complex(x)) * as_complex(dx)


def _ask(order: int, x):
    dtype = complex_dtype(x.dtype)
    on_host = lambda x: np.asarray(_hankel2(order, np.asarray(x, float))).astype(dtype)
    shape = jax.ShapeDtypeStruct(jnp.shape(x), dtype)
    return jax.pure_callback(on_host, shape, x, vmap_method="expand_dims")
