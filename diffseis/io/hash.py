"""Input of HASH v1.2, formats 1 to 5: first motions with stations, reversals, amplitudes and angles of their own files.

References:
    Hardebeck & Shearer (2002), doi:10.1785/0120010200; (2003), doi:10.1785/0120020236 (S/P); manual of HASH v1.2.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from diffseis.core.errors import InputError
from diffseis.core.radiation_table import RadiationTable
from diffseis.core.tables import EventTable, StationTable
from diffseis.io.amplitude_ratios import Amplitudes, unused_ratios
from diffseis.io.hash_amplitudes import read_hash_amplitudes, read_hash_corrections
from diffseis.io.hash_phases import read_hash_phases
from diffseis.io.hash_stations import read_hash_stations
from diffseis.io.instruments import band_of, place_rays
from diffseis.io.notices import Notice
from diffseis.io.origins import origin_table
from diffseis.io.rays import Ray, check_ray, collect_rays, left_out, station_name
from diffseis.io.reversals import apply_reversals, read_hash_reversals
from diffseis.io.simulps import give_angles, read_simulps

KINDS = (1, 2, 3, 4, 5)
_WITH_ANGLES = 5


def read_hash(
    path: str | Path,
    kind: int,
    *,
    stations: str | Path | None = None,
    reversals: str | Path | None = None,
    amplitudes: str | Path | None = None,
    corrections: str | Path | None = None,
    angles: str | Path | None = None,
    min_snr: float = 3.0,
) -> tuple[RadiationTable, EventTable, StationTable | None, list[Notice]]:
    """Read the files of one run of HASH.

    An impulsive first motion has the size 1, an emergent one (in format 1: one of quality 1) 0.5. Take-off angles are 0 = down
    here and in the files that have them (formats 1 and 5), though HASH counts them from up inside; the other formats have none,
    so that they are NaN. Uncertainties of 0 in format 1 are taken for unknown ones. A ratio of S to P is a row of its own, as it is of an instrument of its own.

    Args:
        path: the phase file.
        kind: HASH's format of it, 1 to 5; see `diffseis.io.hash_phases`.
        stations: list of stations of 4 or of 5 letters; first motions of stations that it lacks are left out. Network and
            station have to agree and of the channel the first two letters, V and E being one, as in HASH.
        reversals: list of stations that were reversed for some time; their signs are exchanged.
        amplitudes: noise and amplitudes of P and S.
        corrections: what is taken off log10(S/P), by station; ratios of stations that it lacks are left out, as HASH does.
        angles: SIMULPS file of format 5; the hypocentres are of it, too.
        min_snr: ratios are used of amplitudes that are so many times the noise before them.

    Returns:
        The rays; the hypocentres; the places of the rays' stations, or None without `stations`; and what was left out, reversed or odd.

    Raises:
        InputError: for what is not of the format.
    """
    _check(path, kind, angles, amplitudes, corrections)
    phases = read_hash_phases(path, kind)
    rays, origins, notices = list(phases.rays), phases.origins, []
    if angles is not None:
        simulps = read_simulps(angles)
        rays, more = give_angles(rays, simulps, angles)
        origins = [simulps.origins.get(o["event_id"], o) for o in origins]
        notices += [*left_out(simulps.refused, angles), *more]
    if reversals is not None:
        reversed_stations, more = read_hash_reversals(reversals)
        rays, turned = apply_reversals(rays, reversed_stations, reversals)
        notices += more + turned
    if amplitudes is not None:
        ratios, more = _ratios(origins, amplitudes, corrections, min_snr)
        rays, notices = rays + ratios, notices + more
    places = None
    if stations is not None:
        instruments, more = read_hash_stations(stations)
        rays, places, unknown = place_rays(rays, instruments, by_band=True, path=stations)
        notices += more + unknown
    table, more = collect_rays(rays, phases.refused, path, unsigned=phases.unsigned)
    return table, origin_table(origins), places, more + notices


def _check(path: str | Path, kind: int, angles: Any, amplitudes: Any, corrections: Any) -> None:
    if kind not in KINDS:
        raise InputError(f"HASH has no format {kind}", file=path, field="kind", fix="use 1, 2, 3, 4 or 5")
    if (kind == _WITH_ANGLES) != (angles is not None):
        why = (
            "format 5 has its angles in a SIMULPS file"
            if angles is None
            else f"format {kind} has no file of angles"
        )
        raise InputError(why, file=path, field="angles", fix="name `angles` with format 5, and only there")
    if corrections is not None and amplitudes is None:
        raise InputError(
            "there are corrections of S/P but no amplitudes",
            file=corrections,
            field="amplitudes",
            fix="name both",
        )


def _ratios(
    origins: Sequence[dict[str, Any]], path: str | Path, corrections: str | Path | None, min_snr: float
) -> tuple[list[Ray], list[Notice]]:
    """One ray per usable ratio of the events that there are."""
    found, notices = read_hash_amplitudes(path)
    terms, more = read_hash_corrections(corrections) if corrections is not None else (None, [])
    times = {o["event_id"]: o["time"] for o in origins}
    rays, refused = [], []
    weak, uncorrected, elsewhere = 0, 0, 0
    for a in found:
        ratio = a.log10_sp(min_snr=min_snr)
        term = 0.0 if terms is None else terms.get((a.station, band_of(a.channel)))
        if a.event_id not in times:
            elsewhere += 1
        elif math.isnan(ratio):
            weak += 1
        elif term is None:
            uncorrected += 1
        else:
            try:
                rays.append(check_ray(_ratio_ray(a, ratio - term, times), path, None))
            except InputError as error:
                refused.append(error)
    return rays, [
        *notices,
        *more,
        *left_out(refused, path),
        *unused_ratios("weak-amplitude", weak, f"below {min_snr:g} times the noise", path),
        *unused_ratios("no-correction", uncorrected, "of instruments without a correction", path),
        *unused_ratios("other-event", elsewhere, "of events that the phase file lacks", path),
    ]


def _ratio_ray(a: Amplitudes, log10_sp: float, times: dict[str, Any]) -> Ray:
    return Ray(
        a.event_id,
        station_name(a.network, a.station),
        log10_sp=log10_sp,
        network=a.network,
        channel=a.channel,
        time=times[a.event_id],
    )
