"""Computed seismograms as ObsPy Streams: channels Z, N, E in SI units."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from diffseis.core.errors import InputError
from diffseis.io.atomic import atomic_path

_BANDS = ((1000.0, "G"), (250.0, "D"), (80.0, "E"), (10.0, "S"), (1.0, "M"), (0.1, "L"))
"""Lowest sampling rates in Hz of SEED's band codes, without a corner below 0.1 Hz."""
_LONG_BANDS = ((1000.0, "F"), (250.0, "C"), (80.0, "H"), (10.0, "B"), (1.0, "M"), (0.1, "L"))
"""The same for records that reach periods of ten seconds and longer."""
_CORNER_S = 10.0
_LENGTHS = {"network": 2, "station": 5}


def band_code(rate_hz: float, longest_period_s: float = np.inf) -> str:
    """The first letter of a channel code (SEED manual 2.4, appendix A).

    Args:
        rate_hz: samples per second.
        longest_period_s: in the record; computed seismograms, which have all, are broad-band.
    """
    if not (np.isfinite(rate_hz) and rate_hz > 0):
        raise ValueError(f"`rate_hz` must be above 0 and finite, got {rate_hz}")
    bands = _LONG_BANDS if longest_period_s >= _CORNER_S else _BANDS
    return next((code for lowest, code in bands if rate_hz >= lowest), "V" if rate_hz >= 0.01 else "U")


def to_stream(
    records: Float[np.ndarray, "receiver dim time"],
    station_ids: Sequence[str],
    reference_time: np.datetime64,
    dt_s: float,
    *,
    azimuth_rad: float | None = None,
    location: str = "SY",
    instrument: str = "X",
) -> Any:
    """An `obspy.Stream` of the channels Z, N and E for each station.

    Args:
        records: north, east, down (in three dimensions) or along the section, down (in two), in km or km/s: they become m or m/s, and down becomes
            up. Channels that are not finite are left out.
        station_ids: ``network.station`` of each.
        reference_time: UTC of the first sample.
        dt_s: the interval.
        azimuth_rad: of a two-dimensional section's horizontal axis, clockwise from north. With it horizontal motion is turned into north and
            east; without it the channels are Z and R.
        location: code that says that data are synthetic.
        instrument: second letter of channel codes; X is for derived and synthetic data.

    Raises:
        InputError: for codes that miniSEED cannot hold.
    """
    from obspy import Stream, Trace, UTCDateTime

    records = np.asarray(records, np.float64)
    if records.shape[0] != len(station_ids):
        raise ValueError(f"{records.shape[0]} records for {len(station_ids)} stations")
    if records.shape[1] not in (2, 3):
        raise ValueError(f"records need two or three components, got {records.shape[1]}")
    start = UTCDateTime(ns=int(reference_time.astype("datetime64[ns]").astype(np.int64)))
    prefix = band_code(1 / dt_s) + instrument
    traces = []
    for name, record in zip(station_ids, records, strict=True):
        network, station = _codes(name)
        for letter, values in _channels(record * 1000.0, azimuth_rad).items():
            if not np.all(np.isfinite(values)):
                continue
            header = {
                "network": network,
                "station": station,
                "location": location,
                "channel": prefix + letter,
                "starttime": start,
                "delta": dt_s,
            }
            traces.append(Trace(np.ascontiguousarray(values), header))
    return Stream(traces)


def write_mseed(path: str | Path, stream: Any) -> None:
    """Write a Stream as miniSEED, in double precision."""
    if len(stream) == 0:
        raise InputError("there are no seismograms to write", file=path, fix="check that a station recorded")
    with atomic_path(path) as temporary:
        stream.write(str(temporary), format="MSEED", encoding="FLOAT64")


def check_station_id(name: str) -> None:
    """Refuse a ``network.station`` that miniSEED cannot hold.

    Raises:
        InputError: which says how long codes may be.
    """
    _codes(name)


def _codes(name: str) -> tuple[str, str]:
    network, _, station = name.rpartition(".")
    for what, code in (("network", network), ("station", station)):
        if len(code) > _LENGTHS[what] or (code and not code.isascii()) or (what == "station" and not code):
            raise InputError(
                f"{code!r} of {name} is no {what} code for miniSEED",
                field=what,
                fix=f"give at most {_LENGTHS[what]} letters and digits",
            )
    return network, station


def _channels(record, azimuth_rad: float | None) -> dict[str, np.ndarray]:
    """In the order Z, N, E."""
    if record.shape[0] == 3:
        return {"Z": -record[2], "N": record[0], "E": record[1]}
    if azimuth_rad is None:
        return {"Z": -record[1], "R": record[0]}
    return {"Z": -record[1], "N": np.cos(azimuth_rad) * record[0], "E": np.sin(azimuth_rad) * record[0]}
