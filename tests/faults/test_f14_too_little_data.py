"""Case 14: few phases, one station, stations on a line: a broad posterior, or `underdetermined`."""

from dataclasses import replace

import numpy as np
import pytest

from tests.faults.world import place_of, sigmas_of, sources

POOR = {
    "one pick": ([0], ("P",)),
    "one station, P and S": ([0], ("P", "S")),
    "two stations, four phases": ([0, 3], ("P", "S")),
    "three phases": ([0, 3, 8], ("P",)),
}


@pytest.mark.parametrize("case", POOR)
def test_underdetermined_and_broad(world, case):
    rows, phases = POOR[case]
    solution = world.locate(world.picks(sources(1), rows=rows, phases=phases))
    events = solution.value.events
    assert events.status[0] == "underdetermined"
    assert "More phases" in events.reason[0]
    assert max(events.horizontal_error_km[0], events.vertical_error_km[0]) > 4
    error = np.abs(place_of(solution) - np.array(sources(1)["e0"]))
    assert np.all(error < 3 * sigmas_of(solution))


def test_repeated_picks_count_once(world):
    """Eight rows of the same two phases are still two phases of one station."""
    picks = world.picks(sources(1), rows=[0])
    many = picks.take(np.tile(np.arange(2), 4))
    solution = world.locate(many)
    assert solution.value.events.status[0] == "underdetermined"
    assert np.sum(solution.value.arrivals.status == "duplicate") == 6
    np.testing.assert_array_equal(place_of(solution), place_of(world.locate(picks)))


def test_four_distant_stations_on_one_side_do_not_fake_precision(world):
    """A wide gap and P only: the error along the blind direction is many times the well-posed one."""
    source = {"far": [-32.0, 0.0, 10.0]}
    poor = world.locate(world.picks(source, rows=[0, 1, 2, 10, 11], phases=("P",)))
    good = world.locate(world.picks(sources(1)))
    events = poor.value.events
    assert events.gap_deg[0] > 180
    assert events.horizontal_error_km[0] > 5 * good.value.events.horizontal_error_km[0]
    assert np.abs(place_of(poor) - np.array(source["far"]))[0] < 3 * max(events.horizontal_error_km[0], 1e-9)


@pytest.fixture(scope="module")
def line(world):
    """Twelve stations on a line from west to east."""
    east = np.linspace(-30, 30, 12)
    return replace(world, positions=np.column_stack([np.zeros(12), east, np.full(12, -0.5)]))


@pytest.mark.parametrize("side", [1, -1])
def test_both_sides_of_a_line_of_stations_are_found(line, side):
    solution = line.locate(line.picks({"m": [side * 12.0, 3.0, 6.0]}, rows=range(2, 10)))
    north = solution.value.particles.ned_km[0, :, 0]
    share = np.mean(north > 0)
    assert 0.2 < share < 0.8, "the mirrored place is as probable as the true one"
    events = solution.value.events
    assert north.std() > 6, "the cloud spans both sides"
    assert events.horizontal_error_km[0] > 4
    assert events.status[0] != "located" or events.num_modes[0] >= 2
    east = solution.value.particles.ned_km[0, :, 1]
    assert abs(east.mean() - 3.0) < 1.5, "along the line the place is known"
