"""Rows of words and numbers as CSV."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from diffseis.io.atomic import write_text


def write_rows_csv(
    path: str | Path,
    head: Sequence[str],
    rows: Iterable[Sequence[Any]],
    formats: Mapping[str, str] | None = None,
) -> None:
    """Write rows; what is no number stays empty.

    Args:
        path: the file.
        head: names of the columns.
        rows: each as long as `head`.
        formats: of columns of numbers that are not written with six digits, such as ``.5f``.

    Raises:
        OutputError: if it cannot be written.
    """
    form = [(formats or {}).get(name, ".6g") for name in head]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(head)
    for row in rows:
        writer.writerow([_cell(x, f) for x, f in zip(row, form, strict=True)])
    write_text(path, stream.getvalue())


def _cell(value: Any, form: str) -> str:
    if isinstance(value, float | np.floating):
        return format(value, form) if np.isfinite(value) else ""
    return str(value)
