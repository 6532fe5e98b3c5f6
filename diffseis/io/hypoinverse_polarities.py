"""First motions of HypoInverse-2000 archive files (``.arc``, Y2000 columns), which FPFIT reads, too.

References:
    Klein (2002), User's guide to HYPOINVERSE-2000, doi:10.3133/ofr02171.
"""

import math
from pathlib import Path
from typing import Any

from diffseis.core.errors import InputError
from diffseis.core.radiation_table import RadiationTable
from diffseis.core.tables import EventTable
from diffseis.io.fixed_columns import FixedLine, fixed_lines
from diffseis.io.hypo71 import p_remark
from diffseis.io.hypoinverse import IS_SUMMARY, hypoinverse_origin
from diffseis.io.notices import Notice
from diffseis.io.origins import new_name, origin_table
from diffseis.io.rays import Ray, check_ray, collect_rays, station_name

_FIRST = 14
"""Column of the P remark: onset, P, first motion, weight code."""


def read_hypoinverse_polarities(path: str | Path) -> tuple[RadiationTable, EventTable, list[Notice]]:
    """Read the P picks that have a first motion, with azimuth and emergence angle (0 = down, 180 = up) at the source.

    Sizes are those of `diffseis.io.hypo71.p_remark`.
    """
    origins: list[dict[str, Any]] = []
    names: set[str] = set()
    rays: list[Ray] = []
    refused: list[InputError] = []
    unsigned = 0
    current: dict[str, Any] | None = None
    for line in fixed_lines(path):
        try:
            if not line.text.strip() or line.text.startswith("$"):
                continue
            if IS_SUMMARY.match(line.text):
                current = None
                origin = hypoinverse_origin(line.text.ljust(164), path, line.line, len(origins) + 1)
                current = origin | {"event_id": new_name(origin["event_id"], names)}
                names.add(current["event_id"])
                origins.append(current)
            elif not line.word(1, 5):
                current = None
            elif line.word(_FIRST, 2) and not line.word(_FIRST + 2, 1):
                unsigned += 1
            elif line.word(_FIRST, 2):
                rays.append(check_ray(_ray(line, current), path, line.line))
        except InputError as error:
            refused.append(error)
    table, notices = collect_rays(rays, refused, path, unsigned=unsigned)
    return table, origin_table(origins), notices


def _ray(line: FixedLine, origin: dict[str, Any] | None) -> Ray:
    if origin is None:
        raise line.error("stands under no event that could be read", "event", "check the summary line above")
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
