"""``diffseis mechanism``: observations in; mechanisms, posteriors, a report out."""

import csv
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.io import read_mechanism_posterior, read_mechanisms
from diffseis.source import double_couple, kagan_angle, radiated

TRUE_DEG = {"good": (40.0, 60.0, -70.0), "other": (130.0, 80.0, 10.0)}
HEADER = "event_id,network,station,azimuth_deg,takeoff_deg,polarity,log10_sp"


def _tensor(plane):
    return double_couple(*(jnp.radians(jnp.asarray(angle)) for angle in plane))


def observation_lines(num_rays: int = 30) -> list[str]:
    """Two events with first motions and ratios, and three that are broken: two rays, no measurement, no angles."""
    rng = np.random.default_rng(4)
    lines = [HEADER]
    for name, plane in TRUE_DEG.items():
        azimuth = rng.uniform(0, 360, num_rays)
        takeoff = np.degrees(np.arccos(rng.uniform(-0.9, 0.9, num_rays)))
        p, sv, sh = radiated(np.asarray(_tensor(plane)), azimuth, takeoff).T
        ratio = np.log10(np.hypot(sv, sh) / np.abs(p) * 3**1.5) + rng.normal(0, 0.2, num_rays)
        for i in range(num_rays):
            lines.append(
                f"{name},XX,S{i:02d},{azimuth[i]:.1f},{takeoff[i]:.1f},{np.sign(p[i]):.0f},{ratio[i]:.3f}"
            )
    lines += ["few,XX,S00,10,100,1,", "few,XX,S01,100,80,-1,"]
    lines += ["blank,XX,S00,10,100,,", "angleless,XX,S00,,,1,"]
    return lines


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "o.csv").write_text("\n".join(observation_lines()) + "\n")
    return tmp_path


def _run(diffseis, folder, *more, observations="o.csv"):
    return diffseis("mechanism", "--observations", folder / observations, "--out", folder / "out", *more)


def _table(folder):
    with (folder / "out/mechanisms.csv").open() as stream:
        return {row["event_id"]: row for row in csv.DictReader(stream)}


@pytest.mark.long
@pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the command computes in double precision")
def test_files_in_files_out(diffseis, folder):
    """The true mechanisms are found; what is broken has a status and stops nothing; a second run replaces the first."""
    (folder / "e.csv").write_text(
        "event_id,time,latitude,longitude,depth_km,magnitude\n"
        "good,2020-01-01T00:00:00Z,45,10,8,3.1\nother,2020-01-02T00:00:00Z,45.1,10.1,6,\n"
    )
    ended = _run(diffseis, folder, "--events", folder / "e.csv", "--no-learn", "--figures", 1)
    assert ended.code == 0, ended.err
    assert "5 events: 2 no-data, 2 ok, 1 underdetermined" in ended.out
    assert "cannot get them without --stations and --velocity" in ended.err
    table = _table(folder)
    for name, plane in TRUE_DEG.items():
        row = table[name]
        found = [float(row[f"{angle}_deg"]) for angle in ("strike", "dip", "rake")]
        assert np.degrees(float(kagan_angle(_tensor(plane), _tensor(found)))) < 15
        assert int(row["num_polarities"]) == int(row["num_ratios"]) == 30
        assert row["status"] == "ok"
    assert table["blank"]["status"] == table["angleless"]["status"] == "no-data"
    assert table["few"]["status"] == "underdetermined"
    out = folder / "out"
    record = json.loads((out / "run.json").read_text())
    assert record["summary"]["num_mechanisms"] == 3
    assert set(record["sha256"]) == {"observations", "events"}
    assert record["noise"]["mispick"] == pytest.approx(0.1)
    assert record["command_line"].startswith("diffseis mechanism --observations ")
    assert "--no-learn" in record["command_line"]
    here = sorted(str(p.relative_to(out)) for p in out.rglob("*") if p.is_file())
    assert here == sorted([*record["files"], "run.json"])
    assert {"mechanisms.csv", "mechanisms.xml", "mechanisms.psmeca", "posterior.nc", "report.html"} < set(
        here
    )
    assert {"figures/map.png", "figures/styles.png"} < set(here)
    assert len([name for name in here if name.startswith("figures/event_")]) == 1
    assert read_mechanism_posterior(out / "posterior.nc").sizes["event"] == 5
    by_name = {m.event_id: m for m in read_mechanisms(out / "mechanisms.xml")[0]}
    assert by_name["good"].magnitude == 3.1
    assert by_name["good"].problem == ""
    page = (out / "report.html").read_text()
    for word in (
        "events with a mechanism",
        "Wrong readings",
        "Scatter of ratios",
        "underdetermined",
        "Kagan",
        "Given.",
    ):
        assert word in page
    again = _run(diffseis, folder, "--no-learn", "--figures", "none", "--composite", "all")
    assert again.code == 0, again.err
    assert set(_table(folder)) == {"all"}
    assert not (out / "figures").exists()


