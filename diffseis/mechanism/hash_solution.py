"""What the HASH-compatible mode says of an event, and the grades that HASH gives."""

from dataclasses import dataclass

import numpy as np

_GRADES = (
    ("A", 0.8, 25.0, 0.15, 0.5),
    ("B", 0.6, 35.0, 0.2, 0.4),
    ("C", 0.5, 45.0, 0.3, 0.3),
)
"""Letter, probability above, uncertainty in degrees and misfit fraction up to, station distribution ratio from: of HASH's program (its manual prints 0.7 for C)."""


@dataclass(frozen=True)
class HashSolution:
    """What HASH says of one event; arrays have one row per solution, the preferred first, and none for grades E and F.

    Attributes:
        event_id: of the event.
        grade: of the preferred solution, A to D; E for gaps, F for too few polarities. HASH's program for S/P looks at neither gaps nor misfits; here all events are graded alike.
        grades: of all solutions.
        strike_deg, dip_deg, rake_deg: of the plane that HASH names: the nearest to the normal of the first accepted mechanism of its grid.
        auxiliary_deg: strike, dip and rake of the other.
        fault_plane_uncertainty_deg, auxiliary_plane_uncertainty_deg: root mean square angles of the accepted planes.
        probability: share of the accepted mechanisms within the cutoff angle.
        misfit_fraction: of polarities, weighted.
        ratio_misfit: mean absolute difference of log10 S/P.
        station_distribution_ratio: 0 to 1.
        azimuthal_gap_deg, takeoff_gap_deg: of the rays.
        num_polarities, num_ratios: used.
        accepted: quaternions of all accepted mechanisms of the grid.
    """

    event_id: str
    grade: str
    grades: tuple[str, ...]
    strike_deg: np.ndarray
    dip_deg: np.ndarray
    rake_deg: np.ndarray
    auxiliary_deg: np.ndarray
    fault_plane_uncertainty_deg: np.ndarray
    auxiliary_plane_uncertainty_deg: np.ndarray
    probability: np.ndarray
    misfit_fraction: np.ndarray
    ratio_misfit: np.ndarray
    station_distribution_ratio: np.ndarray
    azimuthal_gap_deg: float
    takeoff_gap_deg: float
    num_polarities: int
    num_ratios: int
    accepted: np.ndarray


def hash_grade(
    probability: float, uncertainty_deg: float, misfit_fraction: float, station_distribution_ratio: float
) -> str:
    """A to D by HASH's program: the mean uncertainty of the two planes counts."""
    for letter, above, uncertainty, misfit, ratio in _GRADES:
        good = probability > above and uncertainty_deg <= uncertainty
        if good and misfit_fraction <= misfit and station_distribution_ratio >= ratio:
            return letter
    return "D"
