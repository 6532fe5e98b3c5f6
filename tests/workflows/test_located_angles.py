"""Angles of rays by a located run: as its picks have them, with the spread of its particles."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from diffseis.core.radiation_table import RadiationTable
from diffseis.workflows.located_angles import located_clouds, setup_leaving, setup_of_run
from diffseis.workflows.located_picks import angles_of_picks
from diffseis.workflows.locating import run_locate
from diffseis.workflows.takeoff import give_angles


def _observations(folder) -> tuple[RadiationTable, np.ndarray, np.ndarray]:
    """One first motion per P pick, and the angles that the run has of it."""
    with (folder / "out/picks.csv").open() as stream:
        picks = [p for p in csv.DictReader(stream) if p["phase"] == "P" and p["takeoff_deg"]]
    names = [f"{p['network']}.{p['station']}" for p in picks]
    rays = RadiationTable.of([p["event_id"] for p in picks], names, polarity=np.ones(len(picks)))
    return rays, *(np.array([float(p[f"{n}_deg"]) for p in picks]) for n in ("azimuth", "takeoff"))


@pytest.mark.slow
def test_angles_of_a_located_run(tiny, diffseis):
    run_locate(tiny.config)
    rays, azimuth, takeoff = _observations(tiny.folder)
    assert len(rays) > 20
    out = tiny.folder / "out"
    clouds = located_clouds(rays, out)
    assert clouds.known.all()
    setup = setup_of_run(out)
    found, said = give_angles(rays, clouds, setup.stations, setup_leaving(setup), model_error_deg=(0.0, 0.0))
    assert said == []
    # The picks have rays from the mean hypocentre; the mean of the particles' rays differs where these straddle a layer.
    assert np.median(np.abs(found.takeoff_deg - takeoff)) < 3
    apart = (found.azimuth_deg - azimuth + 180) % 360 - 180
    assert np.median(np.abs(apart)) < 2
    assert np.all(found.takeoff_sigma_deg > 0)
    # Without the run's own files its picks serve.
    simple = angles_of_picks(rays, clouds, out, model_error_deg=(0.0, 0.0))
    np.testing.assert_array_equal(simple.takeoff_deg, takeoff)
    np.testing.assert_array_equal(simple.azimuth_deg, azimuth)
    ratio = simple.azimuth_sigma_deg / found.azimuth_sigma_deg
    assert 0.8 < np.median(ratio) < 1.25
    # As the command does it, with and without these files.
    observations = tiny.folder / "o.csv"
    lines = [
        f"{e},{s},{1 if i % 2 else -1}"
        for i, (e, s) in enumerate(zip(rays.event_id, rays.station, strict=True))
    ]
    observations.write_text("event_id,station,polarity\n" + "\n".join(lines) + "\n")
    words = ("mechanism", "--observations", observations, "--located", out, "--out", tiny.folder / "m")
    more = ("--no-learn", "--figures", "none", "--num-draws", 256)
    ended = diffseis(*words, *more)
    assert ended.code == 0, ended.err
    from obspy import read_events

    events = read_events(str(tiny.folder / "m/mechanisms.xml"), format="QUAKEML")
    assert len(events) == len(tiny.truth)
    focal = events[0].focal_mechanisms[0]
    assert focal.triggering_origin_id == events[0].origins[0].resource_id
    (tiny.folder / "velocity.csv").rename(tiny.folder / "gone.csv")
    ended = diffseis(*words, *more)
    assert ended.code == 0, ended.err
    assert "angles are those of its picks" in ended.err


def test_events_that_were_not_located(tmp_path):
    from diffseis.io import write_posterior_netcdf
    from tests.io.synthetic import make_catalogue

    made = make_catalogue(4, 5, 40, located=1.0)
    write_posterior_netcdf(tmp_path / "posterior.nc", made)
    names = [str(made.events.event_id[0]), "nowhere"]
    rays = RadiationTable.of(names, ["XX.ST00"] * 2, polarity=np.ones(2))
    clouds = located_clouds(replace(rays), tmp_path)
    assert clouds.known.tolist() == [True, False]
