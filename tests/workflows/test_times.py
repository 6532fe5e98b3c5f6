"""Travel times that runs locate with: three-dimensional media, networks, tables on disk."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray

from diffseis.core.errors import InputError
from diffseis.core.frames import LocalFrame
from diffseis.core.projections import MapProjection
from diffseis.core.tables import VelocityGrid
from diffseis.eikonal import FactoredSweeping
from diffseis.io import read_stations_csv, read_velocity, write_velocity_netcdf
from diffseis.workflows.locating import make_setup, make_volume, run_locate
from diffseis.workflows.times import coverage, make_times
from tests.workflows.tiny import VELOCITY, Tiny

SLOPES = {"P": (5.0, 0.02, -0.01, 0.08), "S": (2.9, -0.01, 0.005, 0.05)}
"""Speed at the origin of the frame, and its gradient to the north, east and down."""


def _medium(frame: LocalFrame, reach: float = 60.0) -> VelocityGrid:
    """Linear in the local frame, which its projection is."""
    text = f"+proj=aeqd +lat_0={frame.latitude_deg!r} +lon_0={frame.longitude_deg!r} +ellps=WGS84 +units=km"
    x = y = np.linspace(-reach, reach, 7)
    z = np.linspace(-4.0, 40.0, 5)
    east, north, down = np.meshgrid(x, y, z, indexing="ij")
    vp, vs = (c[0] + c[1] * north + c[2] * east + c[3] * down for c in SLOPES.values())
    return VelocityGrid(x, y, z, vp, vs, MapProjection("proj", text), "linear.nc")


def _exact(a, b, speed):
    """Slotnick's formula for a gradient in any direction."""
    slope = np.array(speed[1:])
    g = np.linalg.norm(slope)
    va, vb = (speed[0] + p @ slope for p in (a, b))
    return np.arccosh(1 + g**2 * np.sum((a - b) ** 2, axis=-1) / (2 * va * vb)) / g


@pytest.fixture
def tiny(tmp_path):
    return Tiny.write(tmp_path)


def _scene(tiny):
    stations, _ = read_stations_csv(tiny.config.stations)
    frame = LocalFrame.centred_on(stations.latitude, stations.longitude)
    return stations, frame, _medium(frame)


@pytest.mark.slow
def test_tables_of_three_dimensions_are_those_of_the_closed_form(tiny):
    stations, frame, medium = _scene(tiny)
    stations = stations.take(np.arange(3))
    config = tiny.config.model_copy(update={"grid_spacing_km": 2.0})
    config.out.mkdir()
    volume = make_volume(config, stations, medium, frame)
    said = []
    times = make_times(config, stations, medium, frame, volume, progress=lambda stage, *_: said.append(stage))
    assert any("GB" in stage for stage in said), "the memory is told before it is taken"
    position = frame.to_ned(stations.latitude, stations.longitude, stations.depth_km)
    lower, upper = np.asarray(volume.lower_km), np.asarray(volume.upper_km)
    source = np.random.default_rng(3).uniform(lower, upper, (40, 3))
    for row, station in enumerate(position):
        for phase, speed in enumerate(SLOPES.values()):
            one = lambda x, s=station, r=row, p=phase: times(
                x, jnp.asarray(s), jnp.asarray(r, jnp.int32), jnp.asarray(p, jnp.int32)
            )
            found = jax.vmap(one)(jnp.asarray(source))
            np.testing.assert_allclose(found, _exact(source, station, speed), rtol=3e-4)

    # What is on disk is used again, unless it is damaged or of another medium.
    folder = config.out / "traveltimes"
    files = sorted(folder.glob("*.nc"))
    assert [f.name for f in files] == ["XX.S00.nc", "XX.S01.nc", "XX.S02.nc"]
    with xarray.open_dataset(files[0], engine="h5netcdf") as table:
        assert {"tau_P", "tau_S"} <= set(table)
        assert table.attrs["station"] == "XX.S00"
    stamps = [f.stat().st_mtime_ns for f in files]
    files[1].write_bytes(files[1].read_bytes()[:2000])
    again = make_times(config, stations, medium, frame, volume)
    np.testing.assert_array_equal(again.coefficients, times.coefficients)
    assert [f.stat().st_mtime_ns == s for f, s in zip(files, stamps, strict=True)] == [True, False, True]
    other = replace(medium, vp_km_s=1.01 * medium.vp_km_s)
    changed = make_times(config, stations, other, frame, volume)
    assert not np.allclose(changed.coefficients[0], times.coefficients[0], rtol=1e-3)


