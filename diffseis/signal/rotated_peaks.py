"""Peaks of two components turned by every whole degree: rotated PGA, PGV and PGD.

References:
    Boore (2010), doi:10.1785/0120090400.
"""

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from diffseis.core import safe
from diffseis.signal.rotated_maxima import CHUNK, place_of_maximum, rotated_maxima
from diffseis.signal.rotations import choose_percentile


class RotatedPeaks(eqx.Module):
    """Largest absolute values by angle.

    Attributes:
        by_angle: at 0 to 179 degrees from the first component to the second, in the unit of the series, without derivatives.
    """

    by_angle: Float[Array, " angle"]
    _series: Float[Array, "component time"]

    def at(self, angle_deg: Int[Array, "*shape"]) -> Float[Array, "*shape"]:
        """Peaks at whole angles, differentiable by the series.

        Args:
            angle_deg: any whole numbers.
        """
        degrees = jnp.mod(angle_deg, 180).reshape(-1)
        one, other = _laid(self._series)
        count = degrees.shape[0]
        still = [lax.stop_gradient(jnp.tile(v, (1, 1, count))) for v in (one, other)]
        rad = jnp.deg2rad(degrees.astype(one.dtype))
        step, _, sign = place_of_maximum(still[0], still[1], rad)
        pick = lambda values: jnp.take(values[:, 0, 0], step)
        return (sign * (jnp.cos(rad) * pick(one) + jnp.sin(rad) * pick(other))).reshape(angle_deg.shape)

    def rotd(self, percentile: float = 50.0) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """The percentile over angles, and the angle in degrees nearest to which it is."""
        value, angle = choose_percentile(self.by_angle[:, None], self.at, percentile)
        return value[0], angle[0]

    def gmrotd(self, percentile: float = 50.0) -> Float[Array, ""]:
        """The percentile of geometric means at two angles that are 90 degrees apart."""
        means = jnp.sqrt(self.by_angle[:90] * self.by_angle[90:])
        return choose_percentile(means[:, None], self.mean_at, percentile)[0][0]

    def mean_at(self, angle_deg: Int[Array, "*shape"]) -> Float[Array, "*shape"]:
        """Geometric means at angles and 90 degrees further; with the angle of `diffseis.signal.RotatedSpectrum.gmroti`, GMRotI of peaks."""
        return safe.sqrt(self.at(angle_deg) * self.at(angle_deg + 90))


def rotated_peaks(series: Float[Array, "component time"]) -> RotatedPeaks:
    """Peaks of two components at all angles; zeros behind the end of a record do not matter.

    Raises:
        ValueError: for another number of components than two.
    """
    if series.ndim != 2 or series.shape[0] != 2:
        raise ValueError(f"two components are needed, got the shape {series.shape}")
    one, other = _laid(lax.stop_gradient(series))
    return RotatedPeaks(rotated_maxima(one, other)[:, 0], series)


def _laid(series) -> tuple[Array, Array]:
    """As steps of one block and one row, filled up by zeros."""
    missing = int(-series.shape[1] % CHUNK)
    full = jnp.pad(series, ((0, 0), (0, missing)))[:, :, None, None]
    return full[0], full[1]
