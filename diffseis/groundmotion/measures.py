"""Names of intensity measures: PGA, PGV, SA(1.0), IA, CAV, RSD575 ... and the units in which ground-motion models give them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

UNITS = {
    "PGA": "g",
    "PGV": "cm/s",
    "PGD": "cm",
    "SA": "g",
    "IA": "m/s",
    "CAV": "g s",
    "RSD575": "s",
    "RSD595": "s",
    "RSD2080": "s",
}
"""Kinds of measures and their units: accelerations in g, velocities in cm/s, Arias intensity in m/s, durations in s."""

_SPECTRAL = re.compile(r"^(?:SA|PSA)\(\s*([0-9.eE+-]+)\s*s?\s*\)$", re.IGNORECASE)


@dataclass(frozen=True, order=True)
class Measure:
    """An intensity measure.

    Attributes:
        kind: a key of `UNITS`.
        period_s: of the oscillator, of spectral accelerations (5 % of critical damping); 0 otherwise.
    """

    kind: str
    period_s: float = 0.0

    @property
    def unit(self) -> str:
        return UNITS[self.kind]

    def __str__(self) -> str:
        return f"SA({self.period_s:g})" if self.kind == "SA" else self.kind


def parse_measure(name: "str | Measure") -> Measure:
    """The measure of a name, in any case: ``PGA``, ``SA(0.2)`` (or ``PSA(0.2)``), ``RSD595``.

    Raises:
        ValueError: if there is no such measure, or a period is not above 0.
    """
    if isinstance(name, Measure):
        return name
    text = name.strip()
    spectral = _SPECTRAL.match(text)
    if spectral:
        try:
            period = float(spectral[1])
        except ValueError:
            period = 0.0
        if not 0 < period < float("inf"):
            raise ValueError(f"the period of `{name}` must be above 0 seconds")
        return Measure("SA", period)
    kind = text.upper()
    if kind not in UNITS or kind == "SA":
        known = ", ".join(k for k in UNITS if k != "SA")
        raise ValueError(
            f"there is no intensity measure `{name}`: use SA(period in seconds), such as SA(1.0), or one of {known}"
        )
    return Measure(kind)


def parse_measures(names: "Sequence[str | Measure]") -> tuple[Measure, ...]:
    """`parse_measure` of each; at least one.

    Raises:
        ValueError: if there is none, or one is not known.
    """
    if not names:
        raise ValueError("at least one intensity measure is needed, such as PGA or SA(1.0)")
    return tuple(parse_measure(name) for name in names)
