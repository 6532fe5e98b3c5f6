"""``diffseis intensity``: records in; a table, a record of the run and a figure out."""

import csv
import json

import jax
import numpy as np
import pytest

from tests.io.test_accelerograms import VALUES, at2, trace
from tests.signal.references import FOLDER, peer_spectra

G = 9.80665
needs_x64 = pytest.mark.skipif(
    not jax.config.read("jax_enable_x64"), reason="the command computes in double precision"
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "w").mkdir()
    for name, azimuth, factor in (
        ("RSN1_A.AT2", "090", 1.0),
        ("RSN1_B.AT2", "000", 0.5),
        ("RSN1_V.AT2", "UP", 0.2),
    ):
        (tmp_path / "w" / name).write_text(at2(factor * VALUES, azimuth))
    return tmp_path


def _run(diffseis, folder, *more, waveforms="w"):
    return diffseis("intensity", "--waveforms", folder / waveforms, "--out", folder / "IM.csv", *more)


def _rows(folder):
    with (folder / "IM.csv").open() as stream:
        return list(csv.DictReader(stream))


@needs_x64
@pytest.mark.long
def test_records_in_table_out(diffseis, folder):
    (folder / "w/notes.txt").write_text("hello")
    (folder / "w/RSN2_A.AT2").write_text(at2())
    (folder / "w/bad.AT2").write_text(at2().rsplit("\n", 3)[0])
    (folder / "w/still.AT2").write_text(at2(np.ones(64)).replace("Some Station", "Still"))
    imts = "PGA,PGV,SA(0.1),IA,CAV,CAVSTD,CAD,SI,RSD595,RSD575,RSD2080,BRACKETED,UNIFORM,EAS(5),PGD"
    components = (
        "rotd50,rotd00,rotd100,gmrotd50,gmroti50,geometric-mean,arithmetic-mean,larger,h1,h2,vertical"
    )
    ended = _run(
        diffseis,
        folder,
        "--imts",
        imts,
        "--component",
        components,
        "--detrend",
        "none",
        "--figure",
        folder / "f.png",
    )
    assert ended.code == 0, ended.err
    assert "1 file of folders hold no record: notes.txt" in ended.err
    rows = _rows(folder)
    good = {r["component"]: r for r in rows if r["station"] == "RSN1"}
    assert list(good) == components.split(",")
    assert {r["status"] for r in good.values()} == {"ok"}
    number = lambda component, name: float(good[component][name])
    # The components are the same but for a factor: north (000) comes first, and all motion is along one line.
    largest = np.max(np.abs(VALUES))
    assert number("h1", "PGA") == pytest.approx(0.5 * largest, rel=1e-6)
    assert number("h2", "PGA") == pytest.approx(largest, rel=1e-6)
    assert number("vertical", "PGA") == pytest.approx(0.2 * largest, rel=1e-6)
    assert number("rotd100", "PGA") == pytest.approx(np.hypot(1, 0.5) * largest, rel=1e-3)
    for name in imts.split(","):
        one, two = number("h1", name), number("h2", name)
        assert number("larger", name) == pytest.approx(max(one, two))
        assert number("arithmetic-mean", name) == pytest.approx((one + two) / 2)
        assert number("geometric-mean", name) == pytest.approx(np.sqrt(one * two), rel=1e-6)
        assert (
            number("rotd00", name)
            <= number("rotd50", name) * (1 + 1e-6)
            <= number("rotd100", name) * (1 + 2e-6)
        )
    assert number("rotd50", "EAS(5)") == pytest.approx(
        np.hypot(number("h1", "EAS(5)"), number("h2", "EAS(5)")) / 2**0.5
    )
    assert number("rotd50", "IA") == pytest.approx((number("h1", "IA") + number("h2", "IA")) / 2)
    arias = np.pi / (2 * G) * np.trapezoid((VALUES * G) ** 2, dx=0.005)
    assert number("h2", "IA") == pytest.approx(arias, rel=1e-6)
    assert number("h2", "CAV") == pytest.approx(np.trapezoid(np.abs(VALUES), dx=0.005), rel=1e-6)

    by_station = {r["station"]: r for r in rows if r["component"] == "rotd50"}
    assert by_station["RSN2"]["status"] == by_station["Still"]["status"] == "unpaired"
    assert "no second" in by_station["RSN2"]["reason"]
    unreadable = next(r for r in rows if r["status"] == "unreadable")
    assert unreadable["files"] == "bad.AT2"
    assert "ends after" in unreadable["reason"]
    single = {r["component"]: r["status"] for r in rows if r["station"] == "Still"}
    assert (single["h1"], single["h2"], single["vertical"]) == ("failed", "missing", "missing")
    assert {r["component"]: r["status"] for r in rows if r["station"] == "RSN2"}["h1"] == "ok"

    record = json.loads((folder / "IM.json").read_text())
    assert record["units"] | {"PGA": "g", "PGV": "cm/s", "IA": "m/s", "CAV": "g s"} == record["units"]
    assert record["summary"]["status"]["ok"] == 12
    assert len(record["sha256"]) == 7
    assert "--detrend none" in record["command_line"]
    assert (folder / "f.png").read_bytes().startswith(b"\x89PNG")


