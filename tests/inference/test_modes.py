"""Finding all maxima of a density."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.inference import laplace_modes, select_starts

_modes = eqx.filter_jit(laplace_modes)


def _hills(u, softness):
    one = jnp.log(0.7) - 0.5 * jnp.sum(u**2)
    other = jnp.log(0.3) - 0.5 * jnp.sum((u - 8) ** 2) / 0.25 - 2 * jnp.log(jnp.asarray(0.5, u.dtype))
    return jnp.logaddexp(one, other)


def test_two_hills():
    starts = jnp.asarray([[0.7, 0.2], [7.4, 8.3], [-0.4, 0.3], [8.2, 7.9]])
    modes = _modes(_hills, starts)
    assert np.all(modes.converged)
    live = np.isfinite(np.asarray(modes.log_weight))
    # Duplicates are merged; the shares of the two are those of Laplace's formula, exact for normals.
    assert live.sum() == 2
    share = np.exp(np.asarray(modes.log_weight)[live])
    place = np.asarray(modes.location)[live]
    first = place[:, 0] < 4
    np.testing.assert_allclose(place[first], [[0, 0]], atol=1e-3)
    np.testing.assert_allclose(place[~first], [[8, 8]], atol=1e-3)
    np.testing.assert_allclose((share / share.sum())[first], 0.7, atol=1e-4)
    np.testing.assert_allclose(np.asarray(modes.covariance)[live][first][0], np.eye(2), atol=1e-3)
    np.testing.assert_allclose(np.asarray(modes.covariance)[live][~first][0], 0.25 * np.eye(2), atol=1e-3)
    assert np.all(np.diff(np.asarray(modes.log_density)) <= 1e-6)


@pytest.mark.long
def test_softness_leads_through_false_maxima():
    def bumpy(u, softness):
        return -0.5 * jnp.sum(u**2) / (1 + softness**2) + 3 / (1 + softness**2) * jnp.sum(jnp.cos(4 * u))

    start = jnp.asarray([[9.0]])
    levels = jnp.asarray([20.0, 5.0, 2.0, 1.0, 0.5, 0.0])
    stuck = _modes(bumpy, start).location[0, 0]
    assert abs(stuck) > 1

    def softened(u, s):
        return -0.5 * jnp.sum(u**2) + 3 * jnp.exp(-(s**2)) * jnp.sum(jnp.cos(4 * u))

    led = _modes(softened, start, softness=levels, num_steps=(8,) * 6)
    np.testing.assert_allclose(led.location, 0, atol=1e-3)


def test_flat_directions_are_bounded():
    modes = _modes(lambda u, s: -0.5 * u[0] ** 2, jnp.asarray([[1.0, 1.0]]), max_sd=5.0)
    np.testing.assert_allclose(np.diag(modes.covariance[0]), [1, 25], rtol=1e-4)


def test_starts_are_the_best_and_apart():
    points = jnp.asarray([[0.0], [0.1], [5.0], [5.1], [9.0]])
    chosen = select_starts(points, jnp.asarray([5.0, 4.9, 4.0, 4.5, jnp.nan]), 2, jnp.asarray(1.0))
    assert list(np.asarray(chosen)) == [0, 3]
