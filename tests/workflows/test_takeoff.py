"""Angles of rays: straight ones in a homogeneous medium, spreads that are told, stations that are found by name."""

import csv
import os
from dataclasses import replace
from pathlib import Path

import jax.random as jr
import numpy as np
import pytest

from diffseis.core.errors import InputError
from diffseis.core.frames import LocalFrame
from diffseis.core.radiation_table import RadiationTable
from diffseis.core.tables import EventTable, StationTable, VelocityTable
from diffseis.io import is_velocity_text, read_skhash, read_velocity_text
from diffseis.workflows.hypocentre_clouds import NUM_POINTS, clouds_of
from diffseis.workflows.takeoff import circular, give_angles, layered_leaving, station_rows

PLACE = LocalFrame(-43.0, 179.95)
UNIFORM = VelocityTable(np.array([0.0]), np.array([6.0]), np.array([3.5]))


def _stations(names=(("XX", "A"), ("XX", "B"), ("YY", "B"), ("", "C"))) -> StationTable:
    places = np.array([[10.0, 0.0, -1.0], [0.0, 20.0, 0.0], [-15.0, -15.0, 0.0], [0.0, 0.0, 0.0]])
    latitude, longitude, depth = PLACE.to_geographic(places[: len(names)])
    network, station = (np.array(column, object) for column in zip(*names, strict=True))
    return StationTable(network, station, latitude, longitude, -1000 * depth)


def _event(depth_km=8.0, **extra) -> EventTable:
    return EventTable(
        event_id=np.array(["e"], object),
        time=np.array(["NaT"], "datetime64[ns]"),
        latitude=np.array([PLACE.latitude_deg]),
        longitude=np.array([PLACE.longitude_deg]),
        depth_km=np.array([depth_km]),
        magnitude=np.array([np.nan]),
        extra={name: np.array([value]) for name, value in extra.items()},
    )


def _rays(*stations, **columns) -> RadiationTable:
    return RadiationTable.of(["e"] * len(stations), stations, polarity=np.ones(len(stations)), **columns)


def test_stations_are_found_by_id_then_by_code():
    """A code that two networks have names none of them; networks that contradict do not match."""
    found = station_rows(["XX.A", ".A", "A", "B", "YY.B", "C", "ZZ.C", "ZZ.A", "D"], _stations())
    assert found.tolist() == [0, 0, 0, -1, 2, 3, 3, -1, -1]


def test_epochs_of_a_station_are_one_station():
    assert station_rows(["A"], _stations((("XX", "A"), ("XX", "A")))).tolist() == [0]


EXACT = {"latitude_error_km": 1e-4, "longitude_error_km": 1e-4, "vertical_error_km": 1e-4}


def test_straight_rays():
    stations = _stations()
    rays = _rays("XX.A", "XX.B", "YY.B", "C", "nowhere")
    clouds = clouds_of(rays, _event(**EXACT), key=jr.key(0))
    found, (said,) = give_angles(
        rays, clouds, stations, layered_leaving(stations, [UNIFORM]), model_error_deg=(5.0, 2.0)
    )
    expected = [
        np.degrees(np.arctan2(10, -9)),
        np.degrees(np.arctan2(20, -8)),
        np.degrees(np.arctan2(450**0.5, -8)),
        180,
    ]
    np.testing.assert_allclose(found.takeoff_deg[:4], expected, atol=0.05)
    np.testing.assert_allclose(found.azimuth_deg[1:3], [90, 225], atol=0.05)
    assert min(found.azimuth_deg[0], 360 - found.azimuth_deg[0]) < 0.05
    np.testing.assert_allclose(found.takeoff_sigma_deg[:4], 5, atol=0.05)
    np.testing.assert_allclose(found.azimuth_sigma_deg[:3], 2, atol=0.05)
    assert np.isnan(found.takeoff_deg[4])
    assert "nowhere" in said.message


def test_errors_of_the_hypocentre_spread_the_angles():
    """A ray that leaves horizontally turns by the vertical error over the distance; a steep one by the horizontal one over the depth."""
    stations = _stations()
    rays = _rays("XX.B", "C")
    errors = {"latitude_error_km": 0.5, "longitude_error_km": 0.5, "vertical_error_km": 2.0}
    clouds = clouds_of(rays, _event(1e-3, **errors), key=jr.key(0))
    found, _ = give_angles(
        rays, clouds, stations, layered_leaving(stations, [UNIFORM]), model_error_deg=(0.0, 0.0)
    )
    assert found.takeoff_sigma_deg[0] == pytest.approx(np.degrees(2 / 20), rel=0.35)
    assert found.azimuth_sigma_deg[0] == pytest.approx(np.degrees(0.5 / 20), rel=0.35)
    # Without stated errors a kilometre is taken.
    assert np.std(clouds_of(rays, _event(), key=jr.key(0)).depth_km[0]) == pytest.approx(1, rel=0.3)
    assert clouds.depth_km.shape == (2, NUM_POINTS)


