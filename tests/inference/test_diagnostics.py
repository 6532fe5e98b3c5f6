"""Discrepancy, calibration, effective sizes, quasi-random points and resampling."""

import itertools

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from scipy import stats

from diffseis.inference import (
    credible_level,
    effective_sample_size,
    kernel_stein_discrepancy,
    normal_points,
    resample,
    uniform_points,
)
from diffseis.inference.quasirandom import (
    hilbert_rank,
    resample_twice,
    student_columns,
    student_from_uniform,
)
from tests.helpers.gradients import check_grads

X64 = bool(jax.config.read("jax_enable_x64"))


def test_discrepancy_tells_right_from_wrong():
    num = 400
    x = jr.normal(jr.key(0), (num, 2))
    ksd = jax.jit(lambda x: kernel_stein_discrepancy(x, -x))
    # Its square is a mean over pairs; exact draws keep the diagonal only, dim + |score|^2.
    exact = ksd(x)
    assert exact < 1.6 * np.sqrt(4 / num)
    assert ksd(x + jnp.asarray([[0.4, 0.0]])) > 2 * exact
    assert ksd(0.7 * x) > 1.5 * exact
    assert ksd(1.4 * x) > 1.5 * exact
    assert np.isfinite(ksd(jnp.zeros((5, 2))))


@pytest.mark.skipif(not X64, reason="gradient checks need float64")
def test_discrepancy_can_be_differentiated():
    x = np.asarray(jr.normal(jr.key(1), (5, 2)))
    check_grads(jax.jit(lambda x: kernel_stein_discrepancy(x, -1.3 * x)), x, rtol=1e-6, atol=1e-8)


def test_credible_level_of_exact_draws_is_uniform():
    num, trials = 99, 2000
    x = jr.normal(jr.key(2), (trials, num + 1, 3))
    value = -0.5 * jnp.sum(x**2, axis=-1)
    level = np.sort(jax.vmap(credible_level)(value[:, 1:], value[:, 0]))
    # Kolmogorov and Smirnov's distance stays below 1.63 / sqrt(n) in 99 of 100 cases.
    assert np.max(np.abs(level - (np.arange(trials) + 0.5) / trials)) < 1.63 / np.sqrt(trials)
    assert 0 < level[0] < level[-1] < 1
    # Draws that are too narrow put the truth outside too often.
    narrow = np.asarray(jax.vmap(credible_level)(0.5 * value[:, 1:], value[:, 0]))
    assert np.mean(narrow > 0.9) > 0.2


def test_effective_sample_size():
    assert float(effective_sample_size(jnp.full(50, -700.0))) == pytest.approx(50, rel=1e-5)
    assert float(effective_sample_size(jnp.asarray([0.0, -jnp.inf, -jnp.inf]))) == pytest.approx(1)
    assert float(effective_sample_size(jnp.log(jnp.asarray([3.0, 1.0])))) == pytest.approx(1.6, rel=1e-5)


@pytest.mark.long
def test_quasirandom_points():
    dtype = jnp.zeros(()).dtype
    u = uniform_points(100, 3, key=jr.key(0), dtype=dtype)
    assert u.shape == (100, 3)
    assert jnp.all((u > 0) & (u < 1))
    assert jnp.all(jnp.isfinite(normal_points(100, 3, key=jr.key(0), dtype=jnp.float32)))
    z = normal_points(256, 2, key=jr.key(1), dtype=dtype)
    # Independent ones would miss by 1 / 16.
    np.testing.assert_allclose(jnp.mean(z, axis=0), 0, atol=0.03)
    np.testing.assert_allclose(jnp.std(z, axis=0), 1, atol=0.03)
    assert np.any(np.asarray(u) != np.asarray(uniform_points(100, 3, key=jr.key(1), dtype=dtype)))


@pytest.mark.parametrize(("num_dims", "dof"), [(1, 3), (2, 6), (3, 3), (3, 5), (4, 6), (4, 3)])
def test_student_points_have_students_distribution(num_dims, dof):
    dtype = jnp.zeros(()).dtype
    uniform = uniform_points(4096, student_columns(num_dims, dof), key=jr.key(2), dtype=dtype)
    points = np.asarray(student_from_uniform(uniform, num_dims, dof))
    assert points.shape == (4096, num_dims)
    for axis in range(num_dims):  # independent points would be 0.025 off in one case of a hundred
        assert stats.kstest(points[:, axis], stats.t(dof).cdf).statistic < 0.01
    # The squared length over the dimension has Snedecor's distribution, if the axes share one chi-square.
    squared = np.sum(points**2, axis=1) / num_dims
    assert stats.kstest(squared, stats.f(num_dims, dof).cdf).statistic < 0.01


