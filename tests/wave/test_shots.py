"""Many shots at a time, and one after the other."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from diffseis.core.grids import RegularGrid
from diffseis.wave import (
    Acoustic,
    AcousticMedium,
    Boundary,
    PressureReceivers,
    PressureSources,
    TimeAxis,
    over_shots,
    propagate,
    stacked,
    sum_over_shots,
)
from tests.helpers.gradients import finite_difference_grad


class Quadratic(eqx.Module):
    """A misfit that is quick to compute."""

    power: float = eqx.field(static=True, default=2.0)

    def __call__(self, model, shot):
        return jnp.sum(jnp.abs(jnp.sin(model["a"]) * shot["x"] - shot["y"]) ** self.power) + jnp.sum(
            model["b"]
        )


@pytest.fixture
def problem():
    shots = {"x": jr.normal(jr.key(0), (5, 3)), "y": jr.normal(jr.key(1), (5, 3))}
    return {"a": jnp.asarray([0.3, -0.2, 0.8]), "b": jnp.ones(2), "c": jnp.asarray(3)}, shots


def _plain(model, shots):
    return sum(Quadratic()(model, jax.tree.map(lambda x, n=n: x[n], shots)) for n in range(5))


@pytest.mark.parametrize("batch", [1, 2, 5, 8])
def test_a_sum_and_its_gradient(problem, batch):
    """Whatever the size of batches; with what cannot be differentiated in the model."""
    model, shots = problem
    total = eqx.filter_jit(lambda m: sum_over_shots(Quadratic(), m, shots, batch=batch))
    np.testing.assert_allclose(total(model), _plain(model, shots), rtol=1e-6)
    found, expected = eqx.filter_grad(total)(model), eqx.filter_grad(lambda m: _plain(m, shots))(model)
    assert found["c"] is None
    for name in "ab":
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-5)


@pytest.mark.long
@pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="differences need float64")
def test_derivatives_of_a_sum(problem):
    model, shots = problem
    total = lambda a: sum_over_shots(Quadratic(), model | {"a": a}, shots, batch=2)
    np.testing.assert_allclose(
        jax.grad(total)(model["a"]), finite_difference_grad(total, model["a"]), rtol=1e-6
    )
    x, y = jr.normal(jr.key(2), (2, 3))
    product = lambda v: jax.jvp(jax.grad(total), (model["a"],), (v,))[1]
    np.testing.assert_allclose(x @ product(y), y @ product(x), rtol=1e-12)


def test_shots_one_by_one(problem):
    _, shots = problem
    run = lambda shot: jnp.cumsum(shot["x"]) - shot["y"]
    for batch in (1, 2, 8):
        np.testing.assert_allclose(
            over_shots(run, shots, batch=batch), jnp.cumsum(shots["x"], 1) - shots["y"], rtol=1e-6
        )


@pytest.mark.slow
def test_waves_of_several_shots():
    """A gradient of batches is that of shots one by one."""
    grid = RegularGrid([0.0, 0.0], 0.05, (14, 12))
    medium = AcousticMedium(grid, 2 + 0.1 * jr.uniform(jr.key(0), grid.shape))
    axis = TimeAxis(24, 0.008)
    pulse = jnp.sin(jnp.arange(24) / 3)[None] * jnp.hanning(24)[None]
    at = lambda x: PressureSources(jnp.asarray([[x, 0.21]]), pulse)
    receivers = PressureReceivers(jnp.asarray([[0.4, 0.3]]))
    misfit = lambda m, s: (
        0.5
        * jnp.sum(
            propagate(
                Acoustic(4),
                m,
                s,
                receivers,
                axis,
                substeps=1,
                boundary=Boundary.absorbing(2, num_nodes=4),
                throw=False,
            ).value
            ** 2
        )
    )
    shots = stacked([at(0.1), at(0.22), at(0.37)])
    found = jax.jit(jax.grad(lambda m: sum_over_shots(misfit, m, shots, batch=2), allow_int=True))(medium)
    expected = sum(jax.grad(misfit, allow_int=True)(medium, at(x)).speed_km_s for x in (0.1, 0.22, 0.37))
    scale = np.max(np.abs(expected))
    assert scale > 0
    np.testing.assert_allclose(found.speed_km_s, expected, rtol=0, atol=1e-5 * scale)


def test_what_is_refused(problem):
    model, shots = problem
    with pytest.raises(ValueError, match="no shots"):
        stacked([])
    with pytest.raises(ValueError, match=r"shot 1 has arrays of shapes \[\(3,\)\], shot 0 of \[\(2,\)\]"):
        stacked([jnp.ones(2), jnp.ones(3)])
    with pytest.raises(ValueError, match="`batch` must be at least 1"):
        over_shots(lambda s: s, shots, batch=0)
    with pytest.raises(ValueError, match="first axis over the same number"):
        sum_over_shots(Quadratic(), model, shots | {"y": shots["y"][:2]})
    with pytest.raises(ValueError, match="first axis over the same number"):
        over_shots(lambda s: s, jnp.asarray(1.0))
