"""CSV in: what is accepted, what is refused, and that every refusal names file, field and fix."""

import gzip

import numpy as np
import pytest

from diffseis.core.errors import InputError
from diffseis.io import (
    read_config,
    read_picks_csv,
    read_stations_csv,
    read_velocity_csv,
    read_velocity_taup,
    resolve_epochs,
)

PICK_HEAD = "event_id,network,station,phase,time,uncertainty_s,probability"
PICK = "e1,IV,ARRO,P,2016-10-14T00:00:10.51Z,0.05,0.9"
STATION_HEAD = "network,station,latitude,longitude,elevation_m"
STATION = "IV,ARRO,42.5792,12.7657,253.0"


@pytest.fixture
def write(tmp_path):
    def _write(*lines, name="input.csv", end="\n"):
        path = tmp_path / name
        path.write_bytes(end.join([*lines, ""]).encode())
        return path

    return _write


def test_picks_are_read_exactly(write):
    rows = [
        "e1,IV,ARRO,Pn,2016-10-14T00:00:10.510000001Z,0.05,0.9,big",
        "e1,IV,CAMP,sg,2016-10-14 00:00:12,0.1,,small",
        "e2,,X1,PmP,2016-10-14T02:00:10.5+02:00,1e-1,0.5,",
    ]
    picks, notices = read_picks_csv(write(PICK_HEAD + ",Amplitude", *rows))
    assert notices == []
    assert list(picks.phase) == ["P", "S", "PmP"]
    assert list(picks.extra["phase_label"]) == ["Pn", "sg", "PmP"]
    assert list(picks.extra["amplitude"]) == ["big", "small", ""]
    assert picks.time[0] == np.datetime64("2016-10-14T00:00:10.510000001")
    assert picks.time[2] == np.datetime64("2016-10-14T00:00:10.5")
    assert np.isnan(picks.probability[1])
    np.testing.assert_array_equal(picks.uncertainty_s, [0.05, 0.1, 0.1])


def test_picks_tolerate_layout(write):
    """Byte-order mark, CRLF, comments, blank lines, order and case of columns, gzip."""
    text = [
        "\ufeff# made by hand",
        "",
        "TIME,Station,NETWORK,phase,event_id,Uncertainty_s",
        "# more",
        "2016-10-14T00:00:10.51,ARRO,IV,P,e1,0.05",
    ]
    plain = read_picks_csv(write(*text, end="\r\n"))[0]
    assert (plain.station[0], plain.uncertainty_s[0]) == ("ARRO", 0.05)
    packed = write("x", name="p.csv.gz")
    packed.write_bytes(gzip.compress("\n".join(text).encode()))
    assert read_picks_csv(packed)[0].time[0] == plain.time[0]


def test_header_only_is_an_empty_table_with_a_reason(write):
    picks, notices = read_picks_csv(write(PICK_HEAD))
    assert len(picks) == 0
    assert notices[0].kind == "empty"


@pytest.mark.parametrize("bad", ["0", "-0.1", "", "nan", "NaN", "1e-9", "0.0"])
def test_unusable_pick_errors_are_refused_or_replaced(write, bad):
    rows = [PICK, f"e1,IV,CAMP,S,2016-10-14T00:00:12Z,{bad},0.9", f"e1,IV,CAMP,P,2016-10-14T00:00:11Z,{bad},"]
    path = write(PICK_HEAD, *rows)
    with pytest.raises(InputError) as refused:
        read_picks_csv(path)
    assert (refused.value.line, refused.value.field) == (3, "uncertainty_s")
    assert "default" in str(refused.value.fix)
    picks, notices = read_picks_csv(path, default_uncertainty_s={"P": 0.07, "S": 0.15})
    np.testing.assert_array_equal(picks.uncertainty_s, [0.05, 0.15, 0.07])
    assert (notices[0].kind, notices[0].count) == ("default-uncertainty", 2)
    assert np.all(read_picks_csv(path, default_uncertainty_s=0.2)[0].uncertainty_s > 0)


