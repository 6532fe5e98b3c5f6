"""Settings of ``diffseis train-groundmotion``."""

import math
from dataclasses import dataclass
from pathlib import Path

from diffseis.workflows.motion_models import measures_of
from diffseis.workflows.setting_limits import check_limits


@dataclass(frozen=True)
class MotionTraining:
    """How a model is learned.

    Attributes:
        flatfile: of records.
        imts: measures; their names come out as `Measure` writes them.
        base: name and options of a published model that is corrected; None for none.
        monotone: whether motion grows with magnitude and falls with distance.
        units: of the hidden layer.
        members: networks of each measure, from different starts, whose mean counts.
        heteroscedastic: whether tau and phi_ss vary with magnitude; None: where there are events enough.
        held_out: share of events that a first fit does not see; 0 for no such check.
        seed: of the first weights, and of which events are held out.
        max_distance_km, min_magnitude: of records that count; None for all.
        min_records: of an event that counts.
    """

    flatfile: Path
    imts: tuple[str, ...]
    base: str | None = None
    monotone: bool = False
    units: int = 5
    members: int = 5
    heteroscedastic: bool | None = None
    held_out: float = 0.2
    seed: int = 0
    max_distance_km: float | None = None
    min_magnitude: float | None = None
    min_records: int = 1

    def __post_init__(self):
        limits = {
            "units": (1, 100, "three to ten are usual"),
            "members": (1, 100, "five are usual"),
            "held_out": (0.0, 0.9, "a share of the events, such as 0.2; 0 for no check"),
            "seed": (0, math.inf, ""),
            "max_distance_km": (1.0, 5000.0, "write km"),
            "min_magnitude": (-2.0, 9.0, ""),
            "min_records": (1, math.inf, ""),
        }
        check_limits(self, limits)
        object.__setattr__(self, "imts", tuple(str(m) for m in measures_of(self.imts)))
