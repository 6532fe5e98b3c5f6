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
from diffseis.io.hypo71 import hypo71_origin, p_remark
from diffseis.io.notices import Notice
from diffseis.io.origins import new_name, origin_table
from diffseis.io.rays import Ray, check_ray, collect_rays

_SHIFT = 1
"""Lines of a listing begin with a column for the printer."""


def read_fpfit(path: str | Path) -> tuple[RadiationTable, EventTable, list[Notice]]:
    """Read a listing.

    FPFIT weights first motions by error rates of its control file; here their sizes are those of `diffseis.io.hypo71.p_remark`.
    """
    origins: list[dict[str, Any]] = []
    names: set[str] = set()
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
                current = origin | {"event_id": new_name(origin["event_id"], names)}
                names.add(current["event_id"])
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
    return Ray(
        origin["event_id"],
        line.word(2, 4),
        azimuth,
        takeoff,
        polarity=p_remark(line, 21),
        time=origin["time"],
    )
