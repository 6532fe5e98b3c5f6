"""What is odd about observations that a reader found well-formed: rows that are there twice, angles in radians, first motions of one sign."""

from dataclasses import fields
from pathlib import Path

import numpy as np

from diffseis.core.radiation_table import RadiationTable
from diffseis.core.words import plural
from diffseis.io import Notice
from diffseis.io.rays import repeated_stations

_FEW_RAYS, _FEW_MOTIONS = 8, 12
"""With fewer, small angles and equal signs are no surprise."""

_EVENTS_SHOWN = 3


def without_repeats(rays: RadiationTable) -> tuple[RadiationTable, int]:
    """The rays without rows that are the same as an earlier one in everything that is known of them, and how many these are: one reading counts once.

    Of composite events, rows of different events behind them are different.
    """
    columns = [getattr(rays, f.name) for f in fields(rays) if f.name != "extra"]
    columns += [rays.extra["event_id2"]] if "event_id2" in rays.extra else []
    # One NaN is as good as another here.
    codes = [
        np.unique(c.astype(str) if c.dtype.kind == "O" else c, return_inverse=True)[1].reshape(-1)
        for c in map(np.asarray, columns)
    ]
    _, first = np.unique(np.stack(codes, axis=1), axis=0, return_index=True)
    return rays.take(np.sort(first)), len(rays) - len(first)


def drop_repeats(
    rays: RadiationTable, notices: list[Notice], path: Path
) -> tuple[RadiationTable, list[Notice]]:
    """The rays without rows that repeat others, and what the reader said, less what is true of these rows alone."""
    kept, number = without_repeats(rays)
    if not number:
        return rays, notices
    message = f"{plural(number, 'row')} left out: the same as an earlier one in everything"
    others = [n for n in notices if n.kind != "repeated-station"]
    said = Notice("repeated-row", message, count=number, file=str(path))
    return kept, [*others, said, *repeated_stations(kept, path)]


def odd_angles(rays: RadiationTable, path: Path) -> list[Notice]:
    """A notice where all angles that are given could be radians."""
    given = np.isfinite(rays.azimuth_deg) & np.isfinite(rays.takeoff_deg)
    number = int(given.sum())
    small = np.all(rays.takeoff_deg[given] <= np.pi) and np.all(np.abs(rays.azimuth_deg[given]) <= 2 * np.pi)
    if number < _FEW_RAYS or not small:
        return []
    message = f"no take-off angle of {plural(number, 'ray')} is above 3.14 and no azimuth above 6.28: radians? They are taken for degrees"
    return [Notice("suspicious-units", message, count=number, file=str(path))]


def one_sided(rays: RadiationTable) -> list[Notice]:
    """A notice of events whose first motions of P, which are many, are all up or all down."""
    said = np.isfinite(rays.polarity) & (rays.polarity != 0)
    names, event = np.unique(rays.event_id[said].astype(str), return_inverse=True)
    motions = np.bincount(event, minlength=len(names))
    ups = np.bincount(event, rays.polarity[said] > 0, minlength=len(names))
    odd = names[(motions >= _FEW_MOTIONS) & ((ups == 0) | (ups == motions))]
    if not len(odd):
        return []
    more = f" and {len(odd) - _EVENTS_SHOWN} more" if len(odd) > _EVENTS_SHOWN else ""
    message = (
        f"all first motions of {plural(len(odd), 'event')} have one sign ({', '.join(odd[:_EVENTS_SHOWN])}{more}): "
        "an explosion, reversed traces, or a misread column?"
    )
    return [Notice("one-sign", message, count=len(odd))]
