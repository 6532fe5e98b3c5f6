"""Fault planes that FPFIT found: a HYPO71 summary card and the plane, of 80 columns or, with the century before it, of 82.

References:
    Reasenberg & Oppenheimer (1985), FPFIT, FPPLOT and FPPAGE, doi:10.3133/ofr85739; format NCSN.MECH of the NCEDC.
"""

import math
import re
from pathlib import Path

from diffseis.core.errors import InputError
from diffseis.io.fixed_columns import FixedLine, fixed_lines, whole_year
from diffseis.io.hypo71 import hypo71_origin
from diffseis.io.mechanisms import Mechanism
from diffseis.io.notices import Notice
from diffseis.io.rays import left_out

_WITH_CENTURY = re.compile(r"(18|19|20)\d{2}[ \d]{4} ", re.ASCII)
_SHIFT = 2


def read_fpfit_solutions(path: str | Path) -> tuple[list[Mechanism], list[Notice]]:
    """One mechanism per line, several of an event among them: strike is 90 degrees before FPFIT's direction of dip.

    Raises:
        InputError: if no line is a solution.
    """
    found, refused = [], []
    for line in fixed_lines(path):
        if not line.text.strip():
            continue
        try:
            found.append(_mechanism(line))
        except InputError as error:
            refused.append(error)
    if not found:
        raise (
            refused[0]
            if refused
            else InputError("holds no solution", file=path, field="format", fix="name another file")
        )
    return found, left_out(refused, path)


def _mechanism(line: FixedLine) -> Mechanism:
    shift = _SHIFT if _WITH_CENTURY.match(line.text) else 0
    year = line.number(1, 4, "year") if shift else whole_year(line.number(1, 2, "year"))
    origin = hypo71_origin(line, shift, year)
    towards = line.number(82 + shift, 3, "direction of dip")
    dip, rake = line.number(86 + shift, 2, "dip"), line.number(88 + shift, 4, "rake")
    if any(math.isnan(value) for value in (towards, dip, rake)):
        raise line.error("has no plane behind the hypocentre", "direction of dip")
    if not (0.0 <= towards <= 360.0 and 0.0 <= dip <= 90.0 and abs(rake) <= 180.0):
        raise line.error(f"{towards:g}, {dip:g}, {rake:g} is no plane and rake", "direction of dip")
    magnitude = origin["magnitude"]
    return Mechanism(
        origin["event_id"],
        origin["time"],
        origin["latitude"],
        origin["longitude"],
        origin["depth_km"],
        strike_dip_rake_deg=((towards - 90.0) % 360.0, dip, rake),
        magnitude=None if math.isnan(magnitude) else magnitude,
    )
