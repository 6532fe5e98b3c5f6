"""``diffseis traveltimes``: files in, times out, by every solver."""

import csv

import numpy as np
import pytest
import xarray
from pyproj import Transformer
from scipy.optimize import brentq

from diffseis.core.projections import MapProjection
from diffseis.core.tables import PointTable, VelocityGrid
from diffseis.plot import wavefront_figure
from diffseis.workflows.odd_points import odd_points
from diffseis.workflows.travel_times import in_one_frame


@pytest.fixture
def files(tmp_path):
    """A linear medium, two sources, three receivers."""
    (tmp_path / "v.csv").write_text("depth_km,vp_km_s,vs_km_s\n0,4,2.3\n40,8,4.6\n")
    (tmp_path / "s.csv").write_text("id,x_km,y_km,z_km\na,0,0,8\nb,3,4,12.3\n")
    (tmp_path / "r.csv").write_text("id,x_km,y_km,z_km\nr1,15,20,0\nr2,0,0,0\nr3,-30,3,0.5\n")
    return tmp_path


def _times(path):
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {(r["source_id"], r["receiver_id"], r["phase"]): float(r["time_s"]) for r in rows}


def _run(diffseis, folder, *more, sources="s.csv", receivers="r.csv"):
    words = ["traveltimes", "--velocity", folder / "v.csv", "--sources", folder / sources]
    return diffseis(*map(str, [*words, "--receivers", folder / receivers, *more]))


@pytest.mark.long
def test_solvers_agree_with_the_closed_form(diffseis, files):
    found = {}
    for solver in ("analytic", "layered", "sweeping"):
        out = files / f"{solver}.csv"
        end = _run(diffseis, files, "--velocity-kind", "linear", "--solver", solver, "--out", out)
        assert end.code == 0, end.err
        assert "12 times" in end.out
        found[solver] = _times(out)
    # v = 4 + 0.1 z: Slotnick's formula, by hand.
    distance2, product = 15.0**2 + 20**2 + 8**2, 4.8 * 4.0
    by_hand = np.arccosh(1 + 0.1**2 * distance2 / (2 * product)) / 0.1
    assert found["analytic"]["a", "r1", "P"] == pytest.approx(by_hand, abs=1e-6)
    for key, time_s in found["analytic"].items():
        assert found["layered"][key] == pytest.approx(time_s, abs=1e-6)
        assert found["sweeping"][key] == pytest.approx(time_s, rel=1e-3)


def test_geographic_points(diffseis, files):
    (files / "s.csv").write_text("id,latitude,longitude,depth_km\nq,42.0,13.0,0\n")
    (files / "r.csv").write_text("id,latitude,longitude,depth_km\nn,42.1,13.0,0\n")
    (files / "v.csv").write_text("depth_km,vp_km_s,vs_km_s\n0,5,2.5\n")
    end = _run(diffseis, files, "--solver", "analytic", "--out", files / "t.csv")
    assert end.code == 0, end.err
    # 0.1 degrees of latitude at 42 N are 11.107 km on WGS84.
    assert _times(files / "t.csv")["q", "n", "P"] == pytest.approx(11.107 / 5, abs=1e-3)


def _three_dimensions(folder, *, vp_vs=None, projection=""):
    """v = 4 + 0.02 x - 0.01 y + 0.1 z for P; S has a direction of its own, or is a scaled P."""
    x, y, z = np.linspace(-40.0, 40, 9), np.linspace(-35.0, 35, 8), np.linspace(-2.0, 30, 9)
    east, north, down = np.meshgrid(x, y, z, indexing="ij")
    speeds = {"P": (4.0, 0.02, -0.01, 0.1), "S": (2.0, -0.002, 0.001, 0.05)}
    if vp_vs is not None:
        speeds["S"] = tuple(c / vp_vs for c in speeds["P"])
    v = {p: c[0] + c[1] * east + c[2] * north + c[3] * down for p, c in speeds.items()}
    data = {"vp": (("x", "y", "z"), v["P"]), "vs": (("x", "y", "z"), v["S"])}
    attributes = {"projection": projection} if projection else {}
    xarray.Dataset(data, {"x": x, "y": y, "z": z}, attributes).to_netcdf(folder / "v.nc", engine="h5netcdf")
    return speeds


