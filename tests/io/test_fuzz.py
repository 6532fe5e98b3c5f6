"""Damaged files: a reader refuses with `InputError`, or returns what a seismologist could believe."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from diffseis.core.errors import InputError
from diffseis.io import (
    read_events,
    read_picks_csv,
    read_stations_csv,
    read_stationxml,
    read_velocity_csv,
    write_picks_csv,
    write_quakeml,
)
from tests.helpers.mutants import fuzz

OBSPY = Path(importlib.util.find_spec("obspy").origin).parent
SELECT = OBSPY / "io/nordic/tests/data/select.out"


def check_picks(picks):
    assert all(picks.station)
    assert all(picks.event_id)
    assert np.all(
        np.isfinite(picks.uncertainty_s) & (picks.uncertainty_s >= 1e-4) & (picks.uncertainty_s <= 100)
    )
    assert not np.any((picks.probability < 0) | (picks.probability > 1))
    if len(picks):
        assert np.datetime64("1850") <= picks.time.min() <= picks.time.max() < np.datetime64("2151")
    for event in set(picks.event_id):
        assert np.ptp(picks.time[picks.event_id == event]) <= np.timedelta64(3, "D")


def check_stations(stations):
    assert all(stations.station)
    assert np.all(np.abs(stations.latitude) <= 90)
    assert np.all(np.abs(stations.longitude) <= 180)
    assert np.all(np.abs(stations.elevation_m) <= 18_000)


def check_events(events):
    good = np.isfinite(events.latitude)
    assert np.all(np.abs(events.latitude[good]) <= 90)
    assert np.all(np.abs(events.longitude[np.isfinite(events.longitude)]) <= 360)
    assert np.all(np.abs(events.depth_km[np.isfinite(events.depth_km)]) <= 1000)


def check_velocity(model):
    assert np.all(np.diff(model.depth_km) > 0)
    assert np.all((model.vs_km_s > 0) & (model.vs_km_s < model.vp_km_s) & (model.vp_km_s <= 20))


def picks_data(tmp_path, synthetic):
    write_picks_csv(tmp_path / "p.csv", synthetic.make_catalogue(3, num_stations=5))
    return (tmp_path / "p.csv").read_bytes()


def stations_data(tmp_path, synthetic):
    table = synthetic.make_catalogue(1, num_stations=8).stations
    rows = [
        f"{n},{s},{a:.5f},{o:.5f},{e:.1f}"
        for n, s, a, o, e in zip(
            table.network, table.station, table.latitude, table.longitude, table.elevation_m, strict=True
        )
    ]
    return "\n".join(["network,station,latitude,longitude,elevation_m", *rows, ""]).encode()


def velocity_data(tmp_path, synthetic):
    return b"depth_km,vp_km_s,vs_km_s\n0.0,5.3,2.75\n1.0,5.65,2.8\n3.0,5.93,3.1\n7.0,6.2,3.4\n31,7.5,4.0\n"


def quakeml_data(tmp_path, synthetic):
    write_quakeml(tmp_path / "c.xml", synthetic.make_catalogue(2, num_stations=4))
    return (tmp_path / "c.xml").read_bytes()


def stationxml_data(tmp_path, synthetic):
    return (OBSPY / "io/stationxml/tests/data/F1_423_small.xml").read_bytes()


def nordic_data(tmp_path, synthetic):
    return b"\n".join(SELECT.read_bytes().split(b"\n")[:48]) + b"\n"


CSV = {
    "picks": (picks_data, read_picks_csv, lambda v: check_picks(v[0])),
    "stations": (stations_data, read_stations_csv, lambda v: check_stations(v[0])),
    "velocity": (velocity_data, read_velocity_csv, check_velocity),
}
BULLETINS = {
    "QUAKEML": (quakeml_data, lambda p: read_events(p, "QUAKEML")),
    "NORDIC": (nordic_data, lambda p: read_events(p, "NORDIC")),
    "STATIONXML": (stationxml_data, read_stationxml),
}


def check_bulletin(value):
    if len(value) == 2:
        check_stations(value[0])
    else:
        check_picks(value[0])
        check_events(value[1])


def needs(kind):
    sample = {"NORDIC": SELECT, "STATIONXML": OBSPY / "io/stationxml/tests/data/F1_423_small.xml"}.get(kind)
    if sample is not None and not sample.exists():
        pytest.skip("this ObsPy comes without its test data")


@pytest.mark.parametrize("kind", CSV)
def test_csv_mutants(tmp_path, synthetic, kind):
    make, read, check = CSV[kind]
    refused = fuzz(tmp_path / "mutant.csv", make(tmp_path, synthetic), read, check, range(300))
    assert 30 < refused < 300


@pytest.mark.parametrize("kind", BULLETINS)
def test_bulletin_mutants(tmp_path, synthetic, kind):
    needs(kind)
    make, read = BULLETINS[kind]
    assert fuzz(tmp_path / "mutant", make(tmp_path, synthetic), read, check_bulletin, range(60)) > 5


@pytest.mark.slow
@pytest.mark.parametrize("kind", BULLETINS)
def test_many_bulletin_mutants(tmp_path, synthetic, kind):
    needs(kind)
    make, read = BULLETINS[kind]
    assert fuzz(tmp_path / "mutant", make(tmp_path, synthetic), read, check_bulletin, range(1000, 1300)) > 20


@pytest.mark.slow
@pytest.mark.parametrize("kind", CSV)
def test_every_truncation(tmp_path, synthetic, kind):
    make, read, check = CSV[kind]
    data = make(tmp_path, synthetic)[:3000]
    path = tmp_path / "cut.csv"
    refused = []
    for length in range(len(data)):
        path.write_bytes(data[:length])
        try:
            value = read(path)
        except InputError as error:
            refused.append(error)
        else:
            check(value)
    assert all(error.file == str(path) and error.fix for error in refused)
