"""Observations of rays as CSV: what is read, refused, remarked and written."""

from pathlib import Path

import numpy as np
import pytest

from diffseis.core.errors import InputError
from diffseis.core.radiation_table import RadiationTable
from diffseis.io import read_observations_csv, write_observations_csv
from diffseis.io.observations_csv import COLUMNS

HEAD = "event_id,station,azimuth_deg,takeoff_deg,polarity,log10_sp,p_amplitude,polarity_probability\n"


def read(tmp_path, text):
    path = tmp_path / "observations.csv"
    path.write_text(text)
    return read_observations_csv(path)


def refusal(tmp_path, text):
    with pytest.raises(InputError) as refused:
        read(tmp_path, text)
    assert refused.value.file
    assert refused.value.fix
    return refused.value


def test_columns_in_any_order_and_case(tmp_path):
    table, notices = read(
        tmp_path,
        "Station,EVENT_ID,network,Polarity,takeoff_deg,azimuth_deg,time,analyst,channel\n"
        "ABC,7,XX,U,120.5,-10,2020-01-02T03:04:05Z,me,HHZ\n"
        "XX.DEF,7,XX,-0.3,,,,,\n",
    )
    assert list(table.station) == ["XX.ABC", "XX.DEF"]
    np.testing.assert_array_equal(table.polarity, [1.0, -0.3])
    np.testing.assert_array_equal(table.takeoff_deg, [120.5, np.nan])
    np.testing.assert_array_equal(table.azimuth_deg, [-10.0, np.nan])
    assert table.time[0] == np.datetime64("2020-01-02T03:04:05")
    assert np.isnat(table.time[1])
    assert list(table.channel) == ["HHZ", ""]
    assert list(table.extra["analyst"]) == ["me", ""]
    assert notices == []


def test_every_column_is_described():
    page = (Path(__file__).resolve().parents[2] / "docs/observations.md").read_text(encoding="utf-8")
    assert [name for name in COLUMNS if f"`{name}`" not in page] == []


@pytest.mark.parametrize(
    ("word", "sign"), [("U", 1), ("c", 1), ("+", 1), ("D", -1), ("-", -1), ("0.4", 0.4), ("", np.nan)]
)
def test_words_of_first_motions(tmp_path, word, sign):
    table, _ = read(tmp_path, f"event_id,station,polarity,log10_sp\n1,A,{word},0.1\n")
    np.testing.assert_array_equal(table.polarity, [sign])


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("1,A,10,190,1,,,", "takeoff_deg"),
        ("1,A,10,-1,1,,,", "takeoff_deg"),
        ("1,A,370,20,1,,,", "azimuth_deg"),
        ("1,A,10,20,1.5,,,", "polarity"),
        ("1,A,10,20,x,,,", "polarity"),
        ("1,A,10,20,1,,,1.2", "polarity_probability"),
        ("1,A,10,,1,,,", "takeoff_deg"),
        ("1,A,,20,1,,,", "azimuth_deg"),
        (",A,10,20,1,,,", "event_id"),
        ("1,,10,20,1,,,", "station"),
        ("1,A,ten,20,1,,,", "azimuth_deg"),
    ],
)
def test_what_no_ray_can_be_is_refused_by_place(tmp_path, row, field):
    error = refusal(tmp_path, HEAD + "1,B,10,20,1,,,\n" + row + "\n")
    assert (error.line, error.field) == (3, field)


@pytest.mark.parametrize(("sigma", "good"), [("0", True), ("90", True), ("-1", False), ("91", False)])
def test_standard_deviations(tmp_path, sigma, good):
    text = f"event_id,station,polarity,azimuth_deg,takeoff_deg,takeoff_sigma_deg\n1,A,1,2,3,{sigma}\n"
    if good:
        assert read(tmp_path, text)[0].takeoff_sigma_deg[0] == float(sigma)
    else:
        assert refusal(tmp_path, text).field == "takeoff_sigma_deg"


def test_conventions_that_cannot_be_guessed(tmp_path):
    """A column `takeoff` may be HASH's, from up; plain ratios are no logarithms; silence everywhere is no amplitude."""
    assert "0 = down" in refusal(tmp_path, "event_id,station,azimuth_deg,takeoff,polarity\n1,A,2,3,1\n").fix
    assert "0 = down" in refusal(tmp_path, "event_id,station,azimuth_deg,polarity\n1,A,2,1\n").fix
    many = refusal(tmp_path, HEAD + "".join(f"1,S{i},1,2,,{5 + i},,\n" for i in range(5)))
    assert "plain ratios?" in many.why
    assert "base 10" in many.fix
    assert "base 10" in refusal(tmp_path, HEAD + "1,S1,1,2,,0.1,,\n1,S2,1,2,,11,,\n").fix
    assert refusal(tmp_path, HEAD + "1,A,1,2,1,,0,\n1,B,1,2,1,,0.0,\n").field == "p_amplitude"
    assert "logarithm" in refusal(tmp_path, "event_id,station,sp_ratio\n1,A,3\n").fix


def test_what_looks_odd_is_said(tmp_path):
    table, notices = read(
        tmp_path, HEAD + "1,A,1,2,1,,,\n1,A,1,2,-1,,,\n1,A,1,2,,0.3,,\n1,B,1,2,,,,\n2,A,1,2,1,,,\n"
    )
    assert len(table) == 5
    assert {n.kind: n.count for n in notices} == {"repeated-station": 1, "no-measurement": 1}
    assert [n.kind for n in read(tmp_path, HEAD)[1]] == ["empty"]


def test_round_trip(tmp_path):
    rng = np.random.default_rng(3)
    num = 40
    some = lambda values: np.where(rng.uniform(size=num) < 0.3, np.nan, values)
    azimuth = some(rng.uniform(-360, 360, num))
    table = RadiationTable.of(
        event_id=[f"#{i // 9}" for i in range(num)],
        station=[f"XX.S{i}" for i in range(num)],
        azimuth_deg=azimuth,
        takeoff_deg=np.where(np.isnan(azimuth), np.nan, rng.uniform(0, 180, num)),
        polarity=some(rng.uniform(-1, 1, num)),
        sv_polarity=some(rng.uniform(-1, 1, num)),
        log10_sp=some(rng.normal(size=num)),
        p_amplitude=some(rng.normal(size=num) * 1e-9),
        time=np.datetime64("2021-05-06T07:08:09.123456789") + np.arange(num).astype("timedelta64[s]"),
        network=["XX"] * num,
        extra={"note": np.array([f"a, {i}" for i in range(num)], object)},
    )
    write_observations_csv(tmp_path / "out.csv", table)
    again, _ = read_observations_csv(tmp_path / "out.csv")
    for name in (
        "event_id",
        "station",
        "azimuth_deg",
        "takeoff_deg",
        "polarity",
        "sv_polarity",
        "sh_polarity",
    ):
        np.testing.assert_array_equal(getattr(again, name), getattr(table, name))
    for name in ("log10_sp", "p_amplitude", "time", "network", "channel"):
        np.testing.assert_array_equal(getattr(again, name), getattr(table, name))
    assert list(again.extra["note"]) == list(table.extra["note"])
    header = (tmp_path / "out.csv").read_text().splitlines()[0]
    assert "log10_svp" not in header
