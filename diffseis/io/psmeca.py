"""Mechanisms as text for GMT's ``meca``: double couples for ``-Sa``, other sources for ``-Sm``.

References:
    Wessel et al. (2019), The Generic Mapping Tools version 6, doi:10.1029/2019GC008515; https://docs.generic-mapping-tools.org/latest/supplements/seis/meca.html.
"""

from pathlib import Path

import numpy as np

from diffseis.core.tables import EventTable
from diffseis.core.words import plural
from diffseis.io.atomic import write_text
from diffseis.io.notices import Notice
from diffseis.mechanism import MechanismCatalogue, measure_tensors

NOMINAL_MAGNITUDE = 5.0
"""Of events whose magnitude is not known, because GMT wants a number: it draws a ball of magnitude 5 in the size of ``-S`` itself."""

_NOMINAL = (
    f"# Magnitude not known: {NOMINAL_MAGNITUDE:g} in the lines below is nominal, not measured. "
    "All balls have one size with -M (newer GMT: +m after -S...)."
)
_DYNE_CM_PER_NM = 7.0


def write_psmeca(path: str | Path, catalogue: MechanismCatalogue, places: EventTable | None) -> list[Notice]:
    """Write one line per event that has a mechanism and a place: where they are, and the offset 0 0 and the name for its label.

    Events whose magnitude is not known come last, under a comment that says so: their number is nominal, not measured.

    Args:
        path: the file.
        catalogue: of mechanisms.
        places: of events, by their ids.

    Returns:
        How many were left out for want of a place, and how many have no magnitude.
    """
    table = catalogue.mechanisms
    couples = catalogue.source == "dc"
    row_of = {} if places is None else {str(name): i for i, name in enumerate(places.event_id)}
    gcmt = measure_tensors(np.asarray(table.tensor, np.float64).reshape(-1, 3, 3)).gcmt
    measured, nominal, placeless = [], [], 0
    for row in range(len(table)):
        if not np.isfinite(table.strike_deg[row]):
            continue
        at = row_of.get(str(table.event_id[row]))
        if places is None or at is None or not _placed(places, at):
            placeless += 1
            continue
        known = bool(np.isfinite(places.magnitude[at]))
        size = float(places.magnitude[at]) if known else NOMINAL_MAGNITUDE
        where = f"{places.longitude[at]:.5f} {places.latitude[at]:.5f} {places.depth_km[at]:.3f}"
        angles = [getattr(table, f"{name}_deg")[row] for name in ("strike", "dip", "rake")]
        source = (
            " ".join(f"{angle:.2f}" for angle in angles) + f" {size:.2f}"
            if couples
            else _scaled(gcmt[row], size)
        )
        (measured if known else nominal).append(f"{where} {source} 0 0 {_label(table.event_id[row])}")
    note = [_NOMINAL] if nominal else []
    write_text(path, "\n".join([_head(couples), *measured, *note, *nominal]) + "\n")
    return _said(Path(path).name, placeless, len(nominal))


def _said(name: str, placeless: int, nominal: int) -> list[Notice]:
    said = []
    if placeless:
        message = f"{plural(placeless, 'event')} without a place left out of {name}"
        said.append(Notice("no-place", message, count=placeless))
    if nominal:
        message = f"{plural(nominal, 'event')} without a magnitude stand in {name} with a nominal {NOMINAL_MAGNITUDE:g}"
        said.append(Notice("no-magnitude", message, count=nominal))
    return said


def _head(couples: bool) -> str:
    columns = (
        "strike dip rake magnitude" if couples else "mrr mtt mff mrt mrf mtf exponent (dyne cm, powers of 10)"
    )
    option = "-Sa" if couples else "-Sm"
    return f"# gmt meca {option}: longitude latitude depth_km {columns} 0 0 event"


def _placed(places: EventTable, row: int) -> bool:
    return bool(np.all(np.isfinite([places.latitude[row], places.longitude[row], places.depth_km[row]])))


def _scaled(components: np.ndarray, magnitude: float) -> str:
    """Components times the moment of the magnitude, and their common exponent."""
    log10_moment = 1.5 * magnitude + 9.1 + _DYNE_CM_PER_NM
    exponent = int(np.floor(log10_moment))
    scaled = components * 10 ** (log10_moment - exponent)
    return " ".join(f"{value:.5f}" for value in scaled) + f" {exponent}"


def _label(name) -> str:
    return "".join(c if c.isprintable() and not c.isspace() else "_" for c in str(name))