@needs_x64
@pytest.mark.long
def test_high_pass_and_units(diffseis, folder):
    """A slow wave is taken away; what lies far above the corner stays, without delay."""
    t = 0.01 * np.arange(6000)
    fast = np.exp(-((t - 30) ** 2)) * np.sin(2 * np.pi * 5 * t)
    slow = 0.5 * np.sin(2 * np.pi * t / 60)
    for name, values in (("HNN", fast + slow), ("HNE", fast)):
        trace(name, values).write(str(folder / f"{name}.mseed"), format="MSEED")
    words = ("--units", "m/s2", "--component", "h1,h2", "--imts", "PGA,PGD", "--highpass-hz", "0.5")
    ended = diffseis(
        "intensity", "--waveforms", folder / "HNN.mseed", "--waveforms", folder / "HNE.mseed", "--out", folder / "IM.csv", *words,
    )  # fmt: skip
    assert ended.code == 0, ended.err
    one, two = _rows(folder)
    assert float(one["PGA"]) == pytest.approx(np.max(np.abs(fast)) / G, rel=0.01)
    # The slow wave alone moves 46 m to and fro.
    assert float(one["PGD"]) == pytest.approx(float(two["PGD"]), abs=0.05)
    # What the filter leaves before and behind belongs to the record: 1.5 orders over twice the corner.
    assert one["start"] == "2019-12-31T23:59:54.000Z"
    assert int(one["num_samples"]) == 6000 + 2 * 600


@pytest.mark.long
def test_nothing_measured(diffseis, folder):
    ended = _run(diffseis, folder, waveforms="w/RSN1_A.AT2")
    assert ended.code == 3
    assert "no second horizontal component" in ended.err
    assert _rows(folder)[0]["status"] == "unpaired"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--imts", "CAVST"], "did you mean CAVSTD?"),
        (["--imts", "SA"], "SA(0.2)"),
        (["--imts", "PGA(1)"], "write PGA"),
        (["--imts", "SA(x)"], "0.001 to 1000"),
        (["--imts", "PGA,PGA"], "twice"),
        (["--imts", ","], "no measure"),
        (["--component", "rotd5"], "did you mean rotd50?"),
        (["--substeps", "some"], "peer"),
        (["--units", "gal"], "cm/s2"),
        (["--damping", "1.5"], "--damping"),
        (["--highpass-hz", "-1"], "--highpass-hz"),
        (["--inventory", "none.xml"], "there is no file"),
        (["--figure", "f.pdf"], ".png"),
        (["--figure-station", "X"], "--figure"),
        (["--waveforms", "nowhere"], "there is no file or folder"),
    ],
)
def test_bad_settings(diffseis, folder, monkeypatch, words, said):
    monkeypatch.chdir(folder)
    ended = _run(diffseis, folder, *words)
    assert ended.code == 2, ended.err
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert not (folder / "IM.csv").exists()


def test_unknown_units_and_no_records(diffseis, folder):
    trace().write(str(folder / "r.mseed"), format="MSEED")
    ended = _run(diffseis, folder, waveforms="r.mseed")
    assert ended.code == 2
    assert "--inventory" in ended.err
    assert "r.mseed" in ended.err
    (folder / "e").mkdir()
    (folder / "e/notes.txt").write_text("hello")
    ended = _run(diffseis, folder, waveforms="e")
    assert ended.code == 2
    assert "there is no record" in ended.err


@needs_x64
@pytest.mark.reference
@pytest.mark.long
def test_peer_pair(diffseis, reference_data, tmp_path):
    """PEER's RotD50 from their files, in g."""
    station, _, _ = next(peer_spectra(reference_data))
    files = [reference_data / FOLDER / "pyrotd" / name for name in station["fnames"]]
    periods = [0.02, 0.1, 1.0, 10.0]
    ended = diffseis(
        "intensity", "--waveforms", files[0], "--waveforms", files[1], "--out", tmp_path / "IM.csv",
        "--imts", ",".join(f"SA({t:g})" for t in periods), "--detrend", "none",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    (row,) = _rows(tmp_path)
    printed = next(s for s in station["spectra"] if s["damping"] == 0.05)["rotd50"]
    for period in periods:
        expected = printed[station["period"].index(period)]
        assert float(row[f"SA({period:g})"]) == pytest.approx(expected, rel=1e-4)


def test_more_files_may_follow(diffseis, tmp_path):
    """`--waveforms *.csv`, as a shell writes it out."""
    time = np.arange(0, 4, 0.01)
    for name in "ab":
        rows = [f"{t:.2f},{np.sin(6 * t):.6f},{np.cos(5 * t):.6f}" for t in time]
        (tmp_path / f"{name}.csv").write_text("time_s,n_g,e_g\n" + "\n".join(rows) + "\n")
    out = tmp_path / "im.txt"
    ended = diffseis(
        "intensity", "--waveforms", tmp_path / "a.csv", tmp_path / "b.csv", "--imts", "PGA", "--out", out
    )
    assert ended.code == 0, ended.err
    assert len(out.read_text().splitlines()) == 3
