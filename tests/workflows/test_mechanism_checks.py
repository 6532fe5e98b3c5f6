"""Observations that are well-formed and odd."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from diffseis.core.errors import InputError
from diffseis.core.radiation_table import RadiationTable
from diffseis.io.observations_csv import COLUMNS
from diffseis.workflows.mechanism_checks import (
    drop_repeats,
    not_for_hash,
    not_located,
    odd_angles,
    one_sided,
    unread_columns,
)
from diffseis.workflows.mechanism_config import MechanismConfig
from diffseis.workflows.mechanism_inputs import read_mechanism_inputs
from tests.io.made_mechanisms import made_places

PATH = Path("o.csv")


def rays_of(events, polarity, **columns) -> RadiationTable:
    stations = [f"XX.S{i:02d}" for i in range(len(events))]
    return RadiationTable.of(events, stations, polarity=polarity, **columns)


def test_first_motions_of_one_sign():
    """Enough of them, of named events; size and missing readings do not matter."""
    rays = rays_of(
        ["a"] * 13 + ["b"] * 11 + ["c"] * 12 + ["d"] * 12,
        [0.3] * 12 + [np.nan] + [1] * 11 + [-1] * 12 + [-1] * 11 + [1],
    )
    (said,) = one_sided(rays)
    assert said.count == 2
    assert "2 events have one sign (a, c): an explosion" in said.message
    many = rays_of(np.repeat(list("abcde"), 12), np.ones(60))
    assert "(a, b, c and 2 more)" in one_sided(many)[0].message
    assert one_sided(rays.take(slice(13, 24))) == []


def test_angles_in_radians():
    azimuth, takeoff = np.linspace(0, 6.2, 8), np.linspace(0.2, 3.1, 8)
    rays = rays_of(["e"] * 8, np.ones(8), azimuth_deg=azimuth, takeoff_deg=takeoff)
    assert [n.kind for n in odd_angles(rays, PATH)] == ["suspicious-units"]
    assert odd_angles(replace(rays, takeoff_deg=np.append(takeoff[:7], 4.0)), PATH) == []
    assert odd_angles(rays.take(slice(7)), PATH) == []
    assert odd_angles(rays_of(["e"] * 8, np.ones(8)), PATH) == []


def test_rows_that_repeat_others(tmp_path):
    """The same row counts once; of another value, instrument or event behind a composite it is another."""
    path = tmp_path / "o.csv"
    row = "e,A,10,60,1,HHZ\n"
    path.write_text(
        "event_id,station,azimuth_deg,takeoff_deg,polarity,channel\n"
        + 3 * row
        + "e,A,10,60,1,EHZ\nf,A,10,60,1,HHZ\n"
    )
    config = MechanismConfig(observations=path, out=tmp_path / "out")
    found = read_mechanism_inputs(config)
    assert list(found.rays.event_id) == ["e", "e", "f"]
    assert {n.kind: n.count for n in found.notices} == {"repeated-row": 2, "repeated-station": 1}
    composite = RadiationTable.of(
        ["c", "c", "c"], ["A"] * 3, polarity=[1, 1, 1], extra={"event_id2": np.array(["1", "2", "2"], object)}
    )
    assert len(drop_repeats(composite, [], PATH)[0]) == 2


def test_columns_that_nothing_reads():
    rays = RadiationTable.of(
        ["e"], ["A"], extra={"log_sp": np.array(["0.3"], object), "note": np.array(["x"], object)}
    )
    (said,) = unread_columns(rays, COLUMNS, PATH)
    assert "log_sp (is `log10_sp` meant?), note" in said.message
    assert unread_columns(rays_of(["e"], [1]), COLUMNS, PATH) == []


def test_events_that_a_run_does_not_have():
    places = made_places()
    rays = rays_of([str(places.event_id[0]), "elsewhere"], [1, -1])
    (said,) = not_located(rays, places, Path("run"))
    assert "1 event of the observations not in this run: elsewhere" in said.message
    with pytest.raises(InputError, match="it has none of the 1 event"):
        not_located(rays_of(["elsewhere"], [1]), places, Path("run"))


def test_options_that_had_nothing_to_do(tmp_path):
    path = tmp_path / "o.csv"
    path.write_text("event_id,station,azimuth_deg,takeoff_deg,polarity\ne,A,10,60,1\n")
    config = MechanismConfig(observations=path, out=tmp_path / "out", angle_error_deg=(20.0, 20.0))
    found = read_mechanism_inputs(config)
    assert "--angle-error-deg had nothing to do" in found.notices[-1].message


def test_measurements_that_hash_does_not_know():
    rays = rays_of(["e", "e"], [1, 1], sh_polarity=[1, np.nan], log10_shp=[0.1, 0.2])
    (said,) = not_for_hash(rays)
    assert "1 of sh_polarity, 2 of log10_shp" in said.message
    assert not_for_hash(rays_of(["e"], [1])) == []
