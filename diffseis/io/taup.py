"""Velocity models of TauP: named discontinuities (``.nd``) and ``.tvel``.

Both list depth (km), P and S speed (km/s) and more, with a depth twice where the speed jumps: they are of
kind "linear".
"""

from pathlib import Path

import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.tables import VelocityTable
from diffseis.io.guards import read_text
from diffseis.io.velocity_csv import MAX_DEPTH_KM, check_velocity


def read_velocity_taup(path: str | Path, *, max_depth_km: float = 700.0) -> VelocityTable:
    """Read a ``.nd`` or ``.tvel`` model down to `max_depth_km` (fluid core and inner core are not of use
    here).
    """
    path = Path(path)
    if not 0 < max_depth_km <= MAX_DEPTH_KM:
        raise InputError(
            f"{max_depth_km:g} km is no depth for local earthquakes",
            field="max_depth_km",
            fix=f"give up to {MAX_DEPTH_KM:g}",
        )
    skip = 2 if path.suffix.lower() == ".tvel" else 0
    rows: list[list[float]] = []
    lines: list[int] = []
    for number, text in enumerate(read_text(path).splitlines(), start=1):
        cells = text.split("#")[0].split("//")[0].split()
        if number <= skip or not cells or (len(cells) == 1 and cells[0][0].isalpha()):
            continue
        rows.append(_row(cells, path, number))
        lines.append(number)
    if not rows:
        raise InputError("holds no depth", file=path, fix="each line must hold depth (km), Vp and Vs (km/s)")
    values = np.array(rows)
    near = values[:, 0] <= max_depth_km
    if not near[0]:
        raise InputError(
            f"starts below {max_depth_km:g} km", file=path, line=lines[0], fix="give a larger `max_depth_km`"
        )
    inside = int(np.argmin(near)) if not near.all() else len(near)
    values = values[:inside]
    model = VelocityTable(values[:, 0], values[:, 1], values[:, 2], kind="linear", source=path.name)
    check_velocity(
        model, lambda row, field, why, fix: InputError(why, file=path, line=lines[row], field=field, fix=fix)
    )
    return model


def _row(cells: list[str], path: Path, number: int) -> list[float]:
    try:
        row = [float(cell) for cell in cells[:3]]
    except ValueError:
        row = []
    if len(row) < 3 or not np.all(np.isfinite(row)):
        raise InputError(
            f"{' '.join(cells)[:60]!r} is not depth (km), Vp and Vs (km/s)",
            file=path,
            line=number,
            fix="check this line",
        )
    return row
