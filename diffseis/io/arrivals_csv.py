"""Picks as they come out of a location: every pick of the input, with its residual and weight."""

import csv
import io
from pathlib import Path

import numpy as np

from diffseis.io.atomic import write_text
from diffseis.io.times import format_time
from diffseis.location.catalogue import LocatedCatalogue

_INPUT = ("event_id", "network", "station", "phase", "time", "uncertainty_s", "probability")
_RESULT = {
    "residual_s": 4,
    "weight": 4,
    "outlier_probability": 4,
    "sigma_s": 4,
    "travel_time_s": 4,
    "station_term_s": 4,
    "distance_km": 3,
    "azimuth_deg": 1,
    "takeoff_deg": 1,
}


def write_picks_csv(path: str | Path, catalogue: LocatedCatalogue) -> None:
    """Write ``picks.csv``: the input's columns, what the location made of each pick, then the input's
    further columns.

    It can be read again by `read_picks_csv`. A further column of the input that has the name of a result
    gets ``input_`` before it.
    """
    picks, arrivals = catalogue.picks, catalogue.arrivals
    extra = {
        (f"input_{name}" if name in _RESULT or name in ("status", *_INPUT) else name): column
        for name, column in picks.extra.items()
    }
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*_INPUT, "status", *_RESULT, *extra])
    for i in range(len(picks)):
        row = [picks.event_id[i], picks.network[i], picks.station[i], picks.phase[i]]
        row.append(format_time(picks.time[i], digits=9))
        row += [f"{float(picks.uncertainty_s[i]):.6g}", _cell(picks.probability[i], 4), arrivals.status[i]]
        row += [_cell(getattr(arrivals, name)[i], decimals) for name, decimals in _RESULT.items()]
        row += [_extra(column[i]) for column in extra.values()]
        writer.writerow(row)
    write_text(path, stream.getvalue())


def _cell(value, decimals: int) -> str:
    return f"{float(value):.{decimals}f}" if np.isfinite(value) else ""


def _extra(value) -> str:
    if isinstance(value, np.datetime64):
        return format_time(value, digits=9)
    if isinstance(value, float | np.floating):
        return f"{float(value):.10g}" if np.isfinite(value) else ""
    return str(value)
