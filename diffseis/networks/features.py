"""Features of a point: networks without their last layer, with the derivatives that a differential equation of second order asks for.

Derivatives are propagated forward together with the values, one pass for all: nothing is differentiated twice in reverse.

References:
    Sitzmann, Martel, Bergman, Lindell & Wetzstein (2020), Implicit neural representations with periodic activation functions,
    arXiv:2006.09661. Fathony, Sahu, Willmott & Kolter (2021), Multiplicative filter networks, ICLR. Li, Ye, Jiang, Ju, He & Wang
    (2023), Forward Laplacian: a new computational framework for neural network-based variational Monte Carlo, arXiv:2307.08214.
"""

import abc
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Key


class Derivatives(NamedTuple):
    """Features at a point, their slopes along each axis and their second derivatives along each."""

    value: Float[Array, " feature"]
    first: Float[Array, "dim feature"]
    second: Float[Array, "dim feature"]


class AbstractFeatures(eqx.Module):
    """Numbers that depend on a point, and on weights."""

    @property
    @abc.abstractmethod
    def num_features(self) -> int:
        """How many numbers."""

    @abc.abstractmethod
    def __call__(self, x: Float[Array, " dim"]) -> Float[Array, " feature"]:
        """At a point."""

    @abc.abstractmethod
    def derivatives(self, x: Float[Array, " dim"]) -> Derivatives:
        """The same with derivatives by the point."""


class GaborFeatures(AbstractFeatures):
    """Waves under bell-shaped windows: ``exp(-|x - c|^2 / 2 w^2) cos(k . (x - c) + b)``.

    Attributes:
        centre: ``c`` of each.
        log_width: of the windows, ``ln w``.
        wavenumber: ``k``, in radians per unit of length.
        phase: ``b``.
    """

    centre: Float[Array, "feature dim"]
    log_width: Float[Array, " feature"]
    wavenumber: Float[Array, "feature dim"]
    phase: Float[Array, " feature"]

    @property
    def num_features(self) -> int:
        return self.centre.shape[0]

    def __call__(self, x: Float[Array, " dim"]) -> Float[Array, " feature"]:
        _, window, angle = self._parts(x)
        return window * jnp.cos(angle)

    def derivatives(self, x: Float[Array, " dim"]) -> Derivatives:
        offset, window, angle = self._parts(x)
        cosine, sine = (window * f(angle) for f in (jnp.cos, jnp.sin))
        inverse = jnp.exp(-2 * self.log_width)[None, :]
        k = self.wavenumber.T
        decay = -offset.T * inverse
        first = decay * cosine[None, :] - k * sine[None, :]
        second = (decay**2 - inverse - k**2) * cosine[None, :] - 2 * decay * k * sine[None, :]
        return Derivatives(cosine, first, second)

    def _parts(self, x):
        offset = x[None, :] - self.centre
        window = jnp.exp(-0.5 * jnp.sum(offset**2, axis=1) * jnp.exp(-2 * self.log_width))
        return offset, window, jnp.sum(self.wavenumber * offset, axis=1) + self.phase


class SineFeatures(AbstractFeatures):
    """Sines of sums of sines: a SIREN; with one layer, random Fourier features.

    Attributes:
        weights: of each layer; the first one's are wavenumbers, in radians per unit of length.
        biases: of each layer.
    """

    weights: tuple[Float[Array, "_ _"], ...]
    biases: tuple[Float[Array, " _"], ...]

    @classmethod
    def random(
        cls,
        wavenumber: Float[Array, "feature dim"],
        *,
        depth: int = 1,
        gain: float = 1.5,
        key: Key[Array, ""],
    ) -> "SineFeatures":
        """Layers as wide as there are wavenumbers, which make the first one.

        Args:
            wavenumber: of the first layer.
            depth: number of layers.
            gain: standard deviation of what enters the sines of further layers, about.
            key: of phases and further layers.
        """
        if depth < 1:
            raise ValueError(f"`depth` must be >= 1, got {depth}")
        num, dtype = wavenumber.shape[0], wavenumber.dtype
        k_phase, *keys = jr.split(key, depth)
        more = [gain * (2 / num) ** 0.5 * jr.normal(k, (num, num), dtype) for k in keys]
        phases = 2 * jnp.pi * jr.uniform(k_phase, (depth, num), dtype)
        return cls((wavenumber, *more), tuple(phases[i] for i in range(depth)))

    @property
    def num_features(self) -> int:
        return self.biases[-1].shape[0]

    def __call__(self, x: Float[Array, " dim"]) -> Float[Array, " feature"]:
        for weight, bias in zip(self.weights, self.biases, strict=True):
            x = jnp.sin(weight @ x + bias)
        return x

    def derivatives(self, x: Float[Array, " dim"]) -> Derivatives:
        value, first, second = x, jnp.eye(x.shape[0], dtype=x.dtype), jnp.zeros((x.shape[0],) * 2, x.dtype)
        for weight, bias in zip(self.weights, self.biases, strict=True):
            angle, slope, bend = weight @ value + bias, first @ weight.T, second @ weight.T
            sine, cosine = jnp.sin(angle), jnp.cos(angle)
            value, first = sine, cosine[None, :] * slope
            second = cosine[None, :] * bend - sine[None, :] * slope**2
        return Derivatives(value, first, second)


class HeldFeatures(AbstractFeatures):
    """Features that vanish on a plane, whatever their weights: times ``tanh((x - place) / length)`` along one axis.

    Attributes:
        features: what is held.
        axis: across the plane (static).
        place: of the plane on the axis.
        length: over which features come to their full size; negative where they are below the place.
    """

    features: AbstractFeatures
    axis: int = eqx.field(static=True)
    place: Float[Array, ""]
    length: Float[Array, ""]

    @property
    def num_features(self) -> int:
        return self.features.num_features

    def __call__(self, x: Float[Array, " dim"]) -> Float[Array, " feature"]:
        return self._factor(x) * self.features(x)

    def derivatives(self, x: Float[Array, " dim"]) -> Derivatives:
        value, first, second = self.features.derivatives(x)
        factor = self._factor(x)
        slope = (1 - factor**2) / self.length
        bend = -2 * factor * slope / self.length
        across = (jnp.arange(x.shape[0]) == self.axis)[:, None].astype(x.dtype)
        return Derivatives(
            factor * value,
            factor * first + across * slope * value[None, :],
            factor * second + across * (2 * slope * first + bend * value[None, :]),
        )

    def _factor(self, x):
        return jnp.tanh((x[self.axis] - self.place) / self.length)
