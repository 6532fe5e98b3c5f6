"""Separate mechanisms of events as a table of their own: an event has as many rows as mechanisms."""

from dataclasses import dataclass

import numpy as np

from diffseis.mechanism.catalogue import Mechanisms


@dataclass(frozen=True)
class ModeTable:
    """Rows in the order of the events, the preferred mechanism of each first.

    Attributes:
        event: row of the event.
        rank: from 1.
        probability: of the posterior; in HASH's mode, share of the accepted mechanisms.
        planes_deg: row by plane by strike, dip and rake, in the order of the catalogue.
    """

    event: np.ndarray
    rank: np.ndarray
    probability: np.ndarray
    planes_deg: np.ndarray

    def __len__(self) -> int:
        return len(self.event)


def modes_of(mechanisms: Mechanisms) -> ModeTable:
    """The separate mechanisms that events count in `num_modes`."""
    planes = np.asarray(mechanisms.mode_planes_deg, float)
    known = np.all(np.isfinite(planes), axis=(2, 3))
    event, place = np.nonzero(
        known & (np.arange(planes.shape[1]) < np.asarray(mechanisms.num_modes)[:, None])
    )
    share = np.asarray(mechanisms.mode_share, float)[event, place]
    return ModeTable(event, place + 1, share, planes[event, place])
