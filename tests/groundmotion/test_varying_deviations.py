"""Deviations that vary with columns of events and records: likelihood, recovery, stated intervals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal

from diffseis import groundmotion as gm
from tests.groundmotion.test_mixed_effects import THETA, Mean, fit, made
from tests.helpers.gradients import check_grads

X64 = jax.config.read("jax_enable_x64")
LEVELS = np.array([0.35, 0.4, 0.5])
SLOPES = np.array([-0.4, -0.25])
"""Of ln tau and of ln phi_ss, per unit of magnitude."""


def columns(event, design):
    """Magnitude less 6, of events and of records."""
    first = np.unique(event, return_index=True)[1]
    return design[first, 1:2], design[:, 1:2]


def varied(seed, event, site, design):
    """Records, and the terms of their events and sites."""
    random = np.random.default_rng(seed)
    of_events, of_records = columns(event, design)
    tau, phi_ss = (
        LEVELS[0] * np.exp(SLOPES[0] * of_events[:, 0]),
        LEVELS[2] * np.exp(SLOPES[1] * of_records[:, 0]),
    )
    terms = tau * random.normal(size=len(tau)), LEVELS[1] * random.normal(size=site.max() + 1)
    rest = phi_ss * random.normal(size=len(phi_ss))
    return design @ THETA + terms[0][event] + terms[1][site] + rest, terms


def fitted(seed, event, site, design, **options):
    seen, terms = varied(seed, event, site, design)
    of_events, of_records = (jnp.asarray(x) for x in columns(event, design))
    given = {"tau_columns": of_events, "phi_ss_columns": of_records, **options}
    return fit(Mean(jnp.asarray(design)), seen, jnp.zeros(6), event, site, **given).value, terms


def test_likelihood_with_a_deviation_for_each_event_and_record():
    event, site, _, _ = made(7, 5, 40)
    apart = np.random.default_rng(3).normal(size=40)
    tau, each = np.linspace(0.2, 0.6, 7), np.linspace(0.3, 0.8, 40)
    deviations = gm.Deviations(*(jnp.asarray(x, float) for x in (tau, 0.4, each)))
    found = jax.jit(gm.log_marginal_likelihood, static_argnums=(4, 5))(
        jnp.asarray(apart, float), deviations, jnp.asarray(event), jnp.asarray(site), 7, 5
    )
    same = lambda x: (x[:, None] == x).astype(float)
    covariance = np.outer(tau[event], tau[event]) * same(event) + 0.16 * same(site) + np.diag(each**2)
    np.testing.assert_allclose(found, multivariate_normal(np.zeros(40), covariance).logpdf(apart), rtol=1e-5)


@pytest.mark.long
@pytest.mark.skipif(not X64, reason="finite differences need float64")
def test_gradients_by_levels_and_slopes():
    event, site, design, _ = made(4, 3, 12)
    of_events, of_records = (jnp.asarray(x) for x in columns(event, design))
    apart = jnp.linspace(-1.0, 1.0, 12)

    def of(x):
        deviations = gm.deviations_at(gm.Deviations(*x[:3]), x[3:4], x[4:], of_events, of_records)
        return gm.log_marginal_likelihood(apart, deviations, jnp.asarray(event), jnp.asarray(site), 4, 3)

    of = jax.jit(of)
    check_grads(of, jnp.asarray([0.3, 0.4, 0.5, -0.2, 0.1]))
    assert np.all(np.isfinite(jax.grad(of)(jnp.asarray([0.0, 0.0, 0.5, -0.2, 0.1]))))


def test_levels_without_slopes_stay_as_they_are():
    levels = gm.Deviations(jnp.asarray(0.3), jnp.asarray(0.4), jnp.asarray(0.5))
    none = jnp.zeros(0)
    same = gm.deviations_at(levels, none, none, jnp.zeros((4, 0)), jnp.zeros((9, 0)))
    assert same.tau is levels.tau
    assert same.phi_ss is levels.phi_ss


@pytest.mark.long
@pytest.mark.skipif(not X64, reason="one precision is enough")
def test_slopes_of_one_data_set():
    event, site, design, _ = made()
    found, terms = fitted(1, event, site, design)
    slopes = found.slopes
    for value, low, high, truth in (
        (slopes.tau, slopes.tau_low, slopes.tau_high, SLOPES[0]),
        (slopes.phi_ss, slopes.phi_ss_low, slopes.phi_ss_high, SLOPES[1]),
    ):
        assert value.shape == (1,)
        assert low[0] < truth < high[0] < 0
    assert np.corrcoef(found.effects.event, terms[0])[0, 1] > 0.8
    # A constant deviation is less likely, and a prior pulls slopes to 0.
    seen, _ = varied(1, event, site, design)
    constant = fit(Mean(jnp.asarray(design)), seen, jnp.zeros(6), event, site).value
    assert constant.slopes.tau.shape == (0,)
    assert found.log_likelihood > constant.log_likelihood + 10
    pulled, _ = fitted(1, event, site, design, slope_precision=1e3)
    assert np.abs(pulled.slopes.tau[0]) < 0.5 * np.abs(slopes.tau[0])


@pytest.mark.slow
@pytest.mark.skipif(not X64, reason="one precision is enough")
def test_stated_limits_of_slopes_hold_what_they_say():
    """200 trials: levels, slopes, terms of events and of sites each within their 95 % in 91 to 99 % of trials."""
    event, site, design, _ = made()
    inside = {name: [] for name in ("levels", "slopes", "event", "site")}
    for seed in range(200):
        found, terms = fitted(seed, event, site, design)
        inside["levels"].append((np.asarray(found.low) < LEVELS) & (np.asarray(found.high) > LEVELS))
        s = found.slopes
        low, high = np.concatenate([s.tau_low, s.phi_ss_low]), np.concatenate([s.tau_high, s.phi_ss_high])
        inside["slopes"].append((low < SLOPES) & (high > SLOPES))
        for name, truth in zip(("event", "site"), terms, strict=True):
            term, spread = (np.asarray(getattr(found.effects, f"{name}{end}")) for end in ("", "_sd"))
            inside[name].append(np.mean(np.abs(term - truth) < 1.96 * spread))
    for name, hits in inside.items():
        share = np.mean(hits, axis=0)
        assert np.all((share > 0.91) & (share < 0.99)), (name, share)


@pytest.mark.parametrize("wrong", [np.ones((7, 1)), np.full((7, 1), np.nan), np.arange(6.0)[:, None]])
def test_columns_that_say_nothing_are_refused(wrong):
    event, site, design, _ = made(7, 5, 40)
    with pytest.raises(ValueError, match="tau_columns"):
        fit(
            Mean(jnp.asarray(design)), np.zeros(40), jnp.zeros(6), event, site, tau_columns=jnp.asarray(wrong)
        )
