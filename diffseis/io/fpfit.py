"""Listings of HYPO71, which FPFIT reads: hypocentres, and of each station azimuth, angle of incidence and first motion.

Per event a line that begins with DATE, the hypocentre, a line that begins with STN, and a line per station until a blank one. The
angle of incidence is that of the ray at the source, from straight down. Signs are U, C and D, or + and - for doubtful ones.

References:
    Reasenberg & Oppenheimer (1985), FPFIT, FPPLOT and FPPAGE, doi:10.3133/ofr85739; Lee & Lahr (1975), HYPO71, doi:10.3133/ofr75311.
"""

import math
from pathlib import Path
from typing import Any

from diffseis.core.radiation_table import RadiationTable
from diffseis.core.tables import EventTable
from diffseis.io.fixed_columns import FixedLine, fixed_lines, whole_year
from diffseis.io.hypo71 import hypo71_origin, p_remark
from diffseis.io.notices import Notice
from diffseis.io.ray_bulletin import RayBulletin
from diffseis.io.rays import Ray

_SHIFT = 1
"""Lines of a listing begin with a column for the printer."""


def read_fpfit(path: str | Path) -> tuple[RadiationTable, EventTable, list[Notice]]:
    """Read a listing.

    FPFIT weights first motions by error rates of its control file; here their sizes are those of `diffseis.io.hypo71.p_remark`.
    """
    bulletin, expected = RayBulletin(path), ""
    for line in fixed_lines(path):
        word = (line.text[1:].split() or [""])[0]
        with bulletin.refusing():
            if word in ("DATE", "STN"):
                expected = word
                if word == "DATE":
                    bulletin.close()
            elif expected == "DATE" and word:
                expected = ""
                bulletin.begin(hypo71_origin(line, _SHIFT, whole_year(line.number(2, 2, "year"))))
            elif expected != "STN":
                continue
            elif not line.word(2, 4):
                expected = ""
            elif not line.word(23, 1):
                bulletin.unsigned += 1
            else:
                bulletin.add(_ray(line, bulletin.event(line.line, "event line")), line.line)
    return bulletin.tables()


def _ray(line: FixedLine, origin: dict[str, Any]) -> Ray:
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
