"""Round trips: what is written comes back."""

import dataclasses
import errno
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from diffseis.core.errors import InputError
from diffseis.core.units import KM_PER_DEGREE
from diffseis.io import (
    OutputError,
    atomic_path,
    read_catalogue_csv,
    read_events,
    read_json,
    read_picks_csv,
    read_posterior_netcdf,
    read_scat,
    reference_times,
    sha256_of,
    to_obspy_catalog,
    write_catalogue_csv,
    write_geojson,
    write_json,
    write_nonlinloc,
    write_picks_csv,
    write_posterior_netcdf,
    write_quakeml,
    write_station_terms_csv,
)
from diffseis.io.ellipsoids import ellipsoid, horizontal_ellipse

ISSUE_COLUMNS = (
    "event_id,time,latitude,longitude,depth_km,status,horizontal_error_km,vertical_error_km,cov_nn_km2,cov_ne_km2,"
    "cov_nd_km2,cov_ee_km2,cov_ed_km2,cov_dd_km2,rms_s,num_phases,num_stations,gap_deg,nearest_km"
)


def test_catalogue_csv_round_trip(tmp_path, catalogue):
    path = tmp_path / "catalog.csv"
    write_catalogue_csv(path, catalogue.events)
    lines = path.read_text().splitlines()
    assert lines[0].startswith(ISSUE_COLUMNS)
    assert len(lines) == len(catalogue) + 1
    back = read_catalogue_csv(path)
    for field in dataclasses.fields(back):
        mine, theirs = getattr(back, field.name), getattr(catalogue.events, field.name)
        if np.asarray(theirs).dtype.kind in "fiu":
            rounding = {"gap_deg": 0.051, "nearest_km": 5.1e-4}.get(field.name, 6e-5)
            np.testing.assert_allclose(mine, theirs, atol=rounding, rtol=1e-5, err_msg=field.name)
        else:
            np.testing.assert_array_equal(mine, theirs, err_msg=field.name)


def test_events_without_a_place_have_empty_numbers(tmp_path, catalogue):
    write_catalogue_csv(tmp_path / "catalog.csv", catalogue.events)
    text = (tmp_path / "catalog.csv").read_text()
    assert "nan" not in text.lower()
    row = int(np.flatnonzero(~np.isfinite(catalogue.events.latitude))[0])
    assert text.splitlines()[row + 1].split(",")[1:6] == ["", "", "", "", str(catalogue.events.status[row])]


def test_picks_csv_keeps_every_pick_and_column(tmp_path, catalogue):
    path = tmp_path / "picks.csv"
    write_picks_csv(path, catalogue)
    back, notices = read_picks_csv(path)
    assert notices == []
    for name in ("event_id", "network", "station", "phase", "time", "uncertainty_s"):
        np.testing.assert_array_equal(getattr(back, name), getattr(catalogue.picks, name))
    np.testing.assert_array_equal(back.extra["amplitude"], catalogue.picks.extra["amplitude"])
    residual = np.array([float(r or "nan") for r in back.extra["residual_s"]])
    np.testing.assert_allclose(residual, catalogue.arrivals.residual_s, atol=6e-5)
    assert "unknown-station" in set(back.extra["status"])


def test_posterior_round_trip(tmp_path, catalogue):
    path = tmp_path / "posterior.nc"
    write_posterior_netcdf(path, catalogue, provenance={"seed": 3, "command": "diffseis locate"})
    dataset = read_posterior_netcdf(path)
    assert dataset["depth_km"].dims == ("event", "particle")
    assert dataset.attrs["seed"] == 3
    assert dataset["depth_km"].attrs["units"] == "km"
    np.testing.assert_array_equal(dataset["event"].values, catalogue.events.event_id)
    for name in ("latitude", "longitude", "depth_km", "origin_time_s", "log_density"):
        np.testing.assert_array_equal(dataset[name].values, getattr(catalogue.particles, name))
    np.testing.assert_array_equal(reference_times(dataset), catalogue.events.reference_time)
    assert float(dataset["depth_km"].sel(event="ev0001").mean()) == pytest.approx(
        catalogue.particles.depth_km[1].mean()
    )
    damaged = tmp_path / "damaged.nc"
    damaged.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(InputError, match=r"damaged\.nc"):
        read_posterior_netcdf(damaged)


@pytest.fixture(scope="module")
def quakeml(tmp_path_factory, catalogue):
    path = tmp_path_factory.mktemp("qml") / "catalog.xml"
    write_quakeml(path, catalogue)
    return path


def test_quakeml_is_valid(quakeml):
    from obspy.io.quakeml.core import _validate

    assert _validate(str(quakeml))


