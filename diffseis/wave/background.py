"""Waves in a medium that is the same everywhere, and what scatters them in another: on the host.

A total field is the sum of the background's, which has the point source's singularity, and of a scattered one, which is smooth:
``-(w / v)^2 du - laplacian du = ((w / v)^2 - (w / v0)^2) u0``.

References:
    Song, Alkhalifah & Waheed (2021), Solving the frequency-domain acoustic VTI wave equation using physics-informed neural
    networks, doi:10.1093/gji/ggab010.
"""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.special import hankel2

from diffseis.wave.acoustic import AcousticMedium
from diffseis.wave.boundary import Boundary
from diffseis.wave.domain import Domain
from diffseis.wave.harmonic_operator import HarmonicMedium, fastest
from diffseis.wave.harmonic_sources import DistributedSources, HarmonicSources
from diffseis.wave.stretching import Stretch, stretch_of

ELLIPTICAL = 1e-6
"""Difference of epsilon and delta at a source up to which its place counts as elliptical."""


class Background(eqx.Module):
    """For each source a homogeneous medium: isotropic or elliptical (epsilon = delta).

    Attributes:
        speed_km_s: along the vertical axis.
        epsilon: 0 where isotropic.
    """

    speed_km_s: Float[Array, " source"]
    epsilon: Float[Array, " source"]


class NodalMedium(NamedTuple):
    """Values at points, in NumPy: speed, and epsilon and delta of VTI media."""

    speed_km_s: np.ndarray
    epsilon: np.ndarray | None
    delta: np.ndarray | None


def at_points(medium: HarmonicMedium, x_km: np.ndarray) -> NodalMedium:
    """A medium between its nodes: linear; outside the grid, that of the nearest point on its faces."""
    grid = medium.grid
    origin, spacing = (np.asarray(a, float) for a in (grid.origin_km, grid.spacing_km))
    index = np.clip((x_km - origin) / spacing, 0, np.asarray(grid.shape) - 1)
    first = np.minimum(index.astype(int), np.asarray(grid.shape) - 2)
    share = index - first

    def read(values):
        values, total = np.asarray(values, float), np.zeros(index.shape[:-1])
        for corner in np.ndindex(*(2,) * grid.num_dims):
            weight = np.prod(np.where(np.asarray(corner), share, 1 - share), axis=-1)
            total = total + weight * values[tuple(np.moveaxis(first + np.asarray(corner), -1, 0))]
        return total

    if isinstance(medium, AcousticMedium):
        return NodalMedium(read(medium.speed_km_s), None, None)
    return NodalMedium(read(medium.speed_km_s), read(medium.epsilon), read(medium.delta))


def background_at(medium: HarmonicMedium, sources: HarmonicSources) -> Background:
    """What the medium is at each source."""
    there = at_points(medium, np.asarray(sources.position_km))
    if there.epsilon is None or there.delta is None:
        return Background(jnp.asarray(there.speed_km_s), jnp.zeros(there.speed_km_s.shape))
    apart = np.abs(there.epsilon - there.delta)
    if np.any(apart > ELLIPTICAL):
        number = int(np.argmax(apart))
        raise ValueError(
            f"at source {number} epsilon is {there.epsilon[number]} and delta {there.delta[number]}: only where both are the same is there a "
            f"closed form of the background"
        )
    return Background(jnp.asarray(there.speed_km_s), jnp.asarray(there.epsilon))


class BackgroundField(NamedTuple):
    """``u`` (vertical stress), ``(point, source)``, and its second derivatives along each axis."""

    value: np.ndarray
    second: np.ndarray


def background_field(
    background: Background, sources: HarmonicSources, angular_hz: float, x_km: np.ndarray
) -> BackgroundField:
    """At points, which may be complex (stretched); zero at a source itself."""
    speed, epsilon = np.asarray(background.speed_km_s), np.asarray(background.epsilon)
    num_dims = x_km.shape[-1]
    stretch = np.ones((speed.size, num_dims))
    stretch[:, :-1] = np.sqrt(1 + 2 * epsilon)[:, None]
    offset = (x_km[:, None, :] - np.asarray(sources.position_km)) / stretch
    square = np.sum(offset**2, axis=-1)
    there = np.abs(square) > 1e-20
    r = np.sqrt(np.where(there, square, 1.0))
    green, slope, bend = _green(num_dims, angular_hz / speed, r)
    amplitude = np.where(there, np.asarray(sources.amplitude) / np.prod(stretch, axis=-1), 0)
    share = offset**2 / r[..., None] ** 2
    second = bend[..., None] * share + (slope / r)[..., None] * (1 - share)
    return BackgroundField(amplitude * green, amplitude[..., None] * second / stretch**2)


