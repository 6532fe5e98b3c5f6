"""First motions and rays of NonLinLoc's location files (``.hyp``), of one event or of many.

References:
    Lomax et al. (2000), doi:10.1007/978-94-015-9536-0_5; http://alomax.free.fr/nlloc (location files).
"""

import math
import re
from pathlib import Path
from typing import Any

import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.radiation_table import RadiationTable
from diffseis.core.tables import EventTable
from diffseis.core.words import plural
from diffseis.io.guards import read_text
from diffseis.io.notices import Notice
from diffseis.io.origins import blank_origin, check_origin, new_name
from diffseis.io.phases import normalise_phase
from diffseis.io.ray_bulletin import RayBulletin
from diffseis.io.rays import EMERGENT_SIZE, Ray, motion_sign, station_name

_QUOTED = re.compile(r'"([^"]*)"')
_GEOGRAPHIC = re.compile(
    r"GEOGRAPHIC\s+OT\s+(\d{4})\s+(\d\d?)\s+(\d\d?)\s+(\d\d?)\s+(\d\d?)\s+(-?[\d.]+)"
    r"\s+Lat\s+(-?[\d.]+)\s+Long\s+(-?[\d.]+)\s+Depth\s+(-?[\d.]+)",
    re.ASCII,
)
_NETWORK = re.compile(r"[A-Z0-9]{2}", re.ASCII)
_MOST_SECONDS = 3600.0
_UNKNOWN = ("?", ".", "N", "Z")
_NOWHERE = {"latitude": math.nan, "longitude": math.nan}


def read_nonlinloc_hyp(path: str | Path) -> tuple[RadiationTable, EventTable, list[Notice]]:
    """Read the P picks that have a first motion.

    NonLinLoc's RDip is from straight down (0 = down, 180 = up), as here. Azimuth and take-off angle are the ray's, RAz and RDip,
    where the quality of these, RQual, is above 0; at 0 NonLinLoc calls them unreliable, and both are NaN. The azimuth of the
    station, which is always there, is in ``extra["station_azimuth_deg"]``, the quality in ``extra["ray_quality"]``. C and U
    are 1, D is -1, in capitals or not; + and -, and emergent onsets (E), have half of it. Onsets that are not told count as impulsive.

    Returns:
        The rays; the hypocentres of highest posterior density, one per event, without latitude and longitude where NonLinLoc had
        coordinates of its own (``TRANSFORM NONE``); and what was left out.
    """
    bulletin, in_phases, name = RayBulletin(path), False, ""
    for number, text in enumerate(read_text(path, encoding="latin-1").splitlines(), start=1):
        word = (text.split() or [""])[0]
        with bulletin.refusing():
            if word == "NLLOC":
                name, in_phases = _name(text), False
                bulletin.close()
            elif word == "PUBLIC_ID":
                name = re.split(r"[/=#\s]", text.strip())[-1] or name
            elif word == "GEOGRAPHIC":
                bulletin.begin(_origin(text, new_name(name, bulletin.names), path, number))
            elif text.split()[:2] == ["TRANSFORM", "NONE"] and bulletin.current is not None:
                bulletin.current.update(_NOWHERE)
            elif word == "PHASE":
                in_phases = True
            elif word in ("END_PHASE", "END_NLLOC"):
                in_phases = False
            elif in_phases and word:
                row = text.split()
                if len(row) > 5 and normalise_phase(row[4]) == "P" and row[5] in _UNKNOWN:
                    bulletin.unsigned += 1
                elif len(row) <= 5 or normalise_phase(row[4]) == "P":
                    origin = bulletin.event(number, "line GEOGRAPHIC")
                    bulletin.add(_ray(text, origin, path, number), number)
    table, events, notices = bulletin.tables()
    lost = int(np.isnan(events.latitude).sum())
    if lost:
        message = f"{plural(lost, 'event')} located in coordinates that are not geographic: without latitude and longitude"
        notices.append(Notice("no-place", message, count=lost, file=str(path)))
    return table, events, notices


def _name(text: str) -> str:
    """The end of the path that the first quotes hold, without what NonLinLoc hangs on to it."""
    quoted = _QUOTED.search(text)
    name = "" if quoted is None else re.split(r"[/\\]", quoted.group(1).strip())[-1]
    return re.sub(r"\.grid\d+(\.loc)?$", "", name)


def _origin(text: str, name: str, path: str | Path, line: int) -> dict[str, Any]:
    found = _GEOGRAPHIC.match(text.strip())
    fix = "GEOGRAPHIC  OT 2006 07 15  17 21 20.19  Lat 51.65 Long 7.73 Depth 1.43"
    if found is None:
        raise InputError("has no time and place", file=path, line=line, field="GEOGRAPHIC", fix=fix)
    year, month, day, hour, minute = (int(found.group(k)) for k in range(1, 6))
    try:
        seconds, latitude, longitude, depth_km = (float(found.group(k)) for k in range(6, 10))
        start = np.datetime64(f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:00", "ns")
        if not abs(seconds) < _MOST_SECONDS:
            raise ValueError(f"{seconds:g} s")
    except ValueError as error:
        raise InputError(
            "its time or place is none", file=path, line=line, field="GEOGRAPHIC", fix=fix
        ) from error
    time = start + np.timedelta64(round(seconds * 1e9), "ns")
    origin = blank_origin(name, time=time, latitude=latitude, longitude=longitude, depth_km=depth_km)
    if abs(latitude) > 90.0 or abs(longitude) > 360.0:
        origin |= _NOWHERE  # Without a transformation, NonLinLoc has its own y and x in km here.
    check_origin(origin, path, line)
    return origin


def _ray(text: str, origin: dict[str, Any], path: str | Path, line: int) -> Ray:
    """The columns after ``>`` are the same in all versions; before it some lack the prior weight."""
    error = lambda why, field, fix: InputError(why, file=path, line=line, field=field, fix=fix)
    head, _, tail = text.partition(">")
    before, after = head.split(), tail.split()
    if len(before) < 9 or len(after) < 11:
        raise error("has too few words for a located phase", "PHASE", "is the line cut off?")
    try:
        azimuth, ray_azimuth, takeoff, quality = (float(word) for word in after[7:11])
    except ValueError as wrong:
        raise error("its angles are no numbers", "RAz, RDip, RQual", "check the columns") from wrong
    if not all(math.isfinite(value) for value in (azimuth, ray_azimuth, takeoff, quality)):
        raise error("its angles are not finite", "RAz, RDip, RQual", "check the columns")
    sign = motion_sign(before[5])
    if math.isnan(sign):
        raise error(f"{before[5]!r} is no first motion", "FM", "use C, U, D, + or -")
    doubt = EMERGENT_SIZE if before[5] in "+-" or before[3].upper() == "E" else 1.0
    known = quality > 0
    network = before[1] if _NETWORK.fullmatch(before[1]) else ""
    return Ray(
        origin["event_id"],
        station_name(network, before[0]),
        azimuth_deg=ray_azimuth if known else math.nan,
        takeoff_deg=takeoff if known else math.nan,
        polarity=sign * doubt,
        network=network,
        channel="" if before[2] == "?" else before[2],
        time=origin["time"],
        extra={"station_azimuth_deg": azimuth, "ray_quality": quality},
    )