PICK_REFUSALS = {
    "unit in header": (
        [PICK_HEAD.replace("uncertainty_s", "uncertainty_ms"), PICK],
        "uncertainty_ms",
        "convert",
    ),
    "missing column": ([PICK_HEAD.replace("station", "stations"), PICK], "station", "rename `stations`"),
    "no header": ([PICK], "event_id", "header"),
    "repeated column": (["event_id," + PICK_HEAD, "e1," + PICK], "event_id", "remove"),
    "no event id": ([PICK_HEAD, PICK.replace("e1,", ",")], "event_id", "every row"),
    "no station": ([PICK_HEAD, PICK.replace("ARRO", "")], "station", "every row"),
    "no time": ([PICK_HEAD, PICK.replace("2016-10-14T00:00:10.51Z", "")], "time", "UTC"),
    "no such day": ([PICK_HEAD, PICK.replace("10-14", "02-30")], "time", "UTC"),
    "not iso": ([PICK_HEAD, PICK.replace("2016-10-14T", "14/10/2016 ")], "time", "UTC"),
    "a far year": ([PICK_HEAD, PICK.replace("2016", "9016")], "time", "UTC"),
    "leap second": ([PICK_HEAD, PICK.replace(":10.51", ":60.51")], "time", "UTC"),
    "probability": ([PICK_HEAD, PICK.replace("0.9", "95")], "probability", "per cent"),
    "probability nan text": ([PICK_HEAD, PICK.replace("0.9", "high")], "probability", "decimal"),
    "underscore number": ([PICK_HEAD, PICK.replace("0.05", "0_05")], "uncertainty_s", "decimal"),
    "infinite": ([PICK_HEAD, PICK.replace("0.05", "1e999")], "uncertainty_s", "check"),
    "milliseconds": ([PICK_HEAD, PICK.replace("0.05", "50")], "uncertainty_s", "milliseconds"),
    "short row": ([PICK_HEAD, "e1,IV"], None, "cut off"),
    "decimal comma": ([PICK_HEAD, PICK.replace("0.05", "0,05")], None, "decimal commas"),
    "semicolons": ([PICK_HEAD.replace(",", ";"), PICK.replace(",", ";")], None, "commas"),
    "open quote": ([PICK_HEAD, PICK.replace("ARRO", '"ARRO')], None, "quotes"),
    "control character": ([PICK_HEAD, PICK.replace("ARRO", "AR\x01O")], None, "damaged"),
    "nul": ([PICK_HEAD, PICK.replace("ARRO", "AR\x00O")], None, "copy"),
    "only comments": (["# nothing", ""], None, "first line"),
}


@pytest.mark.parametrize("case", PICK_REFUSALS)
def test_picks_refused(write, case):
    lines, field, fix = PICK_REFUSALS[case]
    path = write(*lines)
    with pytest.raises(InputError) as refused:
        read_picks_csv(path)
    assert refused.value.field == field
    assert refused.value.file == str(path)
    assert fix in str(refused.value.fix)


def test_files_that_are_no_csv(tmp_path, write):
    for name, data, fix in [
        ("zero.csv", b"", "check"),
        ("book.csv", b"PK\x03\x04rest", "CSV"),
        ("wide.csv", "a,b".encode("utf-16"), "UTF-8"),
        ("latin.csv", b"event_id\n\xe9\xe8", "UTF-8"),
        ("cut.csv.gz", gzip.compress(b"hello" * 1000)[:30], "again"),
    ]:
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InputError) as refused:
            read_picks_csv(tmp_path / name)
        assert refused.value.file == str(tmp_path / name)
        assert fix in str(refused.value.fix)
    write(PICK_HEAD, name="picks.csv")
    with pytest.raises(InputError, match=r"did you mean picks\.csv"):
        read_picks_csv(tmp_path / "pick.csv")
    with pytest.raises(InputError, match="folder"):
        read_picks_csv(tmp_path)


def test_exact_line_number_after_comments_and_blanks(write):
    path = write("# one", "", PICK_HEAD, PICK, "", "# six", PICK.replace("0.05", "x"))
    with pytest.raises(InputError) as refused:
        read_picks_csv(path)
    assert refused.value.line == 7


