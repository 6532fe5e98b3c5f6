"""``diffseis train-groundmotion``: a model from a flatfile, and its use wherever models are named."""

import csv
import json

import jax
import numpy as np
import pytest

from diffseis.groundmotion import NeuralModel
from diffseis.io import load_neural_model
from tests.cli.motion_world import LEVELS, write_flatfile


def _rows(path):
    with path.open() as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def flatfile(tmp_path_factory):
    path = tmp_path_factory.mktemp("flat") / "flat.csv"
    return path, write_flatfile(path)


def test_help(diffseis):
    ended = diffseis("train-groundmotion", "--help")
    assert ended.code == 0
    for option in ("--flatfile", "--base", "--heteroscedastic", "--held-out", "--max-distance-km"):
        assert option in ended.out


@pytest.mark.long
@pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="commands compute in double precision")
def test_a_model_is_learned_and_used(diffseis, flatfile, tmp_path):
    path, truth = flatfile
    out = tmp_path / "ours"
    base = "BSSA14:basin=none"
    ended = diffseis(
        *("train-groundmotion", "--flatfile", path, "--imts", "PGA,SA(1.0)", "--out", out),
        *("--base", base, "--members", 2, "--units", 3),
    )
    assert ended.code == 0, ended.err
    assert "8 events that were held out" in ended.out
    assert "fit to all" in ended.err
    record = json.loads((out / "run.json").read_text())
    assert set(record["files"]) == {str(p.relative_to(out)) for p in out.rglob("*") if p.is_file()} - {
        "run.json"
    }
    for check in record["held_out"]:
        assert check["inside_95"] > 0.85
        # The base is the truth but for its deviations, which do not vary like these.
        assert check["llh_bits"] < check["base_llh_bits"] + 0.15
    for row, name in zip(_rows(out / "deviations.csv"), ("PGA", "SA(1)"), strict=True):
        assert (row["imt"], row["num_records"], row["num_events"]) == (name, "500", "40")
        assert float(row["phi_ss_slope_high"]) < 0
        assert 0.7 * LEVELS[2] < float(row["phi_ss"]) < 1.3 * LEVELS[2]
    for file, known, key in (("events", truth[0], "event_id"), ("stations", truth[1], "station_id")):
        own = _rows(out / f"{file}.csv")
        term = np.array([known[0 if row["imt"] == "PGA" else 1][int(row[key][1:])] for row in own])
        found, sd = (np.array([float(row[n]) for row in own]) for n in ("term", "sd"))
        assert np.corrcoef(found, term)[0, 1] > 0.75
        assert np.mean(np.abs(found - term) < 1.96 * sd) > 0.87
    model, header = load_neural_model(out / "model.safetensors")
    assert isinstance(model, NeuralModel)
    assert (header["name"], header["base"]) == ("ours", base)
    assert header["training"]["sha256"] == record["sha256"]
    _used(diffseis, path, out / "model.safetensors", tmp_path)