def _closed_form(a, b, speed):
    """Slotnick's formula for a gradient in any direction."""
    slope = np.array(speed[1:])
    va, vb = (speed[0] + slope @ p for p in (a, b))
    g = np.linalg.norm(slope)
    return np.arccosh(1 + g**2 * np.sum((a - b) ** 2) / (2 * va * vb)) / g


@pytest.mark.long
@pytest.mark.parametrize("vp_vs", [pytest.param(None, marks=pytest.mark.slow), 1.75])
def test_media_of_three_dimensions(diffseis, files, vp_vs):
    speeds = _three_dimensions(files, vp_vs=vp_vs)
    end = _run(diffseis, files, "--velocity", files / "v.nc", "--spacing-km", "2", "--out", files / "t.csv")
    assert end.code == 0, end.err
    found = _times(files / "t.csv")
    assert len(found) == 12
    places = {"a": (0, 0, 8), "b": (3, 4, 12.3), "r1": (15, 20, 0), "r2": (0, 0, 0), "r3": (-30, 3, 0.5)}
    for (source, receiver, phase), time_s in found.items():
        ends = (np.array(places[name], float) for name in (source, receiver))
        assert time_s == pytest.approx(_closed_form(*ends, speeds[phase]), rel=1e-4)


@pytest.mark.slow
def test_media_of_three_dimensions_on_a_map(diffseis, files):
    """The same medium and points by PROJ, to the accuracy of two projections about different centres."""
    text = "+proj=aeqd +lat_0=42.8 +lon_0=13.2 +ellps=WGS84 +units=km"
    speeds = _three_dimensions(files, projection=text)
    to_map = Transformer.from_crs("EPSG:4326", text, always_xy=True)
    places = {"a": (13.2, 42.8, 8.0), "b": (13.25, 42.83, 12.3), "r1": (13.4, 42.98, 0.0)}
    for file, names in (("s.csv", ("a", "b")), ("r.csv", ("r1",))):
        rows = [f"{n},{places[n][1]},{places[n][0]},{places[n][2]}" for n in names]
        (files / file).write_text("\n".join(["id,latitude,longitude,depth_km", *rows]) + "\n")
    end = _run(diffseis, files, "--velocity", files / "v.nc", "--spacing-km", "2", "--out", files / "t.csv")
    assert end.code == 0, end.err
    for (source, receiver, phase), time_s in _times(files / "t.csv").items():
        ends = (np.array([*to_map.transform(*places[n][:2]), places[n][2]]) for n in (source, receiver))
        assert time_s == pytest.approx(_closed_form(*ends, speeds[phase]), rel=1e-4)


def _figure(diffseis, monkeypatch, folder, *more):
    """Runs with a figure; the section that it shows."""
    shown = []
    draw = wavefront_figure
    monkeypatch.setattr(
        "diffseis.plot.wavefront_figure", lambda section: draw(shown.append(section) or section)
    )
    png = folder / "f.png"
    end = _run(diffseis, folder, *more, "--out", folder / "t.csv", "--figure", png)
    assert end.code == 0, end.err
    assert f"figure: {png}" in end.out
    assert png.read_bytes().startswith(b"\x89PNG")
    return shown[0]


