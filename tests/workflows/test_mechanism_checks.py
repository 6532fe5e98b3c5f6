"""Observations that are well-formed and odd."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from diffseis.core.radiation_table import RadiationTable
from diffseis.workflows.mechanism_checks import drop_repeats, odd_angles, one_sided
from diffseis.workflows.mechanism_config import MechanismConfig
from diffseis.workflows.mechanism_inputs import read_mechanism_inputs

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
