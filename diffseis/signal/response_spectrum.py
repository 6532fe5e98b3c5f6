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
from diffseis.signal.substeps import AT_SAMPLES, AbstractSubsteps, Looks, NoSubsteps


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


def oscillator_response(
    acceleration_m_s2: Float[Array, " time"], dt_s, period_s, damping=0.05
) -> Float[Array, "time period"]:
    """Pseudo-acceleration of oscillators at every sample, of the sign of their relative displacement.

    All of it is stored, and so are derivatives of what is made of it.
    """
    check_spectrum(acceleration_m_s2, dt_s, period_s, damping)
    return _response(acceleration_m_s2, dt_s, period_s, damping)


@eqx.filter_jit
def _response(acceleration, dt_s, period_s, damping):
    driven, angle, damping, _ = driven_oscillators(acceleration, dt_s, period_s, damping, NoSubsteps())
    steps = driven.shape[0] - 1
    shape = block_shape(steps, angle.shape[0])
    _, shown = run_blocks(driven, angle, damping, None, shape, lambda _, x, __: (None, x), None)
    flat = jnp.swapaxes(shown, 0, 1).reshape(-1, angle.shape[0])[:steps]
    return jnp.concatenate([jnp.zeros((1, angle.shape[0]), flat.dtype), flat])


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


def batched_response_spectra(
    accelerations_m_s2: Float[Array, "record time"],
    dt_s,
    period_s,
    damping=0.05,
    *,
    num_samples: Int[Array, " record"] | None = None,
    at_once: int = 8,
) -> Float[Array, "record period"]:
    """PSA of many records of one sampling rate, a few at a time: what is held is the records, their spectra, and the state of `at_once` records.

    Args:
        accelerations_m_s2: records, padded behind their ends.
        dt_s, period_s, damping: of `response_spectrum`, which looks at samples only here.
        num_samples: of each record.
        at_once: records in one loop.
    """
    check_spectrum(accelerations_m_s2[0], dt_s, period_s, damping)
    num = (
        jnp.full(len(accelerations_m_s2), accelerations_m_s2.shape[1]) if num_samples is None else num_samples
    )
    return _many(accelerations_m_s2, num, dt_s, period_s, damping, at_once)


@eqx.filter_jit
def _many(accelerations, num_samples, dt_s, period_s, damping, at_once):
    one = lambda pair: (
        _spectrum(pair[0], dt_s, period_s, damping, pair[1], NoSubsteps(), Looks()).pseudo_acceleration_m_s2
    )
    return lax.map(one, (accelerations, num_samples), batch_size=at_once)


def smooth_response_spectrum(
    acceleration_m_s2: Float[Array, " time"], dt_s, period_s, damping=0.05, *, order: float = 64.0
) -> Float[Array, " period"]:
    """A PSA without kinks: ``(sum |x|^p)^(1/p)`` over samples in place of the maximum, above it by a factor of ``N^(1/p)`` at most.

    The gradient spreads over all samples near the maximum, in place of one. Responses are computed anew in the backward pass, some periods at a time.

    Args:
        acceleration_m_s2, dt_s, period_s, damping: of `response_spectrum`.
        order: p, above 1; infinite would be the maximum.
    """
    check_spectrum(acceleration_m_s2, dt_s, period_s, damping)
    if not order > 1:
        raise ValueError(f"`order` must be above 1, got {order}")
    return _smooth(acceleration_m_s2, dt_s, period_s, damping, float(order))


@eqx.filter_jit
def _smooth(acceleration, dt_s, period_s, damping, order):
    period_s = jnp.asarray(period_s).astype(acceleration.dtype)
    damping = jnp.broadcast_to(jnp.asarray(damping).astype(acceleration.dtype), period_s.shape)

    @jax.checkpoint
    def one(oscillator):
        period, fraction = oscillator
        response = _response(acceleration, dt_s, period[None], fraction)[:, 0]
        return p_norm(response, order)

    return lax.map(one, (period_s, damping), batch_size=8)


def p_norm(values: Float[Array, " time"], order: float) -> Float[Array, ""]:
    """``(sum |v|^p)^(1/p)``, 0 with the gradient 0 where all values are 0."""
    size = jnp.abs(values)
    # Any scale gives the same value, so that its own derivative is none.
    scale = lax.stop_gradient(jnp.max(size))
    scale = jnp.where(scale > 0, scale, 1)
    total = jnp.sum((size / scale) ** order)
    there = total > 0
    return scale * jnp.where(there, jnp.where(there, total, 1) ** (1 / order), 0)
