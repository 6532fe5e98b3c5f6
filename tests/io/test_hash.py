"""HASH's formats 1 to 5, in files made up in their columns."""

import csv
import itertools

import numpy as np
import pytest

from diffseis.core.errors import InputError
from diffseis.io import read_hash


def columns(size, **cells):
    """A line with texts in columns: ``c12="text"`` begins in column 12."""
    line = [" "] * size
    for name, text in cells.items():
        at = int(name[1:]) - 1
        line[at : at + len(text)] = text
    return "".join(line).rstrip()


def event_1(name="1001", day="21"):
    start = f"94 1{day}1104155034 1455118E3706 1813"
    return columns(140, c1=start, c35="23", c81="  50", c85=" 110", c123=f"{name:>16}")


def pick_1(station, motion, quality=0, takeoff=121, azimuth=51, sigmas=(" 10", "  1"), channel="VHZ"):
    cells = {
        "c1": station,
        "c6": "P",
        "c7": motion,
        "c8": f"{quality}",
        "c59": " 258",
        "c63": f"{takeoff:3d}",
    }
    return columns(99, **cells, c76=f"{azimuth:3d}", c80=sigmas[0], c84=sigmas[1], c96=channel)


def event_2(name="1001", day="21"):
    return columns(
        165,
        c1=f"1994 1{day}11 415.5034S14.55118 37.0618.13",
        c89=" 0.07",
        c95=" 0.10",
        c140="2.30",
        c150=f"{name:>16}",
    )


def pick_2(station, motion="U", onset="I", channel="VHZ", network="CI"):
    return columns(16, c1=station, c6=network, c10=channel, c14=onset, c16=motion)


END = columns(80, c66="1001")


def station_4(station, channel, network="CI", latitude=-34.2, longitude=-118.4, days="1900/01/01 3000/01/01"):
    return columns(
        92, c1=station, c6=channel, c10="A PLACE", c42=f"{latitude:9.5f}", c52=f"{longitude:10.5f}"
    ) + (f"  1975 {days} {network}      ")


def station_5(station, channel, network="CI", latitude=-34.2, longitude=-118.4):
    head = columns(50, c1=network, c5=station, c11=channel, c16="--", c19="A PLACE 2")
    return f"{head:<50} {latitude:9.5f} {longitude:10.5f}   150 1900/01/01 3000/01/01"


def write(folder, name, *lines):
    (folder / name).write_bytes("\n".join([*lines, ""]).encode("latin-1"))
    return folder / name


def test_format_1(tmp_path):
    """Angles are in the file, from straight down; the uncertainty of the take-off angle stands before that of the azimuth."""
    path = write(
        tmp_path,
        "a.phase",
        event_1(),
        pick_1("ABC", "U"),
        pick_1("LA00", "-", quality=1, takeoff=86, azimuth=216, sigmas=("   ", "  0"), channel="EHZ"),
        pick_1("BAD", "D", quality=2),
        pick_1("SIL", " "),
        pick_1("ODD", "x"),
        END,
        event_1("1002", day="22"),
        pick_1("ABC", "d"),
        END,
    )
    table, events, stations, notices = read_hash(path, 1)
    assert list(table.event_id) == ["1001", "1001", "1002"]
    assert list(table.station) == ["ABC", "LA00", "ABC"]
    np.testing.assert_array_equal(table.polarity, [1.0, -0.5, -1.0])
    np.testing.assert_array_equal(table.takeoff_deg, [121, 86, 121])
    np.testing.assert_array_equal(table.azimuth_deg, [51, 216, 51])
    np.testing.assert_array_equal(table.takeoff_sigma_deg, [10, np.nan, 10])
    np.testing.assert_array_equal(table.azimuth_sigma_deg, [1, np.nan, 1])
    assert list(table.channel) == ["VHZ", "EHZ", "VHZ"]
    assert stations is None
    assert {n.kind: n.count for n in notices} == {"left-out": 2, "no-polarity": 1}
    assert events.time[0] == np.datetime64("1994-01-21T11:04:15.5") == table.time[0]
    assert events.latitude[0] == pytest.approx(34.2425)
    assert events.longitude[0] == pytest.approx(118.617667, abs=1e-6)
    assert (events.depth_km[0], events.magnitude[0]) == (18.13, 2.3)
    assert events.extra["vertical_error_km"][0] == 1.1
    assert events.extra["latitude_error_km"][0] == 0.5


