"""Bulletins in: what ObsPy reads, what it does not, and what is refused."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from diffseis.core.errors import InputError
from diffseis.core.tables import StationTable
from diffseis.io import assign_networks, read_events, read_nordic_bulletin, read_stationxml, sniff_format

OBSPY = Path(importlib.util.find_spec("obspy").origin).parent
SELECT = OBSPY / "io/nordic/tests/data/select.out"

needs_select = pytest.mark.skipif(not SELECT.exists(), reason="this ObsPy comes without its NORDIC test data")


@pytest.fixture(scope="module")
def bulletin():
    return read_nordic_bulletin(SELECT, keep_unweighted=True)


@needs_select
def test_the_alpine_fault_bulletin(bulletin):
    picks, events, notices = bulletin
    assert len(events) == 50
    assert (np.sum(picks.phase == "P"), np.sum(picks.phase == "S")) == (230, 213)
    assert len(set(picks.station)) == 21
    assert len(set(events.event_id)) == 50
    assert {n.kind for n in notices} == {"not-phases", "default-uncertainty"}
    # The first event and its first reading, as they stand in the file.
    assert events.time[0] == np.datetime64("2013-09-01T04:11:15.7")
    assert (events.latitude[0], events.longitude[0], events.depth_km[0]) == (-43.340, 170.376, 8.5)
    assert (events.extra["gap_deg"][0], events.extra["rms_s"][0]) == (86, 0.2)
    assert events.extra["latitude_error_km"][0] == pytest.approx(1.2, rel=1e-3)
    assert events.extra["longitude_error_km"][0] == pytest.approx(1.6, rel=1e-3)
    assert events.extra["vertical_error_km"][0] == pytest.approx(3.2)
    assert (picks.station[0], picks.phase[0]) == ("GCSZ", "P")
    assert picks.time[0] == np.datetime64("2013-09-01T04:11:17.24")
    assert picks.extra["distance_km"][0] == pytest.approx(4.0)
    assert picks.extra["azimuth_deg"][0] == 304
    assert picks.extra["residual_s"][0] == 0.06


@needs_select
def test_analysts_weights_become_errors(bulletin):
    """Weight 0 to 3 widens the default error; a pick of weight 4 is only kept where that is asked for."""
    picks = bulletin[0]
    quality = picks.extra["quality_weight"]
    expected = np.where(picks.phase == "P", 0.1, 0.2) / np.maximum(quality, 0.1)
    np.testing.assert_allclose(picks.uncertainty_s, expected)
    kept, _, notices = read_events(SELECT)
    assert len(kept) == np.sum(quality > 0)
    assert next(n.count for n in notices if n.kind == "zero-weight") == np.sum(quality == 0)


@needs_select
def test_nordic_without_obspy_detection(tmp_path):
    """The format follows from our own look at the first bytes, or from the name."""
    assert sniff_format(SELECT) == "NORDIC"
    (tmp_path / "x.nordic").write_bytes(b"nothing known\n")
    assert sniff_format(tmp_path / "x.nordic") == "NORDIC"
    with pytest.raises(InputError, match="NORDIC"):
        read_events(tmp_path / "x.nordic")
    (tmp_path / "x.dat").write_bytes(b"nothing known\n")
    with pytest.raises(InputError) as refused:
        read_events(tmp_path / "x.dat")
    assert refused.value.field == "format"
    assert "NLLOC_OBS" in refused.value.fix


OBS = """# station ins cmp on pha fm date hrmn sec err
UH1 ? ? ? P ? 20100527 1656 26.1300 GAU 2.00e-02 -1 -1 -1
UH1 ? ? ? S ? 20100527 1656 61.5 GAU 3.00e-02 -1 -1 -1

