"""CSV files of SKHASH: first motions with weights, ratios of S to P, stations and reversals.

References:
    Skoumal, Hardebeck & Shearer (2024), SKHASH: a Python package for computing earthquake focal mechanisms, doi:10.1785/0220230329.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.radiation_table import RadiationTable
from diffseis.core.tables import EventTable, StationTable
from diffseis.core.words import plural
from diffseis.io.amplitude_ratios import Amplitudes, unused_ratios
from diffseis.io.delimited import Delimited, is_missing, parse_number, read_delimited
from diffseis.io.instruments import check_instrument, instrument_table, place_rays
from diffseis.io.notices import Notice
from diffseis.io.origins import blank_origin, check_place, origin_table
from diffseis.io.rays import Ray, check_ray, collect_rays, left_out, shown, station_name
from diffseis.io.reversals import CODES, apply_reversals, plain_location, read_skhash_reversals

_ANGLES = ("takeoff", "azimuth", "takeoff_uncertainty", "azimuth_uncertainty")
_ORIGIN = ("origin_latitude", "origin_longitude", "origin_depth_km")
_NUMBERS = (*_ORIGIN, "sr_dist_km", "horz_uncert_km", "vert_uncert_km")
_AMPLITUDES = ("noise_p", "noise_s", "amp_p", "amp_s")


def read_skhash(
    path: str | Path,
    *,
    amplitudes: str | Path | None = None,
    stations: str | Path | None = None,
    reversals: str | Path | None = None,
    min_snr: float = 3.0,
) -> tuple[RadiationTable, EventTable, StationTable | None, list[Notice]]:
    """Read the files of one run of SKHASH.

    SKHASH's take-off angles are from straight up (0 = up); here they are from straight down, 180 minus that. The weights of its
    first motions, -1 to 1, are taken as polarities. The location code, the place of the origin in the row
    (``origin_latitude``, ``origin_longitude``, ``origin_depth_km``) and the event behind a composite one (``event_id2``) are in
    `extra`. A ratio of S to P is a row of its own.

    Args:
        path: polarities: ``event_id,station,p_polarity``, and as they are there ``network``, ``location``, ``channel``,
            ``takeoff``, ``azimuth`` and their ``..._uncertainty``, and the origin.
        amplitudes: the same with ``sp_ratio``, a plain ratio, or ``noise_p,noise_s,amp_p,amp_s``.
        stations: ``station,latitude,longitude,elevation`` and other codes; rows without angles whose station it lacks are left out.
        reversals: ``station,start_time,end_time`` and other codes; rows without a time of the event are reversed at any time.
        min_snr: amplitudes count from so many times the noise on.

    Returns:
        The rays; one origin per event, without a place where the rows of the event have several; the places of the rays' stations,
        or None without `stations`; and what was left out, reversed or odd.

    Raises:
        InputError: for columns that are missing, and what is no CSV.
    """
    table = read_delimited(path, ("event_id", "station", "p_polarity"), (*CODES, *_ANGLES, *_NUMBERS))
    rays, refused, weightless = _rays(table)
    notices: list[Notice] = []
    if reversals is not None:
        listed, more = read_skhash_reversals(reversals)
        rays, turned = apply_reversals(rays, listed, reversals)
        notices += more + turned
    if amplitudes is not None:
        ratios, more = _ratios(amplitudes, min_snr)
        rays, notices = rays + ratios, notices + more
    places = None
    if stations is not None:
        instruments, more = _instruments(stations)
        rays, places, unknown = place_rays(rays, instruments, by_band=False, path=stations)
        notices += more + unknown
    observed, more = collect_rays(rays, refused, path, unsigned=weightless)
    events, composite = _events(rays, path)
    return observed, events, places, more + notices + composite


def _rays(table: Delimited) -> tuple[list[Ray], list[InputError], int]:
    """The rays, why rows could not be used, and how many have the weight 0, which says nothing."""
    rays, refused, weightless = [], [], 0
    for row in range(len(table)):
        try:
            polarity = parse_number(table, row, "p_polarity", _cell(table, row, "p_polarity"))
            weightless += polarity == 0.0
            if polarity != 0.0:
                ray = replace(_ray(table, row), polarity=polarity)
                rays.append(check_ray(ray, table.path, table.lines[row]))
        except InputError as error:
            refused.append(error)
    return rays, refused, weightless


def _ray(table: Delimited, row: int) -> Ray:
    """Of a row of polarities or of ratios: all but what was measured."""
    number = {name: _number(table, row, name) for name in (*_ANGLES, *_NUMBERS)}
    network, station = _cell(table, row, "network"), _cell(table, row, "station")
    extra: dict[str, Any] = {name: number[name] for name in _NUMBERS if name in table.names}
    if "location" in table.names:
        extra["location"] = plain_location(_cell(table, row, "location"))
    if "event_id2" in table.names:
        extra["event_id2"] = _cell(table, row, "event_id2")
    return Ray(
        _cell(table, row, "event_id"),
        station_name(network, station),
        azimuth_deg=number["azimuth"],
        takeoff_deg=180.0 - number["takeoff"],
        azimuth_sigma_deg=number["azimuth_uncertainty"],
        takeoff_sigma_deg=number["takeoff_uncertainty"],
        network=network,
        channel=_cell(table, row, "channel"),
        extra=extra,
    )


def _ratios(path: str | Path, min_snr: float) -> tuple[list[Ray], list[Notice]]:
    table = read_delimited(
        path, ("event_id", "station"), (*CODES, *_ANGLES, *_NUMBERS, "sp_ratio", *_AMPLITUDES)
    )
    if "sp_ratio" not in table.names and not set(_AMPLITUDES) <= set(table.names):
        raise InputError(
            "has neither ratios nor amplitudes",
            file=path,
            line=1,
            field="sp_ratio",
            fix=f"give the column `sp_ratio`, or {','.join(_AMPLITUDES)}",
        )
    rays, refused, weak = [], [], 0
    for row in range(len(table)):
        try:
            ray = _ray(table, row)
            log10_sp = _log10_sp(table, row, ray, min_snr)
            weak += math.isnan(log10_sp)
            if not math.isnan(log10_sp):
                rays.append(check_ray(replace(ray, log10_sp=log10_sp), path, table.lines[row]))
        except InputError as error:
            refused.append(error)
    too_weak = unused_ratios("weak-amplitude", weak, f"below {min_snr:g} times the noise", path)
    return rays, [*left_out(refused, path), *too_weak]


def _log10_sp(table: Delimited, row: int, ray: Ray, min_snr: float) -> float:
    """Logarithm of the ratio; NaN for amplitudes that are too weak."""
    if "sp_ratio" in table.names:
        ratio = abs(parse_number(table, row, "sp_ratio", _cell(table, row, "sp_ratio")))
        if ratio == 0:
            raise table.error(row, "sp_ratio", "a ratio of nothing", "leave the row out")
        return math.log10(ratio)
    noise_p, noise_s, p, s = (
        abs(parse_number(table, row, name, _cell(table, row, name))) for name in _AMPLITUDES
    )
    measured = Amplitudes(ray.event_id, ray.network, ray.station, ray.channel, noise_p, noise_s, p, s)
    return measured.log10_sp(min_snr=min_snr)


def _instruments(path: str | Path) -> tuple[StationTable, list[Notice]]:
    table = read_delimited(path, ("station", "latitude", "longitude", "elevation"), CODES)
    nothing = np.datetime64("NaT", "ns")
    rows, refused = [], []
    for row in range(len(table)):
        try:
            latitude, longitude, elevation_m = (
                parse_number(table, row, name, _cell(table, row, name))
                for name in ("latitude", "longitude", "elevation")
            )
            check_instrument(latitude, longitude, elevation_m, path, table.lines[row])
        except InputError as error:
            refused.append(error)
            continue
        codes = {name: _cell(table, row, name) for name in ("network", "station", "channel")}
        where = {"latitude": latitude, "longitude": longitude, "elevation_m": elevation_m}
        rows.append(codes | where | {"start": nothing, "end": nothing})
    if not rows:
        raise (
            refused[0]
            if refused
            else InputError("holds no station", file=path, field="station", fix="name another")
        )
    return instrument_table(rows), left_out(refused, path)


def _events(rays: Sequence[Ray], path: str | Path) -> tuple[EventTable, list[Notice]]:
    """One origin per event; where its rows have several places, it has none."""
    places: dict[str, set[tuple[float, ...]]] = {}
    for ray in rays:
        place = tuple(float(ray.extra.get(name, math.nan)) for name in _ORIGIN)
        known = places.setdefault(ray.event_id, set())
        if not any(math.isnan(value) for value in place):
            known.add(place)
    origins = []
    for event_id, found in places.items():
        origin = blank_origin(event_id)
        if len(found) == 1:
            origin |= dict(zip(("latitude", "longitude", "depth_km"), next(iter(found)), strict=True))
            check_place(origin, event_id, path)
        origins.append(origin)
    several = [event_id for event_id, found in places.items() if len(found) > 1]
    if not several:
        return origin_table(origins), []
    message = f"{plural(len(several), 'event')} of several places (composite): {shown(several)}; the rows have theirs in `extra`"
    return origin_table(origins), [Notice("composite", message, count=len(several), file=str(path))]


def _cell(table: Delimited, row: int, name: str) -> str:
    return table.rows[row][table.names.index(name)] if name in table.names else ""


def _number(table: Delimited, row: int, name: str) -> float:
    cell = _cell(table, row, name)
    return math.nan if is_missing(cell) else parse_number(table, row, name, cell)
