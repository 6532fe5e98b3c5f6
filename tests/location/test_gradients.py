"""Derivatives of the hypocentre and of the posterior, against finite differences."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.eikonal import build_layered_tables
from diffseis.location import Gaussian, InlierOutlier, StudentT, TravelTimeError, best_hypocentre
from diffseis.velocity import Layered
from tests.helpers.gradients import check_grads, finite_difference_grad
from tests.location.problem import STATIONS, TRUTH, event, gradient_times, problem


def jacobian_agrees(f, x, *, step, atol):
    """Forward-mode Jacobian of a place by a few parameters, against central differences."""
    x = jnp.asarray(x)
    reference = np.stack([finite_difference_grad(lambda v, i=i: f(v)[i], x, step=step) for i in range(3)])
    np.testing.assert_allclose(jax.jacfwd(f)(x), reference, rtol=1e-5, atol=atol)


@eqx.filter_jit
def _place(likelihood, parameters, data):
    """The best place by speed and slope of the medium and by everything in `data`; compiled once per likelihood."""
    times = gradient_times(parameters[0], parameters[1])
    return best_hypocentre(problem(likelihood, times), data, jnp.asarray(TRUTH))[0]


@pytest.mark.parametrize(
    "likelihood",
    [
        InlierOutlier(),
        StudentT(),
        Gaussian(TravelTimeError(0.0)),
    ],
)
@pytest.mark.slow
def test_hypocentre_by_velocity(likelihood):
    data = event()
    jacobian_agrees(lambda p: _place(likelihood, p, data), [5.0, 0.05], step=1e-4, atol=1e-6)


@pytest.mark.slow
def test_hypocentre_by_picks():
    data = event()

    def depth(seconds):
        moved = eqx.tree_at(lambda d: d.time_s, data, seconds)
        return _place(InlierOutlier(), jnp.asarray([5.0, 0.05]), moved)[2]

    gradient = jax.grad(depth)(data.time_s)
    reference = finite_difference_grad(depth, data.time_s, step=1e-4)
    np.testing.assert_allclose(gradient, reference, rtol=1e-5, atol=1e-6)
    assert np.all(np.asarray(gradient)[~np.asarray(data.mask)] == 0)
    # Shifting every pick moves the origin time only.
    assert abs(float(jnp.sum(gradient))) < 1e-6


@pytest.mark.slow
def test_hypocentre_by_layer_speeds_through_tables():
    data = event()
    depth = jnp.array([0.0, 6.0, 20.0])

    def place(speed):
        tables = build_layered_tables(
            Layered(depth, speed),
            Layered(depth, speed / 1.75),
            jnp.asarray(STATIONS),
            max_distance_km=80.0,
            depth_range_km=(-1.5, 41.0),
            spacing_km=(2.0, 1.5),
        )
        return best_hypocentre(problem(times=tables), data, jnp.asarray(TRUTH))[0]

    jacobian_agrees(jax.jit(place), [5.0, 5.6, 6.4], step=1e-5, atol=1e-6)


@pytest.mark.long
def test_log_posterior_by_pick_times_and_place():
    data = event()
    target = problem()

    @jax.jit
    def by_time(seconds):
        moved = eqx.tree_at(lambda d: d.time_s, data, seconds)
        return target.log_posterior(jnp.asarray(TRUTH), jnp.asarray(1.02), moved)

    reference = finite_difference_grad(by_time, data.time_s, step=1e-6)
    np.testing.assert_allclose(jax.grad(by_time)(data.time_s), reference, rtol=1e-5, atol=1e-6)
    check_grads(
        jax.jit(lambda x: target.log_posterior(x, jnp.asarray(1.02), data)),
        TRUTH,
        step=1e-6,
        rtol=1e-5,
        atol=1e-6,
    )


def test_gradient_is_finite_with_the_source_on_a_station():
    data = event()
    slope = jax.jit(jax.grad(lambda x: problem().log_posterior(x, jnp.asarray(1.0), data)))
    for row in range(len(STATIONS)):
        gradient = slope(jnp.asarray(STATIONS[row]) + 0.0)
        assert np.all(np.isfinite(gradient))
