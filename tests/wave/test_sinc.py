"""Interpolation between nodes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.wave.sinc import axis_weights
from tests.helpers.gradients import check_grads

needs_x64 = pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64")


def _read(signal, index):
    first, weights = axis_weights(index)
    return jnp.sum(weights * jax.lax.dynamic_slice(signal, (first,), (weights.shape[0],)))


@pytest.mark.long
@needs_x64
@pytest.mark.parametrize(("nodes_per_wavelength", "error"), [(4.0, 9.5e-5), (5.3, 9.5e-5), (8.0, 9e-5)])
def test_waves_are_read_between_nodes(nodes_per_wavelength, error):
    wave = jnp.cos(2 * jnp.pi * jnp.arange(41.0) / nodes_per_wavelength)
    index = jnp.linspace(19.0, 21.0, 81)
    found = jax.vmap(lambda i: _read(wave, i))(index)
    np.testing.assert_allclose(found, np.cos(2 * np.pi * index / nodes_per_wavelength), atol=error)


def test_on_a_node():
    first, weights = axis_weights(jnp.asarray(17.0))
    expected = np.zeros(12)
    expected[17 - int(first)] = 1
    np.testing.assert_allclose(weights, expected, atol=1e-7)


@pytest.mark.long
@needs_x64
@pytest.mark.parametrize("index", [20.0, 20.3, 20.999])
def test_gradients(index):
    """Also on a node, where the nodes that count are others on either side."""
    wave = jnp.cos(jnp.arange(41.0))
    check_grads(lambda i: _read(wave, i), index)
