"""What the report calls things: draws of a posterior are one thing, the mechanisms that HASH accepts another."""

from collections.abc import Mapping
from dataclasses import dataclass

from diffseis.mechanism import MechanismCatalogue


@dataclass(frozen=True)
class Words:
    """Of the sample that a method leaves behind, and what is said of it.

    Attributes:
        sample: what it is a sample of.
        chance: what a share of it is called.
        within: heading of the share within 20 degrees, in a table.
        status: meaning of each status.
        grade: meaning of each grade.
        noise: names and meanings of the numbers that the method takes or learns.
        meaning: of angles, probabilities and misfits.
    """

    sample: str
    chance: str
    within: str
    status: Mapping[str, str]
    grade: Mapping[str, str]
    noise: Mapping[str, tuple[str, str]]
    meaning: str


def words_of(catalogue: MechanismCatalogue) -> Words:
    """The words for a catalogue, by the method that made it."""
    return HASH if catalogue.method == "hash" else POSTERIOR


_KAGAN = (
    "Angles between mechanisms are Kagan's: the smallest rotation that turns the axes of one into those of the other, 0° to 120°; two "
    "mechanisms drawn at random are 75° apart on average. "
)
_NO_DATA = "no ray has both angles and a measurement"
_FAILED = "a value was infinite or no number"

POSTERIOR = Words(
    sample="posterior",
    chance="probability",
    within="P(within 20°)",
    status={
        "ok": "the posterior is well represented by its draws; how narrow it is, grades and angles say",
        "no-data": _NO_DATA,
        "underdetermined": "fewer than four data: the posterior is mostly the prior",
        "not-converged": "the draws do not represent the posterior: not to be trusted",
        "failed": _FAILED,
    },
    grade={
        "A": "at least 0.8 of the probability within 20° of the preferred mechanism, and at most 15 % of the polarities' weight misfit",
        "B": "at least 0.6, and 20 %",
        "C": "at least 0.4, and 30 %",
        "D": "less",
        "E": "would be C or D, and a gap of more than 90° in azimuth or 60° in take-off angle",
        "F": "would be C or D, and fewer than 8 polarities",
    },
    noise={
        "mispick": (
            "Wrong readings",
            "share of first motions that are wrong whatever the amplitude: misread, mislabelled, reversed",
        ),
        "polarity_sd": (
            "Nodal uncertainty",
            "amplitude, over the largest that a double couple radiates, below which a first motion drowns in noise",
        ),
        "ratio_sd": (
            "Scatter of ratios",
            "scale of the errors of log10 amplitude ratios: 0.3 is a factor of 2",
        ),
        "ratio_bias": (
            "Bias of S/P",
            "by how much observed log10 S/P exceed those of the source and Vp/Vs: attenuation, instruments, the free surface",
        ),
        "amplitude_sd": (
            "Scatter of amplitudes",
            "of P amplitudes, over the root mean square of their event's",
        ),
    },
    meaning=(
        "The preferred mechanism is the mean tensor of the most probable mode of the posterior: all draws within 45° of it. "
        + _KAGAN
        + "Half of the posterior lies within the first angle of the table, nine tenths within the second. Errors of planes are half-widths of the central 68 %. The "
        "probability within 20° is that of the mechanism's being so close to the preferred one, if data err as the table of noise says; it knows "
        "nothing of what all events share, such as a wrong velocity model. The misfit is the share of the polarities, weighted by their certainty and by the root of the "
        "amplitude that the preferred mechanism radiates there, that disagree. The distribution ratio is small where rays leave near the nodal planes. "
        "Planes of sources that open or close are those that slip, out of the plane by the slope; dashed on the pages are the planes of the best double couple."
    ),
)

HASH = Words(
    sample="accepted mechanisms",
    chance="share",
    within="Share within 20°",
    status={
        "ok": "mechanisms were accepted; how alike they are, grades and angles say",
        "no-data": _NO_DATA,
        "underdetermined": "too few polarities (grade F) or too wide gaps (grade E) for HASH to try",
        "failed": _FAILED,
    },
    grade={
        "A": "more than 0.8 of the accepted mechanisms within 45° of the preferred one, a mean error of the planes of at most 25°, a misfit of at most 15 % and a distribution ratio of at least 0.5",
        "B": "more than 0.6, and 35°, 20 %, 0.4",
        "C": "more than 0.5, and 45°, 30 %, 0.3",
        "D": "less",
        "E": "a gap of more than 90° in azimuth or 60° in take-off angle",
        "F": "fewer than 8 polarities",
    },
    noise={
        "bad_fraction": ("Wrong polarities", "share that mechanisms may misfit beyond the best one's"),
        "ratio_bad": ("Error of ratios", "of log10 S/P, that mechanisms may misfit beyond the best one's"),
        "num_trials": ("Trials", "of the rays' angles, drawn from their standard deviations"),
    },
    meaning=(
        "The preferred mechanism is HASH's: the average of the accepted mechanisms without its outliers. The set of accepted mechanisms is no posterior: each fits in at least one "
        "trial of the angles, and all count alike. "
        + _KAGAN
        + "Half of the accepted mechanisms lie within the first angle of the table, nine tenths within the second. The error of a plane is the root mean square angle "
        "from it to those of the accepted mechanisms. The misfit is the weighted share of the polarities that disagree. The distribution ratio is small where rays leave near the nodal planes."
    ),
)
