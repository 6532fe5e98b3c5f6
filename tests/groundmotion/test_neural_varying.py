"""Learned models whose deviations vary with magnitude, and learned models asked for other measures."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis import groundmotion as gm
from diffseis.groundmotion.neural_weights import Weights
from diffseis.groundmotion.tables import Rows
from tests.groundmotion.test_neural_motions import fit, observed, records
from tests.helpers.gradients import check_grads

X64 = jax.config.read("jax_enable_x64")
LEVELS = (0.35, 0.3, 0.5)
SLOPES = (-0.35, -0.3)


def made(measures=("PGA", "SA(0.2)", "SA(0.3)", "SA(1.0)"), slope=-0.3, num_members=1):
    """A model of random weights."""
    random = np.random.default_rng(1)
    num = len(measures)
    normal = lambda *shape: jnp.asarray(random.normal(size=shape), float)
    one = lambda: Weights(normal(3, 6), normal(3), normal(3), normal(6), normal())
    stack = lambda several: jax.tree.map(lambda *x: jnp.stack(x), *several)
    weights = stack([stack([one() for _ in range(num_members)]) for _ in range(num)])
    size = sum(x[0, 0].size for x in jax.tree.leaves(weights))
    full = lambda x: jnp.full(num, x, float)
    columns = {
        "place": jnp.asarray(range(num), float),
        "magnitude_centre": full(6.0),
        "tau": full(0.3) + jnp.asarray([0.1 * k for k in range(num)], float),
        "phi_s2s": full(0.3),
        "phi_ss": full(0.5),
        "tau_slope": full(slope),
        "phi_ss_slope": full(slope / 2),
    }
    order = tuple(range(num))
    names = gm.parse_measures(measures)
    factor = jnp.broadcast_to(0.1 * jnp.eye(size), (num, num_members, size, size))
    limits = {"magnitude": jnp.asarray([4.0, 7.0])}
    return gm.NeuralModel(
        names,
        names,
        Rows(columns, order, order, full(0.0)),
        weights,
        factor,
        None,
        None,
        limits,
        False,
        False,
    )


def pair(m=6.2, r=14.0):
    return gm.Rupture(magnitude=m, rake_rad=1.6, hypocentre_depth_km=9.0), gm.Site(rjb_km=r, vs30_m_s=420.0)


def test_deviations_follow_magnitude_as_far_as_the_records():
    model = made()
    at = lambda m: eqx.filter_jit(model)(*pair(jnp.asarray(m)))
    np.testing.assert_allclose(at(6.5).tau, at(6.0).tau * np.exp(-0.15), rtol=1e-5)
    np.testing.assert_allclose(at(6.0).phi, np.hypot(0.3, 0.5), rtol=1e-5)
    for inside, beyond in ((7.0, 8.5), (4.0, 2.0)):
        np.testing.assert_array_equal(at(inside).tau, at(beyond).tau)
        np.testing.assert_array_equal(at(inside).phi, at(beyond).phi)
    np.testing.assert_array_equal(eqx.filter_jit(made(slope=0.0))(*pair(jnp.asarray(7.0))).tau, at(6.0).tau)


def test_members_count_alike_and_by_how_far_they_are_apart():
    model = made(("PGA", "PGV"), num_members=3)
    alone = [
        dataclasses.replace(
            model,
            weights=jax.tree.map(lambda x, k=k: x[:, k : k + 1], model.weights),
            factor=model.factor[:, :1],
        )
        for k in range(3)
    ]
    mean = eqx.filter_jit(lambda m: m(*pair()).mean_ln)
    spread = eqx.filter_jit(lambda m: m.epistemic_sd(*pair()))
    means, spreads = (np.stack([f(m) for m in alone]) for f in (mean, spread))
    np.testing.assert_allclose(mean(model), means.mean(axis=0), rtol=1e-5)
    expected = np.sqrt(np.mean(spreads**2, axis=0) + np.var(means, axis=0, ddof=1))
    np.testing.assert_allclose(spread(model), expected, rtol=1e-5)


@pytest.mark.long
@pytest.mark.skipif(not X64, reason="finite differences need float64")
@pytest.mark.parametrize("num_members", [1, 2])
def test_gradients_of_predictions(num_members):
    model = gm.with_epistemic(made(("PGA",), num_members=num_members))

    def of(x):
        motion = model(*pair(x[0], x[1]))
        return motion.mean_ln[0] + motion.tau[0] + 2 * motion.phi[0]

    of = jax.jit(of)
    check_grads(of, jnp.asarray([6.2, 14.0]))
    for awkward in ([7.0, 14.0], [6.0, 0.0], [8.0, 600.0]):
        assert np.all(np.isfinite(jax.grad(of)(jnp.asarray(awkward))))


def test_what_is_not_known_counts_as_between_events():
    model = made()
    rupture, site = pair(jnp.asarray([5.0, 6.0, 7.0]))
    plain, wide = (gm.ground_motions(m, rupture, site) for m in (model, gm.with_epistemic(model)))
    spread = eqx.filter_jit(lambda m: m.epistemic_sd(*pair(jnp.asarray(6.0))))(model)
    np.testing.assert_allclose(wide.tau[:, 1], np.hypot(plain.tau[:, 1], spread), rtol=1e-5)
    np.testing.assert_array_equal(wide.mean_ln, plain.mean_ln)
    np.testing.assert_array_equal(wide.phi, plain.phi)


def test_some_measures_and_those_between():
    model = made()
    whole = eqx.filter_jit(model)(*pair())
    some = gm.with_measures(model, ["SA(0.3)", "PGA", "SA(0.25)"])
    assert some.measures == gm.parse_measures(["SA(0.3)", "PGA", "SA(0.25)"])
    found = eqx.filter_jit(some)(*pair())
    share = np.log(0.25 / 0.2) / np.log(0.3 / 0.2)
    for name in ("mean_ln", "tau", "phi"):
        old, new = (np.asarray(getattr(x, name)) for x in (whole, found))
        between = old[1] + share * (old[2] - old[1])
        np.testing.assert_allclose(new, [old[2], old[0], between], rtol=1e-5)
    spread = eqx.filter_jit(lambda m: m.epistemic_sd(*pair()))
    np.testing.assert_allclose(spread(some)[:2], spread(model)[jnp.asarray([2, 0])], rtol=1e-5)
    for name in ("PGV", "SA(0.1)", "SA(0.5)", "SA(2.0)"):
        with pytest.raises(ValueError, match=r"gives no .* it gives PGA, SA\(0.2\), SA\(0.3\), SA\(1\)"):
            gm.with_measures(model, [name])
    with pytest.raises(ValueError, match="without correlations"):
        some.covariance()


def test_covariances_of_some_measures():
    model = made()
    rho = 0.4 + 0.6 * jnp.eye(4)
    own = gm.Correlation(rho, rho, rho)
    model = dataclasses.replace(model, correlations=gm.MeasureCorrelations(own, own, own))
    some = gm.with_measures(model, ["SA(1.0)", "PGA"]).covariance()
    picked = jnp.asarray([3, 0])
    np.testing.assert_allclose(some, model.covariance()[picked][:, picked], rtol=1e-6)
    with pytest.raises(ValueError, match="between"):
        gm.with_measures(model, ["SA(0.25)"]).covariance()


def test_correlations_of_deviations_that_vary_are_refused():
    with pytest.raises(ValueError, match="heteroscedastic"):
        fit(np.zeros((1, 12)), ["PGA"], records(0, 4, 4, 12), heteroscedastic=True, correlated=True)


def test_more_members_than_starts_are_refused():
    with pytest.raises(ValueError, match="num_members"):
        fit(np.zeros((1, 12)), ["PGA"], records(0, 4, 4, 12), num_starts=2, num_members=3)


def varied(seed, mean, magnitude, event, station):
    random = np.random.default_rng(seed)
    first = np.unique(event, return_index=True)[1]
    tau = LEVELS[0] * np.exp(SLOPES[0] * (magnitude[first] - 6)) * random.normal(size=len(first))
    sites = LEVELS[1] * random.normal(size=station.max() + 1)
    rest = LEVELS[2] * np.exp(SLOPES[1] * (magnitude - 6)) * random.normal(size=mean.shape)
    return mean + tau[event] + sites[station] + rest


@pytest.mark.slow
@pytest.mark.skipif(not X64, reason="one precision is enough")
def test_predictions_hold_what_they_say_of_small_and_of_large_earthquakes():
    """Twelve fits, 300 new records of new events and stations each, with deviations that vary and without: shares in 95 % intervals."""
    truth = gm.ground_motion_model("BSSA14:basin=none", ["PGA"])
    means = lambda rupture, site: np.asarray(gm.ground_motions(truth, rupture, site).mean_ln)[0]
    inside = {(varying, size): [] for varying in (True, False) for size in ("small", "large")}
    for seed in range(12):
        of = event, station, rupture, site = records(seed, 60, 60, 800)
        magnitude = np.asarray(rupture.magnitude)
        seen = varied(100 + seed, means(rupture, site), magnitude, event, station)
        event, station, new_rupture, new_site = records(500 + seed, 300, 300, 300)
        m = np.asarray(new_rupture.magnitude)
        new = varied(900 + seed, means(new_rupture, new_site), m, event, station)
        for varying in (True, False):
            options = {"num_starts": 1, "throw": False, "heteroscedastic": varying}
            model = fit(seen[None], ["PGA"], of, **options).value
            found = gm.ground_motions(gm.with_epistemic(model), new_rupture, new_site)
            hits = np.abs(new - np.asarray(found.mean_ln)[0]) < 1.96 * np.asarray(found.sigma)[0]
            inside[varying, "small"].append(np.mean(hits[m < 5.25]))
            inside[varying, "large"].append(np.mean(hits[m > 6.75]))
    share = {key: float(np.mean(x)) for key, x in inside.items()}
    assert 0.91 < share[True, "small"] < 0.99, share
    assert 0.91 < share[True, "large"] < 0.99, share
    assert share[False, "small"] < 0.91, share
    assert share[False, "large"] > 0.98, share


@pytest.mark.slow
@pytest.mark.skipif(not X64, reason="one precision is enough")
def test_several_members_know_what_they_do_not_know():
    """Twelve fits of five members: means of 300 new records and these themselves within stated 95 %; nearer to the truth than the most probable fit alone, which is too sure of its means."""
    truth = gm.ground_motion_model("BSSA14:basin=none", ["PGA"])
    means = lambda rupture, site: np.asarray(gm.ground_motions(truth, rupture, site).mean_ln)[0]
    share = {(num, what): [] for num in (1, 5) for what in ("mean", "record")}
    wrong = {1: [], 5: []}
    for seed in range(20, 32):
        of = event, station, rupture, site = records(seed, 60, 60, 800)
        seen = observed(100 + seed, means(rupture, site), event, station)
        several = fit(seen[None], ["PGA"], of, num_starts=5, num_members=5, throw=False).value
        # Members are in the order of their probability.
        first = lambda x: x[:, :1]
        best = dataclasses.replace(
            several, weights=jax.tree.map(first, several.weights), factor=first(several.factor)
        )
        event, station, rupture, site = records(500 + seed, 300, 300, 300)
        mean = means(rupture, site)
        new = observed(900 + seed, mean, event, station)
        for num, model in ((1, best), (5, several)):
            plain = gm.ground_motions(model, rupture, site)
            wide = gm.ground_motions(gm.with_epistemic(model), rupture, site)
            found, tau, total = (np.asarray(x)[0] for x in (plain.mean_ln, plain.tau, wide.sigma))
            spread = np.sqrt(np.asarray(wide.tau)[0] ** 2 - tau**2)
            share[num, "mean"].append(np.mean(np.abs(mean - found) < 1.96 * spread))
            share[num, "record"].append(np.mean(np.abs(new - found) < 1.96 * total))
            wrong[num].append(np.mean((mean - found) ** 2))
    share = {key: float(np.mean(x)) for key, x in share.items()}
    assert 0.91 < share[5, "mean"] < 0.99, share
    assert 0.91 < share[5, "record"] < 0.99, share
    assert share[1, "mean"] < 0.91, share
    assert np.mean(wrong[5]) < 0.85 * np.mean(wrong[1]), wrong
