"""The natural-gradient trainer and the loop that drives it."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from diffseis.core.results import RESULTS
from diffseis.inference import Spring, fit_residuals
from diffseis.networks import CoordinateNetwork
from tests.inference.poisson import Poisson, boundary, relative_error, square

needs_x64 = pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64")


@pytest.mark.slow
@needs_x64
def test_poisson_equation_is_solved():
    network = CoordinateNetwork(2, width=20, depth=2, key=jr.key(0))
    solution = fit_residuals(
        [Poisson(), boundary],
        network,
        square,
        Spring(damping=1e-3, momentum=0.5),
        num_steps=120,
        key=jr.key(1),
    )
    assert relative_error(solution.value) < 1e-3
    assert solution.result == RESULTS.successful
    assert solution.stats["loss"].shape == (120,)
    assert solution.stats["final_loss"] < 1e-5 * solution.stats["loss"][0]


@needs_x64
def test_a_step_is_that_of_damped_least_squares():
    rng = np.random.default_rng(3)
    rows, target, start = (jnp.asarray(rng.normal(size=s)) for s in ((6, 4), (6,), (4,)))
    spring = Spring(damping=0.1, momentum=0.0, num_halvings=1)
    term = lambda w, p: jnp.dot(p[0], w) - p[1]
    points = [(rows, target)]
    new, state, info = spring.step([term], start, spring.init(start), points, points)
    # By the normal equations, in the space of the weights instead of that of the residuals.
    a, r = rows / np.sqrt(6), (rows @ start - target) / np.sqrt(6)
    loss = float(r @ r)
    expected = np.linalg.solve(a.T @ a + 0.1 * loss * np.eye(4), a.T @ r)
    np.testing.assert_allclose(state.direction, (1 - info.length) * expected, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(new, start - info.length * expected, rtol=1e-9)
    np.testing.assert_allclose(info.loss, loss, rtol=1e-12)


@needs_x64
def test_momentum_keeps_what_the_batch_does_not_see():
    # One equation in two unknowns: the last direction survives, shortened, where the equation says nothing.
    spring = Spring(damping=1e-9, least_damping=1e-30, momentum=0.5, num_halvings=1)
    weights = jnp.asarray([1.0, 1.0])
    state = eqx.tree_at(lambda s: s.direction, spring.init(weights), jnp.asarray([0.0, 4.0]))
    term = lambda w, p: w[0] * p
    new, _, info = spring.step([term], weights, state, [jnp.ones(1)], [jnp.ones(1)])
    np.testing.assert_allclose((weights - new) / info.length, [1.0, 2.0], rtol=1e-6)


def test_residuals_of_several_numbers():
    target = jnp.asarray([1.0, -2.0, 0.5])
    solution = fit_residuals(
        [lambda w, p: w * p - target],
        jnp.zeros(3),
        lambda key: [1 + jr.uniform(key, (16,)) * 1e-3],
        Spring(damping=1e-3, momentum=0.0),
        num_steps=10,
        key=jr.key(0),
    )
    np.testing.assert_allclose(solution.value, target, atol=2e-3)


def test_a_residual_that_becomes_nan_ends_the_run_with_finite_weights():
    calls = []
    solution = fit_residuals(
        [lambda w, p: jnp.sqrt(w[0] - p)],
        jnp.asarray([0.5]),
        lambda key: [jnp.linspace(0.0, 1.0, 4)],
        Spring(),
        num_steps=5,
        progress=lambda done, loss: calls.append(done),
        key=jr.key(0),
    )
    assert solution.result == RESULTS.non_finite
    np.testing.assert_array_equal(solution.value, [0.5])
    assert not calls


def test_focus_keeps_points_with_large_residuals_more_often():
    seen = []

    def term(w, p):
        return jnp.where(p > 0.9, 10.0, 0.01) + 0 * w[0]

    from diffseis.inference.fit import _focused

    sample = lambda key: [jr.uniform(key, (64,))]
    for n in range(10):
        (kept,) = _focused([term], sample, 8, jnp.zeros(1), sample(jr.key(n)), jr.fold_in(jr.key(99), n))
        assert kept.shape == (64,)
        seen.append(float(jnp.mean(kept > 0.9)))
    assert 0.25 < np.mean(seen) < 0.6


@pytest.mark.parametrize(
    ("settings", "word"),
    [({"damping": 0.0}, "damping"), ({"momentum": 1.0}, "momentum"), ({"num_halvings": 0}, "num_halvings")],
)
def test_bad_settings_are_refused(settings, word):
    with pytest.raises(ValueError, match=word):
        Spring(**settings)


@pytest.mark.parametrize("settings", [{"num_steps": 0}, {"num_steps": 1, "focus": 0}])
def test_bad_numbers_of_the_loop_are_refused(settings):
    with pytest.raises(ValueError, match=r"must be >= 1"):
        fit_residuals(
            [lambda w, p: w], jnp.zeros(()), lambda key: [jnp.zeros(2)], Spring(), key=jr.key(0), **settings
        )