def _used(diffseis, flatfile, model, tmp_path):
    """In residuals, scenarios and maps."""
    ended = diffseis(
        *("residuals", "--flatfile", flatfile, "--model", f"{model},BSSA14", "--imts", "PGA", "--out"),
        tmp_path / "residuals",
    )
    assert ended.code == 0, ended.err
    by_model = {row["model"]: float(row["llh_bits"]) for row in _rows(tmp_path / "residuals/ranking.csv")}
    assert by_model[str(model)] < by_model["BSSA14"]
    scenarios = tmp_path / "scenarios.csv"
    scenarios.write_text(
        "rup_mag,rup_rake,rup_hypo_depth,dist_rjb,site_vs30\n6.0,0,10,20,400\n8.5,0,10,20,400\n"
    )
    table = tmp_path / "motions.csv"
    words = ("groundmotion", "--scenarios", scenarios, "--imts", "SA(1.0),PGA", "--out", table)
    ended = diffseis(*words, "--model", f"{model},{model}:epistemic=true")
    assert ended.code == 0, ended.err
    assert "1 scenario beyond its magnitude" in ended.err
    rows = [row for row in _rows(table) if row["imt"] == "PGA"]
    plain, wide = ([float(r["tau"]) for r in rows if r["model"].endswith(end)] for end in ("rs", "=true"))
    assert wide[0] > plain[0]
    # Beyond the records less is known.
    assert wide[1] ** 2 - plain[1] ** 2 > wide[0] ** 2 - plain[0] ** 2
    ended = diffseis(
        *("shaking", "--magnitude", 6, "--latitude", 42, "--longitude", 13, "--depth-km", 9, "--rake-deg", 0),
        *("--model", model, "--imts", "PGA", "--spacing-km", 50, "--out", tmp_path / "map"),
    )
    assert ended.code == 0, ended.err
    for option, says in (
        ("--imts=PGV", "gives no PGV; it gives PGA, SA(1)"),
        (f"--model={model}:x=1", "no option `x=1`"),
    ):
        ended = diffseis(*words, "--model", model, option)
        assert ended.code == 2
        assert says in ended.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--flatfile", "none.csv"], "none.csv"),
        (["--imts", "PGV"], "has no PGV"),
        (["--imts", "MMI"], "no intensity measure"),
        (["--imts", "PGA,pga"], "names PGA twice"),
        (["--held-out", "0.95"], "not within 0 and 0.9"),
        (["--held-out", "-0.1"], "not within 0 and 0.9"),
        (["--units", "0"], "--units"),
        (["--members", "0"], "--members"),
        (["--min-magnitude", "7.4"], "too few to learn from"),
        (["--max-distance-km", "3.2"], "too few to learn from"),
        (["--base", "BSA14"], "did you mean BSSA14"),
        (["--base", "CB14"], "has no top_depth_km"),
    ],
)
def test_refusals(diffseis, flatfile, tmp_path, words, says):
    given = {"--flatfile": str(flatfile[0]), "--imts": "PGA", "--out": str(tmp_path / "out")}
    given |= dict(zip(words[::2], words[1::2], strict=True))
    ended = diffseis("train-groundmotion", *(x for pair in given.items() for x in pair))
    assert ended.code == 2, ended.err
    assert says in ended.err
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_no_model_is_refused(diffseis, tmp_path):
    scenarios = tmp_path / "scenarios.csv"
    scenarios.write_text("rup_mag,rup_rake,rup_hypo_depth,dist_rjb,site_vs30\n6.0,0,10,20,400\n")
    wrong = tmp_path / "model.safetensors"
    for content, says in ((None, "model.safetensors"), (b"12345678", "cannot be read")):
        if content is not None:
            wrong.write_bytes(content)
        ended = diffseis(
            "groundmotion", "--scenarios", scenarios, "--model", wrong, "--out", tmp_path / "o.csv"
        )
        assert ended.code == 2
        assert says in ended.err


@pytest.mark.long
@pytest.mark.reference
@pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="commands compute in double precision")
def test_two_real_earthquakes(diffseis, reference_data, tmp_path):
    """The two of Kahramanmaraş, 489 records: a model of them, and what it says of what it cannot know."""
    flatfile = reference_data / "groundmotion/residuals/test_flatfile.csv"
    words = ("--imts", "PGA,SA(1.0)", "--members", 1, "--out", tmp_path / "out")
    ended = diffseis("train-groundmotion", "--flatfile", flatfile, *words)
    assert ended.code == 0, ended.err
    for said in ("2 events say next to nothing", "no event was held out", "are the same for all magnitudes"):
        assert said in ended.err
    for row in _rows(tmp_path / "out/deviations.csv"):
        assert row["tau_slope"] == ""
        assert 0.2 < float(row["phi_ss"]) < 0.8
        assert 0.2 < float(row["phi_s2s"]) < 0.8
