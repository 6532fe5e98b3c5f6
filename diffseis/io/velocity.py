"""One-dimensional velocity models from any file that holds one."""

from pathlib import Path

from diffseis.core.tables import VelocityTable
from diffseis.io.taup import read_velocity_taup
from diffseis.io.velocity_csv import read_velocity_csv


def read_velocity(path: str | Path, kind: str = "layers", *, vp_vs: float | None = None) -> VelocityTable:
    """Read ``.nd`` and ``.tvel`` as TauP's, all else as CSV; `kind` and `vp_vs` are for CSV (`read_velocity_csv`)."""
    if Path(path).suffix.lower() in (".nd", ".tvel"):
        return read_velocity_taup(path)
    return read_velocity_csv(path, kind, vp_vs=vp_vs)