@pytest.mark.long
def test_quakeml_survives_reading_and_writing(tmp_path, quakeml, catalogue):
    """Read, write, read: the documents are equal to the last character, and nothing of the catalogue is
    lost.
    """
    from obspy import read_events as obspy_read

    first = obspy_read(str(quakeml), format="QUAKEML")
    first.write(str(tmp_path / "again.xml"), format="QUAKEML")
    assert (tmp_path / "again.xml").read_bytes() == quakeml.read_bytes()
    picks, events, _ = read_events(quakeml)
    order = np.lexsort((np.arange(len(catalogue.picks)), catalogue.picks.event_id.astype(str)))
    np.testing.assert_array_equal(picks.event_id, catalogue.picks.event_id[order])
    assert np.max(np.abs(picks.time - catalogue.picks.time[order])) < np.timedelta64(1, "us")
    np.testing.assert_array_equal(picks.station, catalogue.picks.station[order])
    np.testing.assert_allclose(picks.extra["residual_s"], catalogue.arrivals.residual_s[order], rtol=1e-9)
    np.testing.assert_allclose(picks.extra["distance_km"], catalogue.arrivals.distance_km[order], rtol=1e-9)
    np.testing.assert_array_equal(events.event_id, catalogue.events.event_id)
    np.testing.assert_allclose(events.latitude, catalogue.events.latitude, rtol=1e-9)
    np.testing.assert_allclose(events.depth_km, catalogue.events.depth_km, rtol=1e-9)


def test_obspy_catalog_says_what_failed(catalogue):
    """Also twice in one process: ids are stable and make no quarrel."""
    to_obspy_catalog(catalogue)
    converted = to_obspy_catalog(catalogue)
    for event, status, latitude in zip(
        converted, catalogue.events.status, catalogue.events.latitude, strict=True
    ):
        assert str(status) in event.comments[0].text
        origin = event.preferred_origin()
        assert (origin is not None) == np.isfinite(latitude)
        if origin is not None:
            assert origin.evaluation_status == ("preliminary" if status == "located" else "rejected")
    origin = converted[0].preferred_origin()
    assert origin.depth == pytest.approx(1000 * catalogue.events.depth_km[0])
    assert origin.depth_errors.confidence_level == 68
    assert origin.origin_uncertainty.confidence_ellipsoid is not None
    assert origin.arrivals[0].pick_id.get_referred_object() in converted[0].picks


def test_resource_ids_are_valid_and_distinct():
    from diffseis.io.quakeml import resource_name

    names = ["a b", "a_b", "a/b", "ä", "<x>", "", "~", "a~20~b"]
    assert len({resource_name(n) for n in names}) == len(names)