@pytest.mark.long
def test_figure(diffseis, files, monkeypatch):
    section = _figure(diffseis, monkeypatch, files, "--velocity-kind", "linear")
    np.testing.assert_allclose(section.source_km, [0, 8])
    assert section.names == ("r1", "r2", "r3")
    np.testing.assert_allclose(section.receivers_km, [[25, 0], [0, 0], [np.hypot(30, 3), 0.5]])
    # v = 4 + 0.1 z below sea level: wavefronts by Slotnick's formula, and rays that are circles about z = -40 km.
    depth = section.depth_km[None, :]
    squared = section.distance_km[:, None] ** 2 + (depth - 8) ** 2
    exact = np.arccosh(1 + 0.1**2 * squared / (2 * 4.8 * (4 + 0.1 * depth))) / 0.1
    below = np.broadcast_to(depth >= 0.5, exact.shape)
    np.testing.assert_allclose(section.time_s[below], exact[below], atol=1e-3)
    assert len(section.rays_km) == 3
    longest = max(section.rays_km, key=lambda ray: ray[0, 0])
    np.testing.assert_allclose(longest[[0, -1]], [[np.hypot(30, 3), 0.5], [0, 8]], atol=1e-9)
    x, z = longest[:, 0], longest[:, 1] + 40
    centre = (x[0] ** 2 + z[0] ** 2 - z[-1] ** 2) / (2 * x[0])
    np.testing.assert_allclose(np.hypot(x - centre, z), np.hypot(centre, z[-1]), atol=0.02)


@pytest.mark.slow
def test_figure_of_three_dimensions(diffseis, files, monkeypatch):
    speed = _three_dimensions(files, vp_vs=1.75)["P"]
    more = ("--velocity", files / "v.nc", "--spacing-km", "2")
    section = _figure(diffseis, monkeypatch, files, *more)
    # From the source at the origin westwards to r3; r1 lies beside the plane, r2 above the source.
    assert section.names == ("r2", "r3")
    assert "azimuth 276°" in section.title
    np.testing.assert_allclose(section.receivers_km[1], [np.hypot(30, 3), 0.5])
    direction = np.array([-30.0, 3]) / np.hypot(30, 3)
    for n, m in ((20, 10), (200, 30), (300, 5)):
        place = np.array([*(section.distance_km[n] * direction), section.depth_km[m]])
        exact = _closed_form(np.array([0.0, 0, 8]), place, speed)
        assert section.time_s[n, m] == pytest.approx(exact, rel=1e-3)
        assert section.speed_km_s[n, m] == pytest.approx(speed[0] + np.array(speed[1:]) @ place, rel=1e-3)
    for ray, receiver in zip(section.rays_km, section.receivers_km, strict=True):
        np.testing.assert_allclose(ray[[0, -1]], [receiver, [0, 8]], atol=1e-9)


def test_what_three_dimensions_cannot(diffseis, files):
    _three_dimensions(files)
    end = _run(diffseis, files, "--velocity", files / "v.nc", "--solver", "layered")
    assert (end.code, "use sweeping" in end.err) == (2, True)
    for name in ("s.csv", "r.csv"):
        (files / name).write_text("id,latitude,longitude,depth_km\nq,42.0,13.0,0\n")
    end = _run(diffseis, files, "--velocity", files / "v.nc")
    assert (end.code, "no place on the Earth" in end.err) == (2, True)


@pytest.mark.parametrize(
    ("more", "word"),
    [
        (["--solver", "magic"], "unknown solver"),
        (["--solver", "analytic"], "closed form"),
        (["--solver", "sweeping", "--spacing-km", "0"], "above 0"),
    ],
)
def test_what_cannot_be_done_is_said(diffseis, files, more, word):
    end = _run(diffseis, files, *more)
    assert end.code == 2
    assert word in end.err
    assert "fix:" in end.err


def test_mixed_systems_are_refused(diffseis, files):
    (files / "g.csv").write_text("id,latitude,longitude,depth_km\nn,42.1,13.0,0\n")
    end = _run(diffseis, files, receivers="g.csv")
    assert end.code == 2
    assert "different systems" in end.err


