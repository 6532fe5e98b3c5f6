"""What a located catalogue says against itself: residuals too large, phases biased, posteriors that a mean does not describe."""

import numpy as np

from diffseis.core.words import plural
from diffseis.io import Notice
from diffseis.location import LocatedCatalogue, normalised_misfit

# Thresholds of notes, by judgement: no note decides what is computed.
_ENOUGH_PICKS = 20
_MANY_OUTLIERS = 0.25
_LARGE_MISFIT = 1.2
_NO_RESIDUAL_S = 60.0
_MANY_PICKS = 100
_BIASED = 0.5
"""Median residual of a phase, in units of its errors, that is no chance."""
_LARGE_DISCREPANCY = 0.5


def notices_about(catalogue: LocatedCatalogue) -> list[Notice]:
    """All that a user should hear about a catalogue before believing it."""
    return [*_misfit(catalogue), *_odd_residuals(catalogue), *_odd_events(catalogue)]


def _misfit(catalogue: LocatedCatalogue) -> list[Notice]:
    """Whether the residuals say that stated errors are too small, or that inputs do not belong together."""
    arrivals = catalogue.arrivals
    placed = np.isfinite(arrivals.outlier_probability)
    notices = []
    if np.sum(placed) >= _ENOUGH_PICKS:
        share = float(np.mean(arrivals.outlier_probability[placed]))
        if share > _MANY_OUTLIERS:
            message = (
                f"{100 * share:.0f} % of the picks are taken for wrong: do picks, stations (latitude and longitude in their places?) "
                "and velocity model belong together?"
            )
            notices.append(Notice("misfit", message))
    misfit = normalised_misfit(catalogue)
    if misfit > _LARGE_MISFIT:
        message = (
            f"residuals are {misfit:.2f} times as large as the stated errors allow, so the stated uncertainties are too small by at "
            "least that much: learn them with --traveltime-error auto, correct the stations with --station-terms static, or give "
            "larger errors"
        )
        notices.append(Notice("misfit", message))
    return notices


def _odd_residuals(catalogue: LocatedCatalogue) -> list[Notice]:
    """Picks that no wave can explain, and phases that are early or late as a whole."""
    arrivals, picks = catalogue.arrivals, catalogue.picks
    notices = []
    residual = np.abs(np.nan_to_num(arrivals.residual_s))
    far = np.flatnonzero((arrivals.status == "used") & (residual > _NO_RESIDUAL_S))
    if len(far):
        worst = far[np.argmax(residual[far])]
        message = (
            f"{plural(len(far), 'pick')} over {_NO_RESIDUAL_S:g} s off (the worst: event {picks.event_id[worst]}, {picks.station_ids[worst]} "
            f"{picks.phase[worst]}, {arrivals.residual_s[worst]:.0f} s): check clocks and dates"
        )
        notices.append(Notice("odd-residuals", message, len(far)))
    located = (catalogue.events.status == "located")[arrivals.event_row] & (arrivals.status == "used")
    for phase in ("P", "S"):
        mine = located & (picks.phase == phase)
        if np.sum(mine) < _MANY_PICKS:
            continue
        middle = float(np.median(arrivals.residual_s[mine]))
        if abs(middle) > _BIASED * float(np.median(arrivals.sigma_s[mine])):
            message = (
                f"{phase} picks are {abs(middle):.2f} s {'late' if middle > 0 else 'early'} in the median: is the {phase} velocity "
                "(Vp/Vs) right?"
            )
            notices.append(Notice("phase-bias", message, int(np.sum(mine))))
    return notices


def _odd_events(catalogue: LocatedCatalogue) -> list[Notice]:
    """Located events whose posterior has several peaks or is ill represented, and why others were not located."""
    events = catalogue.events
    located = events.status == "located"
    notices = []
    odd = np.flatnonzero(
        located & ((events.num_modes > 1) | (events.kernel_stein_discrepancy > _LARGE_DISCREPANCY))
    )
    if len(odd):
        message = (
            f"{plural(len(odd), 'located event')} with several peaks or long tails, so that mean and error say little (num_modes above 1 or "
            f"kernel_stein_discrepancy above {_LARGE_DISCREPANCY:g} in catalog.csv; the first: {events.event_id[odd[0]]})"
        )
        notices.append(Notice("odd-posterior", message, len(odd)))
    for status, reason in dict.fromkeys(zip(events.status[~located], events.reason[~located], strict=True)):
        mine = np.flatnonzero((events.status == status) & (events.reason == reason))
        message = f"{plural(len(mine), 'event')} {status} (the first: {events.event_id[mine[0]]}). {reason}"
        notices.append(Notice("not-located", message, len(mine)))
    return notices