def test_ellipsoid_is_rebuilt_from_its_angles():
    """Azimuth, plunge and rotation give the covariance back, so they are the right ones."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        root = rng.normal(size=(3, 3)) * [[1.0, 2.0, 4.0]]
        covariance = root @ root.T
        solid = ellipsoid(covariance)
        azimuth, plunge, rotation = np.radians([solid.azimuth_deg, solid.plunge_deg, solid.rotation_deg])
        major = np.array([np.cos(plunge) * np.cos(azimuth), np.cos(plunge) * np.sin(azimuth), np.sin(plunge)])
        right = np.array([-np.sin(azimuth), np.cos(azimuth), 0.0])
        minor = np.cos(rotation) * right + np.sin(rotation) * np.cross(major, right)
        axes = np.stack([major, np.cross(minor, major), minor])
        rebuilt = np.einsum("a,ai,aj->ij", solid.semi_axes_km**2 / 3.505882, axes, axes)
        np.testing.assert_allclose(rebuilt, covariance, rtol=1e-4, atol=1e-6)
        assert 0 <= solid.plunge_deg <= 90


def test_the_ellipses_hold_68_per_cent():
    rng = np.random.default_rng(1)
    covariance = np.array([[4.0, 1.0, 0.5], [1.0, 1.0, 0.2], [0.5, 0.2, 9.0]])
    points = rng.multivariate_normal(np.zeros(3), covariance, 40_000)
    solid, flat = ellipsoid(covariance), horizontal_ellipse(covariance)
    inside = np.sum((points @ solid.axes_ned.T / solid.semi_axes_km) ** 2, axis=1) < 1
    assert np.mean(inside) == pytest.approx(0.68, abs=0.01)
    angle = np.radians(flat.azimuth_deg)
    along = points[:, :2] @ [np.cos(angle), np.sin(angle)]
    across = points[:, :2] @ [-np.sin(angle), np.cos(angle)]
    inside = (along / flat.semi_major_km) ** 2 + (across / flat.semi_minor_km) ** 2 < 1
    assert np.mean(inside) == pytest.approx(0.68, abs=0.01)


def test_nonlinloc_files_are_read_by_obspy(tmp_path, catalogue):
    from obspy import read_events as obspy_read

    written = write_nonlinloc(tmp_path, catalogue)
    events = catalogue.events
    assert len(written) == 2 * np.sum(np.isfinite(events.latitude))
    for row in (0, int(np.flatnonzero(events.status == "boundary")[0])):
        event = obspy_read(str(tmp_path / f"ev{row:04d}.hyp"), format="NLLOC_HYP")[0]
        origin = event.preferred_origin()
        assert origin.latitude == pytest.approx(events.map_latitude[row], abs=1e-6)
        assert origin.depth == pytest.approx(1000 * events.map_depth_km[row], abs=0.01)
        expected = np.sqrt(events.covariance_km2[row, 2, 2]) * 1000
        assert origin.depth_errors.uncertainty == pytest.approx(expected, rel=1e-4)
        assert (origin.evaluation_status == "rejected") == (events.status[row] != "located")
        used = (catalogue.arrivals.event_row == row) & np.isfinite(catalogue.arrivals.residual_s)
        assert len(origin.arrivals) == used.sum()
        residuals = [a.time_residual for a in origin.arrivals]
        np.testing.assert_allclose(residuals, catalogue.arrivals.residual_s[used], atol=1e-4)
        distances = [a.distance * KM_PER_DEGREE for a in origin.arrivals]
        np.testing.assert_allclose(distances, catalogue.arrivals.distance_km[used], atol=1e-3)
        solid = ellipsoid(events.covariance_km2[row])
        stored = origin.origin_uncertainty.confidence_ellipsoid
        assert stored.semi_major_axis_length == pytest.approx(1000 * solid.semi_axes_km[0], rel=1e-5)
    samples = read_scat(tmp_path / "ev0000.scat")
    np.testing.assert_allclose(samples[:, 0], catalogue.particles.ned_km[0, :, 1], rtol=1e-6)
    np.testing.assert_allclose(samples[:, 2], catalogue.particles.ned_km[0, :, 2], rtol=1e-6)
    assert samples[:, 3].max() == 1.0
    (tmp_path / "cut.scat").write_bytes((tmp_path / "ev0000.scat").read_bytes()[:-5])
    with pytest.raises(InputError, match="samples"):
        read_scat(tmp_path / "cut.scat")


def test_small_records(tmp_path, catalogue):
    write_station_terms_csv(tmp_path / "terms.csv", catalogue)
    assert len((tmp_path / "terms.csv").read_text().splitlines()) == 2 * len(catalogue.stations) + 1
    write_geojson(tmp_path / "events.geojson", catalogue)
    points = json.loads((tmp_path / "events.geojson").read_text())["features"]
    assert len(points) == np.sum(np.isfinite(catalogue.events.latitude))
    record = {
        "b": np.float64(1.5),
        "a": np.array([1, 2]),
        "nan": np.nan,
        "t": np.datetime64("2020-01-01"),
        "p": tmp_path,
    }
    write_json(tmp_path / "run.json", record)
    text = (tmp_path / "run.json").read_text()
    assert read_json(tmp_path / "run.json")["a"] == [1, 2]
    assert read_json(tmp_path / "run.json")["nan"] is None
    assert text.index('"a"') < text.index('"b"')
    write_json(tmp_path / "other.json", dict(reversed(record.items())))
    assert sha256_of(tmp_path / "run.json") == sha256_of(tmp_path / "other.json")


@pytest.mark.parametrize("count", [0, 1])
def test_empty_and_single_catalogues(tmp_path, synthetic, count):
    tiny = synthetic.make_catalogue(1, located=float(count), num_stations=3)
    events = tiny.events.take(np.arange(count))
    write_catalogue_csv(tmp_path / "c.csv", events)
    assert len(read_catalogue_csv(tmp_path / "c.csv")) == count
    write_posterior_netcdf(tmp_path / "p.nc", tiny)
    write_quakeml(tmp_path / "c.xml", tiny)
    assert read_events(tmp_path / "c.xml")[1].event_id[0] == "ev0000"


def test_a_failed_write_leaves_the_old_file(tmp_path, catalogue, monkeypatch):
    path = tmp_path / "catalog.csv"
    path.write_text("old")

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for write in (
        lambda: write_catalogue_csv(path, catalogue.events),
        lambda: write_posterior_netcdf(path, catalogue),
    ):
        with pytest.raises(OutputError, match="space") as refused:
            write()
        assert refused.value.file == str(path)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["catalog.csv"]


def test_a_crash_in_the_middle_leaves_nothing(tmp_path):
    def half_done():
        with atomic_path(tmp_path / "x.txt") as temporary:
            temporary.write_text("half")
            raise RuntimeError("crash")

    with pytest.raises(RuntimeError, match="crash"):
        half_done()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file(tmp_path, catalogue):
    (tmp_path / "out").write_text("")
    with pytest.raises(OutputError, match="choose another folder"):
        write_catalogue_csv(tmp_path / "out" / "catalog.csv", catalogue.events)


def test_importing_io_is_cheap():
    heavy = "('obspy', 'jax', 'xarray', 'matplotlib')"
    code = f"import sys, diffseis.io; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_exists():
    import diffseis.io

    for name in dir(diffseis.io):
        assert getattr(diffseis.io, name) is not None
    with pytest.raises(AttributeError, match="no attribute"):
        diffseis.io.nothing