@pytest.fixture
def by_name(tmp_path):
    """A phase file of format 2 and a list with its stations."""
    phases = write(
        tmp_path,
        "b.phase",
        event_2(),
        pick_2("ABC"),
        pick_2("ABC", motion="D", channel="HHZ"),
        pick_2("LA00", motion="-", onset="E", channel="ELZ"),
        pick_2("NET", motion="+", network="XY"),
        pick_2("NO", motion="+"),
        pick_2("SIL", motion="."),
        END,
        event_2("1002", day="22"),
        pick_2("ABC", motion="d", onset="e"),
        END,
    )
    stations = write(
        tmp_path,
        "stations",
        station_4("ABC", "BHZ", latitude=-30.0),
        station_4("ABC", "EHZ", days="1976/07/31 1994/01/22"),
        station_4("LA00", "ELE", longitude=-118.5).replace("A PLACE", "CA\xd1ON"),
        station_4("NET", "VHZ"),
        "a line that is none",
    )
    return phases, stations


def test_formats_2_and_3_have_no_angles(by_name):
    table, events, stations, _ = read_hash(by_name[0], 2)
    assert list(table.station) == ["CI.ABC", "CI.ABC", "CI.LA00", "XY.NET", "CI.NO", "CI.ABC"]
    np.testing.assert_array_equal(table.polarity, [1, -1, -0.5, 1, 1, -0.5])
    assert np.isnan(table.takeoff_deg).all()
    assert np.isnan(table.azimuth_deg).all()
    assert stations is None
    assert list(events.event_id) == ["1001", "1002"]
    assert events.latitude[0] == pytest.approx(-34.2425)
    assert events.longitude[0] == pytest.approx(-118.617667, abs=1e-6)
    assert (events.depth_km[0], events.magnitude[0]) == (18.13, 2.3)
    assert events.extra["vertical_error_km"][0] == 0.1


def test_stations_are_found_by_the_band_of_the_channel(by_name):
    """V and E are one, the third letter does not matter, the network does, and an epoch that holds comes first."""
    table, _, stations, notices = read_hash(by_name[0], 2, stations=by_name[1])
    assert list(table.station) == ["CI.ABC", "CI.LA00", "CI.ABC"]
    assert list(stations.ids) == ["CI.ABC", "CI.LA00"]
    np.testing.assert_array_equal(stations.latitude, [-34.2, -34.2])
    np.testing.assert_array_equal(stations.longitude, [-118.4, -118.5])
    np.testing.assert_array_equal(stations.elevation_m, [1975, 1975])
    unknown = next(n for n in notices if n.kind == "unknown-station")
    assert unknown.count == 3
    assert "XY.NET" in unknown.message
    assert sum(n.count for n in notices if n.kind == "left-out") == 1


def test_reversals(by_name, tmp_path):
    """The last day counts, zeros are open ends, and a station may have several times."""
    listed = write(
        tmp_path, "reversed", "ABC  19940101 19940121", "LA00 0        0", "LA00 19930101 19930102", "X 1", ""
    )
    table, _, _, notices = read_hash(by_name[0], 2, reversals=listed)
    np.testing.assert_array_equal(table.polarity, [-1, 1, 0.5, 1, 1, -0.5])
    assert {n.kind: n.count for n in notices if n.file == str(listed)} == {"reversed": 3, "left-out": 1}


def amplitude(station, p, s, noise=(1.0, 2.0), channel="EHZ", network="CI"):
    return f"{station:4s} {channel} {network}   36.53   28.30 {noise[0]:10.3f} {noise[1]:10.3f} {p:10.3f} {s:10.3f}"


