"""``diffseis groundmotion``: what it writes, and how it refuses."""

import csv

import numpy as np
import pytest

SCENARIOS = """rup_mag,rup_rake,rup_dip,rup_ztor,dist_rjb,dist_rrup,dist_rx,site_vs30,site_z1pt0
6.5,0,90,0,10,10,10,760,
7.0,90,45,3,0,5,8,300,-999
"""


@pytest.fixture
def scenarios(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text(SCENARIOS)
    return path


def _rows(path):
    with path.open() as stream:
        return list(csv.DictReader(stream))


def test_a_table_of_every_scenario_model_and_measure(diffseis, scenarios, tmp_path):
    out = tmp_path / "g.csv"
    ended = diffseis(
        "groundmotion", "--model", "BSSA14,CY14", "--scenarios", scenarios, "--imts", "PGA,SA(1.0)", "--out", out, "--weights", "3,1",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    rows = _rows(out)
    assert list(rows[0]) == ["scenario", "model", "imt", "mean_ln", "tau", "phi", "sigma"]
    keys = [(r["scenario"], r["model"], r["imt"]) for r in rows]
    models, measures = ("BSSA14", "CY14", "logic-tree"), ("PGA", "SA(1.0)")
    assert keys == [(s, m, i) for s in "01" for m in models for i in measures]
    number = lambda key, name: float(rows[keys.index(key)][name])
    for imt in measures:
        two = [number(("1", m, imt), "mean_ln") for m in models[:2]]
        np.testing.assert_allclose(
            number(("1", "logic-tree", imt), "mean_ln"), np.average(two, weights=[3, 1]), rtol=1e-8
        )
    for row in rows:
        np.testing.assert_allclose(
            float(row["sigma"]), np.hypot(float(row["tau"]), float(row["phi"])), rtol=1e-7
        )


def test_every_bad_value_is_named_at_once(diffseis, tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("rup_mag,rup_rake,dist_rjb,site_vs30\n6.5,,10,0.76\n7.0,90,-3,300\n7,270,3,abc\n")
    ended = diffseis("groundmotion", "--model", "BSSA14", "--scenarios", path, "--out", tmp_path / "g.csv")
    assert ended.code == 2
    for words in (
        "5 values cannot be used",
        "line 2 (scenario 0), `site_vs30` (m/s): 0.76 is not within 50 to 5000 (is it in km/s?",
        "line 2 (scenario 0): no `rup_rake` (degrees), which BSSA14 needs",
        "line 3 (scenario 1), `dist_rjb` (km): -3",
        "line 4 (scenario 2), `rup_rake` (degrees): 270",
        "line 4 (scenario 2), `site_vs30` (m/s): 'abc' is no number",
    ):
        assert words in ended.err
    assert not (tmp_path / "g.csv").exists()


def test_columns_that_a_model_needs(diffseis, scenarios, tmp_path):
    ended = diffseis(
        "groundmotion", "--model", "Kotha20", "--scenarios", scenarios, "--out", tmp_path / "g.csv"
    )
    assert ended.code == 2
    assert "the column `rup_hypo_depth` (km below the ground) is missing: Kotha20 needs it" in ended.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--model", "BSA14"], "did you mean BSSA14"),
        (["--model", "BSSA14", "--imts", "SA(1 s"], "no intensity measure"),
        (["--model", "BSSA14", "--imts", "SA(20)"], "SA from 0.01 to 10 s"),
        (["--model", "BSSA14", "--weights", "1,2"], "1 model but 2 weights"),
        (["--model", "BSSA14", "--weights", "-1"], "cannot be weights"),
        (["--model", "BSSA14", "--weights", "a"], "no list of numbers"),
        ([], "--model"),
    ],
)
def test_refusals(diffseis, scenarios, tmp_path, words, says):
    ended = diffseis("groundmotion", "--scenarios", scenarios, "--out", tmp_path / "g.csv", *words)
    assert ended.code == 2
    assert says in ended.err


def test_odd_input_is_remarked_on(diffseis, tmp_path):
    path, out = tmp_path / "s.csv", tmp_path / "g.csv"
    path.write_text("rup_mag,rup_rake,dist_rjb,site_vs30,site_z1pt0,colour\n" + 3 * "2.5,0,500,760,0.3,red\n")
    ended = diffseis("groundmotion", "--model", "BSSA14", "--scenarios", path, "--imts", "PGA", "--out", out)
    assert ended.code == 0
    for words in (
        "no model reads: colour",
        "in metres, not in kilometres",
        "3 scenarios beyond its magnitude of 3 to 8.5",
        "rjb_km of 0 to 400",
    ):
        assert words in ended.err


def test_the_list_of_models(diffseis):
    shown = diffseis("groundmotion", "--list").out
    assert "BSSA14: Boore, Stewart, Seyhan & Atkinson (2014)" in shown
    assert "region=global | california" in shown
    assert "rup_hypo_depth" in shown
    assert "Idriss2014" in shown


def test_a_figure_of_spectra(diffseis, scenarios, tmp_path):
    words = ["--model", "BSSA14,I14", "--scenarios", scenarios, "--imts", "PGA", "--out", tmp_path / "g.csv"]
    ended = diffseis("groundmotion", *words, "--figure", tmp_path / "f.png")
    assert ended.code == 0, ended.err
    assert (tmp_path / "f.png").read_bytes()[:4] == b"\x89PNG"
    assert diffseis("groundmotion", *words, "--figure", tmp_path / "f.pdf").code == 2


def test_a_model_that_is_not_exact_says_so(diffseis, tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("rup_mag,rup_hypo_depth,dist_rjb,site_vs30\n6.0,10,20,900\n")
    ended = diffseis(
        "groundmotion", "--model", "Kotha20:form=vs30", "--scenarios", path, "--imts", "PGA", "--out", tmp_path / "g.csv",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    assert "note: Kotha20:form=vs30: the term of the site is a line" in ended.err


def test_a_measure_that_is_named_twice(diffseis, scenarios, tmp_path):
    ended = diffseis(
        "groundmotion", "--model", "BSSA14", "--scenarios", scenarios, "--imts", "PGA,SA(1),SA(1.0)", "--out", tmp_path / "g.csv",
    )  # fmt: skip
    assert ended.code == 2
    assert "names SA(1) twice" in ended.err


def test_attenuation_as_a_figure(diffseis, scenarios, tmp_path):
    drawn = tmp_path / "a.png"
    words = ("groundmotion", "--model", "BSSA14,Bindi14", "--scenarios", scenarios, "--imts", "PGA")
    ended = diffseis(*words, "--out", tmp_path / "g.csv", "--attenuation", drawn)
    assert ended.code == 0, ended.err
    assert drawn.read_bytes()[:4] == b"\x89PNG"


def test_whether_vs30_was_measured(diffseis, tmp_path):
    """An empty cell is 1, as a column that is not there; both are told."""
    head, row = (
        "rup_mag,rup_rake,rup_dip,rup_ztor,dist_rjb,dist_rrup,dist_rx,site_vs30",
        "6.5,0,90,0,10,10,10,500",
    )
    phi = []
    for name, more in (
        ("a", (",site_vs30measured", ",1")),
        ("b", (",site_vs30measured", ",")),
        ("c", ("", "")),
    ):
        path, out = tmp_path / f"{name}.csv", tmp_path / f"{name}_out.csv"
        path.write_text(f"{head}{more[0]}\n{row}{more[1]}\n")
        ended = diffseis(
            "groundmotion", "--model", "CY14", "--scenarios", path, "--imts", "PGA", "--out", out, "--weights", "1.1",
        )  # fmt: skip
        assert ended.code == 0, ended.err
        phi.append(float(_rows(out)[0]["phi"]))
        said = {"b": "site_vs30measured: 1 empty cell taken as 1", "c": "CY14: VS30 is taken as measured"}
        assert said.get(name, "the weights sum to 1.1") in ended.err
    assert phi[0] == phi[1] == phi[2]


def test_distances_that_contradict_each_other_are_told(diffseis, tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("rup_mag,rup_rake,dist_rjb,dist_rrup,site_vs30\n6,0,20,11,500\n6,0,20,21,500\n")
    ended = diffseis(
        "groundmotion", "--model", "BSSA14", "--scenarios", path, "--imts", "PGA", "--out", tmp_path / "g.csv",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    assert "1 scenario with dist_rrup below dist_rjb, which cannot be (the first: 0)" in ended.err
    path.write_text(path.read_text().replace(",", ";"))
    ended = diffseis(
        "groundmotion", "--model", "BSSA14", "--scenarios", path, "--imts", "PGA", "--out", tmp_path / "g.csv",
    )  # fmt: skip
    assert ended.code == 2
    assert "separated by semicolons" in ended.err
