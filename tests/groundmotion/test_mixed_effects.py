"""Fits with random effects of events and sites: likelihood, recovery, stated intervals."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal

from diffseis import groundmotion as gm
from tests.helpers.gradients import check_grads

X64 = jax.config.read("jax_enable_x64")
TRUTH = np.array([0.35, 0.4, 0.5])
THETA = np.array([1.0, 0.8, -0.1, -1.3, -0.3, -0.5])


class Mean(eqx.Module):
    design: jax.Array

    def __call__(self, theta):
        return self.design @ theta


class Curved(eqx.Module):
    """Not linear: the last parameter is the logarithm of a depth."""

    design: jax.Array
    distance: jax.Array

    def __call__(self, theta):
        near = jnp.log(jnp.sqrt(self.distance**2 + jnp.exp(2 * theta["log_h"])))
        return self.design @ theta["linear"] - 1.3 * near


def made(num_events=60, num_sites=80, num=900):
    random = np.random.default_rng(0)
    event, site = random.integers(0, num_events, num), random.integers(0, num_sites, num)
    event[:num_events], site[:num_sites] = np.arange(num_events), np.arange(num_sites)
    m = random.uniform(4, 7.5, num_events)[event]
    r = np.exp(random.uniform(np.log(3), np.log(200), num))
    v = random.uniform(200, 900, num_sites)[site]
    near = np.log(np.sqrt(r**2 + 36))
    design = np.stack([np.ones(num), m - 6, (m - 6) ** 2, near, r / 100, np.log(v / 760)], 1)
    return event, site, design, r


def observed(seed, event, site, mean):
    random = np.random.default_rng(seed)
    terms = TRUTH[0] * random.normal(size=event.max() + 1), TRUTH[1] * random.normal(size=site.max() + 1)
    return mean + terms[0][event] + terms[1][site] + TRUTH[2] * random.normal(size=len(mean)), terms


def fit(mean, seen, theta, event, site, **options):
    return gm.fit_mixed_effects(
        mean,
        jnp.asarray(seen, float),
        theta,
        event=jnp.asarray(event),
        site=jnp.asarray(site),
        num_events=int(event.max()) + 1,
        num_sites=int(site.max()) + 1,
        **options,
    )


def _dense(deviations, event, site):
    tau, phi_s2s, phi_ss = (np.asarray(x) for x in deviations)
    same = lambda x: (x[:, None] == x).astype(float)
    return tau**2 * same(event) + phi_s2s**2 * same(site) + np.diag(np.broadcast_to(phi_ss**2, len(event)))


def test_likelihood_is_that_of_the_whole_covariance():
    event, site, _, _ = made(7, 5, 40)
    apart = np.random.default_rng(3).normal(size=40)
    likelihood = jax.jit(gm.log_marginal_likelihood, static_argnums=(4, 5))
    each = np.linspace(0.3, 0.8, 40)
    for values in ((0.3, 0.4, 0.5), (0.0, 0.4, 0.5), (0.3, 0.0, 0.5), (0.3, 0.4, each)):
        deviations = gm.Deviations(*(jnp.asarray(x, float) for x in values))
        found = likelihood(jnp.asarray(apart, float), deviations, jnp.asarray(event), jnp.asarray(site), 7, 5)
        expected = multivariate_normal(np.zeros(40), _dense(values, event, site)).logpdf(apart)
        np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.long
@pytest.mark.skipif(not X64, reason="finite differences need float64")
def test_gradients_of_the_likelihood():
    event, site, _, _ = made(4, 3, 12)

    def of(x):
        deviations = gm.Deviations(x[0], x[1], x[2])
        return gm.log_marginal_likelihood(x[3:], deviations, jnp.asarray(event), jnp.asarray(site), 4, 3)

    check_grads(jax.jit(of), jnp.concatenate([jnp.asarray([0.3, 0.4, 0.5]), jnp.linspace(-1.0, 1.0, 12)]))
    assert np.all(np.isfinite(jax.grad(of)(jnp.concatenate([jnp.asarray([0.0, 0.0, 0.5]), jnp.ones(12)]))))


@pytest.mark.slow
@pytest.mark.skipif(not X64, reason="one precision is enough")
def test_a_fit_is_the_likelihoods_maximum():
    """Restricted likelihood by dense matrices is not larger beside it; terms are the conditional means."""
    event, site, design, _ = made(12, 10, 90)
    seen, _ = observed(5, event, site, design @ THETA)
    solution = fit(Mean(jnp.asarray(design)), seen, jnp.zeros(6), event, site)
    found = solution.value

    def restricted(values):
        covariance = _dense(values, event, site)
        inverse = np.linalg.inv(covariance)
        information = design.T @ inverse @ design
        theta = np.linalg.solve(information, design.T @ inverse @ seen)
        apart = seen - design @ theta
        quadratic = apart @ inverse @ apart
        logs = np.linalg.slogdet(covariance)[1] + np.linalg.slogdet(information)[1]
        return -0.5 * (quadratic + logs + len(seen) * np.log(2 * np.pi)), theta

    best = np.array(
        [float(x) for x in (found.deviations.tau, found.deviations.phi_s2s, found.deviations.phi_ss)]
    )
    value, theta = restricted(best)
    np.testing.assert_allclose(found.log_likelihood, value, rtol=1e-9)
    np.testing.assert_allclose(found.theta, theta, rtol=1e-5)
    for k in range(3):
        for factor in (0.98, 1.02):
            beside = best.copy()
            beside[k] *= factor
            assert restricted(beside)[0] < value
    apart = seen - design @ theta
    inverse = np.linalg.inv(_dense(best, event, site))
    cross = best[0] ** 2 * (np.arange(12)[:, None] == event)
    np.testing.assert_allclose(found.effects.event, cross @ inverse @ apart, rtol=1e-5, atol=1e-7)
    projector = inverse - inverse @ design @ np.linalg.solve(design.T @ inverse @ design, design.T @ inverse)
    left = best[0] ** 2 - np.einsum("ei,ij,ej->e", cross, projector, cross)
    np.testing.assert_allclose(found.effects.event_sd, np.sqrt(left), rtol=1e-5)


@pytest.mark.long
@pytest.mark.skipif(not X64, reason="one precision is enough")
def test_stated_intervals_hold_what_they_say():
    """200 trials: deviations, parameters, terms of events and of sites each within their 95 % in 91 to 99 % of trials."""
    event, site, design, _ = made()
    mean = Mean(jnp.asarray(design))
    inside = {name: [] for name in ("deviations", "theta", "event", "site")}
    for seed in range(200):
        seen, terms = observed(seed, event, site, design @ THETA)
        found = fit(mean, seen, jnp.zeros(6), event, site).value
        inside["deviations"].append((np.asarray(found.low) < TRUTH) & (np.asarray(found.high) > TRUTH))
        sd = np.sqrt(np.diag(found.theta_covariance))
        inside["theta"].append(np.abs(np.asarray(found.theta) - THETA) < 1.96 * sd)
        for name, truth in zip(("event", "site"), terms, strict=True):
            term, spread = (np.asarray(getattr(found.effects, f"{name}{end}")) for end in ("", "_sd"))
            inside[name].append(np.mean(np.abs(term - truth) < 1.96 * spread))
    for name, hits in inside.items():
        share = np.mean(hits, axis=0)
        assert np.all((share > 0.91) & (share < 0.99)), (name, share)


@pytest.mark.slow
@pytest.mark.skipif(not X64, reason="one precision is enough")
def test_means_that_are_not_linear_and_fits_without_sites():
    event, site, design, r = made()
    linear = np.delete(design, 3, axis=1)
    truth = np.delete(THETA, 3)
    mean = Curved(jnp.asarray(linear), jnp.asarray(r))
    seen, _ = observed(2, event, site, linear @ truth - 1.3 * np.log(np.sqrt(r**2 + 36)))
    start = {"linear": jnp.zeros(5), "log_h": jnp.asarray(0.5)}
    found = fit(mean, seen, start, event, site).value
    sd = np.sqrt(np.diag(found.theta_covariance))
    np.testing.assert_allclose(found.theta["log_h"], np.log(6), atol=4 * sd[-1])
    np.testing.assert_allclose(found.theta["linear"], truth, atol=4 * sd[:5].max())
    without = fit(mean, seen, start, event, site, site_effects=False, restricted=False).value
    assert without.deviations.phi_s2s == 0
    assert without.deviations.phi_ss > found.deviations.phi_ss
    np.testing.assert_array_equal(without.effects.site, 0)


def test_too_little_is_refused():
    with pytest.raises(ValueError, match="cannot determine"):
        fit(Mean(jnp.ones((5, 4))), np.zeros(5), jnp.zeros(4), np.zeros(5, int), np.zeros(5, int))
