"""Correlations between measures: what is found of known ones, and what is said of how well."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis import groundmotion as gm
from diffseis.groundmotion.correlated import _Level, _possible
from tests.helpers.gradients import check_grads

X64 = jax.config.read("jax_enable_x64")
TRUTH = {
    "event": np.array([[1.0, 0.9], [0.9, 1.0]]),
    "site": np.array([[1.0, -0.3], [-0.3, 1.0]]),
    "rest": np.array([[1.0, 0.6], [0.6, 1.0]]),
}
SD = np.array([[0.3, 0.4], [0.3, 0.25], [0.4, 0.5]])
NUM = (40, 50)


def found(seed, num=500, site_effects=True):
    random = np.random.default_rng(seed)
    event, site = random.integers(0, NUM[0], num), random.integers(0, NUM[1], num)
    draw = lambda kind, sd, n: sd[:, None] * (np.linalg.cholesky(TRUTH[kind]) @ random.normal(size=(2, n)))
    seen = draw("event", SD[0], NUM[0])[:, event] + draw("rest", SD[2], num)
    seen = seen + draw("site", SD[1], NUM[1])[:, site] * site_effects
    options = {
        "event": jnp.asarray(event),
        "site": jnp.asarray(site),
        "num_events": NUM[0],
        "num_sites": NUM[1],
        "site_effects": site_effects,
    }
    fit = lambda y: gm.fit_mixed_effects(
        _Level(num), jnp.asarray(y, float), jnp.mean(jnp.asarray(y)), **options
    )
    deviations = [fit(y).value.deviations for y in seen]
    return gm.measure_correlations(jnp.asarray(seen, float), deviations, **options), deviations


@pytest.mark.long
@pytest.mark.skipif(not X64, reason="one precision is enough")
def test_known_correlations_are_found():
    correlations, deviations = found(1)
    for kind, truth in TRUTH.items():
        one = getattr(correlations, kind)
        assert one.low[1, 0] < truth[1, 0] < one.high[1, 0], kind
        assert one.low[1, 0] < one.value[1, 0] < one.high[1, 0]
    sd = jnp.stack([jnp.stack([getattr(d, n) for d in deviations]) for n in ("tau", "phi_s2s", "phi_ss")])
    covariance = correlations.covariance(*sd)
    np.testing.assert_allclose(jnp.diag(covariance), jnp.sum(sd**2, axis=0))
    assert covariance[0, 1] == pytest.approx(
        sum(float(sd[k, 0] * sd[k, 1] * getattr(correlations, n).value[0, 1]) for k, n in enumerate(TRUTH))
    )
    of = lambda x: correlations.covariance(*x)[0, 1]
    check_grads(jax.jit(of), sd)
    assert np.all(np.isfinite(jax.grad(of)(jnp.zeros((3, 2), float))))


@pytest.mark.slow
@pytest.mark.skipif(not X64, reason="one precision is enough")
def test_limits_hold_what_they_say():
    """Of 200 data sets, 95 % limits hold 91 to 99 %."""
    inside = {kind: [] for kind in TRUTH}
    for seed in range(200):
        correlations, _ = found(1000 + seed)
        for kind, truth in TRUTH.items():
            one = getattr(correlations, kind)
            inside[kind].append(bool(one.low[1, 0] < truth[1, 0] < one.high[1, 0]))
    for kind, held in inside.items():
        assert 0.91 <= np.mean(held) <= 0.99, (kind, np.mean(held))


def test_what_cannot_be_together_is_mended():
    wrong = np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]])
    mended = _possible(wrong)
    assert np.linalg.eigvalsh(mended)[0] > -1e-12
    np.testing.assert_allclose(np.diag(mended), 1)
    fine = np.array([[1.0, 0.5], [0.5, 1.0]])
    np.testing.assert_array_equal(_possible(fine), fine)


@pytest.mark.long
@pytest.mark.skipif(not X64, reason="one precision is enough")
def test_the_same_terms_twice_and_none():
    """Measures that share their events' terms to the last bit, and have no terms of sites."""
    random = np.random.default_rng(5)
    event, site = random.integers(0, NUM[0], 500), random.integers(0, NUM[1], 500)
    seen = 0.3 * random.normal(size=NUM[0])[event] + 0.4 * random.normal(size=(2, 500))
    options = {
        "event": jnp.asarray(event),
        "site": jnp.asarray(site),
        "num_events": NUM[0],
        "num_sites": NUM[1],
    }
    deviations = [gm.Deviations(*(jnp.asarray(x, float) for x in (0.3, 0.0, 0.4)))] * 2
    correlations = gm.measure_correlations(jnp.asarray(seen, float), deviations, **options)
    assert correlations.event.value[1, 0] > 0.8
    # Fisher's limits never reach 1, but come near.
    assert correlations.event.high[1, 0] > 0.95
    assert abs(correlations.rest.value[1, 0]) < 0.15
    assert correlations.site.value[1, 0] == 0
    assert np.isnan(correlations.site.low[1, 0])
    with pytest.raises(ValueError, match="finite residual"):
        gm.measure_correlations(jnp.asarray(seen, float).at[0, 0].set(jnp.nan), deviations, **options)
