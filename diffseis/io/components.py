"""Components that belong together: two horizontal ones at right angles and a vertical one of the same instrument and time."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from diffseis.io.accelerograms import Accelerogram

_TOGETHER_S = 60.0


@dataclass(frozen=True)
class Components:
    """The records of one instrument.

    Attributes:
        horizontal: one or two, in the order north and east, 1 and 2, or by azimuth.
        vertical: None where there is none.
        problem: why the horizontal components are no pair; empty if they are.
        remarks: of the pair.
    """

    horizontal: tuple[Accelerogram, ...]
    vertical: Accelerogram | None
    problem: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def any(self) -> Accelerogram:
        """One of them, for the names."""
        return self.horizontal[0] if self.horizontal else self._vertical

    @property
    def _vertical(self) -> Accelerogram:
        if self.vertical is None:
            raise ValueError("components need a record")
        return self.vertical


def find_components(records: Sequence[Accelerogram]) -> list[Components]:
    """Groups of records by station, location and instrument (the channel without its last letter), and by time where they tell it.

    No record is lost: what has no partner is a group of its own.
    """
    groups: dict[tuple, list[Accelerogram]] = {}
    for record in records:
        groups.setdefault(_key(record), []).append(record)
    found = []
    for members in groups.values():
        for together in _by_time(members):
            found += _split(together)
    return found


def _key(record: Accelerogram) -> tuple[str, str, str, str]:
    channel = record.channel.upper()
    instrument = channel[:-1] if len(channel) == 3 and channel.isalnum() and not channel.isdigit() else ""
    instrument = "" if channel in ("UP", "DWN", "VER") else instrument
    return record.network, record.station, record.location, instrument


def _by_time(records: list[Accelerogram]) -> list[list[Accelerogram]]:
    timed = sorted((r for r in records if not np.isnat(r.start)), key=lambda r: r.start)
    groups: list[list[Accelerogram]] = []
    for record in timed:
        if groups and (record.start - groups[-1][0].start) / np.timedelta64(1, "s") <= _TOGETHER_S:
            groups[-1].append(record)
        else:
            groups.append([record])
    untimed = [r for r in records if np.isnat(r.start)]
    return groups + ([untimed] if untimed else [])


def _split(records: list[Accelerogram]) -> list[Components]:
    """One group, and one more for every component that is there twice."""
    vertical = [r for r in records if r.is_vertical]
    horizontal = sorted((r for r in records if not r.is_vertical), key=_order)
    first = Components(tuple(horizontal[:2]), vertical[0] if vertical else None)
    rest = [Components((r,), None) for r in horizontal[2:]]
    rest += [Components((), r) for r in vertical[1:]]
    if len(horizontal) > 2 or len(vertical) > 1:
        names = ", ".join(r.channel for r in records)
        why = f"more records than components ({names}): which belong together is not known"
        singles = [Components((r,), None, why) for r in horizontal] + [
            Components((), r, why) for r in vertical
        ]
        return singles
    return [_checked(first), *rest]


def _order(record: Accelerogram) -> tuple[int, str]:
    last = re.sub(r"\d+$", "", record.channel.upper())[-2:] or record.channel.upper()
    known = {"N": 0, "NS": 0, "HN": 0, "E": 1, "EW": 1, "R": 0, "T": 1}
    return known.get(last[-1:] if last not in known else last, known.get(last, 0)), record.channel


def _checked(components: Components) -> Components:
    pair = components.horizontal
    problem, remarks = "", []
    if len(pair) < 2:
        problem = "no second horizontal component" if pair else "no horizontal component"
    elif any(r.problem for r in pair):
        problem = "; ".join(f"{r.channel}: {r.problem}" for r in pair if r.problem)
    elif not np.isclose(pair[0].dt_s, pair[1].dt_s, rtol=1e-4):
        problem = f"different sampling intervals: {pair[0].dt_s:g} and {pair[1].dt_s:g} s"
    else:
        between = _between_deg(pair)
        if np.isfinite(between) and abs(between - 90) > 1:
            problem = f"{between:.0f} degrees between the horizontal components"
    if not problem and len(pair) == 2:
        pair, remarks, problem = _aligned(pair)
    return Components(tuple(pair), components.vertical, problem, tuple(remarks))


def _between_deg(pair) -> float:
    angle = abs(pair[0].azimuth_deg - pair[1].azimuth_deg) % 180
    return angle


def _aligned(pair) -> tuple[tuple[Accelerogram, ...], list[str], str]:
    """Cut to the time that both have."""
    from dataclasses import replace

    one, other = pair
    shift = (
        0.0
        if np.isnat(one.start) or np.isnat(other.start)
        else (other.start - one.start) / np.timedelta64(1, "s")
    )
    samples = round(shift / one.dt_s)
    skip = (max(samples, 0), max(-samples, 0))
    left = min(len(r.acceleration_m_s2) - s for r, s in zip(pair, skip, strict=True))
    if left < 16:
        return pair, [], "the horizontal components do not overlap in time"
    same = all(s == 0 and len(r.acceleration_m_s2) == left for r, s in zip(pair, skip, strict=True))
    if same:
        return pair, [], ""
    step = np.timedelta64(round(one.dt_s * 1e9), "ns")
    cut = tuple(
        replace(r, acceleration_m_s2=r.acceleration_m_s2[s : s + left], start=r.start + s * step)
        for r, s in zip(pair, skip, strict=True)
    )
    lengths = " and ".join(str(len(r.acceleration_m_s2)) for r in pair)
    return cut, [f"horizontal components of {lengths} samples were cut to the {left} that both have"], ""
