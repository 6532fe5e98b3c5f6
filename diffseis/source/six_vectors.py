"""Moment tensors as vectors of six numbers whose length is the tensor's Frobenius norm.

The order is nn, ee, dd, sqrt(2) ne, sqrt(2) nd, sqrt(2) ed, so that inner products of vectors are those of tensors, and uniform directions of
vectors are the uniform distribution of tensors.

References:
    Tape & Tape (2015), A uniform parametrization of moment tensors, doi:10.1093/gji/ggv262. Pugh, White & Christie (2016), A Bayesian method
    for microseismic source inversion, doi:10.1093/gji/ggw186.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.core import safe


def six_vector(tensor: Float[Array, "3 3"]) -> Float[Array, "6"]:
    """Of a symmetric tensor in north, east, down."""
    root = jnp.sqrt(jnp.asarray(2.0, tensor.dtype))
    return jnp.stack(
        [
            tensor[0, 0],
            tensor[1, 1],
            tensor[2, 2],
            root * tensor[0, 1],
            root * tensor[0, 2],
            root * tensor[1, 2],
        ]
    )


def tensor_of_six(six: Float[Array, "6"]) -> Float[Array, "3 3"]:
    """The inverse of `six_vector`."""
    root = jnp.sqrt(jnp.asarray(0.5, six.dtype))
    ne, nd, ed = root * six[3], root * six[4], root * six[5]
    return jnp.stack([six[0], ne, nd, ne, six[1], ed, nd, ed, six[2]]).reshape(3, 3)


def gcmt_components(tensor: Float[Array, "3 3"]) -> Float[Array, "6"]:
    """rr, tt, pp, rt, rp, tp (r up, t south, p east) of a tensor in north, east, down: the order of GCMT, QuakeML and GMT."""
    return jnp.stack([tensor[2, 2], tensor[0, 0], tensor[1, 1], tensor[0, 2], -tensor[1, 2], -tensor[0, 1]])


def tensor_of_gcmt(components: Float[Array, "6"]) -> Float[Array, "3 3"]:
    """The inverse of `gcmt_components`."""
    rr, tt, pp, rt, rp, tp = components
    return jnp.stack([tt, -tp, rt, -tp, pp, -rp, rt, -rp, rr]).reshape(3, 3)


def omega_angle(a: Float[Array, "3 3"], b: Float[Array, "3 3"]) -> Float[Array, ""]:
    """Angle in radians between two tensors as vectors, 0 to pi: the difference of their radiation whatever their sizes.

    Accurate at both ends, where an arc cosine is not.
    """
    a, b = a.reshape(-1), b.reshape(-1)
    a = safe.divide(a, jnp.broadcast_to(safe.norm(a), a.shape))
    b = safe.divide(b, jnp.broadcast_to(safe.norm(b), b.shape))
    return 2 * safe.arctan2(safe.norm(a - b), safe.norm(a + b))
