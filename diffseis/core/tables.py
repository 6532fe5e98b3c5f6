"""Named tables: what seismologists bring and take away, outside JAX.

Frozen dataclasses of NumPy columns of equal length. Names, ids and UTC live here and never enter JAX; the bridge is
`diffseis.location.event_arrays`, which turns rows into integer indices and times into seconds after a reference.

Times are ``datetime64[ns]`` UTC: exact for ever in the range of instrumental seismology, where float32 seconds of the epoch
are 128 s apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from scipy.interpolate import RegularGridInterpolator

from diffseis.core.errors import InputError
from diffseis.core.projections import MapProjection

PHASES = ("P", "S")
"""Phases that can be used for location; a pick's `phase_idx` is its place here."""


def check_columns(table: Any, names: Sequence[str]) -> None:
    """Raises ValueError unless the columns are equally long."""
    sizes = {name: len(getattr(table, name)) for name in names}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"the columns of a {type(table).__name__} must be equally long, got {sizes}")


@dataclass(frozen=True)
class StationTable:
    """Seismic stations.

    Attributes:
        network, station: codes; together they are the station's id ("IV.ARRO").
        latitude, longitude: in degrees, WGS84.
        elevation_m: above sea level, of the sensor (a borehole sensor's is below the ground).
        extra: further columns of the file, kept as they came.
    """

    network: np.ndarray
    station: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray
    elevation_m: np.ndarray
    extra: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self):
        check_columns(self, ["network", "station", "latitude", "longitude", "elevation_m"])

    def __len__(self) -> int:
        return len(self.station)

    @property
    def ids(self) -> np.ndarray:
        """``network.station`` of each row."""
        return np.array([f"{n}.{s}" for n, s in zip(self.network, self.station, strict=True)], dtype=object)

    @property
    def depth_km(self) -> np.ndarray:
        """Depth below sea level: negative for a station above it."""
        return -np.asarray(self.elevation_m, np.float64) / 1000.0

    def row_of(self) -> dict[str, int]:
        """Row by id."""
        return {name: i for i, name in enumerate(self.ids)}

    def take(self, rows) -> "StationTable":
        return take_rows(self, rows)


@dataclass(frozen=True)
class PickTable:
    """Arrival-time picks, grouped into events by `event_id`.

    Attributes:
        event_id: the event each pick belongs to.
        network, station: codes.
        phase: "P" or "S" where it can be used; other labels are kept and counted.
        time: UTC, ``datetime64[ns]``.
        uncertainty_s: one standard deviation; > 0 and finite (readers see to that).
        probability: of the picker, or NaN.
        extra: further columns of the file, kept as they came.
    """

    event_id: np.ndarray
    network: np.ndarray
    station: np.ndarray
    phase: np.ndarray
    time: np.ndarray
    uncertainty_s: np.ndarray
    probability: np.ndarray
    extra: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self):
        check_columns(
            self, ["event_id", "network", "station", "phase", "time", "uncertainty_s", "probability"]
        )
        if len(self) and not np.issubdtype(np.asarray(self.time).dtype, np.datetime64):
            raise ValueError("`time` must be datetime64[ns]")

    def __len__(self) -> int:
        return len(self.event_id)

    @property
    def station_ids(self) -> np.ndarray:
        """``network.station`` of each row."""
        return np.array([f"{n}.{s}" for n, s in zip(self.network, self.station, strict=True)], dtype=object)

    def take(self, rows) -> "PickTable":
        return take_rows(self, rows)


@dataclass(frozen=True)
class EventTable:
    """A plain catalogue of hypocentres (a reference to compare with, or a start).

    Attributes:
        event_id: ids.
        time: origin time, UTC, ``datetime64[ns]``.
        latitude, longitude: degrees.
        depth_km: below sea level; NaN where it is not known.
        magnitude: or NaN.
    """

    event_id: np.ndarray
    time: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray
    depth_km: np.ndarray
    magnitude: np.ndarray
    extra: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self):
        check_columns(self, ["event_id", "time", "latitude", "longitude", "depth_km", "magnitude"])

    def __len__(self) -> int:
        return len(self.event_id)

    def take(self, rows) -> "EventTable":
        return take_rows(self, rows)


