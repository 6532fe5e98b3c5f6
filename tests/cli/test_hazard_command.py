"""``diffseis hazard``: curves, derivatives and disaggregation of a small source model."""

import csv
import json

import numpy as np
import pytest

HEAD = "source,latitude,longitude,depth_km,a,b,least_magnitude,largest_magnitude,strike_deg,dip_deg,rake_deg,length_km,width_km"
ROWS = ("near,42.5,13.3,10,3.5,{b},5,6.5,150,50,-90,,", "fault,42.4,13.4,2,3.0,0.9,5.5,7.0,140,55,-90,30,14")
SITE = ("--latitude", "42.35", "--longitude", "13.4")
FAST = ("--magnitude-bin", "0.5", "--spacing-km", "20", "--levels", "0.01,0.1,0.5")


def _rows(path):
    with path.open() as stream:
        return list(csv.DictReader(stream))


def _sources(path, rows=ROWS, b="1.0"):
    path.write_text("\n".join([HEAD, *rows]).format(b=b) + "\n")
    return path


def _run(diffseis, tmp_path, *words, b="1.0", out="out"):
    sources = _sources(tmp_path / "sources.csv", b=b)
    ended = diffseis("hazard", "--sources", sources, "--out", tmp_path / out, *words)
    assert ended.code == 0, ended.err
    return tmp_path / out, ended


def test_curves_and_what_they_are_made_of(diffseis, tmp_path):
    out, ended = _run(
        diffseis, tmp_path, *SITE, *FAST, "--model", "BSSA14", "--imts", "PGA", "--derivatives", "none"
    )
    assert "site, PGA, BSSA14: 475 years 0." in ended.out
    curves = _rows(out / "curves.csv")
    rates = np.array([float(row["rate"]) for row in curves])
    assert len(rates) == 3
    assert np.all(np.diff(rates) < 0)
    np.testing.assert_allclose([float(r["probability"]) for r in curves], -np.expm1(-50 * rates), rtol=1e-5)
    # Nothing is lost: the smallest level is exceeded by nearly all earthquakes.
    total = 10**-1.5 - 10**-3 + 10 ** (3 - 0.9 * 5.5) - 10 ** (3 - 0.9 * 7)
    assert 0.95 * total < rates[0] <= total
    for name in ("disaggregation.csv", "sources.csv"):
        shares = [float(r["share"]) for r in _rows(out / name) if r["return_period_years"] == "475"]
        assert sum(shares) == pytest.approx(1, rel=1e-4)
    record = json.loads((out / "run.json").read_text())
    there = {str(p.relative_to(out)) for p in out.rglob("*") if p.is_file()} - {"run.json"}
    assert set(record["files"]) == there
    assert "figures/site_PGA_curve.png" in there
    assert "figures/site_PGA_475_years.png" in there


@pytest.mark.long
def test_derivatives_are_those_of_the_files_numbers(diffseis, tmp_path):
    """By b of one source: two runs with b moved; of two models and several sites, with their mean."""
    sites = tmp_path / "sites.csv"
    sites.write_text("station,latitude,longitude,vs30\nA,42.35,13.4,500\nB,42.6,13.1,\nFAR,10,10,300\n")
    words = (
        *FAST,
        "--sites",
        sites,
        "--model",
        "BSSA14,Bindi14",
        "--weights",
        "3,1",
        "--imts",
        "PGA,SA(1.0)",
    )
    runs = [_run(diffseis, tmp_path, *words, b=b, out=f"out{b}")[0] for b in ("0.999", "1.0", "1.001")]
    notices = json.loads((runs[1] / "run.json").read_text())["notices"]
    assert any("FAR: no source within 300 km" in notice for notice in notices)
    found = {
        (r["site"], r["model"], r["imt"], r["level"]): float(r["dln_rate"])
        for r in _rows(runs[1] / "derivatives.csv")
        if (r["owner"], r["parameter"]) == ("near", "b")
    }
    # Two models and their mean.
    assert len(found) == 2 * 3 * 2 * 3
    low, middle, high = (
        {(r["site"], r["model"], r["imt"], r["level"]): float(r["rate"]) for r in _rows(run / "curves.csv")}
        for run in runs
    )
    for key, slope in found.items():
        # Files have six digits.
        expected = np.log(high[key] / low[key]) / 0.002
        assert slope == pytest.approx(expected, rel=2e-3, abs=2e-3)
    for site, model, imt, level in middle:
        if model == "mean":
            of = lambda m, s=site, i=imt, v=level: middle[s, m, i, v]
            assert of("mean") == pytest.approx(0.75 * of("BSSA14") + 0.25 * of("Bindi14"), rel=1e-5)


