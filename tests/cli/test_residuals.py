"""``diffseis residuals``: tables, ranking and figures of a flatfile."""

import csv
import json

import numpy as np
import pytest

from diffseis.groundmotion import Rupture, Site, ground_motion_model, ground_motions

HEAD = "event_id,station_id,magnitude,rake,dip,event_depth,rjb,rrup,vs30,PGA,SA(1.000)"


@pytest.fixture
def flatfile(tmp_path):
    """Records of BSSA14 with terms of 12 events; one without VS30."""
    random = np.random.default_rng(0)
    num, event = 120, np.arange(120) % 12
    magnitude, rjb, vs30 = (
        random.uniform(5, 7, 12)[event],
        random.uniform(2, 150, num),
        random.uniform(200, 900, num),
    )
    model = ground_motion_model("BSSA14", ["PGA", "SA(1.0)"])
    motion = ground_motions(
        model, Rupture(magnitude=magnitude, rake_rad=0.0), Site(rjb_km=rjb, vs30_m_s=vs30)
    )
    mean, tau, phi = (np.asarray(a) for a in (motion.mean_ln, motion.tau, motion.phi))
    terms = random.normal(size=12)
    noise = random.normal(size=(2, num))
    value = np.exp(mean + tau * terms[event] + phi * noise)
    rows = [
        f"e{event[k]},s{k},{magnitude[k]},0,90,8,{rjb[k]},{rjb[k] + 1},{vs30[k] if k else ''},{value[0, k]},{value[1, k]}"
        for k in range(num)
    ]
    path = tmp_path / "flat.csv"
    path.write_text("\n".join([HEAD, *rows]) + "\n")
    return path


def _rows(path):
    with path.open() as stream:
        return list(csv.DictReader(stream))


@pytest.mark.long
def test_residuals_and_ranking(diffseis, flatfile, tmp_path):
    out = tmp_path / "out"
    ended = diffseis(
        "residuals", "--flatfile", flatfile, "--model", "BSSA14,ASB14", "--imts", "PGA,SA(1.0)", "--out", out
    )
    assert ended.code == 0, ended.err
    assert "1 record left out: without all of" in ended.err
    ranking = _rows(out / "ranking.csv")
    assert [row["imt"] for row in ranking] == ["PGA", "PGA", "SA(1)", "SA(1)"]
    for imt in ("PGA", "SA(1)"):
        own = {row["model"]: row for row in ranking if row["imt"] == imt}
        assert float(own["BSSA14"]["weight"]) > float(own["ASB14"]["weight"])
        assert sum(float(row["weight"]) for row in own.values()) == pytest.approx(1, abs=1e-5)
        assert float(own["BSSA14"]["sd_within"]) == pytest.approx(1, abs=0.2)
        assert (own["BSSA14"]["num_records"], own["BSSA14"]["num_events"]) == ("119", "12")
    assert len(_rows(out / "residuals.csv")) == 4 * 119
    assert len(_rows(out / "events.csv")) == 4 * 12
    assert sorted(p.name for p in (out / "figures").iterdir())[0] == "ASB14_PGA.png"
    record = json.loads((out / "run.json").read_text())
    assert set(record["files"]) == {str(p.relative_to(out)) for p in out.rglob("*") if p.is_file()} - {
        "run.json"
    }


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--model", "BSA14"], "did you mean BSSA14"),
        (["--model", "BSSA14", "--imts", "SA(0.2)"], "has no SA(0.2)"),
        (["--model", "BSSA14", "--imts", "MMI"], "no intensity measure"),
        (["--model", "CB14", "--imts", "PGA"], "the flatfile has no top_depth_km, rx_km"),
    ],
)
def test_refusals(diffseis, flatfile, tmp_path, words, says):
    ended = diffseis("residuals", "--flatfile", flatfile, "--out", tmp_path / "out", *words)
    assert ended.code == 2
    assert says in ended.err
    assert not (tmp_path / "out").exists()
