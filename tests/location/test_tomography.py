"""Tomography: values, gradients, what it says it knows, and what it does when there is nothing to know."""

import equinox as eqx
import jax
import jax.flatten_util
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from diffseis.core.results import RESULTS
from diffseis.inference import SVGD
from diffseis.location import (
    ConjugateGradients,
    Dense,
    NormalResiduals,
    SpeedPrior,
    StudentResiduals,
    TomographyProblem,
    cluster_robust,
    invert_travel_times,
    sample_medium,
)
from tests.helpers.gradients import check_grads
from tests.location.tomography import (
    SharedGradientMedium,
    draw_truth,
    flat_density,
    gradient_medium,
    gridded_medium,
    layered_medium,
    network,
    observe,
)

EVENTS, STATIONS = 10, 6
JOINT = {"hypocentre_sd_km": 1.0, "origin_sd_s": 0.3, "term_sd_s": (0.05, 0.1), "num_stations": STATIONS}
KNOWN = {"hypocentre_sd_km": 0.0, "origin_sd_s": 0.0}


def joint_problem(*, law=None, poison=None):
    start, _, empty = network(EVENTS, STATIONS, seed=1, poison=poison)
    return TomographyProblem(gradient_medium(), start, law=law, **JOINT), empty


def in_sds(found, truth, sd):
    return np.asarray((found - truth) / sd)


def test_prior_has_the_covariance_it_states():
    axes = [np.array([0.0, 3.0, 7.0]), np.array([1.0, 2.0])]
    speed = np.ones((2, 3, 2))
    prior = SpeedPrior(speed, axes, sd=(0.1, 0.2), correlation_km=(4.0, 5.0), ps_correlation=0.6)
    root = jax.vmap(prior.scale)(jnp.eye(12).reshape(12, 2, 3, 2)).reshape(12, 12)
    covariance = np.asarray(root.T @ root).reshape(2, 3, 2, 2, 3, 2)
    matern = lambda d: (1 + np.sqrt(3) * d) * np.exp(-np.sqrt(3) * d)
    expected = 0.1 * 0.2 * 0.6 * matern(7 / 4) * matern(1 / 5)
    np.testing.assert_allclose(covariance[0, 0, 0, 1, 2, 1], expected, rtol=1e-7)
    np.testing.assert_allclose(prior.sd()[1], 0.2, rtol=1e-7)
    np.testing.assert_allclose(np.einsum("iaciac->iac", covariance), np.asarray(prior.sd()) ** 2, rtol=1e-12)


@pytest.mark.parametrize("law", [NormalResiduals(), StudentResiduals(dof=4.0)], ids=["normal", "student"])
def test_weights_and_information_are_those_of_the_law(law):
    x = jnp.linspace(-400.0, 400.0, 400001)
    density, step = jnp.exp(law.log_prob(x)), x[1] - x[0]
    score = jax.vmap(jax.grad(law.log_prob))(x)
    np.testing.assert_allclose(-score, law.weight(x) * x, atol=1e-12)
    np.testing.assert_allclose(jnp.sum(density) * step, 1, rtol=1e-6)
    fisher = jnp.sum(density * score**2) * step
    np.testing.assert_allclose(jnp.sum(density * law.weight(x)) * step * law.information(), fisher, rtol=1e-6)


@pytest.mark.long
@pytest.mark.parametrize("law", [NormalResiduals(), StudentResiduals()], ids=["normal", "student"])
def test_gradient_of_the_density(law, getkey):
    problem, empty = joint_problem(law=law, poison=jnp.nan)
    data = observe(problem, draw_truth(problem, key=getkey()), empty, key=getkey())
    density, size = flat_density(problem, data)
    # Through a handful of directions: every unknown is in each of them.
    directions = jr.normal(getkey(), (6, size)) / np.sqrt(size)
    check_grads(jax.jit(lambda a: density(a @ directions)), np.full(6, 0.3), rtol=1e-6, atol=1e-5)


