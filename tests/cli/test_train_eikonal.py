"""``diffseis train-eikonal`` and the networks it writes."""

import json

import jax.numpy as jnp
import pytest

from diffseis.core.errors import InputError
from diffseis.io import read_network_header, read_travel_time_networks
from diffseis.velocity import Layered
from tests.cli.test_traveltimes import _three_dimensions, _times

SMALL = ("--width", "12", "--steps", "30", "--velocity-kind", "linear", "--max-distance-km", "40")


@pytest.fixture
def files(tmp_path):
    (tmp_path / "v.csv").write_text("depth_km,vp_km_s,vs_km_s\n0,4,2\n40,8,4\n")
    (tmp_path / "s.csv").write_text("id,x_km,y_km,z_km\na,0,0,8\n")
    (tmp_path / "r.csv").write_text("id,x_km,y_km,z_km\nr1,15,20,0\nr2,0,0,0\n")
    return tmp_path


@pytest.mark.slow
def test_networks_are_trained_stored_and_used(diffseis, files):
    net = files / "net.safetensors"
    end = diffseis("train-eikonal", "--velocity", str(files / "v.csv"), "--out", str(net), *SMALL)
    assert end.code == 0, end.err
    assert "held-out relative RMS" in end.out
    assert "training curve" in end.out
    assert (files / "net.png").read_bytes().startswith(b"\x89PNG")
    about = read_network_header(net)
    json.dumps(about)
    assert about["training"]["S"]["shares"] == "P"
    assert about["training"]["P"]["relative_rms"] < 0.02

    common = ["traveltimes", "--velocity", files / "v.csv", "--sources", files / "s.csv"]
    common += ["--receivers", files / "r.csv", "--velocity-kind", "linear"]
    run = lambda *more: diffseis(*map(str, [*common, *more]))
    assert run("--solver", "analytic", "--out", files / "a.csv").code == 0
    end = run("--solver", "neural", "--network", net, "--out", files / "n.csv")
    assert end.code == 0, end.err
    exact, found = _times(files / "a.csv"), _times(files / "n.csv")
    for key, time_s in exact.items():
        assert found[key] == pytest.approx(time_s, rel=0.05)
    # One network serves both phases where Vp/Vs is the same everywhere.
    assert found["a", "r1", "S"] == pytest.approx(2 * found["a", "r1", "P"], rel=1e-6)

    assert "no networks are given" in run("--solver", "neural").err
    (files / "s.csv").write_text("id,x_km,y_km,z_km\na,0,0,80\n")
    assert "larger region" in run("--solver", "neural", "--network", net).err
    (files / "v.csv").write_text("depth_km,vp_km_s,vs_km_s\n0,4,2\n40,8.01,4\n")
    end = run("--solver", "neural", "--network", net)
    assert end.code == 2
    assert "another velocity model" in end.err

    models = {"P": Layered([0.0, 40.0], [4.0, 8.0], "linear")}
    field = read_travel_time_networks(net, models)["P"]
    a, b = jnp.asarray([0.0, 0.0, 8.0]), jnp.asarray([20.0, 15.0, 0.0])
    assert float(field(a, b)) == pytest.approx(found["a", "r1", "P"], abs=1e-6)
    content = net.read_bytes()
    for damaged in (content[: len(content) // 2], content[:-9], b"", b"PK\x03\x04" + content):
        net.write_bytes(damaged)
        with pytest.raises(InputError) as refused:
            read_travel_time_networks(net, models)
        assert refused.value.file == str(net)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trainer", "steps", "largest"),
    [("adam", "1500", 1e-2), ("soap", "500", 2.2e-2), ("ssbroyden", "10", 1e-2)],
)
def test_other_trainers(diffseis, files, trainer, steps, largest):
    net = files / "net.safetensors"
    more = ("--trainer", trainer, "--steps", steps)
    end = diffseis("train-eikonal", "--velocity", str(files / "v.csv"), "--out", str(net), *SMALL, *more)
    assert end.code == 0, end.err
    about = read_network_header(net)["training"]
    assert (about["trainer"], about["num_steps"]) == (trainer, int(steps))
    assert about["P"]["relative_rms"] < largest


def test_a_distance_is_asked_for_in_media_of_depth_alone(diffseis, files):
    end = diffseis("train-eikonal", "--velocity", str(files / "v.csv"))
    assert (end.code, "largest epicentral distance" in end.err) == (2, True)
    _three_dimensions(files)
    end = diffseis("train-eikonal", "--velocity", str(files / "v.nc"), "--max-distance-km", "40")
    assert (end.code, "models of depth alone" in end.err) == (2, True)


@pytest.mark.parametrize(
    ("more", "word"),
    [
        (["--bottom-km", "-5"], "positive down"),
        (["--max-distance-km", "-1"], "largest distance"),
        (["--trainer", "sgd"], "use spring, adam, soap, ssbroyden"),
        (["--trainer", "adam", "--steps", "1"], "more --steps"),
    ],
)
def test_what_cannot_be_done_is_said(diffseis, files, more, word):
    end = diffseis("train-eikonal", "--velocity", str(files / "v.csv"), *SMALL, *more)
    assert end.code == 2
    assert word in end.err
