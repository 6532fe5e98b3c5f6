"""Laws that every source of moment obeys. A new one is a line in `SOURCES`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from diffseis.source import DoubleCouple, MomentTensor, scalar_moment
from tests.helpers.gradients import check_grads

SOURCES = {
    "double couple": (DoubleCouple(strike_rad=0.4, dip_rad=1.1, rake_rad=-0.7, moment_1e18nm=2.5), 2.5),
    "horizontal plane": (DoubleCouple(strike_rad=0.0, dip_rad=0.0, rake_rad=0.0), 1.0),
    "vertical plane": (DoubleCouple(strike_rad=3.0, dip_rad=np.pi / 2, rake_rad=np.pi), 1.0),
    "explosion": (MomentTensor([1.0, 1.0, 1.0, 0.0, 0.0, 0.0]), np.sqrt(1.5)),
    "any": (MomentTensor([0.3, -1.2, 0.5, 0.7, -0.1, 0.2]), np.sqrt((0.09 + 1.44 + 0.25) / 2 + 0.54)),
}


@pytest.mark.parametrize("name", SOURCES)
def test_symmetric_and_of_the_stated_moment(name):
    source, moment = SOURCES[name]
    tensor = source.moment_tensor()
    np.testing.assert_array_equal(tensor, tensor.T)
    np.testing.assert_allclose(scalar_moment(tensor), moment, rtol=1e-6)


@pytest.mark.long
@pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="finite differences need float64")
@pytest.mark.parametrize("name", SOURCES)
def test_gradient(name):
    source, _ = SOURCES[name]
    x, back = ravel_pytree(source)
    weights = jnp.asarray([[0.3, -0.8, 1.1], [0.2, 0.9, -0.4], [0.7, 0.1, -1.3]])
    check_grads(lambda x: jnp.sum(weights * back(x).moment_tensor()), x)
