"""Phase files of HASH: an event line, a line per first motion, and (but in format 4) a line that begins blank.

1: like FPFIT's, with the angles and their uncertainties. 2, 3, 5: of the SCEC, by name of station. 4: of the SCEDC today.
HASH counts take-off angles from straight up, but only inside: format 1 has them from straight down, as they are here.

References:
    Hardebeck & Shearer (2002), doi:10.1785/0120010200; manual of HASH v1.2.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from diffseis.io.fixed_columns import FixedLine, fixed_lines, whole_year
from diffseis.io.origins import blank_origin, check_origin, new_name
from diffseis.io.ray_bulletin import RayBulletin
from diffseis.io.rays import EMERGENT_SIZE, Ray, motion_sign, onset_size, station_name

_QUALITY_SIZES = {0.0: 1.0, 1.0: EMERGENT_SIZE}
"""HASH uses no first motion of a worse quality than 1."""

_NO_MOTION = ("", ".", "?", "N")


@dataclass(frozen=True)
class _Format:
    """Where an event line is told by, how it is read, whether a line has a P pick, and how that is read."""

    is_event: re.Pattern[str]
    origin: Callable[[FixedLine, set[str]], dict[str, Any]]
    is_pick: Callable[[FixedLine], bool]
    motion: Callable[[FixedLine], str]
    ray: Callable[[FixedLine], dict[str, Any]]


def read_hash_phases(path: str | Path, kind: int) -> RayBulletin:
    """Read a phase file of HASH's format 1 to 5; events and lines that cannot be used are left out and told."""
    layout, bulletin = _FORMATS[kind], RayBulletin(path)
    for line in fixed_lines(path):
        with bulletin.refusing():
            if layout.is_event.match(line.text):
                bulletin.close()
                origin = layout.origin(line, bulletin.names)
                check_origin(origin, path, line.line)
                bulletin.begin(origin)
            elif not line.word(1, 4):
                bulletin.close()
            elif not layout.is_pick(line):
                continue
            elif layout.motion(line) in _NO_MOTION:
                bulletin.unsigned += 1
            else:
                bulletin.add(_ray(layout, line, bulletin.event(line.line, "event line")), line.line)
    return bulletin


def _ray(layout: _Format, line: FixedLine, origin: Mapping[str, Any]) -> Ray:
    motion = layout.motion(line)
    sign = motion_sign(motion)
    if math.isnan(sign):
        raise line.error(f"{motion!r} is no first motion", "polarity", "use U, D, + or -")
    facts = layout.ray(line)
    facts["polarity"] *= sign
    return Ray(event_id=origin["event_id"], time=origin["time"], **facts)


def _with_angles(line: FixedLine) -> dict[str, Any]:
    quality = line.number(8, 1, "quality")
    size = _QUALITY_SIZES.get(0.0 if math.isnan(quality) else quality)
    if size is None:
        raise line.error(f"the quality {quality:g} is too poor", "quality", "0 and 1 are used")
    sigma = lambda first, field: line.number(first, 3, field) or math.nan
    return {
        "station": line.word(1, 4),
        "channel": line.word(96, 3),
        "azimuth_deg": line.number(76, 3, "azimuth"),
        "takeoff_deg": line.number(63, 3, "take-off angle"),
        "takeoff_sigma_deg": sigma(80, "uncertainty of the take-off angle"),
        "azimuth_sigma_deg": sigma(84, "uncertainty of the azimuth"),
        "polarity": size,
    }


def _by_name(code_size: int) -> Callable[[FixedLine], dict[str, Any]]:
    def ray(line: FixedLine) -> dict[str, Any]:
        network, station = line.word(6, 2), line.word(1, code_size)
        return {
            "station": station_name(network, station),
            "network": network,
            "channel": line.word(10, 3),
            "polarity": onset_size(line.word(14, 1)),
        }

    return ray


def _origin_1(line: FixedLine, names: set[str]) -> dict[str, Any]:
    time = line.time(whole_year(line.number(1, 2, "year")), (3, 5, 7, 9), line.number(11, 4, "seconds", 2))
    errors = line.number(81, 4, "horizontal error", 2), line.number(85, 4, "vertical error", 2)
    place = line.degrees((15, 2), (18, 4, 2), "latitude"), line.degrees((22, 3), (26, 4, 2), "longitude")
    depth_km, magnitude = line.number(30, 5, "depth", 2), line.number(35, 2, "magnitude", 1)
    return _origin(line, names, line.word(123, 16), time, place, (17, 25), depth_km, magnitude, errors)


def _origin_2(line: FixedLine, names: set[str]) -> dict[str, Any]:
    time = line.time(line.number(1, 4, "year"), (5, 7, 9, 11), line.number(13, 5, "seconds", 2))
    errors = line.number(89, 5, "horizontal error", 2), line.number(95, 5, "vertical error", 2)
    place = line.degrees((18, 2), (21, 5, 2), "latitude"), line.degrees((26, 3), (30, 5, 2), "longitude")
    depth_km, magnitude = line.number(35, 5, "depth", 2), line.number(140, 4, "magnitude", 2)
    return _origin(line, names, line.word(150, 16), time, place, (20, 29), depth_km, magnitude, errors)


def _origin_4(line: FixedLine, names: set[str]) -> dict[str, Any]:
    time = line.time(line.number(1, 4, "year"), (5, 7, 9, 11), line.number(13, 4, "seconds", 2))
    place = line.degrees((17, 2), (20, 4, 2), "latitude"), line.degrees((24, 3), (28, 4, 2), "longitude")
    depth_km, magnitude = line.number(32, 5, "depth", 2), line.number(148, 3, "magnitude", 2)
    unknown = (math.nan, math.nan)
    return _origin(line, names, line.word(131, 16), time, place, (19, 27), depth_km, magnitude, unknown)


def _origin(
    line: FixedLine,
    names: set[str],
    name: str,
    time: np.datetime64,
    place: tuple[float, float],
    letters: tuple[int, int],
    depth_km: float,
    magnitude: float,
    errors_km: tuple[float, float],
) -> dict[str, Any]:
    """South and east are told by letters in two columns; an error of nothing is not known."""
    latitude, longitude = place
    horizontal_km, vertical_km = (error or math.nan for error in errors_km)
    return blank_origin(
        new_name(name, names),
        time=time,
        latitude=-latitude if line.word(letters[0], 1) == "S" else latitude,
        longitude=longitude if line.word(letters[1], 1) == "E" else -longitude,
        depth_km=depth_km,
        magnitude=magnitude,
        latitude_error_km=horizontal_km,
        longitude_error_km=horizontal_km,
        vertical_error_km=vertical_km,
    )


_OF_NAME = _Format(
    is_event=re.compile(r"\d{4}[ \d]{8}[ \d.]{5}[ \d]{2}[ NSns]", re.ASCII),
    origin=_origin_2,
    is_pick=lambda line: True,
    motion=lambda line: line.word(16, 1),
    ray=_by_name(4),
)
_FORMATS: Mapping[int, _Format] = {
    1: _Format(
        is_event=re.compile(r"\d\d[ \d]{12}", re.ASCII),
        origin=_origin_1,
        is_pick=lambda line: True,
        motion=lambda line: line.word(7, 1),
        ray=_with_angles,
    ),
    2: _OF_NAME,
    3: _OF_NAME,
    4: _Format(
        is_event=re.compile(r"\d{4}[ \d]{10}", re.ASCII),
        origin=_origin_4,
        is_pick=lambda line: line.word(15, 1).upper() == "P",
        motion=lambda line: line.word(16, 1),
        ray=_by_name(5),
    ),
    5: _OF_NAME,
}
