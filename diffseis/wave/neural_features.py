"""Features for networks of waves, drawn by the wavelengths of a medium."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, ArrayLike, Key

from diffseis.networks import GaborFeatures, SineFeatures
from diffseis.wave.background import at_points
from diffseis.wave.harmonic_operator import HarmonicMedium

WIDTH = 0.3
"""Of Gabor windows, in wavelengths. With 1,800 features on layers at 4 Hz errors are alike, 2.9 to 3.4 %, for widths of 0.3 to 0.4 and largest wavenumbers of 1.5 to 2; wider windows are
worse (measured)."""

LARGEST = 1.75
"""Wavenumber, over the local one: more than one, since waves are cut by windows and by interfaces."""

DENSITY = 1.0
"""Power of slowness that the density of windows follows: fewer than the number of axes, since interfaces are as sharp where waves are fast (measured)."""

PER_WAVELENGTH = {1: 10.0, 2: 8.0, 3: 5.5}
"""Features per wavelength and axis, by the number of axes."""


def default_number(
    medium: HarmonicMedium,
    low_km: ArrayLike,
    high_km: ArrayLike,
    frequency_hz: float,
    per_wavelength: dict[int, float] = PER_WAVELENGTH,
) -> int:
    """Of features, by the number of wavelengths in a box, and how many each needs along an axis in so many dimensions."""
    low, high = np.asarray(low_km), np.asarray(high_km)
    nodes = np.stack(np.meshgrid(*(np.linspace(0, 1, 41),) * low.size, indexing="ij"), axis=-1)
    speed = at_points(medium, low + (high - low) * nodes.reshape(-1, low.size)).speed_km_s
    cells = float(np.mean((frequency_hz / speed) ** low.size) * np.prod(high - low))
    return int(np.ceil(per_wavelength[low.size] ** low.size * cells))


def gabor_features(
    medium: HarmonicMedium,
    low_km: ArrayLike,
    high_km: ArrayLike,
    frequency_hz: float,
    num_features: int,
    *,
    width: float = WIDTH,
    largest: float = LARGEST,
    filled: bool = False,
    key: Key[Array, ""],
) -> GaborFeatures:
    """Windows in a box, closer and narrower where waves are slower; wavenumbers of all directions up to `largest` times the local one.

    Args:
        medium, low_km, high_km: whose waves, and the box.
        frequency_hz: of these, or their highest.
        num_features: how many.
        width: of windows, in wavelengths.
        largest: wavenumber, over the local one.
        filled: whether wavenumbers fill a ball evenly, or are as often short as long.
        key: of the draw.
    """
    rng = generator(key)
    low, high = np.asarray(low_km), np.asarray(high_km)
    slowest = float(np.min(np.asarray(medium.speed_km_s)))
    centre = np.zeros((0, low.size))
    while len(centre) < num_features:
        drawn = low + (high - low) * rng.uniform(size=(num_features, low.size))
        accepted = rng.uniform(size=num_features) < (slowest / at_points(medium, drawn).speed_km_s) ** DENSITY
        centre = np.concatenate([centre, drawn[accepted]])
    centre = centre[:num_features]
    local = 2 * np.pi * frequency_hz / at_points(medium, centre).speed_km_s
    return GaborFeatures(
        jnp.asarray(centre),
        jnp.asarray(np.log(width * 2 * np.pi / local)),
        jnp.asarray(_wavenumbers(rng, largest * local, low.size, filled)),
        jnp.asarray(2 * np.pi * rng.uniform(size=num_features)),
    )


def sine_features(
    medium: HarmonicMedium,
    low_km: ArrayLike,
    high_km: ArrayLike,
    frequency_hz: float,
    num_features: int,
    *,
    depth: int = 1,
    key: Key[Array, ""],
) -> SineFeatures:
    """Plane waves over the whole box (random Fourier features), or a SIREN of several layers that begins with them; wavenumbers up to those of the slowest waves."""
    k_first, k_rest = jr.split(key)
    slowest = float(np.min(np.asarray(medium.speed_km_s)))
    largest = np.full(num_features, LARGEST * 2 * np.pi * frequency_hz / slowest)
    wavenumber = _wavenumbers(generator(k_first), largest, len(np.asarray(low_km)))
    return SineFeatures.random(jnp.asarray(wavenumber), depth=depth, key=k_rest)


def rescaled(features: GaborFeatures | SineFeatures, ratio: float) -> GaborFeatures | SineFeatures:
    """Features of one frequency for another one, `ratio` times as high: wavenumbers times the ratio, windows as much narrower."""
    if isinstance(features, GaborFeatures):
        return GaborFeatures(
            features.centre,
            features.log_width - float(np.log(ratio)),
            features.wavenumber * ratio,
            features.phase,
        )
    return SineFeatures((features.weights[0] * ratio, *features.weights[1:]), features.biases)


def joined(one: GaborFeatures, other: GaborFeatures) -> GaborFeatures:
    """Both sets of features."""
    both = lambda name: jnp.concatenate([getattr(one, name), getattr(other, name)])
    return GaborFeatures(both("centre"), both("log_width"), both("wavenumber"), both("phase"))


def generator(key: Key[Array, ""]) -> np.random.Generator:
    """NumPy's, for what is drawn on the host."""
    return np.random.default_rng(np.asarray(jr.key_data(key)).astype(np.uint32).tolist())


def _wavenumbers(
    rng: np.random.Generator, largest: np.ndarray, num_dims: int, filled: bool = False
) -> np.ndarray:
    direction = rng.normal(size=(largest.size, num_dims))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    share = rng.uniform(size=largest.size) ** (1 / num_dims if filled else 1)
    return direction * (largest * share)[:, None]
