"""``diffseis traveltimes``: files in, times out, by every solver."""

import csv

import numpy as np
import pytest


@pytest.fixture
def files(tmp_path):
    """A linear medium, two sources, three receivers."""
    (tmp_path / "v.csv").write_text("depth_km,vp_km_s,vs_km_s\n0,4,2.3\n40,8,4.6\n")
    (tmp_path / "s.csv").write_text("id,x_km,y_km,z_km\na,0,0,8\nb,3,4,12.3\n")
    (tmp_path / "r.csv").write_text("id,x_km,y_km,z_km\nr1,15,20,0\nr2,0,0,0\nr3,-30,3,0.5\n")
    return tmp_path


def _times(path):
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {(r["source_id"], r["receiver_id"], r["phase"]): float(r["time_s"]) for r in rows}


def _run(diffseis, folder, *more, sources="s.csv", receivers="r.csv"):
    words = ["traveltimes", "--velocity", folder / "v.csv", "--sources", folder / sources]
    return diffseis(*map(str, [*words, "--receivers", folder / receivers, *more]))


def test_solvers_agree_with_the_closed_form(diffseis, files):
    found = {}
    for solver in ("analytic", "layered", "sweeping"):
        out = files / f"{solver}.csv"
        end = _run(diffseis, files, "--velocity-kind", "linear", "--solver", solver, "--out", out)
        assert end.code == 0, end.err
        assert "12 times" in end.out
        found[solver] = _times(out)
    # v = 4 + 0.1 z: Slotnick's formula, by hand.
    distance2, product = 15.0**2 + 20**2 + 8**2, 4.8 * 4.0
    by_hand = np.arccosh(1 + 0.1**2 * distance2 / (2 * product)) / 0.1
    assert found["analytic"]["a", "r1", "P"] == pytest.approx(by_hand, abs=1e-6)
    for key, time_s in found["analytic"].items():
        assert found["layered"][key] == pytest.approx(time_s, abs=1e-6)
        assert found["sweeping"][key] == pytest.approx(time_s, rel=1e-3)


def test_geographic_points(diffseis, files):
    (files / "s.csv").write_text("id,latitude,longitude,depth_km\nq,42.0,13.0,0\n")
    (files / "r.csv").write_text("id,latitude,longitude,depth_km\nn,42.1,13.0,0\n")
    (files / "v.csv").write_text("depth_km,vp_km_s,vs_km_s\n0,5,2.5\n")
    end = _run(diffseis, files, "--solver", "analytic", "--out", files / "t.csv")
    assert end.code == 0, end.err
    # 0.1 degrees of latitude at 42 N are 11.107 km on WGS84.
    assert _times(files / "t.csv")["q", "n", "P"] == pytest.approx(11.107 / 5, abs=1e-3)


@pytest.mark.parametrize(
    ("more", "word"),
    [
        (["--solver", "magic"], "unknown solver"),
        (["--solver", "analytic"], "closed form"),
        (["--solver", "sweeping", "--spacing-km", "0"], "above 0"),
    ],
)
def test_what_cannot_be_done_is_said(diffseis, files, more, word):
    end = _run(diffseis, files, *more)
    assert end.code == 2
    assert word in end.err
    assert "fix:" in end.err


def test_mixed_systems_are_refused(diffseis, files):
    (files / "g.csv").write_text("id,latitude,longitude,depth_km\nn,42.1,13.0,0\n")
    end = _run(diffseis, files, receivers="g.csv")
    assert end.code == 2
    assert "different systems" in end.err
