"""The report on mechanisms: one HTML file that holds everything it shows and asks the network for nothing."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from diffseis.core.tables import EventTable, StationTable
from diffseis.core.words import plural
from diffseis.mechanism import MechanismCatalogue
from diffseis.plot.faulting import STYLE_COLOURS, draw_faulting_ternary, faulting_styles
from diffseis.plot.html import (
    bullets,
    command_line,
    escape,
    image,
    key_values,
    page,
    section,
    tiles,
    write_page,
)
from diffseis.plot.mechanism_figures import BALL_CONVENTION, CONVENTIONS
from diffseis.plot.mechanism_maps import DOUBTFUL, mechanism_map_figure
from diffseis.plot.mechanism_pages import rows_of
from diffseis.plot.mechanism_tables import (
    event_table,
    failure_table,
    has_mechanism,
    noise_table,
    outcome_tables,
    reversed_stations,
    station_table,
    used_noise,
)
from diffseis.plot.mechanism_words import words_of
from diffseis.plot.style import freeze_layout, house_style, new_figure

CAPTIONS = {
    "map": "Mechanisms at their epicentres, or beside them with a line to them; colours are depths; small and pale: "
    f"{DOUBTFUL}.",
    "styles": "Styles of faulting by the plunges of T, B and P axes (Frohlich & Apperson 1992); dashed: their limits.",
}
SOURCES = {
    "dc": "double couples",
    "shear-tensile": "shear-tensile sources",
    "deviatoric": "deviatoric tensors",
    "mt": "moment tensors",
}
METHODS = {
    "grid": "an exhaustive grid",
    "svgd": "Stein particles",
    "amortised": "an amortised posterior",
    "pgnn": "a physics-guided network",
    "hash": "HASH's search",
}
_MAX_BALLS = 40
_STYLE_SIZE_POINTS = (7.0, 5.0)


def overview_figures(
    catalogue: MechanismCatalogue, *, places: EventTable | None = None, stations: StationTable | None = None
) -> dict[str, Figure]:
    """`map`, where places are known, and `styles`; none without mechanisms.

    Args:
        catalogue: of mechanisms.
        places: of events, by their ids.
        stations: drawn on the map.
    """
    rows = np.flatnonzero(has_mechanism(catalogue))
    if not len(rows):
        return {}
    table = catalogue.mechanisms
    tensors = np.asarray(table.tensor, float)[rows]
    figures = {}
    at = rows_of(places, table.event_id[rows])
    placed = at >= 0
    if places is not None and np.any(np.isfinite(places.latitude[at[placed]])):
        depth, magnitude = (np.asarray(c, float)[at[placed]] for c in (places.depth_km, places.magnitude))
        figures["map"] = mechanism_map_figure(
            places.latitude[at[placed]],
            places.longitude[at[placed]],
            tensors[placed],
            depth_km=depth if np.isfinite(depth).any() else None,
            magnitude=magnitude if np.isfinite(magnitude).any() else None,
            names=[str(name) for name in table.event_id[rows[placed]]],
            doubtful=((table.status != "ok") | np.isin(table.grade, ["E", "F"]))[rows[placed]],
            station_latitude_deg=None if stations is None else stations.latitude,
            station_longitude_deg=None if stations is None else stations.longitude,
        )
    with house_style():
        figures["styles"] = new_figure(5.8, 5.9)
        few = len(tensors) <= _MAX_BALLS
        draw_faulting_ternary(
            figures["styles"].subplots(), tensors, balls=few, size_points=_STYLE_SIZE_POINTS[0 if few else 1]
        )
        _style_key(figures["styles"], tensors)
        freeze_layout(figures["styles"])
    return figures


def _style_key(figure: Figure, tensors: np.ndarray) -> None:
    """Colours, numbers and limits of the styles about the triangle."""
    styles = faulting_styles(tensors)
    counts = {style: int(np.sum(styles == style)) for style in STYLE_COLOURS}
    handles = [
        Line2D([], [], marker="o", linestyle="", markersize=6, color=STYLE_COLOURS[s], label=f"{s} ({n})")
        for s, n in counts.items()
        if n
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    limits = "Reverse: T plunges by more than 50°; strike-slip: B by more than 60°; normal: P by more than 60° (dashed).\nThin: 30°. Frohlich & Apperson (1992)."
    figure.supxlabel(f"{BALL_CONVENTION}.\n{limits}", fontsize=7, color="#555555", x=0.01, ha="left")


def write_mechanism_report(
    catalogue: MechanismCatalogue,
    path: str | Path,
    *,
    run: Mapping[str, Any],
    figures: Mapping[str, bytes],
    pages: Mapping[str, bytes],
    places: EventTable | None = None,
    notices: Sequence[str] = (),
    title: str = "Focal mechanisms",
) -> None:
    """Write ``report.html``.

    Args:
        catalogue: of mechanisms.
        path: where to; it appears under this name only when it is complete.
        run: the record of the run. ``command_line`` (or ``command``) is shown as the line that repeats it; the rest as provenance.
        figures: PNGs by name, see `CAPTIONS`.
        pages: PNGs of pages of events, by their captions.
        places: of events, by their ids.
        notices: what readers and writers had to say.
        title: of the page.
    """
    learned = "learned from the events themselves" if run.get("learning") else "given"
    turned = ", ".join(f"{name} (of {count})" for name, count in reversed_stations(catalogue).items())
    flag = (
        f"<p>More wrong first motions than right ones, so that their polarity may be reversed: {escape(turned)}. Few first motions tell little.</p>"
        if turned
        else ""
    )
    show = lambda name: image(figures[name], CAPTIONS[name]) if name in figures else ""
    rest = {
        key: value
        for key, value in run.items()
        if key not in ("command", "command_line", "notices", "learning")
    }
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="sub">{escape(_summary(catalogue))}</p>',
        tiles(headline(catalogue)),
        section("Outcome", outcome_tables(catalogue)),
        section("Map", show("map")),
        section("Styles of faulting", show("styles")),
        section(
            "What HASH is told" if catalogue.method == "hash" else "Noise of the data",
            "" if catalogue.method == "hash" else f"<p>{learned.capitalize()}.</p>",
            noise_table(catalogue, used_noise(catalogue)),
        ),
        section("Stations", flag, station_table(catalogue)) if catalogue.stations else "",
        section("Events", event_table(catalogue, places)),
        section("Pages of events", "".join(image(png, caption) for caption, png in pages.items())),
        section("Events that are not ok, and why", failure_table(catalogue)),
        section("Conventions", f"<p>{escape(CONVENTIONS)}</p><p>{escape(words_of(catalogue).meaning)}</p>"),
        section("Notices", bullets(list(notices)) or "<p>None.</p>"),
        section("To repeat this run", command_line(run.get("command_line", run.get("command")))),
        section("Provenance", key_values(rest) if rest else ""),
    ]
    write_page(path, page(title, "\n".join(part for part in body if part)))


def headline(catalogue: MechanismCatalogue) -> list[tuple[str, str]]:
    """Three numbers and what they are."""
    table, found = catalogue.mechanisms, has_mechanism(catalogue)
    numbers = [(f"{int(np.sum(table.status == 'ok'))} of {len(table)}", "events with a mechanism")]
    good = int(np.sum(np.isin(table.grade[found], ["A", "B"])))
    numbers.append((f"{good}", "of grade A or B"))
    middle = f"{np.median(table.kagan50_deg[found]):.0f}°" if found.any() else "none"
    numbers.append(
        (
            middle,
            f"about the preferred mechanism hold half of the {words_of(catalogue).sample}, median of events",
        )
    )
    return numbers


def _summary(catalogue: MechanismCatalogue) -> str:
    table = catalogue.mechanisms
    counts = [
        plural(len(table), "event"),
        plural(int(np.sum(table.num_polarities)), "first motion"),
        plural(int(np.sum(table.num_ratios)), "amplitude ratio"),
        plural(int(np.sum(table.num_amplitudes)), "amplitude"),
    ]
    words = ", ".join(word for word in counts if not word.startswith("0 "))
    return f"{words}; {SOURCES.get(catalogue.source, catalogue.source)} by {METHODS.get(catalogue.method, catalogue.method)}"
