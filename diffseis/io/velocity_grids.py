"""Velocity models on grids: netCDF (through xarray) and NonLinLoc's ``.hdr`` with ``.buf``."""

from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import distance_transform_edt

from diffseis.core.errors import InputError
from diffseis.core.projections import MapProjection
from diffseis.core.tables import VelocityGrid, VelocityTable
from diffseis.io.atomic import atomic_path
from diffseis.io.guards import read_bytes, read_text
from diffseis.io.netcdf import load_netcdf
from diffseis.io.velocity_csv import MAX_DEPTH_KM, MAX_SPEED_KM_S, MIN_SPEED_KM_S

GRID_SUFFIXES = (".nc", ".nc4", ".netcdf", ".cdf", ".hdr", ".buf")

_AXES = {
    "x": ("longitude", "lon", "x_km", "x", "east_km", "easting", "east"),
    "y": ("latitude", "lat", "y_km", "y", "north_km", "northing", "north"),
    "z": ("depth_km", "depth", "z_km", "z", "down_km"),
}
_SPEEDS = {
    "vp": ("vp_km_s", "vp", "v_p", "p_velocity", "vp_vel", "vpv"),
    "vs": ("vs_km_s", "vs", "v_s", "s_velocity", "vs_vel", "vsv"),
}
_KM = ("km", "kilometer", "kilometers", "kilometre", "kilometres")
_M = ("m", "meter", "meters", "metre", "metres")
_DEGREES = ("degree", "degrees", "deg", "degrees_north", "degrees_east", "degree_north", "degree_east")
_KM_S = ("km/s", "km.s-1", "km s-1", "km s^-1", "km/sec", "km s**-1", "km*s^-1")
_M_S = ("m/s", "m.s-1", "m s-1", "m s^-1", "m/sec", "m s**-1", "m*s^-1")
_FLATTEST = 1e-6
"""Speeds that differ by less than this share of them are equal."""

_ELLIPSOIDS = {
    "WGS-84": "WGS84",
    "GRS-80": "GRS80",
    "WGS-72": "WGS72",
    "Australian": "aust_SA",
    "Krasovsky": "krass",
    "International": "new_intl",
    "Hayford-1909": "intl",
    "Clarke-1880": "clrk80",
    "Clarke-1866": "clrk66",
    "Airy": "airy",
    "Bessel": "bessel",
    "Sphere": "sphere",
}


def read_velocity_grid(path: str | Path, *, vp_vs: float | None = None) -> VelocityGrid | VelocityTable:
    """Read a gridded model of P and S speeds by its suffix.

    netCDF, classic or netCDF-4: dimensions longitude, latitude, depth (degrees, and km below sea level) or x, y, z (km or m by their
    ``units``: east, north, down), in any order; variables ``vp`` and ``vs`` in km/s or m/s by their ``units``. A global attribute
    ``projection`` holds the PROJ string of x and y. Nodes without a value (air, water) take that of the nearest node that has one.

    NonLinLoc: ``NAME.P.mod.hdr`` with its ``.buf``, and ``NAME.S.mod.hdr`` beside it. The types VELOCITY, VELOCITY_METERS, SLOWNESS,
    SLOW_LEN, VEL2, SLOW2 and SLOW2_METERS are known, and all projections but SDC.

    Args:
        path: the file.
        vp_vs: makes S speeds where the file has none.

    Returns:
        A `VelocityTable` of kind "linear" where the model does not vary along the horizontal, else a `VelocityGrid`.

    Raises:
        InputError: for a file, a name, a unit or a speed that cannot be meant.
    """
    path = Path(path)
    if vp_vs is not None and not 1.2 < vp_vs < 5.0:
        raise InputError(f"{vp_vs:g} is no Vp/Vs of rock", field="vp_vs", fix="give a ratio such as 1.73")
    nonlinloc = path.suffix.lower() in (".hdr", ".buf")
    grid = _read_nonlinloc(path, vp_vs) if nonlinloc else _read_netcdf(path, vp_vs)
    _check(grid, path)
    return _flattened(grid)


