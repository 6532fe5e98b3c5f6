"""Splines of degree 3 and 5."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.core import bsplines
from tests.helpers.gradients import check_grads

needs_x64 = pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64")


def _value(coefficients, index, degree):
    first, fraction = bsplines.cell(index, coefficients.shape[0] - degree + 1)
    reach = jax.lax.dynamic_slice(coefficients, (first,), (degree + 1,))
    return jnp.sum(reach * bsplines.weights(fraction, degree))


@needs_x64
@pytest.mark.parametrize("degree", [3, 5])
@pytest.mark.parametrize("more", [1, 2, 9])
def test_polynomials_are_exact_up_to_the_ends(degree, more):
    num = degree + more
    truth = lambda x: (x / num) ** degree - 2 * (x / num) ** 2 + 1
    found = bsplines.coefficients(jnp.asarray(truth(np.arange(num))), (0,), degree)
    index = jnp.linspace(0, num - 1, 25)
    values = jax.vmap(lambda i: _value(found, i, degree))(index)
    np.testing.assert_allclose(values, truth(np.asarray(index)), atol=1e-11)


@needs_x64
@pytest.mark.parametrize("degree", [3, 5])
def test_waves(degree):
    """The error that the module states, of waves of five nodes."""
    nodes = np.arange(60.0)
    found = bsplines.coefficients(jnp.asarray(np.cos(2 * np.pi * nodes / 5)), (0,), degree)
    index = jnp.linspace(20, 40, 173)
    values = jax.vmap(lambda i: _value(found, i, degree))(index)
    worst = np.max(np.abs(values - np.cos(2 * np.pi * np.asarray(index) / 5)))
    assert 0.5 < worst / (2 * 4.0 ** -(degree + 1)) < 2


@needs_x64
@pytest.mark.parametrize("index", [0.0, 4.0, 4.37, 9.0 - 1e-3])
@pytest.mark.parametrize("degree", [3, 5])
def test_gradients(index, degree):
    found = bsplines.coefficients(jnp.cos(jnp.arange(10.0)), (0,), degree)
    if index == 0.0:
        # Held to the grid: it has a derivative on one side alone.
        assert np.isfinite(jax.grad(lambda i: _value(found, i, degree))(index))
    else:
        check_grads(lambda i: _value(found, i, degree), index)


def test_places_beyond_the_ends_are_held():
    for index in (-3.0, 40.0, np.nan):
        first, _ = bsplines.cell(jnp.asarray(index), 10)
        assert 0 <= int(first) <= 8


def test_errors():
    with pytest.raises(ValueError, match="`degree` must be 3 or 5, got 4"):
        bsplines.check_degree(4)
    with pytest.raises(ValueError, match="degree 5 needs at least 6 nodes"):
        bsplines.coefficients(jnp.ones(5), (0,), 5)
