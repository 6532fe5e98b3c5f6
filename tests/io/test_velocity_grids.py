"""Velocity models on grids: netCDF and NonLinLoc."""

import numpy as np
import pytest
import xarray as xr
from pyproj import Proj

from diffseis.core.errors import InputError
from diffseis.core.projections import MapProjection
from diffseis.core.tables import VelocityGrid, VelocityTable
from diffseis.io import read_medium, read_velocity, read_velocity_grid, write_velocity_netcdf

X, Y, Z = np.linspace(12.0, 14.0, 5), np.linspace(42.0, 44.0, 6), np.array([-2.0, 0.0, 4.0, 15.0])


def _speeds():
    east, north, depth = np.meshgrid(X, Y, Z, indexing="ij")
    vp = 5.0 + 0.08 * depth + 0.3 * np.sin(3 * east) * np.cos(2 * north)
    return vp, vp / (1.7 + 0.01 * depth)


@pytest.fixture
def grid():
    vp, vs = _speeds()
    return VelocityGrid(X, Y, Z, vp, vs, MapProjection("geographic"), "ours.nc")


def test_netcdf_returns_what_was_written(tmp_path, grid):
    write_velocity_netcdf(tmp_path / "ours.nc", grid)
    back = read_velocity_grid(tmp_path / "ours.nc")
    assert isinstance(back, VelocityGrid)
    for name in ("x", "y", "z_km", "vp_km_s", "vs_km_s"):
        np.testing.assert_array_equal(getattr(back, name), getattr(grid, name))
    assert back.projection == grid.projection


def test_any_order_direction_unit_and_hole(tmp_path, grid):
    """As repositories of models keep them: depth first, latitude from the north, m/s, NaN in the air, classic netCDF."""
    vp, vs = (1000 * np.transpose(v, (2, 1, 0))[:, ::-1] for v in (grid.vp_km_s, grid.vs_km_s))
    vp = vp.copy()
    vp[0, 2, 3] = np.nan
    data = {
        "Vp": (("depth", "latitude", "longitude"), vp, {"units": "m.s-1"}),
        "Vs": (("depth", "latitude", "longitude"), vs, {"units": "m.s-1"}),
    }
    axes = {"depth": ("depth", Z, {"units": "km"}), "latitude": Y[::-1], "longitude": X}
    xr.Dataset(data, axes).to_netcdf(tmp_path / "emc.nc", engine="scipy")
    back = read_velocity_grid(tmp_path / "emc.nc")
    assert isinstance(back, VelocityGrid)
    hole = np.zeros(grid.shape, bool)
    hole[3, len(Y) - 1 - 2, 0] = True
    np.testing.assert_allclose(back.vp_km_s[~hole], grid.vp_km_s[~hole], rtol=1e-12)
    np.testing.assert_allclose(back.vs_km_s, grid.vs_km_s, rtol=1e-12)
    i, j, k = np.argwhere(hole)[0]
    beside = [
        grid.vp_km_s[i - 1, j, k],
        grid.vp_km_s[i + 1, j, k],
        grid.vp_km_s[i, j - 1, k],
        grid.vp_km_s[i, j + 1, k],
    ]
    assert np.min(np.abs(back.vp_km_s[hole] - [*beside, grid.vp_km_s[i, j, k + 1]])) < 1e-12


def test_linear_between_nodes_and_held_beyond_them(grid):
    p, s = grid.at([12.25, 0.0], [42.6, 90.0], [2.0, 99.0])
    corners = [
        grid.vp_km_s[i, j, k]
        for i, a in ((0, 0.5), (1, 0.5))
        for j, b in ((1, 0.5), (2, 0.5))
        for k in (1, 2)
    ]
    np.testing.assert_allclose(p[0], np.mean(corners), rtol=1e-12)
    np.testing.assert_allclose(p[1], grid.vp_km_s[0, -1, -1], rtol=1e-12)
    np.testing.assert_allclose(s[1], grid.vs_km_s[0, -1, -1], rtol=1e-12)


