"""Media, sources and stations of ``diffseis wave`` out of its settings."""

from dataclasses import dataclass, replace

import jax.numpy as jnp
import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.frames import LocalFrame
from diffseis.core.grids import RegularGrid
from diffseis.core.units import MOMENT_UNIT_NM, scalar_moment_nm
from diffseis.io import (
    Mechanism,
    check_station_id,
    is_on_section,
    read_mechanisms,
    read_section_stations_csv,
    read_stations_csv,
    read_stationxml,
)
from diffseis.io.times import parse_time
from diffseis.source import double_couple
from diffseis.workflows.wave_config import EventEntry, WaveConfig

SOLIDS = ("elastic", "viscoelastic")
NEAR_KM = 1.0
"""Distance from a section up to which nothing is said."""


LONGEST = 100
"""Letters of a folder's name."""


@dataclass(frozen=True)
class Event:
    """A source in the medium's axes.

    Attributes:
        event_id: its name.
        time: origin time, UTC.
        position_km: its place.
        moment: tensor in 1e18 N m on the axes of the medium.
        problem: why it cannot be computed; empty if it can.
    """

    event_id: str
    time: np.datetime64
    position_km: np.ndarray
    moment: np.ndarray
    problem: str = ""

    @property
    def folder(self) -> str:
        """A name for a folder of its own."""
        safe = "".join(c if c.isalnum() or c in "._-" else "_" for c in self.event_id)[:LONGEST]
        # No name of a folder begins with a dot: two of them would be the folder above.
        return "_" * (len(safe) - len(safe.lstrip("."))) + safe.lstrip(".") or "event"

    @property
    def is_isotropic(self) -> bool:
        """Whether the tensor pushes alike in all directions."""
        diagonal = np.trace(self.moment) / self.moment.shape[0] * np.eye(self.moment.shape[0])
        return bool(np.max(np.abs(self.moment - diagonal)) <= 1e-6 * np.max(np.abs(self.moment)))

    @property
    def explosion(self) -> float:
        """The isotropic moment of the same norm, in 1e18 N m: what fluids have instead."""
        return float(np.sqrt(np.sum(self.moment**2) / self.moment.shape[0]))


def read_wave_stations(config: WaveConfig, grid: RegularGrid, notices: list[str]) -> dict[str, np.ndarray]:
    """Places of stations in the medium by id; those outside it are left out with a notice, those above it are put on its top."""
    if config.stations_file is not None and is_on_section(config.stations_file):
        if grid.num_dims != 2:
            raise InputError(
                "gives places along a section, and the medium has three dimensions", file=config.stations_file, field="x_km",
                fix="give latitude, longitude and elevation_m, or [[station]] tables with position_km (north, east, down)",
            )  # fmt: skip
        found = read_section_stations_csv(config.stations_file)
    elif config.stations_file is not None:
        reader = (
            read_stationxml
            if config.stations_file.suffix.lower() in (".xml", ".stationxml")
            else read_stations_csv
        )
        table, said = reader(config.stations_file)
        notices += [str(n) for n in said]
        places = _local(config, grid, table.latitude, table.longitude, table.depth_km)
        _tell_offsets(
            config, grid, table.latitude, table.longitude, [f"station {i}" for i in table.ids], notices
        )
        found = dict(zip(map(str, table.ids), places, strict=True))
    else:
        found = {s.id: _place(s.position_km, grid, f"station {s.id}") for s in config.station}
    top = float(grid.origin_km[-1])
    lifted = {n: np.append(p[:-1], max(p[-1], top)) for n, p in found.items()}
    raised = [n for n, p in found.items() if p[-1] < top and grid.contains(lifted[n])]
    if raised:
        notices.append(f"above the medium, and put on its top: stations {', '.join(raised)}")
    outside = [n for n, p in lifted.items() if not grid.contains(p)]
    if outside:
        notices.append(f"outside the medium, and left out: stations {', '.join(outside)}")
    found = {n: p for n, p in lifted.items() if n not in outside}
    if not found:
        raise InputError(
            "no station lies within the medium" if outside else "holds no stations",
            file=config.stations_file,
            field="stations_file, station",
            fix="check the frame and the medium's extent" if outside else "add some",
        )
    if config.equation in SOLIDS:
        for name in found:
            try:
                check_station_id(name)
            except InputError as error:
                raise InputError(
                    error.why, file=config.stations_file, field=error.field, fix=error.fix
                ) from error
    return found


def read_wave_events(config: WaveConfig, grid: RegularGrid, notices: list[str]) -> list[Event]:
    """Sources; those that cannot be computed say why."""
    if config.events_file is not None:
        mechanisms, said = read_mechanisms(config.events_file)
        notices += [str(n) for n in said]
    else:
        mechanisms = [_entry(e) for e in config.event]
    places = [None if e.position_km is None else e.position_km for e in config.event] or [None] * len(
        mechanisms
    )
    for m, place in zip(mechanisms, places, strict=True):
        if place is None and not m.problem:
            _tell_offsets(config, grid, m.latitude, m.longitude, [f"event {m.event_id}"], notices)
    found = [_event(config, grid, m, p) for m, p in zip(mechanisms, places, strict=True)]
    found = _named_apart(found, notices)
    notices += [f"event {e.event_id} will not be computed: {e.problem}" for e in found if e.problem]
    if config.equation not in SOLIDS:
        sheared = [e.event_id for e in found if not e.problem and not e.is_isotropic]
        if sheared:
            notices.append(
                f"{config.equation} media have no shear, so that these are computed as explosions of the same norm: events {', '.join(sheared)}"
            )
    return found


