"""Ratios of amplitudes of S and P that stand out of the noise."""

import math
from dataclasses import dataclass
from pathlib import Path

from diffseis.core.words import plural
from diffseis.io.notices import Notice


@dataclass(frozen=True)
class Amplitudes:
    """Of one instrument, in any unit.

    Attributes:
        event_id, network, station, channel: codes.
        noise_p, noise_s: before the arrivals, positive.
        p, s: of the waves, positive.
    """

    event_id: str
    network: str
    station: str
    channel: str
    noise_p: float
    noise_s: float
    p: float
    s: float

    def log10_sp(self, *, min_snr: float) -> float:
        """Logarithm of S over P; NaN where one of them is not `min_snr` times its noise, or nothing."""
        clear = self.p >= min_snr * self.noise_p and self.s >= min_snr * self.noise_s
        return math.log10(self.s) - math.log10(self.p) if clear and self.p > 0 and self.s > 0 else math.nan


def unused_ratios(kind: str, number: int, why: str, path: str | Path) -> list[Notice]:
    """The notice of ratios that were left out for one reason."""
    if not number:
        return []
    return [Notice(kind, f"{plural(number, 'ratio')} of S to P {why} left out", count=number, file=str(path))]
