"""Time functions: integrals, spectra, gradients."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from scipy.integrate import quad

from diffseis.source import BandLimitedDelta, Brune, Gaussian, Ricker, Triangle
from tests.helpers.gradients import check_grads

FUNCTIONS = {
    "Ricker": (Ricker(2.0), 0.0),
    "Gaussian": (Gaussian(0.3), 1.0),
    "Triangle": (Triangle(0.5), 1.0),
    "Brune": (Brune(1.5), 1.0),
    "BandLimitedDelta": (BandLimitedDelta(2.0, 4.0), 1.0),
}
needs_x64 = pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64")


@needs_x64
@pytest.mark.parametrize("name", FUNCTIONS)
def test_integral(name):
    function, integral = FUNCTIONS[name]
    rate = jax.jit(lambda t: function(t))
    found = quad(lambda t: float(rate(jnp.asarray(t))), -8, 8, points=[-0.5, 0, 0.5], limit=200)[0]
    np.testing.assert_allclose(found, integral, atol=1e-8)


@needs_x64
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("t_s", [-0.21, 0.13, 0.4])
def test_gradients(name, t_s):
    function, _ = FUNCTIONS[name]
    check_grads(lambda t: function(t), jnp.asarray(t_s))
    x, back = ravel_pytree(function)
    check_grads(lambda x: back(x)(jnp.asarray(t_s)), x)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("t_s", [-0.5, 0.0, 0.5, -1e3, 1e3])
def test_gradients_at_corners_and_far_away_are_finite(name, t_s):
    function, _ = FUNCTIONS[name]
    slopes = eqx.filter_grad(lambda both: both[0](both[1]))((function, jnp.asarray(t_s)))
    assert all(np.all(np.isfinite(x)) for x in jax.tree.leaves(slopes))


@needs_x64
def test_corner_of_the_spectrum():
    """At its corner frequency the amplitude of Brune's pulse is half of that at zero; Ricker's is largest at its peak."""
    t = jnp.arange(-10, 30, 1e-3)
    amplitude = lambda f, hz: (
        np.abs(np.sum(np.asarray(jax.vmap(f)(t)) * np.exp(-2j * np.pi * hz * np.asarray(t)))) * 1e-3
    )
    np.testing.assert_allclose(amplitude(Brune(1.5), 1.5), 0.5, rtol=1e-3)
    spectrum = [amplitude(Ricker(2.0), hz) for hz in (1.9, 2.0, 2.1)]
    assert np.argmax(spectrum) == 1


@pytest.mark.parametrize("make", [Ricker, Gaussian, Triangle, Brune])
@pytest.mark.parametrize("value", [0.0, -1.0, np.nan])
def test_only_positive_lengths_and_frequencies(make, value):
    with pytest.raises(ValueError, match="must be above 0 and finite"):
        make(value)


def test_band_limited_delta():
    """Its transform by quadrature, its duration, its errors."""
    pulse = BandLimitedDelta(2.0, 4.0)
    dt = 0.01
    times = jnp.arange(-2000.0, 2001.0) * dt
    values = np.asarray(jax.vmap(pulse)(times))
    for hz in (0.0, 1.0, 2.0, 3.0, 4.0):
        found = np.sum(values * np.cos(2 * np.pi * hz * np.asarray(times))) * dt
        np.testing.assert_allclose(found, pulse.spectrum(jnp.asarray(hz)), atol=1e-6)
    np.testing.assert_allclose(jax.vmap(pulse.spectrum)(jnp.asarray([2.0, 3.0, 4.0])), [1, 0.5, 0], atol=2e-5)
    late = np.abs(np.asarray(times)) > float(pulse.half_duration_s)
    assert np.max(np.abs(values[late])) < 1e-5 * values.max()
    with pytest.raises(ValueError, match="`stop_hz` must be above `pass_hz`"):
        BandLimitedDelta(2.0, 2.0)
