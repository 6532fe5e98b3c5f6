"""Derivatives of every published model: right at random points, finite at these and at degenerate ones."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.groundmotion import Rupture, Site, ground_motion_model

pytestmark = pytest.mark.skipif(
    not jax.config.read("jax_enable_x64"), reason="finite differences need float64"
)

SHAKING = ("PGA", "PGV", "SA(0.2)", "SA(0.25)", "SA(1.3)")
SPECTRA = ("PGA", "SA(0.2)", "SA(1.3)")
MODELS = {
    **dict.fromkeys(("BSSA14", "BSSA14:region=japan:basin=japan", "ASK14", "ASK14:region=japan"), SHAKING),
    **dict.fromkeys(
        ("ASK14:region=taiwan", "CB14", "CB14:region=japan", "CY14", "CY14:region=japan"), SHAKING
    ),
    **dict.fromkeys(("Kotha20", "Kotha20:form=geology", "ASB14", "Bindi14", "Derras14"), SHAKING),
    **dict.fromkeys(("I14", "BCHydro16", "BCHydro16:event=slab"), SPECTRA),
    "AS16": ("RSD575", "RSD2080"),
    "Travasarou03": ("IA",),
    "CB19": ("IA", "CAV"),
}
NAMES = (
    *("magnitude", "dip_rad", "top_depth_km", "hypocentre_depth_km", "width_km"),
    *(
        "vs30_m_s",
        "z1_km",
        "z2p5_km",
        "rjb_km",
        "rrup_km",
        "rx_km",
        "ry0_km",
        "rhypo_km",
        "directivity",
        "slope",
    ),
)
LOW = np.array([3.5, 0.3, 0.0, 2.0, 2.0, 120.0, 0.01, 0.3, 0.0, 0.5, -50.0, 0.0, 5.0, -0.3, 0.002])
HIGH = np.array([8.3, 1.57, 18.0, 30.0, 25.0, 1500.0, 1.5, 6.0, 250.0, 260.0, 50.0, 60.0, 300.0, 0.3, 0.5])
STEP = 1e-5
"""Of differences, over the width of each range."""


def _results(model, rake_rad):
    """All numbers of one pair, by the continuous inputs over their ranges."""

    def of(x):
        values = dict(zip(NAMES, LOW + x * (HIGH - LOW), strict=True))
        rupture = Rupture(
            rake_rad=rake_rad, **{k: v for k, v in values.items() if k in Rupture.__dataclass_fields__}
        )
        site = Site(**{k: v for k, v in values.items() if k in Site.__dataclass_fields__})
        found = model(rupture, site)
        return jnp.concatenate([found.mean_ln, found.tau, found.phi])

    return of


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_at_random_points(name):
    """Ten thousand of them are finite; a thousand agree with differences, but for those beside a kink, where differences of two steps disagree."""
    function = _results(ground_motion_model(name, MODELS[name]), jnp.asarray(1.6))
    points = jnp.asarray(np.random.default_rng(4).uniform(0.001, 0.999, (10_000, len(NAMES))))
    slopes = np.asarray(jax.jit(jax.vmap(jax.jacfwd(function)))(points))
    assert np.all(np.isfinite(slopes))
    few, few_slopes = points[:1000], slopes[:1000]
    values = jax.jit(jax.vmap(jax.vmap(function)))
    differences = [_differences(values, few, step) for step in (STEP, STEP / 2)]
    size = 1 + np.abs(few_slopes).max(axis=(1, 2))
    smooth = np.abs(differences[0] - differences[1]).max(axis=(1, 2)) < 1e-7 * size
    assert smooth.mean() > 0.9
    wrong = np.abs(few_slopes - differences[1]).max(axis=(1, 2)) / size
    assert wrong[smooth].max() < 1e-6
    backward = np.asarray(jax.jit(jax.vmap(jax.jacrev(function)))(few[:100]))
    np.testing.assert_allclose(backward, few_slopes[:100], rtol=1e-9, atol=1e-9)


def _differences(values, points, step):
    """Central ones of fourth order, by each input."""
    eye = np.eye(points.shape[1])
    at = lambda k: np.asarray(values(points[:, None] + k * step * eye[None]))
    return ((8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step)).transpose(0, 2, 1)


DEGENERATE = (
    {},
    {"rjb_km": 0.0, "rrup_km": 0.0, "rx_km": 0.0, "ry0_km": 0.0, "rhypo_km": 0.0, "top_depth_km": 0.0},
    {"magnitude": 4.5, "rjb_km": 80.0, "rrup_km": 80.0},
    {"magnitude": 5.5, "vs30_m_s": 760.0, "dip_rad": np.pi / 2},
    {"magnitude": 6.5, "vs30_m_s": 1130.0, "rx_km": 0.0},
    {"magnitude": 6.75, "vs30_m_s": 1500.0, "z1_km": 0.0, "z2p5_km": 1.0},
    {"magnitude": 5.0, "vs30_m_s": 180.0, "z2p5_km": 3.0, "dip_rad": 1e-3},
    {"magnitude": 7.8, "rrup_km": 1e4, "rjb_km": 1e4, "rhypo_km": 1e4},
    {"magnitude": 9.0, "width_km": 1e-3, "hypocentre_depth_km": 0.0, "vs30_m_s": 60.0},
    *({name: np.nan} for name in ("z1_km", "z2p5_km", "width_km", "ry0_km")),
    {"top_depth_km": 20.0, "hypocentre_depth_km": 120.0, "rjb_km": 10.0, "rrup_km": 10.0},
)
USUAL = {
    **{"magnitude": 6.0, "dip_rad": 0.8, "top_depth_km": 3.0, "hypocentre_depth_km": 10.0, "width_km": 9.0},
    **{"vs30_m_s": 400.0, "z1_km": 0.3, "z2p5_km": 2.0, "rjb_km": 10.0, "rrup_km": 12.0, "rx_km": 11.0},
    **{"ry0_km": 0.0, "rhypo_km": 15.0, "directivity": 0.0, "slope": 0.05},
}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if ":" in name else pytest.mark.long) for name in MODELS],
)
def test_at_degenerate_points(name):
    """Kinks, zero distances, upright and flat planes, unknown inputs, all styles: values and derivatives by what is known are finite."""
    cases = [USUAL | case for case in DEGENERATE]
    rakes = np.radians([-180.0, -120, -90, -60, -30, 0, 30, 90, 150, 180])
    model = ground_motion_model(name, MODELS[name])

    def of(x, rake):
        return _results(model, rake)((x - LOW) / (HIGH - LOW))

    points = jnp.asarray([[case[n] for n in NAMES] for case in cases])
    both = lambda x, rake: (of(x, rake), jax.jacfwd(of)(x, rake))
    value, slope = jax.jit(jax.vmap(jax.vmap(both, in_axes=(None, 0)), in_axes=(0, None)))(
        points, jnp.asarray(rakes)
    )
    assert np.all(np.isfinite(value))
    assert np.all(np.isfinite(slope))