def _ranks_of_cells(num_dims, num_bits):
    """All cells of a grid that fills the curve's cube, and their ranks.

    The cube is set by mean and standard deviation, so points near the middle are added that make its sides
    those of the grid.
    """
    top = 2**num_bits - 1
    cells = np.array(list(itertools.product(range(top + 1), repeat=num_dims)))
    num, num_fill = len(cells), 8 * len(cells)
    centred = cells + 0.5 - top / 2
    shift = -0.5 * num / num_fill
    square = ((num + num_fill) * top**2 / 36 - np.sum(centred[:, 0] ** 2)) / num_fill - shift**2
    fill = shift + np.sqrt(square) * np.tile([1.0, -1.0], num_fill // 2)
    points = np.concatenate([centred, np.tile(fill[:, None], num_dims)])
    return cells, np.asarray(hilbert_rank(jnp.asarray(points), num_bits=num_bits))[:num]


@pytest.mark.parametrize(("num_dims", "num_bits"), [(2, 2), (2, 4), (3, 2), (3, 3)])
def test_hilbert_curve_goes_from_neighbour_to_neighbour(num_dims, num_bits):
    cells, rank = _ranks_of_cells(num_dims, num_bits)
    np.testing.assert_array_equal(np.sort(rank), np.arange(len(cells)))
    steps = np.abs(np.diff(cells[np.argsort(rank)], axis=0))
    np.testing.assert_array_equal(steps.sum(axis=1), 1)


@pytest.mark.long
def test_hilbert_rank_belongs_to_the_point():
    points = jr.normal(jr.key(3), (200, 3))
    order = np.random.default_rng(0).permutation(200)
    np.testing.assert_array_equal(hilbert_rank(points[order]), hilbert_rank(points)[order])
    with pytest.raises(ValueError, match="32-bit"):
        hilbert_rank(jnp.zeros((3, 5)))


@pytest.mark.long
def test_resampling_beats_independent_draws():
    num, trials = 100, 200
    points = jr.normal(jr.key(5), (600, 2))
    log_weight = -0.5 * jnp.sum((points - 0.5) ** 2, axis=1)
    mean = jax.nn.softmax(log_weight) @ points

    def errors(choose):
        @jax.jit
        def root_mean_square(keys):
            chosen = jax.vmap(choose)(keys)
            return jnp.sqrt(jnp.mean(jnp.sum((jnp.mean(points[chosen], axis=1) - mean[None]) ** 2, axis=-1)))

        return float(root_mean_square(jr.split(jr.key(6), trials)))

    ours = errors(lambda k: resample(points, log_weight, num, key=k))
    independent = errors(lambda k: jr.categorical(k, log_weight, shape=(num,)))
    assert ours < 0.35 * independent


@pytest.mark.long
def test_resampling_keeps_proportions():
    points = jnp.asarray([[0.0], [1.0], [2.0]])
    chosen = resample(points, jnp.log(jnp.asarray([0.2, 0.5, 0.3])), 1000, key=jr.key(0))
    np.testing.assert_allclose(np.bincount(np.asarray(chosen), minlength=3), [200, 500, 300], atol=1)


@pytest.mark.long
def test_resampling_with_more_combs_holds_a_far_tail():
    num, share = 250, 0.01  # two and a half particles: one comb has two or three of them
    points = jnp.concatenate([jr.normal(jr.key(7), (3000, 2)), 40 + jr.normal(jr.key(8), (30, 2))])
    weight = jnp.concatenate([jnp.full(3000, (1 - share) / 3000), jnp.full(30, share / 30)])
    exact = jnp.sqrt(weight @ points**2 - (weight @ points) ** 2)

    def errors(num_combs):
        def sd(key):
            return jnp.std(
                points[resample(points, jnp.log(weight), num, num_combs=num_combs, key=key)], axis=0
            )

        sds = jax.jit(jax.vmap(sd))(jr.split(jr.key(9), 40))
        return np.max(np.abs(sds / exact[None] - 1), axis=1)

    one, many = errors(1), errors(16)
    assert np.mean(many) < 0.9 * np.mean(one)
    assert np.max(many) <= np.max(one)
    # What cannot be halved is the half particle: 1 - sqrt(2 / 2.5) = 0.106 in the standard deviation.
    assert np.max(many) < 0.12


@pytest.mark.slow
def test_resampling_by_two_sets_of_weights():
    points = jr.normal(jr.key(10), (500, 2))
    by_first = 2 * points[:, 0]
    by_second = -2 * points[:, 0]
    rows = resample_twice(points, (by_first, by_second), (60, 40), key=jr.key(11))
    assert rows.shape == (100,)
    for chosen, log_weight in ((rows[:60], by_first), (rows[60:], by_second)):
        np.testing.assert_allclose(
            jnp.mean(points[chosen], axis=0), jax.nn.softmax(log_weight) @ points, atol=0.1
        )