@dataclass(frozen=True)
class VelocityTable:
    """A one-dimensional velocity model as a file gives it.

    Attributes:
        depth_km: below sea level, increasing; a depth that appears twice is a jump (only of kind "linear").
        vp_km_s, vs_km_s: speeds.
        kind: "layers" (each row is the top of a layer of constant speed) or "linear" (speeds at nodes, linear between).
        source: where it comes from.
    """

    depth_km: np.ndarray
    vp_km_s: np.ndarray
    vs_km_s: np.ndarray
    kind: str = "layers"
    source: str = ""

    def __post_init__(self):
        check_columns(self, ["depth_km", "vp_km_s", "vs_km_s"])
        if self.kind not in ("layers", "linear"):
            raise InputError(
                f"unknown kind {self.kind!r}", field="velocity kind", fix="use `layers` or `linear`"
            )

    def __len__(self) -> int:
        return len(self.depth_km)


@dataclass(frozen=True)
class VelocityGrid:
    """A velocity model on a grid, two- or three-dimensional, as a file gives it.

    Attributes:
        x, y: coordinates of the nodes along the horizontal axes (longitude and latitude, or km), increasing, not necessarily evenly.
        z_km: depths of the nodes below sea level, increasing.
        vp_km_s, vs_km_s: speeds at the nodes, ``"x y z"``.
        projection: what x and y are.
        source: where it comes from.
        air: nodes above the uppermost one of their column for which the file has a value; None where there are none.
    """

    x: np.ndarray
    y: np.ndarray
    z_km: np.ndarray
    vp_km_s: np.ndarray
    vs_km_s: np.ndarray
    projection: MapProjection
    source: str = ""
    air: np.ndarray | None = None

    def __post_init__(self):
        shape = (len(self.x), len(self.y), len(self.z_km))
        for name in ("vp_km_s", "vs_km_s"):
            if np.shape(getattr(self, name)) != shape:
                raise ValueError(f"`{name}` has shape {np.shape(getattr(self, name))}, its axes {shape}")
        for name in ("x", "y", "z_km"):
            if not np.all(np.diff(getattr(self, name)) > 0):
                raise ValueError(f"`{name}` must increase")

    @property
    def shape(self) -> tuple[int, int, int]:
        return len(self.x), len(self.y), len(self.z_km)

    def at(self, x, y, z_km) -> tuple[np.ndarray, np.ndarray]:
        """P and S speed at points on the model's own axes: linear between nodes, the edge's value beyond them."""
        axes = [np.asarray(a, np.float64) for a in (self.x, self.y, self.z_km)]
        given = np.broadcast_arrays(*(np.asarray(v, np.float64) for v in (x, y, z_km)))
        points = np.stack([np.clip(v, a[0], a[-1]) for v, a in zip(given, axes, strict=True)], axis=-1)
        keep = [
            d for d, a in enumerate(axes) if len(a) > 1
        ]  # an axis of one node: the same everywhere along it
        found = []
        for values in (self.vp_km_s, self.vs_km_s):
            table = np.asarray(values, np.float64).reshape([len(axes[d]) for d in keep])
            if not keep:
                found.append(np.full(points.shape[:-1], float(table)))
                continue
            interpolate = RegularGridInterpolator([axes[d] for d in keep], table)
            found.append(interpolate(points[..., keep]))
        return found[0], found[1]

    def air_at(self, x, y, z_km) -> np.ndarray:
        """Which points are nearer to a node in the air than to any other; none beyond the model's sides."""
        given = np.broadcast_arrays(*(np.asarray(v, np.float64) for v in (x, y, z_km)))
        if self.air is None:
            return np.zeros(given[0].shape, bool)
        rows = []
        for values, axis in zip(given, (self.x, self.y, self.z_km), strict=True):
            middles = 0.5 * (np.asarray(axis, np.float64)[1:] + np.asarray(axis, np.float64)[:-1])
            rows.append(np.searchsorted(middles, values))
        return np.asarray(self.air)[tuple(rows)]


@dataclass(frozen=True)
class PointTable:
    """Named points, all in one of two systems.

    Attributes:
        point_id: names.
        coordinates: point by 3: latitude, longitude, depth in km where `geographic`, else x (east), y (north), z (down) in km of a
            local frame.
        geographic: which of the two.
    """

    point_id: np.ndarray
    coordinates: np.ndarray
    geographic: bool

    def __post_init__(self):
        if np.shape(self.coordinates) != (len(self.point_id), 3):
            raise InputError(
                f"{len(self.point_id)} points have coordinates of shape {np.shape(self.coordinates)}",
                field="coordinates",
                fix="give three per point",
            )

    def __len__(self) -> int:
        return len(self.point_id)


def take_rows(table, rows):
    """The same table with the chosen rows (indices or a mask) only."""
    changed = {}
    for f in fields(table):
        column = getattr(table, f.name)
        if isinstance(column, dict):
            changed[f.name] = {k: np.asarray(v)[rows] for k, v in column.items()}
        else:
            changed[f.name] = np.asarray(column)[rows]
    return replace(table, **changed)
