"""What a run hands on of mechanisms: every event, its posterior and its data, on the host.

`MechanismCatalogue` is the currency between `mechanism` (which makes it), `io` (which writes it) and `plot` (which draws it).
"""

from dataclasses import dataclass, field, fields, replace

import numpy as np

from diffseis.core.radiation_table import RadiationTable

OK = "ok"
NO_DATA = "no-data"
FEW_DATA = "underdetermined"
NOT_CONVERGED = "not-converged"
FAILED = "failed"

MAX_MODES = 5
"""Separate mechanisms that are told of at most."""

LEAST_MODE = 0.1
"""Separate mechanisms of less probability are not counted."""


@dataclass(frozen=True)
class Mechanisms:
    """One row per event. Numbers of an event without a mechanism are NaN.

    Attributes:
        event_id: ids, in the order of their first ray.
        status: `ok`, `no-data`, `underdetermined` (fewer than 4 data), `not-converged` or `failed`.
        reason: a sentence where the status is not `ok`, else "".
        tensor: event by 3 by 3, the preferred source in north, east, down, of unit scalar moment.
        strike_deg, dip_deg, rake_deg: of its first nodal plane, after Aki & Richards.
        strike2_deg, dip2_deg, rake2_deg: of the other.
        strike_error_deg, dip_error_deg, rake_error_deg: half-widths of the central 68 % of the draws' planes about the first plane; likewise for the second.
        slope_deg: of the slip out of its plane; 0 for double couples.
        kagan50_deg, kagan90_deg: half and nine tenths of the posterior lie within these rotations of the preferred axes.
        probability_within_20_deg: of the posterior, within that rotation.
        grade: A to F, see `grade_of`.
        num_polarities, num_ratios, num_amplitudes: data that were used.
        misfit: share of the polarities, weighted by their certainty, that disagree with the preferred source.
        ratio_misfit: median absolute misfit of log10 ratios.
        station_distribution_ratio: mean over polarities of the root of the preferred amplitude: small where rays leave near the nodal planes.
        azimuthal_gap_deg, takeoff_gap_deg: largest without a ray.
        num_modes: separate mechanisms (more than 45 degrees apart) with a tenth of the probability each.
        mode_share: event by 5: the probability of each of the separate mechanisms, the preferred first; 0 for none.
        mode_planes_deg: event by 5 by plane by strike, dip and rake: their planes; those of the first are the event's own.
        log_evidence: of the data, whatever the source; differences compare kinds of sources.
        effective_fraction: of the draws.
    """

    event_id: np.ndarray
    status: np.ndarray
    reason: np.ndarray
    tensor: np.ndarray
    strike_deg: np.ndarray
    dip_deg: np.ndarray
    rake_deg: np.ndarray
    strike2_deg: np.ndarray
    dip2_deg: np.ndarray
    rake2_deg: np.ndarray
    strike_error_deg: np.ndarray
    dip_error_deg: np.ndarray
    rake_error_deg: np.ndarray
    strike2_error_deg: np.ndarray
    dip2_error_deg: np.ndarray
    rake2_error_deg: np.ndarray
    slope_deg: np.ndarray
    kagan50_deg: np.ndarray
    kagan90_deg: np.ndarray
    probability_within_20_deg: np.ndarray
    grade: np.ndarray
    num_polarities: np.ndarray
    num_ratios: np.ndarray
    num_amplitudes: np.ndarray
    misfit: np.ndarray
    ratio_misfit: np.ndarray
    station_distribution_ratio: np.ndarray
    azimuthal_gap_deg: np.ndarray
    takeoff_gap_deg: np.ndarray
    num_modes: np.ndarray
    mode_share: np.ndarray
    mode_planes_deg: np.ndarray
    log_evidence: np.ndarray
    effective_fraction: np.ndarray

    def __len__(self) -> int:
        return len(self.event_id)

    def take(self, rows) -> "Mechanisms":
        """The same with the chosen rows only."""
        return replace(self, **{f.name: np.asarray(getattr(self, f.name))[rows] for f in fields(self)})


@dataclass(frozen=True)
class MechanismCatalogue:
    """Mechanisms with their draws and data.

    Attributes:
        mechanisms: one row per event.
        draws: event by draw by 6: equally weighted six-vectors of unit scalar moment; NaN for an event without.
        rays: the observations.
        source: "dc", "shear-tensile", "deviatoric" or "mt".
        method: "grid", "svgd", "pgnn", "amortised" or "hash".
        noise: parameters of the data's noise by name, learned or given.
        stations: terms by station code: share of wrong readings, and what is added to log10 S/P.
    """

    mechanisms: Mechanisms
    draws: np.ndarray
    rays: RadiationTable
    source: str
    method: str
    noise: dict[str, float]
    stations: dict[str, tuple[float, float]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.mechanisms)


def grade_of(
    probability: float, misfit: float, num_polarities: int, azimuthal_gap_deg: float, takeoff_gap_deg: float
) -> str:
    """A letter by what is known of a mechanism, in the spirit of HASH's, but by the posterior's own probability.

    A: 0.8 of the probability within 20 degrees and less than 15 % of the polarities misfit; B: 0.6 and 20 %; C: 0.4 and 30 %; D: the rest; E: a gap of more than 90 degrees in
    azimuth or 60 in take-off; F: fewer than 8 polarities. E and F are given only to what would be C or D: amplitudes and ratios can make up for gaps.
    """
    limits = (("A", 0.8, 0.15), ("B", 0.6, 0.20), ("C", 0.4, 0.30))
    passed = [name for name, least, most in limits if probability >= least and not misfit > most]
    letter = passed[0] if passed else "D"
    if letter in "CD":
        if num_polarities < 8:
            return "F"
        if azimuthal_gap_deg > 90 or takeoff_gap_deg > 60:
            return "E"
    return letter