def write_velocity_netcdf(path: str | Path, grid: VelocityGrid) -> None:
    """Write a gridded model as netCDF-4 that `read_velocity_grid` reads back."""
    import xarray as xr

    geographic = grid.projection.kind == "geographic"
    names = ("longitude", "latitude", "depth") if geographic else ("x", "y", "z")
    units = ("degrees_east", "degrees_north", "km") if geographic else ("km", "km", "km")
    coordinates: dict[str, Any] = {
        name: (name, np.asarray(values, np.float64), {"units": unit})
        for name, values, unit in zip(names, (grid.x, grid.y, grid.z_km), units, strict=True)
    }
    coordinates[names[2]][2]["positive"] = "down"
    data = {
        name: (names, np.asarray(values, np.float64), {"units": "km/s", "long_name": what})
        for name, values, what in (
            ("vp", grid.vp_km_s, "speed of P"),
            ("vs", grid.vs_km_s, "speed of S"),
        )
    }
    attributes: dict[str, Any] = {"Conventions": "CF-1.10", "title": grid.source or "velocity model"}
    if grid.projection.kind == "proj":
        attributes |= {"projection": grid.projection.text, "rotation_deg": grid.projection.rotation_deg}
    elif grid.projection.kind == "simple":
        raise ValueError("NonLinLoc's projection SIMPLE has no PROJ string; put the model on another one")
    with atomic_path(path) as temporary:
        xr.Dataset(data, coordinates, attributes).to_netcdf(temporary, engine="h5netcdf")


def _read_netcdf(path: Path, vp_vs: float | None) -> VelocityGrid:
    data = load_netcdf(path, fix="write it with xarray", decode_times=False)
    axes = {axis: _find(data.coords, names, path, axis) for axis, names in _AXES.items()}
    coordinates = {}
    for axis, name in axes.items():
        values, unit = np.atleast_1d(np.asarray(data[name].values, np.float64)), _unit(data[name])
        if data[name].ndim > 1:
            raise InputError(
                "is no one-dimensional coordinate",
                file=path,
                field=name,
                fix="put the model on a regular grid",
            )
        if unit in _M:
            values = values / 1000.0
        elif unit and unit not in (*_KM, *_DEGREES):
            raise InputError(f"unknown unit {unit!r}", file=path, field=name, fix="use km, m or degrees")
        if not np.all(np.isfinite(values)):
            raise InputError("holds values that are not finite", file=path, field=name, fix="correct it")
        coordinates[axis] = values
    if str(data[axes["z"]].attrs.get("positive", "down")).lower() == "up":
        coordinates["z"] = -coordinates["z"]
    geographic = axes["x"] in ("longitude", "lon") or _unit(data[axes["x"]]) in _DEGREES
    order = [axes[a] for a in "xyz"]
    speeds: dict[str, np.ndarray] = {}
    for name, choices in _SPEEDS.items():
        found = next((v for v in data.data_vars if str(v).lower() in choices), None)
        if found is None:
            continue
        variable = data[found]
        extra = [str(d) for d in variable.dims if d not in order]
        if extra or len(variable.dims) != 3:
            raise InputError(
                f"has the dimensions {', '.join(map(str, variable.dims))}",
                file=path,
                field=str(found),
                fix=f"give it {', '.join(order)}",
            )
        values = np.asarray(variable.transpose(*order).values, np.float64)
        unit = _unit(variable)
        if unit in _M_S:
            values = values / 1000.0
        elif unit and unit not in _KM_S:
            raise InputError(f"unknown unit {unit!r}", file=path, field=str(found), fix="use km/s or m/s")
        speeds[name] = values
    if "vp" not in speeds:
        raise InputError(
            f"holds no P speed (it holds {', '.join(map(str, data.data_vars)) or 'nothing'})",
            file=path,
            field="vp",
            fix="name the variable vp",
        )
    for axis, place in zip("xyz", range(3), strict=True):
        if len(coordinates[axis]) > 1 and coordinates[axis][0] > coordinates[axis][-1]:
            coordinates[axis] = coordinates[axis][::-1]
            speeds = {k: np.flip(v, place) for k, v in speeds.items()}
        if not np.all(np.diff(coordinates[axis]) > 0):
            raise InputError("does not increase", file=path, field=axes[axis], fix="sort it")
    air = _air(_holes(speeds["vp"]))
    speeds = {k: _filled(v, path, k) for k, v in speeds.items()}
    return VelocityGrid(
        coordinates["x"],
        coordinates["y"],
        coordinates["z"],
        speeds["vp"],
        _shear(speeds, vp_vs, path),
        _projection(data.attrs, geographic, path),
        source=path.name,
        air=air,
    )


