"""Anisotropic acoustic media against the closed form of elliptical ones."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.core.grids import RegularGrid
from diffseis.source import Ricker
from diffseis.wave import (
    AcousticVTI,
    PressureReceivers,
    PressureSources,
    TimeAxis,
    VTIMedium,
    propagate,
    time_series,
)
from tests.wave.closed_forms import from_line_source

needs_x64 = pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64")


@pytest.mark.long
@needs_x64
def test_an_elliptical_medium():
    """Where epsilon is delta waves are those of an isotropic medium that has been stretched sideways, and with it the source."""
    speed, delta, peak_hz = 2.0, 0.2, 10.0
    stretch = np.sqrt(1 + 2 * delta)
    grid = RegularGrid([-0.6, -0.6], 0.01, (121, 121))
    full = lambda v: jnp.full(grid.shape, v)
    medium = VTIMedium(grid, full(speed), full(delta), full(delta))
    axis = TimeAxis(260, 0.002)
    series = time_series(lambda t: Ricker(peak_hz)(t), axis, 0.15)
    places = np.array([[0.5, 0.0], [0.0, 0.5], [0.35, -0.3]])
    sources = PressureSources(jnp.zeros((1, 2)), series)
    found = propagate(AcousticVTI(8), medium, sources, PressureReceivers(jnp.asarray(places)), axis).value
    for trace, (x, z) in zip(np.asarray(found), places, strict=True):
        expected = from_line_source(np.asarray(series[0]), 0.002, np.hypot(x / stretch, z), speed) / stretch
        before_end = slice(0, 240)  # the last samples of a record that is cut off are uncertain
        assert np.linalg.norm((trace - expected)[before_end]) < 5e-3 * np.linalg.norm(expected)


def test_wrong_media():
    grid = RegularGrid([0.0, 0.0], 0.1, (5, 5))
    full = lambda v: jnp.full(grid.shape, v)
    with pytest.raises(ValueError, match="must not be below `delta`"):
        VTIMedium(grid, full(2.0), full(0.1), full(0.2))
