"""Mechanisms of made-up catalogues: right, calibrated, and none lost."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis import mechanism, source
from diffseis.core.results import RESULTS
from diffseis.mechanism import invert
from diffseis.synthesis import ReadingErrors
from tests.mechanism.made_up import AMPLITUDES, catalogue, couples, only

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="learning is in double precision"),
]
KEY = jax.random.key(0)
CLEAN = ReadingErrors(0.5, 0.5, mispick=0.0, polarity_sd=0.01, ratio_scale=0.03, ratio_share=1.0)


def _kagan(found, tensors):
    return np.degrees(
        np.asarray(jax.vmap(source.kagan_angle)(jnp.asarray(found.tensor), jnp.asarray(tensors)))
    )


def test_clear_data_give_the_truth():
    table, tensors = catalogue(8, 30, errors=CLEAN)
    noise = mechanism.default_noise(mispick=0.01, polarity_sd=0.02, ratio_sd=0.05)
    found = invert(table, noise=noise, learn=False, key=KEY)
    assert found.result == RESULTS.successful
    rows = found.value.mechanisms
    assert np.all(_kagan(rows, tensors) < 4)
    assert set(rows.status) == {"ok"}
    assert set(rows.grade) == {"A"}
    assert np.all(rows.probability_within_20_deg > 0.99)
    # Both planes are those of the tensor.
    for i in range(len(rows)):
        plane = [np.radians(getattr(rows, f"{a}_deg")[i]) for a in ("strike", "dip", "rake")]
        again = source.double_couple(*(jnp.asarray(x) for x in plane))
        np.testing.assert_allclose(again, rows.tensor[i], atol=1e-5)


def test_an_event_does_not_depend_on_the_others_and_none_is_lost():
    table, _ = catalogue(5, 20)
    broken = np.asarray(table.event_id) == "e1"
    table = dataclasses.replace(table, takeoff_deg=np.where(broken, np.nan, table.takeoff_deg))
    few = np.flatnonzero(np.asarray(table.event_id) == "e2")[2:]
    table = table.take(np.setdiff1d(np.arange(len(table)), few))
    together = invert(table, learn=False, key=KEY).value.mechanisms
    assert list(together.event_id) == [f"e{i}" for i in range(5)]
    assert together.status[1] == "no-data"
    assert np.isnan(together.strike_deg[1])
    assert together.status[2] == "underdetermined"
    alone = invert(table.take(np.asarray(table.event_id) == "e4"), learn=False, key=KEY).value.mechanisms
    np.testing.assert_allclose(alone.tensor[0], together.tensor[4], atol=1e-3)
    nothing = invert(table.take(np.asarray(table.event_id) == "e1"), key=KEY)
    assert nothing.result == RESULTS.no_data
    assert len(nothing.value) == 1


def test_the_noise_is_learned_from_a_wrong_start():
    errors = ReadingErrors(
        3.0,
        3.0,
        mispick=0.15,
        polarity_sd=0.1,
        ratio_scale=0.3,
        ratio_law="student",
        ratio_bias=0.25,
        ratio_share=0.5,
    )
    table, _ = catalogue(60, 30, errors=errors)
    start = mechanism.default_noise(mispick=0.03, polarity_sd=0.4, ratio_sd=1.0)
    found = invert(table, noise=start, key=KEY)
    noise = found.value.noise
    assert abs(noise["mispick"] - 0.15) < 0.03
    assert abs(np.log(noise["ratio_sd"] / 0.3)) < 0.15
    assert abs(noise["ratio_bias"] - 0.25) < 0.05
    assert len(found.stats["learning"]) >= 2


def test_a_reversed_station_is_found():
    table, _ = catalogue(60, 20, errors=ReadingErrors(2.0, 2.0, mispick=0.05))
    turned = np.where(np.asarray(table.station) == "S03", -table.polarity, table.polarity)
    found = invert(dataclasses.replace(table, polarity=turned), station_terms=True, key=KEY)
    shares = {name: share for name, (share, _) in found.value.stations.items()}
    assert shares["S03"] > 0.7
    assert max(share for name, share in shares.items() if name != "S03") < 0.4


@pytest.mark.parametrize("method", ["svgd", pytest.param("amortised", marks=pytest.mark.slow)])
def test_other_ways_come_to_the_same_posterior(method):
    table, _ = catalogue(10, 30)
    table = only(table, "polarity", "log10_sp")
    noise = mechanism.default_noise(mispick=0.08, polarity_sd=0.06, ratio_sd=0.2)
    space = mechanism.DoubleCouples()
    if method == "svgd":
        way = mechanism.svgd_method("dc", space)
    else:
        way = mechanism.amortised_method("dc", space, num_steps=400, num_rounds=3, key=KEY)
    usual = invert(table, noise=noise, learn=False, key=KEY).value.mechanisms
    other = invert(table, noise=noise, learn=False, method=way, key=KEY).value.mechanisms
    good = other.effective_fraction > 0.2
    assert good.mean() > 0.6
    apart = _kagan(other, usual.tensor)
    assert np.all(apart[good] < 5)
    np.testing.assert_allclose(other.log_evidence[good], usual.log_evidence[good], atol=0.4)
    np.testing.assert_allclose(other.kagan50_deg[good], usual.kagan50_deg[good], rtol=0.3, atol=1.0)


def test_the_guided_network_finds_shear_tensile_sources():
    num = 60
    rng = np.random.default_rng(0)
    planes = np.column_stack(
        [
            rng.uniform(0, 6.28, num),
            np.arccos(rng.uniform(0, 1, num)),
            rng.uniform(-3.1, 3.1, num),
            rng.uniform(-0.5, 0.5, num),
        ]
    )
    make = lambda a: source.shear_tensile(*a, jnp.asarray(1.0))
    tensors = jax.vmap(lambda a: make(a) / source.scalar_moment(make(a)))(jnp.asarray(planes))
    table, _ = catalogue(num, 20, errors=AMPLITUDES, tensors=np.asarray(tensors))
    # One geometry for all, as of a cluster.
    first = np.tile(np.arange(20), num)
    table, _ = _same_rays(table, first, np.asarray(tensors))
    space = mechanism.source_space("shear-tensile")
    way = mechanism.guided_method("shear-tensile", space, num_steps=1500, key=KEY)
    found = invert(only(table, "p_amplitude"), source="shear-tensile", method=way, learn=False, key=KEY)
    rows = found.value.mechanisms
    good = rows.effective_fraction > 0.02
    assert good.mean() > 0.8
    assert np.median(np.abs(rows.slope_deg - np.degrees(planes[:, 3]))[good]) < 2.5
    assert np.median(_kagan(rows, tensors)[good]) < 6


def _same_rays(table, first, tensors):
    from diffseis.synthesis import synthetic_radiation

    azimuth, takeoff = table.azimuth_deg[first], table.takeoff_deg[first]
    truth = {f"e{i}": tensors[i] for i in range(len(tensors))}
    return synthetic_radiation(table.event_id, table.station, azimuth, takeoff, truth, AMPLITUDES), tensors


@pytest.mark.parametrize("kind", ["deviatoric", pytest.param("mt", marks=pytest.mark.slow)])
def test_general_tensors(kind):
    space = mechanism.source_space(kind)
    raw = jax.random.normal(KEY, (6, space.size))
    six = mechanism.sixes(space, jax.vmap(space.nearest)(raw))
    tensors = np.asarray(jax.vmap(source.tensor_of_six)(six))
    table, _ = catalogue(6, 40, errors=dataclasses.replace(AMPLITUDES, amplitude_sd=0.05), tensors=tensors)
    noise = mechanism.default_noise(amplitude_sd=0.05)
    found = invert(
        only(table, "p_amplitude"), source=kind, noise=noise, learn=False, key=KEY
    ).value.mechanisms
    omega = jax.vmap(source.omega_angle)(jnp.asarray(found.tensor), jnp.asarray(tensors))
    assert np.all(np.degrees(np.asarray(omega)) < 12)
    assert set(found.status) == {"ok"}


@pytest.mark.slow
def test_regions_hold_what_they_say():
    """Central regions about the preferred mechanism of 400 events, with learned noise from a wrong start; three standard errors are 7 %."""
    _, tensors = couples(400, 9)
    table, _ = catalogue(400, 30, tensors=tensors)
    start = mechanism.default_noise(mispick=0.25, polarity_sd=0.3, ratio_sd=1.0)
    for columns in (("polarity",), ("polarity", "log10_sp")):
        rows = invert(only(table, *columns), noise=start, key=KEY).value.mechanisms
        kagan = _kagan(rows, tensors)
        assert abs(np.mean(kagan < rows.kagan50_deg) - 0.5) < 0.075
        assert abs(np.mean(kagan < rows.kagan90_deg) - 0.9) < 0.045
        assert abs(np.mean(kagan < 20) - rows.probability_within_20_deg.mean()) < 0.06
