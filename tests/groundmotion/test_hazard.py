"""Hazard curves against direct integration and against drawn earthquakes; their derivatives."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate
from scipy.stats import norm

from diffseis import groundmotion as gm
from tests.helpers.gradients import check_grads

X64 = jax.config.read("jax_enable_x64")
LEVELS = jnp.log(jnp.asarray([[0.05, 0.2, 0.6]]))
GROUND = {"vs30_m_s": 500.0}


def number(x):
    return jnp.asarray(x, float)


def law_of(a=3.0, b=0.9, least=5.0, largest=7.0):
    return gm.GutenbergRichter(*(number([x]) for x in (a, b, least, largest)))


def source_of(
    places=((10.0, 5.0, 8.0), (-20.0, 0.0, 12.0)), share=(0.7, 0.3), finite=False, law=None, **changed
):
    full = lambda x: jnp.full(len(places), x, float)
    return gm.PointSources(
        source=jnp.zeros(len(places), int),
        share=number(share),
        magnitudes=law_of(**changed) if law is None else law,
        place_ned_km=number(places),
        strike_rad=full(0.5),
        dip_rad=full(0.9 if finite else 1.5),
        rake_rad=full(0.0),
        aspect=full(1.5),
        upper_km=full(2.0),
        lower_km=full(18.0),
        finite=finite,
    )


def fault_of(num_along=4, num_down=2, **changed):
    one = lambda x: number([x])
    return gm.FaultSources(
        source=jnp.zeros(1, int),
        share=one(1.0),
        magnitudes=law_of(**changed),
        top_ned_km=one([4.0, 6.0, 1.0]),
        strike_rad=one(0.4),
        dip_rad=one(0.8),
        rake_rad=one(1.6),
        length_km=one(40.0),
        width_km=one(15.0),
        aspect=one(1.2),
        num_along=num_along,
        num_down=num_down,
    )


@eqx.filter_jit
def rates_of(model, sources, levels=LEVELS, num=6, truncation=3.0, vs30=500.0):
    site = gm.Site(vs30_m_s=vs30)
    return gm.hazard_curve(
        model, sources, site, jnp.zeros(3), levels, num_magnitudes=num, truncation=truncation
    )


def test_against_integration():
    """Rates of a density of magnitudes, by quadrature; bins are narrow."""
    model, source = gm.BSSA14(["PGA"]), source_of()
    curve = eqx.filter_jit(
        lambda s: gm.hazard_curve(model, s, gm.Site(**GROUND), jnp.zeros(3), LEVELS, num_magnitudes=80)
    )
    found = np.asarray(curve(source))[0]
    grid = np.linspace(5, 7, 401)
    density = 0.9 * np.log(10) * 10 ** (3 - 0.9 * grid)
    expected = np.zeros(3)
    for (north, east, _), share in zip(np.asarray(source.place_ned_km), (0.7, 0.3), strict=True):
        rupture = gm.Rupture(magnitude=grid, rake_rad=0.0)
        motion = gm.ground_motions(model, rupture, gm.Site(rjb_km=np.hypot(north, east), **GROUND))
        z = (np.asarray(LEVELS)[0][:, None] - np.asarray(motion.mean_ln)) / np.asarray(motion.sigma)
        expected += share * integrate.simpson(density * norm.sf(z), x=grid)
    np.testing.assert_allclose(found, expected, rtol=2e-3)


def test_magnitudes_follow_the_law():
    law = jax.tree.map(lambda x: x[0], law_of())
    middles, rates = law.rates(40)
    np.testing.assert_allclose(np.sum(rates), 10 ** (3 - 4.5) - 10 ** (3 - 6.3), rtol=1e-4)
    assert middles[0] == pytest.approx(5.025, rel=1e-5)
    np.testing.assert_allclose(gm.probability_in(jnp.asarray(1 / 475), 50.0), 0.1, rtol=2e-3)


def test_a_table_of_rates_is_the_law_that_made_it():
    law = jax.tree.map(lambda x: x[0], law_of())
    table = gm.MagnitudeTable(*(x[None] for x in law.rates(6)))
    model = gm.BSSA14(["PGA"])
    ours = rates_of(model, source_of(law=table))
    np.testing.assert_allclose(ours, rates_of(model, source_of()), rtol=1e-6)


@pytest.mark.long
def test_ruptures_stay_between_the_depths_and_on_the_fault():
    """Corners of all ruptures; areas are those of Wells & Coppersmith where the fault is large enough."""
    points = source_of(places=((0.0, 0.0, 3.0), (0.0, 0.0, 17.0)), finite=True)
    for sources, low, high in ((points, 2.0, 18.0), (fault_of(), 1.0, 1.0 + 15.0 * np.sin(0.8))):
        for unit in range(sources.source.shape[0]):
            rows = gm.scenarios_of(sources, jnp.asarray(unit), 6)
            top = np.asarray(rows.plane.top_ned_km)[:, 2]
            bottom = top + np.asarray(rows.plane.width_km * jnp.sin(rows.plane.dip_rad))
            assert top.min() > low - 1e-4
            assert bottom.max() < high + 1e-4
            area = np.asarray(rows.plane.length_km * rows.plane.width_km)
            expected = np.asarray(jax.vmap(gm.expected_area)(rows.rupture.magnitude, rows.rupture.rake_rad))
            np.testing.assert_allclose(
                area, np.minimum(expected, 600.0) if sources is not points else expected, rtol=1e-4
            )
    rows = gm.scenarios_of(fault_of(), jnp.asarray(0), 6)
    along = np.asarray(rows.plane.top_ned_km[:, :2] - number([[4.0, 6.0]])) @ [np.cos(0.4), np.sin(0.4)]
    assert np.max(np.abs(along) + np.asarray(rows.plane.length_km) / 2) < 20.0 + 1e-3
    total = 10 ** (3 - 4.5) - 10 ** (3 - 6.3)
    np.testing.assert_allclose(np.sum(rows.rate), total, rtol=1e-4)


@pytest.mark.long
def test_a_fault_is_the_sum_of_its_ruptures():
    """Distances, motions and chances of each rupture, one by one; chunks and what fills them up do not show."""
    model, fault = gm.CB14(["PGA"]), fault_of()
    rows = gm.scenarios_of(fault, jnp.asarray(0), 6)
    site = rows.at(gm.Site(vs30_m_s=500.0), jnp.zeros(3))
    for k in range(0, len(rows.rate), 7):
        d = gm.plane_distances(jax.tree.map(lambda x, k=k: x[k], rows.plane), jnp.zeros(3))
        np.testing.assert_allclose(site.rrup_km[k], d.rrup_km, rtol=1e-5)
    motion = gm.ground_motions(model, rows.rupture, site)
    z = (np.asarray(LEVELS)[0][:, None] - np.asarray(motion.mean_ln)) / np.asarray(motion.sigma)
    chance = np.clip((norm.sf(z) - norm.sf(3)) / (1 - 2 * norm.sf(3)), 0, 1)
    expected = chance @ np.asarray(rows.rate)
    np.testing.assert_allclose(rates_of(model, fault)[0], expected, rtol=1e-4)
    two = jax.tree.map(lambda x: jnp.concatenate([x, x]), fault)
    many = eqx.tree_at(lambda f: f.share, two, number([0.25, 0.75]))
    many = eqx.tree_at(lambda f: f.source, many, jnp.asarray([0, 1]))
    np.testing.assert_allclose(rates_of(model, many)[0], expected, rtol=1e-4)


def test_contributions_sum_to_the_curve():
    model, sources = gm.BSSA14(["PGA", "SA(1.0)"]), source_of(finite=True)
    level = jnp.log(number([[0.2], [0.2]]))
    rates = rates_of(model, sources, level)
    take = eqx.filter_jit(
        lambda row: gm.disaggregate(
            model,
            sources,
            gm.Site(vs30_m_s=500.0),
            jnp.zeros(3),
            level[0, 0],
            measure=row,
            num_magnitudes=6,
            truncation=3.0,
        )
    )
    for row in range(2):
        parts = take(jnp.asarray(row))
        assert parts.rate.shape == (12,)
        np.testing.assert_allclose(np.sum(parts.rate), rates[row, 0], rtol=1e-5)
    assert np.all(np.asarray(parts.epsilon)[np.asarray(parts.rate) > 0] < 3.0)


def test_levels_at_a_rate():
    """On a straight line in logarithms exact; beyond its ends not known; with derivatives."""
    levels = jnp.log(number([[0.01, 0.1, 1.0]]))
    rates = number([[1e-1, 1e-2, 1e-3]])
    at = lambda r, rate=1 / 475: jnp.exp(gm.level_at_rate(levels, r, rate))[0]
    assert at(rates) == pytest.approx(0.475, rel=1e-5)
    assert np.isnan(at(rates, 0.5))
    assert np.isnan(at(rates, 1e-4))
    slope = jax.grad(at)(rates)
    assert np.all(np.isfinite(slope))
    # Rates that are all 10 % higher move the level by 10 %: the line has a slope of -1.
    np.testing.assert_allclose(np.sum(slope * rates), 0.475, rtol=1e-4)


@pytest.mark.long
@pytest.mark.skipif(not X64, reason="finite differences need float64")
@pytest.mark.parametrize("kind", ["points", "rectangles", "fault"])
def test_gradients_by_every_parameter(kind):
    """Places, shapes, rates, limits of magnitude, slip, ground, levels and the model's own coefficients, each in parts of itself. No bin's magnitude is at a bend of the model."""
    model = gm.BSSA14(["PGA"])
    changed = {"least": 5.03, "largest": 6.62}
    sources = {
        "points": lambda: source_of(**changed),
        "rectangles": lambda: source_of(finite=True, **changed),
        "fault": lambda: fault_of(**changed),
    }[kind]()
    floats, rest = eqx.partition(sources, eqx.is_inexact_array)
    parameters = (floats, model.rows.columns, number(500.0), LEVELS)
    flat, unravel = jax.flatten_util.ravel_pytree(parameters)

    def rate(x):
        floats, columns, vs30, levels = unravel(flat * (1 + x))
        own = eqx.tree_at(lambda m: m.rows.columns, model, columns)
        site = gm.Site(vs30_m_s=vs30)
        found = gm.hazard_curve(own, eqx.combine(floats, rest), site, jnp.zeros(3), levels, num_magnitudes=6)
        return jnp.sum(jnp.log(found))

    check_grads(jax.jit(rate), jnp.zeros_like(flat))


@pytest.mark.long
@pytest.mark.parametrize("finite", [False, True])
def test_finite_slopes_with_the_source_below_the_site(finite):
    model = gm.BSSA14(["PGA"])
    at_the_place = source_of(places=((0.0, 0.0, 2.0),), share=(1.0,), finite=finite)
    slope = eqx.filter_jit(eqx.filter_grad(lambda s: jnp.sum(rates_of(model, s))))(at_the_place)
    assert all(np.all(np.isfinite(x)) for x in jax.tree.leaves(slope))


def test_one_source_in_few_words():
    law = jax.tree.map(lambda x: x[0], law_of())
    few = gm.point_sources([[10.0, 5.0, 8.0], [-20.0, 0.0, 12.0]], law, rake_rad=0.0, share=[0.7, 0.3])
    assert not few.finite
    model = gm.BSSA14(["PGA"])
    np.testing.assert_allclose(rates_of(model, few), rates_of(model, source_of()), rtol=1e-6)
    assert gm.point_sources([[0.0, 0.0, 9.0]], law, strike_rad=0.1, dip_rad=1.0).finite
