"""The whole job: from three files to a catalogue, its uncertainties and a report."""

import csv
import re
from dataclasses import replace
from html.parser import HTMLParser

import jax.random as jr
import numpy as np
import obspy
import pytest
import xarray

from diffseis.core.frames import LocalFrame
from diffseis.io import read_catalogue_csv, read_json, read_picks_csv, sha256_of
from diffseis.location import TravelTimeError
from diffseis.location.catalogue import add_seconds
from diffseis.synthesis import synthetic_picks
from diffseis.workflows.config import load_config
from diffseis.workflows.inputs import read_inputs
from diffseis.workflows.locating import make_setup, run_locate
from tests.workflows.tiny import Tiny

COLUMNS = [
    *["event_id", "time", "latitude", "longitude", "depth_km", "status", "horizontal_error_km"],
    *[
        "vertical_error_km",
        "cov_nn_km2",
        "cov_ne_km2",
        "cov_nd_km2",
        "cov_ee_km2",
        "cov_ed_km2",
        "cov_dd_km2",
    ],
    *["rms_s", "num_phases", "num_stations", "gap_deg", "nearest_km"],
]
"""What ``catalog.csv`` must begin with."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A tiny job that was done, with everything that can be written."""
    tiny = Tiny.write(tmp_path_factory.mktemp("tiny"))
    tiny = replace(tiny, config=tiny.config.model_copy(update={"nonlinloc": True, "event_cards": 1}))
    catalogue, record = run_locate(tiny.config)
    return tiny, catalogue, record


def test_every_file_is_there(finished):
    out = finished[0].config.out
    for name in (
        "catalog.xml",
        "catalog.csv",
        "posterior.nc",
        "picks.csv",
        "report.html",
        "run.json",
        "config.toml",
    ):
        assert (out / name).stat().st_size > 0, name
    assert list((out / "figures").glob("*.png"))
    assert list((out / "figures").glob("event_*.png"))
    assert list((out / "nonlinloc").rglob("*.hyp"))
    assert list((out / "nonlinloc").rglob("*.scat"))
    assert not [p for p in out.rglob("*") if p.name.startswith(".")], "no temporary file is left"


def test_the_events_are_where_they_were(finished):
    tiny, catalogue, _ = finished
    events = catalogue.events
    assert set(events.status) == {"located"}
    ned = catalogue.particles.ned_km
    truth = catalogue.frame.to_ned(tiny.truth.latitude, tiny.truth.longitude, tiny.truth.depth_km)
    assert np.all(np.abs(ned.mean(axis=1) - truth) < 4 * ned.std(axis=1) + 0.05)
    late = (events.time - tiny.truth.time) / np.timedelta64(1, "s")
    assert np.all(np.abs(late) < 4 * events.origin_time_error_s + 0.05)


