"""Text formats of strong-motion records: PEER AT2, SMC, BBP, CSV."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from diffseis.core.errors import InputError
from diffseis.io.accelerograms import M_S2_BY_UNIT, Accelerogram
from diffseis.io.delimited import read_delimited
from diffseis.io.guards import read_text
from diffseis.io.notices import Notice

_FLOAT = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[EeDd][+-]?\d+)?")
_NO_TIME = np.datetime64("NaT", "ns")
_SMC_KINDS = {"3": "velocity", "4": "displacement"}
_CSV_UNITS = {"g": "g", "m_s2": "m/s2", "cm_s2": "cm/s2"}
_TIMES = ("time_s", "time", "t", "t_s")

Records = tuple[list[Accelerogram], list[Notice]]


def read_at2(path: str | Path, unit: str | None = None, inventory: Any = None) -> Records:
    """PEER's format of the NGA databases, old and new: four lines of text, then samples in g."""
    lines = read_text(path, encoding="latin-1").splitlines()
    counts = next((k for k, line in enumerate(lines[:10]) if "NPTS" in line.upper()), None)
    if counts is None or counts < 2:
        raise InputError("has no line with NPTS and DT", file=path, field="NPTS", fix="copy the file again")
    said = " ".join(lines[:counts]).upper()
    found = re.search(r"UNITS?\s+(?:OF|:)?\s*([A-Z/0-9]+)", said)
    given = {"G": "g", "CM/S/S": "cm/s2", "CM/S2": "cm/s2", "M/S2": "m/s2"}.get(found[1] if found else "")
    numbers = [float(word) for word in _FLOAT.findall(lines[counts])]
    if len(numbers) < 2 or numbers[0] < 1 or not numbers[1] > 0:
        raise InputError(
            f"{lines[counts].strip()!r} holds no number of samples and interval",
            file=path,
            line=counts + 1,
            field="NPTS",
            fix="copy the file again",
        )
    values = _numbers(lines[counts + 1 :], path, counts + 2)
    remarks = _counted(values, int(numbers[0]), path)
    parts = [part.strip() for part in lines[1].split(",")]
    record_number = re.match(r"(RSN\d+)_", Path(path).name.upper())
    station = record_number[1] if record_number else (parts[-2] if len(parts) > 1 else Path(path).stem)
    return [
        _record(path, station, parts[-1], values[: int(numbers[0])], numbers[1], given or unit, remarks)
    ], []


def read_smc(path: str | Path, unit: str | None = None, inventory: Any = None) -> Records:
    """The USGS's SMC: eleven lines of text, 48 whole numbers, 50 real ones, comments, and samples in cm/s2."""
    lines = read_text(path, encoding="latin-1").splitlines()
    kind = lines[0].split()[0] if lines[0].split() else ""
    if kind in _SMC_KINDS:
        raise InputError(
            f"holds {_SMC_KINDS[kind]}", file=path, line=1, field="type", fix="give the file of accelerations"
        )
    whole = " ".join(lines[11:17]).split()
    real = [float(word) for word in _FLOAT.findall(" ".join(lines[17:27]))]
    try:
        comments, count, azimuth = int(whole[15]), int(whole[16]), float(whole[13])
        rate = real[1]
    except (IndexError, ValueError) as error:
        raise InputError(
            "has a damaged header", file=path, line=12, field="header", fix="copy the file again"
        ) from error
    if not (0 < rate < 1e5 and count > 0 and comments >= 0):
        raise InputError(
            f"states {count} samples at {rate:g} per second",
            file=path,
            line=12,
            field="header",
            fix="copy the file again",
        )
    values = _numbers(lines[27 + comments :], path, 28 + comments)
    remarks = _counted(values, count, path)
    stem = Path(path).name.split(".")[0]
    found = re.search(r"(.*?)[-_]?(\d{3}|[A-Za-z]{1,3})$", stem)
    known = azimuth if 0 <= azimuth <= 360 else float("nan")
    channel = f"{known:03.0f}" if np.isfinite(known) else (found[2] if found else "")
    station = found[1] if found and found[1] else stem
    return [_record(path, station, channel, values[:count], 1 / rate, "cm/s2", remarks)], []


