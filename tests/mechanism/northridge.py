"""HASH's five examples, flattened, as tables; and angles between planes."""

import csv
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from diffseis.core.radiation_table import RadiationTable
from diffseis.source import double_couple_quaternion, kagan_angle_of


def read_example(folder: Path, number: int) -> tuple[RadiationTable, dict[str, dict[str, str]]]:
    """The rays, and by event what HASH published. The third example's emergent polarities are left out, as HASH's program for S/P does."""
    rows = _rows(folder / f"example{number}_obs.csv")
    if number == 3:
        rows = [row for row in rows if row["p_polarity"] not in ("0.5", "-0.5")]
    column = lambda name: np.array([float(row.get(name) or "nan") for row in rows])
    table = RadiationTable.of(
        [row["event_id"] for row in rows],
        [row["sta_code"] for row in rows],
        azimuth_deg=column("azimuth"),
        # The file counts from up.
        takeoff_deg=180 - column("takeoff"),
        azimuth_sigma_deg=np.abs(column("azimuth_uncertainty")),
        takeoff_sigma_deg=column("takeoff_uncertainty"),
        polarity=column("p_polarity"),
        log10_sp=column("log10_sp"),
    )
    return table, {row["event_id"]: row for row in _rows(folder / f"example{number}_reference.csv")}


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open() as stream:
        return list(csv.DictReader(stream))


@jax.jit
def _kagan(a, b):
    return kagan_angle_of(double_couple_quaternion(*a), double_couple_quaternion(*b))


def kagan_deg(a, b) -> float:
    """Between two mechanisms of strike, dip and rake in degrees."""
    return float(np.degrees(_kagan(*(jnp.radians(jnp.asarray(x, float)) for x in (a, b)))))
