"""Velocity models from any file that holds one."""

from pathlib import Path

from diffseis.core.errors import InputError
from diffseis.core.tables import VelocityGrid, VelocityTable
from diffseis.io.taup import read_velocity_taup
from diffseis.io.velocity_csv import read_velocity_csv
from diffseis.io.velocity_grids import GRID_SUFFIXES, read_velocity_grid


def read_velocity(path: str | Path, kind: str = "layers", *, vp_vs: float | None = None) -> VelocityTable:
    """Read a model of depth alone: ``.nd`` and ``.tvel`` as TauP's, all else as CSV; `kind` and `vp_vs` are for CSV
    (`read_velocity_csv`)."""
    medium = read_medium(path, kind, vp_vs=vp_vs)
    if isinstance(medium, VelocityGrid):
        raise InputError(
            "varies along the horizontal; a model of depth alone is needed here",
            file=path,
            fix="give a CSV, .nd or .tvel model",
        )
    return medium


def read_medium(
    path: str | Path, kind: str = "layers", *, vp_vs: float | None = None
) -> VelocityTable | VelocityGrid:
    """Read a model of one or three dimensions by the suffix of its file: netCDF and NonLinLoc grids (`read_velocity_grid`), else as
    `read_velocity`."""
    suffix = Path(path).suffix.lower()
    if suffix in GRID_SUFFIXES:
        return read_velocity_grid(path, vp_vs=vp_vs)
    if suffix in (".nd", ".tvel"):
        return read_velocity_taup(path)
    return read_velocity_csv(path, kind, vp_vs=vp_vs)