@pytest.mark.parametrize(
    ("words", "field", "why"),
    [
        ((*SITE, "--model", "NONE14"), "--model", "NONE14"),
        ((*SITE, "--model", "BSSA14", "--imts", "PGA,PGA"), "--imts", "twice"),
        ((*SITE, "--model", "BSSA14", "--weights", "1,2"), "--weights", "1 model but 2 weights"),
        ((*SITE, "--model", "BSSA14", "--levels", "0.5,0.1"), "--levels", "grow"),
        ((*SITE, "--model", "BSSA14", "--return-periods", "0"), "--return-periods", "above 0"),
        ((*SITE, "--model", "BSSA14", "--vs30", "0.76"), "--vs30", "km/s"),
        ((*SITE, "--model", "BSSA14", "--derivatives", "some"), "--derivatives", "none, parameters, all"),
        ((*SITE, "--model", "Kotha20:form=slope"), "--model", "needs slope"),
        (("--model", "BSSA14"), "--latitude", "missing"),
        ((*SITE[:3], "93", "--latitude", "-91", "--model", "BSSA14"), "--latitude", "exchanged"),
        ((*SITE, "--model", "BSSA14", "--sites", "x.csv"), "--sites", "one or other"),
        (("--latitude", "-40", "--longitude", "13", "--model", "BSSA14"), "sources.csv", "no source within"),
    ],
)
def test_what_is_refused(diffseis, tmp_path, words, field, why):
    sources = _sources(tmp_path / "sources.csv")
    ended = diffseis("hazard", "--sources", sources, "--out", tmp_path / "out", *words)
    assert ended.code == 2
    assert field in ended.err
    assert why in ended.err
    assert not (tmp_path / "out").exists()


def test_a_model_that_needs_what_a_source_does_not_state(diffseis, tmp_path):
    rows = ("bare,42.5,13.3,10,3.5,1,5,6.5,,,,,",)
    sources = _sources(tmp_path / "sources.csv", rows)
    ended = diffseis("hazard", "--sources", sources, "--out", tmp_path / "out", *SITE, "--model", "CY14")
    assert ended.code == 2
    assert "source bare does not state it" in ended.err


def test_sites_of_one_name_keep_their_own_files(diffseis, tmp_path):
    sites = tmp_path / "sites.csv"
    sites.write_text("station,latitude,longitude\n東京,42.35,13.4\n東京,42.4,13.3\n/,42.3,13.2\n")
    words = ("--sites", sites, *FAST, "--model", "BSSA14", "--imts", "PGA", "--derivatives", "none")
    out, _ = _run(diffseis, tmp_path, *words, "--return-periods", "475")
    names = sorted(path.name for path in (out / "figures").glob("*_curve.png"))
    assert names == ["site_2_PGA_curve.png", "東京_0_PGA_curve.png", "東京_1_PGA_curve.png"]
    assert {row["site"] for row in _rows(out / "curves.csv")} == {"東京 0", "東京 1", "/"}


