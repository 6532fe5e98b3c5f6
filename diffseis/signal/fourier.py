"""Fourier amplitudes of records, and their smoothing over bands of equal width in the logarithm of frequency.

References:
    Konno & Ohmachi (1998), Ground-motion characteristics estimated from spectral ratio between horizontal and vertical components of microtremor, Bulletin of
    the Seismological Society of America 88, 228-241, doi:10.1785/BSSA0880010228. Goulet, Kottke, Boore, Bozorgnia, Hollenback, Kishida, Der Kiureghian, Ktenidou, Kuehn,
    Rathje, Silva, Thompson & Wang (2018), Effective amplitude spectrum (EAS) as a metric for ground motion modeling using Fourier amplitudes, Seismology of the
    Americas Meeting. Bayless & Abrahamson (2019), Summary of the BA18 ground-motion model for Fourier amplitude spectra for crustal earthquakes in California, Bulletin of
    the Seismological Society of America 109, 2088-2105, doi:10.1785/0120190077.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffseis.core import safe

EAS_BANDWIDTH = 2 * np.pi / (1 / 30)
"""PEER's bandwidth of the effective amplitude spectrum, 188.5: a window of a thirtieth of a decade."""


def fourier_frequencies_hz(num_samples: int, dt_s: float) -> Float[np.ndarray, " frequency"]:
    """Frequencies of `fourier_amplitude`."""
    return np.fft.rfftfreq(num_samples, dt_s)


def fourier_amplitude(
    acceleration_m_s2: Float[Array, " time"], dt_s, *, length: int | None = None
) -> Float[Array, " frequency"]:
    """Amplitudes in m/s of the Fourier integral, which is approximated by a sum of samples times the interval.

    Args:
        acceleration_m_s2: the record.
        dt_s: between samples.
        length: samples with zeros behind the record (or a cut); None: those of the record.
    """
    spectrum = jnp.fft.rfft(acceleration_m_s2, n=length)
    power = spectrum.real**2 + spectrum.imag**2
    return jnp.asarray(dt_s).astype(power.dtype) * safe.sqrt(power)


def effective_amplitude(
    accelerations_m_s2: Float[Array, "component time"], dt_s, *, length: int | None = None
) -> Float[Array, " frequency"]:
    """EAS in m/s, not smoothed: the root of the mean power of components, which does not depend on how they are turned."""
    spectrum = jnp.fft.rfft(accelerations_m_s2, n=length)
    power = jnp.mean(spectrum.real**2 + spectrum.imag**2, axis=0)
    return jnp.asarray(dt_s).astype(power.dtype) * safe.sqrt(power)


def konno_ohmachi(
    frequency_hz: Float[np.ndarray, " frequency"],
    centre_hz: Float[np.ndarray, " centre"],
    bandwidth: float = 40.0,
) -> Float[np.ndarray, "centre frequency"]:
    """Weights of a smoothing: ``konno_ohmachi(...) @ amplitude``. Rows add up to 1; the frequency 0 has no weight. Made on the host, once for many spectra.

    Args:
        frequency_hz: of the amplitudes.
        centre_hz: where smooth amplitudes are wanted, above 0.
        bandwidth: b in ``(sin(b x) / (b x))^4``, x the decadic logarithm of the ratio to the centre; 40 is usual, `EAS_BANDWIDTH` PEER's.

    Raises:
        ValueError: for a centre at or below 0, or one whose window holds no frequency.
    """
    if not np.all(np.asarray(centre_hz) > 0):
        raise ValueError("`centre_hz` must be above 0")
    positive = frequency_hz > 0
    ratio = np.log10(np.where(positive, frequency_hz, 1.0)[None, :] / centre_hz[:, None])
    weight = np.sinc(bandwidth * ratio / np.pi) ** 4 * positive[None, :]
    # The main lobe and a few beside it are all there is to a window; at a tenth of the lobe's power of 1e-3 nothing is left to smooth.
    total = weight.sum(axis=1, keepdims=True)
    if np.any(total < 1e-3):
        poor = np.asarray(centre_hz)[total[:, 0] < 1e-3]
        raise ValueError(
            f"no frequency of the spectrum lies near {poor[0]:g} Hz; lengthen the record by zeros or leave this centre out"
        )
    return weight / total
