"""The report on mechanisms: one HTML file that holds everything it shows and asks the network for nothing."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from diffseis.core.tables import EventTable, StationTable
from diffseis.core.words import plural
from diffseis.mechanism import MechanismCatalogue, measure_tensors
from diffseis.plot.faulting import draw_faulting_ternary
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
from diffseis.plot.mechanism_card import NEAR_DEG, CardLines, MechanismPage, axes_deg
from diffseis.plot.mechanism_figures import CONVENTIONS
from diffseis.plot.mechanism_maps import mechanism_map_figure
from diffseis.plot.mechanism_tables import (
    event_table,
    failure_table,
    has_mechanism,
    noise_table,
    outcome_tables,
    station_table,
    used_noise,
)
from diffseis.plot.style import freeze_layout, house_style, new_figure

CAPTIONS = {
    "map": "Mechanisms at their epicentres, or beside them with a line to them; colours are depths.",
    "styles": "Styles of faulting by the plunges of T, B and P axes (Frohlich & Apperson 1992); dashed: their limits.",
}
SOURCES = {
    "dc": "double couples",
    "shear-tensile": "shear-tensile sources",
    "deviatoric": "deviatoric tensors",
    "mt": "moment tensors",
}
MEANING = (
    "The preferred mechanism is the mean tensor of the most probable mode of the posterior: all draws within 45° of it. "
    "Angles between mechanisms are Kagan's: the smallest rotation that turns the axes of one into those of the other, 0° to 120°; two "
    "mechanisms drawn at random are 75° apart on average. Half of the posterior lies within the first angle of the table, nine tenths within the second. The "
    "probability within 20° is that of the mechanism's being so close to the preferred one, if data err as the table of noise says; it knows "
    "nothing of what all events share, such as a wrong velocity model. The misfit is the share of the polarities, weighted by their certainty and by the root of the "
    "amplitude that the preferred mechanism radiates there, that disagree. The distribution ratio is small where rays leave near the nodal planes."
)
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
    tensors = np.asarray(catalogue.mechanisms.tensor, float)[rows]
    figures = {}
    at = _rows_of(places, catalogue.mechanisms.event_id[rows])
    placed = at >= 0
    if places is not None and np.any(np.isfinite(places.latitude[at[placed]])):
        depth, magnitude = (np.asarray(c, float)[at[placed]] for c in (places.depth_km, places.magnitude))
        figures["map"] = mechanism_map_figure(
            places.latitude[at[placed]],
            places.longitude[at[placed]],
            tensors[placed],
            depth_km=depth if np.isfinite(depth).any() else None,
            magnitude=magnitude if np.isfinite(magnitude).any() else None,
            names=[str(name) for name in catalogue.mechanisms.event_id[rows[placed]]],
            station_latitude_deg=None if stations is None else stations.latitude,
            station_longitude_deg=None if stations is None else stations.longitude,
        )
    with house_style():
        figures["styles"] = new_figure(5.6, 5.4)
        few = len(tensors) <= _MAX_BALLS
        draw_faulting_ternary(
            figures["styles"].subplots(), tensors, balls=few, size_points=_STYLE_SIZE_POINTS[0 if few else 1]
        )
        freeze_layout(figures["styles"])
    return figures


def mechanism_page(
    catalogue: MechanismCatalogue, row: int, *, places: EventTable | None = None, num_draws: int = 200
) -> MechanismPage:
    """What the page of one event shows: its first motions of P, and some of its draws."""
    table, rays = catalogue.mechanisms, catalogue.rays
    own = rays.take(
        (rays.event_id == table.event_id[row])
        & np.isfinite(rays.azimuth_deg)
        & np.isfinite(rays.takeoff_deg)
        & np.isfinite(rays.polarity)
        & (rays.polarity != 0)
    )
    six = np.asarray(catalogue.draws[row], float)
    six = six[np.all(np.isfinite(six), axis=1)]
    six = six[np.linspace(0, len(six) - 1, min(num_draws, len(six))).round().astype(int)]
    facts = [f"grade {table.grade[row]}"] if table.status[row] == "ok" else [str(table.status[row])]
    at = _rows_of(places, table.event_id[row : row + 1])[0]
    if places is not None and at >= 0:
        time, magnitude, depth = places.time[at], places.magnitude[at], places.depth_km[at]
        facts += [] if np.isnat(time) else [str(time)[:19].replace("T", " ")]
        facts += [f"M {magnitude:.1f}"] if np.isfinite(magnitude) else []
        facts += [f"depth {depth:.1f} km"] if np.isfinite(depth) else []
    return MechanismPage(
        event_id=str(table.event_id[row]),
        tensor=np.asarray(table.tensor[row], float),
        draws=_tensors(six),
        azimuth_deg=own.azimuth_deg,
        takeoff_deg=own.takeoff_deg,
        polarity=own.polarity,
        station=tuple(str(name).rpartition(".")[2] for name in own.station),
        subtitle=", ".join(facts),
        card=tuple(_card(catalogue, row)),
    )


def _card(catalogue: MechanismCatalogue, row: int) -> CardLines:
    """The catalogue's own numbers, so that page and table agree."""
    table = catalogue.mechanisms
    lines: CardLines = []
    for number, end in enumerate(("", "2"), start=1):
        planes = [float(getattr(table, f"{name}{end}_deg")[row]) for name in ("strike", "dip", "rake")]
        errors = [float(getattr(table, f"{name}{end}_error_deg")[row]) for name in ("strike", "dip", "rake")]
        lines.append((f"Plane {number}", " / ".join(f"{x:.0f}°" for x in planes)))
        lines.append(("", "± " + " / ".join(f"{x:.0f}°" for x in errors)))
    axes = axes_deg(np.asarray(table.tensor[row], float)).items()
    lines += [(f"{name} axis", f"trend {trend:.0f}°, plunge {plunge:.0f}°") for name, (trend, plunge) in axes]
    lines += [
        (f"Within {NEAR_DEG:.0f}°", f"probability {table.probability_within_20_deg[row]:.2f}"),
        ("Half, 90 % within", f"{table.kagan50_deg[row]:.0f}°, {table.kagan90_deg[row]:.0f}°"),
    ]
    if catalogue.source != "dc":
        kind = measure_tensors(np.asarray(table.tensor[row : row + 1], float))
        shares = [100 * float(x[0]) for x in (kind.isotropic, kind.clvd, kind.double_couple)]
        lines.append(("ISO / CLVD / DC", " / ".join(f"{x:.0f}" for x in shares) + " %"))
        lines.append(("Slope", f"{table.slope_deg[row]:.0f}°"))
    for name, count in (
        ("Polarities", table.num_polarities[row]),
        ("Ratios", table.num_ratios[row]),
        ("Amplitudes", table.num_amplitudes[row]),
    ):
        lines += [(name, f"{int(count)}")] if count else []
    if table.num_polarities[row]:
        lines.append(("Misfit", f"{100 * table.misfit[row]:.0f} % of their weight"))
        lines.append(("Distribution", f"{table.station_distribution_ratio[row]:.2f}"))
    lines.append(
        ("Gaps", f"azimuth {table.azimuthal_gap_deg[row]:.0f}°, take-off {table.takeoff_gap_deg[row]:.0f}°")
    )
    lines += [("Modes", f"{int(table.num_modes[row])}")] if table.num_modes[row] > 1 else []
    return [(name, text.replace("-", "−") if name != "Gaps" else text) for name, text in lines]


