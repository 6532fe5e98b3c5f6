"""Sources with mechanisms out of QuakeML: an origin, and a moment tensor or a nodal plane with a magnitude."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from diffseis.core.frames import use_to_ned
from diffseis.io.notices import Notice
from diffseis.io.obspy_guard import read_catalog_file

_COMPONENTS = ("m_rr", "m_rt", "m_rp", "m_rt", "m_tt", "m_tp", "m_rp", "m_tp", "m_pp")


@dataclass(frozen=True)
class Mechanism:
    """A source as a bulletin states it.

    Attributes:
        event_id: of the bulletin.
        time: origin time, UTC.
        latitude, longitude, depth_km: of the origin.
        moment_nm: tensor in north, east, down, N m; or None.
        strike_dip_rake_deg: of a nodal plane; or None.
        magnitude: or None.
        problem: why it cannot be used; empty if it can.
    """

    event_id: str
    time: np.datetime64
    latitude: float
    longitude: float
    depth_km: float
    moment_nm: np.ndarray | None = None
    strike_dip_rake_deg: tuple[float, float, float] | None = None
    magnitude: float | None = None
    problem: str = ""


def read_mechanisms(path: str | Path) -> tuple[list[Mechanism], list[Notice]]:
    """All events of a QuakeML file; those that lack something say what in `problem`."""
    catalog, notices = read_catalog_file(path, "QUAKEML")
    return [_mechanism(event) for event in catalog], notices


def _mechanism(event: Any) -> Mechanism:
    name = str(event.resource_id).rsplit("/", 1)[-1].rsplit("=", 1)[-1]
    focal = event.preferred_focal_mechanism() or (event.focal_mechanisms or [None])[0]
    tensor = None if focal is None else focal.moment_tensor
    # The tensor's own origin is where it was found, a centroid; the event's is where rupture began.
    origin = (
        None
        if tensor is None or tensor.derived_origin_id is None
        else tensor.derived_origin_id.get_referred_object()
    )
    origin = origin or event.preferred_origin() or (event.origins or [None])[0]
    magnitude = event.preferred_magnitude() or (event.magnitudes or [None])[0]
    size = None if magnitude is None else float(magnitude.mag)
    nothing = Mechanism(name, np.datetime64("NaT", "ns"), np.nan, np.nan, np.nan)
    if origin is None or None in (origin.latitude, origin.longitude, origin.depth, origin.time):
        return _with(nothing, problem="it has no origin with time, place and depth")
    found = Mechanism(
        name,
        np.datetime64(origin.time.ns, "ns"),
        float(origin.latitude),
        float(origin.longitude),
        float(origin.depth) / 1000.0,
        magnitude=size,
    )
    parts = (
        None if tensor is None or tensor.tensor is None else [getattr(tensor.tensor, c) for c in _COMPONENTS]
    )
    if parts is not None and None not in parts:
        return _with(found, moment_nm=use_to_ned(_up_south_east(parts)))
    planes = None if focal is None else focal.nodal_planes
    plane = (
        None
        if planes is None
        else (planes.nodal_plane_2 if planes.preferred_plane == 2 else planes.nodal_plane_1)
    )
    if plane is None or None in (plane.strike, plane.dip, plane.rake):
        return _with(found, problem="it has neither a moment tensor nor a nodal plane")
    moment = None if tensor is None else tensor.scalar_moment
    if moment:
        size = 2 / 3 * (np.log10(float(moment)) - 9.1)
    if size is None:
        return _with(found, problem="it has a nodal plane but no magnitude")
    angles = (float(plane.strike), float(plane.dip), float(plane.rake))
    return _with(found, strike_dip_rake_deg=angles, magnitude=float(size))


def _up_south_east(parts) -> np.ndarray:
    """QuakeML's r, t, p are up, south, east."""
    return np.asarray(parts, np.float64).reshape(3, 3)


def _with(mechanism: Mechanism, **changes: Any) -> Mechanism:
    return replace(mechanism, **changes)
