"""Flatfiles: tables of strong-motion records with what is known of their earthquakes and sites, in the columns of NGA-West2, of ESM, or of eGSIM.

Units come out as those of ground-motion models: g, cm/s, km, m/s; -999 and empty cells are unknown.
"""

import csv
import io
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.words import plural
from diffseis.io.guards import read_text
from diffseis.io.notices import Notice

_CM_S2 = 980.665
_RADIANS = math.pi / 180
_UNKNOWN = -998.0

Source = tuple[str, float]
"""A column, and the factor from its unit to the field's."""


@dataclass(frozen=True)
class FlatFormat:
    """Columns of a kind of flatfile.

    Attributes:
        name: of the kind.
        event, station: columns that tell them, joined where there are several.
        fields: of `groundmotion.Rupture` and `Site`: columns of which the first known value counts.
        measures: peak values: column and factor to g or cm/s.
        spectrum: pattern of the columns of spectral accelerations, whose groups are parts of the period in s.
        spectrum_scale: to g.
    """

    name: str
    event: tuple[str, ...]
    station: tuple[str, ...]
    fields: Mapping[str, tuple[Source, ...]]
    measures: Mapping[str, Source]
    spectrum: re.Pattern[str]
    spectrum_scale: float = 1.0


NGA_WEST2 = FlatFormat(
    "NGA-West2",
    ("EQID",),
    ("Station Sequence Number",),
    {
        "magnitude": (("Earthquake Magnitude", 1.0),),
        "rake_rad": (("Rake Angle (deg)", _RADIANS),),
        "dip_rad": (("Dip (deg)", _RADIANS),),
        "top_depth_km": (("Depth to Top Of Fault Rupture Model", 1.0),),
        "hypocentre_depth_km": (("Hypocenter Depth (km)", 1.0),),
        "width_km": (("Fault Rupture Width (km)", 1.0),),
        "rjb_km": (("Joyner-Boore Dist. (km)", 1.0),),
        "rrup_km": (("ClstD (km)", 1.0),),
        "rx_km": (("Rx", 1.0),),
        "repi_km": (("EpiD (km)", 1.0),),
        "rhypo_km": (("HypD (km)", 1.0),),
        "vs30_m_s": (("Vs30 (m/s) selected for analysis", 1.0),),
        "z1_km": (("Northern CA/Southern CA - H11 Z1 (m)", 1e-3),),
        "z2p5_km": (("Northern CA/Southern CA - H11 Z2.5 (m)", 1e-3),),
    },
    {"PGA": ("PGA (g)", 1.0), "PGV": ("PGV (cm/sec)", 1.0)},
    re.compile(r"T(\d+\.\d+)S"),
)
ESM = FlatFormat(
    "ESM",
    ("event_id",),
    ("network_code", "station_code"),
    {
        "magnitude": (("Mw", 1.0), ("EMEC_Mw", 1.0)),
        "rake_rad": (("es_rake", _RADIANS),),
        "dip_rad": (("es_dip", _RADIANS),),
        "top_depth_km": (("es_z_top", 1.0),),
        "hypocentre_depth_km": (("ev_depth_km", 1.0),),
        "width_km": (("es_width", 1.0),),
        "rjb_km": (("JB_dist", 1.0),),
        "rrup_km": (("rup_dist", 1.0),),
        "rx_km": (("Rx_dist", 1.0),),
        "ry0_km": (("Ry0_dist", 1.0),),
        "repi_km": (("epi_dist", 1.0),),
        "vs30_m_s": (("vs30_m_sec", 1.0), ("vs30_m_s", 1.0), ("vs30_m_sec_WA", 1.0)),
    },
    {"PGA": ("rotD50_pga", 1 / _CM_S2), "PGV": ("rotD50_pgv", 1.0)},
    re.compile(r"rotD50_T(\d+)_(\d+)"),
    1 / _CM_S2,
)
EGSIM = FlatFormat(
    "eGSIM",
    ("event_id",),
    ("station_id",),
    {
        "magnitude": (("magnitude", 1.0),),
        "rake_rad": (("rake", _RADIANS),),
        "dip_rad": (("dip", _RADIANS),),
        "top_depth_km": (("depth_top_of_rupture", 1.0),),
        "hypocentre_depth_km": (("event_depth", 1.0),),
        "width_km": (("rupture_width", 1.0),),
        "rjb_km": (("rjb", 1.0),),
        "rrup_km": (("rrup", 1.0),),
        "rx_km": (("rx", 1.0),),
        "ry0_km": (("ry0", 1.0),),
        "repi_km": (("repi", 1.0),),
        "rhypo_km": (("rhypo", 1.0),),
        "vs30_m_s": (("vs30", 1.0),),
        "z1_km": (("z1", 1e-3),),
        "z2p5_km": (("z2pt5", 1.0),),
        "slope": (("slope", 1.0),),
    },
    {"PGA": ("PGA", 1.0), "PGV": ("PGV", 1.0), "CAV": ("CAV", 1.0), "IA": ("IA", 1.0)},
    re.compile(r"SA\((\d+\.?\d*)\)"),
)
FORMATS = (NGA_WEST2, ESM, EGSIM)
_STYLES = {"NF": -90.0, "SS": 0.0, "TF": 90.0}
"""ESM's styles of faulting, where it states no rake."""


