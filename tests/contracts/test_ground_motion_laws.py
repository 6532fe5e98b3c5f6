"""Laws that every ground-motion model obeys. A new one is a line in `MODELS`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis import groundmotion as gm

X64 = jax.config.read("jax_enable_x64")
SPECTRA = ("PGA", "SA(0.2)", "SA(1.3)")
MODELS = {
    **dict.fromkeys(("ASK14", "BSSA14", "CB14", "CY14", "I14"), SPECTRA),
    **dict.fromkeys(("Kotha20", "Kotha20:form=geology", "ASB14", "Bindi14", "Derras14"), SPECTRA),
    **dict.fromkeys(("BCHydro16", "BCHydro16:event=slab"), SPECTRA),
    "AS16": ("RSD575", "RSD595"),
    "Travasarou03": ("IA",),
    "CB19": ("IA", "CAV"),
}
QUAKE = {
    "magnitude": 6.2,
    "rake_rad": 1.6,
    "dip_rad": 0.8,
    "top_depth_km": 3.0,
    "hypocentre_depth_km": 9.0,
    "width_km": 11.0,
}
PLACE = {
    "vs30_m_s": 480.0,
    "rjb_km": 20.0,
    "rrup_km": 22.0,
    "rx_km": -20.0,
    "ry0_km": 3.0,
    "rhypo_km": 27.0,
    "repi_km": 25.0,
    "slope": 0.03,
}
DISTANCES = ("rjb_km", "rrup_km", "rhypo_km", "repi_km")


def pair(**changed):
    values = {**QUAKE, **PLACE, **changed}
    return (
        gm.Rupture(**{k: v for k, v in values.items() if k in QUAKE}),
        gm.Site(**{k: v for k, v in values.items() if k in PLACE}),
    )


def law_gives_all_with_what_it_needs_and_nothing_else(model):
    needed = {k: v if k in model.needs else np.nan for k, v in {**QUAKE, **PLACE}.items()}
    motion = gm.ground_motions(model, *pair(**{**needed, "magnitude": np.array([5.0, 7.0])}))
    for x in (motion.mean_ln, motion.tau, motion.phi):
        assert x.shape == (len(model.measures), 2)
        assert np.all(np.isfinite(x))


def law_deviations_are_positive(model):
    motion = gm.ground_motions(model, *pair(magnitude=np.linspace(3.5, 8.2, 12)))
    assert np.all(np.asarray(motion.phi) > 0)
    assert np.all(np.asarray(motion.tau) >= 0)
    np.testing.assert_allclose(motion.sigma, np.hypot(motion.tau, motion.phi), rtol=1e-5)


def law_far_motion_is_weaker(model):
    """Durations grow instead."""
    far = np.array([30.0, 80.0, 180.0])
    motion = gm.ground_motions(model, *pair(**dict.fromkeys(DISTANCES, far), rx_km=-far))
    falls = np.diff(np.asarray(motion.mean_ln), axis=1) < 0
    assert np.all(~falls if model.measures[0].kind.startswith("RSD") else falls)


def law_strong_earthquakes_move_more(model):
    motion = gm.ground_motions(model, *pair(magnitude=np.array([4.5, 5.5, 6.5])))
    assert np.all(np.diff(np.asarray(motion.mean_ln), axis=1) > 0)


def law_batches_are_pairs_one_by_one(model):
    magnitude, rjb = np.array([5.1, 6.6]), np.array([5.0, 70.0])
    together = gm.ground_motions(model, *pair(magnitude=magnitude, rjb_km=rjb))
    alone = jax.jit(lambda r, s: model(r, s))
    for k in range(2):
        rupture, site = pair(magnitude=jnp.asarray(magnitude[k], float), rjb_km=jnp.asarray(rjb[k], float))
        np.testing.assert_allclose(together.mean_ln[:, k], alone(rupture, site).mean_ln, rtol=2e-5)


def law_derivatives_are_finite_at_the_rupture(model):
    def total(magnitude, distance):
        near = dict.fromkeys(DISTANCES, distance)
        rupture, site = pair(magnitude=magnitude, **near, rx_km=distance)
        found = model(rupture, site)
        return jnp.sum(found.mean_ln) + jnp.sum(found.sigma)

    slopes = jax.jit(jax.grad(total, (0, 1)))(jnp.asarray(6.5), jnp.asarray(0.0))
    assert np.all(np.isfinite(slopes))


LAWS = [f for name, f in sorted(globals().items()) if name.startswith("law_")]


@pytest.mark.long
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("law", LAWS, ids=lambda f: f.__name__)
def test_law(name, law):
    law(gm.ground_motion_model(name, MODELS[name]))


def test_every_model_is_here():
    assert {name.split(":")[0] for name in MODELS} == set(gm.MODELS)
