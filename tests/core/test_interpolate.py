"""Cubic splines on grids: exact for cubics, smooth, linear in the values, safe outside."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.core.interpolate import evaluate_spline, spline_coefficients

X64 = bool(jax.config.read("jax_enable_x64"))
RTOL = 1e-10 if X64 else 1e-4


def _cubic(x, y, z):
    return 1 + x + 0.5 * y * y - 0.1 * z**3 + 0.2 * x * y * z


@pytest.mark.parametrize("num_dims", [1, 2, 3])
def test_cubics_are_exact(num_dims):
    nodes = np.meshgrid(*[np.arange(7.0) / 3] * num_dims, indexing="ij")
    pad = [0.0] * (3 - num_dims)
    coefficients = spline_coefficients(jnp.asarray(_cubic(*nodes, *pad), float), num_dims)
    for point in np.random.default_rng(0).uniform(0, 6, (10, num_dims)):
        got = evaluate_spline(coefficients, jnp.asarray(point))
        np.testing.assert_allclose(got, _cubic(*(point / 3), *pad), rtol=RTOL)


def test_stack_of_splines_and_integer_rows():
    values = jnp.asarray(np.random.default_rng(1).normal(size=(5, 6, 7)))
    coefficients = spline_coefficients(values, 2)
    for row in (0, 4):
        got = evaluate_spline(coefficients, jnp.asarray([2.0, 3.0]), jnp.asarray(row))
        np.testing.assert_allclose(got, values[row, 2, 3], rtol=1e-4)


def test_even_end_has_no_slope():
    x = np.arange(12.0) / 4
    coefficients = spline_coefficients(jnp.asarray(np.cos(x)), 1, even_axes=(0,))
    slope = jax.grad(lambda u: evaluate_spline(coefficients, u[None]))
    assert abs(float(slope(jnp.asarray(0.0)))) < 1e-6
    np.testing.assert_allclose(evaluate_spline(coefficients, jnp.asarray([2.5])), np.cos(2.5 / 4), atol=1e-4)


def test_fourth_order():
    errors = []
    for n in (11, 21):
        x = np.linspace(0, 2, n)
        coefficients = spline_coefficients(jnp.asarray(np.sin(2 * x)), 1)
        u = jnp.linspace(0, n - 1.0, 200)
        got = jax.vmap(lambda u, c=coefficients: evaluate_spline(c, u[None]))(u)
        errors.append(np.abs(got - np.sin(4 * np.asarray(u) / (n - 1))).max())
    assert np.log2(errors[0] / errors[1]) > (3.5 if X64 else 3.0)


def test_outside_is_the_edge_and_nan_stays_nan():
    coefficients = spline_coefficients(jnp.asarray([1.0, 4.0, 2.0, 8.0]), 1)
    at = lambda u: evaluate_spline(coefficients, jnp.asarray([u]))
    assert float(at(-3.0)) == pytest.approx(1.0, rel=1e-5)
    assert float(at(1e9)) == pytest.approx(8.0, rel=1e-5)
    assert float(jax.grad(at)(50.0)) == 0
    assert np.isnan(at(np.nan))


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_few_nodes(n):
    values = jnp.asarray(np.arange(n) ** 2.0)
    coefficients = spline_coefficients(values, 1)
    for i in range(n):
        np.testing.assert_allclose(evaluate_spline(coefficients, jnp.asarray([float(i)])), i**2, atol=1e-5)