def _named_apart(events: list[Event], notices: list[str]) -> list[Event]:
    """With names, and folders, of which no two are the same."""
    found, names, folders = [], set(), {"run.json"}
    for event in events:
        name, number = event.event_id, 1
        while name in names or replace(event, event_id=name).folder.lower() in folders:
            number += 1
            name = f"{event.event_id} ({number})"
        if name in names or number > 1:
            notices.append(f"two events are called {event.event_id}, or alike: the later one is {name}")
        names.add(name)
        found.append(replace(event, event_id=name))
        folders.add(found[-1].folder.lower())
    return found


def _tell_offsets(
    config: WaveConfig, grid: RegularGrid, latitude, longitude, names: list[str], notices
) -> None:
    """Of what lies off a section: it is computed at its foot, as if it lay there."""
    if grid.num_dims == 3 or config.frame is None:
        return
    ned = np.atleast_2d(_ned(config, latitude, longitude, 0.0 * np.asarray(latitude)))
    azimuth = np.radians(config.frame.azimuth_deg)
    off = np.abs(-np.sin(azimuth) * ned[:, 0] + np.cos(azimuth) * ned[:, 1])
    far = [f"{name} {o:.1f} km" for name, o in zip(names, off, strict=True) if o > NEAR_KM]
    if far:
        notices.append(
            f"off the section, and computed as if on it: {', '.join(far)}; their distances and arrivals are those along the section"
        )


def _entry(e: EventEntry) -> Mechanism:
    try:
        time = parse_time(e.time)
    except ValueError as error:
        raise InputError(
            str(error), field=f"event {e.id}, time", fix="write it as 2016-10-30T06:40:17Z"
        ) from error
    nan = lambda x: np.nan if x is None else x
    tensor = None if e.moment_nm is None else np.asarray(e.moment_nm, float)
    return Mechanism(
        e.id,
        time,
        nan(e.latitude),
        nan(e.longitude),
        nan(e.depth_km),
        tensor,
        e.strike_dip_rake_deg,
        e.magnitude,
    )


def _event(config: WaveConfig, grid: RegularGrid, m: Mechanism, place) -> Event:
    num = grid.num_dims
    nothing = np.full(num, np.nan)
    if m.problem:
        return Event(m.event_id, m.time, nothing, np.zeros((num, num)), m.problem)
    moment = _moment(config, m, num)
    at = (
        _local(config, grid, m.latitude, m.longitude, m.depth_km)
        if place is None
        else _place(place, grid, f"event {m.event_id}")
    )
    problem = (
        "" if moment is not None else "it has neither a moment tensor, nor strike, dip, rake and a magnitude"
    )
    if not np.all(np.isfinite(at)) or not grid.contains(at):
        ends = np.asarray(grid.origin_km) + np.asarray(grid.spacing_km) * (np.asarray(grid.shape) - 1)
        corner = lambda x: "(" + ", ".join(f"{float(v):g}" for v in np.atleast_1d(x)) + ")"
        problem = f"it lies at {corner(np.round(at, 3))} km, outside the medium, {corner(grid.origin_km)} to {corner(ends)} km"
    return Event(m.event_id, m.time, at, np.zeros((num, num)) if moment is None else moment, problem)


def _moment(config: WaveConfig, m: Mechanism, num: int) -> np.ndarray | None:
    """In 1e18 N m on the axes of the medium."""
    if m.moment_nm is not None:
        tensor = _tensor(np.asarray(m.moment_nm, float), num, m.event_id)
    elif m.strike_dip_rake_deg is not None and m.magnitude is not None:
        angles = (jnp.asarray(np.radians(a)) for a in m.strike_dip_rake_deg)
        tensor = np.asarray(double_couple(*angles)) * scalar_moment_nm(m.magnitude)
    elif config.equation not in SOLIDS:
        return np.eye(num)
    else:
        return None
    if tensor.shape[0] > num:
        azimuth = np.radians(config.frame.azimuth_deg if config.frame else 0.0)
        axes = np.array([[np.cos(azimuth), np.sin(azimuth), 0.0], [0.0, 0.0, 1.0]])
        tensor = axes @ tensor @ axes.T
    return tensor / MOMENT_UNIT_NM


def _tensor(values: np.ndarray, num: int, name: str) -> np.ndarray:
    if values.shape == (3, 3):
        return values
    if values.shape == (6,):
        return values[np.array([[0, 3, 4], [3, 1, 5], [4, 5, 2]])]
    if values.shape == (3,) and num == 2:
        return values[np.array([[0, 2], [2, 1]])]
    raise InputError(
        f"has {values.size} numbers",
        field=f"event {name}, moment_nm",
        fix="give nn, ee, dd, ne, nd, ed; or xx, zz, xz",
    )


def _ned(config: WaveConfig, latitude, longitude, depth_km) -> np.ndarray:
    if config.frame is None:
        raise InputError(
            "is missing", field="frame", fix="give the latitude and longitude of the axes' origin"
        )
    frame = LocalFrame(float(config.frame.latitude), float(config.frame.longitude))
    return np.asarray(frame.to_ned(latitude, longitude, depth_km))


def _local(config: WaveConfig, grid: RegularGrid, latitude, longitude, depth_km) -> np.ndarray:
    ned = _ned(config, latitude, longitude, depth_km)
    if grid.num_dims == 3 or config.frame is None:
        return ned
    azimuth = np.radians(config.frame.azimuth_deg)
    return np.stack([np.cos(azimuth) * ned[..., 0] + np.sin(azimuth) * ned[..., 1], ned[..., 2]], -1)


def _place(position, grid: RegularGrid, what: str) -> np.ndarray:
    if len(position) != grid.num_dims:
        raise InputError(
            f"{what} has {len(position)} coordinates, the medium {grid.num_dims}",
            field="position_km",
            fix="give one for each axis",
        )
    return np.asarray(position, float)