@pytest.mark.long
def test_derivatives_of_a_file_with_a_rate_hold_the_rate(diffseis, tmp_path):
    """By b and by the least magnitude, which then leave the number of earthquakes as it is; strike as the file has it."""
    head = HEAD.replace(",a,", ",rate,")
    row = "one,42.5,13.3,10,0.05,{b},{least},6.5,150,50,-90,,"
    rates, slopes = {}, {}
    for b, least in (("1.0", "5"), ("1.001", "5"), ("0.999", "5"), ("1.0", "5.001"), ("1.0", "4.999")):
        path = tmp_path / "s.csv"
        path.write_text(f"{head}\n{row.format(b=b, least=least)}\n")
        # Three bins, whatever the least magnitude is.
        words = ("--magnitude-bin", "0.51", "--levels", "0.05,0.2", "--model", "BSSA14", "--imts", "PGA")
        ended = diffseis("hazard", "--sources", path, "--out", tmp_path / "out", *SITE, *words)
        assert ended.code == 0, ended.err
        rates[b, least] = np.log([float(r["rate"]) for r in _rows(tmp_path / "out" / "curves.csv")])
        if (b, least) == ("1.0", "5"):
            for r in _rows(tmp_path / "out" / "derivatives.csv"):
                slopes.setdefault(r["parameter"], []).append(float(r["dln_rate"]))
                if r["parameter"] == "strike_deg":
                    assert float(r["value"]) == pytest.approx(150, abs=1e-4)
    assert "a" not in slopes
    np.testing.assert_allclose(slopes["rate"], 1 / 0.05, rtol=1e-5)
    by_b = (rates["1.001", "5"] - rates["0.999", "5"]) / 0.002
    np.testing.assert_allclose(slopes["b"], by_b, rtol=5e-3, atol=3e-3)
    by_least = (rates["1.0", "5.001"] - rates["1.0", "4.999"]) / 0.002
    np.testing.assert_allclose(slopes["least_magnitude"], by_least, rtol=5e-3, atol=3e-3)


def test_levels_that_nothing_exceeds(diffseis, tmp_path):
    words = (*SITE, *FAST[:4], "--levels", "50,100", "--model", "BSSA14", "--imts", "PGA")
    out, ended = _run(diffseis, tmp_path, *words, "--derivatives", "none")
    assert "the levels do not reach 475, 2475 years" in ended.err
    assert (out / "figures" / "site_PGA_curve.png").exists()


def test_a_folder_of_another_command_is_refused_at_once(diffseis, tmp_path):
    sources = _sources(tmp_path / "sources.csv")
    out = tmp_path / "out"
    out.mkdir()
    (out / "run.json").write_text('{"command": "diffseis residuals"}')
    ended = diffseis("hazard", "--sources", sources, "--out", out, *SITE, "--model", "BSSA14")
    assert ended.code == 2
    assert "holds the results of diffseis residuals" in ended.err
    assert "hazard 0/" not in ended.err


@pytest.mark.long
def test_derivatives_by_a_table_of_rates(diffseis, tmp_path):
    """Rates are linear in them: all derivatives, times the rates, sum to 1."""
    path = tmp_path / "model.xml"
    path.write_text(
        '<nrml xmlns="http://openquake.org/xmlns/nrml/0.5"><sourceModel><pointSource id="1"><pointGeometry><pos>13.3 42.5</pos>'
        "<upperSeismoDepth>0</upperSeismoDepth><lowerSeismoDepth>20</lowerSeismoDepth></pointGeometry><magScaleRel>WC1994</magScaleRel><ruptAspectRatio>1</ruptAspectRatio>"
        '<incrementalMFD minMag="5.05" binWidth="0.5"><occurRates>0.1 0.08 0.02</occurRates></incrementalMFD>'
        '<nodalPlane probability="1" strike="30" dip="60" rake="90"/><hypoDepth probability="1" depth="8"/></pointSource></sourceModel></nrml>'
    )
    words = ("--levels", "0.05,0.2", "--model", "BSSA14", "--imts", "PGA")
    ended = diffseis("hazard", "--sources", path, "--out", tmp_path / "out", *SITE, *words)
    assert ended.code == 0, ended.err
    rows = [r for r in _rows(tmp_path / "out" / "derivatives.csv") if r["parameter"].startswith("rate(")]
    assert sorted({r["parameter"] for r in rows}) == ["rate(M 5.05)", "rate(M 5.55)", "rate(M 6.05)"]
    for level in {r["level"] for r in rows}:
        shares = [float(r["dln_rate"]) * float(r["value"]) for r in rows if r["level"] == level]
        assert sum(shares) == pytest.approx(1, rel=1e-5)