def test_a_gzip_bomb_is_refused_in_little_memory(tmp_path):
    import tracemalloc

    path = tmp_path / "bomb.csv.gz"
    with gzip.open(path, "wb", compresslevel=9) as stream:
        for _ in range(64):
            stream.write(bytes(1024**2))
    tracemalloc.start()
    with pytest.raises(InputError, match="bomb"):
        read_picks_csv(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40e6


def test_stations_are_read_merged_and_wrapped(write):
    path = write(STATION_HEAD + ",site", STATION + ",a", STATION + ",a", "NZ,X,-42,190,10,b")
    stations, notices = read_stations_csv(path)
    assert list(stations.ids) == ["IV.ARRO", "NZ.X"]
    assert stations.longitude[1] == -170.0
    assert list(stations.extra["site"]) == ["a", "b"]
    assert notices[0].kind == "merged-stations"


STATION_REFUSALS = {
    "swapped": (STATION_HEAD, "IV,A,142.5,12.7,253", "latitude", "swapped"),
    "no latitude": (STATION_HEAD, "IV,A,242.5,212.7,253", "latitude", "degrees"),
    "no longitude": (STATION_HEAD, "IV,A,42.5,412.7,253", "longitude", "degrees"),
    "elevation unit": (STATION_HEAD.replace("_m", "_km"), "IV,A,42.5,12.7,0.25", "elevation_km", "convert"),
    "elevation name": (STATION_HEAD.replace("_m", ""), STATION, "elevation", "call the column `elevation_m`"),
    "too high": (STATION_HEAD, "IV,A,42.5,12.7,25300", "elevation_m", "metres"),
    "nan": (STATION_HEAD, "IV,A,nan,12.7,253", "latitude", "decimal"),
    "no elevation": (STATION_HEAD, "IV,A,42,12.7,", "elevation_m", "decimal"),
}


@pytest.mark.parametrize("case", STATION_REFUSALS)
def test_stations_refused(write, case):
    head, row, field, fix = STATION_REFUSALS[case]
    with pytest.raises(InputError) as refused:
        read_stations_csv(write(head, row))
    assert refused.value.field == field
    assert fix in str(refused.value.fix)


def test_a_station_at_two_places_is_refused_unless_it_has_epochs(write):
    other = STATION.replace("42.57", "42.58")
    with pytest.raises(InputError, match="line 2") as refused:
        read_stations_csv(write(STATION_HEAD, STATION, other))
    assert refused.value.line == 3
    head = STATION_HEAD + ",start,end"
    path = write(head, STATION + ",2010-01-01T00:00Z,2016-01-01T00:00Z", other + ",2016-01-01T00:00Z,")
    stations, _ = read_stations_csv(path)
    assert len(stations) == 2
    picks, _ = read_picks_csv(write(PICK_HEAD, PICK, name="picks.csv"))
    resolved, notices = resolve_epochs(stations, picks)
    assert list(resolved.latitude) == [42.5892]
    assert notices[0].kind == "station-epochs"
    both, _ = read_picks_csv(
        write(PICK_HEAD, PICK, PICK.replace("e1", "e0").replace("2016", "2015"), name="p2.csv")
    )
    with pytest.raises(InputError, match="moved"):
        resolve_epochs(stations, both)


def test_elevations_that_look_like_km_are_noticed(write):
    rows = [f"IV,A{i},42.{i},12.{i},{0.2 + i / 10}" for i in range(4)]
    assert read_stations_csv(write(STATION_HEAD, *rows))[1][0].kind == "suspicious-units"


VELOCITY_HEAD = "depth_km,vp_km_s,vs_km_s"
VELOCITY_REFUSALS = {
    "depth in m": (["0,5,3", "3000,6,3.5"], "depth_km", "metres"),
    "speed in m/s": (["0,5000,3000"], "vp_km_s", "m/s"),
    "too slow": (["0,0.01,0.005"], "vp_km_s", "km/s"),
    "zero": (["0,0,0"], "vp_km_s", "positive"),
    "negative": (["0,5,-3"], "vs_km_s", "positive"),
    "vp below vs": (["0,3,5"], "vs_km_s", "exchanged"),
    "not increasing": (["0,5,3", "5,6,3.5", "3,7,4"], "depth_km", "sort"),
    "repeated": (["0,5,3", "0,6,3.5"], "depth_km", "linear"),
    "nan": (["0,nan,3"], "vp_km_s", "decimal"),
}


@pytest.mark.parametrize("case", VELOCITY_REFUSALS)
def test_velocity_refused(write, case):
    rows, field, fix = VELOCITY_REFUSALS[case]
    with pytest.raises(InputError) as refused:
        read_velocity_csv(write(VELOCITY_HEAD, *rows))
    assert refused.value.field == field
    assert refused.value.line is not None
    assert fix in str(refused.value.fix)


def test_velocity_without_s_needs_a_ratio(write):
    path = write("depth_km,vp_km_s", "0,5", "10,6")
    with pytest.raises(InputError, match="Vp/Vs"):
        read_velocity_csv(path)
    model = read_velocity_csv(path, "linear", vp_vs=1.75)
    np.testing.assert_allclose(model.vs_km_s, [5 / 1.75, 6 / 1.75])
    assert (model.kind, model.source) == ("linear", "input.csv")
    with pytest.raises(InputError, match="kind"):
        read_velocity_csv(path, "blocks", vp_vs=1.75)
    with pytest.raises(InputError, match="no layers"):
        read_velocity_csv(write(VELOCITY_HEAD))


def test_taup_models(tmp_path):
    nd = "0.0 5.8 3.2 2.6\n20 5.8 3.2 2.6\n20 6.5 3.75 2.9\nmantle\n35 8.0 4.5 3.3 # moho\n900 11 6 4\n"
    path = tmp_path / "a.nd"
    path.write_text(nd)
    model = read_velocity_taup(path)
    np.testing.assert_array_equal(model.depth_km, [0, 20, 20, 35])
    assert model.kind == "linear"
    tvel = tmp_path / "a.tvel"
    tvel.write_text("a - P\na - S\n" + nd.replace("mantle\n", ""))
    np.testing.assert_array_equal(read_velocity_taup(tvel).vs_km_s, model.vs_km_s)
    path.write_text("0 5.8\n")
    with pytest.raises(InputError, match="line 1"):
        read_velocity_taup(path)


def test_config(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text("seed = 1\n[location]\nparticles = 100\n")
    assert read_config(path)["location"] == {"particles": 100}
    path.write_text("seed = 1\nseed = \n")
    with pytest.raises(InputError) as refused:
        read_config(path)
    assert refused.value.line == 2
