"""Case 13: pick errors of zero, below zero, missing or NaN: refused or a default, never infinite weight."""

from dataclasses import replace

import numpy as np
import pytest

from diffseis.core.errors import InputError
from diffseis.io import read_picks_csv
from diffseis.location import InlierOutlier, TravelTimeError
from diffseis.workflows.inputs import read_inputs
from tests.faults.world import place_of, sigmas_of, sources

BAD = ["0", "0.0", "-0.05", "", "nan", "NaN", "1e-300"]


def _spoil(tiny, bad):
    lines = tiny.config.picks.read_text().splitlines()
    cells = lines[4].split(",")
    lines[4] = ",".join([*cells[:-1], bad])
    tiny.config.picks.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("bad", BAD)
def test_refused_with_the_line_and_the_way_out(tiny, bad):
    _spoil(tiny, bad)
    with pytest.raises(InputError) as refused:
        read_inputs(tiny.config)
    assert (refused.value.line, refused.value.field) == (5, "uncertainty_s")
    assert "default" in str(refused.value.fix)


@pytest.mark.parametrize("bad", BAD)
def test_or_given_the_stated_default_which_is_said(tiny, bad):
    _spoil(tiny, bad)
    inputs = read_inputs(tiny.config.model_copy(update={"default_uncertainty_s": 0.3}))
    assert inputs.picks.uncertainty_s[3] == 0.3
    assert np.sum(inputs.picks.uncertainty_s == 0.3) == 1
    notice = next(n for n in inputs.notices if n.kind == "default-uncertainty")
    assert notice.count == 1
    assert "0.3 s" in notice.message


def test_without_the_column(tiny):
    lines = [line.rsplit(",", 1)[0] for line in tiny.config.picks.read_text().splitlines()]
    tiny.config.picks.write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError, match="uncertainty_s"):
        read_inputs(tiny.config)
    assert set(read_picks_csv(tiny.config.picks, default_uncertainty_s=0.1)[0].uncertainty_s) == {0.1}


@pytest.mark.parametrize("default", [0.0, -1.0, np.nan, np.inf])
def test_a_default_is_no_way_around(tiny, default):
    with pytest.raises(InputError, match="no pick error"):
        read_picks_csv(tiny.config.picks, default_uncertainty_s=default)


@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf])
def test_tables_made_by_hand_get_no_infinite_weight(world, bad):
    """Past the readers: an unusable error costs at most its own event, and never decides a location."""
    picks = world.picks(sources(2))
    sigma = picks.uncertainty_s.copy()
    sigma[1] = bad
    likelihood = InlierOutlier(TravelTimeError(0.0, 0.0, 0.0))
    clean = world.locate(picks, likelihood=likelihood)
    spoiled = world.locate(replace(picks, uncertainty_s=sigma), likelihood=likelihood)
    np.testing.assert_array_equal(place_of(spoiled, 1), place_of(clean, 1))
    assert spoiled.value.events.status[1] == "located"
    if spoiled.value.events.status[0] == "located":
        without = world.locate(picks.take(np.arange(len(picks)) != 1), likelihood=likelihood)
        shift = np.abs(place_of(spoiled) - place_of(without))
        assert np.all(shift < 3 * sigmas_of(without))
