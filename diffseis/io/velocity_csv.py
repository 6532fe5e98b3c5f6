"""One-dimensional velocity models as CSV: ``depth_km,vp_km_s,vs_km_s``; depths below sea level."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.tables import VelocityTable
from diffseis.io.delimited import number_column, read_delimited

REQUIRED = ("depth_km", "vp_km_s", "vs_km_s")

MAX_DEPTH_KM = 1000.0
MAX_SPEED_KM_S = 20.0
MIN_SPEED_KM_S = 0.05
MAX_ROWS = 2000


def read_velocity_csv(path: str | Path, kind: str = "layers", *, vp_vs: float | None = None) -> VelocityTable:
    """Read a velocity model.

    Args:
        path: the file.
        kind: "layers" (a row is the top of a layer of constant speed) or "linear" (speeds at nodes, linear
        between; a
            depth that appears twice is a jump).
        vp_vs: ratio from which S speeds follow where the file has no ``vs_km_s``.

    Raises:
        InputError: also for metres given for kilometres, S as fast as P, and depths that do not increase.
    """
    optional = ["vs_km_s"] if vp_vs is not None else []
    if vp_vs is not None and not 1.2 < vp_vs < 5.0:
        raise InputError(f"{vp_vs:g} is no Vp/Vs of rock", field="vp_vs", fix="give a ratio such as 1.73")
    try:
        table = read_delimited(path, REQUIRED[:2] if vp_vs is not None else REQUIRED, optional)
    except InputError as error:
        if error.field == "vs_km_s" and "missing" in error.why:
            raise InputError(
                error.why,
                file=error.file,
                line=error.line,
                field="vs_km_s",
                fix="add it, or give Vp/Vs: --vp-vs 1.73 is usual",
            ) from error
        raise
    if len(table) == 0:
        raise InputError("the model has no layers", file=path, fix="add at least one row")
    if len(table) > MAX_ROWS:
        raise InputError(
            f"the model has {len(table)} rows; time and memory grow with every one",
            file=path,
            fix=f"average it over thicker layers: at most {MAX_ROWS} rows",
        )
    depth_km = number_column(table, "depth_km")
    vp_km_s = number_column(table, "vp_km_s")
    vs_km_s = (
        number_column(table, "vs_km_s") if "vs_km_s" in table.names else vp_km_s / float(vp_vs or np.nan)
    )
    model = VelocityTable(depth_km, vp_km_s, vs_km_s, kind=kind, source=Path(path).name)
    check_velocity(model, lambda row, field, why, fix: table.error(row, field, why, fix))
    return model


def check_velocity(model: VelocityTable, error: Callable[[int, str, str, str], InputError]) -> None:
    """Refuse a model that no part of the Earth has.

    Args:
        model: the model.
        error: makes the refusal of (row, field, why, fix).
    """
    for i in range(len(model)):
        depth, vp, vs = float(model.depth_km[i]), float(model.vp_km_s[i]), float(model.vs_km_s[i])
        if abs(depth) > MAX_DEPTH_KM:
            raise error(
                i,
                "depth_km",
                f"{depth:g} km is deeper than any model here",
                "were metres given? divide by 1000",
            )
        for field, speed in (("vp_km_s", vp), ("vs_km_s", vs)):
            if not speed > 0:
                raise error(i, field, f"the speed {speed:g} km/s is not positive", "give a positive speed")
            if speed > MAX_SPEED_KM_S:
                raise error(i, field, f"no rock has {speed:g} km/s", "were m/s given? divide by 1000")
            if speed < MIN_SPEED_KM_S:
                raise error(i, field, f"{speed:g} km/s is slower than mud", "give km/s")
        if vs >= vp:
            raise error(
                i,
                "vs_km_s",
                f"S ({vs:g} km/s) is not slower than P ({vp:g} km/s)",
                "were the columns exchanged?",
            )
        if i == 0:
            continue
        step = depth - float(model.depth_km[i - 1])
        thrice = i > 1 and model.kind == "linear" and step == 0 and depth == float(model.depth_km[i - 2])
        if step < 0 or thrice or (step == 0 and model.kind == "layers"):
            hint = (
                "sort the rows by depth"
                if step < 0
                else "only kind `linear` may repeat a depth, and only once"
            )
            raise error(
                i, "depth_km", f"{depth:g} km does not lie below {float(model.depth_km[i - 1]):g} km", hint
            )