@pytest.mark.slow
def test_the_step_is_the_maximum_where_times_are_linear(getkey):
    """Origin times and station terms alone: the posterior is normal, and known by linear algebra."""
    start, _, empty = network(EVENTS, STATIONS, seed=1)
    problem = TomographyProblem(
        gradient_medium(sd=0.0), start, hypocentre_sd_km=0.0, origin_sd_s=0.3, term_sd_s=(0.05, 0.1), num_stations=STATIONS
    )  # fmt: skip
    data = observe(problem, draw_truth(problem, key=getkey()), empty, key=getkey())
    found = invert_travel_times(problem, data, tolerance=1e-12).value
    vector, unravel = jax.flatten_util.ravel_pytree(problem.at_prior())
    residual = lambda v: (problem.residuals(unravel(v), data) / problem.sigma_s(data)).ravel()
    matrix = np.asarray(jax.jit(jax.jacfwd(residual))(vector))
    precision = np.eye(len(vector)) + matrix.T @ matrix
    answer = unravel(jnp.asarray(np.linalg.solve(precision, -matrix.T @ np.asarray(residual(vector)))))
    covariance = np.linalg.inv(precision)
    np.testing.assert_allclose(found.terms_s, problem.terms_s(answer.shared), atol=1e-6)
    expected = problem.hypocentres(answer.hypocentres).origin_time_s
    np.testing.assert_allclose(found.hypocentres.origin_time_s, expected, atol=1e-6)
    rows = np.arange(problem.num_medium, problem.num_shared)
    terms_sd = np.sqrt(np.diag(covariance))[rows].reshape(STATIONS, 2) * np.array([0.05, 0.1])
    np.testing.assert_allclose(found.terms_sd_s, terms_sd, rtol=1e-6)
    origin = problem.num_shared + 4 * np.arange(EVENTS) + 3
    variance = np.diag(covariance)[origin] * 0.3**2
    np.testing.assert_allclose(found.hypocentre_covariance[:, 3, 3], variance, rtol=1e-6)
    assert np.all(np.asarray(found.hypocentre_covariance)[:, :3, :3] == 0)


def coverage(problem, empty, num, *, key):
    """Departures of the truth in stated standard deviations, of media, terms and hypocentres, over drawn data sets."""
    medium, terms, places = [], [], []
    for k in jr.split(key, num):
        k_truth, k_noise = jr.split(k)
        truth = draw_truth(problem, key=k_truth)
        value = invert_travel_times(problem, observe(problem, truth, empty, key=k_noise)).value
        medium.append(in_sds(value.log_speed, problem.log_speed(truth.shared), value.log_speed_sd).ravel())
        terms.append(in_sds(value.terms_s, problem.terms_s(truth.shared), value.terms_sd_s).ravel())
        there = problem.hypocentres(truth.hypocentres)
        sd = np.sqrt(np.einsum("ekk->ek", value.hypocentre_covariance))
        places.append(in_sds(value.hypocentres.ned_km, there.ned_km, sd[:, :3]).ravel())
    return np.array(medium), np.array(terms), np.array(places)


def check_coverage(ratios):
    """Stated intervals hold the truth as often as stated. Data sets are independent, unknowns of one set are not: their spread over
    sets sets the tolerance, and that of independent ones is the least."""
    num = len(ratios)
    for level, half in ((0.5, 0.6745), (0.68, 0.9945), (0.9, 1.6449)):
        held = np.mean(np.abs(ratios) < half, axis=1)
        tolerance = 3.3 * max(np.std(held), np.sqrt(level * (1 - level) / ratios.shape[1])) / np.sqrt(num)
        assert abs(np.mean(held) - level) < tolerance, (level, np.mean(held), tolerance)


@pytest.mark.long
def test_coverage_of_a_joint_inversion():
    problem, empty = joint_problem()
    medium, terms, places = coverage(problem, empty, 150, key=jr.key(11))
    for ratios in (medium, terms, places):
        check_coverage(ratios)
    # It would be seen if the hypocentres were taken as known: the same data, their uncertainty left out.
    start, _, _ = network(EVENTS, STATIONS, seed=1)
    sure = TomographyProblem(gradient_medium(), start, **(JOINT | KNOWN))
    truth = draw_truth(problem, key=jr.key(12))
    value = invert_travel_times(sure, observe(problem, truth, empty, key=jr.key(13)), throw=False).value
    assert np.max(np.abs(in_sds(value.log_speed, problem.log_speed(truth.shared), value.log_speed_sd))) > 4


