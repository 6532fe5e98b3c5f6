"""What is odd about observations that a reader found well-formed: rows that are there twice, angles in radians, first motions of one sign."""

from collections.abc import Sequence
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.radiation_table import RadiationTable
from diffseis.core.tables import EventTable
from diffseis.core.words import plural
from diffseis.io import Notice
from diffseis.io.rays import repeated_stations
from diffseis.workflows.mechanism_config import MechanismConfig

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


def unread_columns(rays: RadiationTable, known: Sequence[str], path: Path) -> list[Notice]:
    """A notice of columns that nothing reads, with what they may have been meant for."""
    others = [name for name in rays.extra if name not in known]
    near = {name: get_close_matches(name, known, n=1, cutoff=0.75) for name in others}
    told = [f"{name} (is `{near[name][0]}` meant?)" if near[name] else name for name in others]
    if not told:
        return []
    message = f"columns that are not read: {', '.join(told)}"
    return [Notice("unknown-column", message, count=len(told), file=str(path))]


def not_located(rays: RadiationTable, places: EventTable, folder: Path) -> list[Notice]:
    """A notice of events that a located run does not have.

    Raises:
        InputError: if it has none of them.
    """
    events = list(dict.fromkeys(str(name) for name in rays.event_id))
    there = {str(name) for name in places.event_id}
    missing = [name for name in events if name not in there]
    if not missing:
        return []
    if len(missing) == len(events):
        raise InputError(
            f"it has none of the {plural(len(events), 'event')} of the observations, such as {events[0]}",
            file=folder,
            field="--located",
            fix="name the run that located these events, or leave --located out",
        )
    message = f"{plural(len(missing), 'event')} of the observations not in this run: {', '.join(missing[:_EVENTS_SHOWN])}"
    return [Notice("not-located", message, count=len(missing), file=str(folder))]


def idle_options(config: MechanismConfig) -> list[Notice]:
    """A notice of options about angles where all rays have them."""
    given = [f"--{name}" for name in ("stations", "velocity") if getattr(config, name)]
    given = [] if config.format.startswith(("hash", "skhash")) else given
    if config.angle_error_deg != MechanismConfig.model_fields["angle_error_deg"].default:
        given.append("--angle-error-deg")
    if not given:
        return []
    said = f"all rays have angles of their own: {', '.join(given)} had nothing to do"
    return [Notice("idle-option", said, count=len(given))]


def not_for_hash(rays: RadiationTable) -> list[Notice]:
    """A notice of measurements that HASH does not know."""
    names = ("sv_polarity", "sh_polarity", "log10_svp", "log10_shp", "log10_svsh", "p_amplitude")
    counts = {name: int(np.isfinite(getattr(rays, name)).sum()) for name in names}
    told = ", ".join(f"{count} of {name}" for name, count in counts.items() if count)
    if not told:
        return []
    message = f"HASH knows first motions of P and S/P ratios alone; left out: {told}"
    return [Notice("not-for-hash", message, count=sum(counts.values()))]
