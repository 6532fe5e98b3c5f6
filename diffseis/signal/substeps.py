"""How finely the response of an oscillator is looked at between two samples of the record.

The choice matters at periods of less than about ten samples, by several percent. PEER's spectra (NGA-West2) look at least ten times per period,
Boore's programs at the samples only. Both take the acceleration as linear between samples, which loses what the record holds near its highest
frequencies; `BandLimited` does not.

References:
    Boore & Goulet (2014), The effect of sampling rate and anti-aliasing filters on high-frequency response spectra, Bulletin of Earthquake Engineering 12,
    203-216, doi:10.1007/s10518-013-9574-9.
"""

import abc
from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float
from scipy.fft import next_fast_len

from diffseis.core.concrete import is_concrete


@dataclass(frozen=True)
class Looks:
    """Further looks at oscillators within steps, besides that at the end of each.

    Attributes:
        row: which oscillator.
        fraction: of the step that is gone.
    """

    row: tuple[int, ...] = ()
    fraction: tuple[float, ...] = ()

    def rows(self, num_periods: int) -> np.ndarray:
        """Which oscillator each look is at: first the ends of steps of all, then `row`."""
        return np.concatenate([np.arange(num_periods), np.asarray(self.row, int)])

    def fractions(self, num_periods: int) -> np.ndarray:
        """Of the step, for each of `rows`."""
        return np.concatenate([np.ones(num_periods), np.asarray(self.fraction, float)])

    def places(self, num_periods: int) -> np.ndarray:
        """``(look, period)``: which of `rows` are of each period; the first is repeated where a period has fewer than others."""
        row = np.asarray(self.row, int)
        most = int(np.bincount(row, minlength=1).max()) if len(row) else 0
        place = np.tile(np.arange(num_periods), (most + 1, 1))
        place[1 + np.arange(len(row)) - np.searchsorted(row, row), row] = num_periods + np.arange(len(row))
        return place


class AbstractSubsteps(eqx.Module):
    """A choice of sub-steps.

    Attributes:
        factor: by how much `prepared` raises the sampling rate.
    """

    factor: eqx.AbstractVar[int]

    @abc.abstractmethod
    def looks(self, period_s, dt_s) -> Looks:
        """Looks within steps of `prepared` records, on the host."""

    @abc.abstractmethod
    def prepared(self, acceleration: Float[Array, " time"]) -> Float[Array, " more"]:
        """The record that the oscillators are driven by: sample ``i`` is its sample ``factor * i``."""


class NoSubsteps(AbstractSubsteps):
    """At samples only, as Boore's programs (SMC2PSA_ROT_GMROT and others) do. The only choice for periods that are traced."""

    factor: int = eqx.field(static=True, default=1)

    def looks(self, period_s, dt_s) -> Looks:
        return Looks()

    def prepared(self, acceleration: Float[Array, " time"]) -> Float[Array, " more"]:
        return acceleration


class LinearSubsteps(AbstractSubsteps):
    """``int(10 dt / T - 0.01) + 1`` sub-steps, the acceleration linear in between: with it PEER's NGA-West2 spectra come out as printed."""

    factor: int = eqx.field(static=True, default=1)

    def looks(self, period_s, dt_s) -> Looks:
        ratio = 10.0 * _on_host("dt_s", dt_s) / _on_host("period_s", period_s)
        return _looks(np.floor(np.maximum(ratio - 0.01, 0.0)).astype(int) + 1)

    def prepared(self, acceleration: Float[Array, " time"]) -> Float[Array, " more"]:
        return acceleration


class BandLimited(AbstractSubsteps):
    """The record as a sum of the frequencies up to Nyquist's, which is what a recorder with an anti-alias filter has seen.

    Its spectrum is continued by zeros up to `factor` times the rate, and made larger by what linear interpolation between the new
    samples takes from it, ``sinc(f dt)^-2``. Before and behind the record it is taken to be zero: a record that begins or ends with a jump rings there.

    Attributes:
        factor: a power of two; with 4 the images of frequencies that linear interpolation leaves are below 2 % of these, far above all periods.
        per_period: looks per period at least; a peak is missed by ``1 - cos(pi / per_period)`` at most, 0.3 % with 40.
    """

    factor: int = eqx.field(static=True, default=4)
    per_period: float = eqx.field(static=True, default=40.0)

    def __check_init__(self):
        if self.factor < 2 or self.per_period < 2:
            raise ValueError("`factor` and `per_period` must be at least 2")

    def looks(self, period_s, dt_s) -> Looks:
        ratio = self.per_period * _on_host("dt_s", dt_s) / (self.factor * _on_host("period_s", period_s))
        return _looks(np.ceil(np.maximum(ratio, 1.0) - 1e-9).astype(int))

    def prepared(self, acceleration: Float[Array, " time"]) -> Float[Array, " more"]:
        num = acceleration.shape[0]
        # Twice the length: the end of the record does not ring into its begin.
        length = 2 * int(np.asarray(next_fast_len(num, real=True)))
        spectrum = jnp.fft.rfft(acceleration, n=length)
        share = np.arange(length // 2 + 1) / (length * self.factor)
        gain = np.where(np.arange(length // 2 + 1) == length // 2, 0.5, 1.0) / np.sinc(share) ** 2
        raised = jnp.asarray(self.factor * gain).astype(acceleration.dtype)
        full = jnp.fft.irfft(spectrum * lax.complex(raised, jnp.zeros_like(raised)), n=length * self.factor)
        return full[: (num - 1) * self.factor + 1].astype(acceleration.dtype)


AT_SAMPLES = NoSubsteps()
"""The default of functions that take sub-steps."""


def _on_host(name: str, value) -> np.ndarray:
    if not is_concrete(value):
        raise ValueError(
            f"`{name}` is traced, and the number of sub-steps depends on it; use NoSubsteps(), or let it be a NumPy array"
        )
    return np.asarray(value, np.float64)


def _looks(count: np.ndarray) -> Looks:
    pairs = [(row, k / n) for row, n in enumerate(count) for k in range(1, n)]
    return Looks(tuple(row for row, _ in pairs), tuple(part for _, part in pairs))
