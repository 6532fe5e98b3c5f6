"""Intensity measures as CSV: one row per instrument and component."""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from diffseis.io.atomic import write_text

NAMES = (
    "network", "station", "location", "component", "channels", "start", "num_samples", "dt_s", "status", "reason",
)  # fmt: skip
"""Columns before the measures."""


@dataclass(frozen=True)
class IntensityRow:
    """What one instrument and component gave.

    Attributes:
        network, station, location, component, channels, start: what it is.
        num_samples, dt_s: of the record; 0 where there is none.
        status: ``ok``, or why there are no numbers, in a word.
        reason: the same in a sentence, and what looked odd where there are numbers.
        values: by measure.
        files: what was read.
    """

    network: str
    station: str
    location: str
    component: str
    channels: str
    start: str
    num_samples: int
    dt_s: float
    status: str
    reason: str
    values: dict[str, float] = field(default_factory=dict)
    files: tuple[str, ...] = ()


def write_intensity_csv(path: str | Path, rows: Sequence[IntensityRow], measures: Sequence[str]) -> None:
    """Write the table; cells of what was not measured are empty, numbers have seven digits."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*NAMES, *measures, "files"])
    for row in rows:
        values = [row.values.get(name, math.nan) for name in measures]
        cells = [f"{v:.7g}" if math.isfinite(v) else "" for v in values]
        head = [getattr(row, name) for name in NAMES]
        head[NAMES.index("dt_s")] = f"{row.dt_s:.9g}" if row.dt_s > 0 else ""
        head[NAMES.index("num_samples")] = row.num_samples or ""
        writer.writerow([*head, *cells, " ".join(row.files)])
    write_text(path, stream.getvalue())
