"""Trainers by first derivatives and by quasi-Newton steps."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
import pytest

from diffseis.core.results import RESULTS
from diffseis.inference import Optax, SelfScaledBroyden, adam, cosine, fit_residuals, scale_by_soap, soap
from diffseis.inference.quasi_newton import self_scaled_update
from diffseis.networks import CoordinateNetwork
from tests.inference.poisson import Poisson, boundary, relative_error, square

needs_x64 = pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64")

SIZE = 6


def _hessian(condition=1e3):
    q, _ = np.linalg.qr(np.random.default_rng(2).normal(size=(SIZE, SIZE)))
    return q @ np.diag(np.geomspace(1, condition, SIZE)) @ q.T


@needs_x64
@pytest.mark.parametrize(
    ("trainer", "num_steps", "error"),
    [  # measured 9.6e-6, 5.1e-4 and 1.04e-2
        pytest.param(SelfScaledBroyden(50), 20, 2e-5, id="ssbroyden", marks=pytest.mark.slow),
        pytest.param(soap(1000, learning_rate=1e-2), 1000, 1e-3, id="soap", marks=pytest.mark.slow),
        pytest.param(adam(3000), 3000, 2e-2, id="adam", marks=pytest.mark.slow),
    ],
)
def test_poisson_equation_is_solved(trainer, num_steps, error):
    network = CoordinateNetwork(2, width=20, depth=2, key=jr.key(0))
    solution = fit_residuals(
        [Poisson(), boundary], network, square, trainer, num_steps=num_steps, key=jr.key(1)
    )
    assert solution.result == RESULTS.successful
    assert relative_error(solution.value) < error


@needs_x64
def test_exact_line_searches_end_on_a_quadratic():
    """In as many steps as there are unknowns, as every method of Broyden's family; unscaled gradients need thousands."""
    hessian = jnp.asarray(_hessian())
    x, inverse = jnp.ones(SIZE), jnp.eye(SIZE)
    update = jax.jit(self_scaled_update)
    for _ in range(SIZE):
        slope = hessian @ x
        direction = -inverse @ slope
        length = -(slope @ direction) / (direction @ hessian @ direction)
        step = length * direction
        bend = hessian @ step
        inverse = update(inverse, step, bend, -length * slope)
        np.testing.assert_allclose(inverse @ bend, step, rtol=1e-7)  # the secant equation
        np.testing.assert_array_equal(inverse, inverse.T)
        assert np.linalg.eigvalsh(inverse).min() > 0
        x = x + step
    assert jnp.linalg.norm(hessian @ x) < 1e-9 * jnp.linalg.norm(hessian @ jnp.ones(SIZE))


@needs_x64
def test_a_step_without_curvature_changes_nothing():
    inverse = jnp.asarray(_hessian(10.0))
    step = jnp.arange(1.0, SIZE + 1)
    for bend in (-step, jnp.zeros(SIZE), jnp.full(SIZE, jnp.nan)):
        np.testing.assert_array_equal(self_scaled_update(inverse, step, bend, step), inverse)


@needs_x64
def test_wolfes_line_search_converges_superlinearly():
    root = jnp.asarray(np.linalg.cholesky(_hessian()).T)
    term = lambda w, p: p * (root @ (w - 1))
    state, weights = (trainer := SelfScaledBroyden(8)).init(jnp.zeros(SIZE)), jnp.zeros(SIZE)
    step = jax.jit(lambda w, s: trainer.step([term], w, s, [jnp.ones(1)], [jnp.ones(1)]))
    for _ in range(2):
        weights, state, info = step(weights, state)
    # Measured 1.3e-22 after 16 steps, 5e-2 after 8; steepest descent would lose a thousandth per step.
    assert info.fresh_loss < 1e-18
    np.testing.assert_allclose(weights, 1, atol=1e-8)