@dataclass(frozen=True)
class FlatTable:
    """Records of a flatfile.

    Attributes:
        path: of the file.
        format: name of its kind.
        event_id, station_id: of each record.
        values: by field of `Rupture` and `Site`; NaN for unknown.
        observed: by measure: g, cm/s; NaN for unknown.
    """

    path: str
    format: str
    event_id: np.ndarray
    station_id: np.ndarray
    values: dict[str, np.ndarray]
    observed: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.event_id)


def read_flatfile(path: str | Path) -> tuple[FlatTable, list[Notice]]:
    """Read a flatfile, its kind by its columns; separated by commas, semicolons or tabs; may be gzip.

    Returns:
        The records, and what looks odd.

    Raises:
        InputError: if it is of no kind that is known, has no records, or a number is none.
    """
    names, rows = _rows(path)
    found = [
        f for f in FORMATS if all(c in names for c in (*f.event, *f.station, f.fields["magnitude"][0][0]))
    ]
    if not found:
        known = "; ".join(f"{f.name}: {', '.join((*f.event, *f.station))} ..." for f in FORMATS)
        raise InputError(
            "its columns are those of no flatfile that is known",
            file=path,
            line=1,
            fix=f"use the names of one of these: {known}",
        )
    kind = found[0]
    column = {name: [row[i] for row in rows] for i, name in enumerate(names)}
    number = lambda name, scale: _numbers(path, name, column[name], scale)
    values = {field: _first(sources, column, number, len(rows)) for field, sources in kind.fields.items()}
    values = {field: x for field, x in values.items() if np.any(np.isfinite(x))}
    if kind is ESM and "fm_type_code" in column:
        style = np.array([_STYLES.get(c.strip().upper(), np.nan) for c in column["fm_type_code"]]) * _RADIANS
        rake = values.get("rake_rad", np.full(len(rows), np.nan))
        values["rake_rad"] = np.where(np.isfinite(rake), rake, style)
    if kind is EGSIM and "vs30measured" in column:
        values["vs30_measured"] = np.array(
            [c.strip().lower() in ("true", "1") for c in column["vs30measured"]], float
        )
    observed = {m: number(c, scale) for m, (c, scale) in kind.measures.items() if c in column}
    for name in names:
        match = kind.spectrum.fullmatch(name)
        if match:
            period = float(".".join(match.groups()))
            observed[f"SA({period:g})"] = number(name, kind.spectrum_scale)
    join = lambda parts: np.array(
        [".".join(cells) for cells in zip(*(column[p] for p in parts), strict=True)], object
    )
    table = FlatTable(str(path), kind.name, join(kind.event), join(kind.station), values, observed)
    return table, _odd(table)


