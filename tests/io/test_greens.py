"""Stores of Green's functions on disk."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.core.errors import InputError
from diffseis.io import GreensHeader, create_greens, open_greens
from diffseis.source import Gaussian
from diffseis.wave import time_series

HEADER = GreensHeader(
    station_id=("XX.A", "XX.B"),
    station_km=((0.0, 0.0), (5.0, 0.5)),
    origin_km=(1.0, 2.0),
    spacing_km=(0.5, 0.25),
    shape=(24, 9),
    num_samples=20,
    dt_s=0.1,
    num_before=4,
    pass_hz=2.0,
    degree=3,
    fingerprint="abc",
    about={"frame": [45.0, 10.0]},
)


@pytest.fixture
def store(tmp_path):
    file = create_greens(tmp_path / "greens", HEADER)
    values = np.random.default_rng(1).normal(size=HEADER.array_shape).astype(np.float32)
    for row in range(2):
        file.write_station(row, values[row])
    return tmp_path / "greens", values


def _seismograms(store, place):
    series = time_series(Gaussian(0.2), store.time_axis, 0.8)[0]
    return np.asarray(store.displacement(jnp.asarray(place), jnp.eye(2), series))


def test_round_trip(store):
    path, values = store
    file = open_greens(path)
    assert file.header == HEADER
    assert file.missing == []
    whole = file.load()
    np.testing.assert_array_equal(whole.coefficients, values)
    np.testing.assert_allclose(whole.lattice.end_km, [12.5, 4.0])
    assert whole.coefficients.dtype == jnp.float32


@pytest.mark.long
@pytest.mark.parametrize(
    "box", [((5.1, 2.9), (6.2, 3.1)), ((1.0, 2.0), (1.0, 2.0)), ((12.4, 3.9), (12.5, 4.0))]
)
def test_a_part_gives_the_same_seismograms(store, box):
    file = open_greens(store[0])
    part = file.load(low_km=box[0], high_km=box[1], stations=["XX.B"])
    assert part.coefficients.size < 0.3 * store[1].size
    middle = np.mean(box, axis=0)
    np.testing.assert_allclose(
        _seismograms(part, middle)[0], _seismograms(file.load(), middle)[1], rtol=1e-4, atol=1e-6
    )


def test_a_build_goes_on(tmp_path):
    file = create_greens(tmp_path / "greens", HEADER)
    file.write_station(1, np.ones(HEADER.array_shape[1:]))
    again = create_greens(tmp_path / "greens", HEADER)
    assert again.missing == [0]
    assert again.load(stations=["XX.B"]).num_stations == 1
    with pytest.raises(InputError, match=r"station XX.A is not computed yet"):
        again.load()
    with pytest.raises(InputError, match="a store of other Green's functions"):
        create_greens(tmp_path / "greens", dataclasses.replace(HEADER, fingerprint="abd"))


def test_refusals(store, tmp_path):
    path, _ = store
    file = open_greens(path)
    for error, options in (
        ("leaves the lattice", {"low_km": (0.0, 2.0)}),
        ("is no box", {"low_km": (3.0, 3.0), "high_km": (2.0, 4.0)}),
        ("holds no station XX.C", {"stations": ["XX.C"]}),
        ("no station was asked for", {"stations": []}),
    ):
        with pytest.raises(InputError, match=error):
            file.load(**options)
    with pytest.raises(InputError, match="there is no such folder"):
        open_greens(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="is no zarr store"):
        open_greens(tmp_path / "empty")
    (tmp_path / "text").write_text("x")
    with pytest.raises(InputError, match="is a file, not a folder"):
        open_greens(tmp_path / "text")


def _swap(path, old, new):
    path.write_text(path.read_text().replace(old, new))


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        (lambda p: (p / "zarr.json").write_text("{"), "is damaged"),
        (lambda p: _swap(p / "zarr.json", "Green's functions", "tea leaves"), "zarr store of something else"),
        (lambda p: _swap(p / "zarr.json", '"version": 1', '"version": 9'), "has version 9"),
        (lambda p: _swap(p / "zarr.json", '"num_before": 4', '"num_before": 5'), "another shape"),
        (lambda p: (p / "coefficients/c/0/0/0/0/0/0").unlink(), "chunks are missing"),
        (lambda p: (p / "coefficients/c/0/0/0/0/0/0").write_bytes(b"short"), "is damaged"),
    ],
)
def test_damage(store, damage, error):
    path, _ = store
    damage(path)
    with pytest.raises(InputError, match=error):
        open_greens(path).load()
