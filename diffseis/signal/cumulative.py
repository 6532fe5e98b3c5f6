"""Measures that add up over a record.

References:
    Arias (1970), A measure of earthquake intensity, in: Seismic design for nuclear power plants, MIT Press, 438-483. EPRI (1988), A criterion for determining
    exceedance of the operating basis earthquake, NP-5930. Campbell & Bozorgnia (2010), A ground motion prediction equation for the horizontal component of
    cumulative absolute velocity (CAV) based on the PEER-NGA strong motion database, Earthquake Spectra 26, 635-650, doi:10.1193/1.3457158. Campbell & Bozorgnia (2011),
    Prediction equations for the standardized version of cumulative absolute velocity, Nuclear Engineering and Design 241, 2558-2569, doi:10.1016/j.nucengdes.2011.04.020.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from diffseis.signal.motion import STANDARD_GRAVITY_M_S2, integral, velocity, within

CAV_LIMIT_M_S2 = 0.025 * STANDARD_GRAVITY_M_S2
"""Windows of the standardised CAV count from here on."""

Samples = Int[Array, ""] | int | None


def cumulative_absolute_velocity(
    acceleration_m_s2: Float[Array, " time"], dt_s, *, num_samples: Samples = None
) -> Float[Array, ""]:
    """CAV in m/s: the integral of absolute acceleration, by the trapezoid rule on samples as is usual."""
    return integral(jnp.abs(acceleration_m_s2), dt_s, num_samples=num_samples)[-1]


def standardised_cav(
    acceleration_m_s2: Float[Array, " time"],
    dt_s,
    *,
    limit_m_s2: float = CAV_LIMIT_M_S2,
    num_samples: Samples = None,
) -> Float[Array, ""]:
    """CAV_STD in m/s: CAV of those seconds, counted from the first sample, in which acceleration reaches a limit.

    A step belongs to the second in which it begins. The derivative is that of the seconds that count.

    Args:
        acceleration_m_s2, dt_s, num_samples: the record.
        limit_m_s2: 0.025 g after EPRI.
    """
    first, last = (jnp.abs(v) for v in within(acceleration_m_s2, num_samples))
    dt = jnp.asarray(dt_s).astype(acceleration_m_s2.dtype)
    # A little more than rounding, so that the step at a whole second belongs to it.
    second = jnp.floor(jnp.arange(first.shape[0], dtype=dt.dtype) * dt + 1e-3 * dt).astype(jnp.int32)
    # Steps are at most so many as seconds, for any interval up to a second; longer ones leave seconds empty.
    window = jnp.minimum(second, first.shape[0] - 1)
    add = lambda values: jax.ops.segment_sum(values, window, num_segments=first.shape[0])
    highest = jax.ops.segment_max(jnp.maximum(first, last), window, num_segments=first.shape[0])
    return jnp.sum(jnp.where(highest >= limit_m_s2, add(0.5 * dt * (first + last)), 0))


def cumulative_absolute_displacement(
    acceleration_m_s2: Float[Array, " time"], dt_s, *, num_samples: Samples = None
) -> Float[Array, ""]:
    """CAD in m: the integral of absolute velocity, by the trapezoid rule on samples."""
    moving = velocity(acceleration_m_s2, dt_s, num_samples=num_samples)
    return integral(jnp.abs(moving), dt_s, num_samples=num_samples)[-1]


def husid_curve(
    acceleration_m_s2: Float[Array, " time"], dt_s, *, num_samples: Samples = None
) -> Float[Array, " time"]:
    """Arias intensity in m/s that is reached at each sample, by the trapezoid rule on samples."""
    return (
        jnp.pi / (2 * STANDARD_GRAVITY_M_S2) * integral(acceleration_m_s2**2, dt_s, num_samples=num_samples)
    )


def arias_intensity(
    acceleration_m_s2: Float[Array, " time"], dt_s, *, num_samples: Samples = None
) -> Float[Array, ""]:
    """Arias intensity in m/s: ``pi / (2 g)`` times the integral of squared acceleration."""
    return husid_curve(acceleration_m_s2, dt_s, num_samples=num_samples)[-1]
