"""Ground-motion models by name, their interpolation, batches, mixtures and probabilities."""

import importlib.resources

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from diffseis import groundmotion as gm
from diffseis.groundmotion.limits import LIMITS
from diffseis.groundmotion.terms import expected_z1_km
from tests.helpers.gradients import check_grads

X64 = jax.config.read("jax_enable_x64")
PLACE = {"rjb_km": 10.0, "rrup_km": 12.0, "rx_km": 10.0, "rhypo_km": 15.0, "vs30_m_s": 400.0}
QUAKE = {"magnitude": 6.3, "rake_rad": 1.6, "dip_rad": 0.8, "top_depth_km": 3.0, "hypocentre_depth_km": 9.0}


def test_measures_by_name():
    assert gm.parse_measure(" psa(0.20) ") == gm.Measure("SA", 0.2)
    assert str(gm.parse_measure("SA(1.0)")) == "SA(1)"
    assert gm.parse_measure("pga").unit == "g"
    assert gm.Measure("PGV").unit == "cm/s"
    for name, says in (
        ("SA", "use SA"),
        ("SA(0)", "above 0"),
        ("SA(1.0.0)", "above 0"),
        ("MMI", "no intensity measure"),
    ):
        with pytest.raises(ValueError, match=says):
            gm.parse_measure(name)
    with pytest.raises(ValueError, match="at least one"):
        gm.parse_measures([])


def test_models_by_name():
    japan = gm.ground_motion_model("bssa14:region=japan:basin=japan", ["PGA"])
    assert isinstance(japan, gm.BSSA14)
    assert japan.basin == "japan"
    assert isinstance(gm.ground_motion_model("ChiouYoungs2014PEER", ["PGA"]), gm.CY14)
    assert not gm.ground_motion_model("BCHydro16:ergodic=false", ["PGA"]).ergodic
    for name, says in (
        ("BSA14", "did you mean BSSA14"),
        ("BSSA14:colour=red", "no option `colour`; it has region, basin, style"),
        ("BSSA14:region=mars", "must be one of global, california"),
        ("CY14:sigma=big", "must be a number"),
        ("BCHydro16:ergodic=maybe", "true or false"),
    ):
        with pytest.raises(ValueError, match=says):
            gm.ground_motion_model(name, ["PGA"])


@pytest.mark.parametrize(
    ("name", "measure", "says"),
    [
        ("I14", "PGV", "gives no PGV; it gives PGA, SA from 0.01 to 10 s"),
        ("ASB14", "SA(5)", "SA from 0.01 to 4 s"),
        ("Travasarou03", "PGA", "give IA alone"),
        ("AS16", "PGA", "it gives RSD"),
    ],
)
def test_measures_that_a_model_does_not_give(name, measure, says):
    with pytest.raises(ValueError, match=says):
        gm.ground_motion_model(name, [measure])


def test_every_model_and_name_can_be_made():
    for name in (*gm.MODELS, *gm.OPENQUAKE):
        made = [m for m in ("PGA", "IA", "CAV", "RSD595") if _gives(name, m)]
        assert made, name
    assert set(LIMITS) == set(gm.MODELS)


def _gives(name, measure):
    try:
        gm.ground_motion_model(name, [measure])
    except ValueError:
        return False
    return True


def test_wrong_options_are_refused():
    for make, options in (
        (gm.ASK14, {"region": "mars"}),
        (gm.CB14, {"ground": "sand"}),
        (gm.CY14, {"region": "x"}),
        (gm.ASB14, {"distance": "rx"}),
        (gm.Bindi14, {"ground": "sand"}),
        (gm.Bindi14, {"distance": "rx"}),
        (gm.Kotha20, {"form": "none"}),
        (gm.Kotha20, {"attenuation": "none"}),
        (gm.BCHydro16, {"event": "crust"}),
        (gm.BCHydro16, {"branch": "middle"}),
        (gm.AS16, {"basin": "deep"}),
        (gm.AS16, {"depths": "feet"}),
    ):
        with pytest.raises((ValueError, Exception), match=str(next(iter(options)))):
            make(["RSD595"] if make is gm.AS16 else ["PGA"], **options)


def test_every_table_names_its_source():
    folder = importlib.resources.files("diffseis.groundmotion") / "coefficients"
    names = [p.name[:-4] for p in folder.iterdir() if p.name.endswith(".csv")]
    assert len(names) >= 15
    for name in names:
        table = gm.coefficient_table(name)
        assert "doi:10." in table.source
        assert all(np.all(np.isfinite(x)) for x in table.columns.values())
        assert np.all(np.diff(table.periods_s) > 0)


