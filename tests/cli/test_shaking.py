"""``diffseis shaking``: maps of an earthquake given records."""

import csv
import json

import numpy as np
import pytest

EVENT = ("--magnitude", "6.2", "--latitude", "42.8", "--longitude", "13.2", "--depth-km", "8")
PLANE = ("--strike-deg", "155", "--dip-deg", "50", "--rake-deg", "-90")
GRID = ("--extent-km", "20", "--spacing-km", "10")


def _rows(path):
    with path.open() as stream:
        return list(csv.DictReader(stream))


def _records(path, head="station,latitude,longitude,vs30,PGA,SA(1.0)", rows=None):
    own = [
        "A,42.9,13.2,760,0.05,0.02",
        "B,42.8,13.4,400,0.08,",
        "C,42.7,13.3,500,0.07,0.03",
        "D,42.75,13.1,,9,0.03",
    ]
    path.write_text("\n".join([head, *(rows or own)]) + "\n")
    return path


def _run(diffseis, tmp_path, *words):
    out = tmp_path / "out"
    ended = diffseis("shaking", *EVENT, "--model", "BSSA14", "--imts", "PGA,SA(1.0)", "--out", out, *words)
    assert ended.code == 0, ended.err
    return out, ended


def test_map_given_records(diffseis, tmp_path):
    places = tmp_path / "places.csv"
    places.write_text("latitude,longitude,vs30\n42.9,13.2,760\n42.72,13.3,500\n45.5,13.2,600\n")
    records = _records(tmp_path / "records.csv")
    out, ended = _run(diffseis, tmp_path, *PLANE, "--records", records, "--places", places)
    assert "PGA: 1 record left out, more than 3 standard deviations" in ended.err
    stations = {(row["station"], row["imt"]): row for row in _rows(out / "stations.csv")}
    status = [stations[name, imt]["status"] for imt in ("PGA", "SA(1.0)") for name in "ABCD"]
    assert status == ["used", "used", "used", "outlier", "used", "none", "used", "used"]
    assert stations["D", "PGA"]["vs30"] == "760"
    at, near, far = (row for row in _rows(out / "places.csv") if row["imt"] == "PGA")
    # At a station the record stands; far away only the earthquake's term is known.
    assert float(at["median"]) == pytest.approx(0.05, rel=1e-3)
    assert float(at["sigma"]) < 1e-3 < float(near["sigma"]) < float(far["sigma"]) < float(far["model_sigma"])
    record = json.loads((out / "run.json").read_text())
    shift = float(far["mean_ln"]) - float(far["model_mean_ln"])
    assert np.sign(shift) == np.sign(record["measures"]["PGA"]["event_term"])
    assert set(record["files"]) == {str(p.relative_to(out)) for p in out.rglob("*") if p.is_file()} - {
        "run.json"
    }


def test_without_records_the_map_is_the_models(diffseis, tmp_path):
    out, ended = _run(diffseis, tmp_path, "--rake-deg", "-90", *GRID)
    assert "the rupture is a point" in ended.err
    rows = _rows(out / "places.csv")
    assert len(rows) == 2 * 25
    assert all(row["mean_ln"] == row["model_mean_ln"] for row in rows)
    pga = [float(row["median"]) for row in rows if row["imt"] == "PGA"]
    assert np.argmax(pga) == 12
    assert not (out / "stations.csv").exists()


