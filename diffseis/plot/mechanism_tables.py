"""The tables of the report on mechanisms."""

from collections.abc import Sequence

import numpy as np

from diffseis.core.tables import EventTable
from diffseis.mechanism import MechanismCatalogue
from diffseis.plot.html import Column, table
from diffseis.plot.report_tables import MAX_ROWS, SORT_HINT, more_rows

STATUS_MEANING = {
    "ok": "the posterior is well represented by its draws; how narrow it is, grades and angles say",
    "no-data": "no ray has both angles and a measurement",
    "underdetermined": "fewer than four data: the posterior is mostly the prior",
    "not-converged": "the draws do not represent the posterior: not to be trusted",
    "failed": "a value was infinite or no number",
}
GRADE_MEANING = {
    "A": "at least 0.8 of the probability within 20° of the preferred mechanism, and at most 15 % of the polarities' weight misfit",
    "B": "at least 0.6, and 20 %",
    "C": "at least 0.4, and 30 %",
    "D": "less",
    "E": "would be C or D, and a gap of more than 90° in azimuth or 60° in take-off angle",
    "F": "would be C or D, and fewer than 8 polarities",
}
NOISE_MEANING = {
    "mispick": (
        "Wrong readings",
        "share of first motions that are wrong whatever the amplitude: misread, mislabelled, reversed",
    ),
    "polarity_sd": (
        "Nodal uncertainty",
        "amplitude, over the largest that a double couple radiates, below which a first motion drowns in noise",
    ),
    "ratio_sd": ("Scatter of ratios", "scale of the errors of log10 amplitude ratios: 0.3 is a factor of 2"),
    "ratio_bias": (
        "Bias of S/P",
        "by how much observed log10 S/P exceed those of the source and Vp/Vs: attenuation, instruments, the free surface",
    ),
    "amplitude_sd": ("Scatter of amplitudes", "of P amplitudes, over the root mean square of their event's"),
}
REVERSED = 0.5
"""A station whose share of wrong readings exceeds this gives more wrong ones than right ones: it is reversed."""


def outcome_tables(catalogue: MechanismCatalogue) -> str:
    """How many events have which status, and mechanisms which grade."""
    found = has_mechanism(catalogue)
    return _counts("Status", catalogue.mechanisms.status, STATUS_MEANING) + (
        _counts("Grade", catalogue.mechanisms.grade[found], GRADE_MEANING) if found.any() else ""
    )


def has_mechanism(catalogue: MechanismCatalogue) -> np.ndarray:
    """Which events have one."""
    return np.isfinite(np.asarray(catalogue.mechanisms.strike_deg, float))


def _counts(title: str, column: np.ndarray, meanings: dict[str, str]) -> str:
    words = [word for word in meanings if np.any(column == word)]
    counts = [int(np.sum(column == word)) for word in words]
    shares = [100 * n / max(len(column), 1) for n in counts]
    columns = [
        Column(title, words, text=True),
        Column("Events", counts, ".0f"),
        Column("%", shares, ".1f"),
        Column("Meaning", [meanings[word] for word in words], text=True, wrap=True),
    ]
    return table(columns)


def noise_table(catalogue: MechanismCatalogue, used: Sequence[str]) -> str:
    """What is assumed of the data.

    Args:
        catalogue: of mechanisms.
        used: names of the parameters that some datum depends on.
    """
    names = [name for name in NOISE_MEANING if name in used and name in catalogue.noise]
    return table(
        [
            Column("Parameter", [NOISE_MEANING[name][0] for name in names], text=True),
            Column("Value", [catalogue.noise[name] for name in names], ".3f"),
            Column("Meaning", [NOISE_MEANING[name][1] for name in names], text=True, wrap=True),
        ]
    )


def used_noise(catalogue: MechanismCatalogue) -> list[str]:
    """The parameters that some datum depends on."""
    table = catalogue.mechanisms
    over_p = [getattr(catalogue.rays, name) for name in ("log10_sp", "log10_svp", "log10_shp")]
    kinds = {
        "mispick": np.any(table.num_polarities > 0),
        "polarity_sd": np.any(table.num_polarities > 0),
        "ratio_sd": np.any(table.num_ratios > 0),
        "ratio_bias": any(np.isfinite(column).any() for column in over_p),
        "amplitude_sd": np.any(table.num_amplitudes > 0),
    }
    return [name for name, is_used in kinds.items() if is_used]


