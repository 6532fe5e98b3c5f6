"""Points near a face."""

import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.core.grids import RegularGrid
from diffseis.wave import Boundary, PressureRelease
from diffseis.wave.domain import Domain
from diffseis.wave.points import spread


@pytest.mark.parametrize("place", [0.3, 2.7, 17.5, 28.6])
def test_pressure_is_odd_about_the_surface(place):
    """A wave that is zero one node beyond either face is read between nodes up to the face."""
    grid = RegularGrid([0.0], [1.0], (30,))
    domain = Domain(grid, Boundary(((PressureRelease(), PressureRelease()),)))
    wave = lambda x: np.sin(5 * np.pi * (x + 1) / 31)
    found = spread(np.array([[place]]), domain, float).read(jnp.asarray(wave(np.arange(30.0))))
    np.testing.assert_allclose(found, [wave(place)], atol=2e-4)
