"""Features of a point: derivatives propagated forward are those that JAX finds."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from diffseis.networks import GaborFeatures, HeldFeatures, SineFeatures
from tests.helpers.gradients import check_grads, tol


def _features(kind, num_dims=2, num=7):
    keys = jr.split(jr.key(3), 4)
    wavenumber = 3 * jr.normal(keys[0], (num, num_dims))
    if kind == "held":
        return HeldFeatures(_features("gabor", num_dims, num), 0, jnp.asarray(-0.1), jnp.asarray(0.4))
    if kind == "gabor":
        centre = jr.normal(keys[1], (num, num_dims))
        return GaborFeatures(centre, 0.3 * jr.normal(keys[2], (num,)), wavenumber, jr.normal(keys[3], (num,)))
    return SineFeatures.random(wavenumber, depth=int(kind[-1]), key=keys[1])


KINDS = ["gabor", "held", "sine 1", "sine 3"]


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("num_dims", [1, 2, 3])
def test_forward_derivatives(kind, num_dims):
    """The forward Laplacian is the trace of the Hessian."""
    features = _features(kind, num_dims)
    x = jnp.linspace(0.3, -0.2, num_dims)
    found = features.derivatives(x)
    near = {"rtol": 10 * tol(x.dtype), "atol": 100 * tol(x.dtype)}
    hessian = jax.hessian(features)(x)
    np.testing.assert_allclose(found.value, features(x), **near)
    np.testing.assert_allclose(found.first.T, jax.jacfwd(features)(x), **near)
    np.testing.assert_allclose(jnp.sum(found.second, axis=0), jnp.trace(hessian, axis1=1, axis2=2), **near)
    np.testing.assert_allclose(found.second.T, jnp.diagonal(hessian, axis1=1, axis2=2), **near)


@pytest.mark.long
@pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="differences need float64")
@pytest.mark.parametrize("kind", ["gabor", "held", "sine 2"])
def test_gradients_by_weights(kind):
    from jax.flatten_util import ravel_pytree

    features = _features(kind, num=3)
    flat, unravel = ravel_pytree(features)
    x = jnp.asarray([0.1, 0.2])

    def loss(weights):
        found = unravel(weights).derivatives(x)
        return jnp.sum(found.value) + jnp.sum(found.first**2) + jnp.sum(found.second)

    check_grads(loss, flat, rtol=1e-6, atol=1e-6)


def test_held_features_vanish_on_their_plane():
    held = _features("held")
    assert not np.any(held(jnp.asarray([-0.1, 0.7])))


def test_wrong_depth():
    with pytest.raises(ValueError, match="`depth` must be >= 1, got 0"):
        SineFeatures.random(jnp.ones((3, 2)), depth=0, key=jr.key(0))