def test_between_published_periods_results_are_interpolated():
    model = gm.BSSA14(["SA(0.2)", "SA(0.21)", "SA(0.22)", "PGA"])
    found = eqx.filter_jit(model)(gm.Rupture(**QUAKE), gm.Site(**PLACE))
    share = np.log(0.21 / 0.2) / np.log(0.22 / 0.2)
    for x in (found.mean_ln, found.tau, found.phi):
        np.testing.assert_allclose(x[1], x[0] + share * (x[2] - x[0]), rtol=1e-5)
    assert model.rows.columns["e_1"].shape == (3,)


def test_many_pairs_are_each_of_them():
    model = gm.CB14(["PGA", "SA(0.3)"])
    random = np.random.default_rng(0)
    rupture = gm.Rupture(**(QUAKE | {"magnitude": random.uniform(4, 8, 5)}))
    site = gm.Site(**(PLACE | {"vs30_m_s": random.uniform(150, 1200, 5)}))
    together = gm.ground_motions(model, rupture, site)
    assert together.mean_ln.shape == (2, 5)
    one = eqx.filter_jit(model)
    for k in range(5):
        each = one(
            gm.Rupture(**(QUAKE | {"magnitude": rupture.magnitude[k]})),
            gm.Site(**(PLACE | {"vs30_m_s": site.vs30_m_s[k]})),
        )
        np.testing.assert_allclose(together.mean_ln[:, k], each.mean_ln, rtol=1e-5)
        np.testing.assert_allclose(together.sigma[:, k], each.sigma, rtol=1e-5)


def test_single_precision_stays_and_agrees():
    model = gm.ASK14(["PGA", "SA(3)"])
    half = lambda values: {k: jnp.asarray(v, jnp.float32) for k, v in values.items()}
    known = {"z1_km": 0.3, "z2p5_km": 2.0, "ry0_km": 1.0, "repi_km": 12.0, "slope": 0.1}
    small = gm.Rupture(**half(QUAKE | {"width_km": 9.0}))
    place = gm.Site(**half(PLACE | known))
    place = jax.tree.map(lambda x: x.astype(jnp.float32), place)
    found = eqx.filter_jit(model)(small, place)
    assert found.mean_ln.dtype == jnp.float32
    wide = eqx.filter_jit(model)(gm.Rupture(**QUAKE, width_km=9.0), gm.Site(**PLACE, **known))
    np.testing.assert_allclose(found.mean_ln, wide.mean_ln, atol=2e-5)


def test_unknown_depths_are_those_expected():
    place = {k: v for k, v in PLACE.items() if k != "vs30_m_s"}
    model = gm.BSSA14(["SA(3)"])
    expected = expected_z1_km(jnp.asarray(400.0), japan=False)
    run = eqx.filter_jit(model)
    without = run(gm.Rupture(**QUAKE), gm.Site(**place, vs30_m_s=400.0))
    there = run(gm.Rupture(**QUAKE), gm.Site(**place, vs30_m_s=400.0, z1_km=expected))
    np.testing.assert_allclose(without.mean_ln, there.mean_ln, rtol=1e-6)
    deep = run(gm.Rupture(**QUAKE), gm.Site(**place, vs30_m_s=400.0, z1_km=1.5))
    assert deep.mean_ln[0] > there.mean_ln[0] + 0.1


def test_a_mixture_has_the_moments_of_its_draws():
    tree = gm.LogicTree([gm.BSSA14(["PGA"]), gm.CY14(["PGA"])], [3.0, 1.0])
    mixture = eqx.filter_jit(tree)(gm.Rupture(**QUAKE), gm.Site(**PLACE))
    np.testing.assert_allclose(mixture.weight, [0.75, 0.25])
    random = np.random.default_rng(1)
    which = random.choice(2, 400_000, p=[0.75, 0.25])
    mean, sigma = (np.asarray(x)[which, 0] for x in (mixture.branches.mean_ln, mixture.branches.sigma))
    draws = mean + sigma * random.normal(size=which.size)
    moments = mixture.moments()
    np.testing.assert_allclose(moments.mean_ln[0], draws.mean(), atol=4e-3)
    np.testing.assert_allclose(moments.sigma[0], draws.std(), rtol=5e-3)
    level = 0.4
    np.testing.assert_allclose(mixture.exceedance(level)[0], np.mean(draws > np.log(level)), atol=3e-3)
    with pytest.raises(ValueError, match="as many weights"):
        gm.LogicTree([gm.BSSA14(["PGA"])], [0.5, 0.5])
    with pytest.raises(ValueError, match="same measures"):
        gm.LogicTree([gm.BSSA14(["PGA"]), gm.BSSA14(["PGV"])])
    with pytest.raises(ValueError, match="at least one model"):
        gm.LogicTree([])


