"""Laws of every likelihood, and their closed forms by numerical integration and other code."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal

from diffseis.location import EqualDifferentialTime, Gaussian, InlierOutlier, StudentT, TravelTimeError
from tests.location.problem import TRUTH, event, problem

needs_x64 = pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64")

LIKELIHOODS = {
    "inlier-outlier": InlierOutlier(),
    "student": StudentT(),
    "gaussian": Gaussian(),
    "edt": EqualDifferentialTime(),
}
"""A new likelihood is one more line."""

likelihoods = pytest.mark.parametrize("likelihood", LIKELIHOODS.values(), ids=LIKELIHOODS.keys())
PLACE = jnp.asarray(TRUTH + np.array([0.4, -0.3, 0.7]))
ORIGIN = 1.02


@eqx.filter_jit
def _everything(target, data, x, origin):
    """Log probability, gradients, origin time and outlier probabilities, with the covariance prepared."""
    reduced, predicted = target.reduced(x, data)
    prepared = target.likelihood.prepare(predicted, data)

    def log_prob(x, origin):
        return target.log_posterior(x, origin, data, prepared)

    value, gradient = jax.value_and_grad(log_prob)(x, origin)
    mean, sd = target.likelihood.origin_time(reduced, predicted, data, prepared)
    outlier = target.likelihood.outlier_probability(reduced - mean, predicted, data)
    return {"value": value, "gradient": gradient, "mean": mean, "sd": sd, "outlier": outlier}


def _evaluate(likelihood, data, origin=ORIGIN):
    dtype = data.time_s.dtype
    return _everything(problem(likelihood), data, PLACE.astype(dtype), jnp.asarray(origin, dtype))


def law_padding_changes_nothing(likelihood):
    plain = _evaluate(likelihood, event(size=12))
    for poison in (0.0, 1e30, np.nan):
        padded = _evaluate(likelihood, event(size=16, poison=poison))
        for name in ("value", "gradient", "mean", "sd"):
            np.testing.assert_allclose(
                padded[name], plain[name], rtol=1e-9, atol=1e-9, err_msg=f"{name} {poison}"
            )
        np.testing.assert_allclose(padded["outlier"][:12], plain["outlier"], rtol=1e-9, atol=1e-12)


def law_order_changes_nothing(likelihood):
    order = np.random.default_rng(0).permutation(12)
    one, other = _evaluate(likelihood, event()), _evaluate(likelihood, event(order=order))
    for name in ("value", "gradient", "mean", "sd"):
        np.testing.assert_allclose(other[name], one[name], rtol=1e-9, atol=1e-9, err_msg=name)
    np.testing.assert_allclose(other["outlier"][:12], one["outlier"][order], rtol=1e-9, atol=1e-12)


def law_shift_moves_the_origin_time(likelihood):
    shift = 7.25
    one, other = (
        _evaluate(likelihood, event()),
        _evaluate(likelihood, event(origin=1.0 + shift), ORIGIN + shift),
    )
    np.testing.assert_allclose(other["mean"] - shift, one["mean"], rtol=1e-9)
    for name in ("value", "gradient", "sd"):
        np.testing.assert_allclose(other[name], one[name], rtol=1e-7, atol=1e-7, err_msg=name)


def law_integrates_to_one(likelihood):
    """One pick given the origin time, or the second of two with that time integrated out."""
    if not likelihood.normalised:
        return
    data = event(order=[0, 2])
    target = problem(likelihood)
    reduced, predicted = target.reduced(PLACE, data)
    prepared = likelihood.prepare(predicted, data)
    zero = jnp.zeros(())
    if likelihood.samples_origin_time:
        data = eqx.tree_at(lambda d: d.mask, data, data.mask.at[1].set(False))
    # The substitution t = tan(a) reaches the Cauchy tails.
    angle = (np.arange(40000) + 0.5) / 40000 * np.pi - np.pi / 2
    time = jnp.asarray(np.tan(angle) * 0.2)
    weight = 0.2 / np.cos(angle) ** 2 * np.pi / 40000
    moved = 0 if likelihood.samples_origin_time else 1
    value = jax.jit(
        jax.vmap(
            lambda t: likelihood.log_prob(
                reduced.at[moved].set(t), predicted, reduced[0] * 0, data, prepared, zero
            )
        )
    )(time)
    np.testing.assert_allclose(np.sum(np.exp(value) * weight), 1, rtol=1e-5)


LAWS = [
    law_padding_changes_nothing,
    law_order_changes_nothing,
    law_shift_moves_the_origin_time,
    law_integrates_to_one,
]


@needs_x64
@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@likelihoods
def test_law(law, likelihood):
    law(likelihood)


class _PaddingCounts(StudentT.__base__):
    """A sum that forgets the mask, the normalisation and the origin time."""

    error: TravelTimeError
    samples_origin_time = True
    normalised = True

    def prepare(self, travel_time_s, data):
        return None

    def log_prob(self, reduced_s, travel_time_s, origin_time_s, data, prepared, softness_s):
        order = jnp.arange(reduced_s.shape[0]).astype(reduced_s.dtype)
        return -jnp.sum((1 + order) * (reduced_s - 0.5 * origin_time_s) ** 2)

    def origin_time(self, reduced_s, travel_time_s, data, prepared):
        return jnp.mean(reduced_s), jnp.std(reduced_s)

    def outlier_probability(self, residual_s, travel_time_s, data):
        return jnp.zeros_like(residual_s)

    def sigma_s(self, travel_time_s, data):
        return jnp.ones_like(travel_time_s)


@pytest.mark.long
@needs_x64
@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_laws_notice_a_wrong_likelihood(law):
    with pytest.raises(AssertionError):
        law(_PaddingCounts(TravelTimeError()))


def _gaussian_parts(likelihood, data):
    target = problem(likelihood)
    reduced, predicted = target.reduced(PLACE, data)
    return reduced, predicted, likelihood.prepare(predicted, data)


@needs_x64
@pytest.mark.parametrize("correlation_km", [0.0, 15.0])
def test_gaussian_is_the_normal_density_integrated_over_the_origin_time(correlation_km):
    error = TravelTimeError(0.03, 0.04, 2.0, correlation_km=correlation_km)
    likelihood = Gaussian(error)
    data = event()
    reduced, predicted, prepared = _gaussian_parts(likelihood, data)
    got = likelihood.log_prob(reduced, predicted, jnp.asarray(99.0), data, prepared, jnp.zeros(()))

    live = np.asarray(data.mask)
    q, t, sigma = (np.asarray(v)[live] for v in (reduced, predicted, data.sigma_s))
    place, phase = np.asarray(data.receiver_ned_km)[live], np.asarray(data.phase_idx)[live]
    distance = np.linalg.norm(place[:, None] - place[None], axis=-1)
    rho = np.exp(-0.5 * (distance / correlation_km) ** 2) if correlation_km else np.eye(len(q))
    s = np.clip(0.03 * t, 0.04, 2.0)
    covariance = np.diag(sigma**2) + s[:, None] * s[None] * rho * (phase[:, None] == phase[None])
    origins = np.linspace(q.mean() - 1, q.mean() + 1, 4001)
    density = multivariate_normal(np.zeros(len(q)), covariance).pdf(q[None] - origins[:, None])
    np.testing.assert_allclose(got, np.log(np.sum(density) * (origins[1] - origins[0])), rtol=1e-9)

    mean, sd = likelihood.origin_time(reduced, predicted, data, prepared)
    expected = np.sum(density * origins) / np.sum(density)
    spread = np.sqrt(np.sum(density * (origins - expected) ** 2) / np.sum(density))
    np.testing.assert_allclose([mean, sd], [expected, spread], rtol=1e-7)


@needs_x64
def test_gaussian_without_preparation_is_the_uncorrelated_one():
    likelihood = Gaussian(TravelTimeError(correlation_km=0.0))
    data = event()
    reduced, predicted, prepared = _gaussian_parts(likelihood, data)
    args = (jnp.zeros(()), data)
    one, other = (likelihood.log_prob(reduced, predicted, *args, p, jnp.zeros(())) for p in (prepared, None))
    np.testing.assert_allclose(one, other, rtol=1e-10)


def test_an_outlier_is_seen_and_bounded():
    noise = np.zeros(12)
    noise[4] = 6.0
    for likelihood in (InlierOutlier(), StudentT()):
        clean, dirty = (
            _evaluate(likelihood, event(noise=np.zeros(12))),
            _evaluate(likelihood, event(noise=noise)),
        )
        assert dirty["outlier"][4] > 0.95
        assert jnp.max(jnp.delete(dirty["outlier"][:12], 4)) < 0.5
        assert abs(dirty["mean"] - clean["mean"]) < 0.05


@pytest.mark.long
@needs_x64
def test_width_of_equal_differential_times():
    # Location of a time from N equal normal errors: everything about EDT's width without geometry.
    # 1.257 is the power for many equal picks; the default, which serves networks of fewer, is tested below.
    num, trials = 40, 400
    likelihood = EqualDifferentialTime(TravelTimeError(0.0), power=1.257)
    data = event(size=16)
    data = jax.tree.map(lambda x: jnp.concatenate([x] * 3)[:num], data)
    data = eqx.tree_at(lambda d: (d.mask, d.sigma_s), data, (jnp.ones(num, bool), jnp.full(num, 0.1)))
    # Half of the picks move by x against the others, as with an epicentre between two groups of stations.
    side = jnp.where(jnp.arange(num) % 2 == 0, 0.5, -0.5)

    def log_prob(x, noise):
        return likelihood.log_prob(noise - side * x, jnp.ones(num), jnp.zeros(()), data, None, jnp.zeros(()))

    def pair_sum(x, noise):
        q = noise - side * x
        return -0.5 * 0.5 * jnp.sum((q[:, None] - q[None, :]) ** 2) / (2 * 0.1**2)

    noise = jnp.asarray(np.random.default_rng(1).normal(0, 0.1, (trials, num)))
    fisher = num / 4 / 0.1**2

    def moments(f):
        score, curvature = jax.grad(f), jax.grad(jax.grad(f))
        at_truth = jax.jit(jax.vmap(lambda e: (score(0.0, e), -curvature(0.0, e))))(noise)
        return np.var(at_truth[0]), np.mean(at_truth[1])

    score_variance, curvature = moments(log_prob)
    estimator_variance = score_variance / curvature**2
    # The posterior's variance is the estimator's, and that is 1.193 times the least possible one. (Sampling
    # errors: 7 % of the score's variance, 2 % of the curvature; at 40 picks 3 % more.)
    np.testing.assert_allclose(estimator_variance * fisher, 1.193, rtol=0.15)
    np.testing.assert_allclose(1 / curvature, estimator_variance, rtol=0.15)
    np.testing.assert_allclose(fisher / curvature, 1.193, rtol=0.06)
    # The plain sum over pairs: N / 2 times too much information.
    score_variance, curvature = moments(pair_sum)
    np.testing.assert_allclose(score_variance / curvature**2 * fisher, 1, rtol=0.15)
    np.testing.assert_allclose(np.sqrt(curvature / fisher), np.sqrt(num / 2), rtol=1e-6)


@needs_x64
@pytest.mark.parametrize("num", [12, 48])
def test_default_width_of_equal_differential_times(num):
    """For 12 to 48 picks whose errors differ threefold either way, the posterior is as wide as the estimator scatters."""
    trials = 3000
    rng = np.random.default_rng(2)
    likelihood = EqualDifferentialTime(TravelTimeError(0.0))
    data = jax.tree.map(lambda x: jnp.concatenate([x] * 4)[:num], event(size=16))
    sigma = 0.1 * np.exp(rng.uniform(-1, 1, (trials, num)))
    slowness, noise = rng.normal(size=(trials, num)), sigma * rng.normal(size=(trials, num))

    @jax.jit
    @jax.vmap
    def at_truth(sigma, slowness, noise):
        one = eqx.tree_at(lambda d: (d.mask, d.sigma_s), data, (jnp.ones(num, bool), sigma))

        def f(x):
            return likelihood.log_prob(
                noise - slowness * x, jnp.ones(num), jnp.zeros(()), one, None, jnp.zeros(())
            )

        return jax.grad(f)(0.0), -jax.grad(jax.grad(f))(0.0)

    score, curvature = at_truth(jnp.asarray(sigma), jnp.asarray(slowness), jnp.asarray(noise))
    # Posterior variance over the estimator's: 1.1 over 0.93 at 12 picks, over 1.16 at 48; sampling error 4 %.
    ratio = np.var(score) / np.mean(curvature)
    assert 0.85 < ratio < 1.25


def test_refused():
    with pytest.raises(ValueError, match="outlier_fraction"):
        InlierOutlier(outlier_fraction=0.0)
    with pytest.raises(ValueError, match="dof"):
        StudentT(dof=0.0)
    with pytest.raises(ValueError, match="power"):
        EqualDifferentialTime(power=-1.0)
    with pytest.raises(ValueError, match="travel-time error"):
        TravelTimeError(0.02, 3.0, 2.0)
