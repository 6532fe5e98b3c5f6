"""Solids that absorb: their quality factors, and a plane wave against its complex slowness."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.core.grids import RegularGrid
from diffseis.source import Ricker
from diffseis.wave import (
    Boundary,
    ElasticMedium,
    ForceSources,
    TimeAxis,
    VelocityReceivers,
    Viscoelastic,
    ViscoelasticMedium,
    propagate,
    time_series,
)
from tests.wave.closed_forms import through_absorption

needs_x64 = pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64")
SPEED, REFERENCE_HZ = 2.0, 4.0


def _modulus(equation, quality, omega):
    """The complex modulus of the relaxation mechanisms, over that of the phase speed at the reference frequency."""
    shares = np.asarray(equation.strengths(jnp.asarray([quality])))[:, 0]
    unrelaxed = float(equation.unrelaxed(equation.strengths(jnp.asarray([quality])))[0])
    rates = 2 * np.pi * equation.relaxation_hz
    return unrelaxed * (1 - sum(y * w / (w + 1j * omega) for y, w in zip(shares, rates, strict=True)))


@needs_x64
@pytest.mark.parametrize("quality", [10.0, 40.0, 500.0])
def test_the_quality_factor_is_even_over_the_band(quality):
    equation = Viscoelastic((0.5, 50.0), reference_hz=REFERENCE_HZ)
    modulus = _modulus(equation, quality, 2 * np.pi * np.geomspace(0.5, 50, 50))
    found = modulus.real / modulus.imag
    np.testing.assert_allclose(found, quality, rtol=0.055)
    at = _modulus(equation, quality, 2 * np.pi * REFERENCE_HZ)
    np.testing.assert_allclose((1 / np.sqrt(at)).real, 1, rtol=1e-10)


@pytest.mark.long
@needs_x64
@pytest.mark.parametrize("quality", [15.0, 60.0])
def test_a_plane_wave(quality):
    """From one receiver to the next, a kilometre on: with the amplitude and the delay of the complex slowness."""
    equation = Viscoelastic((0.5, 50.0), reference_hz=REFERENCE_HZ, order=8)
    grid = RegularGrid([0.0], [0.01], (220,))
    full = lambda v: jnp.full(grid.shape, v)
    medium = ViscoelasticMedium(
        ElasticMedium(grid, full(SPEED), full(1.0), full(2.0)), full(quality), full(quality)
    )
    axis = TimeAxis(450, 0.004)
    series = time_series(lambda t: Ricker(6.0)(t), axis, 0.3)
    sources = ForceSources(jnp.asarray([[0.3]]), jnp.asarray([[1.0]]), series)
    receivers = VelocityReceivers(jnp.asarray([[0.6], [1.6]]))
    boundary = Boundary.absorbing(1, num_nodes=40)
    near, far = np.asarray(propagate(equation, medium, sources, receivers, axis, boundary=boundary).value)[
        :, 0
    ]
    slowness = lambda omega: 1 / (SPEED * np.sqrt(_modulus(equation, quality, omega)))
    expected = through_absorption(near, float(axis.dt_s), 1.0, slowness)
    assert np.linalg.norm(far - expected) < 5e-3 * np.linalg.norm(expected)
    assert np.linalg.norm(far) < 0.9 * np.linalg.norm(near)


def test_wrong_media():
    grid = RegularGrid([0.0], [0.1], (5,))
    full = lambda v: jnp.full(grid.shape, v)
    elastic = ElasticMedium(grid, full(2.0), full(1.0), full(2.0))
    with pytest.raises(ValueError, match="at least 5"):
        ViscoelasticMedium(elastic, full(3.0), full(10.0))
    with pytest.raises(ValueError, match="rising frequencies"):
        Viscoelastic((5.0, 1.0))
