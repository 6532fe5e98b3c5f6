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
from diffseis.io.guards import read_text
from diffseis.io.notices import Notice
from diffseis.io.obspy_events import ORIGIN_EXTRA, check_place
from diffseis.io.pick_rows import PickRow, build_picks, check_row, check_time

_WEIGHTS = {" ": 1.0, "0": 1.0, "1": 0.75, "2": 0.5, "3": 0.25}
_HEADER = re.compile(r"\d{4}[ \d]{8}")


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
        if _HEADER.match(text):
            events.append(_event(text.ljust(164), path, number, len(events) + 1))
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
    column = lambda name: np.array([e[name] for e in events], dtype=np.float64)
    table = EventTable(
        event_id=np.array([e["event_id"] for e in events], dtype=object),
        time=np.array([e["time"] for e in events], "datetime64[ns]"),
        latitude=column("latitude"),
        longitude=column("longitude"),
        depth_km=column("depth_km"),
        magnitude=column("magnitude"),
        extra={name: column(name) for name in ORIGIN_EXTRA},
    )
    return picks, table, notices


def _number(text: str, path: str | Path, line: int, field: str, *, decimals: int = 0) -> float:
    """A Fortran number: without a point its last `decimals` digits are decimals; blank is NaN."""
    word = text.strip()
    if not word:
        return math.nan
    if not re.fullmatch(r"-?\d*\.?\d*", word) or not re.search(r"\d", word):
        raise InputError(f"{text!r} is no number", file=path, line=line, field=field, fix="check the columns")
    return float(word) if "." in word else float(word) / 10.0**decimals


def _event(text: str, path: str | Path, line: int, count: int) -> dict:
    get = lambda first, size, field, decimals=0: _number(
        text[first - 1 : first - 1 + size], path, line, field, decimals=decimals
    )
    latitude = get(17, 2, "latitude") + get(20, 4, "latitude", 2) / 60.0
    longitude = get(24, 3, "longitude") + get(28, 4, "longitude", 2) / 60.0
    event: dict[str, Any] = dict.fromkeys(ORIGIN_EXTRA, math.nan)
    event |= {
        "event_id": text[136:146].strip() or f"event{count:05d}",
        "time": _time(text[:12], text[12:16], path, line),
        "latitude": -latitude if text[18] == "S" else latitude,
        "longitude": longitude if text[26] == "E" else -longitude,
        "depth_km": get(32, 5, "depth", 2),
        "magnitude": get(148, 3, "magnitude", 2),
        "rms_s": get(49, 4, "rms", 2),
        "gap_deg": get(43, 3, "gap"),
        "vertical_error_km": get(90, 4, "vertical error", 2),
    }
    event["latitude_error_km"] = event["longitude_error_km"] = get(86, 4, "horizontal error", 2)
    check_place(event, event["event_id"], path, line)
    check_time(event["time"], file=str(path), line=line, event_id=event["event_id"])
    return event


def _phases(text: str, event_id: str, path: str | Path, line: int) -> list[PickRow]:
    """The P and S reading of a station line."""
    get = lambda first, size, field, decimals=0: _number(
        text[first - 1 : first - 1 + size], path, line, field, decimals=decimals
    )
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
                time=_time(text[17:29], text[29:34], path, line),
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
                time=_time(text[17:29], text[41:46], path, line),
                quality_weight=_WEIGHTS.get(text[49], 0.0),
                residual_s=get(51, 4, "S residual", 2),
                weight=get(64, 3, "S weight", 2),
            )
        )
    return rows


def _time(minute: str, seconds: str, path: str | Path, line: int) -> np.datetime64:
    digits = minute.replace(" ", "0")
    value = _number(seconds, path, line, "seconds", decimals=2)
    try:
        start = np.datetime64(
            f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}T{digits[8:10]}:{digits[10:]}:00", "ns"
        )
    except ValueError as error:
        raise InputError(
            f"{minute!r} is no date and minute", file=path, line=line, field="time", fix="check the columns"
        ) from error
    if not math.isfinite(value):
        raise InputError(
            "there are no seconds", file=path, line=line, field="seconds", fix="check the columns"
        )
    return start + np.timedelta64(round(value * 1e9), "ns")
