"""Minimisers of costly losses."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from diffseis.core.results import RESULTS
from diffseis.inference import descend, lbfgs

needs_x64 = pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64")


def _rosenbrock(model, data):
    x, y = model["x"], model["y"]
    return jnp.sum(data * (y - x**2) ** 2 + (1 - x) ** 2)


START = {"x": jnp.asarray([-1.2, 0.5]), "y": jnp.asarray([1.0, 2.0])}


@pytest.mark.long
@needs_x64
def test_lbfgs_finds_the_end_of_a_curved_valley():
    """In a tenth of the gradients that Adam takes to come less near."""
    found = lbfgs(_rosenbrock, START, jnp.asarray(100.0), num_steps=200, first_change=0.1)
    assert found.result == RESULTS.successful
    for part in found.value.values():
        np.testing.assert_allclose(part, 1, atol=1e-6)
    losses = found.stats["loss"]
    assert np.all(np.diff(losses) < 0)
    assert found.stats["num_gradients"] < 150
    adam = descend(
        _rosenbrock, START, lambda step: jnp.asarray(100.0), optax.adam(0.02), num_steps=10 * len(losses)
    )
    assert adam.result == RESULTS.successful
    assert adam.stats["num_gradients"] == 10 * len(losses)
    assert losses[-1] < adam.stats["loss"][-1] < adam.stats["loss"][0]


def test_first_step_is_as_long_as_asked():
    found = lbfgs(
        lambda m, d: jnp.sum(d * m),
        jnp.zeros(3),
        jnp.asarray([1.0, -4.0, 2.0]),
        num_steps=1,
        first_change=0.2,
    )
    np.testing.assert_allclose(found.value, [-0.05, 0.2, -0.1], rtol=1e-6)
    assert found.result == RESULTS.max_steps_reached


def test_steps_shorten_until_they_descend():
    """A first step far beyond the minimum, and into values that are not finite."""
    loss = lambda m, d: jnp.sum(m**2 - d * jnp.log(3 - m))
    found = lbfgs(loss, jnp.asarray([-2.0]), jnp.asarray(0.5), num_steps=30, first_change=6.0, tolerance=1e-6)
    assert found.result == RESULTS.successful
    assert abs(float(jax.grad(loss)(found.value, jnp.asarray(0.5))[0])) < 1e-2
    assert found.stats["num_gradients"] > len(found.stats["loss"])


def test_tolerance_ends_and_progress_is_told():
    told = []
    found = lbfgs(
        lambda m, d: 1 + jnp.sum(m**2),
        jnp.ones(2),
        None,
        num_steps=50,
        first_change=0.5,
        tolerance=1e-3,
        progress=lambda step, value: told.append((step, value)),
    )
    assert found.result == RESULTS.successful
    assert [value for _, value in told] == list(found.stats["loss"][1:])
    assert len(told) < 50


def test_at_the_minimum_nothing_moves():
    found = lbfgs(lambda m, d: jnp.sum(m**2), jnp.zeros(2), None, num_steps=5, first_change=0.5)
    np.testing.assert_array_equal(found.value, 0)
    assert found.result == RESULTS.successful
    assert found.stats["num_gradients"] == 1


def test_data_change_from_step_to_step():
    goals = jnp.asarray([1.0, 3.0])
    loss = lambda m, goal: jnp.sum((m - goal) ** 2)
    found = descend(loss, jnp.zeros(1), lambda step: goals[step % 2], optax.sgd(0.05), num_steps=200)
    np.testing.assert_allclose(found.value, 2.0, atol=0.1)
    np.testing.assert_allclose(found.stats["loss"][0], 1.0)


def test_non_finite_losses_end_with_the_last_good_model():
    bad = lbfgs(lambda m, d: jnp.sum(jnp.log(m)), -jnp.ones(1), None, num_steps=3, first_change=0.1)
    assert bad.result == RESULTS.non_finite
    np.testing.assert_array_equal(bad.value, -1)
    loss = lambda m, d: jnp.sum(d * jnp.sqrt(m))
    late = descend(loss, jnp.ones(1), lambda step: jnp.asarray(1.0), optax.sgd(0.6), num_steps=9)
    assert late.result == RESULTS.non_finite
    assert np.isfinite(loss(late.value, 1.0))


def test_wrong_calls():
    loss = lambda m, d: jnp.sum(m**2)
    with pytest.raises(ValueError, match="`num_steps`"):
        lbfgs(loss, jnp.ones(1), None, num_steps=0, first_change=0.1)
    with pytest.raises(ValueError, match="`first_change`"):
        lbfgs(loss, jnp.ones(1), None, num_steps=1, first_change=0.0)
    with pytest.raises(ValueError, match="`memory` and `max_trials`"):
        lbfgs(loss, jnp.ones(1), None, num_steps=1, first_change=0.1, memory=0)
    with pytest.raises(ValueError, match="`num_steps`"):
        descend(loss, jnp.ones(1), lambda step: None, optax.sgd(0.1), num_steps=0)
