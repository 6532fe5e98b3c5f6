"""Seismic sources in OpenQuake's NRML (0.4 and 0.5): point, area and straight simple fault sources.

References:
    Pagani et al. (2014), OpenQuake engine: an open hazard (and risk) software, doi:10.1785/0220130087.
"""

from collections.abc import Callable
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, XMLParser

import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.frames import LocalFrame, geodesic
from diffseis.io.earthquake_sources import LIMITS, EarthquakeSource, MagnitudeLaw, MagnitudeRates
from diffseis.io.guards import read_text

_GROUPS = {"nrml", "sourceModel", "sourceGroup"}
_SIZES = {"WC1994": False, "PointMSR": True}
"""Scaling relations, and whether ruptures are points."""


def read_nrml_sources(path: str | Path, *, area_spacing_km: float = 5.0) -> list[EarthquakeSource]:
    """Read a source model.

    Args:
        path: the file; may be gzip.
        area_spacing_km: between the places that stand for an area, where the file does not state it.

    Raises:
        InputError: naming the source and the element that is missing, cannot be, or is of a kind that is not read.
    """
    reader = _Reader(str(path), area_spacing_km)
    found = list(reader.sources(_parse(path)))
    if not found:
        raise InputError("holds no sources", file=path, fix="name a file with a sourceModel")
    return found


def _parse(path: str | Path) -> Element:
    parser = XMLParser()

    # Entities can grow without end, and no source model has any.
    def refuse(*_):
        raise InputError("declares a document type", file=path, fix="remove the DOCTYPE")

    text = read_text(path)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        refuse()
    try:
        parser.feed(text)
        return parser.close()
    except ParseError as error:
        line = error.position[0]
        raise InputError(
            f"is no valid XML ({error.msg})", file=path, line=line, fix="was the file cut off?"
        ) from error


