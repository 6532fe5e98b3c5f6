"""NonLinLoc phase files (``.obs``), which ObsPy writes but does not read.

References:
    Lomax et al. (2000), doi:10.1007/978-94-015-9536-0_5; http://alomax.free.fr/nlloc (phase file format).
"""

import math
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.tables import EventTable, PickTable
from diffseis.io.guards import read_text
from diffseis.io.notices import Notice
from diffseis.io.origins import new_name
from diffseis.io.pick_rows import PickRow, build_picks, check_row

_NOT_A_TIME = np.datetime64("NaT", "ns")


def read_nonlinloc_obs(
    path: str | Path, *, default_uncertainty_s: float | Mapping[str, float], keep_unweighted: bool = False
) -> tuple[PickTable, EventTable, list[Notice]]:
    """Read a phase file. Events are parted by blank lines or PUBLIC_ID lines; hypocentres there are none.

    The last event needs no blank line after it. An error of 0 or -1 (which NonLinLoc would square, or take
    for infinite weight) is a missing one and gets the default. The network is that of the instrument
    column where it looks like one.
    """
    rows: list[PickRow] = []
    names: list[str] = []
    current: str | None = None
    for number, text in enumerate(read_text(path).splitlines(), start=1):
        stripped = text.strip()
        if stripped.startswith("#"):
            continue
        if not stripped:
            current = None
        elif stripped.startswith("PUBLIC_ID"):
            current = new_name(re.split(r"[/=#\s]", stripped)[-1], names)
            names.append(current)
        else:
            if current is None:
                current = new_name("", names)
                names.append(current)
            row = _row(stripped.split(), current, path, number)
            check_row(row, file=str(path), line=number)
            rows.append(row)
    if not rows:
        raise InputError(
            "holds no phase line", file=path, field="format", fix="check that it is a NonLinLoc .obs"
        )
    picks, notices = build_picks(
        rows, default_uncertainty_s=default_uncertainty_s, keep_unweighted=keep_unweighted, file=str(path)
    )
    missing = np.full(len(names), np.nan)
    events = EventTable(
        event_id=np.array(names, dtype=object),
        time=np.full(len(names), _NOT_A_TIME),
        latitude=missing,
        longitude=missing,
        depth_km=missing,
        magnitude=missing,
    )
    return picks, events, notices


def _row(cells: list[str], event_id: str, path: str | Path, line: int) -> PickRow:
    """Station, instrument, component, onset, phase, motion, date, hour-minute, seconds, GAU, error."""
    if len(cells) < 9:
        raise InputError(
            f"has {len(cells)} words where a phase line has at least 9",
            file=path,
            line=line,
            field="phase line",
            fix="station ? ? ? P ? 20100527 1656 26.13 GAU 2e-2 -1 -1 -1",
        )
    date, clock, seconds = cells[6:9]
    clock = clock.zfill(4)
    try:
        if not re.fullmatch(r"\d{8}", date) or not re.fullmatch(r"\d{4}", clock):
            raise ValueError(f"{date} {clock}")
        start = np.datetime64(f"{date[:4]}-{date[4:6]}-{date[6:]}T{clock[:2]}:{clock[2:]}:00", "ns")
        value = float(seconds)
        if not -3600.0 < value < 86_400.0:
            raise ValueError(seconds)
    except ValueError as error:
        raise InputError(
            f"{date} {clock} {seconds} is no time",
            file=path,
            line=line,
            field="time",
            fix="write 20100527 1656 26.13",
        ) from error
    uncertainty_s = math.nan
    if len(cells) > 10 and cells[9].upper() == "GAU":
        try:
            uncertainty_s = float(cells[10])
        except ValueError as error:
            raise InputError(
                f"{cells[10]!r} is no pick error", file=path, line=line, field="error", fix="write seconds"
            ) from error
    network = cells[1] if re.fullmatch(r"[A-Z0-9]{2}", cells[1]) else ""
    return PickRow(
        event_id=event_id,
        network=network,
        station=cells[0],
        phase=cells[4],
        time=start + np.timedelta64(round(value * 1e9), "ns"),
        uncertainty_s=uncertainty_s,
    )
