"""``diffseis train-eikonal`` for models of three dimensions."""

import pytest

from diffseis.io import read_network_header
from tests.cli.test_traveltimes import _three_dimensions, _times


@pytest.fixture
def files(tmp_path):
    (tmp_path / "s.csv").write_text("id,x_km,y_km,z_km\na,0,0,8\n")
    (tmp_path / "r.csv").write_text("id,x_km,y_km,z_km\nr1,15,20,0\nr2,0,0,0\n")
    return tmp_path


def _networks(diffseis, folder, *more, **model):
    """Networks of a three-dimensional model, and a run of `traveltimes` with it."""
    _three_dimensions(folder, vp_vs=1.75, **model)
    net = folder / "net.safetensors"
    medium = ("--velocity", str(folder / "v.nc"))
    end = diffseis("train-eikonal", *medium, "--out", str(net), "--top-km", "-1", "--bottom-km", "15", *more)
    assert end.code == 0, end.err
    assert "held-out relative RMS" in end.out
    common = ["traveltimes", *medium, "--sources", folder / "s.csv", "--receivers", folder / "r.csv"]
    return net, lambda *more: diffseis(*map(str, [*common, *more]))


@pytest.fixture
def small_judges(monkeypatch):
    for name, value in (("JUDGE_NODES", 2000), ("NUM_JUDGES", 1), ("RECEIVERS", 128)):
        monkeypatch.setattr(f"diffseis.workflows.grid_networks.{name}", value)


@pytest.mark.slow
@pytest.mark.usefixtures("small_judges")
def test_networks_are_trained_stored_and_used(diffseis, files):
    net, run = _networks(diffseis, files, "--width", "8", "--steps", "3")
    about = read_network_header(net)
    assert (about["phases"]["P"]["form"], about["training"]["S"]["shares"]) == ("space", "P")
    assert about["training"]["P"]["relative_rms"] < 0.1
    assert run("--solver", "neural", "--network", net, "--out", files / "n.csv").code == 0
    found = _times(files / "n.csv")
    assert found["a", "r1", "S"] == pytest.approx(1.75 * found["a", "r1", "P"], rel=1e-6)
    assert "no networks are given" in run("--solver", "neural").err

    (files / "s.csv").write_text("id,x_km,y_km,z_km\na,0,0,80\n")
    assert "larger region" in run("--solver", "neural", "--network", net).err
    _three_dimensions(files, vp_vs=1.76)  # another S alone
    end = run("--solver", "neural", "--network", net)
    assert (end.code, "another velocity model" in end.err) == (2, True)


@pytest.mark.slow
def test_networks_are_accurate(diffseis, files):
    net, run = _networks(diffseis, files, "--width", "24", "--steps", "80")
    told = read_network_header(net)["training"]["P"]
    assert told["relative_rms"] < 1e-3
    assert run("--solver", "neural", "--network", net, "--out", files / "n.csv").code == 0
    assert run("--spacing-km", "2", "--out", files / "g.csv").code == 0
    swept, found = _times(files / "g.csv"), _times(files / "n.csv")
    for key, time_s in swept.items():
        assert found[key] == pytest.approx(time_s, rel=5e-4)  # measured 1.0e-4 and 2.8e-4


@pytest.mark.slow
@pytest.mark.usefixtures("small_judges")
def test_a_model_on_a_map(diffseis, files):
    """Points are places on the Earth, in the frame of the model's middle."""
    text = "+proj=aeqd +lat_0=42.8 +lon_0=13.2 +ellps=WGS84 +units=km"
    net, run = _networks(diffseis, files, "--width", "16", "--steps", "40", projection=text)
    assert "places on the Earth" in run("--solver", "neural", "--network", net).err
    (files / "s.csv").write_text("id,latitude,longitude,depth_km\na,42.8,13.2,8\n")
    (files / "r.csv").write_text("id,latitude,longitude,depth_km\nr1,42.98,13.4,0\n")
    assert run("--solver", "neural", "--network", net, "--out", files / "n.csv").code == 0
    assert run("--spacing-km", "2", "--out", files / "g.csv").code == 0
    swept, found = _times(files / "g.csv"), _times(files / "n.csv")
    assert found["a", "r1", "P"] == pytest.approx(swept["a", "r1", "P"], rel=1e-2)
    _three_dimensions(files, vp_vs=1.75)  # the same numbers, but tied to no place
    assert "tied to no place" in run("--solver", "neural", "--network", net).err
    for name in ("s", "r"):
        (files / f"{name}.csv").write_text("id,x_km,y_km,z_km\na,1,2,8\n")
    assert "another velocity model" in run("--solver", "neural", "--network", net).err


def test_a_distance_is_for_media_of_depth_alone(diffseis, files):
    _three_dimensions(files)
    end = diffseis("train-eikonal", "--velocity", str(files / "v.nc"), "--max-distance-km", "40")
    assert (end.code, "models of depth alone" in end.err) == (2, True)
    (files / "v.csv").write_text("depth_km,vp_km_s,vs_km_s\n0,4,2\n40,8,4\n")
    end = diffseis("train-eikonal", "--velocity", str(files / "v.csv"))
    assert (end.code, "largest epicentral distance" in end.err) == (2, True)
