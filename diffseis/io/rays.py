"""Rays on their way from a file into a `RadiationTable`, whatever the format they come from."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.radiation_table import MEASUREMENTS, RadiationTable
from diffseis.core.words import plural
from diffseis.io.notices import Notice

_NOT_A_TIME = np.datetime64("NaT", "ns")
_NAMES_SHOWN = 5

UP_WORDS = frozenset({"U", "C", "+", "UP", "POSITIVE"})
DOWN_WORDS = frozenset({"D", "-", "DOWN", "NEGATIVE"})
"""Words for first motions of P, in capitals."""

EMERGENT_SIZE = 0.5
"""Size of a polarity whose onset was called emergent; an impulsive one has 1."""


@dataclass(frozen=True)
class Ray:
    """One row of a `RadiationTable`, with the same names and units; what was not observed is NaN."""

    event_id: str
    station: str
    azimuth_deg: float = math.nan
    takeoff_deg: float = math.nan
    azimuth_sigma_deg: float = math.nan
    takeoff_sigma_deg: float = math.nan
    polarity: float = math.nan
    polarity_probability: float = math.nan
    sv_polarity: float = math.nan
    sh_polarity: float = math.nan
    log10_sp: float = math.nan
    log10_svp: float = math.nan
    log10_shp: float = math.nan
    log10_svsh: float = math.nan
    p_amplitude: float = math.nan
    s_takeoff_deg: float = math.nan
    network: str = ""
    channel: str = ""
    time: np.datetime64 = _NOT_A_TIME
    extra: Mapping[str, Any] = field(default_factory=dict)


def ray_table(rays: Sequence[Ray]) -> RadiationTable:
    """One row per ray, in order. Of what only some rays have in `extra`, the others have NaN or nothing."""
    columns: dict[str, Any] = {
        f.name: [getattr(ray, f.name) for ray in rays] for f in fields(Ray) if f.name != "extra"
    }
    names = dict.fromkeys(name for ray in rays for name in ray.extra)
    extra = {}
    for name in names:
        numeric = all(isinstance(ray.extra.get(name, 0.0), float | int) for ray in rays)
        blank = math.nan if numeric else ""
        values = [ray.extra.get(name, blank) for ray in rays]
        extra[name] = np.array(values, np.float64 if numeric else object)
    return RadiationTable.of(**columns, extra=extra)


def collect_rays(
    rays: Sequence[Ray], refused: Sequence[InputError], path: str | Path, *, unsigned: int = 0
) -> tuple[RadiationTable, list[Notice]]:
    """The table, and what its user should know: rows left out, stations twice in an event, rays without measurement.

    Args:
        rays: the rows.
        refused: why others could not be used.
        path: the file.
        unsigned: how many picks have no first motion.

    Raises:
        InputError: if no ray is left: the first reason, if there was one.
    """
    if not rays:
        if refused:
            raise refused[0]
        if unsigned:
            why = f"has {plural(unsigned, 'pick')}, but none with a first motion"
            raise InputError(why, file=path, field="polarity", fix="read first motions, or name another file")
        raise InputError(
            "holds no observation", file=path, field="format", fix="check that it is of the named format"
        )
    table = ray_table(rays)
    notices = [*left_out(refused, path), *table_notices(table, path)]
    if unsigned:
        message = f"{plural(unsigned, 'pick')} without first motion left out"
        notices.append(Notice("no-polarity", message, count=unsigned, file=str(path)))
    return table, notices


def left_out(refused: Sequence[InputError], path: str | Path) -> list[Notice]:
    """The notice of rows that could not be used."""
    if not refused:
        return []
    first = refused[0]
    place = f"line {first.line}, " if first.line is not None else ""
    message = f"{plural(len(refused), 'row')} left out; the first: {place}`{first.field}`: {first.why}"
    return [Notice("left-out", message, count=len(refused), file=str(path))]


def table_notices(table: RadiationTable, path: str | Path) -> list[Notice]:
    """Notices of rows without measurement, and of stations that an event has more than once with the same kind."""
    notices = []
    measured = np.stack([np.isfinite(getattr(table, name)) for name in MEASUREMENTS])
    empty = int(np.sum(~measured.any(axis=0)))
    if empty:
        message = f"{plural(empty, 'row')} without any measurement"
        notices.append(Notice("no-measurement", message, count=empty, file=str(path)))
    return notices + repeated_stations(table, path)


def repeated_stations(table: RadiationTable, path: str | Path) -> list[Notice]:
    """The notice of stations that an event has more than once with the same kind of measurement."""
    measured = np.stack([np.isfinite(getattr(table, name)) for name in MEASUREMENTS])
    # Of a composite event a station may have one row per event behind it.
    part = table.extra.get("event_id2", np.full(len(table), "", object))
    seen: set[tuple] = set()
    twice: list[str] = []
    for row in range(len(table)):
        ray = (table.event_id[row], part[row], table.station[row])
        keys = {(*ray, int(kind)) for kind in np.flatnonzero(measured[:, row])}
        if keys & seen:
            twice.append(str(table.station[row]))
        seen |= keys
    if not twice:
        return []
    message = f"{plural(len(twice), 'row')} of stations that the event has already, all kept ({shown(twice)})"
    return [Notice("repeated-station", message, count=len(twice), file=str(path))]


def check_ray(ray: Ray, path: str | Path, line: int | None) -> Ray:
    """The ray itself, if a ray can be so.

    Raises:
        InputError: for angles, standard deviations and sizes out of their ranges, one angle without the other, a nameless station
            or event.
    """
    for name, (low, high, fix) in RANGES.items():
        value = getattr(ray, name)
        if not (math.isnan(value) or low <= value <= high):
            raise InputError(
                f"{value:g} lies outside {low:g} to {high:g}", file=path, line=line, field=name, fix=fix
            )
    for name, other in (("takeoff_deg", "azimuth_deg"), ("azimuth_deg", "takeoff_deg")):
        if math.isnan(getattr(ray, name)) and not math.isnan(getattr(ray, other)):
            why = (
                "there is no take-off angle to the azimuth"
                if name == "takeoff_deg"
                else "there is no azimuth to the take-off angle"
            )
            fix = "give both, or neither: then they are computed; take-off angles are 0 = down, 180 = up"
            raise InputError(why, file=path, line=line, field=name, fix=fix)
    for name in ("event_id", "station"):
        if not getattr(ray, name):
            raise InputError("there is no value", file=path, line=line, field=name, fix="every row needs it")
    return ray


_TAKEOFF = "give degrees from straight down: 0 = down, 90 = horizontal, 180 = up"
_SIGMA = "give a standard deviation in degrees, or leave it empty where it is not known"
_SIGN = "give a sign times a size of at most 1 (U, C and + are 1; D and - are -1)"
RANGES = {
    "azimuth_deg": (-360.0, 360.0, "give degrees from north over east"),
    "takeoff_deg": (0.0, 180.0, _TAKEOFF),
    "s_takeoff_deg": (0.0, 180.0, _TAKEOFF),
    "azimuth_sigma_deg": (0.0, 90.0, _SIGMA),
    "takeoff_sigma_deg": (0.0, 90.0, _SIGMA),
    "polarity": (-1.0, 1.0, _SIGN),
    "sv_polarity": (-1.0, 1.0, _SIGN),
    "sh_polarity": (-1.0, 1.0, _SIGN),
    "polarity_probability": (0.0, 1.0, "give it from 0 to 1 (per cent? divide by 100)"),
} | dict.fromkeys(
    ("log10_sp", "log10_svp", "log10_shp", "log10_svsh"),
    (-10.0, 10.0, "give the logarithm (base 10) of the ratio"),
)
"""What the numbers of a ray may be, and what to do about others."""


def motion_sign(word: str) -> float:
    """1 for up, -1 for down, NaN for a word that is neither; case does not matter."""
    upper = word.strip().upper()
    return 1.0 if upper in UP_WORDS else -1.0 if upper in DOWN_WORDS else math.nan


def onset_size(word: str) -> float:
    """1 for an impulsive onset, `EMERGENT_SIZE` for any other."""
    return 1.0 if word.strip().upper() in ("I", "IMPULSIVE") else EMERGENT_SIZE


def station_name(network: str, station: str) -> str:
    """``network.station``, or the station alone where there is no network."""
    return f"{network}.{station}" if network and station else station


def shown(names: Iterable[str]) -> str:
    """Some of the names, each once."""
    unique = sorted(set(names))
    more = f" and {len(unique) - _NAMES_SHOWN} more" if len(unique) > _NAMES_SHOWN else ""
    return ", ".join(unique[:_NAMES_SHOWN]) + more