def test_amplitudes(by_name, tmp_path):
    """Ratios are rows of their own; a weak P or S leaves them out, corrections are taken off."""
    amplitudes = write(
        tmp_path,
        "c.amp",
        "1001   5",
        amplitude("ABC", -10, 100),
        amplitude("ABC", 2.9, 100),
        amplitude("LA00", 10, 5.9),
        amplitude("LA00", 0, 50, noise=(0, 0), channel="ELZ"),
        amplitude("LA00", 20, 40, channel="ELZ"),
        "999   1",
        amplitude("ABC", 10, 100),
    )
    table, _, _, notices = read_hash(by_name[0], 3, amplitudes=amplitudes)
    there = np.isfinite(table.log10_sp)
    np.testing.assert_allclose(table.log10_sp[there], [1.0, np.log10(2)])
    assert list(table.channel[there]) == ["EHZ", "ELZ"]
    assert np.isnan(table.polarity[there]).all()
    assert next(n.count for n in notices if n.kind == "weak-amplitude") == 3
    assert np.isfinite(read_hash(by_name[0], 3, amplitudes=amplitudes, min_snr=2.0)[0].log10_sp).sum() == 4
    terms = write(tmp_path, "c.cor", "ABC   VHZ CI  0.2500", "short 1")
    table, _, _, notices = read_hash(by_name[0], 3, amplitudes=amplitudes, corrections=terms)
    np.testing.assert_allclose(table.log10_sp[np.isfinite(table.log10_sp)], [0.75])
    assert next(n.count for n in notices if n.kind == "no-correction") == 1
    assert next(n.count for n in notices if n.kind == "other-event") == 1


def test_format_4(tmp_path):
    """Lines of S have no P motion; an event begins where a line begins with its time, without a line between."""
    start = "199401211104154734S1446118 3606 2132"
    event = lambda name: columns(150, c1=start, c131=f"{name:>16}", c148="230")
    pick = lambda station, motion, flags="iP": columns(
        60, c1=station, c6="CI", c9="VVHZ", c14=flags, c16=motion, c17="0199401211104 2050"
    )
    path = write(
        tmp_path,
        "d.phase",
        event("7"),
        pick("ABC", "U"),
        pick("ABC", ".", "eP"),
        columns(60, c1="ABC", c6="CI", c9="NBLN", c18="199401211104", c43="2854eS"),
        event("8"),
        pick("5062X", "d", "eP"),
    )
    stations = write(tmp_path, "five", station_5("ABC", "EHZ"), station_5("5062X", "VHE", longitude=-118.9))
    table, events, places, notices = read_hash(path, 4, stations=stations)
    assert list(table.event_id) == ["7", "8"]
    assert list(table.station) == ["CI.ABC", "CI.5062X"]
    np.testing.assert_array_equal(table.polarity, [1, -0.5])
    np.testing.assert_array_equal(places.longitude, [-118.4, -118.9])
    assert events.latitude[0] == pytest.approx(-34.241)
    assert (events.depth_km[0], events.magnitude[1]) == (21.32, 2.3)
    assert [n.kind for n in notices] == ["no-polarity"]


