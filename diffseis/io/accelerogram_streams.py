"""Strong-motion records that ObsPy reads: miniSEED, SAC, K-NET and KiK-net ASCII."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from diffseis.core.errors import InputError
from diffseis.io.accelerograms import M_S2_BY_UNIT, Accelerogram
from diffseis.io.notices import Notice
from diffseis.io.obspy_guard import read_stream_file

_MINISEED = re.compile(rb"[0-9 ]{6}[DRQM][ \x00]")
_SAC_VERSION_AT = 304


def is_miniseed(head: bytes) -> bool:
    """Whether bytes begin a miniSEED file, version 2 or 3."""
    return bool(_MINISEED.match(head)) or head.startswith(b"MS\x03")


def is_sac(head: bytes) -> bool:
    """Whether bytes begin a binary SAC file, by the version in its header."""
    version = head[_SAC_VERSION_AT : _SAC_VERSION_AT + 4]
    return any(int.from_bytes(version, order) in (6, 7) for order in ("little", "big"))


def read_knet(
    path: str | Path, unit: str | None = None, inventory: Any = None
) -> tuple[list[Accelerogram], list[Notice]]:
    """K-NET and KiK-net ASCII, which have their scale; a digit behind the direction tells KiK-net's borehole (1) from its surface (2)."""
    stream, notices = read_stream_file(path, "KNET")
    records = []
    for trace in stream:
        channel = trace.stats.channel.rstrip("0123456789")
        digit = trace.stats.channel[len(channel) :]
        values = np.asarray(trace.data, np.float64) * trace.stats.calib
        records.append(_record(trace, values, path, location=digit, channel=channel))
    return records, notices


def read_miniseed(
    path: str | Path, unit: str | None = None, inventory: Any = None
) -> tuple[list[Accelerogram], list[Notice]]:
    """miniSEED: counts with an inventory, or accelerations with a unit. Pieces of one channel that follow each other are joined."""
    return _read(path, "MSEED", unit, inventory)


def read_sac(
    path: str | Path, unit: str | None = None, inventory: Any = None
) -> tuple[list[Accelerogram], list[Notice]]:
    """SAC, as `read_miniseed`; the azimuth is that of its header."""
    return _read(path, "SAC", unit, inventory)


def _read(path, format, unit, inventory) -> tuple[list[Accelerogram], list[Notice]]:
    stream, notices = read_stream_file(path, format)
    if unit is None and inventory is None:
        raise InputError(
            "holds numbers of a unit that it does not tell",
            file=path,
            field="unit",
            fix="give --inventory with the response for counts, or --units g, m/s2 or cm/s2 for accelerations",
        )
    try:
        stream.merge(method=1)
    except Exception as error:  # ObsPy raises Exception itself for pieces of different rates
        raise InputError(
            f"holds pieces that do not go together ({error})",
            file=path,
            field="records",
            fix="split the file",
        ) from error
    return [_of_trace(trace, path, unit, inventory) for trace in stream], notices


def _of_trace(trace, path, unit, inventory) -> Accelerogram:
    if np.ma.is_masked(trace.data):
        missing = int(np.sum(trace.data.mask)) * trace.stats.delta
        return _record(trace, np.zeros(0), path, problem=f"gap of {missing:g} s")
    if inventory is None:
        return _record(trace, np.asarray(trace.data, np.float64) * M_S2_BY_UNIT[unit], path)
    try:
        response = inventory.get_response(trace.id, trace.stats.starttime)
        kind = (response.instrument_sensitivity.input_units or "").upper()
        trace = trace.copy()
        if kind in ("M/S**2", "M/S2", "M/(S**2)"):
            # An accelerometer is flat up to where its record ends: dividing keeps the ends of the record as they are.
            values = np.asarray(trace.data, np.float64) / response.instrument_sensitivity.value
            remarks = ()
        else:
            trace.remove_response(inventory=inventory, output="ACC", water_level=60.0)
            values = np.asarray(trace.data, np.float64)
            remarks = (f"acceleration from {kind or 'unknown units'} by its response, tapered at both ends",)
        azimuth = inventory.get_orientation(trace.id, trace.stats.starttime)["azimuth"]
    except Exception as error:  # ObsPy raises whatever its parsers raise, Exception itself included
        why = f"no response for {trace.id} ({str(error)[:80]})"
        return _record(trace, np.zeros(0), path, problem=why)
    azimuth = float("nan") if azimuth is None else float(azimuth)
    return _record(trace, values, path, azimuth_deg=azimuth, remarks=remarks)


def _record(
    trace, values, path, *, location=None, channel=None, problem="", azimuth_deg=None, remarks=()
) -> Accelerogram:
    stats = trace.stats
    if azimuth_deg is None:
        azimuth_deg = _sac_azimuth(stats)
    made = Accelerogram(
        network=stats.network,
        station=stats.station,
        location=stats.location if location is None else location,
        channel=stats.channel if channel is None else channel,
        start=np.datetime64(stats.starttime.ns, "ns"),
        dt_s=float(stats.delta),
        acceleration_m_s2=values,
        azimuth_deg=azimuth_deg,
        file=str(path),
        problem=problem,
        remarks=remarks,
    )
    return made


def _sac_azimuth(stats) -> float:
    header = getattr(stats, "sac", None) or {}
    azimuth = float(header.get("cmpaz", float("nan")))
    return azimuth if 0 <= azimuth <= 360 else float("nan")
