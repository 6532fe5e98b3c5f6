"""Case 14: few phases, one station, stations on a line: a broad posterior, or `underdetermined`."""

from dataclasses import replace

import numpy as np
import pytest

from diffseis.inference import SVGD
from diffseis.location import ModeSearch
from tests.faults.world import place_of, sources

POOR = {
    "one pick": ([0], ("P",)),
    "one station, P and S": ([0], ("P", "S")),
    "two stations, four phases": ([0, 3], ("P", "S")),
    "three phases": ([0, 3, 8], ("P",)),
}


def _misfits(solution, places) -> np.ndarray:
    """Squared Mahalanobis distance of the truth from each event's particles: chi-squared of 3 degrees if honest."""
    out = []
    for event, place in enumerate(places.values()):
        offset = place_of(solution, event) - np.asarray(place)
        out.append(offset @ np.linalg.solve(np.cov(solution.value.particles.ned_km[event].T), offset))
    return np.array(out)


@pytest.mark.parametrize("case", POOR)
def test_underdetermined_and_broad(world, case):
    rows, phases = POOR[case]
    places = sources(6)
    solution = world.locate(world.picks(places, rows=rows, phases=phases))
    events = solution.value.events
    assert set(events.status) == {"underdetermined"}
    assert all("More phases" in reason for reason in events.reason)
    assert np.all(np.maximum(events.horizontal_error_km, events.vertical_error_km) > 4)
    assert np.all(events.vertical_error_km > 2)
    assert np.all(_misfits(solution, places) < 11.3), "1 in 100"


def test_one_station_knows_the_distance_but_not_the_direction(world):
    """P and S at one station: a dome around it, of which no direction is left out."""
    places = sources(6)
    solution = world.locate(world.picks(places, rows=[0]))
    for event, place in enumerate(places.values()):
        offset = solution.value.particles.ned_km[event] - world.positions[0]
        distance = np.linalg.norm(offset, axis=1)
        true_km = np.linalg.norm(np.asarray(place) - world.positions[0])
        # S minus P tells it to sqrt(2) 0.09 s / (1 / vs - 1 / vp), one km; either may be an outlier.
        assert np.mean(np.abs(distance - true_km) < 4) > 0.85
        quadrant = np.floor((np.arctan2(offset[:, 1], offset[:, 0]) + np.pi) / (np.pi / 2)).astype(int) % 4
        assert np.all(np.bincount(quadrant, minlength=4) >= 0.1 * len(offset))


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
    assert events.status[0] in ("located", "boundary", "underdetermined")
    assert _misfits(poor, source)[0] < 11.3


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
    assert 0.25 < share < 0.75, "the mirrored place is as probable as the true one"
    events = solution.value.events
    assert north.std() > 6, "the cloud spans both sides"
    assert events.horizontal_error_km[0] > 4
    assert events.status[0] in ("located", "underdetermined")
    assert events.num_modes[0] >= 2
    east = solution.value.particles.ned_km[0, :, 1]
    assert abs(east.mean() - 3.0) < 1.5, "along the line the place is known"


NETWORKS = {
    "one pick": {"rows": [0], "phases": ("P",)},
    "one station": {"rows": [0]},
    "two stations": {"rows": [0, 3]},
    "two neighbours": {"rows": [0, 1]},
    "three phases": {"rows": [0, 3, 8], "phases": ("P",)},
    "four P on one side": {"rows": [11, 0, 1, 2], "phases": ("P",)},
    "four S around": {"rows": [0, 3, 6, 9], "phases": ("S",)},
    "five P on one side": {"rows": [10, 11, 0, 1, 2], "phases": ("P",)},
}


def _check_honest(solution, places, *, underdetermined: bool):
    events, misfits = solution.value.events, _misfits(solution, places)
    allowed = (
        {"underdetermined"}
        if underdetermined
        else {"located", "boundary", "underdetermined", "not-converged"}
    )
    assert set(events.status) <= allowed
    assert np.mean(events.status == "not-converged") < 0.3
    # Of 40 honest posteriors 2 are beyond the 95 % point of chi-squared; one in a thousand is beyond 16.3.
    assert np.mean(misfits < 7.81) >= 0.85
    assert np.all(misfits < 16.3)


@pytest.mark.slow
@pytest.mark.parametrize("case", NETWORKS)
def test_little_data_never_fake_precision(world, case):
    """Forty events anywhere, with the default sampler: whatever the status, the truth is where the cloud says."""
    rng = np.random.default_rng(0)
    places = {f"p{i}": list(rng.uniform([-20, -20, 2], [20, 20, 18])) for i in range(40)}
    picks = world.picks(places, **NETWORKS[case])
    solution = world.locate(picks, sampler=SVGD(), search=ModeSearch())
    few = len(NETWORKS[case]["rows"]) < 3 or case == "three phases"
    _check_honest(solution, places, underdetermined=few)


@pytest.mark.slow
@pytest.mark.parametrize("phases", [("P",), ("P", "S")], ids="".join)
@pytest.mark.parametrize("shape", ["line", "spot"])
def test_stations_in_bad_places_never_fake_precision(world, line, shape, phases):
    rng = np.random.default_rng(1)
    places = {
        f"m{i}": [rng.choice([-1, 1]) * rng.uniform(6, 20), rng.uniform(-10, 10), rng.uniform(3, 15)]
        for i in range(40)
    }
    if shape == "line":
        network, rows = line, range(2, 10)
    else:  # six stations within 300 m
        at = world.positions[0] + np.arange(6)[:, None] * np.array([[0.05, 0.0, 0.0]])
        network, rows = replace(world, positions=np.concatenate([at, world.positions[6:]])), range(6)
    picks = network.picks(places, rows=rows, phases=phases)
    solution = network.locate(picks, sampler=SVGD(), search=ModeSearch())
    _check_honest(solution, places, underdetermined=False)
    events = solution.value.events
    assert np.all(events.horizontal_error_km > 4)
    if shape == "line":
        share = np.mean(solution.value.particles.ned_km[..., 0] > 0, axis=1)
        assert np.all((share > 0.25) & (share < 0.75)), "both sides, every time"
        assert np.all(events.num_modes >= 2)
