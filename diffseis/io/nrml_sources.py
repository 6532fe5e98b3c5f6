"""Seismic sources in OpenQuake's NRML (0.4 and 0.5): point, area and straight simple fault sources.

References:
    Pagani et al. (2014), OpenQuake engine: an open hazard (and risk) software, doi:10.1785/0220130087.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError, XMLParser

import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.frames import LocalFrame, geodesic
from diffseis.io.earthquake_sources import LIMITS, EarthquakeSource, MagnitudeLaw, MagnitudeRates
from diffseis.io.guards import read_text
from diffseis.io.nrml_fields import NrmlFields, tag_of

_GROUPS = {"nrml", "sourceModel", "sourceGroup"}
_SIZES = {"WC1994": False, "PointMSR": True}
"""Scaling relations, and whether ruptures are points."""

Shared = dict[str, Any]
"""What all kinds of sources have."""


def read_nrml_sources(path: str | Path, *, area_spacing_km: float = 5.0) -> list[EarthquakeSource]:
    """Read a source model.

    Args:
        path: the file; may be gzip.
        area_spacing_km: between the places that stand for an area, where the file does not state it.

    Raises:
        InputError: naming the source and the element that is missing, cannot be, or is of a kind that is not read.
    """
    found = [_source(fields, area_spacing_km) for fields in _sources(_parse(path), str(path))]
    if not found:
        raise InputError("holds no sources", file=path, fix="name a file with a sourceModel")
    return found


def _parse(path: str | Path) -> Element:
    text = read_text(path)
    # Entities can grow without end, and no source model has any.
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise InputError("declares a document type", file=path, fix="remove the DOCTYPE")
    parser = XMLParser()
    try:
        parser.feed(text)
        return parser.close()
    except ParseError as error:
        why, line = f"is no valid XML ({error.msg})", error.position[0]
        raise InputError(why, file=path, line=line, fix="was the file cut off?") from error


def _sources(element: Element, path: str, region: str = "") -> Iterator[NrmlFields]:
    """All below an element."""
    for child in element:
        kind, own = tag_of(child), child.get("tectonicRegion", region)
        if kind in _GROUPS:
            yield from _sources(child, path, own)
        elif kind.endswith("Source"):
            yield NrmlFields(path, child, own)


def _source(fields: NrmlFields, spacing_km: float) -> EarthquakeSource:
    kinds: dict[str, Callable[[NrmlFields, Shared], Shared]] = {
        "pointSource": lambda f, shared: _spread(f, f.places("pos", 1)[:1], shared),
        "areaSource": lambda f, shared: _spread(f, _area(f, spacing_km), shared),
        "simpleFaultSource": _fault,
    }
    kind = tag_of(fields.source)
    if kind not in kinds:
        fix = f"remove it, or give it as {', '.join(kinds)}"
        raise fields.error(kind, "this kind of source is not read", fix)
    size = fields.text("magScaleRel")
    if size not in _SIZES:
        fix = f"change it to {' or '.join(_SIZES)}"
        raise fields.error("magScaleRel", f"{size} is not known here", fix)
    shared = {
        "name": fields.source.get("id", "?"),
        "law": _law(fields),
        "aspect": fields.number("ruptAspectRatio", LIMITS["aspect"]),
        "upper_depth_km": fields.number("upperSeismoDepth", LIMITS["upper_depth_km"]),
        "lower_depth_km": fields.number("lowerSeismoDepth", LIMITS["lower_depth_km"]),
        "points": _SIZES[size],
        "region": fields.region,
    }
    if shared["upper_depth_km"] >= shared["lower_depth_km"]:
        raise fields.error("lowerSeismoDepth", "is not below upperSeismoDepth", "were the two exchanged?")
    return EarthquakeSource(**shared, **kinds[kind](fields, shared))


def _area(fields: NrmlFields, spacing_km: float) -> np.ndarray:
    """Longitude and latitude of places all over a polygon."""
    corners = fields.places("posList", 3)
    geometry, spacing = fields.all("areaGeometry")[0], spacing_km
    if geometry.get("discretization") is not None:
        value = fields.attribute(geometry, "discretization")
        spacing = fields.within("discretization", value, (0.01, 1000.0, "write km"))
    frame = LocalFrame.centred_on(corners[:, 1], corners[:, 0])
    outline = frame.to_ned(corners[:, 1], corners[:, 0])[:, :2]
    low, high = outline.min(axis=0), outline.max(axis=0)
    number = np.maximum(np.round((high - low) / spacing), 1).astype(int)
    middles = [low[k] + (high[k] - low[k]) * (np.arange(n) + 0.5) / n for k, n in enumerate(number)]
    north, east = (x.ravel() for x in np.meshgrid(*middles, indexing="ij"))
    inside = _inside(north, east, outline)
    if not inside.any():
        # An area that is smaller than a step.
        inside = np.array([True])
        north, east = outline.mean(axis=0)[:, None]
    ned = np.stack([north[inside], east[inside], 0 * north[inside]], axis=-1)
    latitude, longitude, _ = frame.to_geographic(ned)
    return np.stack([longitude, latitude], axis=-1)


def _inside(north: np.ndarray, east: np.ndarray, outline: np.ndarray) -> np.ndarray:
    """Whether points lie within a polygon: how often a ray to the east crosses it."""
    inside = np.zeros(len(north), bool)
    for (n0, e0), (n1, e1) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        between = (n0 > north) != (n1 > north)
        with np.errstate(divide="ignore", invalid="ignore"):
            inside ^= between & (east < e0 + (north - n0) / (n1 - n0) * (e1 - e0))
    return inside


def _spread(fields: NrmlFields, places: np.ndarray, shared: Shared) -> Shared:
    """Places times planes times depths."""
    planes, depths = (
        [[fields.attribute(e, name) for name in ("probability", *names)] for e in fields.all(tag)]
        for tag, names in (("nodalPlane", ("strike", "dip", "rake")), ("hypoDepth", ("depth",)))
    )
    for plane in planes:
        for name, value in zip(("strike", "dip", "rake"), plane[1:], strict=True):
            fields.within(name, value, LIMITS[f"{name}_deg"])
    for _, depth in depths:
        if not shared["upper_depth_km"] <= depth <= shared["lower_depth_km"]:
            why = f"{depth:g} is not between the seismogenic depths"
            raise fields.error("hypoDepth", why, "check the three depths")
    for rows, name in ((planes, "nodalPlane"), (depths, "hypoDepth")):
        total = sum(row[0] for row in rows)
        if abs(total - 1) > 1e-3:
            raise fields.error(name, f"probabilities sum to {total:g}", "they must sum to 1")
    rows = np.array([
        (lat, lon, depth, p * q, strike, dip, rake)
        for lon, lat in places
        for p, strike, dip, rake in planes
        for q, depth in depths
    ])  # fmt: skip
    names = ("latitude", "longitude", "depth_km", "share", "strike_deg", "dip_deg", "rake_deg")
    found = dict(zip(names, rows.T, strict=True))
    return found | {"share": found["share"] / found["share"].sum()}


def _fault(fields: NrmlFields, shared: Shared) -> Shared:
    trace = fields.places("posList", 2)
    if len(trace) > 2:
        fix = "give each straight part as a source of its own"
        raise fields.error("posList", f"the trace has {len(trace)} points", fix)
    if shared["points"]:
        raise fields.error(
            "magScaleRel", "ruptures without size cannot float on a fault", "change it to WC1994"
        )
    dip = fields.number("dip", LIMITS["dip_deg"])
    first, last = trace[:1], trace[1:]
    length, strike, _ = (float(x[0]) for x in geodesic(first[:, 1], first[:, 0], last[:, 1], last[:, 0]))
    # The trace lies on the ground; the upper edge further down the dip.
    frame = LocalFrame.centred_on(trace[:, 1], trace[:, 0])
    middle = frame.to_ned(trace[:, 1], trace[:, 0]).mean(axis=0)
    out = shared["upper_depth_km"] / np.tan(np.radians(dip))
    middle[:2] += out * np.array([-np.sin(np.radians(strike)), np.cos(np.radians(strike))])
    latitude, longitude, _ = frame.to_geographic(middle)
    one = lambda x: np.array([float(x)])
    return {
        "latitude": one(latitude),
        "longitude": one(longitude),
        "depth_km": one(shared["upper_depth_km"]),
        "share": one(1.0),
        "strike_deg": one(strike),
        "dip_deg": one(dip),
        "rake_deg": one(fields.number("rake", LIMITS["rake_deg"])),
        "length_km": length,
        "width_km": (shared["lower_depth_km"] - shared["upper_depth_km"]) / np.sin(np.radians(dip)),
    }


def _law(fields: NrmlFields) -> MagnitudeLaw | MagnitudeRates:
    for element in fields.source:
        kind = tag_of(element)
        of = lambda name, e=element: fields.attribute(e, name)
        if kind == "truncGutenbergRichterMFD":
            law = MagnitudeLaw(of("aValue"), of("bValue"), of("minMag"), of("maxMag"))
            if law.least >= law.largest or law.b <= 0:
                raise fields.error(kind, "maxMag must be above minMag, bValue above 0", "check it")
            return law
        if kind in ("incrementalMFD", "arbitraryMFD"):
            rate = fields.numbers("occurRates")
            if kind == "incrementalMFD":
                magnitude = of("minMag") + of("binWidth") * np.arange(len(rate))
            else:
                magnitude = fields.numbers("magnitudes")
            if len(magnitude) != len(rate) or np.any(rate < 0):
                raise fields.error(kind, "a rate of 0 or more is needed per magnitude", "check it")
            return MagnitudeRates(magnitude, rate)
    fix = "give a truncGutenbergRichterMFD, an incrementalMFD or an arbitraryMFD"
    raise fields.error("MFD", "its law of magnitudes is missing, or of a kind that is not read", fix)