@pytest.mark.long
def test_outliers_do_not_bend_the_medium():
    problem, empty = joint_problem(law=StudentResiduals(dof=4.0))
    truth = draw_truth(problem, key=jr.key(2))
    data = observe(problem, truth, empty, key=jr.key(3))
    wrong = jr.bernoulli(jr.key(4), 0.04, data.time_s.shape)
    bad = eqx.tree_at(lambda d: d.time_s, data, data.time_s + jnp.where(wrong, 3.0, 0.0))
    value = invert_travel_times(problem, bad).value
    assert np.all(np.asarray(value.weight)[np.asarray(wrong)] < 0.05)
    departures = in_sds(value.log_speed, problem.log_speed(truth.shared), value.log_speed_sd)
    assert np.all(np.abs(departures) < 3.5)
    # Least squares believes them.
    normal = TomographyProblem(problem.medium, problem.start, **JOINT)
    believed = invert_travel_times(normal, bad).value
    departures = in_sds(believed.log_speed, problem.log_speed(truth.shared), believed.log_speed_sd)
    assert np.max(np.abs(departures)) > 5


@pytest.mark.long
def test_no_picks_no_station_and_poison():
    problem, empty = joint_problem(poison=jnp.nan)
    clean, clean_empty = joint_problem()
    truth = draw_truth(problem, key=jr.key(2))
    data = observe(problem, truth, empty, key=jr.key(3))
    # The same noise: keys draw by shape.
    size = clean_empty.mask.shape[1]
    kept = eqx.tree_at(lambda d: d.time_s, clean_empty, data.time_s[:, :size])
    poisoned = invert_travel_times(problem, data).value
    plain = invert_travel_times(clean, kept).value
    np.testing.assert_allclose(poisoned.log_speed, plain.log_speed, rtol=0, atol=1e-9)
    np.testing.assert_allclose(poisoned.log_speed_sd, plain.log_speed_sd, rtol=1e-6)
    assert all(np.all(np.isfinite(x)) for x in jax.tree.leaves(eqx.filter(poisoned, eqx.is_array)))

    silent = eqx.tree_at(lambda d: d.mask, data, data.mask & (data.station_row != 2))
    value = invert_travel_times(problem, silent).value
    assert np.all(np.asarray(value.terms_s)[2] == 0)
    np.testing.assert_allclose(value.terms_sd_s[2], [0.05, 0.1], rtol=1e-9)
    assert np.all(np.asarray(value.terms_sd_s)[[0, 1, 3, 4, 5]] < [0.05, 0.1])

    nothing = eqx.tree_at(lambda d: d.mask, data, jnp.zeros_like(data.mask))
    solution = invert_travel_times(problem, nothing, throw=False)
    assert solution.result == RESULTS.no_data
    np.testing.assert_array_equal(solution.value.log_speed, problem.medium.prior.mean)
    np.testing.assert_allclose(solution.value.log_speed_sd, problem.medium.prior.sd(), rtol=1e-12)
    np.testing.assert_allclose(solution.value.hypocentre_covariance[0], np.diag([1, 1, 1, 0.09]), rtol=1e-9)
    with pytest.raises(RuntimeError, match="nothing to work on"):
        jax.block_until_ready(invert_travel_times(problem, nothing).value.log_speed)


@pytest.mark.long
def test_one_trace_for_new_data_and_wrong_calls():
    problem, empty = joint_problem()
    traces = []

    class Counting(type(problem.medium)):
        def times(self, log_speed):
            traces.append(1)
            return super().times(log_speed)

    counted = eqx.tree_at(lambda p: p.medium, problem, Counting(problem.medium.prior))
    for seed in (0, 1):
        data = observe(problem, draw_truth(problem, key=jr.key(seed)), empty, key=jr.key(seed + 2))
        before = len(traces)
        value = invert_travel_times(counted, data).value
    assert before > 0
    assert len(traces) == before
    with pytest.raises(ValueError, match="6 stations"):
        cluster_robust(counted, data, value)
    with pytest.raises(ValueError, match="reach_km"):
        cluster_robust(counted, data, value, reach_km=-1.0)
    few = eqx.tree_at(lambda v: v.spectrum.values, value, value.spectrum.values[:2])
    with pytest.raises(ValueError, match="complete spectrum"):
        cluster_robust(counted, data, few)
    with pytest.raises(ValueError, match="10 events"):
        invert_travel_times(problem, jax.tree.map(lambda x: x[:3], empty))
    with pytest.raises(ValueError, match="max_steps"):
        invert_travel_times(problem, empty, max_steps=0)
    with pytest.raises(ValueError, match="num_stations"):
        TomographyProblem(problem.medium, problem.start, term_sd_s=0.1)
    with pytest.raises(ValueError, match="must have shape"):
        SpeedPrior(np.ones((2, 3)), [np.arange(4.0)])


