"""HypoInverse-2000 archive files (``.arc``, Y2000 columns), which ObsPy does not read.

References:
    Klein (2002), User's guide to HYPOINVERSE-2000, doi:10.3133/ofr02171.
"""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.tables import EventTable, PickTable
from diffseis.io.fixed_columns import FixedLine
from diffseis.io.guards import read_text
from diffseis.io.notices import Notice
from diffseis.io.origins import blank_origin, check_origin, origin_table
from diffseis.io.pick_rows import PickRow, build_picks, check_row

_WEIGHTS = {" ": 1.0, "0": 1.0, "1": 0.75, "2": 0.5, "3": 0.25}
IS_SUMMARY = re.compile(r"\d{4}[ \d]{8}")
"""Summary lines begin with their minute."""


def read_hypoinverse(
    path: str | Path, *, default_uncertainty_s: float | Mapping[str, float], keep_unweighted: bool = False
) -> tuple[PickTable, EventTable, list[Notice]]:
    """Read an archive file: per event a summary line, station lines, and a terminator; shadow lines are
    passed over.
    """
    rows: list[PickRow] = []
    events: list[dict] = []
    for number, text in enumerate(read_text(path, encoding="latin-1").splitlines(), start=1):
        if not text.strip() or text.startswith("$"):
            continue
        if IS_SUMMARY.match(text):
            events.append(hypoinverse_origin(text.ljust(164), path, number, len(events) + 1))
        elif text[:5].strip():
            if not events:
                raise InputError(
                    "starts without a summary line",
                    file=path,
                    line=number,
                    field="format",
                    fix="is it an archive file?",
                )
            for row in _phases(text.ljust(120), events[-1]["event_id"], path, number):
                check_row(row, file=str(path), line=number)
                rows.append(row)
    if not events:
        raise InputError(
            "holds no event", file=path, field="format", fix="check that it is a Y2000 archive file"
        )
    picks, notices = build_picks(
        rows, default_uncertainty_s=default_uncertainty_s, keep_unweighted=keep_unweighted, file=str(path)
    )
    return picks, origin_table(events), notices


def hypoinverse_origin(text: str, path: str | Path, line: int, count: int) -> dict[str, Any]:
    """The hypocentre of a summary line of 164 columns; `count` names one without an id."""
    row = FixedLine(text, path, line)
    latitude = row.degrees((17, 2), (20, 4, 2), "latitude")
    longitude = row.degrees((24, 3), (28, 4, 2), "longitude")
    horizontal_km = row.number(86, 4, "horizontal error", 2)
    event = blank_origin(
        row.word(137, 10) or f"event{count:05d}",
        time=_time(text[:12], row, 13, 4),
        latitude=-latitude if text[18] == "S" else latitude,
        longitude=longitude if text[26] == "E" else -longitude,
        depth_km=row.number(32, 5, "depth", 2),
        magnitude=row.number(148, 3, "magnitude", 2),
        rms_s=row.number(49, 4, "rms", 2),
        gap_deg=row.number(43, 3, "gap"),
        vertical_error_km=row.number(90, 4, "vertical error", 2),
        latitude_error_km=horizontal_km,
        longitude_error_km=horizontal_km,
    )
    check_origin(event, path, line)
    return event


def _phases(text: str, event_id: str, path: str | Path, line: int) -> list[PickRow]:
    """The P and S reading of a station line."""
    fixed = FixedLine(text, path, line)
    get = fixed.number
    shared: dict[str, Any] = {
        "event_id": event_id,
        "network": text[5:7].strip(),
        "station": text[:5].strip(),
        "distance_km": get(75, 4, "distance", 1),
        "takeoff_deg": get(79, 3, "emergence angle"),
        "azimuth_deg": get(92, 3, "azimuth"),
    }
    rows = []
    if text[13:15].strip():
        rows.append(
            PickRow(
                **shared,
                phase="P",
                time=_time(text[17:29], fixed, 30, 5),
                quality_weight=_WEIGHTS.get(text[16], 0.0),
                residual_s=get(35, 4, "P residual", 2),
                weight=get(39, 3, "P weight", 2),
            )
        )
    if text[46:48].strip():
        rows.append(
            PickRow(
                **shared,
                phase="S",
                time=_time(text[17:29], fixed, 42, 5),
                quality_weight=_WEIGHTS.get(text[49], 0.0),
                residual_s=get(51, 4, "S residual", 2),
                weight=get(64, 3, "S weight", 2),
            )
        )
    return rows


def _time(minute: str, row: FixedLine, first: int, size: int) -> np.datetime64:
    """Of twelve digits from the year to the minute, and seconds in columns of the line."""
    digits = minute.replace(" ", "0")
    value = row.number(first, size, "seconds", 2)
    try:
        start = np.datetime64(
            f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}T{digits[8:10]}:{digits[10:]}:00", "ns"
        )
    except ValueError as error:
        raise row.error(f"{minute!r} is no date and minute", "time") from error
    if not math.isfinite(value):
        raise row.error("there are no seconds", "seconds")
    return start + np.timedelta64(round(value * 1e9), "ns")
