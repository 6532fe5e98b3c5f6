"""What inversions of waveforms need beside waves: fewer frequencies, and speeds with bounds."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.source import Ricker
from diffseis.wave import BoundedSpeed, TimeAxis, low_passed, smoothed, time_series
from tests.helpers.gradients import check_grads

needs_x64 = pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64")
WATER = np.zeros((7, 6))
WATER[:, 2:] = 1.0


def _speed(**options):
    start = np.random.default_rng(0).uniform(1.6, 4.0, WATER.shape)
    start[:, :2] = 1.5
    return BoundedSpeed(jnp.asarray(start), 1.55, 4.5, weight=WATER, **options)


def test_a_ricker_pulse_becomes_a_slower_one():
    """Of the height that its spectrum says: ``(q / p)^3``."""
    axis = TimeAxis(400, 0.01)
    peak, low = 5.0, 2.0
    cut = (low**-2 - peak**-2) ** -0.5
    found = low_passed(time_series(Ricker(peak), axis, 2.0), axis.dt_s, cut)
    wanted = (low / peak) ** 3 * time_series(Ricker(low), axis, 2.0)
    np.testing.assert_allclose(found, wanted, atol=2e-7)


@pytest.mark.long
@needs_x64
def test_gradients_of_the_filter():
    pull = jnp.cos(jnp.arange(20.0))
    series = jnp.sin(jnp.arange(20.0) ** 2)
    check_grads(lambda x: jnp.sum(pull * low_passed(x, 0.1, 1.0)), series)
    check_grads(lambda cut: jnp.sum(pull * low_passed(series, 0.1, cut)), 1.3)


def test_filter_keeps_its_precision_and_refuses_no_frequency():
    series = jnp.ones((2, 3, 16), jnp.float32)
    found = low_passed(series, 0.1, 1.0)
    assert found.dtype == jnp.float32
    assert found.shape == series.shape
    for cut in (0.0, -1.0, np.nan):
        with pytest.raises(ValueError, match="`cut_hz`"):
            low_passed(series, 0.1, cut)


def test_constants_stay_under_smoothing_and_outside_is_left():
    inside = jnp.asarray(WATER, bool)
    values = jnp.where(inside, 2.0, jnp.nan)
    found = smoothed(jnp.where(inside, values, 7.0), 1.5, inside)
    np.testing.assert_allclose(found[:, 2:], 2.0, rtol=1e-6)
    np.testing.assert_array_equal(found[:, :2], 7.0)
    np.testing.assert_array_equal(smoothed(values[:, 2:], 0.0), values[:, 2:])


def test_smoothing_of_a_wave_far_from_the_rim():
    """A normal distribution's transform: ``exp(-(k sigma)^2 / 2)``."""
    node = np.arange(101)
    wave = np.cos(0.4 * (node - 50))
    np.testing.assert_allclose(
        smoothed(jnp.asarray(wave), 2.0)[45:56], np.exp(-0.5 * 0.8**2) * wave[45:56], atol=1e-5
    )


def test_speeds_start_where_told_and_stay_between_bounds():
    model = _speed(smooth_nodes=1.0)
    np.testing.assert_allclose(model(model.zeros()), model.start_km_s, rtol=1e-5)
    for size in (-50.0, 50.0):
        speed = np.asarray(model(jnp.full(WATER.shape, size)))
        assert np.all(speed[:, 2:] >= 1.55 - 1e-6)
        assert np.all(speed[:, 2:] <= 4.5 + 1e-6)
        np.testing.assert_array_equal(speed[:, :2], 1.5)


@needs_x64
@pytest.mark.parametrize("smooth_nodes", [0.0, 1.2])
def test_gradients_of_speeds(smooth_nodes):
    """Zero where the speed is known; also of unknowns far out, where the bounds are near."""
    model = _speed(smooth_nodes=smooth_nodes)
    unknown = jnp.asarray(np.random.default_rng(1).normal(size=WATER.shape))
    pull = jnp.sin(jnp.arange(WATER.size * 1.0)).reshape(WATER.shape)
    check_grads(lambda u: jnp.sum(pull * model(u)), unknown)
    slope = jax.grad(lambda u: jnp.sum(model(u)))(unknown)
    np.testing.assert_array_equal(slope[:, :2], 0)
    assert np.all(np.isfinite(jax.grad(lambda u: jnp.sum(model(u)))(1e3 * unknown)))


def test_wrong_speeds():
    with pytest.raises(ValueError, match="`start_km_s` must lie between"):
        BoundedSpeed(jnp.full((3, 3), 1.0), 1.5, 4.0)
    with pytest.raises(ValueError, match="`weight` has shape"):
        BoundedSpeed(jnp.full((3, 3), 2.0), 1.5, 4.0, weight=jnp.ones(3))
    with pytest.raises(ValueError, match="`smooth_nodes`"):
        BoundedSpeed(jnp.full((3, 3), 2.0), 1.5, 4.0, smooth_nodes=-1.0)
