"""The README's example does what it says, with real files."""

import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.io import read_picks_csv, read_stations_csv, read_velocity_csv, to_obspy_catalog
from diffseis.workflows import setup_for
from tests.cli.test_mechanism import observation_lines

README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.mark.slow
@pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the example computes in double precision")
def test_the_twelve_lines_run(tiny, monkeypatch):
    code = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL).group(1)
    assert len([line for line in code.splitlines() if line and not line.startswith(("import", "from"))]) <= 12
    # A QuakeML file with picks: the catalogue of a first location.
    stations, _ = read_stations_csv(tiny.config.stations)
    picks, _ = read_picks_csv(tiny.config.picks)
    setup = setup_for(stations, read_velocity_csv(tiny.config.velocity, "layers"))
    first = setup.locate(picks, key=jax.random.key(1)).value
    to_obspy_catalog(first).write(str(tiny.folder / "picks.xml"), format="QUAKEML")

    monkeypatch.chdir(tiny.folder)
    names: dict = {}
    exec(compile(code, "README.md", "exec"), names)
    located = names["located"]
    assert len(names["catalog"]) == len(tiny.truth)
    assert np.all(located.events.status == "located")
    offset = np.abs(names["posterior"].depth_km.mean(axis=1) - tiny.truth.depth_km)
    assert np.median(offset) < 3
    gradient = jax.grad(lambda t: names["hypocentre"](t)[0][2])(names["time_s"])
    assert np.all(np.isfinite(gradient))
    assert np.any(gradient != 0)
    # Later picks all alike are a later origin, at the same depth.
    assert abs(float(np.sum(gradient))) < 1e-5


@pytest.mark.long
@pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the example computes in double precision")
def test_the_travel_time_example_runs():
    code = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)[1]
    names: dict = {}
    exec(compile(code, "README.md", "exec"), names)
    # A gradient of 0.2 per s: arcs of circles; minus the slowness vector has the length of the slowness.
    source, receiver = np.asarray(names["source"]), np.asarray(names["receiver"])
    at_source, at_receiver = 3 + 0.2 * source[1], 3 + 0.2 * receiver[1]
    square = np.sum((source - receiver) ** 2)
    exact_s = np.arccosh(1 + 0.2**2 * square / (2 * at_source * at_receiver)) / 0.2
    np.testing.assert_allclose(names["time_s"], exact_s, rtol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(names["by_source"]), 1 / at_source, rtol=1e-3)
    assert names["by_speed"].shape == names["speed"].shape
    assert np.all(np.isfinite(names["by_speed"]))


@pytest.mark.long
@pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the example computes in double precision")
def test_the_example_of_greens_functions_runs(tmp_path, monkeypatch):
    code = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)[2]
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(compile(code, "README.md", "exec"), names)
    assert all(np.all(np.isfinite(s)) and np.any(s != 0) for s in names["slopes"])
    # Later origins move the same seismogram, but for what is cut off: to the energy that is next to nothing.
    place, moment = jax.numpy.array([4.03, 3.07]), jax.numpy.eye(2)
    energy = names["energy"](place, jax.numpy.array(1.5), moment)
    later = names["energy"](place, jax.numpy.array(1.6), moment)
    assert energy > 0
    assert abs(float(later / energy) - 1) < 0.2


@pytest.mark.long
@pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the example computes in double precision")
def test_the_example_of_mechanisms_runs(tmp_path, monkeypatch, capsys):
    code = re.search(r"## Focal mechanisms.*?```python\n(.*?)```", README.read_text(), re.DOTALL).group(1)
    (tmp_path / "observations.csv").write_text("\n".join(observation_lines(12)) + "\n")
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(compile(code, "README.md", "exec"), names)
    assert names["found"].draws.shape == (5, 500, 6)
    assert list(names["table"].status[:2]) == ["ok", "ok"]
    assert "good ok" in capsys.readouterr().out


def test_the_options_of_mechanisms_exist(diffseis):
    part = re.search(r"## Focal mechanisms(.*?)\n## ", README.read_text(), re.DOTALL).group(1)
    said = diffseis("mechanism", "--help").out
    options = set(re.findall(r"--[a-z][a-z-]+", part))
    assert len(options) > 8
    assert [option for option in options if option not in said] == []


@pytest.mark.long
def test_the_example_of_ground_motions_runs():
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    code = next(block for block in blocks if "ground_motions" in block)
    names: dict = {}
    exec(compile(code, "README.md", "exec"), names)
    assert names["motion"].mean_ln.shape == names["mean"].shape == (2, 2)
    assert names["slope"].shape == (3, 2, 2)
    assert names["one"] > 0


@pytest.mark.long
@pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the example computes in double precision")
def test_the_intensity_example_runs():
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    names: dict = {}
    exec(compile(next(b for b in blocks if "rotated_spectrum" in b), "README.md", "exec"), names)
    assert names["by_sample"].shape == (2, 2, 2000)
    # PSA is of the first degree in the record.
    total = np.sum(np.asarray(names["by_sample"]) * np.asarray(names["pair"])[None], axis=(1, 2))
    np.testing.assert_allclose(total, names["psa_m_s2"], rtol=1e-9)


@pytest.mark.long
@pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the example computes in double precision")
def test_the_ground_motion_examples_run():
    code = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    names: dict = {}
    for block in (next(c for c in code if word in c) for word in ("means_and_slopes", "hazard_curve")):
        with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
            exec(compile(block, "README.md", "exec"), names)
    assert names["motion"].mean_ln.shape == (2, 2)
    assert np.isfinite(names["one"])
    # Ten times as many earthquakes, ten times the rate.
    np.testing.assert_allclose(names["slopes"].magnitudes.a, [np.log(10)], rtol=1e-6)
    assert jnp.all(jnp.isfinite(names["slopes"].place_ned_km))