def _projection(attributes, geographic: bool, path: Path) -> MapProjection:
    if geographic:
        return MapProjection("geographic")
    text = str(attributes.get("projection", "")).strip()
    if not text:
        return MapProjection("none")
    if "units" not in text:
        text += " +units=km"
    try:
        return MapProjection("proj", text, rotation_deg=float(attributes.get("rotation_deg", 0.0)))
    except ValueError as error:
        raise InputError(str(error), file=path, field="projection", fix="give a PROJ string") from error


def _find(coordinates, names: tuple[str, ...], path: Path, axis: str) -> str:
    for wanted in names:
        for name in coordinates:
            if str(name).lower() == wanted:
                return str(name)
    raise InputError(
        f"has no {axis} axis (coordinates: {', '.join(map(str, coordinates)) or 'none'})",
        file=path,
        field=names[0],
        fix=f"name it one of {', '.join(names)}",
    )


def _unit(variable) -> str:
    return str(variable.attrs.get("units", "")).strip().lower()


def _holes(values: np.ndarray) -> np.ndarray:
    """Nodes without a value."""
    return ~np.isfinite(values) | (np.abs(values) > 1e5)  # usual fill values are huge


def _air(holes: np.ndarray) -> np.ndarray | None:
    """Of the holes those above the uppermost value of a column; other ones are places where a model knows nothing."""
    air = np.logical_and.accumulate(holes, axis=2) & ~holes.all(axis=2, keepdims=True)
    return air if air.any() else None


def _filled(values: np.ndarray, path: Path, name: str) -> np.ndarray:
    """Without holes: each takes the value of the nearest node."""
    holes = _holes(values)
    if not holes.any():
        return values
    if holes.all():
        raise InputError("holds no value", file=path, field=name, fix="correct the model")
    nearest = np.asarray(distance_transform_edt(holes, return_distances=False, return_indices=True))
    return values[tuple(nearest)]


def _shear(speeds: dict[str, np.ndarray], vp_vs: float | None, path: Path) -> np.ndarray:
    if "vs" in speeds:
        return speeds["vs"]
    if vp_vs is None:
        raise InputError(
            "holds no S speed", file=path, field="vs", fix="add it, or give Vp/Vs: --vp-vs 1.73 is usual"
        )
    return speeds["vp"] / vp_vs


