"""First motions of HYPO71 listings, NonLinLoc location files and QuakeML."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from diffseis.core.errors import InputError
from diffseis.io import (
    read_fpfit,
    read_fpfit_solutions,
    read_hypoinverse_polarities,
    read_nonlinloc_hyp,
    read_quakeml_polarities,
)
from tests.io import ray_files as files

OBSPY = Path(importlib.util.find_spec("obspy").origin).parent

LISTING = """1 TITLE
  DATE    ORIGIN    LAT N    LONG W    DEPTH    MAG NO DM GAP M  RMS  ERH  ERZ Q
 920513 1021  5.51 36-40.36 121E10.35   7.25   2.31 20  3  90

  STN  DIST AZM AIN PRMK HRMN P-SEC
 ABC    6.3 123  98 IPU0 1021  7.10
 DEF   10.3  23 101 EPD1 1021  8.10
 GHI   12.3 223  51 EP-2 1021  9.10
 JKL   12.3 223  51 EP 4 1021  9.10
 MNO   12.3 223  51 IPC4 1021  9.10
 PQR   12.3 223 251 IPU0 1021  9.10

  DATE    ORIGIN    LAT N    LONG W    DEPTH    MAG NO DM GAP M  RMS  ERH  ERZ Q
 920514 1021  5.51 36S40.36 121-10.35   7.25   2.31 20  3  90

  STN  DIST AZM AIN PRMK HRMN P-SEC
 ABC    6.3 123  98 IP+3 1021  7.10
"""

HYP = """NLLOC "./loc/net.20060715.172120.grid0" "LOCATED" "Location completed."
GEOGRAPHIC  OT 2006 07 15  17 21 20.195670  Lat 51.657659 Long 7.736781 Depth 1.43359
TRANSFORM  LAMBERT RefEllipsoid Clarke-1880  LatOrig 51.656300  LongOrig 7.742580
PHASE ID Ins Cmp On Pha  FM Date     HrMn   Sec     Err  ErrMag    Coda      Amp       Per  >   TTpred    Res
AB   XX   HHZ  I P      U 20060715 1721     20.63 GAU 0.05 -1 -1 -1 >  0.4 0.1 0.9 -0.05 0.02 0.0 0.36 109.48 111.0 120.5  9 0.0
CD   ?    ?    E Pg     d 20060715 1721     20.63 GAU 0.05 -1 -1 -1 >  0.4 0.1 0.9 -0.05 0.02 0.0 0.36 200.10   0.0  -1.0  0 0.0
EF   ?    ?    ? P      - 20060715 1721     20.63 GAU 0.05 -1 -1 -1 1.0 >  0.4 0.1 0.9 -0.05 0.02 0.0 0.36 20.10 19.0 80.0 10 0.0 0.6
GH   ?    ?    I P      ? 20060715 1721     20.63 GAU 0.05 -1 -1 -1 >  0.4 0.1 0.9 -0.05 0.02 0.0 0.36 200.10   0.0  -1.0  0 0.0
GH   ?    ?    I S      C 20060715 1721     20.63 GAU 0.05 -1 -1 -1 >  0.4 0.1 0.9 -0.05 0.02 0.0 0.36 200.10   0.0  -1.0  0 0.0
IJ   ?    ?    I P      C 20060715 1721     20.63 GAU 0.05 -1 -1 -1 >  0.4 0.1 0.9 -0.05 0.02 0.0 0.36 20.10 19.0 280.0 10 0.0
END_PHASE
END_NLLOC

