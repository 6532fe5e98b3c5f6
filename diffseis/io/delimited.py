"""CSV with exact line numbers, free order and case of columns, and errors that name the nearest column.

Tolerated: a byte-order mark, any line ending, blank lines, lines that start with ``#``. Not tolerated:
rows of another length than the header, repeated columns, numbers that are not plain numbers (``1_000``,
``0x1F``, ``12,5``).
"""

import csv
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from diffseis.core.errors import InputError
from diffseis.io.guards import read_text

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_MISSING = {"", "nan", "na", "n/a", "none", "null", "-"}
_UNITS = {"s", "ms", "us", "m", "km", "deg", "rad", "km_s", "m_s", "km2", "hz"}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True)
class Delimited:
    """A CSV file as strings.

    Attributes:
        path: where it came from.
        names: columns, lower case.
        rows: cells without surrounding blanks; every row as long as `names`.
        lines: 1-based line of each row.
    """

    path: str
    names: list[str]
    rows: list[list[str]]
    lines: list[int]

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> list[str]:
        """The cells of one column."""
        at = self.names.index(name)
        return [row[at] for row in self.rows]

    def extra(self, known: Sequence[str]) -> dict[str, np.ndarray]:
        """All columns that are not `known`, as strings."""
        return {n: np.array(self.column(n), dtype=object) for n in self.names if n not in known}

    def error(self, row: int, field: str, why: str, fix: str) -> InputError:
        """The refusal of one cell."""
        return InputError(why, file=self.path, line=self.lines[row], field=field, fix=fix)


def read_delimited(
    path: str | Path,
    required: Sequence[str],
    optional: Sequence[str] = (),
    *,
    instead: Mapping[str, tuple[str, str]] | None = None,
) -> Delimited:
    """Read a CSV file that must have the `required` columns.

    Args:
        path: the file; may be gzip.
        required: columns it must have.
        optional: columns it may have; with `required` they are what misspelled columns are compared with.
        instead: for columns that hold another quantity than a required one that is missing: the required one and how it
            is made of them.
    """
    text = read_text(path)
    records = _records(text, path)
    head = next(records, None)
    if head is None:
        raise InputError(
            "holds no line but comments and blanks",
            file=path,
            fix=f"the first line must be {','.join(required)}",
        )
    line, cells = head
    names = [cell.strip().lower() for cell in cells]
    _check_header(names, line, path, required, optional, instead or {})
    rows, lines = [], []
    for line, cells in records:
        if len(cells) != len(names):
            fix = "decimal commas? use points" if len(cells) > len(names) else "is the line cut off?"
            raise InputError(
                f"has {len(cells)} cells where the header has {len(names)} columns",
                file=path,
                line=line,
                fix=fix,
            )
        rows.append([cell.strip() for cell in cells])
        lines.append(line)
    return Delimited(str(path), names, rows, lines)


def _records(text: str, path: str | Path) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each record; comments are blanked so that the numbers stay right."""
    normal = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = ("" if line.lstrip().startswith("#") else line for line in normal.split("\n"))
    reader = csv.reader(lines, strict=True, skipinitialspace=True)
    line = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(
                f"is no valid CSV ({error})", file=path, line=line, fix="check the quotes on this line"
            ) from error
        if any(cell.strip() for cell in cells):
            bad = next((cell for cell in cells if _CONTROL.search(cell)), None)
            if bad is not None:
                raise InputError(
                    f"holds a control character in {bad[:40]!r}",
                    file=path,
                    line=line,
                    fix="the file is damaged; copy it again",
                )
            yield line, cells
        line = reader.line_num + 1


def _check_header(
    names: list[str],
    line: int,
    path: str | Path,
    required: Sequence[str],
    optional: Sequence[str],
    instead: Mapping[str, tuple[str, str]],
):
    if len(names) == 1 and len(required) + len(optional) > 1:
        for separator, word in ((";", "semicolons"), ("\t", "tabs"), (" ", "blanks")):
            if separator in names[0]:
                raise InputError(
                    f"its columns are separated by {word}",
                    file=path,
                    line=line,
                    fix="separate them by commas",
                )
    repeated = sorted({n for n in names if names.count(n) > 1})
    if repeated:
        raise InputError(
            "the column appears twice", file=path, line=line, field=repeated[0], fix="remove one of them"
        )
    for other, (name, fix) in instead.items():
        if other in names and name not in names:
            raise InputError(
                f"the column `{name}` is needed, but the file has `{other}`",
                file=path,
                line=line,
                field=other,
                fix=fix,
            )
    wanted = [*required, *optional]
    unknown = [n for n in names if n not in wanted]
    for name in wanted:
        other = next((u for u in unknown if name not in names and _same_but_unit(name, u)), None)
        if other is not None:
            raise InputError(
                f"the column `{name}` is needed, but the file has `{other}`",
                file=path,
                line=line,
                field=other,
                fix=f"convert the values to the unit in the name and call the column `{name}`",
            )
    for name in required:
        if name not in names:
            near = get_close_matches(name, unknown, n=1, cutoff=0.5)
            hint = f"rename `{near[0]}`" if near else "add it"
            raise InputError(
                f"the column `{name}` is missing" + (f"; the nearest is `{near[0]}`" if near else ""),
                file=path,
                line=line,
                field=name,
                fix=f"{hint}; the header must hold {','.join(required)}",
            )


def split_unit(name: str) -> tuple[str, str]:
    """``depth_km`` as (``depth``, ``km``); the unit is "" where there is none."""
    for unit in sorted(_UNITS, key=len, reverse=True):
        if name.endswith("_" + unit):
            return name[: -len(unit) - 1], unit
    return name, ""


def _same_but_unit(name: str, other: str) -> bool:
    stem, unit = split_unit(name)
    other_stem, other_unit = split_unit(other)
    return bool(unit) and stem == other_stem and unit != other_unit


def is_missing(cell: str) -> bool:
    """Whether a cell stands for no value."""
    return cell.lower() in _MISSING


def parse_number(table: Delimited, row: int, field: str, cell: str, *, missing_ok: bool = False) -> float:
    """A cell as a finite number, or NaN where it is missing and may be."""
    if missing_ok and is_missing(cell):
        return math.nan
    if not _NUMBER.fullmatch(cell):
        why = f"{cell[:40]!r} is no finite number" if cell else "there is no value"
        raise table.error(row, field, why, "write a plain decimal number")
    value = float(cell)
    if not math.isfinite(value):
        raise table.error(row, field, f"{cell[:40]!r} is too large", "check the value")
    return value


def number_column(table: Delimited, field: str, *, missing_ok: bool = False) -> np.ndarray:
    """A column of numbers."""
    cells = table.column(field)
    return np.array(
        [parse_number(table, i, field, cell, missing_ok=missing_ok) for i, cell in enumerate(cells)],
        dtype=np.float64,
    )


def code_column(table: Delimited, field: str, *, empty_ok: bool = False) -> np.ndarray:
    """A column of names, none of them empty unless allowed."""
    cells = table.column(field)
    for i, cell in enumerate(cells):
        if not cell and not empty_ok:
            raise table.error(i, field, "there is no value", f"every row needs its {field}")
        if len(cell) > 256:
            raise table.error(i, field, f"{cell[:20]!r}... has {len(cell)} characters", "use at most 256")
    return np.array(cells, dtype=object)
