"""Elastic response spectra.

References:
    Nigam & Jennings (1969), doi:10.1785/BSSA0590020909.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from diffseis.core.concrete import is_concrete
from diffseis.signal.blocks import block_shape, run_blocks
from diffseis.signal.peaks import Peak, find_peaks, with_derivative
from diffseis.signal.substeps import AT_SAMPLES, AbstractSubsteps, Looks


class ResponseSpectrum(eqx.Module):
    """Of one record, by oscillator.

    Attributes:
        period_s: of the oscillators.
        pseudo_acceleration_m_s2: PSA, the largest relative displacement times the square of the angular frequency.
    """

    period_s: Float[Array, " period"]
    pseudo_acceleration_m_s2: Float[Array, " period"]

    @property
    def pseudo_velocity_m_s(self) -> Float[Array, " period"]:
        """PSV."""
        return self.pseudo_acceleration_m_s2 * self.period_s / (2 * jnp.pi)

    @property
    def displacement_m(self) -> Float[Array, " period"]:
        """SD."""
        return self.pseudo_acceleration_m_s2 * (self.period_s / (2 * jnp.pi)) ** 2


def response_spectrum(
    acceleration_m_s2: Float[Array, " time"],
    dt_s,
    period_s,
    damping=0.05,
    *,
    substeps: AbstractSubsteps = AT_SAMPLES,
    num_samples: Int[Array, ""] | int | None = None,
) -> ResponseSpectrum:
    """The response spectrum of a record, from rest at its first sample to its last.

    Derivatives by the record cost one more run of the oscillators, those by periods and damping two; all are of the sample at which the maximum is. What
    swings on behind the end of the record does not count, as in PEER's and Boore's spectra: for it, lengthen the record by zeros.

    Args:
        acceleration_m_s2: of the ground; the unit of PSA is this one, whichever it is.
        dt_s: between samples.
        period_s: ``" period"``, above 0.
        damping: fraction of critical, from 0 to below 1, for all periods or by period.
        substeps: where between samples maxima are looked for.
        num_samples: how many samples are the record; others behind them are padding. None: all.

    Raises:
        ValueError: for periods, damping or intervals that cannot be, and records of less than two samples.
    """
    check_spectrum(acceleration_m_s2, dt_s, period_s, damping)
    looks = substeps.looks(period_s, dt_s)
    return _spectrum(acceleration_m_s2, dt_s, period_s, damping, num_samples, substeps, looks)


@eqx.filter_jit
def _spectrum(acceleration, dt_s, period_s, damping, num_samples, substeps, looks) -> ResponseSpectrum:
    driven, angle, damping, period_s = driven_oscillators(acceleration, dt_s, period_s, damping, substeps)
    last = last_sample(acceleration, num_samples, substeps)
    still = [lax.stop_gradient(v) for v in (driven, angle, damping)]
    peak, fraction = peaks_with_looks(still[0], still[1], still[2], last, looks)
    value = with_derivative(
        jnp.abs(peak.value), driven[None], angle, damping, fraction, peak.sample, jnp.sign(peak.value)[None]
    )
    return ResponseSpectrum(period_s, value)


def driven_oscillators(acceleration, dt_s, period_s, damping, substeps):
    """The record that drives, and angle of a step, damping and period of each oscillator, in the dtype of the record."""
    dtype = acceleration.dtype
    period_s = jnp.asarray(period_s).astype(dtype)
    damping = jnp.broadcast_to(jnp.asarray(damping).astype(dtype), period_s.shape)
    angle = 2 * jnp.pi * jnp.asarray(dt_s).astype(dtype) / (substeps.factor * period_s)
    driven = (
        substeps.prepared(acceleration)
        if acceleration.ndim == 1
        else jax.vmap(substeps.prepared)(acceleration)
    )
    return driven, angle, damping, period_s


def last_sample(acceleration, num_samples, substeps) -> Int[Array, ""]:
    """How many samples of the driving record count."""
    num = acceleration.shape[-1] if num_samples is None else num_samples
    return (jnp.asarray(num, jnp.int32) - 1) * substeps.factor + 1


def peaks_with_looks(
    driven, angle, damping, num_samples, looks: Looks
) -> tuple[Peak, Float[Array, " period"]]:
    """Peaks over samples and further looks, and the fraction of the step at which each is."""
    peak = find_peaks(driven, angle, damping, None, num_samples)
    one = jnp.ones_like(angle)
    if not looks.row:
        return peak, one
    row = np.asarray(looks.row)
    fraction = jnp.asarray(looks.fraction, angle.dtype)
    more = find_peaks(driven, angle[row], damping[row], fraction, num_samples)
    num = angle.shape[0]
    place = looks.places(num)
    by_period = lambda a, b: jnp.concatenate([a, b])[place]
    value = by_period(peak.value, more.value)
    best = jnp.argmax(jnp.abs(value), axis=0)[None, :]
    pick = lambda values: jnp.take_along_axis(values, best, 0)[0]
    return Peak(pick(value), pick(by_period(peak.sample, more.sample))), pick(by_period(one, fraction))


class OscillatorResponse(eqx.Module):
    """What oscillators do at every sample.

    Attributes:
        period_s, damping: of the oscillators.
        pseudo_acceleration_m_s2: relative displacement times the square of the angular frequency, with its sign.
        pseudo_velocity_m_s2: relative velocity times the angular frequency.
    """

    period_s: Float[Array, " period"]
    damping: Float[Array, " period"]
    pseudo_acceleration_m_s2: Float[Array, "time period"]
    pseudo_velocity_m_s2: Float[Array, "time period"]

    @property
    def displacement_m(self) -> Float[Array, "time period"]:
        """Relative to the ground."""
        return self.pseudo_acceleration_m_s2 * ((self.period_s / (2 * jnp.pi)) ** 2)[None, :]

    @property
    def velocity_m_s(self) -> Float[Array, "time period"]:
        """Relative to the ground."""
        return self.pseudo_velocity_m_s2 * (self.period_s / (2 * jnp.pi))[None, :]

    @property
    def absolute_acceleration_m_s2(self) -> Float[Array, "time period"]:
        """Of the mass: of ground and oscillator together."""
        return -self.pseudo_acceleration_m_s2 - 2 * self.damping[None, :] * self.pseudo_velocity_m_s2


def oscillator_response(
    acceleration_m_s2: Float[Array, " time"], dt_s, period_s, damping=0.05
) -> OscillatorResponse:
    """Responses of oscillators at every sample, from rest at the first. All of it is stored."""
    check_spectrum(acceleration_m_s2, dt_s, period_s, damping)
    return _response(acceleration_m_s2, dt_s, period_s, damping)


@eqx.filter_jit
def _response(acceleration, dt_s, period_s, damping) -> OscillatorResponse:
    driven, angle, damping, period_s = driven_oscillators(acceleration, dt_s, period_s, damping, AT_SAMPLES)
    steps = driven.shape[0] - 1
    shape = block_shape(steps, angle.shape[0])
    show = lambda _, x, y, __: (None, (x, y))
    _, shown = run_blocks(driven, angle, damping, None, shape, show, None)

    def laid(values):
        flat = jnp.swapaxes(values, 0, 1).reshape(-1, angle.shape[0])[:steps]
        return jnp.concatenate([jnp.zeros((1, angle.shape[0]), flat.dtype), flat])

    return OscillatorResponse(period_s, damping, laid(shown[0]), laid(shown[1]))


def check_spectrum(acceleration, dt_s, period_s, damping) -> None:
    """Refuse what no spectrum can be made of, as far as it can be looked at."""
    if acceleration.ndim != 1 or acceleration.shape[0] < 2:
        raise ValueError(
            f"a record has one axis and at least two samples, got the shape {acceleration.shape}; map others by jax.vmap"
        )
    if np.ndim(period_s) != 1 or np.ndim(damping) > 1:
        raise ValueError("`period_s` has one axis, `damping` at most one")
    for name, value, good in (
        ("dt_s", dt_s, lambda v: (v > 0) & np.isfinite(v)),
        ("period_s", period_s, lambda v: (v > 0) & np.isfinite(v)),
        ("damping", damping, lambda v: (v >= 0) & (v < 1)),
    ):
        if is_concrete(value) and not np.all(good(np.asarray(value))):
            raise ValueError(
                f"`{name}` must be {'from 0 to below 1' if name == 'damping' else 'above 0 and finite'}, got {value}"
            )
