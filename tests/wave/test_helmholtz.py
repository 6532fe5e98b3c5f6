"""Waves of one frequency: closed forms, the time domain, reciprocity, layers, gradients."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from scipy.special import hankel2

from diffseis.core.grids import RegularGrid
from diffseis.source import Ricker
from diffseis.wave import (
    Absorbing,
    Acoustic,
    AcousticMedium,
    AcousticVTI,
    Boundary,
    DistributedSources,
    FreeSurface,
    HarmonicSources,
    Periodic,
    PressureReceivers,
    PressureSources,
    Rigid,
    TimeAxis,
    VTIMedium,
    propagate,
    solve_helmholtz,
    spectrum,
    time_series,
)
from tests.helpers.gradients import check_grads

needs_x64 = pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64")


def _misfit(found, expected):
    return np.linalg.norm(np.asarray(found) - expected) / np.linalg.norm(expected)


def _homogeneous(nodes_per_wavelength, num, num_dims=2):
    """A speed and a frequency of one, the origin in the middle."""
    spacing = 1 / nodes_per_wavelength
    grid = RegularGrid([-(num // 2) * spacing] * num_dims, spacing, (num,) * num_dims)
    return AcousticMedium(grid, jnp.ones(grid.shape))


@pytest.mark.long
@needs_x64
@pytest.mark.parametrize(
    ("nodes_per_wavelength", "order", "largest"),
    [(6, 8, 3.1e-3), (8, 8, 3.0e-4), (8, 4, 0.03), (8, 2, 0.5)],
)
def test_a_line_source(nodes_per_wavelength, order, largest):
    """On and between nodes: over up to six wavelengths, from one on."""
    medium = _homogeneous(nodes_per_wavelength, 81)
    places = np.array([[0.0, 0.0], [0.031, -0.043]])
    found = solve_helmholtz(medium, HarmonicSources(places), 1.0, order=order).value.values
    for field, place in zip(found, places, strict=True):
        r = np.linalg.norm(np.asarray(medium.grid.nodes_km()) - place, axis=-1)
        far = r > 1
        assert _misfit(field[far], -0.25j * hankel2(0, 2 * np.pi * r[far])) < largest


@pytest.mark.long
@needs_x64
@pytest.mark.parametrize(("nodes_per_wavelength", "largest"), [(6, 6e-3), (8, 1e-3)])
def test_a_point_source(nodes_per_wavelength, largest):
    """In an eighth of the space: rigid faces through the source, and so eight images of it in one place."""
    spacing, num = 1 / nodes_per_wavelength, 13
    grid = RegularGrid([0.0] * 3, spacing, (num,) * 3)
    boundary = Boundary(((Rigid(), Absorbing(8, reflection=1e-4)),) * 3)
    medium = AcousticMedium(grid, jnp.ones(grid.shape))
    found = solve_helmholtz(medium, HarmonicSources(np.zeros((1, 3))), 1.0, boundary=boundary).value.values[0]
    r = np.linalg.norm(np.asarray(grid.nodes_km()), axis=-1)
    far = r > 0.5
    assert _misfit(found[far], 8 * np.exp(-2j * np.pi * r[far]) / (4 * np.pi * r[far])) < largest
