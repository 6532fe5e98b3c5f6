"""Input files of FOCMEC: polarities of P, SV and SH, and ratios of amplitudes, of one earthquake.

A comment line, then per line: station (4 columns), azimuth and take-off angle in degrees (8 each), a letter, and for ratios their
logarithm (8), the sense of the numerator, the take-off angle of the denominator (6) and Vp/Vs at the source. Take-off angles are
from straight down.

Letters: C, U up and D down of P, + and - the same but emergent; F, B of SV away from the source and back to it, R, L of SH to the
right and to the left, seen by who stands with the back to the source (also > and <, and r, l for emergent ones); V, H, S
log10 of SV/P, SH/P, SV/SH.

References:
    Snoke (2003), FOCMEC: focal mechanism determinations, International handbook of earthquake and engineering seismology, 85.12.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diffseis.core.errors import InputError
from diffseis.core.radiation_table import RadiationTable
from diffseis.io.fixed_columns import FixedLine, fixed_lines
from diffseis.io.notices import Notice
from diffseis.io.rays import EMERGENT_SIZE, Ray, check_ray, collect_rays

# A ray that goes on up to the station carries its SV vector along: up and, at the station, towards the source. So FOCMEC's F,
# away from the source at the station, is minus the SV of `diffseis.source.ray_basis`, for rays that leave upwards as well as down.
_POLARITIES: Mapping[str, tuple[str, float]] = {
    "C": ("polarity", 1.0),
    "U": ("polarity", 1.0),
    "D": ("polarity", -1.0),
    "+": ("polarity", EMERGENT_SIZE),
    "-": ("polarity", -EMERGENT_SIZE),
    "F": ("sv_polarity", -1.0),
    "B": ("sv_polarity", 1.0),
    "R": ("sh_polarity", 1.0),
    ">": ("sh_polarity", 1.0),
    "L": ("sh_polarity", -1.0),
    "<": ("sh_polarity", -1.0),
    "r": ("sh_polarity", EMERGENT_SIZE),
    "l": ("sh_polarity", -EMERGENT_SIZE),
}
_RATIOS = {"V": "log10_svp", "H": "log10_shp", "S": "log10_svsh"}
_WITHOUT_SIGN = {"e", "u", "E", ""}
"""Arrivals without a sign, and marks of errors for the plot."""


def read_focmec(path: str | Path, *, event_id: str | None = None) -> tuple[RadiationTable, list[Notice]]:
    """Read a FOCMEC input file.

    FOCMEC's ratios are of displacements that have left the source: corrected for the free surface and attenuation by who
    wrote the file, and with the factor (Vp/Vs)³ in those over P. So they are taken as they are. Polarities of SV and SH have
    the signs of `diffseis.source.ray_basis`. The take-off angle of a ratio is that of P, `s_takeoff_deg` that of S; a row of S
    alone has the angle of S as both.

    Args:
        path: the file.
        event_id: of the earthquake; without it, the name of the file.

    Returns:
        The table, whose `extra` has ``vp_vs`` and ``numerator_sense`` of the ratios, and notices.
    """
    rays: list[Ray] = []
    refused: list[InputError] = []
    unsigned = 0
    name = Path(path).stem if event_id is None else event_id
    for line in fixed_lines(path):
        if line.line == 1 or not line.text.strip():
            continue
        if line.word(21, 1) in _WITHOUT_SIGN:
            unsigned += 1
            continue
        try:
            rays.append(check_ray(_ray(line, name), path, line.line))
        except InputError as error:
            refused.append(error)
    return collect_rays(rays, refused, path, unsigned=unsigned)


@dataclass(frozen=True)
class _Angles:
    azimuth_deg: float
    takeoff_deg: float


def _ray(line: FixedLine, event_id: str) -> Ray:
    letter = line.word(21, 1)
    angles = _Angles(line.number(5, 8, "azimuth"), line.number(13, 8, "take-off angle"))
    if math.isnan(angles.azimuth_deg) or math.isnan(angles.takeoff_deg):
        raise line.error("there is no azimuth or no take-off angle", "take-off angle")
    if letter in _RATIOS:
        return _ratio(line, event_id, angles, _RATIOS[letter])
    if letter not in _POLARITIES:
        raise line.error(
            f"{letter!r} is no letter of a polarity or ratio", "key", "use C, D, +, -, F, B, L, R, V, H, S"
        )
    column, sign = _POLARITIES[letter]
    values: dict[str, Any] = {column: sign}
    if column != "polarity":
        values["s_takeoff_deg"] = angles.takeoff_deg
    return Ray(event_id, line.word(1, 4), angles.azimuth_deg, angles.takeoff_deg, **values)


def _ratio(line: FixedLine, event_id: str, angles: _Angles, column: str) -> Ray:
    """The first angle is that of the numerator, S; the one of the denominator is P's, or missing: the same."""
    logarithm = line.number(22, 8, "log10 of the ratio")
    if math.isnan(logarithm):
        raise line.error("there is no ratio", "log10 of the ratio")
    of_denominator = line.number(33, 6, "take-off angle of the denominator")
    rest = line.text[38:].split()
    try:
        vp_vs = float(rest[0]) if rest else math.nan
    except ValueError:
        vp_vs = math.nan  # Files of before 2017 have the comment here.
    values: dict[str, Any] = {column: logarithm}
    return Ray(
        event_id,
        line.word(1, 4),
        angles.azimuth_deg,
        angles.takeoff_deg if math.isnan(of_denominator) else of_denominator,
        s_takeoff_deg=angles.takeoff_deg,
        extra={"vp_vs": vp_vs, "numerator_sense": line.word(31, 1)},
        **values,
    )
