"""SKHASH's CSV files."""

import csv

import numpy as np
import pytest

from diffseis.core.errors import InputError
from diffseis.io import read_skhash

POLARITIES = """event_id,event_id2,station,network,location,channel,p_polarity,takeoff,azimuth,takeoff_uncertainty,origin_latitude,origin_longitude,origin_depth_km
# a comment
1,10,ABC,XX,--,HHZ,-0.25,20,350,5,40.0,-120.0,8.0
1,11,DEF,XX,00,EHZ,1,,,,40.1,-120.0,8.0
1,11,GHI,XX,00,EHZ,0.5,,,,40.1,-120.0,8.0
2,12,ABC,XX,--,HHZ,1,160.5,10,,41.0,-121.0,9.0
2,12,ABC,XX,--,HHZ,1,200,10,,41.0,-121.0,9.0
2,12,DEF,XX,00,EHZ,2,,,,41.0,-121.0,9.0
2,12,DEF,XX,00,EHZ,up,,,,41.0,-121.0,9.0
2,12,DEF,XX,00,EHZ,1,20,,,41.0,-121.0,9.0
2,12,DEF,XX,00,EHZ,0,,,,41.0,-121.0,9.0
"""
STATIONS = """station,network,channel,latitude,longitude,elevation
ABC,XX,EHZ,40.5,-120.5,100
ABC,XX,HHZ,40.5,-120.5,110
DEF,XX,EHZ,40.6,-120.6,200
DEF,XX,EHZ,140.6,-120.6,200
"""


def write(folder, name, text):
    (folder / name).write_text(text)
    return folder / name


@pytest.fixture
def polarities(tmp_path):
    return write(tmp_path, "pol.csv", POLARITIES)


def test_polarities_and_angles(polarities):
    table, events, places, notices = read_skhash(polarities)
    assert list(table.station) == ["XX.ABC", "XX.DEF", "XX.GHI", "XX.ABC"]
    np.testing.assert_array_equal(table.polarity, [-0.25, 1, 0.5, 1])
    np.testing.assert_array_equal(table.takeoff_deg, [160, np.nan, np.nan, 19.5])
    np.testing.assert_array_equal(table.azimuth_deg, [350, np.nan, np.nan, 10])
    np.testing.assert_array_equal(table.takeoff_sigma_deg, [5, np.nan, np.nan, np.nan])
    assert list(table.extra["event_id2"]) == ["10", "11", "11", "12"]
    assert list(table.extra["location"]) == ["", "00", "00", ""]
    np.testing.assert_array_equal(table.extra["origin_latitude"], [40, 40.1, 40.1, 41])
    assert places is None
    assert list(events.event_id) == ["1", "2"]
    np.testing.assert_array_equal(events.latitude, [np.nan, 41])
    np.testing.assert_array_equal(events.depth_km, [np.nan, 9])
    assert {n.kind: n.count for n in notices} == {"left-out": 4, "composite": 1, "no-polarity": 1}
    assert "line 7" in notices[0].message


def test_stations(polarities, tmp_path):
    """A row without angles needs a station that is known; channels do not have to agree."""
    table, _, places, notices = read_skhash(polarities, stations=write(tmp_path, "s.csv", STATIONS))
    assert list(table.station) == ["XX.ABC", "XX.DEF", "XX.ABC"]
    assert list(places.ids) == ["XX.ABC", "XX.DEF"]
    np.testing.assert_array_equal(places.elevation_m, [110, 200])
    assert next(n.count for n in notices if n.kind == "unknown-station") == 1
    assert sum(n.count for n in notices if n.kind == "left-out") == 5


