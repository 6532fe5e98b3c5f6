"""Readers of strong-motion records, and components that belong together."""

import numpy as np
import pytest
from obspy import Stream, Trace, UTCDateTime

from diffseis.core.errors import InputError
from diffseis.io import find_components, read_accelerograms
from tests.helpers.mutants import fuzz

G = 9.80665
VALUES = np.round(np.random.default_rng(2).normal(size=64), 4)


def at2(values=VALUES, azimuth="090", units="UNITS OF G"):
    rows = "\n".join("".join(f"{v:15.7E}" for v in values[k : k + 5]) for k in range(0, len(values), 5))
    return (
        f"PEER NGA STRONG MOTION DATABASE RECORD\nEvent, 1/1/2000, Some Station, {azimuth}\n"
        f"ACCELERATION TIME SERIES IN {units}\nNPTS=  {len(values)}, DT=   .0050 SEC\n{rows}\n"
    )


def smc(values=VALUES):
    whole = [-32768] * 48
    whole[15], whole[16], whole[13] = 1, len(values), 350
    real = [1.7e38] * 50
    real[1] = 200.0
    text = ["2 CORRECTED ACCELEROGRAM"] + ["*"] * 10
    text += ["".join(f"{v:10d}" for v in whole[k : k + 8]) for k in range(0, 48, 8)]
    text += ["".join(f"{v:15.7E}" for v in real[k : k + 5]) for k in range(0, 50, 5)]
    text += ["| a comment with 12 numbers"]
    text += ["".join(f"{v:14.7E}" for v in values[k : k + 5]) for k in range(0, len(values), 5)]
    return "\n".join(text) + "\n"


def trace(channel="HNN", values=VALUES, start=0.0, **more):
    header = {"network": "XX", "station": "ABC", "channel": channel, "delta": 0.01, **more}
    header["starttime"] = UTCDateTime(2020, 1, 1) + start
    return Trace(np.ascontiguousarray(values, np.float64), header)


def test_at2(tmp_path):
    for name, text in (
        ("RSN12_A.AT2", at2()),
        ("old.at2", at2().replace("NPTS=  64, DT=   .0050 SEC", "   64   .0050   NPTS, DT")),
    ):
        (tmp_path / name).write_text(text)
        (record,), notices = read_accelerograms(tmp_path / name)
        np.testing.assert_allclose(record.acceleration_m_s2, VALUES * G, rtol=1e-6)
        assert (record.dt_s, record.azimuth_deg, record.channel) == (0.005, 90.0, "090")
        assert notices == []
        assert not record.is_vertical
    assert record.station == "Some-Station"
    (tmp_path / "v.AT2").write_text(at2(azimuth="UP"))
    assert read_accelerograms(tmp_path / "v.AT2")[0][0].is_vertical


def test_smc(tmp_path):
    (tmp_path / "ABC-350.smc").write_text(smc())
    (record,), _ = read_accelerograms(tmp_path / "ABC-350.smc")
    np.testing.assert_allclose(record.acceleration_m_s2, VALUES / 100, rtol=1e-6)
    assert (record.station, record.azimuth_deg, record.dt_s) == ("ABC", 350.0, 0.005)


def test_bbp_and_csv(tmp_path):
    table = np.column_stack([0.02 * np.arange(64), VALUES, 2 * VALUES, 3 * VALUES])
    rows = "\n".join("  ".join(f"{v:.6e}" for v in row) for row in table)
    (tmp_path / "s01.acc.bbp").write_text("# time NS EW UD\n" + rows + "\n")
    north, east, up = read_accelerograms(tmp_path / "s01.acc.bbp")[0]
    np.testing.assert_allclose(east.acceleration_m_s2, 2 * VALUES / 100, rtol=1e-6)
    assert (north.station, north.channel, up.is_vertical) == ("s01", "NS", True)
    text = "time_s,n_g,e_cm_s2,z\n" + rows.replace("  ", ",") + "\n"
    (tmp_path / "r.csv").write_text(text)
    north, east, up = read_accelerograms(tmp_path / "r.csv", unit="m/s2")[0]
    for record, factor in ((north, G), (east, 0.02), (up, 3.0)):
        np.testing.assert_allclose(record.acceleration_m_s2, factor * VALUES, rtol=1e-6)
    (group,) = find_components([north, east, up])
    assert [r.channel for r in group.horizontal] == ["N", "E"]
    assert group.vertical is up
    with pytest.raises(InputError, match="--units"):
        read_accelerograms(tmp_path / "r.csv")


def test_miniseed_and_sac(tmp_path):
    Stream([trace("HNE"), trace("HNN"), trace("HNZ")]).write(str(tmp_path / "r.mseed"), format="MSEED")
    with pytest.raises(InputError, match="--inventory"):
        read_accelerograms(tmp_path / "r.mseed")
    records, _ = read_accelerograms(tmp_path / "r.mseed", unit="cm/s2")
    (group,) = find_components(records)
    assert [r.channel for r in group.horizontal] == ["HNN", "HNE"]
    assert group.vertical is not None
    np.testing.assert_allclose(group.any.acceleration_m_s2, VALUES / 100)
    assert group.any.start == np.datetime64("2020-01-01T00:00:00", "ns")
    trace(sac={"cmpaz": 33.0, "cmpinc": 90.0}).write(str(tmp_path / "r.sac"), format="SAC")
    (record,), _ = read_accelerograms(tmp_path / "r.sac", unit="g")
    assert record.azimuth_deg == pytest.approx(33.0)
    np.testing.assert_allclose(record.acceleration_m_s2, VALUES * G, rtol=1e-6)


