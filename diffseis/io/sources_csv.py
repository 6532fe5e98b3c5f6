"""Seismic sources as CSV: a row per place or fault; rows of one name are one source, whose rate their shares divide."""

from pathlib import Path

import numpy as np

from diffseis.core.errors import InputError
from diffseis.io.delimited import Delimited, code_column, number_column, read_delimited
from diffseis.io.earthquake_sources import LIMITS, EarthquakeSource, MagnitudeLaw

_NEEDED = ("source", "latitude", "longitude", "depth_km", "b", "least_magnitude", "largest_magnitude")
_OTHER = {
    "a": np.nan,
    "rate": np.nan,
    "strike_deg": np.nan,
    "dip_deg": np.nan,
    "rake_deg": np.nan,
    "aspect": 1.0,
    "upper_depth_km": 0.0,
    "lower_depth_km": 800.0,
    "length_km": np.nan,
    "width_km": np.nan,
    "share": 1.0,
}
_OF_SOURCE = ("a", "rate", "b", "least_magnitude", "largest_magnitude", "aspect", "upper_depth_km", "lower_depth_km", "length_km", "width_km")  # fmt: skip


def read_sources_csv(path: str | Path) -> list[EarthquakeSource]:
    """Read sources.

    Columns: ``source,latitude,longitude,depth_km,b,least_magnitude,largest_magnitude``, one of ``a`` (log10 of the yearly number above magnitude 0) and ``rate`` (yearly number above the least magnitude), both of the whole source; where they are known ``strike_deg,dip_deg,rake_deg``, ``share`` of each
    place, ``aspect,upper_depth_km,lower_depth_km`` of ruptures. Rows with ``length_km,width_km`` are rectangular faults: their place is the middle of the upper edge.

    Raises:
        InputError: naming line, column and limits of a value that cannot be, or of rows of one source that differ where they must not.
    """
    table = read_delimited(path, _NEEDED, list(_OTHER))
    if not len(table):
        raise InputError("holds no sources", file=path, fix="add at least one row")
    name = code_column(table, "source")
    values = {field: _column(table, field) for field in (*_NEEDED[1:], *_OTHER)}
    return [_source(table, values, np.flatnonzero(name == one)) for one in dict.fromkeys(name)]


def _column(table: Delimited, field: str) -> np.ndarray:
    if field not in table.names:
        return np.full(len(table), _OTHER.get(field, np.nan))
    values = number_column(table, field, missing_ok=field in _OTHER)
    low, high, fix = LIMITS[field]
    for row in np.flatnonzero((values < low) | (values > high)):
        raise table.error(int(row), field, f"{values[row]:g} is not within {low:g} and {high:g}", fix)
    default = _OTHER.get(field, np.nan)
    return np.where(np.isnan(values), default, values)


def _source(table: Delimited, values: dict[str, np.ndarray], rows: np.ndarray) -> EarthquakeSource:
    first = int(rows[0])
    name = table.rows[first][table.names.index("source")]
    for field in _OF_SOURCE:
        own = values[field][rows]
        other = np.flatnonzero(~((own == own[0]) | (np.isnan(own) & np.isnan(own[0]))))
        for k in other:
            fix = f"rows of one source share it; the first row of {name} has {own[0]:g}"
            raise table.error(int(rows[k]), field, f"{own[k]:g} differs within {name}", fix)
    of = {field: float(values[field][first]) for field in _OF_SOURCE}
    if of["least_magnitude"] >= of["largest_magnitude"]:
        why = f"{of['largest_magnitude']:g} is not above the least magnitude, {of['least_magnitude']:g}"
        raise table.error(first, "largest_magnitude", why, "were the two exchanged?")
    if of["upper_depth_km"] >= of["lower_depth_km"]:
        why = f"{of['lower_depth_km']:g} is not below the upper depth, {of['upper_depth_km']:g}"
        raise table.error(first, "lower_depth_km", why, "were the two exchanged?")
    share = values["share"][rows]
    if share.sum() <= 0:
        raise table.error(first, "share", f"the shares of {name} sum to 0", "give at least one place some")
    _check_planes(table, values, rows)
    at = lambda field: values[field][rows]
    return EarthquakeSource(
        name=name,
        law=_law(table, first, of),
        latitude=at("latitude"),
        longitude=at("longitude"),
        depth_km=at("depth_km"),
        share=share / share.sum(),
        strike_deg=at("strike_deg"),
        dip_deg=at("dip_deg"),
        rake_deg=at("rake_deg"),
        aspect=of["aspect"],
        upper_depth_km=of["upper_depth_km"],
        lower_depth_km=of["lower_depth_km"],
        length_km=of["length_km"],
        width_km=of["width_km"],
    )


def _law(table: Delimited, row: int, of: dict[str, float]) -> MagnitudeLaw:
    a, rate, b = of["a"], of["rate"], of["b"]
    if np.isnan(a) == np.isnan(rate):
        why = "neither `a` nor `rate` is given" if np.isnan(a) else "both `a` and `rate` are given"
        raise table.error(row, "a", why, "give one: a, or the yearly number above the least magnitude")
    for field, fix in (("b", "it is about 1"), ("rate", "leave the source out")):
        if of[field] == 0:
            raise table.error(row, field, "is 0", fix)
    least, largest = of["least_magnitude"], of["largest_magnitude"]
    if np.isnan(a):
        # What lies above the largest magnitude does not happen.
        a = np.log10(rate) - np.log10(10 ** (-b * least) - 10 ** (-b * largest))
    return MagnitudeLaw(float(a), b, least, largest, rate)


def _check_planes(table: Delimited, values: dict[str, np.ndarray], rows: np.ndarray) -> None:
    strike, dip = (np.isfinite(values[k][rows]) for k in ("strike_deg", "dip_deg"))
    # A dip without a strike is of a point, for models that ask for it.
    for k in np.flatnonzero(strike & ~dip):
        raise table.error(int(rows[k]), "dip_deg", "is missing", "a plane needs strike and dip")
    if strike.any() and not strike.all():
        k = int(np.flatnonzero(~strike)[0])
        raise table.error(int(rows[k]), "strike_deg", "is missing", "other rows of the source have one")
    length, width = (np.isfinite(values[k][rows]) for k in ("length_km", "width_km"))
    if length[0] != width[0]:
        missing = "width_km" if length[0] else "length_km"
        raise table.error(int(rows[0]), missing, "is missing", "a fault needs both")
    if length[0]:
        if len(rows) > 1:
            raise table.error(int(rows[1]), "source", "a fault of this name is there", "give it its own name")
        if not strike[0]:
            raise table.error(int(rows[0]), "strike_deg", "is missing", "a fault needs strike and dip")
    for k in np.flatnonzero(
        ~length
        & strike
        & (
            (values["depth_km"][rows] < values["upper_depth_km"][rows])
            | (values["depth_km"][rows] > values["lower_depth_km"][rows])
        )
    ):
        why = f"{values['depth_km'][rows[k]]:g} is not between the upper and the lower depth"
        raise table.error(int(rows[k]), "depth_km", why, "check the three depths")
