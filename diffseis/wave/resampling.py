"""Series before and after a time loop: between samples, integrated, and rid of what the time step does to waves.

A second-order time step of length dt answers at the frequency w as the exact equation does at ``W(w) = 2 sin(w dt / 2) / dt``. So a time
function is first stretched in frequency, and seismograms are shrunk by the inverse; what is between is as if time were continuous. Both filters
are exact and linear, and depend on the number of samples alone. They are computed by non-uniform fast Fourier transforms.

References:
    Koene, Robertsson, Broggini & Andersson (2018), Eliminating time dispersion from seismic wave modeling,
    doi:10.1093/gji/ggx563. Fessler & Sutton (2003), Nonuniform fast Fourier transforms using min-max interpolation,
    doi:10.1109/TSP.2002.807005.
"""

from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.fft import next_fast_len
from scipy.special import i0

_WIDTH = 14
_SHAPE = 2.3 * _WIDTH
"""Width and shape of the interpolating kernel on a grid of twice the frequencies: an error of 3e-14 (measured)."""
_ROWS = 256
"""Seismograms that are filtered at a time, where they are many."""
_FADE = 200
"""Samples over which a record is led to rest."""
_ROOM = 1.5
"""Samples after the last one, as a share of all, for what moves later."""


def add_dispersion(series: Float[Array, "*batch time"]) -> Float[Array, "*batch time"]:
    """What to let a source do so that its waves, once `remove_dispersion` has been applied, are those of `series`."""
    return _warp(series, "forward")


def remove_dispersion(series: Float[Array, "*batch time"]) -> Float[Array, "*batch time"]:
    """Seismograms as they were without an error of the time step. What oscillates faster than 2 / dt radians per second is lost: no
    true wave is represented there."""
    return _warp(series, "inverse")


def finer(series: Float[Array, "*batch time"], factor: int) -> Float[Array, "*batch fine"]:
    """Band-limited values between samples, `factor` per sample; silence follows the last."""
    if factor == 1:
        return series
    num = series.shape[-1]
    spectrum = jnp.fft.rfft(series, n=2 * num, axis=-1)
    padded = jnp.pad(spectrum, [(0, 0)] * (series.ndim - 1) + [(0, num * (factor - 1))])
    fine = jnp.fft.irfft(padded, n=2 * num * factor, axis=-1) * factor
    return fine[..., : num * factor].astype(series.dtype)


def shifted(series: Float[Array, "*batch time"], samples: float) -> Float[Array, "*batch time"]:
    """Band-limited values a part of a sample later than each; silence surrounds the series."""
    num = series.shape[-1]
    length = int(np.asarray(next_fast_len(2 * num, real=True)))
    phase = np.exp(2j * np.pi * np.fft.rfftfreq(length) * samples)
    spectrum = jnp.fft.rfft(series, n=length, axis=-1)
    turned = spectrum * _rows(phase, spectrum)
    return jnp.fft.irfft(turned, n=length, axis=-1)[..., :num].astype(series.dtype)


def integrated(series: Float[Array, "*batch time"], dt_s: Float[Array, ""]) -> Float[Array, "*batch time"]:
    """The integral over time from the first sample of a band-limited series that begins and ends at rest."""
    num = series.shape[-1]
    length = int(np.asarray(next_fast_len(2 * num, real=True)))
    omega = 2 * np.pi * np.fft.rfftfreq(length)
    inverse = np.where(omega > 0, 1 / (1j * np.maximum(omega, 1e-300)), 0)
    spectrum = jnp.fft.rfft(series, n=length, axis=-1)
    swinging = jnp.fft.irfft(spectrum * _rows(inverse, spectrum), n=length, axis=-1)[..., :num]
    # Of the mean comes a slope.
    mean = jnp.sum(series, axis=-1, keepdims=True) / length
    steady = mean * jnp.arange(num, dtype=series.dtype).reshape((1,) * (series.ndim - 1) + (num,))
    total = swinging.astype(series.dtype) + steady
    return (total - total[..., :1]) * dt_s.astype(series.dtype)


