"""Functions whose value *and* gradient stay finite at the points where the textbook form divides by zero.

``jnp.where(x > 0, jnp.sqrt(x), 0)`` has a NaN gradient at 0, because the untaken branch is differentiated too. The
cure is to replace the argument before the singular function sees it (the "double where").
"""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float


def sqrt(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Square root with the subgradient 0 at 0 (and value 0 below 0)."""
    positive = x > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, x, 1)), 0)


def norm(x: Float[Array, "*shape n"]) -> Float[Array, "*shape"]:
    """Euclidean length along the last axis; its gradient at the origin is the subgradient 0."""
    return sqrt(jnp.sum(x * x, axis=-1))


def log(x: Float[Array, "*shape"], *, floor: float = 1e-300) -> Float[Array, "*shape"]:
    """Logarithm that is ``log(floor)`` with gradient 0 at and below `floor`.

    `floor` is raised to the smallest normal number of the dtype.
    """
    floor = max(floor, float(jnp.finfo(x.dtype).tiny))
    inside = x > floor
    return jnp.where(inside, jnp.log(jnp.where(inside, x, 1)), math.log(floor))


def divide(a: Float[Array, "*shape"], b: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """``a / b`` where `b` is not zero, and 0 with zero gradient where it is."""
    good = b != 0
    return jnp.where(good, a / jnp.where(good, b, 1), 0)


def arctan2(y: Float[Array, "*shape"], x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Angle of the point (x, y), 0 with zero gradient at the origin."""
    origin = (x == 0) & (y == 0)
    return jnp.where(origin, 0, jnp.arctan2(jnp.where(origin, 0, y), jnp.where(origin, 1, x)))
