"""``diffseis wave``: files in; seismograms, sections, animations out."""

import json

import numpy as np
import pytest
import xarray

from diffseis.core.frames import LocalFrame

CONFIG = """
equation = "elastic"
order = 4
frequency_hz = 1.2
absorbing_nodes = 6
[medium]
file = "v.csv"
spacing_km = 0.25
end_km = [6.0, 4.0]
[time]
duration_s = 2.5
dt_s = 0.05
origin_s = 0.6
[[event]]
id = "one"
position_km = [3.03, 2.07]
moment_nm = [1e15, -1e15, 5e14]
time = "2016-10-30T06:40:17.32Z"
[[event]]
id = "far"
position_km = [33.0, 2.0]
moment_nm = [1e15, -1e15, 5e14]
[[station]]
id = "XX.A"
position_km = [1.0, 0.0]
[[station]]
id = "XX.B"
position_km = [4.6, -0.4]
[output]
snapshots = 3
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "v.csv").write_text("depth_km,vp_km_s,vs_km_s\n0,3,1.7\n1.5,4.6,2.6\n")
    (tmp_path / "c.toml").write_text(CONFIG)
    return tmp_path


def _run(diffseis, folder, *more, **changes):
    text = CONFIG
    for old, new in changes.get("changes", ()):
        assert old in text
        text = text.replace(old, new)
    (folder / "c.toml").write_text(text)
    return diffseis("wave", "--config", folder / "c.toml", "--out", folder / "out", *more)


@pytest.mark.long
def test_a_section(diffseis, folder):
    """Everything is written; what fails is recorded, and stops nothing."""
    from obspy import UTCDateTime, read

    ended = _run(diffseis, folder)
    assert ended.code == 0, ended.err
    assert "far: failed: it lies at (33, 2) km, outside the medium, (0, 0) to (6, 4) km" in ended.out
    assert "1 of 2 events" in ended.out
    assert "put on its top: stations XX.B" in ended.err
    out = folder / "out"
    record = json.loads((out / "run.json").read_text())
    assert record["events"]["one"]["status"] == "computed"
    assert record["events"]["far"]["files"] == []
    with xarray.open_dataset(out / "one/records.nc", engine="h5netcdf") as data:
        velocity, times = data["velocity"].values, data["time"].values
        assert data.attrs["reference_time"] == "2016-10-30T06:40:16.720Z"
    stream = read(str(out / "one/seismograms.mseed"), format="MSEED")
    assert [t.id for t in stream] == [f"XX.{s}.SY.BX{c}" for s in "AB" for c in "ZR"]
    assert stream[0].stats.starttime == UTCDateTime("2016-10-30T06:40:16.72")
    np.testing.assert_allclose(stream[0].data, -1000 * velocity[0, 1], rtol=1e-6)
    # Nothing arrives before P waves can: 2.9 km at 4.6 km/s, and the pulse's rise.
    early = times < 0.6 + 2.9 / 4.6 - 0.45
    assert np.max(np.abs(velocity[0][:, early])) < 1e-3 * np.max(np.abs(velocity[0]))
    with xarray.open_dataset(out / "one/snapshots.nc", engine="h5netcdf") as data:
        assert data["velocity"].dims == ("time", "component", "x_km", "depth_km")
        assert data["velocity"].shape == (3, 2, 25, 17)
        assert np.all(np.isfinite(data["velocity"].values))
    for picture in ("section.png", "wavefield.gif"):
        assert (out / "one" / picture).stat().st_size > 5000


@pytest.mark.long
@pytest.mark.parametrize(
    ("equation", "dims"),
    [
        ("acoustic", 2),
        ("fluid", 2),
        ("vti", 2),
        ("viscoelastic", 2),
        pytest.param("elastic", 3, marks=pytest.mark.slow),
    ],
)
def test_equations(diffseis, folder, equation, dims):
    """From NumPy and netCDF; places in degrees in three dimensions."""
    shape = (25, 17) if dims == 2 else (13, 13, 11)
    full = lambda v: np.full(shape, v)
    arrays = {
        "vp": full(4.0),
        "vs": full(2.3),
        "rho": full(2.5),
        "epsilon": full(0.1),
        "delta": full(0.05),
        "q": full(50.0),
    }
    changes = [('equation = "elastic"', f'equation = "{equation}"'), ("snapshots = 3", "snapshots = 0")]
    if dims == 2:
        np.savez(folder / "m.npz", **arrays)
        changes += [("v.csv", "m.npz"), ("end_km = [6.0, 4.0]\n", "")]
        changes += [] if "elastic" in equation else [("[1.0, 0.0]", "[1.0, 0.3]")]
    else:
        axes = ("north_km", "east_km", "depth_km")
        xarray.Dataset(
            {n: (axes, v) for n, v in arrays.items()}, {n: np.arange(k) * 0.4 - (2.4 if k == 13 else 0) for n, k in zip(axes, shape, strict=True)}
        ).to_netcdf(folder / "m.nc", engine="h5netcdf")  # fmt: skip
        latitude, longitude, _ = LocalFrame(45.0, 10.0).to_geographic(np.array([[1.0, 1.0, 0.0]]))
        station = f"network,station,latitude,longitude,elevation_m\nXX,A,{latitude[0]},{longitude[0]},0\n"
        (folder / "s.csv").write_text(station)
        head, tail = CONFIG.split("[[event]]")[0], CONFIG.split("[output]")[1]
        place = 'id = "one"\nlatitude = 45.0\nlongitude = 10.0\ndepth_km = 2.0\nstrike_dip_rake_deg = [0, 90, 0]\nmagnitude = 4\n'
        text = head + "[frame]\nlatitude = 45.0\nlongitude = 10.0\n[[event]]\n" + place + "[output]" + tail
        text = text.replace("frequency_hz = 1.2", 'frequency_hz = 0.9\nstations_file = "s.csv"')
        (folder / "c.toml").write_text(
            text.replace("v.csv", "m.nc")
            .replace("spacing_km = 0.25\nend_km = [6.0, 4.0]\n", "")
            .replace("snapshots = 3", "snapshots = 2")
        )
    words = ("wave", "--config", folder / "c.toml", "--out", folder / "out")
    ended = diffseis(*words) if dims == 3 else _run(diffseis, folder, changes=changes)
    assert ended.code == 0, ended.err
    with xarray.open_dataset(folder / "out/one/records.nc", engine="h5netcdf") as data:
        found = data["velocity" if "elastic" in equation else "pressure"].values
    assert np.all(np.isfinite(found))
    assert np.max(np.abs(found[0])) > 0
    assert ("pressure is zero on a free surface: stations XX.B" in ended.err) == ("elastic" not in equation)
    assert (folder / "out/one/seismograms.mseed").exists() == ("elastic" in equation)
    if dims == 3:
        # Strike slip on a vertical plane to the north pushes up no place on its nodal lines alike: at 45 degrees P is largest, towards the source.
        assert np.max(np.abs(found[0, 0] - found[0, 1])) < 0.05 * np.max(np.abs(found))


@pytest.mark.long
def test_dry_run_and_warnings(diffseis, folder):
    ended = _run(diffseis, folder, "--dry-run", changes=[("frequency_hz = 1.2", "frequency_hz = 1.35")])
    assert ended.code == 0, ended.err
    assert "grid: 25 x 17 nodes, with absorbing layers 37 x 23" in ended.out
    assert "MB, of which 700 are the program itself" in ended.out
    assert "s to draw them" in ended.out
    assert "sources are lines across the section" in ended.err
    assert "points per shortest wavelength, order 4 needs 6" in ended.err
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("order = 4", "order = 5", "field `order`: is 5\n  fix: give 2, 4 or 8"),
        ("frequency_hz = 1.2", "frequency_hz = -1", "field `frequency_hz`: is -1\n  fix: give a number greater than 0"),
        ("order = 4", "oder = 4", "unknown key `oder`\n  fix: did you mean `order`?"),
        ("spacing_km", "spacing", "unknown key `spacing`\n  fix: did you mean `spacing_km`?"),
        ("duration_s = 2.5\n", "", "field `time.duration_s`: is missing\n  fix: add it"),
        ('"v.csv"', '"w.csv"', "w.csv: there is no such file"),
        ('"v.csv"', '"c.toml"', "ending '.toml'"),
        ("end_km = [6.0, 4.0]\n", "", "field `medium.end_km, medium.spacing_km`"),
        ("position_km = [3.03, 2.07]", "position_km = [3.03, 2.07, 1.0]", "event one has 3 coordinates, the medium 2"),
        ("position_km = [3.03, 2.07]\n", "", "neither position_km nor latitude with longitude are given\n  fix: give one of them"),
        ("[1e15, -1e15, 5e14]\ntime", "[1e15, -1e15]\ntime", "field `event one, moment_nm`"),
        ("06:40:17.32Z", "96:40:17Z", "field `event one, time`"),
        ("[[event]]\nid", "[[event]]\nlatitude = 45.0\nlongitude = 10.0\nid", "both position_km and latitude"),
        ("[1.0, 0.0]", "[77.0, 0.0]", ""),
        ("[1e15, -1e15, 5e14]\ntime", "[1e15, nan, 5e14]\ntime", "c.toml, field `event.0.moment_nm.1`: is nan"),
        ("[1e15, -1e15, 5e14]\ntime", "[0, 0, 0]\ntime", "moment_nm is zero\n  fix: give the moment"),
        ("[1e15, -1e15, 5e14]\ntime", "[1e15, -1e15, 5e14]\nmagnitude = 4\ntime", "fix: give one mechanism"),
        ("spacing_km = 0.25", "spacing_km = -1.0", "field `medium.spacing_km`: is -1.0\n  fix: give a number greater than 0"),
        ("spacing_km = 0.25", "spacing_km = 3.0", "c.toml, field `medium.end_km`"),
        ("origin_s = 0.6", "origin_s = 0.0", "c.toml, field `time.origin_s`: lets sources begin at 100 % of their peak"),
        ("origin_s = 0.6", "origin_s = 2.4", "c.toml, field `time.duration_s`: lets sources end at"),
        ("origin_s = 0.6", "origin_s = 9.0", "field `time.origin_s`: 9 is not within the 2.5 s of the records"),
        ("XX.B", "XX.VERYLONG", "field `station`: 'VERYLONG' of XX.VERYLONG is no station code"),
        ("order = 4", "order = 4\nband_hz = [3, 1]", "band_hz falls\n  fix: give its lower end first"),
    ],
)  # fmt: skip
def test_bad_settings(diffseis, folder, old, new, said):
    ended = _run(diffseis, folder, "--dry-run", changes=[(old, new)])
    if said:
        assert ended.code == 2
        assert said in ended.err
        assert "Traceback" not in ended.err
    else:
        assert "left out: stations XX.A" in ended.err


def test_bad_media(diffseis, folder):
    """One message for each, which names the file, the array and the way out."""
    good = {"vp": np.full((25, 17), 4.0), "vs": np.full((25, 17), 2.3)}
    changes = [("v.csv", "m.npz"), ("end_km = [6.0, 4.0]\n", "")]
    for bad, said in (
        ({"vs": np.full((25, 16), 2.3)}, "field `vs`: has shape (25, 16), vp (25, 17)"),
        ({"vp": np.full((25, 17), 4000.0)}, "field `vp`: reaches 4000"),
        ({"vp": np.full((25, 17), np.nan)}, "field `vp`: has places without a number"),
        ({"speed": np.full((25, 17), 1.0)}, "field `names`: holds speed"),
        ({"vs": np.full((25, 17), 3.9)}, "must not be above 0.866"),
    ):
        np.savez(folder / "m.npz", **(good | bad))
        ended = _run(diffseis, folder, "--dry-run", changes=changes)
        assert (ended.code, said in ended.err) == (2, True), ended.err
    (folder / "m.npz").write_bytes(b"PK\x03\x04 no zip")
    assert "cannot be read as NumPy arrays" in _run(diffseis, folder, "--dry-run", changes=changes).err
    np.savez(folder / "m.npz", vp=good["vp"])
    assert (
        "holds no vs, which the elastic equation needs"
        in _run(diffseis, folder, "--dry-run", changes=changes).err
    )


def test_what_lies_off_the_section_is_told(diffseis, folder):
    """By name and distance, to the kilometre; what lies on it is not."""
    latitude, longitude, _ = LocalFrame(45.0, 10.0).to_geographic(
        np.array([[3.0, 0.0, 0.0], [2.0, 7.0, 0.0]])
    )
    rows = [f"XX,{n},{a},{o},0" for n, a, o in zip("AB", latitude, longitude, strict=True)]
    (folder / "s.csv").write_text("\n".join(["network,station,latitude,longitude,elevation_m", *rows]) + "\n")
    stations = CONFIG[CONFIG.index("[[station]]") : CONFIG.index("[output]")]
    changes = [
        (stations, "[frame]\nlatitude = 45.0\nlongitude = 10.0\n"),
        ("frequency_hz = 1.2", 'frequency_hz = 1.2\nstations_file = "s.csv"'),
    ]
    ended = _run(diffseis, folder, "--dry-run", changes=changes)
    assert ended.code == 0, ended.err
    assert "off the section, and computed as if on it: station XX.B 7.0 km;" in ended.err
    assert "event far will not be computed: it lies at (33, 2) km" in ended.err


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("frequency_hz", "freqency_hz", "did you mean `frequency_hz`?"),
        ("spacing_km = 0.25", "spacing_km = 1e-5", "field `medium.spacing_km`"),
        ("duration_s = 2.5", "duration_s = 1e6", "field `time.duration_s, time.dt_s`"),
        ("frequency_hz = 1.2", "frequency_hz = 2.5", "field `medium.spacing_km`: makes 1."),
    ],
)
def test_settings_that_are_too_much(diffseis, folder, old, new, said):
    ended = _run(diffseis, folder, "--dry-run", changes=[(old, new)])
    assert ended.code == 2
    assert said in ended.err


def test_stations_along_the_section(diffseis, folder):
    """By their places on it, without degrees and without a frame."""
    stations = CONFIG[CONFIG.index("[[station]]") : CONFIG.index("[output]")]
    changes = [(stations, ""), ("frequency_hz = 1.2", 'frequency_hz = 1.2\nstations_file = "s.csv"')]
    run = lambda: _run(diffseis, folder, "--dry-run", changes=changes)
    (folder / "s.csv").write_text("station,x_km,z_km\nA,1.0,0.0\nB,4.6,-0.4\nC,77.0,0.0\n")
    ended = run()
    assert ended.code == 0, ended.err
    assert "put on its top: stations B" in ended.err
    assert "left out: stations C" in ended.err
    (folder / "s.csv").write_text("network,station,x_km,z_km\nXX,A,1.0,0.0\nXX,A,2.0,0.0\n")
    assert "line 3, field `station`: 'XX.A' is given twice" in run().err
    (folder / "s.csv").write_text("station,x_km\nA,1.0\n")
    assert "z_km" in run().err
    (folder / "s.csv").write_text("network,station,latitude,longitude,elevation_m\nXX,A,45,10,0\n")
    assert "field `frame`" in run().err


@pytest.mark.long
@pytest.mark.long
def test_names_of_events(diffseis, folder):
    """Each has a folder of its own within the folder of the run, whatever it is called."""
    one = CONFIG[CONFIG.index('[[event]]\nid = "one"') : CONFIG.index('[[event]]\nid = "far"')]
    far = CONFIG[CONFIG.index('[[event]]\nid = "far"') : CONFIG.index("[[station]]")]
    names = ("..", "a b", "a_b", "a b", "run.json", "x" * 300)
    many = "".join(one.replace('"one"', f'"{name}"') for name in names)
    ended = _run(diffseis, folder, changes=[(one, many), (far, ""), ("snapshots = 3", "snapshots = 0")])
    assert ended.code == 0, ended.err
    assert "6 of 6 events" in ended.out
    assert "two events are called a_b, or alike: the later one is a_b (2)" in ended.err
    folders = sorted(p.name for p in (folder / "out").iterdir() if p.is_dir())
    assert folders == sorted(["__", "a_b", "a_b__2_", "a_b__3_", "run.json__2_", "x" * 100])
    assert sorted(p.name for p in folder.iterdir()) == ["c.toml", "out", "v.csv"]


def test_explosions_in_the_place_of_earthquakes_are_told(diffseis, folder):
    ended = _run(diffseis, folder, "--dry-run", changes=[('equation = "elastic"', 'equation = "acoustic"')])
    assert ended.code == 0, ended.err
    assert "computed as explosions of the same norm: events one" in ended.err


def test_a_dry_run_of_nothing(diffseis, folder):
    """Tells that no event will be computed, and folders that cannot be."""
    ended = _run(diffseis, folder, "--dry-run", changes=[("[3.03, 2.07]", "[33.0, 2.07]")])
    assert ended.code == 3
    (folder / "out").mkdir()
    (folder / "out/zarr.json").write_text("{}")
    ended = _run(diffseis, folder, "--dry-run")
    assert (ended.code, "is a store of arrays" in ended.err) == (2, True)


def test_a_folder_of_something_else(diffseis, folder):
    """Stays as it is."""
    (folder / "out").mkdir()
    for record in ('{"command": "diffseis locate --config c.toml"}', "[1]", "no JSON"):
        (folder / "out/run.json").write_text(record)
        ended = _run(diffseis, folder)
        assert ended.code == 2
        assert "choose another folder with --out" in ended.err
        assert [p.name for p in (folder / "out").iterdir()] == ["run.json"]
        assert (folder / "out/run.json").read_text() == record


@pytest.mark.long
def test_a_second_run_replaces_the_first(diffseis, folder):
    outside, kept = folder / "kept.txt", folder / "out/notes.txt"
    first = _run(diffseis, folder)
    assert first.code == 0, first.err
    for path in (outside, kept):
        path.write_text("mine")
    record = json.loads((folder / "out/run.json").read_text())
    record["events"]["far"]["files"] = ["../kept.txt"]
    (folder / "out/run.json").write_text(json.dumps(record))
    second = _run(
        diffseis, folder, changes=[('id = "one"', 'id = "two"'), ("snapshots = 3", "snapshots = 0")]
    )
    assert second.code == 0, second.err
    files = sorted(
        p.relative_to(folder / "out").as_posix() for p in (folder / "out").rglob("*") if p.is_file()
    )
    assert files == ["notes.txt", "run.json", "two/records.nc", "two/section.png", "two/seismograms.mseed"]
    assert not (folder / "out/one").exists()
    assert outside.exists()
    assert set(json.loads((folder / "out/run.json").read_text())["sha256"]) == {"medium"}


def test_a_folder_that_cannot_be(diffseis, folder):
    (folder / "out").write_text("a file")
    ended = _run(diffseis, folder)
    assert ended.code == 2
    assert "is a file" in ended.err
