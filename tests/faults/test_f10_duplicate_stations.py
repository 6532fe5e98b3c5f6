"""Case 10: a station twice, one that moved, one code in two networks: resolved by id and time, or refused."""

import numpy as np
import pytest

from diffseis.core.errors import InputError
from diffseis.location import prepare_picks
from diffseis.workflows.inputs import read_inputs


def _edit(path, change):
    lines = path.read_text().splitlines()
    path.write_text("\n".join(change(lines)) + "\n")


def test_a_repeated_row_is_merged_and_said(tiny):
    _edit(tiny.config.stations, lambda lines: [*lines, lines[3]])
    inputs = read_inputs(tiny.config)
    assert len(inputs.stations) == 10
    assert any(n.kind == "merged-stations" for n in inputs.notices)


def test_one_id_at_two_places_is_refused(tiny):
    _edit(tiny.config.stations, lambda lines: [*lines, lines[3].replace(",42.", ",43.")])
    with pytest.raises(InputError) as refused:
        read_inputs(tiny.config)
    assert "XX.S02" in str(refused.value)
    assert refused.value.line == 12
    assert "start,end" in str(refused.value.fix)


def _with_epochs(lines, moved_on):
    """Station S02 stood three kilometres further south before `moved_on`."""
    head, *rows = lines
    out = [head + ",start,end"]
    for row in rows:
        if row.startswith("XX,S02"):
            network, code, latitude, longitude, elevation = row.split(",")
            before = f"{float(latitude) - 0.027:.6f}"
            out.append(f"{network},{code},{before},{longitude},{elevation},2001-01-01T00:00:00Z,{moved_on}")
            out.append(f"{row},{moved_on},")
        else:
            out.append(row + ",,")
    return out


def test_the_epoch_of_the_picks_is_taken(tiny):
    expected = read_inputs(tiny.config).stations
    _edit(tiny.config.stations, lambda lines: _with_epochs(lines, "2015-01-01T00:00:00Z"))
    inputs = read_inputs(tiny.config)
    np.testing.assert_array_equal(inputs.stations.ids, expected.ids)
    np.testing.assert_array_equal(inputs.stations.latitude, expected.latitude)
    assert any(n.kind == "station-epochs" for n in inputs.notices)


def test_a_move_in_the_middle_of_the_picks_is_refused(tiny):
    times = sorted(
        line.split(",")[4] for line in tiny.config.picks.read_text().splitlines() if ",S02," in line
    )
    _edit(tiny.config.stations, lambda lines: _with_epochs(lines, times[len(times) // 2]))
    with pytest.raises(InputError, match=r"XX\.S02 moved"):
        read_inputs(tiny.config)


def test_one_code_in_two_networks_is_told_apart_by_network(tiny):
    _edit(
        tiny.config.stations, lambda lines: [*lines, lines[3].replace("XX,", "YY,").replace(",42.", ",43.")]
    )
    inputs = read_inputs(tiny.config)
    prepared = prepare_picks(inputs.picks, inputs.stations)
    at = inputs.picks.station == "S02"
    assert at.any()
    assert set(inputs.stations.network[prepared.station_row[at]]) == {"XX"}
    assert set(prepared.status[at]) == {"used"}


def test_one_code_in_two_networks_is_not_guessed(tiny):
    _edit(
        tiny.config.stations, lambda lines: [*lines, lines[3].replace("XX,", "YY,").replace(",42.", ",43.")]
    )
    _edit(tiny.config.picks, lambda lines: [line.replace(",XX,", ",,") for line in lines])
    inputs = read_inputs(tiny.config)
    at = inputs.picks.station == "S02"
    notice = next(n for n in inputs.notices if n.kind == "ambiguous-network")
    assert "S02" in notice.message
    assert notice.count == at.sum()
    status = prepare_picks(inputs.picks, inputs.stations).status
    assert set(status[at]) == {"unknown-station"}
    assert set(status[~at]) == {"used"}, "codes that one network has are resolved"