def read_bbp(path: str | Path, unit: str | None = None, inventory: Any = None) -> Records:
    """SCEC's broadband platform: time, north-south, east-west, vertical; accelerations are in cm/s2, whatever else the comments may say."""
    name = Path(path).name
    if ".vel." in name.lower():
        raise InputError("holds velocities", file=path, field="format", fix="give the .acc.bbp file")
    lines = read_text(path, encoding="latin-1").splitlines()
    rows = []
    for number, line in enumerate(lines, 1):
        if line.strip() and line.lstrip()[0] not in "#%":
            row = [float(word) for word in _FLOAT.findall(line)]
            if len(row) != 4:
                raise InputError(
                    f"has {len(row)} numbers, not four",
                    file=path,
                    line=number,
                    field="row",
                    fix="give time, NS, EW and UD",
                )
            rows.append(row)
    table = np.array(rows).reshape(-1, 4)
    dt_s = _interval(table[:, 0], path)
    station = name.lower().removesuffix(".gz").removesuffix(".bbp").removesuffix(".acc")
    return [
        _record(path, station, channel, table[:, column], dt_s, "cm/s2", ())
        for column, channel in ((1, "NS"), (2, "EW"), (3, "UD"))
    ], []


def read_csv(path: str | Path, unit: str | None = None, inventory: Any = None) -> Records:
    """A column `time_s` and one for each component: its name, and its unit unless that is given, as ``n_g``, ``e_cm_s2`` or ``acceleration_m_s2``."""
    table = read_delimited(path, ())
    time = next((name for name in _TIMES if name in table.names), None)
    if time is None or len(table.names) < 2:
        raise InputError(
            "has no column of times beside others",
            file=path,
            line=1,
            field="time_s",
            fix="give time_s and components",
        )
    columns = {name: _column(table, name) for name in table.names}
    dt_s = _interval(columns[time], path)
    stem = Path(path).name.removesuffix(".gz").removesuffix(".csv")
    records = []
    for name in table.names:
        if name == time:
            continue
        found = next((u for u in _CSV_UNITS if name.endswith(f"_{u}")), None)
        own = _CSV_UNITS[found] if found else unit
        channel = name.removesuffix(f"_{found}") if found else name
        records.append(_record(path, stem, channel.upper(), columns[name], dt_s, own, ()))
    return records, []


def _column(table, name) -> np.ndarray:
    from diffseis.io.delimited import parse_number

    cells = table.column(name)
    return np.array([parse_number(table, row, name, cell) for row, cell in enumerate(cells)], np.float64)


def _record(path, station, channel, values, dt_s, unit, remarks) -> Accelerogram:
    if unit is None:
        raise InputError(
            "does not tell the unit of its samples",
            file=path,
            field="unit",
            fix="give --units g, m/s2 or cm/s2",
        )
    label = channel.strip().upper()
    azimuth = float(label) if re.fullmatch(r"\d{1,3}", label) and int(label) <= 360 else float("nan")
    return Accelerogram(
        network="",
        station=re.sub(r"\s+", "-", station.strip()),
        location="",
        channel=label,
        start=_NO_TIME,
        dt_s=float(dt_s),
        acceleration_m_s2=np.asarray(values, np.float64) * M_S2_BY_UNIT[unit],
        azimuth_deg=azimuth,
        file=str(path),
        remarks=tuple(remarks),
    )


def _numbers(lines: list[str], path: str | Path, first: int) -> np.ndarray:
    """Numbers that may touch each other where they have signs."""
    values: list[float] = []
    for number, line in enumerate(lines, first):
        left = _FLOAT.sub("", line)
        if left.strip():
            raise InputError(
                f"{line.strip()[:40]!r} is no row of numbers",
                file=path,
                line=number,
                field="samples",
                fix="copy the file again",
            )
        values += [float(word.upper().replace("D", "E")) for word in _FLOAT.findall(line)]
    return np.array(values)


def _counted(values: np.ndarray, count: int, path: str | Path) -> tuple[str, ...]:
    if len(values) < count:
        raise InputError(
            f"ends after {len(values)} of {count} samples", file=path, field="NPTS", fix="copy the file again"
        )
    extra = len(values) - count
    return (f"{extra} numbers behind the last sample are left out",) if extra else ()


def _interval(times: np.ndarray, path: str | Path) -> float:
    if len(times) < 2:
        raise InputError("holds less than two samples", file=path, field="time", fix="give a record")
    steps = np.diff(times)
    dt_s = float((times[-1] - times[0]) / (len(times) - 1))
    if not dt_s > 0 or np.max(np.abs(steps - dt_s)) > 0.1 * dt_s:
        row = int(np.argmax(np.abs(steps - np.median(steps))))
        raise InputError(
            f"times are not equally spaced: {times[row]:g} is followed by {times[row + 1]:g}",
            file=path,
            field="time",
            fix="interpolate the record, or fill its gaps",
        )
    return dt_s
