"""Records of strong motion, whatever file they come in."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from diffseis.core.errors import InputError
from diffseis.io.guards import read_bytes
from diffseis.io.notices import Notice

M_S2_BY_UNIT = {"g": 9.80665, "m/s2": 1.0, "cm/s2": 0.01}
"""Metres per second squared in one of each unit of acceleration that is known."""

_UP = {"Z", "U", "UD", "UP", "DWN", "DOWN", "V", "VER", "VERT", "VERTICAL"}


@dataclass(frozen=True)
class Accelerogram:
    """One component of one record.

    Attributes:
        network, station, location, channel: codes; what a format does not have is empty.
        start: UTC of the first sample; NaT where the file does not tell.
        dt_s: between samples.
        acceleration_m_s2: of the ground.
        azimuth_deg: clockwise from north; NaN where it is not known or the component is vertical.
        file: where it came from.
        problem: why it cannot be measured, such as a gap; empty if it can.
        remarks: what looks odd and did not stop it.
    """

    network: str
    station: str
    location: str
    channel: str
    start: np.datetime64
    dt_s: float
    acceleration_m_s2: Float[np.ndarray, " time"]
    azimuth_deg: float = float("nan")
    file: str = ""
    problem: str = ""
    remarks: tuple[str, ...] = field(default=())

    @property
    def is_vertical(self) -> bool:
        """Whether it is the vertical component, by its channel."""
        letters = re.sub(r"\d+$", "", self.channel.upper())
        return letters in _UP or (len(letters) == 3 and letters[-1] in "ZUV")

    @property
    def station_id(self) -> str:
        """``network.station``, or the station alone."""
        return ".".join(code for code in (self.network, self.station) if code)


def read_accelerograms(
    path: str | Path, *, unit: str | None = None, inventory: Any = None
) -> tuple[list[Accelerogram], list[Notice]]:
    """Read every record of a file. The format is told from the content, not from the name.

    PEER's AT2, SMC of the USGS, BBP of SCEC's broadband platform, K-NET and KiK-net ASCII, CSV, and miniSEED and SAC. The first five say or imply their
    unit. miniSEED and SAC need `inventory`, or `unit` if they hold accelerations already.

    Args:
        path: the file; may be gzip.
        unit: of the samples, a key of `M_S2_BY_UNIT`: for files that do not tell; it does not replace what a file says.
        inventory: an ObsPy Inventory with responses of counts.

    Raises:
        InputError: for files that are none of these, damaged, or whose unit is not known.
    """
    if unit is not None and unit not in M_S2_BY_UNIT:
        raise InputError(f"{unit!r} is no unit of acceleration", field="unit", fix="give g, m/s2 or cm/s2")
    data = read_bytes(path)
    reader = _reader(data, path)
    records, notices = reader(path, unit, inventory)
    checked = [_checked(record) for record in records]
    return checked, notices


def _reader(data: bytes, path: str | Path) -> Callable[..., tuple[list[Accelerogram], list[Notice]]]:
    from diffseis.io import accelerogram_streams as streams
    from diffseis.io import accelerogram_text as text

    head = data[:4096]
    upper = head.upper()
    if head.startswith(b"Origin Time"):
        return streams.read_knet
    if streams.is_miniseed(head):
        return streams.read_miniseed
    if streams.is_sac(head):
        return streams.read_sac
    if b"\x00" not in head:
        if b"NPTS" in upper and b"ACCELERATION" in upper:
            return text.read_at2
        if b"-32768" in head and head.count(b"\n*") + head.count(b"\n|") > 3:
            return text.read_smc
        if Path(path).name.lower().removesuffix(".gz").endswith(".bbp"):
            return text.read_bbp
        if b"," in head and upper.lstrip(b"\xef\xbb\xbf \r\n").startswith((b"T", b"#")):
            return text.read_csv
    raise InputError(
        "is no record of a format that is known",
        file=path,
        field="format",
        fix="give PEER AT2, SMC, BBP, K-NET or KiK-net ASCII, miniSEED, SAC, or CSV with a column `time_s`",
    )


def _checked(record: Accelerogram) -> Accelerogram:
    """With what can be seen of the samples alone."""
    from dataclasses import replace

    values = record.acceleration_m_s2
    if record.problem:
        return record
    if len(values) < 16:
        return replace(record, problem=f"too short: {len(values)} samples")
    bad = int(np.sum(~np.isfinite(values)))
    if bad:
        return replace(record, problem=f"{bad} samples are not finite")
    if np.ptp(values) == 0:
        return replace(record, problem="all samples are the same")
    remarks = list(record.remarks)
    mean = abs(float(np.mean(values)))
    largest = float(np.max(np.abs(values - np.mean(values))))
    if mean > 0.05 * largest:
        remarks.append(f"offset: the mean is {mean / largest:.0%} of the peak")
    zeros = int(np.sum(values == 0))
    if zeros > 0.2 * len(values):
        remarks.append(f"{zeros / len(values):.0%} of the samples are exactly zero: filled up?")
    if _flat(values) >= 4:
        remarks.append(f"clipped? {_flat(values)} samples in a row are at the largest value")
    return replace(record, remarks=tuple(remarks))


def _flat(values: np.ndarray) -> int:
    """The most samples in a row at the largest or the smallest value."""
    longest = 0
    for limit in (values.max(), values.min()):
        if limit == 0:
            continue
        at = np.concatenate([[False], values == limit, [False]])
        edges = np.flatnonzero(at[1:] != at[:-1])
        longest = max(longest, int(np.max(edges[1::2] - edges[::2])))
    return longest
