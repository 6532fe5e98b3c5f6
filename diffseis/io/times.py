"""UTC times as text: ISO 8601 in and out, exact to the nanosecond."""

import re

import numpy as np

_ISO = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9})\d*)?)?"
    r"\s*(Z|z|UTC|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)
FIRST_YEAR, LAST_YEAR = 1850, 2150
"""Years that a time of an earthquake or a pick may have."""


def parse_time(text: str) -> np.datetime64:
    """One ISO time, with or without ``Z``; an offset is taken off. Without any it is UTC.

    Raises:
        ValueError: a sentence fragment that says what is wrong.
    """
    match = _ISO.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text[:40]!r} is no ISO time such as 2016-10-14T00:00:10.51Z")
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    if not FIRST_YEAR <= int(year) <= LAST_YEAR:
        raise ValueError(f"the year {year} lies outside {FIRST_YEAR} to {LAST_YEAR}")
    if second == "60":
        raise ValueError(f"{text[:40]!r} is in a leap second, which has no place in UTC seconds")
    try:
        time = np.datetime64(f"{year}-{month}-{day}T{hour}:{minute}:{second or '00'}", "ns")
    except ValueError:
        raise ValueError(f"{text[:40]!r} is no date and time of the calendar") from None
    if fraction:
        time = time + np.timedelta64(int(fraction.ljust(9, "0")), "ns")
    if zone and zone not in ("Z", "z", "UTC"):
        hours, minutes = int(zone[1:3]), int(zone[-2:])
        if hours > 14 or minutes > 59:
            raise ValueError(f"the offset {zone} is no time zone")
        offset = np.timedelta64((hours * 60 + minutes) * (1 if zone[0] == "+" else -1), "m")
        time = time - offset
    return time


def format_time(time: np.datetime64, *, digits: int = 6) -> str:
    """ISO with ``Z`` and as many decimals as needed, at least 3 and at most 9; rounded to `digits` first.
    "" for NaT.
    """
    if np.isnat(time):
        return ""
    step = 10 ** (9 - digits)
    nanoseconds = int(time.astype("datetime64[ns]").astype(np.int64))
    nanoseconds = (nanoseconds + step // 2) // step * step
    text = str(np.datetime64(nanoseconds, "ns"))
    head, fraction = text.split(".")
    return f"{head}.{fraction.rstrip('0').ljust(3, '0')}Z"
