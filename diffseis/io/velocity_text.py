"""One-dimensional velocity models as HASH and SKHASH have them: lines of depth and P speed, without a header."""

from pathlib import Path

import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.tables import VelocityTable
from diffseis.io.guards import read_text
from diffseis.io.velocity_csv import MAX_ROWS, check_velocity


def is_velocity_text(path: str | Path) -> bool:
    """Whether the first line that is no comment is all numbers: there is no header."""
    lines = _lines(path)
    try:
        return bool(lines) and len([float(word) for word in lines[0][1]]) >= 2
    except ValueError:
        return False


def read_velocity_text(path: str | Path, *, vp_vs: float = 3**0.5) -> VelocityTable:
    """Read depths in km below sea level and P speeds in km/s, apart by blanks or commas; speeds are linear between depths, as HASH takes them.

    Args:
        path: the file; lines that begin with ``#`` are comments.
        vp_vs: from which S speeds follow where there is no third column.

    Raises:
        InputError: for what is no number, and models that no part of the Earth has.
    """
    lines = _lines(path)
    if not lines:
        raise InputError("the model has no layers", file=path, fix="add at least one row: depth and P speed")
    if len(lines) > MAX_ROWS:
        raise InputError(f"the model has {len(lines)} rows", file=path, fix=f"give at most {MAX_ROWS}")
    rows = []
    for number, words in lines:
        try:
            values = [float(word) for word in words]
        except ValueError as error:
            why = f"{' '.join(words)[:40]!r} is no row of numbers"
            raise InputError(why, file=path, line=number, fix="write depth and P speed") from error
        if not 2 <= len(values) <= 3 or not np.all(np.isfinite(values)):
            why = f"{' '.join(words)[:40]!r} is no depth and P speed"
            raise InputError(why, file=path, line=number, fix="write two finite numbers")
        rows.append((values[0], values[1], values[2] if len(values) == 3 else values[1] / vp_vs))
    depth, vp, vs = np.array(rows, np.float64).T
    model = VelocityTable(depth, vp, vs, kind="linear", source=Path(path).name)
    check_velocity(
        model,
        lambda row, field, why, fix: InputError(why, file=path, line=lines[row][0], field=field, fix=fix),
    )
    return model


def _lines(path: str | Path) -> list[tuple[int, list[str]]]:
    """Number and words of each line that says something."""
    text = [line.split("#")[0].replace(",", " ").split() for line in read_text(path).splitlines()]
    return [(number, words) for number, words in enumerate(text, start=1) if words]
