"""``diffseis greens``: the settings of ``diffseis wave`` in, a store of Green's functions out."""

import jax.numpy as jnp
import numpy as np
import pytest
import xarray

from diffseis.core.units import MOMENT_UNIT_NM
from diffseis.io import open_greens
from diffseis.source import Gaussian
from diffseis.wave import time_series

CONFIG = """
equation = "elastic"
frequency_hz = 0.7
absorbing_nodes = 6
[medium]
file = "v.csv"
spacing_km = 0.25
end_km = [6.0, 4.0]
[time]
duration_s = 2.5
dt_s = 0.05
origin_s = 0.9
[[event]]
id = "one"
position_km = [3.03, 2.07]
moment_nm = [1e15, -1e15, 5e14]
[[station]]
id = "XX.A"
position_km = [1.0, 0.0]
[[station]]
id = "XX.B"
position_km = [4.6, 0.4]
[output]
quantity = "displacement"
[store]
low_km = [2.0, 1.5]
high_km = [4.0, 3.0]
every = 1
"""
EVENT = CONFIG[CONFIG.index("[[event]]") : CONFIG.index("[[station]]")]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "v.csv").write_text("depth_km,vp_km_s,vs_km_s\n0,3,1.7\n1.5,4.6,2.6\n")
    return tmp_path


def _run(diffseis, folder, *more, changes=(), command="greens", out="g.zarr"):
    text = CONFIG
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "c.toml").write_text(text)
    return diffseis(command, "--config", folder / "c.toml", "--out", folder / out, *more)


@pytest.mark.long
def test_the_store_gives_what_wave_does(diffseis, folder):
    """One file of settings; what is there already is not computed again."""
    ended = _run(diffseis, folder)
    assert ended.code == 0, ended.err
    assert "2 stations" in ended.out
    assert "Green's functions 2/2" in ended.err
    assert _run(diffseis, folder, command="wave", out="w").code == 0
    with xarray.open_dataset(folder / "w/one/records.nc", engine="h5netcdf") as data:
        wanted = data["displacement"].values
    store = open_greens(folder / "g.zarr").load(stations=["XX.A", "XX.B"])
    series = time_series(Gaussian(1 / (2 * np.pi * 0.7)), store.time_axis, 0.9)[0]
    moment = np.array([[1.0, 0.5], [0.5, -1.0]]) * 1e15 / MOMENT_UNIT_NM
    found = store.displacement(jnp.asarray([3.03, 2.07]), jnp.asarray(moment), series)
    assert np.max(np.abs(found - wanted)) < 5e-3 * np.max(np.abs(wanted))

    again = _run(diffseis, folder, "--dry-run")
    assert "stations: 0 of 2 to be computed" in again.out
    other = _run(diffseis, folder, "--dry-run", changes=[("frequency_hz = 0.7", "frequency_hz = 0.8")])
    assert (other.code, "is a store of other Green's functions" in other.err) == (2, True)


def test_dry_run_says_what_it_costs(diffseis, folder):
    """Sources are not needed; bytes and steps are those of the store that would be made."""
    ended = _run(
        diffseis, folder, "--dry-run", changes=[(EVENT, ""), ("every = 1", "every = 2\npass_hz = 4.0")]
    )
    assert ended.code == 0, ended.err
    assert "store: 5 x 4 nodes, spacing 0.5 x 0.5 km, from (2, 1.5) to (4, 3) km" in ended.out
    assert "stations: 2 of 2 to be computed; 4 runs of" in ended.out
    assert "the grid is coarse for 4 Hz" in ended.err
    assert "the store's nodes are far apart for 4 Hz" in ended.err
    assert not (folder / "g.zarr").exists()


def test_bytes_on_disk(folder):
    """Of all coefficients, as they are in memory."""
    from diffseis.io.config import read_config
    from diffseis.workflows.greens_jobs import prepare_greens
    from diffseis.workflows.wave_config import load_wave_config

    (folder / "c.toml").write_text(CONFIG)
    job = prepare_greens(
        load_wave_config(read_config(folder / "c.toml"), file=folder / "c.toml"), file=folder
    )
    before = job.header.num_before
    assert job.lattice.shape == (9, 7)
    assert job.store_bytes == 4 * 2 * (11 * 9) * 3 * 2 * (51 + before)
    assert job.num_steps == (51 + before) * job.substeps


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (CONFIG[CONFIG.index("[store]") :], "", "field `store`: is missing\n  fix: add a [store] table"),
        ("low_km = [2.0, 1.5]\n", "", "field `store.low_km`: is missing"),
        ("every = 1", "evry = 1", "unknown key `evry`\n  fix: did you mean `every`?"),
        ("every = 1", "every = 0", "`every` must be at least 1, got 0"),
        ("every = 1", "every = [1, 1, 1]", "field `store.every`: has 3 numbers, the medium 2 axes"),
        ("every = 1", "degree = 4", "field `store.degree`"),
        ("every = 1", "every = 3\ndegree = 5", "needs at least 6 nodes along each axis"),
        ("every = 1", "pass_hz = 9.0", "field `store.pass_hz`: `pass_hz` must lie between 0 and 0.7 of the Nyquist"),
        ("[4.0, 3.0]", "[40.0, 3.0]", "does not lie within the grid"),
        ("[4.0, 3.0]", "[4.0, 3.0, 1.0]", "field `store.high_km`: has 3 numbers, the medium 2 axes"),
        ("[4.0, 3.0]", "[1.0, 3.0]", "fix: give corners within the medium, low_km below high_km"),
        ('"elastic"', '"acoustic"', "field `equation`: acoustic waves have no stores"),
        ("[4.6, 0.4]", "[46.0, 0.4]", ""),
    ],
)  # fmt: skip
def test_bad_settings(diffseis, folder, old, new, said):
    ended = _run(diffseis, folder, "--dry-run", changes=[(old, new)])
    if said:
        assert ended.code == 2
        assert said in ended.err
        assert "Traceback" not in ended.err
    else:
        assert "left out: stations XX.B" in ended.err


def test_a_folder_of_something_else(diffseis, folder):
    (folder / "g.zarr").mkdir()
    ended = _run(diffseis, folder, "--dry-run")
    assert (ended.code, "is no zarr store" in ended.err) == (2, True)


def test_wave_needs_sources(diffseis, folder):
    ended = _run(diffseis, folder, "--dry-run", command="wave", out="w", changes=[(EVENT, "")])
    assert (ended.code, "no sources are given" in ended.err) == (2, True)


def test_the_example(diffseis, tmp_path):
    """The packaged settings make a store without warnings."""
    from diffseis import data

    ended = diffseis(
        "greens",
        "--config",
        f"{data.__path__[0]}/alpine_fault_wave.toml",
        "--out",
        tmp_path / "g",
        "--dry-run",
    )
    assert ended.code == 0, ended.err
    assert "store: 31 x 21 nodes" in ended.out
    assert "far apart" not in ended.err