def snell_s(thickness_km, speed_km_s, offset_km):
    """Time through layers crossed one after another: the slowness along them that spans the offset."""
    h, v = np.asarray(thickness_km, float), np.asarray(speed_km_s, float)
    cosine = lambda p: np.sqrt(1 - (p * v) ** 2)
    span = lambda p: np.sum(h * p * v / cosine(p)) - offset_km
    p = 0.0 if offset_km == 0 else brentq(span, 0, (1 - 1e-13) / v.max(), xtol=1e-16)
    return float(np.sum(h / v / cosine(p)))


@pytest.mark.slow
def test_reflected_waves(diffseis, files):
    """Off the bottom of two layers by Snell's law; off the same depth as points, by sweeps; nothing from below it."""
    (files / "v.csv").write_text("depth_km,vp_km_s,vs_km_s\n0,4,2.3\n20,5,3.0\n30,8,4.6\n")
    (files / "s.csv").write_text("id,x_km,y_km,z_km\na,0,0,8\nb,3,4,12.3\nlow,0,0,35\n")
    end = _run(diffseis, files, "--reflector", "30", "--out", files / "t.csv")
    assert end.code == 0, end.err
    assert "12 times are empty" in end.out
    with (files / "t.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 54
    found = {(r["source_id"], r["receiver_id"], r["phase"]): r["time_s"] for r in rows}
    places = {"a": (0, 0, 8), "b": (3, 4, 12.3), "r1": (15, 20, 0), "r2": (0, 0, 0), "r3": (-30, 3, 0.5)}
    speeds = {"P": (4.0, 5.0), "S": (2.3, 3.0)}
    reflected = {key: t for key, t in found.items() if "v" in key[2]}
    for (source, receiver, phase), time_s in reflected.items():
        if source == "low":
            assert time_s == ""
            continue
        a, b = (np.array(places[n], float) for n in (source, receiver))
        down, up = speeds[phase[0]], speeds[phase[-1]]
        thickness = [20 - a[2], 10, 10, 20 - b[2]]
        exact = snell_s(thickness, [*down, *up[::-1]], np.hypot(*(a - b)[:2]))
        assert float(time_s) == pytest.approx(exact, abs=1e-6)
    corners = "r1,-100,-100,30\nr2,100,-100,30\nr3,0,100,30\n"
    (files / "i.csv").write_text("id,x_km,y_km,z_km\n" + corners)
    more = ["--reflector", files / "i.csv", "--solver", "sweeping", "--spacing-km", "2.5"]
    end = _run(diffseis, files, *more, "--out", files / "t3.csv")
    assert end.code == 0, end.err
    with (files / "t3.csv").open(newline="") as file:
        swept = {(r["source_id"], r["receiver_id"], r["phase"]): r["time_s"] for r in csv.DictReader(file)}
    for key, time_s in reflected.items():
        if time_s == "":
            assert swept[key] == ""
        else:
            assert float(swept[key]) == pytest.approx(float(time_s), rel=1e-2)  # measured 5.2e-3


def _valley(folder, deepest_km=4.0):
    """5 km/s under a valley from south to north, which the file leaves empty."""
    x, y, z = np.linspace(-12.0, 12, 49), np.linspace(-4.0, 4, 5), np.linspace(-1.0, 12, 53)
    east, _, down = np.meshgrid(x, y, z, indexing="ij")
    air = down < deepest_km * (1 - np.abs(east) / 6)
    data = {p: (("x", "y", "z"), np.where(air, np.nan, v)) for p, v in (("vp", 5.0), ("vs", 2.9))}
    xarray.Dataset(data, {"x": x, "y": y, "z": z}).to_netcdf(folder / "v.nc", engine="h5netcdf")


@pytest.mark.slow
def test_waves_go_round_air(diffseis, files):
    _valley(files)
    (files / "s.csv").write_text("id,x_km,y_km,z_km\na,-8,0,0.5\n")
    (files / "r.csv").write_text("id,x_km,y_km,z_km\nr,8,0,0.5\n")
    more = ["--velocity", files / "v.nc", "--spacing-km", "0.5", "--out", files / "t.csv"]
    assert _run(diffseis, files, *more).code == 0
    assert _times(files / "t.csv")["a", "r", "P"] == pytest.approx(16 / 5, rel=1e-4)
    end = _run(diffseis, files, *more, "--air")
    assert end.code == 0, end.err
    # Down to the bottom of the valley and up again; measured 0.28 % more, at 0.25 km -0.05 %.
    assert _times(files / "t.csv")["a", "r", "P"] == pytest.approx(2 * np.hypot(8, 3.5) / 5, rel=5e-3)


def test_points_in_the_air(diffseis, files):
    _valley(files)
    (files / "s.csv").write_text("id,x_km,y_km,z_km\na,0,0,0.5\n")
    more = ["--velocity", files / "v.nc", "--spacing-km", "0.5", "--out", files / "t.csv", "--air"]
    end = _run(diffseis, files, *more)
    assert end.code == 2
    assert "lies in the air" in end.err
    end = _run(diffseis, files, "--air", "--out", files / "t.csv")
    assert end.code == 2
    assert "no nodes are air" in end.err
    end = _run(diffseis, files, "--air", "--reflector", "30", "--out", files / "t.csv")
    assert end.code == 2
    assert "do not know of air" in end.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--out", "v.csv"], "is --velocity, too"),
        (["--figure", "t.txt"], "end its name with .png"),
        (["--out", "."], "is a folder"),
        (["--network", "n.safetensors"], "add --solver neural"),
        (["--spacing-km", "1"], "add --solver sweeping"),
        (["--solver", "sweeping", "--spacing-km", "0.0005"], "million nodes"),
    ],
)
def test_what_cannot_be_is_refused_before_the_work(diffseis, files, monkeypatch, options, said):
    monkeypatch.chdir(files)
    before = (files / "v.csv").read_text()
    end = _run(diffseis, files, *options)
    assert end.code == 2
    assert said in end.err
    assert (files / "v.csv").read_text() == before
    assert not (files / "traveltimes.csv").exists()