def test_ratios(polarities, tmp_path):
    plain = write(
        tmp_path,
        "a.csv",
        "event_id,station,network,sp_ratio,takeoff,azimuth\n1,ABC,XX,-10,20,350\n2,DEF,XX,0,,\n",
    )
    table, _, _, notices = read_skhash(polarities, amplitudes=plain)
    np.testing.assert_array_equal(table.log10_sp, [np.nan] * 4 + [1.0])
    assert table.takeoff_deg[-1] == 160
    assert sum(n.count for n in notices if n.kind == "left-out" and n.file == str(plain)) == 1
    noise = (
        "event_id,station,noise_p,noise_s,amp_p,amp_s\n1,ABC,1,1,-3,30\n1,ABC,1,1,2.9,30\n1,ABC,1,1,30,2.9\n"
    )
    measured = write(tmp_path, "b.csv", noise)
    table, _, _, notices = read_skhash(polarities, amplitudes=measured)
    np.testing.assert_allclose(table.log10_sp[4:], [1.0])
    assert next(n.count for n in notices if n.kind == "weak-amplitude") == 2
    assert len(read_skhash(polarities, amplitudes=measured, min_snr=2.0)[0]) == 7
    with pytest.raises(InputError) as refused:
        read_skhash(polarities, amplitudes=write(tmp_path, "c.csv", "event_id,station\n1,ABC\n"))
    assert refused.value.field == "sp_ratio"


def test_reversals(polarities, tmp_path):
    text = "station, location, channel, start_time, end_time\nABC, --, HHZ, 1900-01-01, 2200-01-01\nDEF,01,EHZ,0,0\nGHI,00,EHZ,x,0\n"
    table, _, _, notices = read_skhash(polarities, reversals=write(tmp_path, "r.csv", text))
    np.testing.assert_array_equal(table.polarity, [0.25, 1, 0.5, -1])
    assert sum(n.count for n in notices if n.kind == "reversed") == 2


@pytest.mark.long
def test_the_composites_of_maacama(reference_data):
    """SKHASH's report of its run lists the same rows, with the places of stations and origins."""
    folder = reference_data / "mechanism/maacama_skhash"
    table, events, places, notices = read_skhash(
        folder / "IN/pol_consensus.csv", stations=folder / "IN/station.csv"
    )
    assert list(events.event_id) == ["1", "2"]
    assert np.isnan(events.latitude).all()
    row_of = places.row_of()
    ours = {
        (
            table.event_id[i],
            table.extra["event_id2"][i],
            table.station[i],
            table.extra["location"][i],
            table.channel[i],
        ): i
        for i in range(len(table))
    }
    with (folder / "EXPECTED/out_polinfo.csv").open() as stream:
        expected = list(csv.DictReader(stream))
    assert [sum(r["event_id"] == name for r in expected) for name in ("1", "2")] == [2995, 4168]
    for row in expected:
        station, location, channel = row["sta_code"].split(".")
        i = ours[row["event_id"], row["event_id2"], station, location.replace("--", ""), channel]
        assert table.polarity[i] == float(row["p_polarity"])
        place = row_of[f".{station}"]
        assert places.latitude[place] == pytest.approx(float(row["station_lat"]), abs=2e-3)
        assert places.longitude[place] == pytest.approx(float(row["station_lon"]), abs=2e-3)
        assert table.extra["origin_depth_km"][i] == pytest.approx(float(row["origin_depth_km"]), abs=1e-6)
    assert {n.kind for n in notices} <= {"composite", "repeated-station", "unknown-station", "moved-station"}


@pytest.mark.long
def test_the_synthetic_set(reference_data):
    folder = reference_data / "mechanism/synth_northridge_geom"
    table, events, _, notices = read_skhash(folder / "pol.csv", amplitudes=folder / "amp.csv")
    assert len(events) == 120
    first = np.flatnonzero(table.station == "XX.S000")[0]
    assert (table.takeoff_deg[first], table.azimuth_deg[first]) == (pytest.approx(134.95), 51.6)
    ratios = np.isfinite(table.log10_sp)
    assert ratios.sum() > 1000
    assert table.log10_sp[ratios][0] == pytest.approx(np.log10(0.43565))
    assert [n.kind for n in notices if n.kind == "left-out"] == []