@pytest.mark.long
def test_several_models():
    """Their spread is the error."""
    stations = _stations()
    rays = _rays("XX.B")
    clouds = clouds_of(rays, _event(**EXACT), key=jr.key(0))
    faster = VelocityTable(np.array([0.0, 10.0]), np.array([5.0, 9.0]), np.array([2.9, 5.2]))
    alone = [
        give_angles(rays, clouds, stations, layered_leaving(stations, m), model_error_deg=(0.0, 0.0))[0]
        for m in ([UNIFORM], [faster], [UNIFORM, faster])
    ]
    one, two, both = (float(a.takeoff_deg[0]) for a in alone)
    assert one > 90 > two  # straight up, and along the interface below
    assert both == pytest.approx((one + two) / 2)
    assert alone[2].takeoff_sigma_deg[0] == pytest.approx(abs(one - two) / 2, rel=1e-3)


def test_angles_that_are_there_stay():
    stations = _stations()
    rays = _rays("XX.B", azimuth_deg=[11.0], takeoff_deg=[120.0])
    clouds = clouds_of(rays, _event(), key=jr.key(0))
    found, said = give_angles(
        rays, clouds, stations, layered_leaving(stations, [UNIFORM]), model_error_deg=(5.0, 2.0)
    )
    assert (found.azimuth_deg[0], found.takeoff_deg[0], said) == (11, 120, [])
    assert np.isnan(found.takeoff_sigma_deg[0])


def test_events_without_a_hypocentre_and_composites():
    stations = _stations()
    rays = _rays("XX.A", "XX.A")
    clouds = clouds_of(rays, None, key=jr.key(0))
    found, (said,) = give_angles(
        rays, clouds, stations, layered_leaving(stations, [UNIFORM]), model_error_deg=(5.0, 2.0)
    )
    assert np.all(np.isnan(found.takeoff_deg))
    assert said.kind == "no-hypocentre"
    # Rows of a composite event have origins of their own.
    own = {
        "origin_latitude": np.array([PLACE.latitude_deg, np.nan]),
        "origin_longitude": np.array([str(PLACE.longitude_deg), ""], object),
        "origin_depth_km": np.array([3.0, np.nan]),
    }
    clouds = clouds_of(replace(rays, extra=own), _event(9.0), key=jr.key(0))
    np.testing.assert_allclose(clouds.depth_km.mean(axis=1), [3, 9], atol=0.5)


def test_azimuths_across_north():
    middle, spread = circular(np.array([[358.0, 2.0], [178.0, 182.0]]))
    np.testing.assert_allclose(middle % 360, [0, 180], atol=1e-9)
    np.testing.assert_allclose(spread, 2)


def test_velocities_of_hash(tmp_path):
    path = tmp_path / "v.txt"
    path.write_text("# Depth (km), Vp (km/s)\n0.0, 3.9\n\n3.25 5.5\n16.0,5.97 # a comment\n")
    assert is_velocity_text(path)
    model = read_velocity_text(path, vp_vs=1.8)
    assert model.kind == "linear"
    np.testing.assert_allclose(model.depth_km, [0, 3.25, 16])
    np.testing.assert_allclose(model.vp_km_s / model.vs_km_s, 1.8)
    (tmp_path / "v.csv").write_text("depth_km,vp_km_s\n0,5\n")
    assert not is_velocity_text(tmp_path / "v.csv")
    for text, said in (
        ("0 3\nx y\n", "line 2"),
        ("0 3\n1 -3\n", "not positive"),
        ("5 3\n1 4\n", "below"),
        ("# no\n", "no layers"),
        ("0 3 1 7\n", "no depth"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=said):
            read_velocity_text(path)


@pytest.mark.long
@pytest.mark.reference
def test_against_skhash():
    """Composite events of the Maacama fault, every 60th of 7,163 rays: take-off angles and azimuths as SKHASH's, and spreads alike."""
    folder = Path(os.environ["DIFFSEIS_REFERENCE_DATA"]) / "mechanism/maacama_skhash"
    rays, events, stations, _ = read_skhash(
        folder / "IN/pol_consensus.csv",
        stations=folder / "IN/station.csv",
        reversals=folder / "IN/reverse.csv",
    )
    assert stations is not None
    with (folder / "EXPECTED/out_polinfo.csv").open() as stream:
        theirs = list(csv.DictReader(stream))[::60]
    rays = rays.take(slice(None, None, 60))
    assert [t["sta_code"].split(".")[0] for t in theirs] == list(rays.station)
    leaving = layered_leaving(stations, [read_velocity_text(folder / "IN/mvel.txt")])
    found, said = give_angles(
        rays, clouds_of(rays, events, key=jr.key(0)), stations, leaving, model_error_deg=(0.0, 0.0)
    )
    assert said == []
    number = lambda name: np.array([float(t[name]) for t in theirs])
    apart = np.abs(180 - found.takeoff_deg - number("takeoff"))
    assert np.median(apart) < 0.7
    assert np.max(apart) < 3
    assert np.max(np.abs((found.azimuth_deg - number("azimuth") + 180) % 360 - 180)) < 0.5
    ratio = found.takeoff_sigma_deg / number("takeoff_uncertainty")
    assert 0.7 < np.median(ratio) < 1.3