def test_table_of_intensity_with_stations(diffseis, tmp_path):
    head = "network,station,component,status,PGA"
    rows = ["IV,A,rotd50,ok,0.05", "IV,A,vertical,ok,0.02", "IV,B,rotd50,failed,", "IV,X,rotd50,ok,0.1"]
    records = _records(tmp_path / "IM.csv", head, rows)
    stations = tmp_path / "stations.csv"
    stations.write_text(
        "network,station,latitude,longitude,elevation_m,vs30\nIV,A,42.9,13.2,100,480\nIV,B,42.8,13.3,100,\n"
    )
    out, ended = _run(diffseis, tmp_path, *PLANE, *GRID, "--records", records, "--stations", stations)
    assert "1 row left out, whose status is not ok" in ended.err
    assert "1 record left out, of stations without a place: X" in ended.err
    found = _rows(out / "stations.csv")
    assert [(row["station"], row["vs30"], row["status"]) for row in found] == [
        ("A", "480", "used"),
        ("A", "480", "none"),
    ]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--strike-deg", "10"), ("--dip-deg", "is missing")),
        ((), ("needs rake_rad", "--rake-deg")),
        (("--rake-deg", "0", "--vs30", "0.7"), ("--vs30", "km/s")),
        (("--rake-deg", "0", "--stations", "s.csv"), ("--stations", "--records")),
        (("--rake-deg", "0", "--spacing-km", "0.05"), ("--spacing-km", "4 million")),
        (("--rake-deg", "0", "--spacing-km", "300"), ("--spacing-km", "--extent-km")),
        (("--rake-deg", "0", "--imts", "PGA,PGA"), ("--imts",)),
    ],
)
def test_settings_that_cannot_be(diffseis, tmp_path, words, says):
    ended = diffseis("shaking", *EVENT, "--model", "BSSA14", "--out", tmp_path / "out", *words)
    assert ended.code == 2
    for word in says:
        assert word in ended.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("head", "row", "says"),
    [
        ("latitude,longitude,vs30,PGA", "42,13,0.5,0.1", ("line 2", "vs30", "m/s")),
        ("latitude,longitude,PGA", "142,13,0.1", ("line 2", "latitude")),
        ("latitude,longitude,PGA", "42,13,-0.1", ("line 2", "pga")),
        ("latitude,longitude,vs30", "42,13,500", ("has no measure",)),
        ("station,PGA", "A,0.1", ("where the stations are", "--stations")),
    ],
)
def test_records_that_cannot_be(diffseis, tmp_path, head, row, says):
    records = _records(tmp_path / "records.csv", head, [row])
    words = ("--rake-deg", "0", "--records", records, "--out", tmp_path / "out")
    ended = diffseis("shaking", *EVENT, "--model", "BSSA14", *words)
    assert ended.code == 2
    for word in (*says, "records.csv"):
        assert word in ended.err


def test_one_place_and_a_measure_without_a_known_correlation(diffseis, tmp_path):
    places = tmp_path / "places.csv"
    places.write_text("latitude,longitude,vs30\n42.9,13.2,500\n")
    words = (
        "shaking",
        *EVENT,
        "--model",
        "Travasarou03",
        "--imts",
        "IA",
        "--rake-deg",
        "-90",
        "--places",
        places,
    )
    ended = diffseis(*words, "--out", tmp_path / "out")
    assert ended.code == 0, ended.err
    assert len(_rows(tmp_path / "out" / "places.csv")) == 1
    records = _records(tmp_path / "records.csv", "latitude,longitude,IA", ["42.9,13.2,0.2"])
    ended = diffseis(*words, "--records", records, "--out", tmp_path / "other")
    assert ended.code == 2
    assert "--range-km" in ended.err


def test_what_a_deep_point_and_vs30_are_taken_for(diffseis, tmp_path):
    words = ("--magnitude", "6.2", "--latitude", "41", "--longitude", "142.5", "--depth-km", "30", "--rake-deg", "90", *GRID)  # fmt: skip
    run = lambda model, *more: diffseis(
        "shaking", *words, "--model", model, "--imts", "PGA", "--out", tmp_path / "out", *more
    )
    along = run("BSSA14")
    assert along.code == 0, along.err
    assert "BSSA14 knows distances along the ground only" in along.err
    deep = run("BCHydro16:event=slab")
    assert deep.code == 0, deep.err
    assert "along the ground only" not in deep.err
    sigma = []
    for known in ("--vs30-measured", "--vs30-inferred"):
        ended = run("Kotha20", known)
        assert ended.code == 0, ended.err
        assert "taken as measured" not in ended.err
        sigma.append(float(_rows(tmp_path / "out" / "places.csv")[0]["model_sigma"]))
    assert sigma[1] > sigma[0] + 0.01
    assert "Kotha20: VS30 is taken as measured" in run("Kotha20").err
