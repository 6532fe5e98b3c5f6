"""The catalogue as CSV: one row per event, located or not.

Errors are half-widths of the central 68 % interval of a marginal of the posterior; the ``cov_`` columns
are its covariance in north, east and down. Numbers of an event that was not located are empty.
"""

import csv
import io
from pathlib import Path

import numpy as np

from diffseis.io.atomic import write_text
from diffseis.io.delimited import code_column, is_missing, number_column, read_delimited
from diffseis.io.times import format_time, parse_time
from diffseis.location.catalogue import REGION_LEVELS, LocatedEvents, add_seconds

_COVARIANCE = {
    "cov_nn_km2": (0, 0),
    "cov_ne_km2": (0, 1),
    "cov_nd_km2": (0, 2),
    "cov_ee_km2": (1, 1),
    "cov_ed_km2": (1, 2),
    "cov_dd_km2": (2, 2),
}
_VOLUMES = tuple(f"region_{100 * level:g}_km3" for level in REGION_LEVELS)

_DECIMALS = {
    "latitude": 6,
    "longitude": 6,
    "depth_km": 4,
    "horizontal_error_km": 4,
    "vertical_error_km": 4,
    "rms_s": 4,
    "gap_deg": 1,
    "nearest_km": 3,
    "origin_time_error_s": 4,
    "map_latitude": 6,
    "map_longitude": 6,
    "map_depth_km": 4,
    "effective_sample_size": 4,
    "kernel_stein_discrepancy": 5,
}
_COUNTS = ("num_phases", "num_stations", "num_modes")

COLUMNS = (
    "event_id",
    "time",
    "latitude",
    "longitude",
    "depth_km",
    "status",
    "horizontal_error_km",
    "vertical_error_km",
    *_COVARIANCE,
    "rms_s",
    "num_phases",
    "num_stations",
    "gap_deg",
    "nearest_km",
    "origin_time_error_s",
    "map_time",
    "map_latitude",
    "map_longitude",
    "map_depth_km",
    *_VOLUMES,
    "num_modes",
    "effective_sample_size",
    "kernel_stein_discrepancy",
    "reference_time",
    "reason",
)
"""Columns of ``catalog.csv``, in their order."""


def write_catalogue_csv(path: str | Path, events: LocatedEvents) -> None:
    """Write one row per event, in order."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    times = {
        "time": (events.time, 6),
        "map_time": (add_seconds(events.reference_time, events.map_origin_time_s), 6),
        "reference_time": (np.asarray(events.reference_time), 9),
    }
    for i in range(len(events)):
        cells = []
        for name in COLUMNS:
            if name in times:
                column, digits = times[name]
                cells.append(format_time(column[i], digits=digits))
            elif name in _COVARIANCE:
                cells.append(_general(events.covariance_km2[i][_COVARIANCE[name]]))
            elif name in _VOLUMES:
                cells.append(_general(events.region_volume_km3[i][_VOLUMES.index(name)]))
            elif name in _COUNTS:
                cells.append(_count(getattr(events, name)[i]))
            elif name in _DECIMALS:
                cells.append(fixed(getattr(events, name)[i], _DECIMALS[name]))
            else:
                cells.append(str(getattr(events, name)[i]))
        writer.writerow(cells)
    write_text(path, stream.getvalue())


def fixed(value, decimals: int) -> str:
    """A number with so many decimals, nothing for what is not finite, and no minus before a zero."""
    text = f"{float(value):.{decimals}f}" if np.isfinite(value) else ""
    return text.removeprefix("-") if text and float(text) == 0 else text


def _general(value) -> str:
    return f"{float(value):.6g}" if np.isfinite(value) else ""


def _count(value) -> str:
    return str(int(value)) if np.isfinite(value) else ""


def read_catalogue_csv(path: str | Path) -> LocatedEvents:
    """Read back what `write_catalogue_csv` wrote, to its rounding."""
    table = read_delimited(path, COLUMNS)
    number = {
        name: number_column(table, name, missing_ok=True)
        for name in COLUMNS
        if name in _DECIMALS or name in _COUNTS or name in _COVARIANCE or name in _VOLUMES
    }
    when = {name: np.full(len(table), np.datetime64("NaT"), "datetime64[ns]") for name in _TIMES}
    for name, column in when.items():
        for i, cell in enumerate(table.column(name)):
            if is_missing(cell):
                continue
            try:
                column[i] = parse_time(cell)
            except ValueError as error:
                raise table.error(i, name, str(error), "the file was changed; write it anew") from error
    for i in np.flatnonzero((np.abs(number["latitude"]) > 90) | (np.abs(number["longitude"]) > 180)):
        raise table.error(
            int(i), "latitude", "the place is none on Earth", "the file was changed; write it anew"
        )
    covariance_km2 = np.full((len(table), 3, 3), np.nan)
    for name, (a, b) in _COVARIANCE.items():
        covariance_km2[:, a, b] = covariance_km2[:, b, a] = number[name]
    counts = {name: np.where(np.isfinite(number[name]), number[name], 0).astype(np.int64) for name in _COUNTS}
    return LocatedEvents(
        event_id=code_column(table, "event_id"),
        reference_time=when["reference_time"],
        status=code_column(table, "status"),
        reason=code_column(table, "reason", empty_ok=True),
        origin_time_s=_seconds(when["time"], when["reference_time"]),
        map_origin_time_s=_seconds(when["map_time"], when["reference_time"]),
        covariance_km2=covariance_km2,
        region_volume_km3=np.stack([number[name] for name in _VOLUMES], axis=-1),
        **counts,
        **{name: number[name] for name in _DECIMALS},
    )


_TIMES = ("time", "map_time", "reference_time")


def _seconds(time: np.ndarray, reference: np.ndarray) -> np.ndarray:
    difference = time - reference
    return np.where(np.isnat(difference), np.nan, difference / np.timedelta64(1, "ns") * 1e-9)