@pytest.mark.long
def test_single_precision():
    single = lambda tree: jax.tree.map(
        lambda x: x.astype(jnp.float32) if jnp.issubdtype(x.dtype, jnp.floating) else x, tree
    )
    problem, empty = joint_problem(poison=1e30)
    data = observe(problem, draw_truth(problem, key=jr.key(2)), empty, key=jr.key(3))
    double = invert_travel_times(problem, data).value
    arrays, rest = eqx.partition(problem, eqx.is_array)
    found = invert_travel_times(eqx.combine(single(arrays), rest), single(data)).value
    assert found.log_speed.dtype == jnp.float32
    departures = in_sds(found.log_speed.astype(float), double.log_speed, double.log_speed_sd)
    assert np.max(np.abs(departures)) < 0.1
    np.testing.assert_allclose(found.log_speed_sd, double.log_speed_sd, rtol=1e-2)


def plane_problem(*, sd=0.06, **options):
    start, stations, empty = network(8, 5, seed=4, plane=True)
    return TomographyProblem(gridded_medium(stations, sd=sd), start, **options), empty


@pytest.mark.slow
def test_matrix_free_is_dense():
    """Steps, spectra and draws of both solvers, through products with the Jacobian and through the matrix itself."""
    problem, empty = joint_problem(poison=jnp.nan)
    data = observe(problem, draw_truth(problem, key=jr.key(2)), empty, key=jr.key(3))
    dense = invert_travel_times(problem, data, Dense(), tolerance=1e-8).value
    shared = eqx.tree_at(lambda p: p.medium, problem, SharedGradientMedium(problem.medium.prior))
    whole = ConjugateGradients(rtol=1e-10, rank=problem.num_shared)
    free = invert_travel_times(shared, data, whole, tolerance=1e-8).value
    np.testing.assert_allclose(free.log_speed, dense.log_speed, atol=1e-7)
    np.testing.assert_allclose(free.log_speed_sd, dense.log_speed_sd, rtol=1e-6)
    np.testing.assert_allclose(free.terms_sd_s, dense.terms_sd_s, rtol=1e-6)
    np.testing.assert_allclose(free.hypocentre_covariance, dense.hypocentre_covariance, rtol=1e-5, atol=1e-9)
    # Few eigenpairs: never surer than all of them, nor less sure than the prior.
    few = invert_travel_times(shared, data, ConjugateGradients(rtol=1e-10, rank=8), tolerance=1e-8).value
    sd = np.asarray(few.log_speed_sd)
    assert np.all(sd >= np.asarray(dense.log_speed_sd) * (1 - 1e-6))
    # (Which nodes gain depends on which unknowns the leading pairs are of: here some are of station terms.)
    before = np.asarray(problem.medium.prior.sd())
    assert np.all(sd <= before * (1 + 1e-9))
    assert np.sum(sd**2) < np.sum(before**2)


@pytest.mark.slow
def test_plane_by_the_adjoint_of_the_solver(getkey):
    """The density's gradient, by one reverse pass through the sweeps of all stations, against differences of the density itself."""
    problem, empty = plane_problem(hypocentre_sd_km=0.7, origin_sd_s=0.2)
    data = observe(problem, draw_truth(problem, key=getkey()), empty, key=getkey())
    _, unravel = jax.flatten_util.ravel_pytree(problem.at_prior())
    pair = eqx.filter_jit(jax.value_and_grad(lambda x: problem.log_density(unravel(x), data)))
    size = problem.num_shared + 4 * 8
    at, along = 0.3 * jr.normal(getkey(), (size,)), jr.normal(getkey(), (size,))
    step = 1e-4
    values = [float(pair(at + k * step * along)[0]) for k in (-2, -1, 1, 2)]
    reference = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step)
    np.testing.assert_allclose(jnp.sum(pair(at)[1] * along), reference, rtol=1e-6)