def test_probabilities_of_exceedance():
    motion = gm.LogNormalIM(*(jnp.asarray(x) for x in (-1.0, 0.3, 0.4)))
    levels = np.linspace(-4, 2, 9)
    z = (levels + 1) / 0.5
    found = gm.exceedance(motion, jnp.asarray(levels))
    np.testing.assert_allclose(found, norm.sf(z), rtol=1e-4, atol=1e-6)
    cut = (norm.sf(z) - norm.sf(3)) / (1 - 2 * norm.sf(3))
    np.testing.assert_allclose(
        gm.exceedance(motion, jnp.asarray(levels), truncation=3.0), np.clip(cut, 0, 1), rtol=1e-4, atol=1e-6
    )
    np.testing.assert_array_equal(gm.exceedance(motion, jnp.asarray([-2.0, 0.0]), truncation=0.0), [1, 0])
    np.testing.assert_allclose(gm.log_exceedance(motion, jnp.asarray(levels)), norm.logsf(z), rtol=1e-4)
    np.testing.assert_allclose(
        gm.log_density(motion, jnp.asarray(levels)), norm.logpdf(levels, -1, 0.5), rtol=1e-4
    )


@pytest.mark.long
@pytest.mark.skipif(not X64, reason="finite differences need float64")
def test_gradients_of_probabilities():
    def total(x):
        motion = gm.LogNormalIM(x[0], x[1], x[2])
        levels = jnp.asarray([-9.0, -1.0, 0.5, 4.0])
        parts = [
            gm.log_exceedance(motion, levels),
            gm.log_density(motion, levels),
            gm.exceedance(motion, levels, truncation=3.0),
        ]
        return jnp.sum(jnp.stack(parts))

    check_grads(total, jnp.asarray([-1.0, 0.3, 0.4]))
    far = jax.grad(
        lambda m: gm.log_exceedance(gm.LogNormalIM(m, jnp.asarray(0.3), jnp.asarray(0.4)), jnp.asarray(40.0))
    )
    assert np.isfinite(far(jnp.asarray(-20.0)))


@pytest.mark.skipif(not X64, reason="one precision is enough")
def test_slopes_of_many_pairs():
    model = gm.BSSA14(["PGA", "SA(1.0)"])
    rupture = gm.Rupture(**(QUAKE | {"magnitude": jnp.asarray([5.0, 6.3, 7.4])}))
    site = gm.Site(**(PLACE | {"rjb_km": jnp.asarray([0.0, 20.0, 90.0])}))
    mean, slope = gm.means_and_slopes(model, rupture, site, ("magnitude", "rjb_km"))
    assert slope.shape == (2, 2, 3)

    def one(m, r):
        return model(gm.Rupture(**(QUAKE | {"magnitude": m})), gm.Site(**(PLACE | {"rjb_km": r}))).mean_ln

    each = jax.jit(jax.vmap(jax.jacfwd(one, argnums=(0, 1))))(rupture.magnitude, site.rjb_km)
    np.testing.assert_allclose(slope, np.stack(each).transpose(0, 2, 1), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(mean, gm.ground_motions(model, rupture, site).mean_ln, rtol=1e-12)
    with pytest.raises(ValueError, match="no input colour"):
        gm.means_and_slopes(model, rupture, site, ("colour",))


def test_regions_attenuate_alike_in_both_forms_of_eshm20():
    """What a region changes does not depend on how the ground is told; the default region is that of the tables."""
    rupture = gm.Rupture(magnitude=6.0, hypocentre_depth_km=10.0)
    change = []
    for form, ground in (("eshm20", {"vs30_m_s": 600.0}), ("geology", {"slope": 0.02})):
        model = gm.Kotha20(["PGA", "SA(0.2)", "SA(5.0)"], form=form)
        site = gm.Site(rjb_km=np.full(3, 120.0), attenuation_region=np.array([0.0, 2.0, 4.0]), **ground)
        mean = np.asarray(gm.ground_motions(model, rupture, site).mean_ln)
        change.append(mean - mean[:, :1])
    assert np.all(np.abs(change[0][:, 1:]) > 1e-3)
    np.testing.assert_allclose(change[0], change[1], atol=1e-4 if not X64 else 1e-9)


def test_forms_that_are_not_exact_say_so():
    assert gm.Kotha20(["PGA"], form="vs30").caveat.startswith("the term of the site is a line")
    assert gm.Kotha20(["PGA"], form="eshm20").caveat == gm.BSSA14(["PGA"]).caveat == ""
