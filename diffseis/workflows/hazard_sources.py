"""Sources as files give them, as arrays about a site."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from diffseis.core.frames import LocalFrame
from diffseis.core.padding import bucket_size, pad_axis
from diffseis.groundmotion import (
    AbstractMagnitudes,
    AbstractSources,
    FaultSources,
    GutenbergRichter,
    MagnitudeTable,
    PointSources,
)
from diffseis.io import EarthquakeSource, read_nrml_sources, read_sources_csv
from diffseis.io.earthquake_sources import MagnitudeLaw


@dataclass(frozen=True)
class SourceGroup:
    """Sources that one program computes.

    Attributes:
        sources: as arrays.
        names: of the sources, in the order of their numbers.
        rates: of each, where its file gives a rate in place of a; else NaN.
        turned_rad: by which the frame's north differs from that of each unit.
        num_units: places or faults that count; more fill up.
    """

    sources: AbstractSources
    names: list[str]
    rates: np.ndarray
    turned_rad: np.ndarray
    num_units: int


def read_sources(path: Path, spacing_km: float) -> list[EarthquakeSource]:
    """By the kind of file.

    Raises:
        InputError: if it cannot be read.
    """
    if path.name.lower().removesuffix(".gz").endswith((".xml", ".nrml")):
        return read_nrml_sources(path, area_spacing_km=spacing_km)
    return read_sources_csv(path)


def num_magnitudes(sources: Sequence[EarthquakeSource], width: float) -> int:
    """Bins no wider than a width in all laws that are continuous."""
    laws = [s.law for s in sources if isinstance(s.law, MagnitudeLaw)]
    return max((int(np.ceil((law.largest - law.least) / width - 1e-9)) for law in laws), default=1)


def source_groups(
    sources: Sequence[EarthquakeSource], frame: LocalFrame, max_distance_km: float, spacing_km: float
) -> list[SourceGroup]:
    """Sources near the origin of a frame, by kind. Faults count whole, wherever any of them is near.

    Args:
        sources: all.
        frame: about the site.
        max_distance_km: from the site to a place, or to the end of a fault that is nearest.
        spacing_km: between the positions of ruptures on faults.
    """
    kinds: dict[tuple, list[tuple[EarthquakeSource, np.ndarray, np.ndarray, np.ndarray]]] = {}
    for source in sources:
        ned = frame.to_ned(source.latitude, source.longitude, source.depth_km)
        step = frame.to_ned(np.clip(source.latitude + 1e-4, -90, 90), source.longitude) - ned
        turned = np.arctan2(step[:, 1], step[:, 0])
        reach = np.hypot(source.length_km, source.width_km) if source.is_fault else 0.0
        near = np.flatnonzero(np.hypot(ned[:, 0], ned[:, 1]) - reach <= max_distance_km)
        if len(near):
            kind = (source.is_fault, source.is_finite, type(source.law))
            kinds.setdefault(kind, []).append((source, ned, turned, near))
    return [_group(own, is_fault, is_finite, spacing_km) for (is_fault, is_finite, _), own in kinds.items()]


def _group(own, is_fault: bool, is_finite: bool, spacing_km: float) -> SourceGroup:
    number = np.concatenate([np.full(len(near), k) for k, (*_, near) in enumerate(own)])
    size = len(number) if is_fault else bucket_size(len(number))
    array = lambda x, fill: jnp.asarray(pad_axis(np.asarray(x, float), size, value=fill), float)
    # What fills up has the last unit's values, so that nothing is odd, and no share.
    of = lambda name: _filled(np.concatenate([getattr(s, name)[near] for s, *_, near in own]), array)
    each = lambda name: _filled(
        np.concatenate([np.full(len(n), getattr(s, name)) for s, *_, n in own]), array
    )
    # North at a place is not quite the frame's.
    north = _filled(np.concatenate([turned[near] for _, _, turned, near in own]), array)
    shared = {
        "source": jnp.asarray(pad_axis(number, size, value=int(number[-1]))),
        "share": array(np.concatenate([s.share[near] for s, *_, near in own]), 0.0),
        "magnitudes": _law([s.law for s, *_ in own]),
        "strike_rad": jnp.radians(of("strike_deg")) + north if is_finite else jnp.zeros(size, float),
        "dip_rad": jnp.radians(of("dip_deg")),
        "rake_rad": jnp.radians(of("rake_deg")),
        "aspect": each("aspect"),
    }
    ned = np.concatenate([ned[near] for _, ned, _, near in own])
    place = jnp.stack([_filled(ned[:, k], array) for k in range(3)], axis=-1)
    names = [s.name for s, *_ in own]
    rates = np.array([s.law.rate if isinstance(s.law, MagnitudeLaw) else np.nan for s, *_ in own])
    turned = np.concatenate([turned[near] for _, _, turned, near in own])
    told = {"names": names, "rates": rates, "turned_rad": turned, "num_units": len(number)}
    if not is_fault:
        depths = {"upper_km": each("upper_depth_km"), "lower_km": each("lower_depth_km")}
        group = PointSources(place_ned_km=place, finite=is_finite, **depths, **shared)
        return SourceGroup(group, **told)
    length, width = (max(float(getattr(s, n)) for s, *_ in own) for n in ("length_km", "width_km"))
    positions = lambda x, least: int(np.clip(np.ceil(x / spacing_km), least, 60))
    group = FaultSources(
        top_ned_km=place,
        length_km=each("length_km"),
        width_km=each("width_km"),
        num_along=positions(2 * length, 5),
        num_down=positions(2 * width, 3),
        **shared,
    )
    return SourceGroup(group, **told)


def _filled(values: np.ndarray, array):
    return array(values, values[-1])


def _law(laws) -> AbstractMagnitudes:
    if isinstance(laws[0], MagnitudeLaw):
        of = lambda name: jnp.asarray([getattr(law, name) for law in laws], float)
        return GutenbergRichter(of("a"), of("b"), of("least"), of("largest"))
    size = max(len(law.magnitude) for law in laws)
    rows = lambda name, fill: jnp.asarray(
        np.stack([pad_axis(getattr(law, name), size, value=fill(law)) for law in laws]), float
    )
    return MagnitudeTable(rows("magnitude", lambda law: law.magnitude[-1]), rows("rate", lambda _: 0.0))