@needs_x64
def test_a_step_of_optax_is_that_of_adam():
    """The first is the rate, against the sign of the gradient."""
    trainer = Optax(optax.adam(0.1))
    weights = jnp.asarray([1.0, -2.0])
    points = [jnp.ones(4)]
    new, _, info = trainer.step([lambda w, p: w * p], weights, trainer.init(weights), points, points)
    np.testing.assert_allclose(new, [0.9, -1.9], rtol=1e-6)
    np.testing.assert_allclose([info.loss, info.fresh_loss], [5.0, 0.9**2 + 1.9**2], rtol=1e-6)


@pytest.mark.long
@needs_x64
def test_soap_turns_to_the_axes_of_a_gradient_of_rank_one():
    """There Adam's step has one number: the sign of that gradient in its own basis, of norm one instead of the root of its size."""
    rng = np.random.default_rng(1)
    u, v = (x / np.linalg.norm(x) for x in (rng.normal(size=5), rng.normal(size=3)))
    gradient = {"w": jnp.asarray(7 * np.outer(u, v)), "b": jnp.asarray([3.0, -4.0])}
    method = scale_by_soap()
    steps, state = method.update(gradient, method.init(gradient))
    np.testing.assert_allclose(steps["w"], np.outer(u, v), atol=1e-5)
    np.testing.assert_allclose(steps["b"], [1, -1], rtol=1e-6)
    # Alike gradients leave the basis as it is.
    again = jax.jit(lambda s: jax.lax.fori_loop(0, 9, lambda _, x: method.update(gradient, x)[1], s))
    steps, _ = method.update(gradient, again(state))
    np.testing.assert_allclose(steps["w"], np.outer(u, v), atol=1e-5)


@needs_x64
@pytest.mark.parametrize("trainer", [adam(10), soap(10), SelfScaledBroyden(2)], ids=["adam", "soap", "ssb"])
def test_infinite_gradients_leave_the_weights(trainer):
    """The loss is finite, its derivative is not; and where the loss itself is not, the loop ends with the last weights."""
    start = jnp.asarray([[0.0, 1.0]])
    term = lambda w, p: p + jnp.sqrt(w[0, 0]) + w[0, 1]
    points = [jnp.ones(2)]
    new, state, _ = jax.jit(lambda w, s: trainer.step([term], w, s, points, points))(
        start, trainer.init(start)
    )
    np.testing.assert_array_equal(new, start)
    assert all(jnp.all(jnp.isfinite(x)) for x in jax.tree.leaves(state))

    broken = lambda w, p: p + jnp.sqrt(w[0, 0] - 1)
    solution = fit_residuals([broken], start, lambda key: points, trainer, num_steps=2, key=jr.key(0))
    assert solution.result == RESULTS.non_finite
    np.testing.assert_array_equal(solution.value, start)


@needs_x64
def test_lengths_stay_where_the_loss_is_finite():
    """Beyond the first length that is tried the loss is NaN."""
    trainer = SelfScaledBroyden(20)
    term = lambda w, p: p * (1 - jnp.sqrt(w[0] - 1e-3))
    solution = fit_residuals(
        [term], jnp.asarray([9.0]), lambda key: [10 * jnp.ones(2)], trainer, num_steps=1, key=jr.key(0)
    )
    np.testing.assert_allclose(solution.value, 1.001, rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: SelfScaledBroyden(0), "num_iterations"),
        (lambda: SelfScaledBroyden(num_lengths=1), "num_lengths"),
        (lambda: adam(1), "num_steps"),
        (lambda: adam(10, learning_rate=0.0), "learning_rate"),
        (lambda: cosine(1.0, 10, warm_up=1.0), "warm_up"),
        (lambda: soap(10, every=0), "every"),
        (lambda: scale_by_soap(b1=1.0), "b1"),
        (lambda: scale_by_soap(eps=0.0), "eps"),
    ],
)
def test_bad_settings_are_refused(make, word):
    with pytest.raises(ValueError, match=word):
        make()