def station_table(catalogue: MechanismCatalogue) -> str:
    """Terms of stations, those that are reversed first."""
    if not catalogue.stations:
        return ""
    names = sorted(catalogue.stations, key=lambda name: -catalogue.stations[name][0])
    wrong = [catalogue.stations[name][0] for name in names]
    ratio = [catalogue.stations[name][1] for name in names]
    rays = catalogue.rays
    read = rays.station[np.isfinite(rays.polarity) & (rays.polarity != 0)].astype(str)
    columns = [
        Column("Station", names, text=True),
        Column("First motions", [int(np.sum(read == name)) for name in names], ".0f"),
        Column("Share wrong", wrong, ".2f"),
        Column("log10 S/P term", ratio, "+.2f"),
        Column("", ["reversed?" if share > REVERSED else "" for share in wrong], text=True),
    ]
    return SORT_HINT + table(columns, sortable=True, scroll=True)


def event_table(catalogue: MechanismCatalogue, places: EventTable | None = None) -> str:
    """One row per event, sortable."""
    events = catalogue.mechanisms
    shown = slice(0, MAX_ROWS)
    columns = [Column("Event", events.event_id[shown], text=True)]
    if places is not None:
        row_of = {str(name): i for i, name in enumerate(places.event_id)}
        rows = [row_of.get(str(name), -1) for name in events.event_id[shown]]
        take = lambda column: [float(column[r]) if r >= 0 else np.nan for r in rows]
        for title, column, form in (
            ("Latitude", places.latitude, ".3f"),
            ("Longitude", places.longitude, ".3f"),
            ("Depth (km)", places.depth_km, ".1f"),
            ("M", places.magnitude, ".1f"),
        ):
            if np.isfinite(column).any():
                columns.append(Column(title, take(column), form))
    columns += [
        Column("Status", events.status[shown], text=True),
        Column("Grade", events.grade[shown], text=True),
        Column("Strike (°)", events.strike_deg[shown], ".0f"),
        Column("Dip (°)", events.dip_deg[shown], ".0f"),
        Column("Rake (°)", events.rake_deg[shown], ".0f"),
    ]
    if catalogue.source != "dc":
        columns.append(Column("Slope (°)", events.slope_deg[shown], ".0f"))
    columns += [
        Column("Half within (°)", events.kagan50_deg[shown], ".0f"),
        Column("90 % within (°)", events.kagan90_deg[shown], ".0f"),
        Column("P(within 20°)", events.probability_within_20_deg[shown], ".2f"),
        Column("Polarities", events.num_polarities[shown], ".0f"),
        Column("Ratios", events.num_ratios[shown], ".0f"),
        Column("Misfit", events.misfit[shown], ".2f"),
        Column("Distribution ratio", events.station_distribution_ratio[shown], ".2f"),
        Column("Gap (°)", events.azimuthal_gap_deg[shown], ".0f"),
        Column("Modes", events.num_modes[shown], ".0f"),
    ]
    return SORT_HINT + table(columns, sortable=True, scroll=True) + more_rows(len(events), "mechanisms.csv")


def failure_table(catalogue: MechanismCatalogue) -> str:
    """Events without a mechanism that can be trusted, and why."""
    events = catalogue.mechanisms
    failed = np.flatnonzero(events.status != "ok")
    if not len(failed):
        return "<p>None.</p>"
    shown = failed[:MAX_ROWS]
    names, counts = np.unique(catalogue.rays.event_id.astype(str), return_counts=True)
    rays = dict(zip(names.tolist(), counts.tolist(), strict=True))
    columns = [
        Column("Event", events.event_id[shown], text=True),
        Column("Status", events.status[shown], text=True),
        Column("Rays", [rays.get(str(events.event_id[i]), 0) for i in shown], ".0f"),
        Column("Why", events.reason[shown], text=True, wrap=True),
    ]
    return table(columns, scroll=len(shown) > 15) + more_rows(len(failed), "mechanisms.csv")