def test_catalog_csv_has_the_columns_in_order(finished):
    out = finished[0].config.out
    with (out / "catalog.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0])[: len(COLUMNS)] == COLUMNS
    assert len(rows) == 6
    assert all(rows[0][name] for name in COLUMNS)
    table = read_catalogue_csv(out / "catalog.csv")
    np.testing.assert_allclose(table.depth_km, finished[1].events.depth_km, atol=1e-3)


def test_picks_csv_holds_every_pick(finished):
    tiny, catalogue, _ = finished
    with (tiny.config.out / "picks.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(catalogue.picks) == len(read_picks_csv(tiny.config.picks)[0])
    assert {"residual_s", "weight", "outlier_probability", "status"} <= set(rows[0])
    assert all(0 <= float(r["outlier_probability"]) <= 1 for r in rows)


def test_quakeml_reads_back(finished):
    tiny, catalogue, _ = finished
    read = obspy.read_events(str(tiny.config.out / "catalog.xml"), format="QUAKEML")
    assert len(read) == 6
    origin = read[0].preferred_origin() or read[0].origins[0]
    assert abs(origin.latitude - catalogue.events.latitude[0]) < 1e-6
    assert abs(origin.depth - 1000 * catalogue.events.depth_km[0]) < 1
    assert origin.origin_uncertainty.confidence_ellipsoid is not None
    assert len(origin.arrivals) == np.sum(catalogue.arrivals.event_row == 0)
    assert all(a.time_residual is not None and a.time_weight is not None for a in origin.arrivals)


def test_posterior_opens_in_xarray(finished):
    tiny, catalogue, _ = finished
    with xarray.open_dataset(tiny.config.out / "posterior.nc") as posterior:
        for name in ("latitude", "longitude", "depth_km", "origin_time_s"):
            assert posterior[name].dims == ("event", "particle")
            assert np.all(np.isfinite(posterior[name]))
        assert dict(posterior.sizes)["particle"] == 32
        assert [str(v) for v in posterior["event"].values] == list(catalogue.events.event_id)
        np.testing.assert_allclose(posterior["depth_km"], catalogue.particles.depth_km, atol=1e-4)


class _Loads(HTMLParser):
    """Addresses that a browser would fetch."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            loads = name in ("src", "srcset", "data", "poster") or (name == "href" and tag == "link")
            if loads and not str(value).startswith("data:"):
                self.found.append((tag, name, value))
            if name == "style" and "url(" in str(value):
                self.found.append((tag, name, value))


def test_the_report_is_one_file_and_works_offline(finished):
    text = (finished[0].config.out / "report.html").read_text()
    reader = _Loads()
    reader.feed(text)
    assert reader.found == []
    assert not re.search(r"@import|url\(\s*['\"]?(?!data:)", text)
    assert not re.search(r"fetch\(|XMLHttpRequest", text)
    assert "diffseis locate" in text, "the line that repeats the run"
    reader = _Loads()
    reader.feed('<img src="http://x/a.png"><link href="//x/a.css"><a href="http://x">')
    assert len(reader.found) == 2, "the check itself sees what it should"


def test_the_record_repeats_the_run(finished):
    tiny, _, record = finished
    out = tiny.config.out
    written = read_json(out / "run.json")
    assert written["seed"] == 0
    assert written["inputs_sha256"]["picks"] == sha256_of(tiny.config.picks)
    assert {"python", "jax", "obspy", "diffseis"} <= set(written["versions"])
    assert written["summary"]["status"] == {"located": 6}
    assert written["timings_s"]["locate"] > 0
    assert written["command"] == record["command"]
    import tomllib

    assert load_config(tomllib.loads((out / "config.toml").read_text())) == tiny.config


def test_another_run_from_the_written_settings_is_the_same(finished, diffseis, monkeypatch):
    monkeypatch.setattr("diffseis.plot.make_figures", lambda *_, **__: {})
    tiny = finished[0]
    again = tiny.folder / "again"
    end = diffseis(
        "locate", "--config", tiny.config.out / "config.toml", "--out", again, "--set", "event_cards=0"
    )
    assert end.code == 0
    assert "6 events: 6 located" in end.out
    for name in ("catalog.csv", "picks.csv"):
        assert (again / name).read_bytes() == (tiny.config.out / name).read_bytes()


def test_stages_are_told(tiny, monkeypatch):
    monkeypatch.setattr("diffseis.plot.make_figures", lambda *_, **__: {})
    told = []
    run_locate(tiny.config, progress=lambda stage, done, total: told.append((stage, done, total)))
    stages = " ".join(stage for stage, _, _ in told)
    for word in ("reading", "tables", "compiling", "locating", "writing"):
        assert word in stages
    assert ("locating", 6, 6) in told


@pytest.mark.slow
def test_station_terms_recover_planted_delays(tmp_path, monkeypatch):
    """Forty events, every station and phase late or early by a constant."""
    monkeypatch.setattr("diffseis.plot.make_figures", lambda *_, **__: {})
    tiny = Tiny.write(tmp_path)
    inputs = read_inputs(tiny.config)
    setup = make_setup(tiny.config, inputs.stations, inputs.velocity)
    rng = np.random.default_rng(5)
    picks, _ = synthetic_picks(
        rng.uniform([-8, -8, 4], [8, 8, 12], (40, 3)),
        setup.times,
        inputs.stations,
        setup.frame,
        error=TravelTimeError(0.0, 0.0, 0.0),
        sigma_s={"P": 0.02, "S": 0.03},
        num_stations=(8, 8),
        s_fraction=1.0,
        key=jr.key(3),
    )
    planted = rng.normal(0, 0.15, (10, 2))
    row = inputs.stations.row_of()
    delay = np.array(
        [planted[row[i], int(p == "S")] for i, p in zip(picks.station_ids, picks.phase, strict=True)]
    )
    inputs = replace(inputs, picks=replace(picks, time=add_seconds(picks.time, delay)))
    plain, _ = run_locate(tiny.config, inputs=inputs)
    config = tiny.config.model_copy(update={"station_terms": "static", "station_term_iterations": 6})
    better, _ = run_locate(config, inputs=inputs)
    found = better.station_terms_s
    # What a common move of all hypocentres and origin times absorbs cannot be known; compare the rest.
    place = setup.frame.to_ned(inputs.stations.latitude, inputs.stations.longitude)[:, :2]
    azimuth = place / np.linalg.norm(place, axis=1, keepdims=True)
    slowness = np.array([1 / 5.6, 1 / 3.2])
    absorbed = [
        np.ones((10, 2)),
        np.ones((10, 1)) * slowness,
        *(azimuth[:, i, None] * slowness for i in (0, 1)),
    ]
    basis, _ = np.linalg.qr(np.stack([a.ravel() for a in absorbed], axis=1))

    def known(terms):
        return terms.ravel() - basis @ (basis.T @ terms.ravel())

    assert np.corrcoef(known(found), known(planted))[0, 1] > 0.9

    def rms(catalogue):
        return np.sqrt(np.nanmean(catalogue.arrivals.residual_s**2))

    assert rms(better) < 0.5 * rms(plain)
    with (config.out / "station_terms.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["network", "station", "phase", "term_s", "num_picks"]
    assert len(rows) == 20


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        {"likelihood": "gaussian"},
        {"likelihood": "edt"},
        {"likelihood": "student"},
        {"sampler": "laplace"},
        {"traveltimes": "grid"},
        {"depth_prior_km": (8.0, 4.0)},
    ],
    ids=str,
)
def test_other_ways_agree(finished, tmp_path, monkeypatch, change):
    monkeypatch.setattr("diffseis.plot.make_figures", lambda *_, **__: {})
    config = finished[0].config.model_copy(update={**change, "out": tmp_path / "out", "num_particles": 64})
    catalogue, _ = run_locate(config)
    ours = finished[1]
    located = catalogue.events.status == "located"
    assert located.sum() >= 5
    shift = catalogue.particles.ned_km.mean(axis=1) - ours.particles.ned_km.mean(axis=1)
    assert np.all(np.abs(shift[located]) < 2.5 * ours.particles.ned_km.std(axis=1)[located])


@pytest.mark.slow
def test_the_whole_job_across_the_antimeridian(tmp_path):
    there = Tiny.write(tmp_path, frame=LocalFrame(-17.0, 180.0))
    catalogue, _ = run_locate(there.config)
    assert set(catalogue.events.status) == {"located"}
    assert np.all(np.abs(np.abs(catalogue.events.longitude) - 180) < 1)


def test_two_runs_of_one_folder_exclude_each_other(tiny, diffseis):
    from diffseis.workflows.store import exclusive

    tiny.config.out.mkdir()
    with exclusive(tiny.config.out):
        ended = diffseis(*tiny.words())
    assert ended.code == 2
    assert "another run" in ended.err
    assert not (tiny.config.out / "run.json").exists()
    with exclusive(tiny.config.out):
        pass
    assert not (tiny.config.out / ".lock").exists(), "let go of"


@pytest.mark.long
def test_what_an_interrupted_run_left_goes_when_another_is_complete(tiny):
    left = tiny.config.out / ".resume" / "0123456789abcdef"
    left.mkdir(parents=True)
    (left / "chunk.npz").write_bytes(b"not finished")
    run_locate(tiny.config)
    assert not (tiny.config.out / ".resume").exists()


def _rewrite(tiny, change) -> list[str]:
    lines = tiny.config.picks.read_text().splitlines()
    lines = change(lines)
    tiny.config.picks.write_text("\n".join(lines) + "\n")
    return lines


@pytest.mark.long
def test_a_pick_on_another_day_is_said_and_the_rest_is_located(tiny, diffseis):
    _rewrite(tiny, lambda lines: [lines[0], lines[1].replace("2020-01-01", "2020-01-03"), *lines[2:]])
    ended = diffseis(*tiny.words())
    assert ended.code == 0
    assert "note: 1 pick over two hours" in ended.err
    with (tiny.config.out / "picks.csv").open() as stream:
        assert [row["status"] for row in csv.DictReader(stream)].count("far-in-time") == 1
    assert "over two hours from the other picks" in (tiny.config.out / "report.html").read_text()


def test_two_earthquakes_under_one_id_are_said(tiny):
    def join(lines):
        names = list(dict.fromkeys(line.split(",")[0] for line in lines[1:]))
        return [line.replace(names[1] + ",", names[0] + ",") for line in lines]

    _rewrite(tiny, join)
    notices = {n.kind: str(n) for n in read_inputs(tiny.config).notices}
    assert "do two earthquakes share an id" in notices["duplicate"]


@pytest.mark.slow
def test_the_travel_time_error_is_learnt_and_said(tiny):
    config = tiny.config.model_copy(update={"traveltime_error": "auto"})
    catalogue, record = run_locate(config)
    assert np.all(catalogue.events.status == "located")
    assert any("learnt from the residuals" in notice for notice in record["notices"])
    assert load_config({**_settings_of(config), "traveltime_error": "auto"}).traveltime_error == "auto"


def _settings_of(config):
    return {name: getattr(config, name) for name in ("picks", "stations", "velocity")}


@pytest.mark.long
def test_residuals_that_are_too_large_are_said(tiny):
    rng = np.random.default_rng(0)

    def blur(lines):
        out = [lines[0]]
        for line in lines[1:]:
            cells = line.split(",")
            time = np.datetime64(cells[4], "ns") + np.timedelta64(int(rng.normal(0, 0.25) * 1e9), "ns")
            out.append(",".join([*cells[:4], str(time), *cells[5:]]))
        return out

    _rewrite(tiny, blur)
    _, record = run_locate(tiny.config)
    assert record["summary"]["normalised_misfit"] > 1.2
    assert any("stated uncertainties are too small" in notice for notice in record["notices"])
