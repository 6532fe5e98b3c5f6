"""Sources and receivers between the nodes of a grid: band-limited interpolation.

A Kaiser-windowed sinc spreads a point source over twelve nodes per axis, and reads a wavefield between them, as exactly as waves of more than
two nodes per wavelength can be represented at all. Weights are smooth in the position, so that sources and receivers can be moved by gradients.

References:
    Hicks (2002), Arbitrary source and receiver positioning in finite-difference schemes using Kaiser windowed sinc
    functions, doi:10.1190/1.1451454.
"""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

RADIUS = 6
"""Nodes on either side."""
WINDOW = 9.25
"""Shape of the Kaiser window: the one of least error (9e-5, measured) at wavelengths of four nodes."""


def axis_weights(index: Float[Array, ""]) -> tuple[Int[Array, ""], Float[Array, " node"]]:
    """The first of twelve nodes about a fractional node number, and their weights."""
    first = jnp.floor(jax.lax.stop_gradient(index)).astype(jnp.int32) - (RADIUS - 1)
    distance = first.astype(index.dtype) + jnp.arange(2 * RADIUS, dtype=index.dtype) - index
    # A node six away lies on the window's edge, where the root has no derivative: a floor gives it one.
    root = jnp.sqrt(jnp.maximum(1 - (distance / RADIUS) ** 2, 1e-12))
    # Less one, Kaiser's window ends at zero: weights have no corners where a point passes a node.
    window = (jax.scipy.special.i0(WINDOW * root) - 1) / (
        jax.scipy.special.i0(jnp.asarray(WINDOW, index.dtype)) - 1
    )
    return first, _sinc(distance) * window


def axis_slopes(index: Float[Array, ""]) -> tuple[Int[Array, ""], Float[Array, " node"]]:
    """The same for the derivative by the node number of what `axis_weights` interpolates."""
    first = axis_weights(index)[0]
    return first, jax.jvp(lambda i: axis_weights(i)[1], (index,), (jnp.ones_like(index),))[1]


@jax.custom_jvp
def _sinc(x: Float[Array, " node"]) -> Float[Array, " node"]:
    return jnp.sinc(x)


@_sinc.defjvp
def _sinc_jvp(primals, tangents):
    return _sinc(primals[0]), _sinc_slope(primals[0]) * tangents[0]


def _sinc_slope(x):
    """Of ``sin(pi x) / (pi x)``; by a series near 0, where differences of nearly equal numbers would lose all digits: a point that
    is on a node but for rounding is the most common one of all."""
    near = jnp.abs(x) < 0.5
    square = (jnp.pi * jnp.where(near, x, 0)) ** 2
    series = jnp.zeros_like(x)
    for k in range(12, 0, -1):
        series = series * square + (-1) ** k * 2 * k / math.factorial(2 * k + 1)
    far = jnp.where(near, 1, x)
    return jnp.where(near, jnp.pi**2 * x * series, (jnp.cos(jnp.pi * far) - jnp.sinc(far)) / far)
