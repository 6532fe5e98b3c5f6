"""Listings of HYPO71, which FPFIT reads: hypocentres, and of each station azimuth, angle of incidence and first motion.

Per event a line that begins with DATE, the hypocentre, a line that begins with STN, and a line per station until a blank one. The
angle of incidence is that of the ray at the source, from straight down. Signs are U, C and D, or + and - for doubtful ones.

References:
    Reasenberg & Oppenheimer (1985), FPFIT, FPPLOT and FPPAGE, doi:10.3133/ofr85739; Lee & Lahr (1975), HYPO71, doi:10.3133/ofr75311.
"""

import math
from pathlib import Path
from typing import Any

from diffseis.core.errors import InputError
from diffseis.core.radiation_table import RadiationTable
from diffseis.core.tables import EventTable
from diffseis.io.fixed_columns import FixedLine, fixed_lines, whole_year
from diffseis.io.hypo71 import hypo71_origin
from diffseis.io.notices import Notice
from diffseis.io.origins import new_name, origin_table
from diffseis.io.rays import EMERGENT_SIZE, Ray, check_ray, collect_rays, motion_sign

_SHIFT = 1
"""Lines of a listing begin with a column for the printer."""

_SIZES = {0.0: 1.0, 1.0: 0.75, 2.0: 0.5, 3.0: 0.25}
"""By the weight code of the pick; FPFIT uses no pick of another code."""


def read_fpfit(path: str | Path) -> tuple[RadiationTable, EventTable, list[Notice]]:
    """Read a listing.

    FPFIT weights first motions by error rates of its control file. Here the size of a polarity is 1, 0.75, 0.5 or 0.25 for the
    weight codes 0 to 3 of the pick, half of it for a doubtful sign; other codes are left out.
    """
    origins: list[dict[str, Any]] = []
    rays: list[Ray] = []
    refused: list[InputError] = []
    unsigned, expected = 0, ""
    current: dict[str, Any] | None = None
    for line in fixed_lines(path):
        word = (line.text[1:].split() or [""])[0]
        try:
            if word in ("DATE", "STN"):
                expected = word
                current = None if word == "DATE" else current
            elif expected == "DATE" and word:
                expected = ""
                origin = hypo71_origin(line, _SHIFT, whole_year(line.number(2, 2, "year")))
                name = new_name(origin["event_id"], [o["event_id"] for o in origins])
                current = origin | {"event_id": name}
                origins.append(current)
            elif expected != "STN":
                continue
            elif not line.word(2, 4):
                expected = ""
            elif not line.word(23, 1):
                unsigned += 1
            else:
                rays.append(check_ray(_ray(line, current), path, line.line))
        except InputError as error:
            refused.append(error)
    table, notices = collect_rays(rays, refused, path, unsigned=unsigned)
    return table, origin_table(origins), notices


def _ray(line: FixedLine, origin: dict[str, Any] | None) -> Ray:
    if origin is None:
        raise line.error("stands under no event that could be read", "event", "check the event line above")
    azimuth, takeoff = line.number(13, 3, "azimuth"), line.number(17, 3, "angle of incidence")
    if math.isnan(azimuth) or math.isnan(takeoff):
        raise line.error("has no azimuth or no angle of incidence", "angle of incidence")
    motion = line.word(23, 1)
    sign = motion_sign(motion)
    if math.isnan(sign):
        raise line.error(f"{motion!r} is no first motion", "polarity", "use U, C, D, + or -")
    code = line.number(24, 1, "weight code")
    size = _SIZES.get(0.0 if math.isnan(code) else code)
    if size is None:
        raise line.error(f"the weight code {code:g} gives it no weight", "weight code", "0 to 3 are used")
    doubt = EMERGENT_SIZE if motion in "+-" else 1.0
    return Ray(
        origin["event_id"],
        line.word(2, 4),
        azimuth,
        takeoff,
        polarity=sign * size * doubt,
        time=origin["time"],
    )
