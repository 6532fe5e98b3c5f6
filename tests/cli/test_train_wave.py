"""``diffseis train-wave``: the settings of ``diffseis wave`` in, a network, its errors and a figure out."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.core.errors import InputError
from diffseis.networks import AbstractFeatures
from diffseis.wave import PressureSources, TimeAxis, WaveNetwork
from diffseis.wave.neural_waves import Memory
from diffseis.workflows.wave_network_files import read_wave_network, write_wave_network

CONFIG = """
equation = "acoustic"
order = 8
time_function = "ricker"
frequency_hz = 1.0
free_surface = false
[medium]
file = "v.csv"
spacing_km = 0.08
end_km = [2.0, 1.6]
[time]
duration_s = 2.5
dt_s = 0.02
origin_s = 1.2
[[event]]
id = "one"
position_km = [0.73, 0.57]
moment_nm = [1e15, 1e15, 0]
[[event]]
id = "two"
position_km = [1.4, 1.1]
moment_nm = [1e15, 1e15, 0]
[[station]]
id = "XX.A"
position_km = [1.0, 0.0]
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "v.csv").write_text("depth_km,vp_km_s,vs_km_s\n0,2.0,1.1\n0.8,3.0,1.7\n")
    return tmp_path


def _run(diffseis, folder, *changes, end=""):
    text = CONFIG + end
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "c.toml").write_text(text)
    return diffseis("train-wave", "--config", folder / "c.toml", "--out", folder / "out")


@pytest.mark.long
@pytest.mark.parametrize("surface", ["false", "true"])
def test_in_time(diffseis, folder, surface):
    """Close to finite differences; the file gives the same network again."""
    result = _run(diffseis, folder, ("free_surface = false", f"free_surface = {surface}"))
    assert result.code == 0, result.err
    record = json.loads((folder / "out/run.json").read_text())
    assert record["status"] == "trained"
    assert record["error"] < 0.05
    assert len(record["errors"]) == 2
    assert "solver equivalents" in result.out
    assert (folder / "out/network.png").read_bytes()[:4] == b"\x89PNG"
    assert all((folder / "out" / name).exists() for name in record["files"])
    assert f"features: {record['training']['num_features']:.0f};" in result.out.replace(",", "")
    network, header = read_wave_network(folder / "out/network.safetensors")
    assert header["kind"] == "time"
    assert header["error"] == record["error"]
    axis = TimeAxis(80, 0.02)
    series = jnp.asarray(np.hanning(40) * np.sin(np.arange(40) / 4))
    sources = PressureSources(jnp.asarray([[1.0, 0.8]]), jnp.pad(series, (0, 40))[None])
    records = network(sources, axis).records(jnp.asarray([[0.4, 0.0], [0.4, 0.6]]))
    assert np.max(np.abs(records[0, 1])) > 0
    assert (np.max(np.abs(records[0, 0])) == 0) == (surface == "true")
    # Outside its medium and its samples it does not answer.
    with pytest.raises(ValueError, match="source at"):
        network(PressureSources(jnp.asarray([[2.2, 0.8]]), sources.series), axis)
    field = network(sources, axis)
    with pytest.raises(ValueError, match="lies outside the network's medium"):
        field.records(jnp.asarray([[0.4, 1.7]]))
    with pytest.raises(ValueError, match="point at"):
        field(jnp.asarray([-0.1, 0.3]), jnp.asarray(0.5))
    with pytest.raises(ValueError, match="the time axis 40"):
        network(sources, TimeAxis(40, 0.02))
    with pytest.raises(ValueError, match="must be above 0, got -1"):
        network(sources, axis, radius_km=jnp.asarray(-1.0))
    with pytest.raises(ValueError, match="need 2 coordinates"):
        field.records(jnp.zeros((1, 3)))
    with pytest.raises(ValueError, match="lies outside"):
        field(jnp.asarray([np.nan, 0.3]), jnp.asarray(0.5))
    with pytest.raises(ValueError, match="lies outside the network's series"):
        field(jnp.asarray([0.1, 0.3]), jnp.asarray(np.nan))
    with pytest.raises(ValueError, match=r"span 0 to 1\.58 s"):
        field(jnp.asarray([0.1, 0.3]), jnp.asarray(1.6))


@pytest.mark.slow
def test_of_one_frequency(diffseis, folder):
    end = '[network]\nkind = "frequency"\nfrequency_hz = 2.0\nnum_features = 450\n'
    assert _run(diffseis, folder, end=end).code == 0
    record = json.loads((folder / "out/run.json").read_text())
    assert record["error"] < 0.1
    assert record["training"]["num_features"] == 450
    network, _ = read_wave_network(folder / "out/network.safetensors")
    assert np.all(np.isfinite(np.abs(network(jnp.asarray([0.3, 0.4])))))
    for outside in (network.scattered, network, lambda x: network.on(x[None])):
        with pytest.raises(ValueError, match="lies outside the network's medium"):
            outside(jnp.asarray([2.1, 0.4]))


@pytest.mark.parametrize(
    ("changes", "end", "words"),
    [
        ([('"acoustic"', '"elastic"')], "", ["c.toml", "equation", "'acoustic'"]),
        ([('"acoustic"', '"vti"')], "", ["c.toml", "equation", "networks in time"]),
        ([], "[network]\nkin = 'time'\n", ["c.toml", "network.kin", "did you mean `kind`?"]),
        ([], "[network]\nnum_features = 3\n", ["c.toml", "network.num_features", "8"]),
    ],
)
def test_bad_settings(diffseis, folder, changes, end, words):
    result = _run(diffseis, folder, *changes, end=end)
    assert result.code == 2
    for word in words:
        assert word in result.err


def test_dry_run(diffseis, folder):
    (folder / "c.toml").write_text(CONFIG)
    result = diffseis("train-wave", "--config", folder / "c.toml", "--out", folder / "out", "--dry-run")
    assert result.code == 0, result.err
    assert "features: " in result.out
    assert "sources to be judged by: 2 of 2" in result.out
    assert not (folder / "out").exists()


def test_sources_outside(diffseis, folder):
    """Are left out and named; without any there is nothing to judge by."""
    outside = [("[0.73, 0.57]", "[9.0, 0.57]"), ("[1.4, 1.1]", "[9.0, 1.1]")]
    result = _run(diffseis, folder, *outside)
    assert result.code == 2
    assert "none can be computed" in result.err


def test_files_that_hold_no_network(tmp_path):
    path = tmp_path / "n.safetensors"
    with pytest.raises(InputError, match="cannot be read"):
        read_wave_network(path)
    path.write_bytes(b"nothing of the kind, but long enough to have a header")
    with pytest.raises(InputError, match="train it anew"):
        read_wave_network(path)


class _Others(AbstractFeatures):
    num_features = 1

    def __call__(self, x):
        return x[:1]

    def derivatives(self, x):
        raise NotImplementedError


def test_features_without_a_place_in_files(tmp_path):
    zeros = lambda *shape: jnp.zeros(shape)
    network = WaveNetwork(
        _Others(),
        zeros(1, 1),
        zeros(1),
        zeros(1, 0),
        zeros(0),
        Memory(zeros(1, 0, 1), zeros(1, 0)),
        zeros(),
        zeros(),
    )
    with pytest.raises(ValueError, match="_Others have no place in files"):
        write_wave_network(tmp_path / "n", network, {})
    assert not (tmp_path / "n").exists()
