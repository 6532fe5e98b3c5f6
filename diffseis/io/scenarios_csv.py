"""Scenarios of ground motion as CSV: an earthquake and a site per row, in the columns of OpenQuake.

Angles are in degrees, depths and distances in km, VS30 in m/s; the depth to 1 km/s is in metres and that to 2.5 km/s in kilometres, as in OpenQuake.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.words import plural
from diffseis.groundmotion import ERAS
from diffseis.io.delimited import Delimited, is_missing, read_delimited
from diffseis.io.notices import Notice


@dataclass(frozen=True)
class Column:
    """What a column holds.

    Attributes:
        field: of `groundmotion.Rupture` or `groundmotion.Site`.
        low, high: outside them a value cannot be.
        unit: in words.
        hint: what a value outside them may come from.
        scale: from the column's unit to the field's.
    """

    field: str
    low: float
    high: float
    unit: str
    hint: str = ""
    scale: float = 1.0


_RADIANS = math.pi / 180

COLUMNS = {
    "rup_mag": Column("magnitude", -1.0, 10.0, "moment magnitude"),
    "rup_rake": Column("rake_rad", -180.0, 180.0, "degrees", "write 270 as -90", _RADIANS),
    "rup_dip": Column("dip_rad", 0.01, 90.0, "degrees", "a plane dips by at most 90 degrees", _RADIANS),
    "rup_ztor": Column("top_depth_km", 0.0, 700.0, "km below the ground", "are they metres?"),
    "rup_hypo_depth": Column(
        "hypocentre_depth_km", 0.0, 700.0, "km below the ground", "are they metres, or elevations?"
    ),
    "rup_width": Column("width_km", 0.001, 500.0, "km", "are they metres?"),
    "dist_rjb": Column("rjb_km", 0.0, 20000.0, "km", "a distance is not negative"),
    "dist_rrup": Column("rrup_km", 0.0, 20000.0, "km", "a distance is not negative"),
    "dist_rx": Column("rx_km", -20000.0, 20000.0, "km, negative off the foot wall"),
    "dist_ry0": Column("ry0_km", 0.0, 20000.0, "km", "beside the rupture it is 0, never negative"),
    "dist_rhypo": Column("rhypo_km", 0.0, 20000.0, "km", "a distance is not negative"),
    "dist_repi": Column("repi_km", 0.0, 20000.0, "km", "a distance is not negative"),
    "dist_rcdpp": Column("directivity", -10.0, 10.0, "centred direct point parameter"),
    "site_vs30": Column("vs30_m_s", 50.0, 5000.0, "m/s", "is it in km/s? 0.76 km/s are 760 m/s"),
    "site_vs30measured": Column("vs30_measured", 0.0, 1.0, "1 measured, 0 inferred"),
    "site_z1pt0": Column("z1_km", -999.0, 20000.0, "METRES to 1 km/s; empty or -999 for unknown", "", 1e-3),
    "site_z2pt5": Column("z2p5_km", -999.0, 50.0, "KILOMETRES to 2.5 km/s; empty or -999 for unknown", "are they metres?"),
    "site_backarc": Column("backarc", 0.0, 1.0, "1 behind the arc, 0 elsewhere"),
    "site_slope": Column("slope", 1e-6, 10.0, "m/m", "is it in degrees?"),
    "site_region": Column("attenuation_region", 0.0, 5.0, "region of ESHM20, 0 to 5"),
}  # fmt: skip
"""Columns that are known, but for `GEOLOGY`."""

GEOLOGY = "site_geology"
DEFAULTS = {
    "site_vs30measured": (1.0, "1, measured"),
    "site_backarc": (0.0, "0, not behind an arc"),
    "dist_rcdpp": (0.0, "0, no directivity"),
    "site_region": (0.0, "0, the average"),
}
"""Values where nobody states one, and in words."""
_UNKNOWN = ("site_z1pt0", "site_z2pt5")
_MOST = 20
"""Bad values that are told one by one."""


@dataclass(frozen=True)
class ScenarioTable:
    """Scenarios as the file has them.

    Attributes:
        path: of the file.
        lines: 1-based line of each row.
        values: by field of `Rupture` and `Site`, in their units; NaN where a cell is empty.
    """

    path: str
    lines: np.ndarray
    values: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.lines)


def read_scenarios_csv(
    path: str | Path, needs: Mapping[str, Sequence[str]] | None = None
) -> tuple[ScenarioTable, list[Notice]]:
    """Read scenarios; order and case of the columns are free.

    Args:
        path: the file.
        needs: fields without which a model gives nothing, by the model's name.

    Raises:
        InputError: with every value that cannot be, or that a model lacks: its line, row, column and unit.
    """
    table = read_delimited(path, ("rup_mag",), (*COLUMNS, GEOLOGY))
    if len(table) == 0:
        raise InputError("has a header but no scenarios", file=path, fix="add a row per scenario")
    bad: list[Fault] = []
    values = {
        column.field: _numbers(table, name, bad) for name, column in COLUMNS.items() if name in table.names
    }
    if GEOLOGY in table.names:
        values["geology"] = _eras(table, bad)
    found = ScenarioTable(str(path), np.asarray(table.lines), values)
    for model, needed in (needs or {}).items():
        bad += _missing(found, needed, model)
    _refuse(path, bad)
    notices = _with_defaults(table, values)
    for name in _UNKNOWN:
        field = COLUMNS[name].field
        if field in values:
            values[field] = np.where(values[field] < 0, np.nan, values[field])
    others = [n for n in table.names if n not in COLUMNS and n != GEOLOGY]
    notices += _impossible(found)
    if others:
        said = f"columns that no model reads: {', '.join(others)}"
        notices.append(Notice("unknown-column", said, count=len(others), file=str(path)))
    z1 = values.get("z1_km", np.zeros(0))
    known = z1[np.isfinite(z1)]
    if len(known) >= 3 and 0 < np.max(known) < 0.005:
        said = "site_z1pt0 is nowhere above 5 metres: it is in metres, not in kilometres"
        notices.append(Notice("suspicious-units", said, count=len(known), file=str(path)))
    return found, notices


def _with_defaults(table: Delimited, values: dict[str, np.ndarray]) -> list[Notice]:
    """Empty cells of columns that have a value where nobody states one, filled with it and told."""
    notices = []
    for name, (default, word) in DEFAULTS.items():
        field = COLUMNS[name].field
        empty = int(np.sum(np.isnan(values.get(field, np.zeros(0)))))
        if empty:
            values[field] = np.where(np.isnan(values[field]), default, values[field])
            said = f"{name}: {plural(empty, 'empty cell')} taken as {word}"
            notices.append(Notice("default", said, count=empty, file=table.path))
    return notices


def _impossible(table: ScenarioTable) -> list[Notice]:
    """Distances that contradict each other."""
    rjb, rrup = (table.values.get(name) for name in ("rjb_km", "rrup_km"))
    if rjb is None or rrup is None:
        return []
    # Files have few digits.
    out = np.flatnonzero(rrup < rjb * (1 - 1e-3) - 0.01)
    if not len(out):
        return []
    said = (
        f"{plural(len(out), 'scenario')} with dist_rrup below dist_rjb, which cannot be (the first: {out[0]})"
    )
    return [Notice("impossible", said, count=len(out), file=table.path)]


Fault = tuple[int, str]
"""Line, 0 for the header, and what is wrong there."""


def _missing(table: ScenarioTable, needed: Sequence[str], model: str) -> list[Fault]:
    """What a model lacks: columns that are not there, and empty cells."""
    names = {column.field: name for name, column in COLUMNS.items()}
    found = []
    for field in needed:
        name = names[field]
        what = f"`{name}` ({COLUMNS[name].unit})"
        if field not in table.values:
            found.append((0, f"the column {what} is missing: {model} needs it"))
            continue
        found += [
            (
                int(table.lines[row]),
                f"line {table.lines[row]} (scenario {row}): no {what}, which {model} needs",
            )
            for row in np.flatnonzero(np.isnan(table.values[field]))
        ]
    return found


def _refuse(path: str | Path, bad: Sequence[Fault]) -> None:
    """One refusal for all that is wrong with a file; none where nothing is."""
    said = list(dict.fromkeys(words for _, words in sorted(bad, key=lambda fault: fault[0])))
    if not said:
        return
    told = said[:_MOST]
    if len(said) > _MOST:
        told.append(f"and {len(said) - _MOST} more")
    raise InputError(
        f"{plural(len(said), 'value')} cannot be used:\n  " + "\n  ".join(told),
        file=path,
        fix="correct them, or take the rows out",
    )


def _numbers(table: Delimited, name: str, bad: list[Fault]) -> np.ndarray:
    column = COLUMNS[name]
    found = np.full(len(table), np.nan)
    for row, cell in enumerate(table.column(name)):
        if is_missing(cell):
            continue
        where = f"line {table.lines[row]} (scenario {row}), `{name}` ({column.unit})"
        try:
            value = float(cell)
        except ValueError:
            bad.append((table.lines[row], f"{where}: {cell[:30]!r} is no number"))
            found[row] = math.inf
            continue
        if not column.low <= value <= column.high:
            hint = f" ({column.hint})" if column.hint else ""
            range_ = f"{column.low:g} to {column.high:g}"
            bad.append((table.lines[row], f"{where}: {cell[:30]} is not within {range_}{hint}"))
            found[row] = math.inf
            continue
        found[row] = value * column.scale
    return found


def _eras(table: Delimited, bad: list[Fault]) -> np.ndarray:
    found = np.full(len(table), float(ERAS.index("UNKNOWN")))
    for row, cell in enumerate(table.column(GEOLOGY)):
        if is_missing(cell):
            continue
        if cell.upper() not in ERAS:
            where = f"line {table.lines[row]} (scenario {row}), `{GEOLOGY}`"
            bad.append((table.lines[row], f"{where}: {cell[:30]!r} is none of {', '.join(ERAS)}"))
            continue
        found[row] = ERAS.index(cell.upper())
    return found
