"""Ground motions, their slopes, hazard and spectra on an accelerator: ``pytest -m gpu tests/accelerator``."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis import groundmotion as gm
from diffseis.signal import LinearSubsteps, rotated_spectrum
from tests.accelerator.test_same_answers import on_both

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(jax.default_backend() == "cpu", reason="needs an accelerator"),
]


def motions_and_slopes(name):
    random = np.random.default_rng(0)
    draw = lambda low, high: jnp.asarray(random.uniform(low, high, 2000), float)
    rupture = gm.Rupture(
        magnitude=draw(4, 8),
        rake_rad=jnp.radians(draw(-180, 180)),
        dip_rad=draw(0.5, 1.5),
        top_depth_km=draw(0, 10),
        hypocentre_depth_km=draw(5, 20),
        width_km=draw(5, 20),
    )
    rjb = draw(0, 200)
    site = gm.Site(
        vs30_m_s=draw(200, 1200), rjb_km=rjb, rrup_km=rjb + 3, rx_km=rjb, ry0_km=0 * rjb, rhypo_km=rjb + 9
    )
    model = gm.ground_motion_model(name, ["PGA", "SA(0.2)", "SA(1.3)"])
    motion = gm.ground_motions(model, rupture, site)
    return motion, gm.means_and_slopes(model, rupture, site, ("magnitude", "vs30_m_s"))


@pytest.mark.parametrize("name", ["BSSA14", "ASK14", "CB14", "CY14", "Kotha20", "Derras14"])
def test_motions_and_their_slopes(name):
    found, expected = on_both(lambda: motions_and_slopes(name))
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)


def hazard_and_slopes():
    law = gm.GutenbergRichter(*(jnp.asarray(x, float) for x in (3.0, 0.9, 5.0, 7.0)))
    source = gm.point_sources(
        [[10.0, 5.0, 8.0], [-20.0, 0.0, 12.0]], law, rake_rad=-1.57, dip_rad=0.9, strike_rad=0.5
    )
    model, levels = gm.BSSA14(["PGA"]), jnp.log(jnp.asarray([[0.05, 0.2, 0.6]], float))

    def total(source):
        site = gm.Site(vs30_m_s=500.0)
        curve = gm.hazard_curve(model, source, site, jnp.zeros(3, float), levels, num_magnitudes=6)
        return jnp.sum(jnp.log(curve))

    return eqx.filter_jit(eqx.filter_value_and_grad(total))(source)


def test_hazard_and_its_slopes():
    (value, slopes), (other_value, other_slopes) = on_both(hazard_and_slopes)
    np.testing.assert_allclose(value, other_value, rtol=1e-10)
    for one, other in zip(jax.tree.leaves(slopes), jax.tree.leaves(other_slopes), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-10)


def spectra_and_slopes():
    time_s = np.arange(0, 20, 0.01)
    pair = jnp.asarray(
        np.random.default_rng(0).normal(size=(2, 2000)) * np.exp(-((time_s - 5) ** 2) / 4), float
    )
    periods = np.array([0.1, 0.5, 2.0])
    rotd50 = lambda pair: rotated_spectrum(pair, 0.01, periods, substeps=LinearSubsteps()).rotd()[0]
    return jax.jit(rotd50)(pair), jax.jit(jax.jacrev(rotd50))(pair)


def test_rotated_spectra_and_their_slopes():
    found, expected = on_both(spectra_and_slopes)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-10 * np.max(np.abs(other)))
