"""Case 12: a wrong clock at one station, one pick in five wrong: the location stays, the picks are named."""

import numpy as np
import pytest

from tests.faults.world import place_of, shifted, sigmas_of, sources


@pytest.fixture(scope="module")
def picks(world):
    """Quiet picks: a shift is then due to the wrong ones, not to the noise of the good ones beside them."""
    return world.picks(sources(4), noise=0.25)


@pytest.fixture(scope="module")
def clean(world, picks):
    return world.locate(picks)


def _check(world, picks, clean, wrong, seconds):
    spoiled, without = world.locate(shifted(picks, wrong, seconds)), world.locate(picks.take(~wrong))
    assert set(spoiled.value.events.status) == {"located"}
    for event in range(len(clean.value)):
        sigma = sigmas_of(spoiled, event)
        assert np.all(np.abs(place_of(spoiled, event) - place_of(clean, event)) < sigma)
        assert np.all(np.abs(place_of(spoiled, event) - place_of(without, event)) < 0.6 * sigma)
    arrivals = spoiled.value.arrivals
    assert np.all(arrivals.outlier_probability[wrong] > 0.9)
    assert np.all(arrivals.weight[wrong] < 0.1)
    assert np.mean(arrivals.outlier_probability[~wrong]) < 0.1
    return spoiled


@pytest.mark.parametrize("seconds", [1.0, -1.0, 3600.0, -3600.0])
def test_a_wrong_clock_at_one_station(world, picks, clean, seconds):
    # Every event loses another of its stations.
    wrong = np.zeros(len(picks), bool)
    for e, name in enumerate(sources(4)):
        rows = np.flatnonzero(picks.event_id == name)
        wrong[rows] = picks.station[rows] == picks.station[rows[2 * (e + 1)]]
    spoiled = _check(world, picks, clean, wrong, seconds)
    np.testing.assert_array_equal(spoiled.value.events.num_stations, clean.value.events.num_stations - 1)


def test_one_pick_in_five_is_wrong(world, picks, clean):
    rng = np.random.default_rng(3)
    wrong = np.zeros(len(picks), bool)
    for name in sources(4):
        wrong[rng.choice(np.flatnonzero(picks.event_id == name), 3, replace=False)] = True
    error = rng.choice([-1, 1], wrong.sum()) * rng.uniform(1.5, 5.0, wrong.sum())
    _check(world, picks, clean, wrong, error)
