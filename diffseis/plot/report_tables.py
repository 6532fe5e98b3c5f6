"""The tables of the report."""

import numpy as np

from diffseis.core.tables import PHASES
from diffseis.core.words import plural
from diffseis.location.catalogue import LocatedCatalogue
from diffseis.plot.html import Column, escape, table
from diffseis.plot.residuals import used_arrivals

STATUS_MEANING = {
    "located": "the posterior lies inside the search volume and is well represented by its samples",
    "boundary": "the posterior leans on an edge of the search volume, so that its error is cut off there",
    "underdetermined": "the data cannot determine the unknowns; the posterior is mostly the prior",
    "not-converged": "the samples do not represent the posterior; place and error are not to be trusted",
    "no-data": "there was no usable arrival",
    "failed": "a value or a gradient was infinite or no number",
}

MAX_ROWS = 2000
"""Events or failures listed; a longer catalogue says where the rest is."""

SORT_HINT = '<p class="small">A click on a heading sorts.</p>'
"""Above tables that can be sorted."""


def status_table(catalogue: LocatedCatalogue) -> str:
    """How many events ended how."""
    names, counts = np.unique(catalogue.events.status.astype(str), return_counts=True)
    order = np.argsort(-counts, kind="stable")
    total = max(len(catalogue), 1)
    return table(
        [
            Column("Status", [names[i] for i in order], text=True),
            Column("Events", [int(counts[i]) for i in order], ".0f"),
            Column("%", [100.0 * counts[i] / total for i in order], ".1f"),
            Column("Meaning", [STATUS_MEANING.get(str(names[i]), "") for i in order], text=True, wrap=True),
        ]
    )


def event_table(catalogue: LocatedCatalogue) -> str:
    """One row per event, sortable."""
    events = catalogue.events
    shown = slice(0, MAX_ROWS)
    # Errors of origin times are hundredths of a second, at best.
    times = [_hundredths(t) if not np.isnat(t) else "" for t in events.time[shown]]
    text = table(
        [
            Column("Event", events.event_id[shown], text=True),
            Column("Status", events.status[shown], text=True),
            Column("Origin time (UTC)", times, text=True),
            Column("± (s)", events.origin_time_error_s[shown], ".2f"),
            Column("Latitude", events.latitude[shown], ".4f"),
            Column("Longitude", events.longitude[shown], ".4f"),
            Column("Depth (km)", events.depth_km[shown], ".2f"),
            Column("± horizontal (km)", events.horizontal_error_km[shown], ".2f"),
            Column("± vertical (km)", events.vertical_error_km[shown], ".2f"),
            Column("RMS (s)", events.rms_s[shown], ".3f"),
            Column("Phases", events.num_phases[shown], ".0f"),
            Column("Stations", events.num_stations[shown], ".0f"),
            Column("Gap (°)", events.gap_deg[shown], ".0f"),
            Column("Nearest (km)", events.nearest_km[shown], ".1f"),
            Column("Modes", events.num_modes[shown], ".0f"),
        ],
        sortable=True,
        scroll=True,
    )
    return SORT_HINT + text + more_rows(len(events), "catalog.csv")


def _hundredths(time: np.datetime64) -> str:
    """Date and time to a hundredth of a second."""
    rounded = (time + np.timedelta64(5, "ms")).astype("datetime64[ms]")
    return str(rounded)[:22].replace("T", " ")


def failure_table(catalogue: LocatedCatalogue) -> str:
    """Events that were not located, and why."""
    events = catalogue.events
    failed = np.flatnonzero(events.status != "located")
    if not len(failed):
        return "<p>Every event was located.</p>" if len(events) else "<p>There are no events.</p>"
    counts = (
        np.bincount(catalogue.arrivals.event_row, minlength=len(events)) if len(catalogue.arrivals) else None
    )
    shown = failed[:MAX_ROWS]
    text = table(
        [
            Column("Event", events.event_id[shown], text=True),
            Column("Status", events.status[shown], text=True),
            Column("Picks", [0 if counts is None else int(counts[i]) for i in shown], ".0f"),
            Column("Why", events.reason[shown], text=True, wrap=True),
        ],
        scroll=len(shown) > 15,
    )
    return text + more_rows(len(failed), "catalog.csv")


def station_table(catalogue: LocatedCatalogue) -> str:
    """Per station: place, number of used picks, median residuals, station terms where there are any."""
    stations, arrivals = catalogue.stations, catalogue.arrivals
    used = used_arrivals(catalogue)
    columns = [
        Column("Station", stations.ids, text=True),
        Column("Latitude", stations.latitude, ".4f"),
        Column("Longitude", stations.longitude, ".4f"),
        Column("Elevation (m)", stations.elevation_m, ".0f"),
    ]
    for phase in PHASES:
        mine = used & (catalogue.picks.phase == phase) if len(used) else used
        rows, residuals = arrivals.station_row[mine], arrivals.residual_s[mine]
        groups = [residuals[rows == s] for s in range(len(stations))]
        columns.append(Column(f"{phase} picks", [len(g) for g in groups], ".0f"))
        medians = [np.median(g) if len(g) else np.nan for g in groups]
        columns.append(Column(f"{phase} median residual (s)", medians, "+.3f"))
    if np.any(catalogue.station_terms_s != 0):
        for column, phase in enumerate(PHASES):
            terms = catalogue.station_terms_s[:, column]
            # Exactly zero is a term that was not estimated.
            columns.append(Column(f"{phase} term (s)", np.where(terms == 0, np.nan, terms), "+.3f"))
    return SORT_HINT + table(columns, sortable=True, scroll=True)


def unused_picks(catalogue: LocatedCatalogue) -> list[str]:
    """Sentences about picks that could not be used: none is dropped without a word."""
    arrivals, picks = catalogue.arrivals, catalogue.picks
    sentences = []
    words = arrivals.status.astype(str) if len(arrivals) else np.array([], dtype=str)
    for status, label, column in (
        ("unknown-station", "at stations that are not in the station table", picks.station),
        ("unknown-phase", "of phases that are not located", picks.phase),
        ("far-in-time", "over two hours from the other picks of their events", picks.event_id),
    ):
        mine = words == status
        if mine.any():
            names = list(dict.fromkeys(str(n) for n in column[mine]))
            listed = ", ".join(names[:30]) + (f" and {len(names) - 30} more" if len(names) > 30 else "")
            sentences.append(f"{plural(int(mine.sum()), 'pick')} {label}: {listed}.")
    repeated = int(np.sum(words == "duplicate"))
    if repeated:
        sentences.append(f"{plural(repeated, 'pick')} of the same event, station and phase as another.")
    return sentences


def more_rows(count: int, file: str) -> str:
    """A line where not all rows are shown."""
    if count <= MAX_ROWS:
        return ""
    return f'<p class="small">The first {MAX_ROWS} of {count} are shown; all are in {escape(file)}.</p>'
