"""Verification tables of ground-motion models: one scenario per row, results of the models' authors in further columns."""

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from diffseis.groundmotion import LogNormalIM, Measure, Rupture, Site
from diffseis.groundmotion.kotha20 import ERAS

KINDS = ("MEAN", "TOTAL_STDDEV", "INTER_EVENT_STDDEV", "INTRA_EVENT_STDDEV")


@dataclass(frozen=True)
class VerificationTable:
    """One file.

    Attributes:
        inputs: columns of the scenarios.
        kind: which result each row holds, one of `KINDS`.
        measures: of the columns of results.
        expected: row by measure.
    """

    inputs: dict[str, np.ndarray]
    kind: np.ndarray
    measures: tuple[Measure, ...]
    expected: np.ndarray


def read_table(path: Path) -> VerificationTable:
    with path.open() as stream:
        rows = list(csv.DictReader(stream))
    names = [c for c in rows[0] if c and not c.startswith("Unnamed")]
    scenario = [c for c in names if c.startswith(("rup_", "dist_", "site_"))]
    results = [c for c in names if c not in (*scenario, "result_type", "damping")]
    numbers = [c for c in scenario if c != "site_geology"]
    inputs = {c: np.array([float(r[c]) for r in rows]) for c in numbers}
    if "site_geology" in scenario:
        inputs["site_geology"] = np.array([r["site_geology"] for r in rows])
    return VerificationTable(
        inputs,
        np.array([r["result_type"] for r in rows]),
        tuple(_measure(c) for c in results),
        np.array([[float(r[c]) for c in results] for r in rows]),
    )


def _measure(column: str) -> Measure:
    kinds = {"ia": "IA"} | {k.lower(): k for k in ("PGA", "PGV", "PGD", "CAV", "RSD575", "RSD595", "RSD2080")}
    return Measure(kinds[column]) if column in kinds else Measure("SA", float(column))


def pairs_of(inputs: dict[str, np.ndarray]) -> tuple[Rupture, Site]:
    """Depths to 1 km/s stand in metres in the tables."""
    known = lambda names: {to: scale * inputs[c] for to, (c, scale) in names.items() if c in inputs}
    rupture = {
        "magnitude": ("rup_mag", 1.0),
        "rake_rad": ("rup_rake", math.pi / 180),
        "dip_rad": ("rup_dip", math.pi / 180),
        "top_depth_km": ("rup_ztor", 1.0),
        "hypocentre_depth_km": ("rup_hypo_depth", 1.0),
        "width_km": ("rup_width", 1.0),
    }
    site = {
        "vs30_m_s": ("site_vs30", 1.0),
        "vs30_measured": ("site_vs30measured", 1.0),
        "z1_km": ("site_z1pt0", 1e-3),
        "z2p5_km": ("site_z2pt5", 1.0),
        "rjb_km": ("dist_rjb", 1.0),
        "rrup_km": ("dist_rrup", 1.0),
        "rx_km": ("dist_rx", 1.0),
        "ry0_km": ("dist_ry0", 1.0),
        "rhypo_km": ("dist_rhypo", 1.0),
        "repi_km": ("dist_repi", 1.0),
        "directivity": ("dist_rcdpp", 1.0),
        "backarc": ("site_backarc", 1.0),
        "slope": ("site_slope", 1.0),
        "attenuation_region": ("site_region", 1.0),
    }
    if "site_geology" in inputs:
        geology = np.array([ERAS.index(era) for era in inputs["site_geology"]], float)
        return Rupture(**known(rupture)), Site(geology=geology, **known(site))
    return Rupture(**known(rupture)), Site(**known(site))


def difference_percent(table: VerificationTable, found: LogNormalIM) -> np.ndarray:
    """Of each row and measure, in percent of what is expected."""
    values = {
        "MEAN": np.exp(found.mean_ln),
        "TOTAL_STDDEV": found.sigma,
        "INTER_EVENT_STDDEV": found.tau,
        "INTRA_EVENT_STDDEV": found.phi,
    }
    got = np.stack([np.asarray(values[kind])[:, i] for i, kind in enumerate(table.kind)])
    return 100 * np.abs(got / table.expected - 1)
