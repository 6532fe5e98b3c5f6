"""Static station terms: what the velocity model cannot know about the ground under each station.

References:
    Richards-Dinger & Shearer (2000), Earthquake locations in southern California obtained using source-specific station terms,
    doi:10.1029/2000JB900019.
"""

from typing import Any

import numpy as np
from jaxtyping import Array, Key

from diffseis.core.tables import PHASES, PickTable, StationTable
from diffseis.eikonal import AbstractPhaseTimes
from diffseis.inference import Laplace
from diffseis.location.catalogue import LocatedCatalogue
from diffseis.location.locate import Progress, locate


def estimate_station_terms(
    picks: PickTable,
    stations: StationTable,
    field: AbstractPhaseTimes,
    *,
    num_iterations: int = 4,
    min_picks: int = 5,
    prior_sd_s: float = 1.0,
    progress: Progress | None = None,
    key: Key[Array, ""],
    **options: Any,
) -> tuple[np.ndarray, list[float]]:
    """Locates, averages the residuals of each station and phase, corrects the predictions, and does it again.

    Averages are weighted by precision and by the probability of being no outlier, and drawn towards zero as a normal
    prior of `prior_sd_s` would, so that a term behind which few picks stand stays small.

    Args:
        picks, stations, field, key, options: as for `locate`.
        num_iterations: rounds.
        min_picks: a station and phase with fewer used picks keeps the term zero.
        prior_sd_s: expected size of a term.
        progress: told about rounds.

    Returns:
        Terms in s, station by phase, to add to predicted times; and the root mean square change of each round.
    """
    terms = np.zeros((len(stations), len(PHASES)))
    history = []
    for iteration in range(num_iterations):
        if progress is not None:
            progress(f"station terms, round {iteration + 1} of {num_iterations}", iteration, num_iterations)
        solution = locate(
            picks, stations, field, sampler=Laplace(32), station_terms_s=terms, key=key, **options
        )
        new = terms + mean_residuals(
            solution.value, min_picks=min_picks, prior_sd_s=prior_sd_s, terms_s=terms
        )
        history.append(float(np.sqrt(np.mean((new - terms) ** 2))))
        terms = new
    return terms, history


def mean_residuals(
    catalogue: LocatedCatalogue, *, min_picks: int, prior_sd_s: float, terms_s: np.ndarray
) -> np.ndarray:
    """Change of each term that the residuals ask for; station by phase."""
    arrivals, picks = catalogue.arrivals, catalogue.picks
    change = np.zeros_like(terms_s)
    located = (catalogue.events.status == "located")[arrivals.event_row]
    for phase_idx, phase in enumerate(PHASES):
        chosen = (arrivals.status == "used") & located & (picks.phase == phase)
        row = arrivals.station_row[chosen]
        weight = arrivals.weight[chosen] / arrivals.sigma_s[chosen] ** 2
        total = np.bincount(row, weight, minlength=len(terms_s))
        mean = np.bincount(row, weight * arrivals.residual_s[chosen], minlength=len(terms_s))
        count = np.bincount(row, arrivals.weight[chosen] > 0.5, minlength=len(terms_s))
        # The travel-time part of sigma is common to a station's picks: averaging many does not make the term more certain
        # than one event's error. Treat the precision of the mean as at most that of ten picks.
        precision = total * np.minimum(1.0, 10.0 / np.maximum(count, 1))
        mean = np.divide(mean, total, out=np.zeros_like(mean), where=total > 0)
        shrunk = (precision * (terms_s[:, phase_idx] + mean)) / (precision + prior_sd_s**-2)
        change[:, phase_idx] = np.where(count >= min_picks, shrunk - terms_s[:, phase_idx], 0)
    return change
