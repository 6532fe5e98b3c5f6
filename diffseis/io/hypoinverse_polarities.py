"""First motions of HypoInverse-2000 archive files (``.arc``, Y2000 columns), which FPFIT reads, too.

References:
    Klein (2002), User's guide to HYPOINVERSE-2000, doi:10.3133/ofr02171.
"""

import math
from pathlib import Path
from typing import Any

from diffseis.core.radiation_table import RadiationTable
from diffseis.core.tables import EventTable
from diffseis.io.fixed_columns import FixedLine, fixed_lines
from diffseis.io.hypo71 import p_remark
from diffseis.io.hypoinverse import IS_SUMMARY, hypoinverse_origin
from diffseis.io.notices import Notice
from diffseis.io.ray_bulletin import RayBulletin
from diffseis.io.rays import Ray, station_name

_FIRST = 14
"""Column of the P remark: onset, P, first motion, weight code."""


def read_hypoinverse_polarities(path: str | Path) -> tuple[RadiationTable, EventTable, list[Notice]]:
    """Read the P picks that have a first motion, with azimuth and emergence angle (0 = down, 180 = up) at the source.

    Sizes are those of `diffseis.io.hypo71.p_remark`.
    """
    bulletin = RayBulletin(path)
    for line in fixed_lines(path):
        with bulletin.refusing():
            if not line.text.strip() or line.text.startswith("$"):
                continue
            if IS_SUMMARY.match(line.text):
                bulletin.close()
                number = len(bulletin.origins) + 1
                bulletin.begin(hypoinverse_origin(line.text.ljust(164), path, line.line, number))
            elif not line.word(1, 5):
                bulletin.close()
            elif line.word(_FIRST, 2) and not line.word(_FIRST + 2, 1):
                bulletin.unsigned += 1
            elif line.word(_FIRST, 2):
                bulletin.add(_ray(line, bulletin.event(line.line, "summary line")), line.line)
    return bulletin.tables()


def _ray(line: FixedLine, origin: dict[str, Any]) -> Ray:
    network, location = line.word(6, 2), line.word(112, 2)
    angles = line.number(92, 3, "azimuth"), line.number(79, 3, "emergence angle")
    known = not any(math.isnan(angle) for angle in angles)
    return Ray(
        origin["event_id"],
        station_name(network, line.word(1, 5)),
        azimuth_deg=angles[0] if known else math.nan,
        takeoff_deg=angles[1] if known else math.nan,
        polarity=p_remark(line, _FIRST),
        network=network,
        channel=line.word(10, 3),
        time=origin["time"],
        extra={"location": "" if location == "--" else location},
    )
