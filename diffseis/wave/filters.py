"""Fewer frequencies: what inversions from low to high ones need of sources and records alike."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.fft import next_fast_len

from diffseis.core.concrete import is_concrete


def low_passed(
    series: Float[Array, "*batch time"], dt_s: Float[Array, ""] | float, cut_hz: Float[Array, ""] | float
) -> Float[Array, "*batch time"]:
    """Series with their spectra times ``exp(-(f / cut_hz)^2)``, which shifts nothing and rings nowhere.

    Ricker's pulse of peak p becomes a smaller one of peak q, ``1/q^2 = 1/p^2 + 1/cut_hz^2``. Outside of their times series are zero: cut records after
    this, not before, by about ``1 / cut_hz``.

    References:
        Boonyasiriwat et al. (2009), An efficient multiscale method for time-domain waveform tomography, doi:10.1190/1.3151869.
    """
    if is_concrete(cut_hz) and not (np.isfinite(cut_hz) and cut_hz > 0):
        raise ValueError(f"`cut_hz` must be above 0 and finite, got {cut_hz}")
    num = series.shape[-1]
    length = int(np.asarray(next_fast_len(2 * num, real=True)))
    frequency = jnp.arange(length // 2 + 1, dtype=series.dtype) / (
        length * jnp.asarray(dt_s).astype(series.dtype)
    )
    gain = jnp.exp(-((frequency / jnp.asarray(cut_hz).astype(series.dtype)) ** 2))
    gain = gain.reshape((1,) * (series.ndim - 1) + gain.shape)
    spectrum = jnp.fft.rfft(series, n=length, axis=-1)
    full = jnp.fft.irfft(spectrum * gain.astype(spectrum.dtype), n=length, axis=-1)
    return full[..., :num].astype(series.dtype)
