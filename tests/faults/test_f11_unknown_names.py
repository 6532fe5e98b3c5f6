"""Case 11: picks at unknown stations and of unknown phases are listed, counted and kept."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from diffseis.core.errors import InputError
from diffseis.io import write_picks_csv
from diffseis.workflows.inputs import check_together
from tests.faults.world import place_of, sigmas_of, sources


@pytest.fixture
def spoiled(world):
    """Two events; of the first, one pick has a strange phase and one a strange station."""
    picks = world.picks(sources(2))
    station, phase = picks.station.copy(), picks.phase.copy()
    station[2], phase[5] = "NOWHERE", "PmP"
    return replace(picks, station=station, phase=phase)


def test_they_are_named_and_counted(world, spoiled):
    notices = {n.kind: n for n in check_together(spoiled, world.stations)}
    assert notices["unknown-station"].count == 1
    assert "XX.NOWHERE" in notices["unknown-station"].message
    assert notices["unknown-phase"].count == 1
    assert "PmP" in notices["unknown-phase"].message


def test_they_are_kept_in_the_output_and_the_rest_is_located(world, spoiled, tmp_path):
    solution = world.locate(spoiled)
    events, arrivals = solution.value.events, solution.value.arrivals
    assert list(events.status) == ["located", "located"]
    assert len(arrivals) == len(spoiled)
    assert (arrivals.status[2], arrivals.status[5]) == ("unknown-station", "unknown-phase")
    assert np.sum(arrivals.status == "used") == len(spoiled) - 2
    assert events.num_phases[0] <= 14
    write_picks_csv(tmp_path / "picks.csv", solution.value)
    with (tmp_path / "picks.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(spoiled)
    assert (rows[2]["station"], rows[2]["status"], rows[2]["residual_s"]) == (
        "NOWHERE",
        "unknown-station",
        "",
    )
    assert (rows[5]["phase"], rows[5]["status"], rows[5]["weight"]) == ("PmP", "unknown-phase", "")
    without = world.locate(spoiled.take(solution.value.arrivals.status == "used"))
    np.testing.assert_array_equal(place_of(solution), place_of(without))


def test_an_event_without_a_usable_pick_gets_a_status(world):
    picks = world.picks(sources(2))
    station = picks.station.copy()
    station[picks.event_id == "e0"] = "NOWHERE"
    solution = world.locate(replace(picks, station=station))
    assert list(solution.value.events.status) == ["no-data", "located"]
    assert solution.value.events.reason[0]
    assert set(solution.value.arrivals.status[picks.event_id == "e0"]) == {"unknown-station"}
    whole = world.locate(picks)
    np.testing.assert_array_equal(place_of(whole, 1), place_of(solution, 1))
    assert np.all(sigmas_of(solution, 1) > 0)


def test_files_that_share_no_station_are_refused(world):
    picks = world.picks(sources(1))
    with pytest.raises(InputError, match="no pick belongs to a known station") as refused:
        check_together(replace(picks, network=np.array(["YY"] * len(picks), dtype=object)), world.stations)
    assert "codes" in str(refused.value.fix)