def continued(series: Float[Array, "*batch time"]) -> Float[Array, "*batch longer"]:
    """A record that was cut off while waves still passed, led to rest: turned about its last value, and faded out.

    A cut would ring through all of a record when it is filtered; led to rest like this only its last samples are uncertain.
    """
    num = series.shape[-1]
    extra = min(num - 1, _FADE)
    fade = np.cos(np.linspace(0, np.pi / 2, extra + 2)[1:-1]) ** 2
    turned = 2 * series[..., -1:] - series[..., num - 1 - extra : num - 1][..., ::-1]
    return jnp.concatenate([series, turned * _rows(fade, turned)], axis=-1)


def _rows(values, like):
    """The same values along the last axis for every row."""
    return jnp.broadcast_to(jnp.asarray(values, like.dtype), like.shape)


def _warp(series, direction: str):
    num = series.shape[-1]
    columns, weights, turn, spread, length = _plan(num, direction)
    rows = series.reshape(-1, num)
    scaled = rows * jnp.asarray(1 / spread, rows.dtype)[None, :]
    oversampled = jnp.fft.fft(scaled, n=2 * length, axis=-1)
    weights, turn = (jnp.asarray(w, oversampled.dtype) for w in (weights, turn))
    found = jnp.sum(oversampled[:, columns] * weights[None], axis=-1) * turn[None, :]
    warped = jnp.fft.irfft(found, n=length, axis=-1)[:, :num]
    return warped.astype(series.dtype).reshape(series.shape)


@lru_cache(maxsize=16)
def _plan(num: int, direction: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int]:
    """Where to look between the frequencies of a transform of ``2 length`` samples, by which weights; phases; the kernel's transform."""
    length = int(np.asarray(next_fast_len(int(_ROOM * num) + 16, real=True)))
    angle = 2 * np.pi * np.arange(length // 2 + 1) / length
    if direction == "forward":
        wanted, lost = 2 * np.sin(angle / 2), np.zeros(angle.shape, bool)
    else:
        lost = angle >= 2
        wanted = np.where(lost, 0, 2 * np.arcsin(np.minimum(angle / 2, 1)))
    # Samples are counted from the middle, where the kernel's transform is largest.
    middle = num // 2
    place = wanted * 2 * length / (2 * np.pi)
    first = np.floor(place).astype(int) - _WIDTH // 2 + 1
    columns = first[:, None] + np.arange(_WIDTH)[None, :]
    weights = _kernel(place[:, None] - columns) * ~lost[:, None]
    spread = _kernel_transform(2 * np.pi * (np.arange(num) - middle) / (2 * length))
    # The transform counts samples from the first; the columns' phases turn it to the middle, the wanted frequency's turns it back.
    phases = np.exp(1j * np.pi * columns * 2 * middle / (2 * length))
    turn = np.exp(-1j * wanted * middle)
    return columns % (2 * length), weights * phases, turn, spread, length


def _kernel(x):
    inside = np.abs(x) < _WIDTH / 2
    root = np.sqrt(np.maximum(1 - (2 * x / _WIDTH) ** 2, 0))
    return np.where(inside, i0(_SHAPE * root) / i0(_SHAPE), 0)


def _kernel_transform(angle):
    """Of `_kernel`, at radians per sample."""
    z = np.sqrt(np.asarray(_SHAPE**2 - (_WIDTH * angle / 2) ** 2, complex))
    return np.real(_WIDTH * np.sinh(z) / z) / i0(_SHAPE)


def sampled(
    recorded: Float[Array, "step receiver"],
    *,
    early: bool,
    substeps: int,
    filter_dispersion: bool,
    half_later: bool = False,
) -> Float[Array, "receiver time"]:
    """What was recorded at each step of a time loop, at the times of samples.

    Args:
        early: whether it is that of half a step before.
        substeps: steps between samples.
        filter_dispersion: remove what time steps do to waves.
        half_later: give what comes half a step after each sample.
    """
    # The first sample of fields at whole steps is that of the medium at rest.
    traces = recorded.T if early else jnp.pad(recorded.T, [(0, 0), (1, 0)])[:, :-1]
    num = traces.shape[1]

    def filtered(traces):
        traces = continued(traces)
        if early != half_later:
            traces = shifted(traces, -0.5 if early else 0.5)
        traces = remove_dispersion(traces) if filter_dispersion else traces
        return traces[:, :num:substeps]

    # Filters need some thirty times the memory of what they filter: of many receivers, as snapshots have, not at once.
    if traces.shape[0] <= 2 * _ROWS:
        return filtered(traces)
    return jax.lax.map(lambda row: filtered(row[None])[0], traces, batch_size=_ROWS)
