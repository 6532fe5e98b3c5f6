"""Figures and the report of ``diffseis mechanism``."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from diffseis.io import atomic_path
from diffseis.mechanism import MechanismCatalogue
from diffseis.plot import (
    figure_png,
    mechanism_figure,
    mechanism_page,
    overview_figures,
    write_mechanism_report,
)
from diffseis.workflows.mechanism_config import MechanismConfig
from diffseis.workflows.mechanism_inputs import MechanismInputs, Progress


@dataclass(frozen=True)
class Drawn:
    """PNGs of a run.

    Attributes:
        figures: by name.
        pages: of events in the report, by their captions.
    """

    figures: dict[str, bytes]
    pages: dict[str, bytes]


_MOST_IN_REPORT = 24
"""Pages; all that were drawn are in the folder of figures."""


def chosen_events(catalogue: MechanismCatalogue, number: int | str) -> list[tuple[int, str]]:
    """Rows whose pages are drawn, and what is said of them: half the most certain, half the least certain, or all."""
    table = catalogue.mechanisms
    found = np.flatnonzero(np.isfinite(np.asarray(table.strike_deg, float)))
    if number == "none" or not len(found):
        return []
    order = found[np.argsort(-np.asarray(table.probability_within_20_deg, float)[found], kind="stable")]
    if number == "all" or int(number) >= len(order):
        return [(int(row), "") for row in order]
    best = (int(number) + 1) // 2
    worst = int(number) - best
    return [(int(row), ", among the most certain") for row in order[:best]] + [
        (int(row), ", among the least certain") for row in order[len(order) - worst :]
    ]


def draw_figures(
    catalogue: MechanismCatalogue,
    config: MechanismConfig,
    inputs: MechanismInputs,
    folder: Path,
    progress: Progress,
) -> Drawn:
    """Draws and writes every figure as PNG.

    Args:
        catalogue: of mechanisms.
        config: says how many pages.
        inputs: places and stations.
        folder: where to.
        progress: told about pages drawn.
    """
    if config.figures == "none":
        return Drawn({}, {})
    overview = overview_figures(catalogue, places=inputs.places, stations=inputs.stations)
    figures = {name: figure_png(figure) for name, figure in overview.items()}
    for name, png in figures.items():
        _write(folder / f"{name}.png", png)
    pages: dict[str, bytes] = {}
    chosen = chosen_events(catalogue, config.figures)
    for number, (row, about) in enumerate(chosen):
        progress("figures", number, len(chosen))
        png = figure_png(mechanism_figure(mechanism_page(catalogue, row, places=inputs.places)))
        name = str(catalogue.mechanisms.event_id[row])
        # The row keeps apart names that differ only in what file names cannot hold.
        safe = "".join(c if c.isalnum() or c in "._-" else "_" for c in name)[:80]
        _write(folder / f"event_{row + 1:05d}_{safe}.png", png)
        if len(pages) < _MOST_IN_REPORT:
            pages[f"Event {name}{about}."] = png
    progress("figures", len(chosen), len(chosen))
    return Drawn(figures, pages)


def _write(path: Path, png: bytes) -> None:
    with atomic_path(path) as temporary:
        temporary.write_bytes(png)


def write_pages(
    path: Path,
    catalogue: MechanismCatalogue,
    inputs: MechanismInputs,
    drawn: Drawn,
    record: Mapping[str, Any],
) -> None:
    """Writes the report."""
    write_mechanism_report(
        catalogue,
        path,
        run=record,
        figures=drawn.figures,
        pages=drawn.pages,
        places=inputs.places,
        notices=record["notices"],
    )
