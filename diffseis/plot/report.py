"""The report: one HTML file that holds everything it shows and asks the network for nothing."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from diffseis.core.tables import EventTable
from diffseis.location.catalogue import REGION_LEVELS, LocatedCatalogue
from diffseis.plot.comparison import compare, comparison_figure
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
from diffseis.plot.maps import map_figure
from diffseis.plot.quality import quality_figure, uncertainty_figure
from diffseis.plot.report_tables import (
    event_table,
    failure_table,
    station_table,
    status_table,
    unused_picks,
)
from diffseis.plot.residuals import residual_figure, used_arrivals, weighted_rms_s
from diffseis.plot.sections import section_figure
from diffseis.plot.style import figure_png

CAPTIONS = {
    "map": "Epicentres (posterior means) coloured by depth; their posterior samples in the same colour; joint 68 % "
    "ellipses (of the inner 90 % of the samples, enlarged) where there are at most 400; stations; lines A–A′ and B–B′ of the depth sections.",
    "sections": "Depth sections along A–A′ and B–B′ of the map, all events projected, without exaggeration; colours, "
    "ellipses and samples as on the map. Right: number of events and vertical error, on the same depth axis.",
    "residuals": "Residuals (observed minus predicted) of the used arrivals of located events: distributions, against "
    "distance, and by station with the numbers of P and S arrivals.",
    "uncertainty": "68 % errors of located events, and what they depend on.",
    "quality": "Outcomes; phases and RMS of located events; diagnostics of the sampler.",
    "comparison": "Epicentres joined to those of the reference catalogue; distances and depth differences.",
}
"""What each figure shows, by its name."""

MEANING = (
    "Places and times are means of the posterior. Errors (±) are half-widths of the central 68 % interval "
    "of a marginal of the posterior: the horizontal one along the direction in which the epicentre is "
    "least certain, the vertical one of depth. Ellipsoids are joint 68 % regions of a "
    "Gaussian with the posterior's covariance; region volumes are those of the joint regions of highest "
    "density at {levels} %. They include the stated pick errors and travel-time errors, not a bias of the "
    "velocity model common to all events. Depths are below sea level. RMS is weighted as in the "
    "location: by the precision of an arrival (pick and travel-time error) and by the probability that it is no outlier."
)


def make_figures(catalogue: LocatedCatalogue, *, reference: EventTable | None = None) -> dict[str, Figure]:
    """The figures of the report by name (`map`, `sections`, `residuals`, `uncertainty`, `quality`,
    `comparison`); none where there are no events.
    """
    if not len(catalogue):
        return {}
    figures = {
        "map": map_figure(catalogue),
        "sections": section_figure(catalogue),
        "residuals": residual_figure(catalogue),
        "uncertainty": uncertainty_figure(catalogue),
        "quality": quality_figure(catalogue),
    }
    if reference is not None:
        figures["comparison"] = comparison_figure(catalogue, reference)
    return figures


def write_report(
    catalogue: LocatedCatalogue,
    path: str | Path,
    *,
    run: Mapping[str, Any],
    reference: EventTable | None = None,
    notices: Sequence[Any] = (),
    figures: Mapping[str, Figure | bytes] | None = None,
    title: str = "Earthquake locations",
) -> None:
    """Write ``report.html``.

    Args:
        catalogue: what was located.
        path: where to; it appears under this name only when it is complete.
        run: the record of the run. ``command`` is shown as the line that repeats it; all the rest, however
            nested, as
            provenance.
        reference: a catalogue to compare with.
        notices: what the readers had to say (shown as text).
        figures: figures that exist already, or PNGs of them, by name (see `make_figures`); names of one's
            own are added at
            the end. Without it they are made.
        title: of the page.
    """
    text = render_report(
        catalogue, run=run, reference=reference, notices=notices, figures=figures, title=title
    )
    write_page(path, text)


def render_report(
    catalogue: LocatedCatalogue,
    *,
    run: Mapping[str, Any],
    reference: EventTable | None = None,
    notices: Sequence[Any] = (),
    figures: Mapping[str, Figure | bytes] | None = None,
    title: str = "Earthquake locations",
) -> str:
    """The text of the report; see `write_report`."""
    drawn = figures if figures is not None else make_figures(catalogue, reference=reference)
    images = {name: _image(name, figure) for name, figure in drawn.items()}
    show = lambda *names: "".join(images.get(name, "") for name in names)
    levels = ", ".join(f"{100 * level:g}" for level in REGION_LEVELS)
    said = [str(n) for n in notices] + unused_picks(catalogue)
    rest = {key: value for key, value in run.items() if key != "command"}
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="sub">{escape(_summary(catalogue))}</p>',
        tiles(headline(catalogue, reference)),
        section("Outcome", status_table(catalogue)),
        section("Map", show("map")),
        section("Depth sections", show("sections")),
        section("Against the reference", _against(catalogue, reference), show("comparison")),
        section("Residuals", show("residuals")),
        section("Uncertainty and quality", show("uncertainty", "quality")),
        section("What the errors mean", f"<p>{escape(MEANING.format(levels=levels))}</p>"),
        section("Events", event_table(catalogue)),
        section("Events that were not located, and why", failure_table(catalogue)),
        section("Stations", station_table(catalogue)),
        section("Notices about the input", bullets(said) or "<p>None.</p>"),
        section("Further figures", show(*[name for name in drawn if name not in CAPTIONS])),
        section("To repeat this run", command_line(run.get("command"))),
        section("Provenance", key_values(rest) if rest else ""),
    ]
    return page(title, "\n".join(part for part in body if part))


def headline(catalogue: LocatedCatalogue, reference: EventTable | None = None) -> list[tuple[str, str]]:
    """Three numbers and what they are."""
    events = catalogue.events
    good = events.status == "located"
    numbers = [(f"{int(good.sum())} of {len(events)}", "events located")]
    errors = events.horizontal_error_km[good], events.vertical_error_km[good]
    if good.any() and np.isfinite(errors[0]).any() and np.isfinite(errors[1]).any():
        widths = f"{np.nanmedian(errors[0]):.2f} / {np.nanmedian(errors[1]):.2f} km"
        numbers.append((widths, "median horizontal / vertical error (68 %)"))
    else:
        numbers.append(("none", "median horizontal / vertical error (68 %)"))
    numbers.append(_residual_size(catalogue))
    return numbers


def _residual_size(catalogue: LocatedCatalogue) -> tuple[str, str]:
    """Weighted RMS of the residuals of located events, and of all events where that is another number."""
    located = used_arrivals(catalogue)
    if not located.any():
        return "none", "weighted RMS of residuals"
    arrivals = catalogue.arrivals
    used = (arrivals.status == "used") & np.isfinite(arrivals.residual_s)
    text, others = f"{weighted_rms_s(catalogue, located):.3f} s", int(used.sum() - located.sum())
    what = f"weighted RMS of {int(located.sum())} residuals of located events"
    whole = f"{weighted_rms_s(catalogue, used):.3f} s"
    return text, what if whole == text else f"{what} ({whole} with {others} of events not located)"


def _summary(catalogue: LocatedCatalogue) -> str:
    times = catalogue.events.time
    times = times[~np.isnat(times)]
    days = list(dict.fromkeys([str(times.min())[:10], str(times.max())[:10]])) if len(times) else []
    counts = [
        _plural(len(catalogue), "event"),
        _plural(len(catalogue.picks), "pick"),
        _plural(len(catalogue.stations), "station"),
    ]
    return ", ".join([*counts, " to ".join(days)] if days else counts)


def _plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _against(catalogue: LocatedCatalogue, reference: EventTable | None) -> str:
    if reference is None:
        return ""
    matched = compare(catalogue, reference)
    if not len(matched.rows):
        return "<p>No located event has the id of an event of the reference.</p>"
    depth = matched.depth_km[np.isfinite(matched.depth_km)]
    deep = f"; median absolute depth difference {np.median(np.abs(depth)):.2f} km" if len(depth) else ""
    return (
        f"<p>{_plural(len(matched.rows), 'located event')} in common; {matched.missing} of the reference not located here. "
        f"Median epicentral distance {np.median(matched.epicentral_km):.2f} km{deep}.</p>"
    )


def _image(name: str, figure: Figure | bytes) -> str:
    png = figure if isinstance(figure, bytes) else figure_png(figure)
    card = (
        f"Event {name.removeprefix('event_')}: its posterior in map view and two sections, and its residuals."
    )
    return image(png, CAPTIONS.get(name, card if name.startswith("event_") else name))