class _Reader:
    def __init__(self, path: str, spacing_km: float):
        self.path, self.spacing_km = path, spacing_km
        self.kinds: dict[str, Callable[[Element, dict], dict]] = {
            "pointSource": self._point,
            "areaSource": self._area,
            "simpleFaultSource": self._fault,
        }

    def sources(self, element: Element, region: str = ""):
        """All below an element."""
        for child in element:
            kind = _tag(child)
            own = child.get("tectonicRegion", region)
            if kind in _GROUPS:
                yield from self.sources(child, own)
            elif kind in self.kinds:
                yield self._source(child, own)
            elif kind.endswith("Source"):
                fix = f"remove it, or give it as {', '.join(self.kinds)}"
                raise self.error(child, kind, "this kind of source is not read", fix)

    def error(self, source: Element, field: str, why: str, fix: str) -> InputError:
        """The refusal of one source."""
        return InputError(f"source {source.get('id', '?')}: {why}", file=self.path, field=field, fix=fix)

    def _source(self, source: Element, region: str) -> EarthquakeSource:
        size = self.text(source, "magScaleRel")
        if size not in _SIZES:
            fix = f"change it to {' or '.join(_SIZES)}"
            raise self.error(source, "magScaleRel", f"{size} is not known here", fix)
        shared = {
            "name": source.get("id", "?"),
            "law": self._law(source),
            "aspect": self.number(source, "ruptAspectRatio", LIMITS["aspect"]),
            "upper_depth_km": self.number(source, "upperSeismoDepth", LIMITS["upper_depth_km"]),
            "lower_depth_km": self.number(source, "lowerSeismoDepth", LIMITS["lower_depth_km"]),
            "points": _SIZES[size],
            "region": region,
        }
        if shared["upper_depth_km"] >= shared["lower_depth_km"]:
            raise self.error(
                source, "lowerSeismoDepth", "is not below upperSeismoDepth", "were the two exchanged?"
            )
        return EarthquakeSource(**shared, **self.kinds[_tag(source)](source, shared))

    def _point(self, source: Element, shared: dict) -> dict:
        (place,) = self._places(source, "pos", 1)
        return self._spread(source, np.array([place]), shared)

    def _area(self, source: Element, shared: dict) -> dict:
        corners = np.array(self._places(source, "posList", 3))
        geometry = next(e for e in source.iter() if _tag(e) == "areaGeometry")
        spacing = float(geometry.get("discretization", self.spacing_km))
        frame = LocalFrame.centred_on(corners[:, 1], corners[:, 0])
        outline = frame.to_ned(corners[:, 1], corners[:, 0])[:, :2]
        low, high = outline.min(axis=0), outline.max(axis=0)
        number = np.maximum(np.round((high - low) / spacing), 1).astype(int)
        middles = [low[k] + (high[k] - low[k]) * (np.arange(n) + 0.5) / n for k, n in enumerate(number)]
        north, east = (x.ravel() for x in np.meshgrid(*middles, indexing="ij"))
        inside = _inside(north, east, outline)
        if not inside.any():
            inside = np.array([True])
            north, east = outline.mean(axis=0)[:, None]
        latitude, longitude, _ = frame.to_geographic(
            np.stack([north[inside], east[inside], 0 * north[inside]], axis=-1)
        )
        return self._spread(source, np.stack([longitude, latitude], axis=-1), shared)

    def _fault(self, source: Element, shared: dict) -> dict:
        trace = np.array(self._places(source, "posList", 2))
        if len(trace) > 2:
            fix = "give each straight part as a source of its own"
            raise self.error(source, "posList", f"the trace has {len(trace)} points", fix)
        dip = self.number(source, "dip", LIMITS["dip_deg"])
        rake = self.number(source, "rake", LIMITS["rake_deg"])
        first, last = trace[:1], trace[1:]
        length, strike, _ = (float(x[0]) for x in geodesic(first[:, 1], first[:, 0], last[:, 1], last[:, 0]))
        # The trace lies on the ground; the upper edge further down the dip.
        frame = LocalFrame.centred_on(trace[:, 1], trace[:, 0])
        ned = frame.to_ned(trace[:, 1], trace[:, 0]).mean(axis=0)
        out = shared["upper_depth_km"] / np.tan(np.radians(dip))
        ned[:2] += out * np.array([-np.sin(np.radians(strike)), np.cos(np.radians(strike))])
        latitude, longitude, _ = frame.to_geographic(ned)
        one = lambda x: np.array([float(x)])
        return {
            "latitude": one(latitude),
            "longitude": one(longitude),
            "depth_km": one(shared["upper_depth_km"]),
            "share": one(1.0),
            "strike_deg": one(strike),
            "dip_deg": one(dip),
            "rake_deg": one(rake),
            "length_km": length,
            "width_km": (shared["lower_depth_km"] - shared["upper_depth_km"]) / np.sin(np.radians(dip)),
        }

    def _spread(self, source: Element, places: np.ndarray, shared: dict) -> dict:
        """Places times planes times depths."""
        planes = [
            [self.attribute(source, e, name) for name in ("probability", "strike", "dip", "rake")]
            for e in self.all(source, "nodalPlane")
        ]
        depths = [
            [self.attribute(source, e, name) for name in ("probability", "depth")]
            for e in self.all(source, "hypoDepth")
        ]
        for element in self.all(source, "nodalPlane"):
            for name in ("strike", "dip", "rake"):
                self._within(source, name, self.attribute(source, element, name), LIMITS[f"{name}_deg"])
        for _, depth in depths:
            if not shared["upper_depth_km"] <= depth <= shared["lower_depth_km"]:
                why = f"{depth:g} is not between the seismogenic depths"
                raise self.error(source, "hypoDepth", why, "check the three depths")
        for rows, name in ((planes, "nodalPlane"), (depths, "hypoDepth")):
            total = sum(row[0] for row in rows)
            if abs(total - 1) > 1e-3:
                raise self.error(source, name, f"probabilities sum to {total:g}", "they must sum to 1")
        rows = np.array([
            (lat, lon, depth, p * q, strike, dip, rake)
            for lon, lat in places
            for p, strike, dip, rake in planes
            for q, depth in depths
        ])  # fmt: skip
        names = ("latitude", "longitude", "depth_km", "share", "strike_deg", "dip_deg", "rake_deg")
        found = dict(zip(names, rows.T, strict=True))
        return found | {"share": found["share"] / found["share"].sum()}

    def _law(self, source: Element) -> MagnitudeLaw | MagnitudeRates:
        for element in source:
            kind = _tag(element)
            of = lambda name, e=element: self.attribute(source, e, name)
            if kind == "truncGutenbergRichterMFD":
                law = MagnitudeLaw(of("aValue"), of("bValue"), of("minMag"), of("maxMag"))
                if law.least >= law.largest or law.b <= 0:
                    raise self.error(source, kind, "maxMag must be above minMag, bValue above 0", "check it")
                return law
            if kind in ("incrementalMFD", "arbitraryMFD"):
                rate = self._numbers(source, element, "occurRates")
                if kind == "incrementalMFD":
                    magnitude = of("minMag") + of("binWidth") * np.arange(len(rate))
                else:
                    magnitude = self._numbers(source, element, "magnitudes")
                if len(magnitude) != len(rate) or np.any(rate < 0):
                    raise self.error(source, kind, "a rate of 0 or more is needed per magnitude", "check it")
                return MagnitudeRates(magnitude, rate)
        fix = "give a truncGutenbergRichterMFD, an incrementalMFD or an arbitraryMFD"
        raise self.error(
            source, "MFD", "its law of magnitudes is missing, or of a kind that is not read", fix
        )

    def _places(self, source: Element, tag: str, least: int) -> list[tuple[float, float]]:
        """Longitude and latitude."""
        values = self._numbers(source, source, tag)
        if len(values) % 2 or len(values) < 2 * least:
            raise self.error(source, tag, "must hold longitudes and latitudes in turn", "check the list")
        places = values.reshape(-1, 2)
        for longitude, latitude in places:
            if not (abs(latitude) <= 90 and -180 <= longitude <= 360):
                why = f"{longitude:g} {latitude:g} is no place on Earth"
                raise self.error(source, tag, why, "write longitude latitude")
        return [(float(x), float(y)) for x, y in places]

    def _numbers(self, source: Element, within: Element, tag: str) -> np.ndarray:
        words = self.text(source, tag, within).split()
        try:
            values = np.array(words, float)
        except ValueError as error:
            raise self.error(source, tag, "holds what is no number", "check it") from error
        if not len(values) or not np.all(np.isfinite(values)):
            raise self.error(source, tag, "must hold finite numbers", "check it")
        return values

    def all(self, source: Element, tag: str) -> list[Element]:
        """Elements of a kind, of which there must be some."""
        found = [e for e in source.iter() if _tag(e) == tag]
        if not found:
            raise self.error(source, tag, "is missing", "add it")
        return found

    def text(self, source: Element, tag: str, within: Element | None = None) -> str:
        """Of the first element of a kind."""
        for element in (source if within is None else within).iter():
            if _tag(element) == tag:
                return (element.text or "").strip()
        raise self.error(source, tag, "is missing", "add it")

    def number(self, source: Element, tag: str, limits: tuple[float, float, str]) -> float:
        """Within limits."""
        return self._within(source, tag, float(self._numbers(source, source, tag)[0]), limits)

    def _within(self, source: Element, field: str, value: float, limits: tuple[float, float, str]) -> float:
        low, high, fix = limits
        if not low <= value <= high:
            raise self.error(source, field, f"{value:g} is not within {low:g} and {high:g}", fix)
        return value

    def attribute(self, source: Element, element: Element, name: str) -> float:
        """As a number."""
        try:
            value = float(element.get(name, ""))
        except ValueError:
            value = np.nan
        if not np.isfinite(value):
            raise self.error(source, _tag(element), f"`{name}` is missing or no number", "add it")
        return value


def _tag(element: Element) -> str:
    """Without the namespace."""
    return str(element.tag).rsplit("}", 1)[-1]


def _inside(north: np.ndarray, east: np.ndarray, outline: np.ndarray) -> np.ndarray:
    """Whether points lie within a polygon: how often a ray to the east crosses it."""
    inside = np.zeros(len(north), bool)
    for (n0, e0), (n1, e1) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        between = (n0 > north) != (n1 > north)
        with np.errstate(divide="ignore", invalid="ignore"):
            inside ^= between & (east < e0 + (north - n0) / (n1 - n0) * (e1 - e0))
    return inside
