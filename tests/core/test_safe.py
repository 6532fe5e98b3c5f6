"""Safe functions: values as usual, gradients finite where the textbook form has none."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.core import safe

DTYPES = [jnp.float32, *([jnp.float64] if jax.config.read("jax_enable_x64") else [])]


@pytest.mark.parametrize("dtype", DTYPES)
def test_values_away_from_trouble(dtype):
    x = jnp.asarray([0.25, 2.0, 9.0], dtype)
    rtol = 1e-6
    np.testing.assert_allclose(safe.sqrt(x), np.sqrt(x), rtol=rtol)
    np.testing.assert_allclose(safe.log(x), np.log(x), rtol=rtol)
    np.testing.assert_allclose(safe.divide(x, x * x), 1 / np.asarray(x), rtol=rtol)
    np.testing.assert_allclose(
        safe.norm(jnp.stack([x, 2 * x])), np.linalg.norm([x, 2 * x], axis=-1), rtol=rtol
    )
    assert safe.sqrt(x).dtype == safe.log(x).dtype == safe.divide(x, x).dtype == dtype


@pytest.mark.long
@pytest.mark.parametrize("dtype", DTYPES)
def test_awkward_points(dtype):
    zero, one = jnp.zeros((), dtype), jnp.ones((), dtype)
    for f, value in ((safe.sqrt, 0), (safe.log, None), (lambda x: safe.norm(jnp.stack([x, x])), 0)):
        got, gradient = jax.value_and_grad(f)(zero)
        assert np.isfinite(got)
        assert gradient == 0
        assert value is None or got == value
    assert jax.value_and_grad(safe.sqrt)(-one) == (0, 0)
    assert safe.divide(one, zero) == 0
    assert all(g == 0 for g in jax.grad(safe.divide, (0, 1))(one, zero))
    np.testing.assert_array_equal(jax.hessian(safe.norm)(jnp.zeros(3, dtype)), 0)
    assert float(safe.log(zero, floor=1e-6)) == pytest.approx(np.log(1e-6), rel=1e-6)


def test_gradients_are_the_usual_ones_elsewhere():
    x = jnp.asarray([3.0, -4.0])
    np.testing.assert_allclose(jax.grad(safe.norm)(x), [0.6, -0.8], rtol=1e-6)
    assert float(jax.grad(safe.log)(jnp.asarray(2.0))) == pytest.approx(0.5)
    assert float(jax.grad(safe.sqrt)(jnp.asarray(4.0))) == pytest.approx(0.25)