def _check(grid: VelocityGrid, path: Path) -> None:
    deep = float(np.max(np.abs(grid.z_km)))
    if deep > MAX_DEPTH_KM:
        raise InputError(
            f"{deep:g} km is deeper than any model here",
            file=path,
            field="depth",
            fix="were metres given? set `units` to m",
        )
    if grid.projection.kind == "geographic" and (np.any(np.abs(grid.y) > 90) or np.any(np.abs(grid.x) > 360)):
        raise InputError(
            "latitudes or longitudes are out of range",
            file=path,
            field="latitude",
            fix="were they exchanged?",
        )
    for name, values in (("vp", grid.vp_km_s), ("vs", grid.vs_km_s)):
        least, most = float(values.min()), float(values.max())
        if least < MIN_SPEED_KM_S:
            raise InputError(
                f"{least:g} km/s is too slow",
                file=path,
                field=name,
                fix="mark air and water as NaN, or correct the units",
            )
        if most > MAX_SPEED_KM_S:
            raise InputError(
                f"no rock has {most:g} km/s", file=path, field=name, fix="were m/s given? set `units` to m/s"
            )
    wrong = np.argwhere(grid.vs_km_s >= grid.vp_km_s)
    if len(wrong):
        i, j, k = wrong[0]
        raise InputError(
            f"S ({grid.vs_km_s[i, j, k]:g} km/s) is not slower than P ({grid.vp_km_s[i, j, k]:g} km/s) at x = {grid.x[i]:g}, "
            f"y = {grid.y[j]:g}, z = {grid.z_km[k]:g}",
            file=path,
            field="vs",
            fix="were the variables exchanged?",
        )


def _flattened(grid: VelocityGrid) -> VelocityGrid | VelocityTable:
    """A table where the model varies with depth alone, without the nodes that straight lines replace."""
    speeds = (np.asarray(grid.vp_km_s), np.asarray(grid.vs_km_s))
    if grid.air is not None or any(np.any(np.ptp(v, axis=(0, 1)) > _FLATTEST * v[0, 0]) for v in speeds):
        return grid
    z = np.asarray(grid.z_km)
    columns = [v[0, 0] for v in speeds]
    kept = [0] if len(z) else []
    for row in range(1, len(z) - 1):
        before, after = kept[-1], row + 1
        part = (z[row] - z[before]) / (z[after] - z[before])
        straight = [
            abs(c[before] + part * (c[after] - c[before]) - c[row]) < _FLATTEST * c[row] for c in columns
        ]
        if not all(straight):
            kept.append(row)
    kept += [len(z) - 1] if len(z) > 1 else []
    return VelocityTable(z[kept], columns[0][kept], columns[1][kept], kind="linear", source=grid.source)


def nonlinloc_files(path: str | Path) -> list[Path]:
    """All files of a NonLinLoc model that are there: headers and buffers of P and S."""
    header = Path(path).with_suffix(".hdr")
    headers = dict.fromkeys([header, header.with_name(header.name.replace(".P.", ".S."))])
    return [f for h in headers for f in (h, h.with_suffix(".buf")) if f.is_file()]


def _read_nonlinloc(path: Path, vp_vs: float | None) -> VelocityGrid:
    header = path.with_suffix(".hdr")
    p_axes, vp, projection, air = _nonlinloc_grid(header)
    shear = header.with_name(header.name.replace(".P.", ".S."))
    if ".P." in header.name and shear.is_file():
        s_axes, vs, _, _ = _nonlinloc_grid(shear)
        if any(len(a) != len(b) or not np.allclose(a, b) for a, b in zip(p_axes, s_axes, strict=True)):
            raise InputError(
                "has other nodes than the P grid", file=shear, field="nx ny nz", fix="make both alike"
            )
    else:
        expected = f" (no {shear.name} beside it)" if ".P." in header.name else " (its name has no .P.)"
        if vp_vs is None:
            raise InputError(
                f"has no S grid{expected}",
                file=header,
                field="S",
                fix="add NAME.S.mod.hdr, or give Vp/Vs: --vp-vs 1.73",
            )
        vs = vp / vp_vs
    x, y, z = p_axes
    return VelocityGrid(x, y, z, vp, vs, projection, source=header.name, air=air)


