"""The tables of the report on mechanisms."""

from collections.abc import Mapping, Sequence

import numpy as np

from diffseis.core.tables import EventTable
from diffseis.mechanism import MechanismCatalogue
from diffseis.plot.html import Column, table
from diffseis.plot.mechanism_words import words_of
from diffseis.plot.report_tables import MAX_ROWS, SORT_HINT, more_rows

REVERSED = 0.5
"""A station whose share of wrong readings exceeds this gives more wrong ones than right ones: it is reversed."""


def outcome_tables(catalogue: MechanismCatalogue) -> str:
    """How many events have which status, and mechanisms which grade."""
    words = words_of(catalogue)
    # HASH grades some events (E, F) for which it seeks no mechanism.
    graded = catalogue.mechanisms.grade[np.isin(catalogue.mechanisms.grade, list(words.grade))]
    return _counts("Status", catalogue.mechanisms.status, words.status) + (
        _counts("Grade", graded, words.grade) if len(graded) else ""
    )


def has_mechanism(catalogue: MechanismCatalogue) -> np.ndarray:
    """Which events have one."""
    return np.isfinite(np.asarray(catalogue.mechanisms.strike_deg, float))


def _counts(title: str, column: np.ndarray, meanings: Mapping[str, str]) -> str:
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
    told = words_of(catalogue).noise
    names = [name for name in told if name in used and name in catalogue.noise]
    return table(
        [
            Column("Parameter", [told[name][0] for name in names], text=True),
            Column("Value", [catalogue.noise[name] for name in names], ".3g"),
            Column("Meaning", [told[name][1] for name in names], text=True, wrap=True),
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
        "bad_fraction": np.any(table.num_polarities > 0),
        "ratio_bad": np.any(table.num_ratios > 0),
        "num_trials": True,
    }
    return [name for name, is_used in kinds.items() if is_used]


def reversed_stations(catalogue: MechanismCatalogue) -> dict[str, int]:
    """Stations that give more wrong first motions than right ones, and how many they give."""
    count = _stations_with(catalogue, "polarity")
    return {s: count[s] for s, (wrong, _) in catalogue.stations.items() if wrong > REVERSED and count.get(s)}


def station_table(catalogue: MechanismCatalogue) -> str:
    """Terms of stations, those that are reversed first; none of what a station has no data for."""
    if not catalogue.stations:
        return ""
    motions, ratios = (_stations_with(catalogue, name) for name in ("polarity", "log10_sp"))
    names = [name for name in catalogue.stations if motions.get(name) or ratios.get(name)]
    # Without first motions the share is only what was assumed of all.
    wrong = {s: catalogue.stations[s][0] if motions.get(s) else np.nan for s in names}
    term = {s: catalogue.stations[s][1] if ratios.get(s) else np.nan for s in names}
    names = sorted(names, key=lambda name: -np.nan_to_num(wrong[name], nan=-1.0))
    turned = reversed_stations(catalogue)
    columns = [
        Column("Station", names, text=True),
        Column("First motions", [motions.get(name, 0) for name in names], ".0f"),
        Column("Share wrong", [wrong[name] for name in names], ".2f"),
        Column("S/P ratios", [ratios.get(name, 0) for name in names], ".0f"),
        Column("log10 S/P term", [term[name] for name in names], "+.2f"),
        Column("", ["reversed?" if name in turned else "" for name in names], text=True),
    ]
    return SORT_HINT + table(columns, sortable=True, scroll=True)


def _stations_with(catalogue: MechanismCatalogue, name: str) -> dict[str, int]:
    """How many data of a kind each station has; polarities of 0 are none."""
    rays = catalogue.rays
    value = getattr(rays, name)
    there = np.isfinite(value) & ((value != 0) | (name != "polarity")) & np.isfinite(rays.takeoff_deg)
    names, counts = np.unique(rays.station[there].astype(str), return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True))


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
        Column(words_of(catalogue).within, events.probability_within_20_deg[shown], ".2f"),
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