def _tensors(six: np.ndarray) -> np.ndarray:
    nn, ee, dd = six[:, :3].T
    ne, nd, ed = six[:, 3:].T / np.sqrt(2)
    return np.stack([nn, ne, nd, ne, ee, ed, nd, ed, dd], axis=-1).reshape(-1, 3, 3)


def _rows_of(places: EventTable | None, names: np.ndarray) -> np.ndarray:
    """Rows of events in a table of places, -1 for none."""
    row_of = {} if places is None else {str(name): i for i, name in enumerate(places.event_id)}
    return np.array([row_of.get(str(name), -1) for name in names], int)


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
    reversed_ones = [name for name, (wrong, _) in catalogue.stations.items() if wrong > 0.5]
    flag = (
        f"<p>More wrong first motions than right ones, so that their polarity is likely reversed: {escape(', '.join(reversed_ones))}.</p>"
        if reversed_ones
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
            "Noise of the data",
            f"<p>{learned.capitalize()}.</p>",
            noise_table(catalogue, used_noise(catalogue)),
        ),
        section("Stations", flag, station_table(catalogue)) if catalogue.stations else "",
        section("Events", event_table(catalogue, places)),
        section("Pages of events", "".join(image(png, caption) for caption, png in pages.items())),
        section("Events that are not ok, and why", failure_table(catalogue)),
        section("Conventions", f"<p>{escape(CONVENTIONS)}</p><p>{escape(MEANING)}</p>"),
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
    numbers.append((middle, "within which half of the posterior lies, median of events"))
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
    return f"{words}; {SOURCES.get(catalogue.source, catalogue.source)} by the method {catalogue.method}"