def test_a_model_of_depth_alone_becomes_a_table(tmp_path):
    z = np.arange(-3.0, 40.0, 0.5)
    vp = np.interp(z, [0.0, 10.0, 30.0], [5.0, 6.0, 7.5])
    shape = (4, 3, len(z))
    data = {
        "vp": (("x", "y", "z"), np.broadcast_to(vp, shape)),
        "vs": (("x", "y", "z"), np.broadcast_to(vp / 1.73, shape)),
    }
    axes = {"x": [0.0, 5, 10, 15], "y": [0.0, 5, 10], "z": z}
    xr.Dataset(data, axes).to_netcdf(tmp_path / "flat.nc", engine="h5netcdf")
    table = read_velocity(tmp_path / "flat.nc")
    assert isinstance(table, VelocityTable)
    assert table.kind == "linear"
    np.testing.assert_allclose(table.depth_km, [-3.0, 0.0, 10.0, 30.0, 39.5])
    np.testing.assert_allclose(np.interp(z, table.depth_km, table.vp_km_s), vp, rtol=1e-9)


def _nonlinloc(folder, kind="SLOW_LEN", transform="TRANSFORM  NONE", number="FLOAT", drop=0):
    """A NonLinLoc model as Vel2Grid3D writes it."""
    rng = np.random.default_rng(4)
    vp = rng.uniform(4.0, 7.0, (7, 6, 5))
    step = 0.5
    for phase, v in (("P", vp), ("S", vp / 1.75)):
        raw = {
            "SLOW_LEN": step / v,
            "VELOCITY": v,
            "VELOCITY_METERS": 1000 * v,
            "SLOWNESS": 1 / v,
            "VEL2": v**2,
            "SLOW2": 1 / v**2,
            "SLOW2_METERS": 1e-6 / v**2,
        }.get(kind, v)
        name = folder / f"layer.{phase}.mod.hdr"
        name.write_text(f"7 6 5  -1.0 -2.0 -1.0  {step} {step} {step} {kind} {number}\n{transform}\n")
        content = raw.astype("<f8" if number == "DOUBLE" else "<f4").tobytes()
        name.with_suffix(".buf").write_bytes(content[: len(content) - drop])
    return folder / "layer.P.mod.hdr", vp


@pytest.mark.parametrize(
    "kind", ["SLOW_LEN", "VELOCITY", "VELOCITY_METERS", "SLOWNESS", "VEL2", "SLOW2", "SLOW2_METERS"]
)
def test_nonlinloc_types(tmp_path, kind):
    path, vp = _nonlinloc(tmp_path, kind, number="DOUBLE" if kind == "VEL2" else "FLOAT")
    for name in (path, path.with_suffix(".buf")):
        grid = read_medium(name)
        assert isinstance(grid, VelocityGrid)
        np.testing.assert_allclose(grid.vp_km_s, vp, rtol=1e-6)
        np.testing.assert_allclose(grid.vs_km_s, vp / 1.75, rtol=1e-6)
        np.testing.assert_allclose(grid.x, -1 + 0.5 * np.arange(7))
        np.testing.assert_allclose(grid.y, -2 + 0.5 * np.arange(6))
        np.testing.assert_allclose(grid.z_km, -1 + 0.5 * np.arange(5))


def test_nonlinloc_projections(tmp_path):
    """Against PROJ's own names, and NonLinLoc's definition of SIMPLE; RotCW turns north clockwise from the y axis."""
    place = "LatOrig 42.500000  LongOrig 13.100000"
    lambert = f"TRANSFORM  LAMBERT RefEllipsoid Clarke-1880  {place}  FirstStdParal 42.0  SecondStdParal 43.0  RotCW 0.0"
    proj = Proj(proj="lcc", lat_0=42.5, lon_0=13.1, lat_1=42, lat_2=43, ellps="clrk80")
    there = (42.9, 13.7)
    # PROJ's lcc on Clarke's ellipsoid, without a shift of datum.
    expected = np.array(proj(there[1], there[0])) / 1000
    path, _ = _nonlinloc(tmp_path, transform=lambert)
    grid = read_medium(path)
    assert isinstance(grid, VelocityGrid)
    np.testing.assert_allclose(grid.projection.to_map(*there), expected, atol=1e-6)

    path, _ = _nonlinloc(tmp_path, transform=f"TRANSFORM  SIMPLE {place}  RotCW 90.0")
    grid = read_medium(path)
    assert isinstance(grid, VelocityGrid)
    x, y = grid.projection.to_map(43.5, 13.1)
    np.testing.assert_allclose([x, y], [10000 / 90, 0.0], atol=1e-9)
    x, y = grid.projection.to_map(42.5, 14.1)
    np.testing.assert_allclose([x, y], [0.0, -10000 / 90 * np.cos(np.radians(42.5))], atol=1e-9)


