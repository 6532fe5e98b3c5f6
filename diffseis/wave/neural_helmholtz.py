"""Wavefields of one frequency as networks of a point."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from diffseis.networks import AbstractFeatures
from diffseis.wave.background import Background
from diffseis.wave.complex_numbers import as_complex
from diffseis.wave.extents import Box, check_within
from diffseis.wave.hankel import hankel_zero
from diffseis.wave.harmonic_sources import HarmonicSources


class HelmholtzNetwork(eqx.Module):
    """The pressure of several sources: a closed form and a network of what is scattered.

    The features are the same for all sources; each source has a last layer of its own.

    Attributes:
        features: of a point.
        last: the last layer, complex: (feature, field, source). The last field is pressure.
        background: the homogeneous medium that each source's closed form is of.
        sources: which.
        angular_hz: ``2 pi`` times the frequency.
        box_km: the lowest and the highest corner of the medium, outside which nothing is answered; None for no check.
    """

    features: AbstractFeatures
    last: Complex[Array, "feature field source"]
    background: Background
    sources: HarmonicSources
    angular_hz: Float[Array, ""]
    box_km: Box | None = None

    def scattered(self, x_km: Float[Array, " dim"]) -> Complex[Array, " source"]:
        """What the network adds to the background, at a point; differentiable in the point.

        Raises:
            ValueError: where it can be seen that the point lies outside the medium.
        """
        check_within("point", x_km, self.box_km)
        return as_complex(self.features(x_km)) @ self.last[:, -1]

    def __call__(self, x_km: Float[Array, " dim"]) -> Complex[Array, " source"]:
        """Pressure of each source at a point; differentiable in the point, infinite at a source itself."""
        return self.background_at(x_km) + self.scattered(x_km)

    def background_at(self, x_km: Float[Array, " dim"]) -> Complex[Array, " source"]:
        """The closed form: waves in the homogeneous medium."""
        num_dims = x_km.shape[0]
        slant = jnp.sqrt(1 + 2 * self.background.epsilon)
        upright = jnp.arange(num_dims)[None, :] == num_dims - 1
        stretch = jnp.where(upright, 1, slant[:, None])
        offset = (x_km[None, :] - self.sources.position_km) / stretch
        r = jnp.sqrt(jnp.sum(offset**2, axis=1))
        phase = self.angular_hz / self.background.speed_km_s * r
        if num_dims == 2:
            green = hankel_zero(phase) * -0.25j
        elif num_dims == 3:
            green = jax.lax.complex(jnp.cos(phase), -jnp.sin(phase)) / as_complex(4 * jnp.pi * r)
        else:
            wavenumber = self.angular_hz / self.background.speed_km_s
            green = jax.lax.complex(jnp.cos(phase), -jnp.sin(phase)) / (as_complex(wavenumber) * 2j)
        return self.sources.amplitude * green / as_complex(jnp.prod(stretch, axis=1))

    def on(self, x_km: Float[Array, "point dim"]) -> Complex[Array, "source point"]:
        """What is scattered at many points; refused where they can be seen to lie outside the medium."""
        check_within("point", x_km, self.box_km)
        return jax.lax.map(self.scattered, x_km, batch_size=1024).T
