"""Likelihoods in single precision."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.location import EqualDifferentialTime, Gaussian, InlierOutlier, StudentT
from tests.location.problem import TRUTH, event, problem


def _cast(tree, dtype):
    return jax.tree.map(lambda x: x.astype(dtype) if jnp.issubdtype(x.dtype, jnp.floating) else x, tree)


@pytest.mark.long
@pytest.mark.parametrize("likelihood", [InlierOutlier(), StudentT(), Gaussian(), EqualDifferentialTime()])
def test_single_precision(likelihood):
    @jax.jit
    def value_and_grad(target, x, data):
        prepared = target.likelihood.prepare(target.reduced(x, data)[1], data)
        return jax.value_and_grad(lambda x: target.log_posterior(x, jnp.ones((), x.dtype), data, prepared))(x)

    target, data = problem(likelihood), event(poison=1e30)
    # The hypocentre near the truth, and on a station, where a gradient in float64 is finite too.
    for place in (TRUTH + 0.5, [12.0, 3.0, -0.4]):
        x = jnp.asarray(place, float)
        value, gradient = value_and_grad(target, x, data)
        single, slope = value_and_grad(*_cast((target, x, data), jnp.float32))
        assert single.dtype == slope.dtype == jnp.float32
        assert np.isfinite(single)
        assert np.all(np.isfinite(slope))
        np.testing.assert_allclose(single, value, rtol=1e-4, atol=1e-3)
        np.testing.assert_allclose(slope, gradient, rtol=2e-3, atol=2e-2)
