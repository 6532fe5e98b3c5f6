"""Case 25: the same seed gives the same answer, whatever it is computed together with."""

import numpy as np
import pytest

from tests.faults.world import place_of, sources

NAMES = list(sources(17))


@pytest.fixture(scope="module")
def whole(world):
    """Seventeen events: more than one chunk."""
    return world.locate(world.picks(sources(17)))


def _compare(solution, whole):
    """Events that both hold, matched by name, agree to 1e-4."""
    row = {name: i for i, name in enumerate(whole.value.events.event_id)}
    for i, name in enumerate(solution.value.events.event_id):
        j = row[name]
        assert solution.value.events.status[i] == whole.value.events.status[j]
        np.testing.assert_allclose(
            solution.value.particles.ned_km[i], whole.value.particles.ned_km[j], rtol=1e-4, atol=1e-6
        )


def test_twice_is_bitwise_the_same(world, whole):
    again = world.locate(world.picks(sources(17)))
    for name in ("ned_km", "origin_time_s", "log_density"):
        np.testing.assert_array_equal(
            getattr(again.value.particles, name), getattr(whole.value.particles, name)
        )
    np.testing.assert_array_equal(again.value.arrivals.residual_s, whole.value.arrivals.residual_s)
    assert list(again.value.events.status) == list(whole.value.events.status)


@pytest.mark.parametrize("chosen", [["e7"], ["e16", "e3"], NAMES[5:11]], ids=len)
def test_a_subset_of_events(world, whole, chosen):
    picks = world.picks(sources(17))
    _compare(world.locate(picks.take(np.isin(picks.event_id.astype(str), chosen))), whole)


def test_another_order_of_events_and_of_picks(world, whole):
    picks = world.picks(sources(17))
    mixed = world.locate(picks.take(np.random.default_rng(0).permutation(len(picks))))
    assert list(mixed.value.events.event_id) != list(whole.value.events.event_id)
    _compare(mixed, whole)


def test_further_events_beside_it(world, whole):
    few = world.locate(world.picks(sources(4)))
    _compare(few, whole)


@pytest.mark.slow
@pytest.mark.parametrize("chunk_size", [1, 64])
def test_another_batch(world, whole, chunk_size):
    _compare(world.locate(world.picks(sources(17)), chunk_size=chunk_size), whole)


def test_another_seed_is_another_draw(world, whole):
    other = world.locate(world.picks(sources(4)), seed=1)
    for event in range(4):
        assert not np.array_equal(other.value.particles.ned_km[event], whole.value.particles.ned_km[event])
        shift = np.abs(place_of(other, event) - place_of(whole, event))
        assert np.all(shift < whole.value.particles.ned_km[event].std(axis=0)), "but of the same posterior"
