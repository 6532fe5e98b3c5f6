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


def source_of(
    a=3.0, b=0.9, least=5.0, largest=7.0, places=((10.0, 5.0, 8.0), (-20.0, 0.0, 12.0)), share=(0.7, 0.3)
):
    law = gm.GutenbergRichter(*(jnp.asarray(x, float) for x in (a, b, least, largest)))
    return gm.PointSources(
        jnp.asarray(places, float),
        jnp.asarray(share, float),
        law,
        jnp.asarray(0.0, float),
        jnp.asarray(1.5, float),
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
    middles, rates = source_of().magnitudes.rates(40)
    np.testing.assert_allclose(np.sum(rates), 10 ** (3 - 4.5) - 10 ** (3 - 6.3), rtol=1e-4)
    assert middles[0] == pytest.approx(5.025, rel=1e-5)
    np.testing.assert_allclose(gm.probability_in(jnp.asarray(1 / 475), 50.0), 0.1, rtol=2e-3)


@pytest.mark.long
@pytest.mark.skipif(not X64, reason="finite differences need float64")
def test_gradients_by_every_parameter():
    """Places, rates, limits of magnitude, slip, ground, levels and the model's own coefficients, each in parts of itself. No bin's magnitude is at a bend of the model."""
    model = gm.BSSA14(["PGA"])
    source = source_of(least=5.03, largest=7.12)
    parameters = (source, model.rows.columns, jnp.asarray(500.0), LEVELS)
    flat, unravel = jax.flatten_util.ravel_pytree(parameters)

    def rate(x):
        source, columns, vs30, levels = unravel(flat * (1 + x))
        own = eqx.tree_at(lambda m: m.rows.columns, model, columns)
        site = gm.Site(vs30_m_s=vs30)
        return jnp.sum(jnp.log(gm.hazard_curve(own, source, site, jnp.zeros(3), levels, num_magnitudes=6)))

    check_grads(jax.jit(rate), jnp.zeros_like(flat))
    at_the_place = source_of(places=((0.0, 0.0, 0.0),), share=(1.0,))
    slope = eqx.filter_grad(
        lambda s: jnp.sum(gm.hazard_curve(model, s, gm.Site(**GROUND), jnp.zeros(3), LEVELS, truncation=3.0))
    )(at_the_place)
    assert all(np.all(np.isfinite(x)) for x in jax.tree.leaves(slope))