def test_the_closed_form_ends_with_the_nodes(diffseis, files):
    (files / "s.csv").write_text("id,x_km,y_km,z_km\ndeep,0,0,41\n")
    options = ("--velocity-kind", "linear", "--solver", "analytic", "--out", files / "t.csv")
    end = _run(diffseis, files, *options)
    assert end.code == 2
    assert "source deep at 41 km lies beyond the model's nodes" in end.err


def test_odd_places_are_told(diffseis, files):
    (files / "r.csv").write_text("id,latitude,longitude,depth_km\nr,42.1,13.0,0\n")
    (files / "s.csv").write_text("id,latitude,longitude,depth_km\nfar,43.9,13.0,9\nswapped,13.0,42.1,9\n")
    (files / "v.csv").write_text("depth_km,vp_km_s,vs_km_s\n0,5,2.5\n")
    end = _run(diffseis, files, "--out", files / "t.csv")
    assert end.code == 0, end.err
    assert "swapped: more than 1000 km from every receiver; were latitude and longitude exchanged?" in end.out
    assert "2 of 2 paths are longer than 150 km" in end.out


def test_points_beyond_a_model_are_told():
    axis = np.array([0.0, 10.0, 20.0])
    speed = np.full((3, 3, 3), 5.0)
    model = VelocityGrid(axis, axis, axis, speed, speed / 1.8, MapProjection("none"), "model")
    points = lambda *rows: PointTable(np.array([r[0] for r in rows]), np.array([r[1:] for r in rows]), False)
    sources, receivers = points(("in", 5.0, 5.0, 5.0)), points(("in", 9.0, 9.0, 0.0), ("out", 25.0, 9.0, 0.0))
    a, b, frame = in_one_frame(sources, receivers)
    (notice,) = odd_points(model, sources, receivers, a, b, frame)
    assert "receivers out lie beyond the model" in notice.message
