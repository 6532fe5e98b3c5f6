"""Amplitudes of P and S and their station corrections, as HASH's third driver reads them.

Per event a line with its id and the number of lines that follow: station, channel, network, two words that are not used, the noise
before P and before S, and the amplitudes of P and S. Corrections: station, channel, network, and what is taken off log10(S/P).
"""

import math
from collections.abc import Mapping
from pathlib import Path

from diffseis.core.errors import InputError
from diffseis.io.amplitude_ratios import Amplitudes
from diffseis.io.fixed_columns import fixed_lines
from diffseis.io.instruments import band_of
from diffseis.io.notices import Notice
from diffseis.io.rays import left_out

Corrections = Mapping[tuple[str, str], float]
"""By station and band: what is taken off log10(S/P)."""


def read_hash_amplitudes(path: str | Path) -> tuple[list[Amplitudes], list[Notice]]:
    """All lines of amplitudes; those that cannot be read are left out and counted."""
    found, refused = [], []
    event_id = ""
    for line in fixed_lines(path):
        words = line.text.split()
        if len(words) in (1, 2):
            event_id = words[0]
        elif words:
            try:
                found.append(_amplitudes(words, event_id, path, line.line))
            except InputError as error:
                refused.append(error)
    if not found:
        raise (
            refused[0]
            if refused
            else InputError("holds no amplitude", file=path, field="format", fix="name another")
        )
    return found, left_out(refused, path)


def _amplitudes(words: list[str], event_id: str, path: str | Path, line: int) -> Amplitudes:
    if len(words) < 7 or not event_id:
        raise InputError(
            f"has {len(words)} words, or no event before it",
            file=path,
            line=line,
            field="amplitudes",
            fix="station channel network - - noise_p noise_s p s",
        )
    numbers = [abs(_number(word, path, line, "amplitude")) for word in words[-4:]]
    return Amplitudes(event_id, words[2], words[0], words[1], *numbers)


def read_hash_corrections(path: str | Path) -> tuple[Corrections, list[Notice]]:
    """Corrections by station and the first two letters of the channel, V taken for E; the first of several holds."""
    found: dict[tuple[str, str], float] = {}
    refused = []
    for line in fixed_lines(path):
        words = line.text.split()
        if not words:
            continue
        try:
            if len(words) < 3:
                raise InputError(
                    "is too short",
                    file=path,
                    line=line.line,
                    field="correction",
                    fix="name channel network value",
                )
            found.setdefault((words[0], band_of(words[1])), _number(words[-1], path, line.line, "correction"))
        except InputError as error:
            refused.append(error)
    return found, left_out(refused, path)


def _number(word: str, path: str | Path, line: int, field: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(
            f"{word[:20]!r} is no number", file=path, line=line, field=field, fix="check the columns"
        )
    return value
