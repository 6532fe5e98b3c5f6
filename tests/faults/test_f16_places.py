"""Case 16: antimeridian, poles, the equator at the prime meridian, an ocean: the same answer everywhere."""

from dataclasses import replace

import numpy as np
import pytest

from diffseis.core.frames import LocalFrame
from diffseis.inference import Laplace
from diffseis.io import read_stations_csv
from diffseis.workflows.inputs import check_together
from tests.faults.world import World, place_of, ring, sources
from tests.workflows.tiny import Tiny

PLACES = {
    "antimeridian": (-17.0, 180.0),
    "antimeridian, from the west": (52.0, 179.9999),
    "north pole": (89.9, 0.0),
    "north pole, other side": (89.9, 170.0),
    "south pole": (-89.9, -45.0),
    "equator and prime meridian": (0.0, 0.0),
}


@pytest.fixture(scope="module")
def twin(world):
    return world.locate(world.picks(sources(3)))


@pytest.mark.parametrize("where", PLACES)
def test_the_rotated_twin_within_ten_metres(world, twin, where):
    there = replace(world, frame=LocalFrame(*PLACES[where]))
    solution = there.locate(there.picks(sources(3)))
    assert list(solution.value.events.status) == list(twin.value.events.status)
    events = solution.value.events
    for event in range(3):
        # Through degrees and back: what a user would see.
        ned = there.frame.to_ned(events.latitude[event], events.longitude[event], events.depth_km[event])
        assert np.linalg.norm(ned - place_of(twin, event)) < 0.010
    np.testing.assert_allclose(events.gap_deg, twin.value.events.gap_deg, atol=0.2)
    np.testing.assert_allclose(events.nearest_km, twin.value.events.nearest_km, atol=0.01)
    assert np.all(np.abs(events.latitude) <= 90)
    assert np.all((events.longitude >= -180) & (events.longitude < 180))


@pytest.mark.parametrize("where", PLACES)
def test_the_frame_finds_the_centre_of_the_network(where):
    """Without help: the centre of the stations is that of the rings to a few metres."""
    there = World(LocalFrame(*PLACES[where]), ring())
    stations = there.stations
    found = LocalFrame.centred_on(stations.latitude, stations.longitude)
    centre = there.frame.to_ned(found.latitude_deg, found.longitude_deg)
    assert np.hypot(centre[0], centre[1]) < 0.01
    distances = np.linalg.norm(found.to_ned(stations.latitude, stations.longitude)[:, :2], axis=1)
    np.testing.assert_allclose(distances, np.where(np.arange(12) % 2, 12.0, 24.0), atol=0.02)
    assert check_together(there.picks(sources(1)), stations) == []


def test_longitudes_beyond_180_are_the_same_places(tmp_path):
    rows = ["NZ,A,-17.1,179.9,0", "NZ,B,-17.0,180.1,0", "NZ,C,-16.9,-179.8,0"]
    path = tmp_path / "stations.csv"
    path.write_text("\n".join(["network,station,latitude,longitude,elevation_m", *rows]) + "\n")
    stations, _ = read_stations_csv(path)
    assert list(stations.longitude) == [179.9, pytest.approx(-179.9), -179.8]
    frame = LocalFrame.centred_on(stations.latitude, stations.longitude)
    assert abs(abs(frame.longitude_deg) - 180) < 0.1


@pytest.mark.long
def test_an_ocean_without_land(world):
    """The whole network three kilometres under water: everything is deeper by as much.

    Without a choice of particles, which rounding can turn: the two searches see depths that differ in their last digits.
    """
    sunk = 3.0
    down = np.array([0.0, 0.0, sunk])
    ocean = World(
        LocalFrame(-10.0, -140.0),
        world.positions + down,
        (-50.0, -50.0, -1.0 + sunk),
        (50.0, 50.0, 30.0 + sunk),
    )
    deeper = {name: list(np.asarray(place) + down) for name, place in sources(3).items()}
    solution = ocean.locate(ocean.picks(deeper), sampler=Laplace(64))
    dry = world.locate(world.picks(sources(3)), sampler=Laplace(64))
    for event in range(3):
        assert np.linalg.norm(place_of(solution, event) - down - place_of(dry, event)) < 0.010


@pytest.mark.slow
@pytest.mark.parametrize("where", [(-17.0, 180.0), (89.9, 0.0)])
def test_the_whole_job_there(tmp_path, diffseis, where):
    there = Tiny.write(tmp_path, frame=LocalFrame(*where))
    assert diffseis(*there.words()).code == 0
    assert "</html>" in (there.config.out / "report.html").read_text()
