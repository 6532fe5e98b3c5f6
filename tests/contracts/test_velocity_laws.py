"""Laws of every velocity model."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.core.grids import RegularGrid
from diffseis.velocity import AbstractVelocityModel, Gradient, Gridded, Homogeneous, Layered
from tests.helpers.gradients import check_grads

needs_x64 = pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64")


def _bumpy(shape):
    return 5 + np.random.default_rng(3).uniform(-1, 1, shape)


MODELS = {
    "homogeneous": Homogeneous(6.0),
    "gradient": Gradient(5.0, 0.05),
    "layers": Layered([0.0, 2.0, 10.0], [4.0, 3.5, 6.0]),
    "linear": Layered([0.0, 2.0, 2.0, 10.0], [4.0, 4.5, 5.0, 6.0], "linear"),
    "gridded 1-D": Gridded(RegularGrid([-2.0], [3.0], (8,)), _bumpy(8)),
    "gridded 2-D": Gridded(RegularGrid([-20.0, -2.0], [5.0, 3.0], (9, 8)), _bumpy((9, 8))),
    "gridded 3-D": Gridded(RegularGrid([-20.0, -20.0, -2.0], [8.0, 8.0, 3.0], (6, 6, 8)), _bumpy((6, 6, 8))),
}
"""A new model is one more line."""

models = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
POINTS = np.random.default_rng(5).uniform([-19, -19, -1.5], [19, 19, 18], (20, 3))


@eqx.filter_jit
def _speed(model, x):
    return model.speed(x)


@eqx.filter_jit
def _speeds(model, x):
    return jax.vmap(model.speed)(x)


def law_positive_everywhere(model):
    far = jnp.asarray([[0.0, 0.0, -500.0], [1e4, -1e4, 0.0], [0.0, 0.0, 6000.0]])
    speed = _speeds(model, jnp.concatenate([jnp.asarray(POINTS), far]))
    assert jnp.all(jnp.isfinite(speed) & (speed > 0))


def law_gradient_is_finite_difference(model):
    # One function of all points at once, so that each derivative is compiled once.
    total = jax.jit(lambda x: jnp.sum(jnp.arange(1.0, 4.0) * _speeds(model, x)))
    check_grads(total, POINTS[:3], rtol=1e-5, atol=1e-7)


def law_vmap_is_loop(model):
    x = jnp.asarray(POINTS)
    np.testing.assert_allclose(_speeds(model, x)[:6], [_speed(model, p) for p in x[:6]], rtol=1e-6)


def law_leaves_have_gradients(model):
    grads = eqx.filter_jit(eqx.filter_grad(lambda m: jnp.sum(_speeds(m, jnp.asarray(POINTS)))))(model)
    assert all(np.all(np.isfinite(g)) for g in jax.tree.leaves(grads))


LAWS = [
    law_positive_everywhere,
    law_gradient_is_finite_difference,
    law_vmap_is_loop,
    law_leaves_have_gradients,
]


@needs_x64
@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@models
def test_law(law, model):
    law(model)


class _Wrong(AbstractVelocityModel):
    """Negative high up, and with a gradient that is not its own."""

    def speed(self, x_ned_km):
        z = x_ned_km[2]
        return 5 + jax.lax.stop_gradient(z) * 0.1


@needs_x64
@pytest.mark.parametrize("law", [law_positive_everywhere, law_gradient_is_finite_difference])
def test_laws_notice_a_wrong_model(law):
    with pytest.raises(AssertionError):
        law(_Wrong())
