"""The summary card of HYPO71, which other programs repeat shifted by some columns.

References:
    Lee & Lahr (1975), HYPO71 (revised), doi:10.3133/ofr75311.
"""

from pathlib import Path
from typing import Any

from diffseis.io.fixed_columns import FixedLine
from diffseis.io.origins import blank_origin, check_origin


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
    check_origin(origin, Path(line.path), line.line)
    return origin