@pytest.mark.long
def test_no_event_has_a_mechanism(diffseis, folder):
    (folder / "o.csv").write_text(HEADER + "\nblank,XX,S00,10,100,,\n")
    ended = _run(diffseis, folder)
    assert ended.code == 3, ended.err
    assert _table(folder)["blank"]["status"] == "no-data"
    assert "Every" not in ended.out
    assert (folder / "out/report.html").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--source", "dcc"], "did you mean dc?"),
        (["--method", "gird"], "there is: grid, svgd, amortised, pgnn"),
        (["--format", "hash6"], "did you mean hash"),
        (["--amplitudes", "o.csv"], "the format csv has no such file"),
        (["--vp-vs", "9"], "--vp-vs"),
        (["--mispick", "0.6"], "--mispick"),
        (["--figures", "several"], "--figures"),
        (["--num-draws", "100"], "--num-draws"),
        (["--angle-error-deg", "5"], "TAKEOFF,AZIMUTH"),
        (["--angle-error-deg", "-5,2"], "0 to 90"),
        (["--stations", "none.csv"], "there is no file"),
        (["--located", "nowhere"], "there is no folder"),
        (["--located", "."], "holds no catalog.csv"),
        (["--hash-mode", "--method", "svgd"], "contradicts"),
        (["--hash-mode", "--station-terms"], "HASH learns nothing of stations"),
        (["--hash-mode", "--source", "mt"], "HASH knows double couples only"),
        (["--method", "pgnn", "--source", "mt"], "--method"),
        (["--method", "pgnn"], "needs P amplitudes"),
    ],
)
def test_bad_settings(diffseis, folder, monkeypatch, words, said):
    monkeypatch.chdir(folder)
    ended = _run(diffseis, folder, *words)
    assert ended.code == 2, ended.err
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("event,station,polarity\ne,S,1\n", "the nearest is `event`"),
        ("event_id,station,takeoff\ne,S,1\n", "takeoff_deg"),
        ("", "is empty"),
        (HEADER + "\n", "holds no observations"),
        ("event_id,station,polarity\ne,S,1\n", "no ray has angles: rays without angles cannot get them without --stations and --velocity"),
        (HEADER + "\ne,XX,S,10,200,1,\n", "line 2"),
    ],
)  # fmt: skip
def test_bad_observations(diffseis, folder, text, said):
    (folder / "bad.csv").write_text(text)
    ended = _run(diffseis, folder, observations="bad.csv")
    assert ended.code == 2, ended.err
    assert said in ended.err
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    ("out", "said"),
    [("other", "holds the results of diffseis wave"), ("o.csv", "is a file"), ("o.csv/out", "is a file")],
)
def test_a_folder_that_cannot_be_used(diffseis, folder, out, said):
    """Refused before the observations, which are none, are read."""
    (folder / "other").mkdir()
    (folder / "other/run.json").write_text('{"command": "diffseis wave"}')
    (folder / "o.csv").write_text("nonsense")
    ended = diffseis("mechanism", "--observations", folder / "o.csv", "--out", folder / out)
    assert ended.code == 2
    assert said in ended.err


@pytest.mark.parametrize("moment", ["invert", "write_mechanism_posterior", "draw"])
def test_an_interrupted_run_leaves_nothing(diffseis, folder, monkeypatch, moment):
    """Whether it computed, wrote tables or drew."""

    def interrupt(*words, **options):
        raise KeyboardInterrupt

    from diffseis.core.results import RESULTS, Solution
    from tests.io.made_mechanisms import made_catalogue

    made = Solution(
        value=made_catalogue(),
        result=RESULTS.successful,
        stats={"noise": None, "learning": [], "settled": True, "apart": []},
    )
    monkeypatch.setattr("diffseis.workflows.mechanisms.invert", lambda *words, **options: made)
    name = "mechanism_pages.overview_figures" if moment == "draw" else f"mechanisms.{moment}"
    monkeypatch.setattr(f"diffseis.workflows.{name}", interrupt)
    ended = _run(diffseis, folder)
    assert ended.code == 130, ended.err
    assert "Nothing was written" in ended.err
    assert not (folder / "out").exists()
