"""Source time functions.

References:
    Ricker (1953), The form and laws of propagation of seismic wavelets, doi:10.1190/1.1437843. Brune (1970), Tectonic stress
    and the spectra of seismic shear waves from earthquakes, doi:10.1029/JB075i026p04997.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffseis.core.concrete import is_concrete
from diffseis.source.base import AbstractTimeFunction


def _positive(name: str, value) -> Array:
    if is_concrete(value) and not (np.isfinite(value) and value > 0):
        raise ValueError(f"`{name}` must be above 0 and finite, got {value}")
    return jnp.asarray(value, float)


class Ricker(AbstractTimeFunction):
    """The second derivative of a Gaussian, its peak of 1 (without dimension) at the time 0; its integral is 0.

    Attributes:
        peak_hz: where its amplitude spectrum is largest.
    """

    peak_hz: Float[Array, ""]

    def __init__(self, peak_hz):
        self.peak_hz = _positive("peak_hz", peak_hz)

    def __call__(self, t_s: Float[Array, ""]) -> Float[Array, ""]:
        square = (jnp.pi * self.peak_hz * t_s) ** 2
        return (1 - 2 * square) * jnp.exp(-square)


class Gaussian(AbstractTimeFunction):
    """A normal distribution about the time 0.

    Attributes:
        sigma_s: its standard deviation.
    """

    sigma_s: Float[Array, ""]

    def __init__(self, sigma_s):
        self.sigma_s = _positive("sigma_s", sigma_s)

    def __call__(self, t_s: Float[Array, ""]) -> Float[Array, ""]:
        return jnp.exp(-0.5 * (t_s / self.sigma_s) ** 2) / (self.sigma_s * jnp.sqrt(2 * jnp.pi))


class Triangle(AbstractTimeFunction):
    """An isosceles triangle about the time 0, as in the GCMT catalogue.

    Attributes:
        half_duration_s: half the length of its base.
    """

    half_duration_s: Float[Array, ""]

    def __init__(self, half_duration_s):
        self.half_duration_s = _positive("half_duration_s", half_duration_s)

    def __call__(self, t_s: Float[Array, ""]) -> Float[Array, ""]:
        return jnp.maximum(1 - jnp.abs(t_s) / self.half_duration_s, 0) / self.half_duration_s


class Brune(AbstractTimeFunction):
    """Brune's pulse ``w^2 t exp(-w t)`` from the time 0 on, ``w = 2 pi corner_hz``: a spectrum that falls as the square of frequency.

    Attributes:
        corner_hz: its corner frequency.
    """

    corner_hz: Float[Array, ""]

    def __init__(self, corner_hz):
        self.corner_hz = _positive("corner_hz", corner_hz)

    def __call__(self, t_s: Float[Array, ""]) -> Float[Array, ""]:
        w = 2 * jnp.pi * self.corner_hz
        late = jnp.maximum(t_s, 0)
        return w**2 * late * jnp.exp(-w * late)


class BandLimitedDelta(AbstractTimeFunction):
    """A pulse about the time 0 whose spectrum is 1 up to a frequency and falls to 0 at another, both to a part in 1e5.

    ``2 f sinc(2 f t) exp(-(pi w t)^2)``, ``f`` half-way between both frequencies and ``w`` a sixth of their difference; its integral is 1.

    Attributes:
        pass_hz: up to where the spectrum is 1.
        stop_hz: from where it is 0.
    """

    pass_hz: Float[Array, ""]
    stop_hz: Float[Array, ""]

    def __init__(self, pass_hz, stop_hz):
        self.pass_hz, self.stop_hz = _positive("pass_hz", pass_hz), _positive("stop_hz", stop_hz)

    def __check_init__(self):
        if is_concrete(self.pass_hz, self.stop_hz) and not self.stop_hz > self.pass_hz:
            raise ValueError(f"`stop_hz` must be above `pass_hz`, got {self.stop_hz} and {self.pass_hz}")

    def _middle_and_width(self):
        return (self.pass_hz + self.stop_hz) / 2, (self.stop_hz - self.pass_hz) / 6

    @property
    def half_duration_s(self) -> Float[Array, ""]:
        """From where on the pulse is below 1e-5 of its peak, and far below it."""
        return 1.1 / self._middle_and_width()[1]

    def __call__(self, t_s: Float[Array, ""]) -> Float[Array, ""]:
        middle, width = self._middle_and_width()
        return 2 * middle * jnp.sinc(2 * middle * t_s) * jnp.exp(-((jnp.pi * width * t_s) ** 2))

    def spectrum(self, frequency_hz: Float[Array, ""]) -> Float[Array, ""]:
        """Its Fourier transform, which is real."""
        middle, width = self._middle_and_width()
        erf = jax.scipy.special.erf
        return (erf((frequency_hz + middle) / width) - erf((frequency_hz - middle) / width)) / 2