def _nonlinloc_grid(header: Path):
    """Axes, speeds in km/s, projection, and which nodes are air."""
    lines = [line.split() for line in read_text(header).splitlines() if line.strip()]
    words = lines[0] if lines else []
    try:
        shape = tuple(int(w) for w in words[:3])
        origin, step = (np.array([float(w) for w in words[i : i + 3]]) for i in (3, 6))
        kind, number = words[9], words[10] if len(words) > 10 else "FLOAT"
    except (ValueError, IndexError) as error:
        raise InputError(
            f"its first line is not that of a NonLinLoc grid ({error})",
            file=header,
            line=1,
            fix="nx ny nz xorig yorig zorig dx dy dz TYPE FLOAT",
        ) from error
    if min(shape) < 1 or not (np.all(np.isfinite(origin)) and np.all(step > 0)):
        raise InputError(
            f"has {shape} nodes {step} km apart",
            file=header,
            line=1,
            field="nx ny nz",
            fix="correct the header",
        )
    projection = next((_nonlinloc_projection(w, header) for w in lines[1:] if w[0].startswith("TRANS")), None)
    buffer = header.with_suffix(".buf")
    dtype = np.dtype("<f8" if number.upper() == "DOUBLE" else "<f4")
    content = read_bytes(buffer)
    wanted = int(np.prod(shape)) * dtype.itemsize
    if len(content) != wanted:
        raise InputError(
            f"has {len(content)} bytes, its header asks for {wanted}",
            file=buffer,
            field="nx ny nz",
            fix="copy it again",
        )
    raw = np.frombuffer(content, dtype).astype(np.float64).reshape(shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        speed = {
            "VELOCITY": lambda v: v,
            "VELOCITY_METERS": lambda v: v / 1000,
            "SLOWNESS": lambda v: 1 / v,
            "SLOW_LEN": lambda v: step[0] / v,
            "VEL2": np.sqrt,
            "SLOW2": lambda v: 1 / np.sqrt(v),
            "SLOW2_METERS": lambda v: 1 / (1000 * np.sqrt(v)),
        }.get(kind)
        if speed is None:
            raise InputError(
                f"holds {kind}, no speeds",
                file=header,
                line=1,
                field="TYPE",
                fix="name the grid that Vel2Grid wrote",
            )
        values = speed(raw)
    axes = [o + s * np.arange(n) for o, s, n in zip(origin, step, shape, strict=True)]
    air = _air(_holes(values))
    return axes, _filled(values, buffer, kind), projection or MapProjection("none"), air


def _nonlinloc_projection(words: list[str], header: Path) -> MapProjection:
    named = dict(zip(words[2::2], words[3::2], strict=False))
    kind = words[1] if len(words) > 1 else ""
    try:
        if kind == "NONE":
            return MapProjection("none")
        if kind == "GLOBAL":
            return MapProjection("geographic")
        latitude, longitude = float(named["LatOrig"]), float(named["LongOrig"])
        rotation = float(named.get("RotCW", 0.0))
        if kind == "SIMPLE":
            return MapProjection(
                "simple", latitude_deg=latitude, longitude_deg=longitude, rotation_deg=rotation
            )
        ellipsoid = _ELLIPSOIDS[named["RefEllipsoid"]]
        place = f"+lat_0={latitude!r} +lon_0={longitude!r} +ellps={ellipsoid} +units=km"
        text = {
            "LAMBERT": lambda: (
                f"+proj=lcc +lat_1={named['FirstStdParal']} +lat_2={named['SecondStdParal']} {place}"
            ),
            "TRANS_MERC": lambda: f"+proj=tmerc {place}",
            "AZIMUTHAL_EQUIDIST": lambda: f"+proj=aeqd {place}",
        }[kind]()
        return MapProjection("proj", text, rotation_deg=rotation)
    except (KeyError, ValueError) as error:
        raise InputError(
            f"its projection {' '.join(words[1:])!r} is not known ({error})",
            file=header,
            field="TRANSFORM",
            fix="use SIMPLE, LAMBERT, TRANS_MERC, AZIMUTHAL_EQUIDIST or GLOBAL",
        ) from error
