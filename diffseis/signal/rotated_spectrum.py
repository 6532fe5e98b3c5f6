"""Response spectra of a pair of horizontal components turned by every whole degree.

References:
    Boore (2010), Orientation-independent, nongeometric-mean measures of seismic intensity from two horizontal components of motion, Bulletin of the
    Seismological Society of America 100, 1830-1835, doi:10.1785/0120090400. Boore, Watson-Lamprey & Abrahamson (2006), Orientation-independent measures
    of ground motion, Bulletin of the Seismological Society of America 96, 1502-1511, doi:10.1785/0120050209.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from diffseis.signal.blocks import block_shape, run_blocks
from diffseis.signal.peaks import with_derivative
from diffseis.signal.response_spectrum import check_spectrum, driven_oscillators, last_sample
from diffseis.signal.rotated_maxima import place_of_maximum, rotated_maxima
from diffseis.signal.rotations import choose_percentile
from diffseis.signal.substeps import AT_SAMPLES, AbstractSubsteps, Looks


class RotatedSpectrum(eqx.Module):
    """PSA of a pair of components by angle, from which orientation-independent measures are chosen.

    Attributes:
        period_s: of the oscillators.
        by_angle_m_s2: PSA of ``first cos + second sin`` at 0 to 179 degrees, without derivatives.
    """

    period_s: Float[Array, " period"]
    by_angle_m_s2: Float[Array, "angle period"]
    _look: Int[Array, "angle period"]
    _driven: Float[Array, "component time"]
    _angle: Float[Array, " period"]
    _damping: Float[Array, " period"]
    _responses: Float[Array, "component step block row"]
    _looks: Looks = eqx.field(static=True)

    def at(self, angle_deg: Int[Array, "*choice period"]) -> Float[Array, "*choice period"]:
        """PSA at a whole angle of its own for each period, differentiable by the records, periods and damping.

        Args:
            angle_deg: 0 to 179; others are turned by half turns.
        """
        chosen = jnp.mod(angle_deg, 180).reshape(-1, angle_deg.shape[-1])
        return jax.vmap(self._at)(chosen).reshape(angle_deg.shape)

    def _at(self, degrees):
        num = self.period_s.shape[0]
        look = jnp.take_along_axis(self._look, degrees[None, :], axis=0)[0]
        value = jnp.take_along_axis(self.by_angle_m_s2, degrees[None, :], axis=0)[0]
        rad = jnp.deg2rad(degrees.astype(value.dtype))
        rows = self._looks.rows(num)
        step, block, sign = place_of_maximum(self._responses[0], self._responses[1], rad[rows])
        length = self._responses.shape[1]
        own = lambda values: jnp.take(values, look)
        sample = own(block * length + step + 1).astype(jnp.int32)
        fraction = own(jnp.asarray(self._looks.fractions(num), value.dtype))
        weight = own(sign)[None, :] * jnp.stack([jnp.cos(rad), jnp.sin(rad)])
        return with_derivative(value, self._driven, self._angle, self._damping, fraction, sample, weight)

    @eqx.filter_jit
    def rotd(self, percentile: float = 50.0) -> tuple[Float[Array, " period"], Float[Array, " period"]]:
        """RotDnn, and the angle in degrees at which (for percentiles between angles: nearest to which) the PSA has it.

        Args:
            percentile: nn; 0 and 100 are least and largest, 50 is the median.
        """
        return choose_percentile(self.by_angle_m_s2, self.at, percentile)

    @eqx.filter_jit
    def gmrotd(self, percentile: float = 50.0) -> Float[Array, " period"]:
        """GMRotDnn: percentiles of geometric means of PSA at two angles that are 90 degrees apart."""
        return choose_percentile(self._means(), self._mean_at, percentile)[0]

    @eqx.filter_jit
    def gmroti(
        self, *, longest_period_s: float = np.inf, percentile: float = 50.0
    ) -> tuple[Float[Array, " period"], Int[Array, ""]]:
        """GMRotInn, and the one angle of all periods, 0 to 89 degrees, at which geometric means come nearest to GMRotDnn.

        Args:
            longest_period_s: the angle is chosen by periods up to this one.
        """
        angle = self.penalty_angle(longest_period_s=longest_period_s, percentile=percentile)
        return self._mean_at(jnp.full(self.period_s.shape, angle)), angle

    def penalty_angle(self, *, longest_period_s: float = np.inf, percentile: float = 50.0) -> Int[Array, ""]:
        """The angle with the least mean square of ``GM(angle) / GMRotDnn - 1`` over periods (Boore et al. 2006, equation 3)."""
        means = self._means()
        middle = jnp.percentile(means, percentile, axis=0)
        there = middle > 0
        ratio = jnp.where(there[None, :], means / jnp.where(there, middle, 1)[None, :] - 1, 0)
        used = (self.period_s <= longest_period_s).astype(means.dtype)
        return jnp.argmin(jnp.sum(used[None, :] * ratio**2, axis=1))

    def _means(self) -> Float[Array, "angle period"]:
        return jnp.sqrt(self.by_angle_m_s2[:90] * self.by_angle_m_s2[90:])

    def _mean_at(self, angle_deg):
        one, other = self.at(angle_deg), self.at(angle_deg + 90)
        product = one * other
        there = product > 0
        return jnp.where(there, jnp.sqrt(jnp.where(there, product, 1)), 0)


def rotated_spectrum(
    accelerations_m_s2: Float[Array, "component time"],
    dt_s,
    period_s,
    damping=0.05,
    *,
    substeps: AbstractSubsteps = AT_SAMPLES,
    num_samples: Int[Array, ""] | int | None = None,
) -> RotatedSpectrum:
    """PSA at all angles. Both responses are held: 16 bytes per sample and period in double precision.

    Args:
        accelerations_m_s2: two components at right angles, at the same times.
        dt_s, period_s, damping, substeps, num_samples: of `diffseis.signal.response_spectrum`.

    Raises:
        ValueError: as `response_spectrum`, and for another number of components than two.
    """
    if accelerations_m_s2.ndim != 2 or accelerations_m_s2.shape[0] != 2:
        raise ValueError(f"two components are needed, got the shape {accelerations_m_s2.shape}")
    check_spectrum(accelerations_m_s2[0], dt_s, period_s, damping)
    looks = substeps.looks(period_s, dt_s)
    return _rotated(accelerations_m_s2, dt_s, period_s, damping, num_samples, substeps, looks)


@eqx.filter_jit
def _rotated(accelerations, dt_s, period_s, damping, num_samples, substeps, looks) -> RotatedSpectrum:
    driven, angle, damping, period_s = driven_oscillators(accelerations, dt_s, period_s, damping, substeps)
    last = last_sample(accelerations, num_samples, substeps)
    still = [lax.stop_gradient(v) for v in (driven, angle, damping)]
    responses = _responses(still[0], still[1], still[2], last, looks)
    by_row = rotated_maxima(responses[0], responses[1])
    place = looks.places(angle.shape[0])
    by_look = by_row[:, place]
    best = jnp.argmax(by_look, axis=1)
    value = jnp.take_along_axis(by_look, best[:, None, :], axis=1)[:, 0]
    look = jnp.asarray(place)[best, np.arange(angle.shape[0])[None, :]]
    return RotatedSpectrum(period_s, value, look, driven, angle, damping, responses, looks)


def _responses(driven, angle, damping, num_samples, looks) -> Float[Array, "component step block row"]:
    """Displacements at all looks, 0 behind the end of the record."""
    num = angle.shape[0]
    rows = looks.rows(num)
    shape = block_shape(driven.shape[1] - 1, 2 * len(rows))

    def visit(_, shown, __, sample):
        return None, jnp.where((sample < num_samples)[:, None], shown, 0)

    def one(acceleration):
        _, whole = run_blocks(acceleration, angle, damping, None, shape, visit, None)
        if not looks.row:
            return whole
        extra = jnp.asarray(looks.fraction, angle.dtype)
        inner = rows[num:]
        _, more = run_blocks(acceleration, angle[inner], damping[inner], extra, shape, visit, None)
        return jnp.concatenate([whole, more], axis=2)

    return jax.vmap(one)(driven)