NLLOC "b" "LOCATED" "Location completed."
PUBLIC_ID smi:local/second
GEOGRAPHIC  OT 2006 07 16  17 21 60.0  Lat 53.0 Long 44.0 Depth 1.5
TRANSFORM  NONE
PHASE ID Ins Cmp On Pha  FM Date     HrMn   Sec     Err  ErrMag    Coda      Amp       Per  >   TTpred    Res
AB   XX   HHZ  I P      c 20060715 1721     20.63 GAU 0.05 -1 -1 -1 >  0.4 0.1 0.9 -0.05 0.02 0.0 0.36 109.48 111.0 120.5  9 0.0
END_PHASE
END_NLLOC
"""


def write(folder, name, text):
    (folder / name).write_text(text)
    return folder / name


def test_a_listing_of_hypo71(tmp_path):
    table, events, notices = read_fpfit(write(tmp_path, "hypo.prt", LISTING))
    assert list(table.station) == ["ABC", "DEF", "GHI", "ABC"]
    assert list(events.event_id) == ["19920513T102105", "19920514T102105"]
    assert list(table.event_id) == [events.event_id[0]] * 3 + [events.event_id[1]]
    np.testing.assert_array_equal(table.polarity, [1, -0.75, -0.25, 0.125])
    np.testing.assert_array_equal(table.azimuth_deg, [123, 23, 223, 123])
    np.testing.assert_array_equal(table.takeoff_deg, [98, 101, 51, 98])
    np.testing.assert_allclose(events.latitude, [36 + 40.36 / 60, -36 - 40.36 / 60])
    np.testing.assert_allclose(events.longitude, [121 + 10.35 / 60, -121 - 10.35 / 60])
    assert events.depth_km.tolist() == [7.25, 7.25]
    assert events.magnitude.tolist() == [2.31, 2.31]
    assert events.time[0] == np.datetime64("1992-05-13T10:21:05.51")
    assert {n.kind: n.count for n in notices} == {"left-out": 2, "no-polarity": 1}


def test_rows_under_a_damaged_hypocentre(tmp_path):
    broken = LISTING.replace(" 920513 1021", " 92x513 1021")
    table, events, notices = read_fpfit(write(tmp_path, "hypo.prt", broken))
    assert list(table.event_id) == list(events.event_id) == ["19920514T102105"]
    assert next(n.count for n in notices if n.kind == "left-out") == 6


def test_an_archive_of_hypoinverse(tmp_path):
    lines = files.ARCHIVE.decode().splitlines()
    lines[3] = lines[3].replace("IPD1", "EP-3")
    lines[4] = lines[4].replace("IPU1", "IP 1")
    lines[5] = lines[5].replace("IPD1", "IPD4")
    lines[6] = lines[6].replace("104", "   ")
    table, events, notices = read_hypoinverse_polarities(
        write(tmp_path, "a.arc", "\n".join([*lines, lines[7]]))
    )
    assert list(table.station) == ["IV.S00", "IV.S01", "IV.S04", "IV.S05"]
    np.testing.assert_array_equal(table.polarity, [0.75, -0.125, 0.75, -0.75])
    np.testing.assert_array_equal(table.azimuth_deg, [45, 45, np.nan, 45])
    np.testing.assert_array_equal(table.takeoff_deg, [104, 104, np.nan, 104])
    assert (table.channel[0], table.extra["location"][0]) == ("HHZ", "00")
    assert list(events.event_id) == ["4711"]
    assert (events.depth_km[0], events.magnitude[0]) == (10.8, 1.4)
    assert {n.kind: n.count for n in notices} == {"left-out": 2, "no-polarity": 1}


CARD = "940121 1104 15.50 34 14.55 118E37.06  18.13   2.30 31  60  5.0 0.05  0.1  0.2  L 235 60 -90"


@pytest.mark.parametrize("century", ["", "19"])
def test_planes_of_fpfit(tmp_path, century):
    """With or without the century, which shifts the columns; the direction of dip becomes a strike."""
    lines = [
        century + CARD,
        century + CARD[:81] + "999 60 -90",
        "",
        century + CARD[:78],
        "a line that is none",
    ]
    found, notices = read_fpfit_solutions(write(tmp_path, "a.fps", "\n".join(lines)))
    assert [m.strike_dip_rake_deg for m in found] == [(145.0, 60.0, -90.0)]
    assert (found[0].event_id, found[0].magnitude, found[0].depth_km) == ("19940121T110415", 2.3, 18.13)
    assert found[0].latitude == pytest.approx(34.2425)
    assert found[0].longitude == pytest.approx(118.617667, abs=1e-6)
    assert [(n.kind, n.count) for n in notices] == [("left-out", 3)]
    with pytest.raises(InputError):
        read_fpfit_solutions(write(tmp_path, "b.fps", "nothing"))


def test_nonlinloc_angles_need_a_quality(tmp_path):
    """At quality 0 both angles are missing; versions with and without a prior weight have the same columns after it."""
    table, events, notices = read_nonlinloc_hyp(write(tmp_path, "a.hyp", HYP))
    assert list(table.station) == ["XX.AB", "CD", "EF", "XX.AB"]
    assert list(table.channel) == ["HHZ", "", "", "HHZ"]
    np.testing.assert_array_equal(table.polarity, [1, -0.5, -0.5, 1])
    np.testing.assert_array_equal(table.azimuth_deg, [111, np.nan, 19, 111])
    np.testing.assert_array_equal(table.takeoff_deg, [120.5, np.nan, 80, 120.5])
    np.testing.assert_array_equal(table.extra["station_azimuth_deg"], [109.48, 200.1, 20.1, 109.48])
    np.testing.assert_array_equal(table.extra["ray_quality"], [9, 0, 10, 9])
    assert list(events.event_id) == ["net.20060715.172120", "second"]
    np.testing.assert_array_equal(events.latitude, [51.657659, np.nan])
    assert events.time[1] == np.datetime64("2006-07-16T17:22:00")
    assert {n.kind: n.count for n in notices} == {"left-out": 1, "no-polarity": 1, "no-place": 1}


@pytest.mark.skipif(
    not (OBSPY / "io/nlloc/tests/data/nlloc.hyp").exists(), reason="ObsPy without its test data"
)
def test_files_of_nonlinloc():
    """As ObsPy's tests have them: one with first motions, one whose picks have none."""
    table, events, _ = read_nonlinloc_hyp(OBSPY / "io/nlloc/tests/data/nlloc.hyp")
    assert (len(table), len(events)) == (5, 1)
    assert np.isnan(table.takeoff_deg).all()
    with pytest.raises(InputError, match="none with a first motion"):
        read_nonlinloc_hyp(OBSPY / "io/nlloc/tests/data/nlloc_custom.hyp")