def _repeated(table: FlatTable) -> list[Notice]:
    """Records of one event and station whose measures are the same, too."""
    seen: set[tuple] = set()
    again = 0
    for row in range(len(table)):
        values = tuple(float(x[row]) for x in table.observed.values() if np.isfinite(x[row]))
        key = (table.event_id[row], table.station_id[row], values)
        again += bool(values) and key in seen
        seen.add(key)
    if not again:
        return []
    said = f"{plural(again, 'record')} that repeat others of the same event and station: they count, too"
    return [Notice("repeated", said, count=again, file=table.path)]


def _rows(path: str | Path) -> tuple[list[str], list[list[str]]]:
    text = read_text(path)
    head = text.split("\n", 1)[0]
    separator = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text.replace("\r\n", "\n")), delimiter=separator)
    names = [name.strip() for name in next(reader, [])]
    rows = []
    for row in reader:
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(names):
            raise InputError(
                f"has {len(row)} cells where the header has {len(names)} columns",
                file=path,
                line=reader.line_num,
                fix="is the line cut off?",
            )
        rows.append(row)
    if not rows:
        raise InputError("holds no records", file=path, fix="give a header and a row per record")
    return names, rows


def _first(sources, column, number, num: int) -> np.ndarray:
    """The first known value of several columns."""
    found = np.full(num, np.nan)
    for name, scale in sources:
        if name in column:
            found = np.where(np.isfinite(found), found, number(name, scale))
    return found


def _numbers(path: str | Path, name: str, cells: list[str], scale: float) -> np.ndarray:
    found = np.full(len(cells), np.nan)
    for row, cell in enumerate(cells):
        text = cell.strip()
        if not text or text.lower() in ("nan", "na", "null", "none"):
            continue
        try:
            value = float(text)
        except ValueError as error:
            raise InputError(
                f"{text[:30]!r} is no number",
                file=path,
                line=row + 2,
                field=name,
                fix="leave unknown values empty",
            ) from error
        if value > _UNKNOWN:
            found[row] = value * scale
    return found


_PLAUSIBLE = {
    "magnitude": (-2.0, 10.0, "moment magnitude"),
    "dip_rad": (0.0, 90.01 * _RADIANS, "degrees"),
    "rake_rad": (-360.0 * _RADIANS, 360.0 * _RADIANS, "degrees"),
    "hypocentre_depth_km": (-5.0, 800.0, "km"),
    "top_depth_km": (-5.0, 800.0, "km"),
    "vs30_m_s": (20.0, 10_000.0, "m/s; are they km/s?"),
    **dict.fromkeys(("rjb_km", "rrup_km", "ry0_km", "repi_km", "rhypo_km"), (0.0, 20000.0, "km")),
}
"""Ranges of fields, and their units in words."""


def _odd(table: FlatTable) -> list[Notice]:
    notices = []
    for name, values in table.observed.items():
        bad = (values <= 0) | np.isinf(values)
        wrong = int(np.sum(bad))
        if wrong:
            said = f"{plural(wrong, 'value')} of {name} not above 0, or infinite: taken as unknown"
            notices.append(Notice("not-positive", said, count=wrong, file=table.path))
            values[bad] = np.nan
    for field, (low, high, unit) in _PLAUSIBLE.items():
        values = table.values.get(field, np.zeros(0))
        bad = (values < low) | (values > high)
        if bad.any():
            said = f"{plural(int(bad.sum()), 'value')} of {field} cannot be ({unit}): taken as unknown"
            notices.append(Notice("impossible", said, count=int(bad.sum()), file=table.path))
            values[bad] = np.nan
    notices += _repeated(table)
    pga = table.observed.get("PGA", np.zeros(0))
    pga = pga[np.isfinite(pga)]
    if len(pga) and np.median(pga) > 3:
        said = f"half of the PGA are above {np.median(pga):.3g} g: are they in cm/s^2?"
        notices.append(Notice("suspicious-units", said, count=len(pga), file=table.path))
    return notices