@pytest.mark.slow
def test_plane_recovered_and_differentiated_both_ways(getkey):
    """A section recovered within its uncertainty; derivatives of the density are right in both modes."""
    problem, empty = plane_problem(hypocentre_sd_km=0.7, origin_sd_s=0.2)
    truth = draw_truth(problem, key=getkey())
    data = observe(problem, truth, empty, key=getkey())
    found = invert_travel_times(problem, data, Dense(), tolerance=1e-6).value
    departures = in_sds(found.log_speed, problem.log_speed(truth.shared), found.log_speed_sd)
    assert np.sqrt(np.mean(departures**2)) < 1.5
    assert np.max(found.resolution()) > 0.7
    density, size = flat_density(problem, data)
    directions = jr.normal(getkey(), (2, size)) / np.sqrt(size)
    check_grads(jax.jit(lambda a: density(a @ directions)), np.full(2, 0.3), rtol=1e-5, atol=1e-4)


@pytest.mark.slow
def test_plane_matrix_free_is_dense(getkey):
    problem, empty = plane_problem(hypocentre_sd_km=0.7, origin_sd_s=0.2)
    data = observe(problem, draw_truth(problem, key=getkey()), empty, key=getkey())
    dense = invert_travel_times(problem, data, Dense(), tolerance=1e-6).value
    free = ConjugateGradients(rtol=1e-8, rank=problem.num_shared)
    found = invert_travel_times(problem, data, free, tolerance=1e-6).value
    np.testing.assert_allclose(found.log_speed, dense.log_speed, atol=1e-5)
    np.testing.assert_allclose(found.log_speed_sd, dense.log_speed_sd, rtol=1e-5)


@pytest.mark.long
def test_layers_recover_the_truth():
    start, _, empty = network(12, 8, seed=5)
    problem = TomographyProblem(layered_medium("layers"), start, hypocentre_sd_km=1.0, origin_sd_s=0.3)
    truth = draw_truth(problem, key=jr.key(6))
    data = observe(problem, truth, empty, key=jr.key(7))
    solution = invert_travel_times(problem, data)
    value = solution.value
    departures = in_sds(value.log_speed, problem.log_speed(truth.shared), value.log_speed_sd)
    assert np.all(np.abs(departures) < 3.3)
    assert np.min(value.log_speed_sd / problem.medium.prior.sd()) < 0.3
    # The posterior's draws have its moments.
    draws = np.asarray(value.sample(4000, key=jr.key(8)))
    np.testing.assert_allclose(draws.std(axis=0), value.log_speed_sd, rtol=0.06)


@pytest.mark.slow
def test_particles_agree_with_laplace_where_it_holds():
    """With this many picks the posterior is all but normal: SVGD finds the same moments, hypocentres integrated out."""
    start, _, empty = network(EVENTS, STATIONS, seed=1)
    options = JOINT | {"term_sd_s": 0.0, "num_stations": 0}
    problem = TomographyProblem(gradient_medium(), start, **options)
    data = observe(problem, draw_truth(problem, key=jr.key(2)), empty, key=jr.key(3))
    value = invert_travel_times(problem, data, tolerance=1e-8).value
    media, draws = sample_medium(problem, data, value, SVGD(400), key=jr.key(4))
    assert bool(draws.converged)
    mean, sd = np.mean(media, axis=0), np.std(media, axis=0)
    assert np.max(np.abs(in_sds(mean, value.log_speed, value.log_speed_sd))) < 0.25
    np.testing.assert_allclose(sd, value.log_speed_sd, rtol=0.15)
    few = invert_travel_times(problem, data, ConjugateGradients(rank=2)).value
    with pytest.raises(ValueError, match="complete spectrum"):
        sample_medium(problem, data, few, SVGD(400), key=jr.key(4))


@pytest.mark.slow
def test_coverage_of_nodes_linear_in_depth():
    start, _, empty = network(12, 8, seed=5)
    problem = TomographyProblem(layered_medium("linear"), start, hypocentre_sd_km=1.0, origin_sd_s=0.3)
    medium, _, places = coverage(problem, empty, 150, key=jr.key(21))
    check_coverage(medium)
    check_coverage(places)