def test_the_part_of_the_volume_outside_the_model_is_told(tiny):
    stations, frame, medium = _scene(tiny)
    volume = make_volume(tiny.config, stations, medium, frame)
    assert coverage(medium, frame, volume) == []
    (notice,) = coverage(_medium(frame, reach=20.0), frame, volume)
    assert "of the area searched" in str(notice)
    deep = replace(medium, z_km=medium.z_km - 30.0)
    (notice,) = coverage(deep, frame, volume)
    assert "depths below 10 km" in str(notice)


def test_solvers_that_cannot_take_a_grid_are_refused(tiny):
    stations, _, medium = _scene(tiny)
    config = tiny.config.model_copy(update={"traveltimes": "layered"})
    with pytest.raises(InputError, match="varies along the horizontal"):
        make_setup(config, stations, medium)


@pytest.mark.slow
def test_locating_in_three_dimensions(tiny):
    """The events of a layered medium, in that medium as a netCDF grid that varies along the horizontal by a ten-thousandth."""
    stations, frame, _ = _scene(tiny)
    flat = read_velocity(tiny.config.velocity, "linear")
    x = y = np.linspace(-60.0, 60, 5)
    z = np.arange(-2.0, 24.1, 1.0)
    shape = (5, 5, len(z))
    tilt = (1 + 1e-4 * x / 60)[:, None, None]
    vp, vs = (np.interp(z, flat.depth_km, v) * tilt * np.ones(shape) for v in (flat.vp_km_s, flat.vs_km_s))
    grid = VelocityGrid(x, y, z, vp, vs, _medium(frame).projection, "tilted")
    write_velocity_netcdf(tiny.folder / "tilted.nc", grid)
    one = tiny.config.model_copy(update={"velocity_kind": "linear"})
    ours, _ = run_locate(one)
    three = tiny.config.model_copy(
        update={
            "velocity": tiny.folder / "tilted.nc",
            "out": tiny.folder / "out3",
            "grid_spacing_km": 2.0,
            "tables": tiny.folder / "tables",
        }
    )
    theirs, record = run_locate(three)
    located = (ours.events.status == "located") & (theirs.events.status == "located")
    assert located.sum() >= 5
    shift = theirs.particles.ned_km.mean(axis=1) - ours.particles.ned_km.mean(axis=1)
    assert np.all(np.abs(shift[located]) < 0.3 * ours.particles.ned_km.std(axis=1)[located])
    assert len(list((tiny.folder / "tables").glob("*.nc"))) == len(stations)
    assert record["inputs_sha256"].keys() >= {"velocity"}


@pytest.mark.slow
def test_locating_by_networks(tiny):
    """Trained in the run, kept beside the results, used again, and refused for a network that is too small."""
    exact, _ = run_locate(tiny.config.model_copy(update={"out": tiny.folder / "exact"}))
    config = tiny.config.model_copy(update={"traveltimes": "neural", "network_steps": 10})
    ours, _ = run_locate(config)
    located = (exact.events.status == "located") & (ours.events.status == "located")
    assert located.sum() >= 5
    shift = ours.particles.ned_km.mean(axis=1) - exact.particles.ned_km.mean(axis=1)
    assert np.all(np.abs(shift[located]) < 0.5 * exact.particles.ned_km.std(axis=1)[located])
    kept = config.out / "networks.safetensors"
    stamp = kept.stat().st_mtime_ns
    again, _ = run_locate(config)
    assert kept.stat().st_mtime_ns == stamp
    np.testing.assert_array_equal(again.particles.ned_km, ours.particles.ned_km)
    wider = config.model_copy(
        update={"network": kept, "search_margin_km": 40.0, "out": tiny.folder / "wider"}
    )
    with pytest.raises(InputError, match="train-eikonal --max-distance-km"):
        run_locate(wider)
    (tiny.folder / "velocity.csv").write_text(VELOCITY.replace("6.4", "6.5"))
    with pytest.raises(InputError, match="another velocity model"):
        run_locate(config.model_copy(update={"network": kept, "out": tiny.folder / "other"}))


@pytest.mark.slow
def test_times_of_first_order_are_told_and_not_kept(tiny, monkeypatch):
    """Where the second-order scheme does not settle (here: is given one round), with a notice that the report shows."""
    stations, frame, medium = _scene(tiny)
    stations = stations.take(np.arange(1))
    config = tiny.config.model_copy(update={"grid_spacing_km": 6.0})
    config.out.mkdir()
    hurried = lambda order=2, max_rounds=1: FactoredSweeping(order=order, max_rounds=max_rounds)
    monkeypatch.setattr("diffseis.workflows.times.FactoredSweeping", hurried)
    volume = make_volume(config, stations, medium, frame)
    said = []
    make_times(config, stations, medium, frame, volume, notices=said)
    (notice,) = said
    assert "first order only for XX.S00 P, XX.S00 S" in str(notice)
    assert not list((config.out / "traveltimes").glob("*.nc"))
