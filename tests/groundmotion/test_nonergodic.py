"""Nonergodic terms: closed forms, derivatives, recovery and what they say of new sources and sites."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal

from diffseis import groundmotion as gm
from tests.helpers.gradients import check_grads

X64 = jax.config.read("jax_enable_x64")
CELLS = np.stack(np.meshgrid(np.arange(-75, 76, 50.0), np.arange(-75, 76, 50.0)), -1).reshape(-1, 2)
SCALES = gm.Scales(
    *(jnp.log(jnp.asarray(x, float)) for x in (0.35, 0.3, 0.4, 40.0, 25.0, 60.0, 0.2, 0.2, 0.4))
)


def paths_of(seed, num, num_events, num_stations, offset=0):
    random = np.random.default_rng(seed)
    event, station = random.integers(0, num_events, num), random.integers(0, num_stations, num)
    source, site = random.uniform(-90, 90, (num_events, 2)), random.uniform(-90, 90, (num_stations, 2))
    return gm.paths_on_cells(
        *(jnp.asarray(x, float) for x in (source[event], site[station])),
        jnp.asarray(event + offset),
        jnp.asarray(station + offset),
        jnp.asarray(CELLS, float),
    )


def joined(a, b):
    return jax.tree.map(lambda x, y: jnp.concatenate([x, y]), a, b)


@pytest.mark.long
def test_the_way_through_the_cells_is_that_of_the_path():
    paths = paths_of(0, 30, 6, 8)
    length = np.linalg.norm(paths.source_km - paths.site_km, axis=1) / 100
    np.testing.assert_allclose(np.sum(paths.crossed, axis=1), length, rtol=1e-5)
    along = gm.paths_on_cells(
        jnp.asarray([[-75.0, -75.0]]), jnp.asarray([[-75.0, 25.0]]), jnp.zeros(1, int), jnp.zeros(1, int), jnp.asarray(CELLS, float)
    )  # fmt: skip
    inside = {tuple(cell): float(x) for cell, x in zip(CELLS, along.crossed[0], strict=True) if x > 0}
    assert inside == pytest.approx({(-75, -75): 0.25, (-75, -25): 0.5, (-75, 25): 0.25}, abs=0.02)


@pytest.mark.long
def test_evidence_and_predictions_by_matrices():
    paths, new = paths_of(1, 12, 4, 5), paths_of(2, 5, 3, 3, offset=100)
    cells = jnp.asarray(CELLS, float)
    residual = jnp.asarray(np.random.default_rng(3).normal(size=12), float)
    own = np.asarray(gm.nonergodic_covariance(SCALES, paths, paths, cells), np.float64) + 0.16 * np.eye(12)
    expected = multivariate_normal(np.zeros(12), own).logpdf(residual)
    np.testing.assert_allclose(gm.log_evidence(SCALES, residual, paths, cells), expected, rtol=1e-4)
    mean, sd = eqx.filter_jit(gm.NonergodicTerms(SCALES, paths, residual, cells))(new)
    cross = np.asarray(gm.nonergodic_covariance(SCALES, new, paths, cells), np.float64)
    there = np.asarray(gm.nonergodic_covariance(SCALES, new, new, cells), np.float64)
    np.testing.assert_allclose(mean, cross @ np.linalg.solve(own, residual), atol=1e-4)
    left = np.diag(there) - np.einsum("ij,jk,ik->i", cross, np.linalg.inv(own), cross)
    np.testing.assert_allclose(sd, np.sqrt(left), atol=1e-4)


@pytest.mark.long
@pytest.mark.skipif(not X64, reason="finite differences need float64")
def test_gradients_by_scales_and_residuals():
    paths, cells = paths_of(1, 9, 4, 5), jnp.asarray(CELLS, float)
    flat, unravel = jax.flatten_util.ravel_pytree((SCALES, jnp.linspace(-1.0, 1.0, 9)))
    check_grads(jax.jit(lambda x: gm.log_evidence(*unravel(x), paths, cells)), flat)
    # A station on an epicentre, two records alike.
    same = jax.tree.map(lambda x: x[jnp.asarray([0, 0, 1])], paths)
    same = eqx.tree_at(lambda p: p.site_km, same, same.source_km)

    def by_place(source):
        moved = eqx.tree_at(lambda p: p.source_km, same, source)
        return gm.log_evidence(SCALES, jnp.ones(3), moved, cells)

    assert np.all(np.isfinite(jax.grad(by_place)(same.source_km)))


@pytest.mark.slow
@pytest.mark.skipif(not X64, reason="one precision is enough")
def test_terms_are_learned_and_predictions_hold_what_they_say():
    """Drawn from known scales: 95 % of new records' terms lie within their intervals, and they are nearer than without terms."""
    cells, inside, better = jnp.asarray(CELLS, float), [], []
    for seed in range(6):
        paths, new = paths_of(seed, 300, 40, 30), paths_of(50 + seed, 100, 40, 40, offset=1000)
        both = joined(paths, new)
        full = np.asarray(gm.nonergodic_covariance(SCALES, both, both, cells))
        random = np.random.default_rng(seed)
        terms = np.linalg.cholesky(full + 1e-8 * np.eye(400)) @ random.normal(size=400)
        seen = terms[:300] + 0.4 * random.normal(size=300)
        solution = gm.fit_nonergodic_terms(jnp.asarray(seen), paths, cells)
        assert 0.3 < np.exp(solution.value.scales.log_rest) < 0.5
        mean, sd = eqx.filter_jit(solution.value)(new)
        inside.append(np.mean(np.abs(terms[300:] - mean) < 1.96 * sd))
        better.append(np.mean((terms[300:] - mean) ** 2) / np.mean(terms[300:] ** 2))
    assert 0.9 < np.mean(inside) < 0.99
    assert np.mean(better) < 0.8
