"""Terms that several published models share."""

import jax.numpy as jnp
from jaxtyping import Array, Float

Scalar = Float[Array, ""]


def ramp(x: Scalar, low: float | Scalar, high: float | Scalar) -> Scalar:
    """0 below `low`, 1 above `high`, linear between."""
    return jnp.clip((x - low) / (high - low), 0, 1)


def within_deg(angle_rad: Scalar, low: float, high: float, *, closed: bool = True) -> Scalar:
    """1 where an angle lies between two limits in degrees, else 0; `closed`: at the limits, too."""
    angle = jnp.degrees(angle_rad)
    # Degrees that went to radians and back may miss a limit by rounding.
    margin = 1e-9 if angle.dtype == jnp.float64 else 1e-4
    margin = margin if closed else -margin
    return ((angle >= low - margin) & (angle <= high + margin)).astype(angle.dtype)


def styles(rake_rad: Scalar, half_width_deg: float, *, closed: bool = True) -> tuple[Scalar, Scalar]:
    """Whether slip is normal, and whether it is reverse: its rake lies about -90, or 90 degrees."""
    about = lambda centre: within_deg(
        rake_rad, centre - half_width_deg, centre + half_width_deg, closed=closed
    )
    return about(-90.0), about(90.0)


def or_default(value: Scalar, default: Scalar) -> Scalar:
    """A value, or another where it is NaN; the derivative is that of the one taken."""
    known = jnp.isfinite(value)
    return jnp.where(known, jnp.where(known, value, 0), default)


def expected_z1_km(vs30_m_s: Scalar, *, japan: bool) -> Scalar:
    """Depth to 1 km/s that goes with a VS30 in California, or in Japan: Chiou & Youngs (2014), equations 1 and 2."""
    if japan:
        return _depth_km(vs30_m_s, -5.23, 2, 412.39)
    return _depth_km(vs30_m_s, -7.15, 4, 570.94)


def expected_z1_ask14_km(vs30_m_s: Scalar, *, japan: bool) -> Scalar:
    """The same of Abrahamson, Silva & Kamai (2014), equations 18 and 19."""
    if japan:
        return _depth_km(vs30_m_s, -5.23, 2, 412.0)
    return _depth_km(vs30_m_s, -7.67, 4, 610.0)


def _depth_km(vs30_m_s, slope, power, speed):
    ratio = (vs30_m_s**power + speed**power) / (1360.0**power + speed**power)
    return jnp.exp(slope / power * jnp.log(ratio)) / 1000


def through_points(x: Scalar, points: tuple[float, ...], values: tuple[Scalar, ...]) -> Scalar:
    """Piecewise linear through a few points, constant beyond them."""
    total = values[0]
    for i in range(len(points) - 1):
        total = total + (values[i + 1] - values[i]) * ramp(x, points[i], points[i + 1])
    return total