def test_vp_vs_makes_s(tmp_path, grid):
    path, vp = _nonlinloc(tmp_path)
    (tmp_path / "layer.S.mod.hdr").unlink()
    with pytest.raises(InputError, match="no S grid"):
        read_medium(path)
    made = read_medium(path, vp_vs=1.8)
    assert isinstance(made, VelocityGrid)
    np.testing.assert_allclose(made.vs_km_s, vp / 1.8, rtol=1e-6)


def test_bad_nonlinloc_grids_are_refused(tmp_path):
    path, _ = _nonlinloc(tmp_path, drop=8)
    with pytest.raises(InputError, match="its header asks for"):
        read_medium(path)
    path, _ = _nonlinloc(tmp_path, kind="TIME")
    with pytest.raises(InputError, match="no speeds"):
        read_medium(path)
    path, _ = _nonlinloc(tmp_path, transform="TRANSFORM  SDC LatOrig 1 LongOrig 2 RotCW 0")
    with pytest.raises(InputError, match="projection"):
        read_medium(path)
    path.write_text("7 6 five\n")
    with pytest.raises(InputError, match="first line"):
        read_medium(path)


def test_bad_netcdf_is_refused(tmp_path, grid):
    vp, vs = grid.vp_km_s, grid.vs_km_s
    dims, axes = ("longitude", "latitude", "depth"), {"longitude": X, "latitude": Y, "depth": Z}

    def write(data, coordinates=axes):
        xr.Dataset(data, coordinates).to_netcdf(tmp_path / "bad.nc", engine="h5netcdf")
        return tmp_path / "bad.nc"

    for data, coordinates, words in (
        ({"vp": (dims, 1000 * vp), "vs": (dims, 1000 * vs)}, axes, "no rock"),
        ({"vp": (dims, vs), "vs": (dims, vp)}, axes, "not slower"),
        ({"speed": (dims, vp)}, axes, "no P speed"),
        ({"vp": (dims, vp)}, axes, "no S speed"),
        ({"vp": (dims, vp, {"units": "furlong"}), "vs": (dims, vs)}, axes, "unknown unit"),
        ({"vp": (dims, vp), "vs": (dims, vs)}, {"longitude": X, "latitude": Y}, "no z axis"),
        ({"vp": (dims, vp), "vs": (dims, vs)}, axes | {"depth": 1000 * Z}, "deeper than any model"),
        ({"vp": (dims, vp), "vs": (dims, vs)}, axes | {"latitude": Y + 60}, "out of range"),
        ({"vp": (dims, np.full_like(vp, np.nan)), "vs": (dims, vs)}, axes, "holds no value"),
        ({"vp": (dims[:2], vp[..., 0]), "vs": (dims, vs)}, axes, "has the dimensions"),
    ):
        with pytest.raises(InputError, match=words):
            read_medium(write(data, coordinates))
    (tmp_path / "text.nc").write_text("depth,vp\n")
    with pytest.raises(InputError, match="no netCDF"):
        read_medium(tmp_path / "text.nc")
    (tmp_path / "torn.nc").write_bytes((tmp_path / "bad.nc").read_bytes()[:600])
    with pytest.raises(InputError, match="cannot be read"):
        read_medium(tmp_path / "torn.nc")


def test_only_models_of_depth_alone_where_those_are_needed(tmp_path, grid):
    write_velocity_netcdf(tmp_path / "ours.nc", grid)
    with pytest.raises(InputError, match="depth alone"):
        read_velocity(tmp_path / "ours.nc")