UH2 BW ? ? Pn ? 20100527 1800 02.0400 GAU -1 -1 -1 -1
UH3 BW ? ? Sg ? 20100527 1800 05.0400 GAU 0.0 -1 -1 -1"""


def test_nonlinloc_obs_keeps_the_last_event_and_replaces_impossible_errors(tmp_path):
    path = tmp_path / "picks.obs"
    path.write_text(OBS)
    picks, events, notices = read_events(path, default_uncertainty_s={"P": 0.05, "S": 0.15})
    assert list(events.event_id) == ["event00001", "event00002"]
    assert list(picks.event_id) == ["event00001"] * 2 + ["event00002"] * 2
    assert picks.time[1] == np.datetime64("2010-05-27T16:57:01.5")
    np.testing.assert_allclose(picks.uncertainty_s, [0.02, 0.03, 0.05, 0.15])
    assert list(picks.phase) == ["P", "S", "P", "S"]
    assert list(picks.network) == ["", "", "BW", "BW"]
    assert notices[0].count == 2


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("20100527 1656", "20101327 1656", "time"),
        ("26.1300", "abc", "time"),
        ("26.1300", "inf", "time"),
        ("2.00e-02", "x", "error"),
        ("1656 26.1300 GAU 2.00e-02 -1 -1 -1", "", "phase line"),
    ],
)
def test_nonlinloc_obs_refusals(tmp_path, old, new, field):
    path = tmp_path / "picks.obs"
    path.write_text(OBS.replace(old, new, 1))
    with pytest.raises(InputError) as refused:
        read_events(path, "NLLOC_OBS")
    assert (refused.value.field, refused.value.line) == (field, 2)


def test_hypodd_phases(tmp_path):
    path = tmp_path / "x.pha"
    path.write_text(
        "# 2025 5 14 14 35 35.51 40.2254 10.4496 9.408 3.5 0.5 0.4 0.1 2020\n"
        "FUR 3.522 1.0 P\nWET 5.862 0.5 S\nX 1.0 0.0 P\n"
    )
    picks, events, _ = read_events(path)
    assert list(picks.station) == ["FUR", "WET"]
    np.testing.assert_allclose(picks.uncertainty_s, [0.1, 0.4])
    assert picks.time[0] == np.datetime64("2025-05-14T14:35:39.032")
    assert (events.event_id[0], events.depth_km[0], events.magnitude[0]) == ("2020", 9.408, 3.5)


def _columns(width, **cells):
    """A line with texts that start at given (1-based) columns: c18="...", and so on."""
    line = [" "] * width
    for name, text in cells.items():
        at = int(name[1:]) - 1
        line[at : at + len(text)] = text
    return "".join(line)


def arc():
    summary = _columns(
        164,
        c1="201610140000",
        c13="0811",
        c17="42",
        c20="4896",
        c24=" 13",
        c27="E",
        c28="1335",
        c32=" 1080",
        c43=" 86",
        c49="  12",
        c86="  35",
        c90="  80",
        c137="      4711",
        c148="140",
    )
    both = _columns(
        112,
        c1="T1245",
        c6="IV",
        c14="IP",
        c17="1",
        c18="201610140000",
        c30=" 1051",
        c35="  -3",
        c39="100",
        c42=" 1234",
        c47="ES",
        c50="2",
        c51="  10",
        c64=" 90",
        c75=" 123",
        c79="104",
        c92=" 45",
    )
    return "\n".join([summary, "$ shadow", both, "$ shadow", _columns(72, c63="      4711"), ""])


def test_hypoinverse_archive(tmp_path):
    path = tmp_path / "x.arc"
    path.write_text(arc())
    picks, events, _ = read_events(path)
    assert events.event_id[0] == "4711"
    assert events.time[0] == np.datetime64("2016-10-14T00:00:08.11")
    assert events.latitude[0] == pytest.approx(42 + 48.96 / 60)
    assert events.longitude[0] == pytest.approx(13 + 13.35 / 60)
    assert (events.depth_km[0], events.magnitude[0]) == (10.8, 1.4)
    assert events.extra["vertical_error_km"][0] == 0.8
    assert list(picks.phase) == ["P", "S"]
    assert picks.time[1] == np.datetime64("2016-10-14T00:00:12.34")
    np.testing.assert_allclose(picks.extra["distance_km"], 12.3)
    np.testing.assert_allclose(picks.extra["residual_s"], [-0.03, 0.1])
    np.testing.assert_allclose(picks.uncertainty_s, [0.1 / 0.75, 0.4])
    path.write_text(arc().replace("201610140000", "201610990000"))
    with pytest.raises(InputError) as refused:
        read_events(path)
    assert (refused.value.line, refused.value.field) == (1, "time")


def test_networks_are_filled_in_where_they_are_clear(tmp_path):
    (tmp_path / "picks.obs").write_text(OBS)
    picks = read_events(tmp_path / "picks.obs")[0]
    names = lambda *values: np.array(values, dtype=object)
    zero = np.zeros(3)
    stations = StationTable(names("BW", "BW", "GR"), names("UH1", "UH2", "UH2"), zero, zero, zero)
    filled, notices = assign_networks(picks, stations)
    assert list(filled.network) == ["BW", "BW", "BW", "BW"]
    assert notices == []
    shared = StationTable(names("BW", "GR"), names("UH1", "UH1"), zero[:2], zero[:2], zero[:2])
    filled, notices = assign_networks(picks, shared)
    assert list(filled.network) == ["", "", "BW", "BW"]
    assert notices[0].count == 2


STATIONXML = """<?xml version="1.0" encoding="UTF-8"?>
<FDSNStationXML xmlns="http://www.fdsn.org/xml/station/1" schemaVersion="1.1"><Source>t</Source>
<Created>2020-01-01T00:00:00Z</Created><Network code="XX">
<Station code="AAA" startDate="2010-01-01T00:00:00Z" endDate="2015-01-01T00:00:00Z"><Latitude>42.5</Latitude>
<Longitude>12.7</Longitude><Elevation>500</Elevation><Site><Name>a</Name></Site></Station>
<Station code="AAA" startDate="2015-01-01T00:00:00Z"><Latitude>42.6</Latitude><Longitude>12.7</Longitude>
<Elevation>600</Elevation><Site><Name>a</Name></Site></Station>
<Station code="BBB"><Latitude>42.5</Latitude>
<Longitude>12.8</Longitude><Elevation>500</Elevation><Site>
<Name>b</Name></Site><Channel code="HHZ" locationCode=""><Latitude>42.5</Latitude>
<Longitude>12.8</Longitude><Elevation>380</Elevation><Depth>120</Depth></Channel></Station></Network></FDSNStationXML>"""


def test_stationxml(tmp_path):
    path = tmp_path / "s.xml"
    path.write_text(STATIONXML)
    stations, notices = read_stationxml(path)
    assert list(stations.ids) == ["XX.AAA", "XX.AAA", "XX.BBB"]
    assert list(stations.elevation_m) == [500, 600, 380]
    assert stations.extra["end"][0] == np.datetime64("2015-01-01")
    assert np.isnat(stations.extra["end"][1])
    assert notices == []
    path.write_text(
        STATIONXML.replace('startDate="2015-01-01T00:00:00Z"', 'startDate="2012-01-01T00:00:00Z"')
    )
    with pytest.raises(InputError, match="another place"):
        read_stationxml(path)
    path.write_text(STATIONXML.replace("<Elevation>500", "<Elevation>50000", 1))
    with pytest.raises(InputError) as refused:
        read_stationxml(path)
    assert refused.value.field == "Elevation"


@pytest.mark.parametrize("reader", [read_stationxml, read_events])
def test_xml_tricks_are_refused_before_any_parser(tmp_path, reader):
    secret = tmp_path / "secret"
    secret.write_text("42.5")
    head = '<?xml version="1.0"?>\n'
    bomb = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10 if i else "x" * 10}">' for i in range(9))
    tricks = [
        f'{head}<!DOCTYPE x [{bomb}]><q:quakeml xmlns:q="http://quakeml.org/xmlns/quakeml/1.2">&a8;</q:quakeml>',
        f'{head}<!DOCTYPE x [<!ENTITY e SYSTEM "file://{secret}">]><quakeml>&e;</quakeml>',
        f'{head}<!DOCTYPE quakeml SYSTEM "http://localhost/x.dtd"><quakeml/>',
    ]
    for trick in tricks:
        (tmp_path / "x.qml").write_text(trick)
        with pytest.raises(InputError) as refused:
            reader(tmp_path / "x.qml")
        assert refused.value.line == 2
    (tmp_path / "x.qml").write_bytes("<quakeml/>".encode("utf-16"))
    with pytest.raises(InputError, match="UTF-8"):
        reader(tmp_path / "x.qml", *(["QUAKEML"] if reader is read_events else []))


def test_nothing_is_unpickled(tmp_path):
    """A crafted pickle under every name that a reader might be given stays bytes."""
    marker = tmp_path / "ran"
    payload = b"cos\nsystem\n(S'touch " + str(marker).encode() + b"'\ntR.obspy.core.stream"
    for name in ("a.mseed", "a.xml", "a.qml", "a.out", "a.pha", "a.hyp", "a.obs", "a.arc", "a.csv"):
        (tmp_path / name).write_bytes(payload)
        for reader in (read_events, read_stationxml):
            with pytest.raises(InputError):
                reader(tmp_path / name)
    assert not marker.exists()
