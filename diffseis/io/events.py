"""Bulletins: picks and hypocentres from QuakeML, NORDIC, hypoDD, HypoInverse and NonLinLoc files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diffseis.core.errors import InputError
from diffseis.core.tables import EventTable, PickTable
from diffseis.io.guards import read_bytes
from diffseis.io.hypoinverse import read_hypoinverse
from diffseis.io.nonlinloc_obs import read_nonlinloc_obs
from diffseis.io.notices import Notice
from diffseis.io.obspy_events import read_obspy_events
from diffseis.io.pick_rows import DEFAULT_UNCERTAINTY_S

FORMATS = ("QUAKEML", "NORDIC", "HYPODDPHA", "NLLOC_HYP", "NLLOC_OBS", "HYPOINVERSE")
_BY_SUFFIX = {
    ".qml": "QUAKEML",
    ".quakeml": "QUAKEML",
    ".nordic": "NORDIC",
    ".nor": "NORDIC",
    ".out": "NORDIC",
    ".pha": "HYPODDPHA",
    ".hyp": "NLLOC_HYP",
    ".obs": "NLLOC_OBS",
    ".arc": "HYPOINVERSE",
}


def read_events(
    path: str | Path,
    format: str | None = None,
    *,
    default_uncertainty_s: float | Mapping[str, float] = DEFAULT_UNCERTAINTY_S,
    keep_unweighted: bool = False,
) -> tuple[PickTable, EventTable, list[Notice]]:
    """Read a bulletin.

    Args:
        path: the file; may be gzip.
        format: one of `FORMATS`; without it, it follows from the first bytes and the ending of the name.
        default_uncertainty_s: standard deviation of picks that state none, by phase, divided by the
        analyst's weight
            (SEISAN's 0 to 3, hypoDD's) where there is one. How many got it is among the notices.
        keep_unweighted: keep the picks that the analyst gave no weight, too, with ten times the default
            error; else they
            are left out, with a notice. ``extra["quality_weight"]`` is 0 for them.

    Returns:
        The picks, whose `extra` holds what the bulletin reports of its own location (`distance_km`,
        `azimuth_deg`, `takeoff_deg`, `residual_s`, `weight`, NaN where it does not); its hypocentres, with
        the published errors in `extra`; and notices.

    Raises:
        InputError: if the file is not of the format, damaged, or absurd.
    """
    chosen = sniff_format(path) if format is None else format.upper()
    if chosen not in FORMATS:
        raise InputError(
            f"unknown format {format!r}", file=path, field="format", fix=f"use one of {', '.join(FORMATS)}"
        )
    options: dict[str, Any] = {
        "default_uncertainty_s": default_uncertainty_s,
        "keep_unweighted": keep_unweighted,
    }
    if chosen == "NLLOC_OBS":
        return read_nonlinloc_obs(path, **options)
    if chosen == "HYPOINVERSE":
        return read_hypoinverse(path, **options)
    return read_obspy_events(path, chosen, **options)


def read_nordic_bulletin(
    path: str | Path,
    *,
    default_uncertainty_s: float | Mapping[str, float] = DEFAULT_UNCERTAINTY_S,
    keep_unweighted: bool = False,
) -> tuple[PickTable, EventTable, list[Notice]]:
    """A SEISAN bulletin: `read_events` with ``format="NORDIC"``."""
    return read_events(
        path, "NORDIC", default_uncertainty_s=default_uncertainty_s, keep_unweighted=keep_unweighted
    )


def sniff_format(path: str | Path) -> str:
    """The format of a bulletin by its first bytes, else by the ending of its name."""
    head = read_bytes(path)[:4000]
    if b"quakeml" in head.lower():
        return "QUAKEML"
    if head.startswith(b"NLLOC "):
        return "NLLOC_HYP"
    if head.startswith(b"PUBLIC_ID") or b" GAU " in head:
        return "NLLOC_OBS"
    first = head.split(b"\n")[0]
    if first.startswith(b"#") and len(first.split()) == 15:
        return "HYPODDPHA"
    if len(first.rstrip(b"\r")) in (80, 79) and first[:1] == b" " and first.rstrip()[-1:] == b"1":
        return "NORDIC"
    name = Path(path).name.lower().removesuffix(".gz")
    suffix = Path(name).suffix
    if suffix in _BY_SUFFIX:
        return _BY_SUFFIX[suffix]
    raise InputError(
        "its format is not recognised", file=path, field="format", fix=f"name it: one of {', '.join(FORMATS)}"
    )