def _green(num_dims: int, k, r):
    """Green's function of ``-laplacian - k^2``, and its first two derivatives by the distance."""
    if num_dims == 2:
        h0, h1 = hankel2(0, k * r), hankel2(1, k * r)
        return -0.25j * h0, 0.25j * k * h1, 0.25j * k**2 * (h0 - h1 / (k * r))
    if num_dims == 3:
        wave = np.exp(-1j * k * r) / (4 * np.pi * r)
        return (
            wave,
            -(1j * k + 1 / r) * wave,
            (2 / r**2 + 2j * k / r - k**2) * wave,
        )
    wave = np.exp(-1j * k * r) / (2j * k)
    return wave, -1j * k * wave, -(k**2) * wave


def scattering(
    medium: NodalMedium, background: Background, field: BackgroundField, angular_hz: float
) -> np.ndarray:
    """Right-hand sides of the scattered field's equations, (point, equation, source)."""
    speed0, epsilon0 = np.asarray(background.speed_km_s), np.asarray(background.epsilon)
    contrast = (angular_hz / medium.speed_km_s)[:, None] ** 2 - (angular_hz / speed0) ** 2
    if medium.epsilon is None or medium.delta is None:
        return (contrast * field.value)[:, None]
    flat, steep = field.second[..., :-1].sum(axis=-1), field.second[..., -1]
    slant0 = np.sqrt(1 + 2 * epsilon0)
    slant = np.sqrt(1 + 2 * medium.delta)[:, None] - slant0
    wide = 2 * (medium.epsilon[:, None] - epsilon0)
    horizontal = slant0 * (contrast * field.value + wide * flat) + slant * steep
    return np.stack([horizontal, contrast * field.value + slant * slant0 * flat], axis=1)


def scattered_sources(
    medium: HarmonicMedium,
    sources: HarmonicSources,
    frequency_hz: float,
    *,
    boundary: Boundary | None = None,
    background: Background | None = None,
) -> DistributedSources:
    """Right-hand sides whose solution by `solve_helmholtz` is the scattered field, layers included.

    ``solve_helmholtz(medium, scattered_sources(medium, sources, f), f)``, with one `boundary`, has no error from the points of sources.
    """
    boundary = Boundary.absorbing(medium.grid.num_dims) if boundary is None else boundary
    background = background_at(medium, sources) if background is None else background
    domain = Domain(medium.grid, boundary)
    before = np.asarray([low for low, _ in boundary.widths])
    steps = np.stack(np.meshgrid(*(np.arange(n) for n in domain.shape), indexing="ij"), axis=-1) - before
    x = np.asarray(medium.grid.origin_km) + np.asarray(medium.grid.spacing_km) * steps.reshape(
        -1, before.size
    )
    angular = 2 * np.pi * float(frequency_hz)
    stretch = stretch_of(domain, fastest(medium).astype(float), jnp.asarray(angular))
    check_no_shift(stretch)
    field = background_field(background, sources, angular, np.asarray(stretch.stretched(jnp.asarray(x))))
    right = scattering(at_points(medium, x), background, field, angular)
    right = np.moveaxis(right, (0, 1, 2), (2, 1, 0)).reshape(*right.shape[:0:-1], *domain.shape)
    return DistributedSources(jnp.asarray(right if right.shape[1] > 1 else right[:, 0]))


def check_no_shift(stretch: Stretch) -> None:
    """Refuse layers into which no closed form of waves is known."""
    if np.any(np.asarray(stretch.shift) > 0):
        raise ValueError(
            "waves are continued into layers without a shift only: leave `frequency_hz` of `Absorbing` at None"
        )
