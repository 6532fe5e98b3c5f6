"""The summary card and the P remark of HYPO71, which other programs repeat in other columns.

References:
    Lee & Lahr (1975), HYPO71 (revised), doi:10.3133/ofr75311.
"""

import math
from typing import Any

from diffseis.io.fixed_columns import FixedLine
from diffseis.io.origins import blank_origin, check_origin
from diffseis.io.rays import EMERGENT_SIZE, motion_sign

_SIZES = {0.0: 1.0, 1.0: 0.75, 2.0: 0.5, 3.0: 0.25}


def hypo71_origin(line: FixedLine, shift: int, year: float) -> dict[str, Any]:
    """The hypocentre of a card that stands `shift` columns to the right; its id is made of its time, as it has none.

    Latitudes are north unless S is said, longitudes west unless E is.
    """
    at = lambda column: column + shift
    latitude = line.degrees((at(18), 3), (at(22), 5, 2), "latitude")
    longitude = line.degrees((at(27), 4), (at(32), 5, 2), "longitude")
    time = line.time(year, (at(3), at(5), at(8), at(10)), line.number(at(12), 6, "seconds", 2))
    origin = blank_origin(
        str(time.astype("datetime64[s]")).replace("-", "").replace(":", ""),
        time=time,
        latitude=-latitude if line.word(at(21), 1).upper() == "S" else latitude,
        longitude=longitude if line.word(at(31), 1).upper() == "E" else -longitude,
        depth_km=line.number(at(37), 7, "depth", 2),
        magnitude=line.number(at(46), 5, "magnitude", 2),
    )
    check_origin(origin, line.path, line.line)
    return origin


def p_remark(line: FixedLine, first: int) -> float:
    """The polarity of a remark such as ``IPU0`` in four columns: onset, P, first motion, weight code.

    Its size is 1, 0.75, 0.5 or 0.25 for the codes 0 to 3, half of it for a doubtful sign (+ or -). Picks of other codes have no
    weight and are refused.
    """
    motion = line.word(first + 2, 1)
    sign = motion_sign(motion)
    if math.isnan(sign):
        raise line.error(f"{motion!r} is no first motion", "polarity", "use U, C, D, + or -")
    code = line.number(first + 3, 1, "weight code")
    size = _SIZES.get(0.0 if math.isnan(code) else code)
    if size is None:
        raise line.error(f"the weight code {code:g} gives it no weight", "weight code", "0 to 3 are used")
    return sign * size * (EMERGENT_SIZE if motion in "+-" else 1.0)
