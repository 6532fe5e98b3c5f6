"""How long a motion is strong.

References:
    Trifunac & Brady (1975), A study on the duration of strong earthquake ground motion, Bulletin of the Seismological Society of America 65, 581-626,
    doi:10.1785/BSSA0650030581. Bommer & Martinez-Pereira (1999), The effective duration of earthquake strong motion, Journal of Earthquake
    Engineering 3, 127-172, doi:10.1080/13632469909350343.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.core import safe
from diffseis.signal.cumulative import Samples, husid_curve
from diffseis.signal.motion import STANDARD_GRAVITY_M_S2, within

BRACKET_M_S2 = 0.05 * STANDARD_GRAVITY_M_S2
"""The usual limit of bracketed and uniform durations."""


def significant_duration(
    acceleration_m_s2: Float[Array, " time"],
    dt_s,
    low: float = 0.05,
    high: float = 0.95,
    *,
    num_samples: Samples = None,
) -> Float[Array, ""]:
    """Seconds between two shares of Arias intensity; the Husid curve is linear between samples. 0 for a record that is all zeros.

    Args:
        acceleration_m_s2, dt_s, num_samples: the record.
        low, high: shares, such as 0.05 and 0.75, 0.05 and 0.95, 0.2 and 0.8.
    """
    _check_shares(low, high)
    curve = husid_curve(acceleration_m_s2, dt_s, num_samples=num_samples)
    dt = jnp.asarray(dt_s).astype(curve.dtype)
    return dt * (_crossing(curve, high) - _crossing(curve, low))


def smooth_significant_duration(
    acceleration_m_s2: Float[Array, " time"],
    dt_s,
    low: float = 0.05,
    high: float = 0.95,
    *,
    temperature: float = 0.01,
    num_samples: Samples = None,
) -> Float[Array, ""]:
    """A significant duration that depends smoothly on every sample: seconds count by how far the Husid curve is past `low` and before `high`.

    Each limit is blurred by a logistic function of the share of Arias intensity. With 0.01 a share of 0 is five temperatures before the limit 0.05, so that N
    quiet seconds at the begin add 0.7 % of N.

    Args:
        acceleration_m_s2, dt_s, low, high, num_samples: of `significant_duration`, which is the limit of small temperatures.
        temperature: width in shares of Arias intensity.
    """
    _check_shares(low, high)
    curve = husid_curve(acceleration_m_s2, dt_s, num_samples=num_samples)
    share = safe.divide(curve, jnp.broadcast_to(curve[-1], curve.shape))
    past = lambda limit: jax.nn.sigmoid((share - limit) / temperature)
    inside = past(low) - past(high)
    first, last = within(inside, num_samples)
    whole = jnp.asarray(dt_s).astype(curve.dtype) * jnp.sum(first + last) / 2
    return jnp.where(curve[-1] > 0, whole, 0)


def bracketed_duration(
    acceleration_m_s2: Float[Array, " time"],
    dt_s,
    *,
    limit_m_s2: float = BRACKET_M_S2,
    num_samples: Samples = None,
) -> Float[Array, ""]:
    """Seconds from the first to the last time that absolute acceleration is above a limit, between samples by linear interpolation; 0 if it never is."""
    first, last = within(acceleration_m_s2, num_samples)
    dt = jnp.asarray(dt_s).astype(first.dtype)
    reached = jnp.maximum(jnp.abs(first), jnp.abs(last)) > limit_m_s2
    begin = jnp.argmax(reached)
    end = reached.shape[0] - 1 - jnp.argmax(reached[::-1])
    into = _reaching(first[begin], last[begin], limit_m_s2)
    left = _reaching(last[end], first[end], limit_m_s2)
    steps = (end - begin).astype(first.dtype) + 1 - into - left
    return jnp.where(jnp.any(reached), dt * steps, 0)


def uniform_duration(
    acceleration_m_s2: Float[Array, " time"],
    dt_s,
    *,
    limit_m_s2: float = BRACKET_M_S2,
    num_samples: Samples = None,
) -> Float[Array, ""]:
    """Seconds during which absolute acceleration, linear between samples, is above a limit."""
    first, last = within(acceleration_m_s2, num_samples)
    dt = jnp.asarray(dt_s).astype(first.dtype)
    above = _share_above(first - limit_m_s2, last - limit_m_s2)
    below = _share_above(-first - limit_m_s2, -last - limit_m_s2)
    return dt * jnp.sum(above + below)


def _check_shares(low, high) -> None:
    if not 0 <= low < high <= 1:
        raise ValueError(f"shares must be 0 <= `low` < `high` <= 1, got {low} and {high}")


def _crossing(curve, share):
    """Samples until a share of the last value is reached."""
    wanted = share * curve[-1]
    # The first sample at or above it, but for the first of all.
    after = jnp.clip(jnp.argmax(curve >= wanted), 1, curve.shape[0] - 1)
    rise = curve[after] - curve[after - 1]
    return (after - 1).astype(curve.dtype) + safe.divide(wanted - curve[after - 1], rise)


def _reaching(here, there, limit):
    """Share of a step that is gone when absolute values first reach a limit; 0 if they are above it at the begin."""
    signed = jnp.sign(there) * limit
    share = safe.divide(signed - here, there - here)
    return jnp.where(jnp.abs(here) >= limit, 0, share)


def _share_above(here, there):
    """Share of a step in which a line is above zero."""
    rise = jax.nn.relu(there) - jax.nn.relu(here)
    flat = (here > 0).astype(here.dtype)
    return jnp.where(there == here, flat, safe.divide(rise, there - here))
