"""Azimuths and take-off angles of SIMULPS, the three-dimensional relocation that HASH's fifth driver reads.

Per event a line that begins with DATE, the event, a line that begins with STN, and a line per station until a blank one.
Take-off angles are from straight down.

References:
    Evans, Eberhart-Phillips & Thurber (1994), doi:10.3133/ofr94431; manual of HASH v1.2.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from diffseis.core.errors import InputError
from diffseis.core.words import plural
from diffseis.io.fixed_columns import FixedLine, fixed_lines, whole_year
from diffseis.io.notices import Notice
from diffseis.io.origins import blank_origin, check_origin
from diffseis.io.rays import Ray, check_ray
from diffseis.io.reversals import code_of

_ROUNDED_DEG = 0.5
"""Uncertainties are whole degrees, so that 0 may be up to this; HASH takes this for it, too."""


@dataclass(frozen=True)
class SimulpsAngles:
    """What a file holds.

    Attributes:
        origins: of the events, by id.
        rays: with angles alone, by event and station.
        refused: why lines could not be used.
    """

    origins: dict[str, dict[str, Any]]
    rays: dict[tuple[str, str], Ray]
    refused: list[InputError]


def read_simulps(path: str | Path) -> SimulpsAngles:
    """Read all events; lines that cannot be used are left out and told. The first of several lines of a station holds."""
    origins: dict[str, dict[str, Any]] = {}
    rays: dict[tuple[str, str], Ray] = {}
    refused: list[InputError] = []
    event_id, expected = "", ""
    for line in fixed_lines(path):
        word = (line.text.split() or [""])[0]
        try:
            if word in ("DATE", "STN"):
                expected = word
                event_id = "" if word == "DATE" else event_id
            elif expected == "DATE" and word:
                expected = ""
                origin = _origin(line)
                check_origin(origin, path, line.line)
                event_id = origin["event_id"]
                origins.setdefault(event_id, origin)
            elif expected == "STN" and not line.word(2, 4):
                expected = ""
            elif expected == "STN":
                ray = check_ray(_ray(line, event_id), path, line.line)
                rays.setdefault((event_id, ray.station), ray)
        except InputError as error:
            refused.append(error)
    if not rays:
        raise (
            refused[0]
            if refused
            else InputError("holds no angle", file=path, field="format", fix="name another file")
        )
    return SimulpsAngles(origins, rays, refused)


def _origin(line: FixedLine) -> dict[str, Any]:
    latitude, longitude = (
        line.degrees((20, 2), (23, 5, 2), "latitude"),
        line.degrees((29, 3), (33, 5, 2), "longitude"),
    )
    name = line.word(56, 8)
    if not name:
        raise line.error("names no event", "event id")
    return blank_origin(
        name,
        time=line.time(
            whole_year(line.number(2, 2, "year")), (4, 6, 9, 11), line.number(14, 5, "seconds", 2)
        ),
        latitude=-latitude if line.word(22, 1).upper() == "S" else latitude,
        longitude=longitude if line.word(32, 1).upper() == "E" else -longitude,
        depth_km=line.number(39, 6, "depth", 2),
        magnitude=line.number(48, 4, "magnitude", 2),
        rms_s=line.number(64, 5, "rms", 2),
    )


def _ray(line: FixedLine, event_id: str) -> Ray:
    azimuth, takeoff = line.number(12, 4, "azimuth"), line.number(16, 4, "take-off angle")
    if not event_id or math.isnan(azimuth) or math.isnan(takeoff):
        raise line.error("has no angles, or no event above it", "take-off angle")
    return Ray(
        event_id,
        line.word(2, 4),
        azimuth,
        takeoff,
        azimuth_sigma_deg=line.number(66, 4, "uncertainty of the azimuth") or _ROUNDED_DEG,
        takeoff_sigma_deg=line.number(70, 4, "uncertainty of the take-off angle") or _ROUNDED_DEG,
    )


def give_angles(rays: list[Ray], angles: SimulpsAngles, path: str | Path) -> tuple[list[Ray], list[Notice]]:
    """The rays that have angles, with them; stations are found by their name, or by its first three letters where these say it."""
    short: dict[tuple[str, str], list[Ray]] = {}
    for (event_id, station), ray in angles.rays.items():
        short.setdefault((event_id, station[:3]), []).append(ray)
    found, missing, guessed = [], 0, 0
    for ray in rays:
        station = code_of(ray, "station")
        of_event = angles.rays.get((ray.event_id, station))
        if of_event is None:
            alike = short.get((ray.event_id, station[:3]), [])
            of_event = alike[0] if len(alike) == 1 and 3 in (len(station), len(alike[0].station)) else None
            guessed += of_event is not None
        if of_event is None:
            missing += 1
            continue
        names = ("azimuth_deg", "takeoff_deg", "azimuth_sigma_deg", "takeoff_sigma_deg")
        found.append(replace(ray, **{name: getattr(of_event, name) for name in names}))
    if rays and not found:
        why = f"has no angles of the {plural(len(rays), 'first motion')}"
        raise InputError(
            why,
            file=path,
            field="STN",
            fix="check that events and stations have the same names in both files",
        )
    notices = []
    if missing:
        message = f"{plural(missing, 'row')} without angles in {Path(path).name} left out"
        notices.append(Notice("no-angles", message, count=missing, file=str(path)))
    if guessed:
        message = f"{plural(guessed, 'row')} got the angles of the station with the same three letters"
        notices.append(Notice("short-name", message, count=guessed, file=str(path)))
    return found, notices
