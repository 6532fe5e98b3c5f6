"""Sources out of seismograms: on stores of made-up Green's functions, which solve nothing but are quick."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from diffseis.core import bsplines
from diffseis.core.grids import RegularGrid
from diffseis.core.results import RESULTS
from diffseis.inference import SVGD
from diffseis.mechanism import WaveformProblem, invert_waveforms
from diffseis.source import Gaussian
from diffseis.wave import GreensStore, TimeAxis, tensor_pairs
from tests.helpers.gradients import check_grads

needs_x64 = pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64")
TRUE = np.array([2.1, 1.8, 1.2])
MOMENT = np.array([0.8, -0.5, 0.3])


def _store(num_stations=3):
    """Pulses that arrive later the farther the station is, differently strong for each component."""
    lattice, axis = RegularGrid([1.0, 1.0], 0.25, (9, 9)), TimeAxis(48, 0.1)
    times = 0.1 * np.arange(-6, 48)
    stations = np.array([[0.0, 0.0], [4.0, 0.3], [2.0, 5.0]])[:num_stations]
    off = np.asarray(lattice.nodes_km())[:, :, None] - stations
    distance = np.linalg.norm(off, axis=-1)
    ray = off / distance[..., None]
    pulse = np.exp(-0.5 * ((times - distance[..., None] / 1.5) / 0.25) ** 2)
    strain = np.stack([ray[..., i] * ray[..., j] for i, j in tensor_pairs(2)], axis=-1)
    found = np.einsum("xzst,xzsp,xzsc->xzspct", pulse, strain, ray)
    flat = bsplines.coefficients(jnp.asarray(found), (0, 1), 3)
    return GreensStore(jnp.moveaxis(flat, 2, 0), lattice, axis, jnp.asarray(2.0), num_before=6, degree=3)


def _problem(noise=0.01, seed=0, **changes):
    store = _store()
    shape = (store.num_stations, 2, store.time_axis.num_samples)
    options = {
        "store": store,
        "time_function": Gaussian(0.2),
        "observed_km": jnp.zeros(shape),
        "noise_km": jnp.full(shape[:2], noise),
        "low": jnp.asarray([1.2, 1.2, 0.5]),
        "high": jnp.asarray([2.8, 2.8, 2.0]),
        "moment_sd": jnp.asarray(1.0),
    }
    problem = WaveformProblem(**options | changes)
    if changes:
        return problem
    clean = jnp.tensordot(jnp.asarray(MOMENT), problem.greens(jnp.asarray(TRUE)), 1) * noise
    observed = clean + noise * jnp.asarray(np.random.default_rng(seed).normal(size=shape))
    return eqx.tree_at(lambda p: p.observed_km, problem, observed)


@pytest.mark.long
@needs_x64
def test_gradient_by_place_and_origin_time():
    problem = _problem()
    check_grads(jax.jit(lambda u: problem.log_density(u)), jnp.asarray([0.2, -0.3, 0.1]), rtol=1e-5)
    check_grads(jax.jit(lambda s: problem.log_density(jnp.asarray([0.2, -0.3, 0.1]), s)), 0.7)


@pytest.mark.long
@needs_x64
def test_tensors_are_integrated_out():
    """Differences of the density beside the determinant of the whole covariance of data."""
    problem = _problem(noise=0.3)
    data = np.ravel(problem.observed_km / problem.noise_km[..., None])

    def by_covariance(u):
        rows = np.asarray(problem.greens(problem.place(u))).reshape(3, -1)
        covariance = rows.T @ rows + np.eye(data.size)
        share = jax.nn.sigmoid(u)
        inside = np.sum(np.log(share * (1 - share)))
        return (
            -0.5 * data @ np.linalg.solve(covariance, data) - 0.5 * np.linalg.slogdet(covariance)[1] + inside
        )

    a, b = jnp.asarray([0.3, -0.1, 0.2]), jnp.asarray([-0.4, 0.5, 0.0])
    found = problem.log_density(a) - problem.log_density(b)
    np.testing.assert_allclose(found, by_covariance(a) - by_covariance(b), rtol=1e-9)
    mean, factor = problem.moment(problem.place(a))
    rows = np.asarray(problem.greens(problem.place(a))).reshape(3, -1)
    np.testing.assert_allclose(factor @ factor.T, rows @ rows.T + np.eye(3), rtol=1e-9)
    np.testing.assert_allclose((rows @ rows.T + np.eye(3)) @ mean, rows @ data, rtol=1e-7, atol=1e-9)


@pytest.mark.slow
@needs_x64
def test_source_is_found_back_with_its_spread():
    """Weak noise: the truth within four standard deviations, which are those of Fisher's information to a third."""
    problem = _problem(noise=0.005)
    found = invert_waveforms(problem, SVGD(200), num_candidates=512, key=jr.key(1))
    assert found.result == RESULTS.successful
    truth = np.concatenate([TRUE, MOMENT])
    particles = np.concatenate([found.value.place_km_s, found.value.moment], axis=1)
    sd = particles.std(axis=0)
    np.testing.assert_array_less(np.abs(particles.mean(axis=0) - truth), 4 * sd)
    predicted = lambda v: jnp.tensordot(v[3:], problem.greens(v[:3]), 1).reshape(-1)
    slopes = np.asarray(jax.jacfwd(predicted)(jnp.asarray(truth)))
    wanted = np.sqrt(np.diag(np.linalg.inv(slopes.T @ slopes + np.diag([0, 0, 0, 1, 1, 1]))))
    np.testing.assert_allclose(sd, wanted, rtol=0.35)
    np.testing.assert_allclose(found.value.best, TRUE, atol=float(4 * sd[:3].max()))


def test_the_box_may_be_the_lattice():
    """Corners that a lattice was made for are its own only to rounding."""
    beyond = 3.0 + 4e-16 if jax.config.read("jax_enable_x64") else 3.0
    _problem(low=jnp.asarray([1.0, 1.0, 0.5]), high=jnp.asarray([beyond, 3.0, 2.0]))
    if beyond > 3.0:
        assert not _store().lattice.contains([beyond, 3.0])


@pytest.mark.long
def test_wrong_calls():
    with pytest.raises(ValueError, match="`observed_km` has shape"):
        _problem(observed_km=jnp.zeros((3, 2, 47)))
    with pytest.raises(ValueError, match="must be above 0"):
        _problem(noise_km=jnp.zeros((3, 2)))
    with pytest.raises(ValueError, match="an origin time"):
        _problem(low=jnp.asarray([1.2, 1.2]), high=jnp.asarray([2.0, 2.0]))
    with pytest.raises(ValueError, match="must be below"):
        _problem(low=jnp.asarray([1.2, 1.2, 3.0]))
    with pytest.raises(ValueError, match="reaches beyond the store"):
        _problem(low=jnp.asarray([0.2, 1.2, 0.5]))
    with pytest.raises(ValueError, match="`num_candidates`"):
        invert_waveforms(_problem(), SVGD(8), num_candidates=2, key=jr.key(0))