@pytest.fixture
def quakeml(tmp_path):
    """An event with picks of all polarities, two of them with angles."""
    from obspy import UTCDateTime
    from obspy.core.event import Arrival, Catalog, Event, Origin, Pick, WaveformStreamID

    time = UTCDateTime(2020, 1, 2, 3, 4, 5)

    def pick(code, polarity, onset=None, phase="P"):
        stream = WaveformStreamID(network_code="XX", station_code=code, channel_code="HHZ")
        return Pick(time=time + 1, waveform_id=stream, phase_hint=phase, polarity=polarity, onset=onset)

    picks = [
        pick("AB", "positive", "impulsive"),
        pick("CD", "negative", "emergent"),
        pick("EF", "negative"),
        pick("GH", "undecidable"),
        pick("IJ", None),
        pick("AB", "positive", phase="S"),
        pick("", "positive"),
        pick("KL", "positive"),
    ]
    angles = {0: (350.0, 120.0), 1: (10.0, None), 7: (10.0, 190.0)}
    arrivals = [
        Arrival(pick_id=picks[k].resource_id, phase="P", azimuth=azimuth, takeoff_angle=takeoff)
        for k, (azimuth, takeoff) in angles.items()
    ]
    origin = Origin(time=time, latitude=10.0, longitude=20.0, depth=5000.0, arrivals=arrivals)
    event = Event(resource_id="smi:local/event/one", picks=picks, origins=[origin])
    Catalog([event]).write(str(tmp_path / "a.xml"), format="QUAKEML")
    return tmp_path / "a.xml"


def test_quakeml(quakeml):
    table, events, notices = read_quakeml_polarities(quakeml)
    assert list(table.station) == ["XX.AB", "XX.CD", "XX.EF"]
    assert list(table.channel) == ["HHZ"] * 3
    np.testing.assert_array_equal(table.polarity, [1, -0.5, -1])
    np.testing.assert_array_equal(table.azimuth_deg, [350, np.nan, np.nan])
    np.testing.assert_array_equal(table.takeoff_deg, [120, np.nan, np.nan])
    assert list(events.event_id) == ["one"] == list(set(table.event_id))
    assert events.depth_km[0] == 5.0
    assert table.time[0] == events.time[0] == np.datetime64("2020-01-02T03:04:05")
    assert {n.kind: n.count for n in notices} == {"left-out": 2, "no-polarity": 2}