def test_format_5(tmp_path, by_name):
    """Angles and hypocentres are SIMULPS's; a zero among its uncertainties is less than half a degree."""
    angle = lambda station, azimuth, takeoff, sigmas: columns(
        73, c2=station, c7=" 25.9", c12=f"{azimuth:4d}", c16=f"{takeoff:4d}", c66=sigmas
    )
    simulps = write(
        tmp_path,
        "e.simul",
        "a title",
        "",
        "  DATE    ORIGIN   LATITUDE LONGITUDE  DEPTH  MAG",
        columns(70, c2="94 121 11 4 15.60 34S14.60 118 37.00  17.50   2.30 20 1001"),
        "",
        "  STN  DIST  AZ TOA",
        angle("ABC", 50, 118, "  2.  1."),
        angle("LA0", 216, 86, "  0.  0."),
        "",
    )
    table, events, _, notices = read_hash(by_name[0], 5, angles=simulps)
    assert list(table.station) == ["CI.ABC", "CI.ABC", "CI.LA00"]
    np.testing.assert_array_equal(table.azimuth_deg, [50, 50, 216])
    np.testing.assert_array_equal(table.takeoff_deg, [118, 118, 86])
    np.testing.assert_array_equal(table.azimuth_sigma_deg, [2, 2, 0.5])
    np.testing.assert_array_equal(table.takeoff_sigma_deg, [1, 1, 0.5])
    assert events.depth_km.tolist() == [17.5, 18.13]
    assert {n.kind: n.count for n in notices} == {
        "no-angles": 3,
        "short-name": 1,
        "no-polarity": 1,
        "repeated-station": 1,
    }


def test_what_does_not_belong_together_is_refused(by_name, tmp_path):
    for wrong in (
        {"kind": 6},
        {"kind": 5},
        {"kind": 2, "angles": by_name[1]},
        {"kind": 3, "corrections": by_name[1]},
    ):
        with pytest.raises(InputError) as refused:
            read_hash(by_name[0], **wrong)
        assert refused.value.field in ("kind", "angles", "amplitudes")
    with pytest.raises(InputError):
        read_hash(by_name[1], 2)
    empty = write(tmp_path, "none", event_2(), END)
    with pytest.raises(InputError, match="no observation"):
        read_hash(empty, 2)


def test_lines_under_a_damaged_event_are_not_given_to_the_one_before(tmp_path):
    bad = event_2("1002").replace("118 37.06", "118 xx.06")
    path = write(
        tmp_path, "f.phase", event_2(), pick_2("ABC"), bad, pick_2("DEF"), END, event_2("1003"), pick_2("ABC")
    )
    table, events, _, notices = read_hash(path, 2)
    assert list(table.event_id) == ["1001", "1003"]
    assert list(events.event_id) == ["1001", "1003"]
    assert next(n.count for n in notices if n.kind == "left-out") == 2


@pytest.mark.long
def test_the_rays_of_northridge(reference_data, tmp_path):
    """SKHASH's list of HASH's first example, whose take-off angles are from up, written in the columns of format 1 and read."""
    with (reference_data / "mechanism/northridge_flat/example1_obs.csv").open() as stream:
        expected = list(csv.DictReader(stream))
    lines = []
    for name, rows in itertools.groupby(expected, key=lambda row: row["event_id"]):
        lines.append(event_1(name))
        for row in rows:
            weight = float(row["p_polarity"])
            station, _, channel = row["sta_code"].partition(".")
            angles = 180 - round(float(row["takeoff"])), round(float(row["azimuth"]))
            sigmas = tuple(f"{float(row[f'{of}_uncertainty']):3.0f}" for of in ("takeoff", "azimuth"))
            lines.append(
                pick_1(
                    station, "U" if weight > 0 else "D", 1 if abs(weight) < 1 else 0, *angles, sigmas, channel
                )
            )
        lines.append(END)
    table, events, _, notices = read_hash(write(tmp_path, "north.phase", *lines), 1)
    assert (len(table), len(events)) == (1039, 24)
    assert list(table.event_id) == [row["event_id"] for row in expected]
    np.testing.assert_array_equal(table.polarity, [float(row["p_polarity"]) for row in expected])
    np.testing.assert_array_equal(table.takeoff_deg, [180 - float(row["takeoff"]) for row in expected])
    np.testing.assert_array_equal(table.azimuth_deg, [float(row["azimuth"]) for row in expected])
    np.testing.assert_array_equal(
        np.nan_to_num(table.takeoff_sigma_deg), [float(row["takeoff_uncertainty"]) for row in expected]
    )
    assert {n.kind for n in notices} <= {"repeated-station"}