def test_counts_and_their_response(tmp_path):
    from obspy.core.inventory import Channel, Inventory, Network, Response, Station
    from obspy.core.inventory.response import InstrumentSensitivity

    gain = InstrumentSensitivity(1000.0, 1.0, input_units="M/S**2", output_units="COUNTS")
    channel = Channel(
        "HNN", "", 0.0, 0.0, 0.0, 0.0, azimuth=12.0, dip=0.0, response=Response(instrument_sensitivity=gain)
    )
    station = Station("ABC", 0.0, 0.0, 0.0, channels=[channel])
    inventory = Inventory([Network("XX", [station])], source="test")
    Stream([trace("HNN"), trace("HNE")]).write(str(tmp_path / "r.mseed"), format="MSEED")
    records, _ = read_accelerograms(tmp_path / "r.mseed", inventory=inventory)
    by_channel = {r.channel: r for r in records}
    np.testing.assert_allclose(by_channel["HNN"].acceleration_m_s2, VALUES / 1000)
    assert by_channel["HNN"].azimuth_deg == 12.0
    assert "no response" in by_channel["HNE"].problem


def test_what_looks_odd(tmp_path):
    late = trace("HNN", start=5.0)
    Stream([trace("HNN"), late]).write(str(tmp_path / "gap.mseed"), format="MSEED")
    (record,), _ = read_accelerograms(tmp_path / "gap.mseed", unit="g")
    assert "gap of" in record.problem
    cases = {
        "offset": VALUES + 1.0,
        "clipped": np.clip(VALUES, -0.1, 0.1),
        "zero": np.where(np.arange(64) < 30, VALUES, 0.0),
    }
    for word, values in cases.items():
        (tmp_path / "r.AT2").write_text(at2(values))
        assert word in " ".join(read_accelerograms(tmp_path / "r.AT2")[0][0].remarks)
    for word, values in {"the same": np.ones(64), "too short": VALUES[:5]}.items():
        (tmp_path / "r.AT2").write_text(at2(values))
        assert word in read_accelerograms(tmp_path / "r.AT2")[0][0].problem


def test_components(tmp_path):
    def found(*traces):
        Stream(traces).write(str(tmp_path / "r.mseed"), format="MSEED")
        return find_components(read_accelerograms(tmp_path / "r.mseed", unit="g")[0])

    longer = np.concatenate([VALUES, VALUES])
    (group,) = found(trace("HNN", start=0.1), trace("HNE", longer))
    assert group.problem == ""
    assert "cut to the 64" in group.remarks[0]
    np.testing.assert_allclose(group.horizontal[0].acceleration_m_s2, VALUES * G)
    np.testing.assert_allclose(group.horizontal[1].acceleration_m_s2, longer[10:74] * G)
    assert group.horizontal[0].start == group.horizontal[1].start
    (group,) = found(trace("HNN"))
    assert "no second" in group.problem
    (group,) = found(trace("HNN"), trace("HNE", delta=0.02))
    assert "sampling intervals" in group.problem
    groups = found(trace("HNN"), trace("HNE"), trace("HN1"))
    assert all("more records" in g.problem for g in groups)
    assert len(groups) == 3
    (group,) = found(trace("HNN"), trace("HNE", start=40.0))
    assert "overlap" in group.problem
    assert len(found(trace("HNN"), trace("HNE", start=4000.0))) == 2
    assert len(found(trace("HNN"), trace("BNE"))) == 2


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.AT2", at2().rsplit("\n", 3)[0], "ends after"),
        ("a.AT2", at2().replace("DT=   .0050", "DT=   .0000"), "interval"),
        ("a.AT2", at2() + "nonsense\n", "no row of numbers"),
        ("a.AT2", at2(units="BANANAS"), "does not tell the unit"),
        ("a.smc", smc().replace("2 CORR", "3 VELO"), "velocity"),
        ("a.vel.bbp", "# x\n0 1 2 3\n", "velocities"),
        ("a.bbp", "0 1 2\n", "not four"),
        ("a.csv", "time_s,n_g\n0,1\n0.1,2\n0.5,3\n", "equally spaced"),
        ("a.csv", "time_x,n_g\n0,1\n", "no column of times"),
        ("a.txt", "hello", "no record of a format"),
        ("a.csv", "", "empty"),
    ],
)
def test_bad_files(tmp_path, name, text, said):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=said) as refused:
        read_accelerograms(tmp_path / name)
    assert refused.value.file == str(tmp_path / name)
    assert refused.value.fix


@pytest.mark.parametrize(("name", "text"), [("a.AT2", at2()), ("a.smc", smc())])
def test_damaged_files(tmp_path, name, text):
    def check(found):
        assert all(np.isfinite(r.acceleration_m_s2).all() or r.problem for r in found[0])

    read = lambda path: read_accelerograms(path, unit="g")
    assert fuzz(tmp_path / name, text.encode(), read, check, range(60)) > 10


@pytest.mark.reference
def test_real_records(reference_data):
    """Peaks less means are those that K-NET's and KiK-net's headers state; all records pair up."""
    folder = reference_data / "picking/gmprocess_strongmotion"
    files = [p for p in sorted(folder.iterdir()) if p.suffix not in (".txt", ".json")]
    records = []
    for path in files:
        (record,), _ = read_accelerograms(path)
        records.append(record)
        stated = next(
            float(line.split()[-1]) for line in path.read_text().splitlines() if line.startswith("Max. Acc.")
        )
        values = record.acceleration_m_s2
        assert 100 * np.max(np.abs(values - np.mean(values))) == pytest.approx(stated, rel=0.02, abs=0.002)
    groups = find_components(records)
    assert len(groups) == len(files) // 3
    assert all(g.problem == "" and g.vertical is not None for g in groups)
    assert all(len(g.horizontal) == 2 for g in groups)
