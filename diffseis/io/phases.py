"""Phase names: which are a first P or S, and what an arrival of a default error is."""

import math
from collections.abc import Mapping

import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.tables import PHASES
from diffseis.io.notices import Notice

_P = {"P", "PG", "PN", "PB", "P*"}
_S = {"S", "SG", "SN", "SB", "S*"}

MIN_UNCERTAINTY_S = 1e-4
MAX_UNCERTAINTY_S = 100.0
"""Pick errors outside of these are no pick errors."""


def normalise_phase(label: str) -> str:
    """``P`` or ``S`` for their crustal branches (Pg, Pn, Pb, P*, in either case); other labels as they
    are.
    """
    upper = label.strip().upper()
    if upper in _P:
        return "P"
    if upper in _S:
        return "S"
    return label.strip()


def default_for(phase: str, default: float | Mapping[str, float]) -> float:
    """The default error of a phase; phases that are not located (PmP) get the largest one given."""
    if isinstance(default, Mapping):
        if phase in default:
            return float(default[phase])
        if phase in PHASES:
            raise InputError(
                f"no default error is given for phase {phase}",
                field="default_uncertainty_s",
                fix="give one for P and one for S",
            )
        return float(max(default.values()))
    return float(default)


def check_default(default: float | Mapping[str, float]) -> None:
    """Refuse defaults that would themselves be infinite or no weight."""
    values = list(default.values()) if isinstance(default, Mapping) else [default]
    if not values or not all(
        math.isfinite(v) and MIN_UNCERTAINTY_S <= v <= MAX_UNCERTAINTY_S for v in values
    ):
        raise InputError(
            f"{default} is no pick error in seconds",
            field="default_uncertainty_s",
            fix=f"give values from {MIN_UNCERTAINTY_S} to {MAX_UNCERTAINTY_S:g} s",
        )


def usable_uncertainty(value: float) -> bool:
    """Whether a number can be one standard deviation of a pick."""
    return math.isfinite(value) and MIN_UNCERTAINTY_S <= value <= MAX_UNCERTAINTY_S


def default_notice(phases: np.ndarray, default: float | Mapping[str, float], file: str) -> Notice:
    """The notice that `phases` (one entry per replaced pick) got the default error."""
    counts = {str(p): int(np.sum(phases == p)) for p in np.unique(phases.astype(str))}
    words = ", ".join(f"{n} {p} picks: {default_for(p, default):g} s" for p, n in counts.items())
    return Notice(
        "default-uncertainty",
        f"picks without a usable error got the default ({words})",
        count=len(phases),
        file=file,
    )
