"""Velocity, displacement and peaks of an acceleration that is linear between samples.

Nothing is taken away here: offsets and drifts of the record stay, and grow with time in velocity and displacement. What to do about them (mean,
trend, high-pass filter) is the caller's choice, before.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from diffseis.core import safe

STANDARD_GRAVITY_M_S2 = 9.80665
"""One g."""


def within(
    acceleration: Float[Array, " time"], num_samples: Int[Array, ""] | int | None
) -> tuple[Float[Array, " step"], Float[Array, " step"]]:
    """Values at the begin and the end of each step between samples; 0 for steps that end behind the record.

    Args:
        acceleration: any series.
        num_samples: how many samples are the record; the others are padding. None: all.
    """
    first, last = acceleration[:-1], acceleration[1:]
    if num_samples is None:
        return first, last
    inside = jnp.arange(1, acceleration.shape[0]) < num_samples
    return jnp.where(inside, first, 0), jnp.where(inside, last, 0)


def integral(
    values: Float[Array, " time"], dt_s, *, num_samples: Int[Array, ""] | int | None = None
) -> Float[Array, " time"]:
    """The integral up to each sample, by the trapezoid rule: exact for a series that is linear between samples. It stays where the record ends."""
    first, last = within(values, num_samples)
    dt = jnp.asarray(dt_s).astype(values.dtype)
    return _from_zero(jnp.cumsum(0.5 * dt * (first + last)))


def velocity(
    acceleration_m_s2: Float[Array, " time"], dt_s, *, num_samples: Int[Array, ""] | int | None = None
) -> Float[Array, " time"]:
    """Velocity in m/s from rest at the first sample, exact for acceleration that is linear between samples."""
    return integral(acceleration_m_s2, dt_s, num_samples=num_samples)


def displacement(
    acceleration_m_s2: Float[Array, " time"], dt_s, *, num_samples: Int[Array, ""] | int | None = None
) -> Float[Array, " time"]:
    """Displacement in m from rest at the first sample, exact for acceleration that is linear between samples; behind the record's end it goes on at
    the last velocity.
    """
    first, last = within(acceleration_m_s2, num_samples)
    dt = jnp.asarray(dt_s).astype(acceleration_m_s2.dtype)
    before = integral(acceleration_m_s2, dt_s, num_samples=num_samples)[:-1]
    return _from_zero(jnp.cumsum(dt * before + dt**2 * (2 * first + last) / 6))


def peak(
    values: Float[Array, " time"], *, num_samples: Int[Array, ""] | int | None = None
) -> Float[Array, ""]:
    """The largest absolute value of the samples: PGA of acceleration, PGV of velocity, PGD of displacement.

    Its derivative is that of the first sample that reaches it.
    """
    size = jnp.abs(values)
    if num_samples is not None:
        size = jnp.where(jnp.arange(values.shape[0]) < num_samples, size, 0)
    return size[jnp.argmax(size)]


def geometric_mean(one: Float[Array, "*shape"], other: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Root of the product of what two components have, with the gradient 0 where one has nothing."""
    return safe.sqrt(one * other)


def _from_zero(sums):
    return jnp.concatenate([jnp.zeros_like(sums[:1]), sums])
