"""How wrong predicted travel times are, learnt from the residuals of a catalogue.

The residuals of one event's picks scatter by their reading errors and by the errors of the velocity model. With the first
stated, the second follows: the `TravelTimeError` under which the residuals are most probable (an empirical Bayes estimate). It sees
what differs from station to station; an error that all stations share moves every hypocentre alike and leaves no residual.
"""

from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Array, Key
from scipy.optimize import minimize

from diffseis.core.tables import PickTable, StationTable
from diffseis.eikonal import AbstractPhaseTimes
from diffseis.inference import Laplace
from diffseis.location.catalogue import LocatedCatalogue
from diffseis.location.likelihood import AbstractLikelihood, InlierOutlier, TravelTimeError
from diffseis.location.locate import Progress, locate

_UNKNOWNS = 4
_MIN_PICKS = 7
"""Events with fewer picks say little about errors: their hypocentres follow their picks."""
_FRACTION = (1e-3, 0.3)
_MINIMUM_S = (1e-3, 2.0)
_GRID_PICKS = 4000
"""How many picks a first look takes."""


def residual_sample(catalogue: LocatedCatalogue) -> dict[str, np.ndarray]:
    """Residuals of located events, enlarged for the four unknowns that were fitted to each event.

    Returns:
        `residual_s`, `travel_time_s`, `pick_sigma_s`, `sigma_s` and `weight` (1 - outlier probability), one per pick.
    """
    arrivals = catalogue.arrivals
    used = (arrivals.status == "used") & (catalogue.events.status == "located")[arrivals.event_row]
    count = np.bincount(arrivals.event_row[used], minlength=len(catalogue))[arrivals.event_row]
    chosen = used & (count >= _MIN_PICKS)
    n = count[chosen]
    return {
        "residual_s": arrivals.residual_s[chosen] * np.sqrt(n / (n - _UNKNOWNS)),
        "travel_time_s": arrivals.travel_time_s[chosen] - arrivals.station_term_s[chosen],
        "pick_sigma_s": np.asarray(catalogue.picks.uncertainty_s, float)[chosen],
        "sigma_s": arrivals.sigma_s[chosen],
        "weight": arrivals.weight[chosen],
    }


def normalised_misfit(catalogue: LocatedCatalogue) -> float:
    """Root mean square residual of good picks in units of their stated errors: 1 where the errors are stated rightly.

    Weighted by the probability of being no outlier; NaN where no located event has enough picks (7).
    """
    sample = residual_sample(catalogue)
    total = float(np.sum(sample["weight"]))
    if not total > 0:
        return float("nan")
    squares = sample["weight"] * (sample["residual_s"] / sample["sigma_s"]) ** 2
    return float(np.sqrt(np.sum(squares) / total))


def fit_travel_time_error(
    residual_s: np.ndarray,
    travel_time_s: np.ndarray,
    pick_sigma_s: np.ndarray,
    *,
    maximum_s: float = 2.0,
    outlier_fraction: float = 0.05,
    outlier_scale_s: float = 1.0,
) -> tuple[float, float]:
    """Fraction and least error in s under which residuals are most probable, wrong picks allowed for.

    Args:
        residual_s, travel_time_s, pick_sigma_s: one per pick.
        maximum_s: largest travel-time error.
        outlier_fraction, outlier_scale_s: of wrong picks, as in `InlierOutlier`.

    Returns:
        `fraction` and `minimum_s` of a `TravelTimeError`.
    """
    share, scale = outlier_fraction, outlier_scale_s

    def misfit(logarithms: np.ndarray, rows: slice = slice(None)) -> float:
        fraction, least = np.exp(logarithms)
        r = residual_s[rows]
        sigma = np.hypot(pick_sigma_s[rows], np.clip(fraction * travel_time_s[rows], least, maximum_s))
        good = (1 - share) / np.sqrt(2 * np.pi) / sigma * np.exp(-0.5 * (r / sigma) ** 2)
        return -float(np.mean(np.log(good + share / np.pi * scale / (scale**2 + r**2))))

    # Where one of the two decides for every pick, the other is free, and the misfit is flat: a grid finds the valley.
    bounds = np.log([_FRACTION, (_MINIMUM_S[0], min(_MINIMUM_S[1], maximum_s))])
    steps = np.linspace(bounds[:, 0], bounds[:, 1], 24)
    grid = [np.array([f, m]) for f in steps[:, 0] for m in steps[:, 1]]
    some = slice(None, None, max(1, len(residual_s) // _GRID_PICKS))
    start = min(grid, key=lambda x: misfit(x, some))
    found = minimize(misfit, start, method="Nelder-Mead", bounds=bounds)
    fraction, least = np.exp(found.x)
    return float(fraction), float(least)


def estimate_travel_time_error(
    picks: PickTable,
    stations: StationTable,
    field: AbstractPhaseTimes,
    *,
    likelihood: AbstractLikelihood | None = None,
    num_iterations: int = 4,
    station_terms_s: np.ndarray | None = None,
    progress: Progress | None = None,
    key: Key[Array, ""],
    **options: Any,
) -> tuple[TravelTimeError, list[tuple[float, float]]]:
    """Locates, fits the travel-time error to the residuals, and does it again with that error.

    Args:
        picks, stations, field, station_terms_s, key, options: as for `locate`.
        likelihood: whose `error` is to be replaced; its bounds and correlation are kept. `InlierOutlier` by default.
        num_iterations: rounds at most; it ends when both numbers change by less than 5 %.
        progress: told about rounds.

    Returns:
        The error, and its fraction and least value after each round.

    Raises:
        ValueError: if no located event has seven picks.
    """
    likelihood = InlierOutlier() if likelihood is None else likelihood
    error = likelihood.error
    history: list[tuple[float, float]] = []
    wrong: dict[str, float] = {}
    if isinstance(likelihood, InlierOutlier):
        wrong = {name: float(getattr(likelihood, name)) for name in ("outlier_fraction", "outlier_scale_s")}
    for iteration in range(num_iterations):
        if progress is not None:
            progress(f"travel-time error, round {iteration + 1}", iteration, num_iterations)
        current = eqx.tree_at(lambda x: x.error, likelihood, error)
        catalogue = locate(
            picks, stations, field, likelihood=current, sampler=Laplace(32), station_terms_s=station_terms_s, key=key,
            **options,
        ).value  # fmt: skip
        sample = residual_sample(catalogue)
        if len(sample["residual_s"]) == 0:
            raise ValueError(
                f"no located event has {_MIN_PICKS} picks: there is nothing to learn errors from"
            )
        maximum = float(error.maximum_s)
        found = fit_travel_time_error(
            sample["residual_s"], sample["travel_time_s"], sample["pick_sigma_s"], maximum_s=maximum, **wrong
        )
        settled = bool(history) and np.allclose(found, history[-1], rtol=0.05)
        history.append(found)
        error = TravelTimeError(*found, maximum, correlation_km=float(error.correlation_km))
        if settled:
            break
    return error, history
