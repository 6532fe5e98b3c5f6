"""Separate mechanisms of events as a table of their own: an event has as many rows as mechanisms."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from diffseis.core.padding import bucket_size, pad_axis
from diffseis.mechanism.catalogue import Mechanisms
from diffseis.source import nodal_planes


@dataclass(frozen=True)
class ModeTable:
    """Rows in the order of the events, the preferred mechanism of each first.

    Attributes:
        event: row of the event.
        rank: from 1.
        probability: of the posterior; in HASH's mode, share of the accepted mechanisms.
        planes_deg: row by plane by strike, dip and rake: of the double couple with the mechanism's axes.
    """

    event: np.ndarray
    rank: np.ndarray
    probability: np.ndarray
    planes_deg: np.ndarray

    def __len__(self) -> int:
        return len(self.event)


def modes_of(mechanisms: Mechanisms) -> ModeTable:
    """The separate mechanisms that events count in `num_modes`."""
    tensor = np.asarray(mechanisms.mode_tensor, float)
    width = tensor.shape[1]
    known = np.all(np.isfinite(tensor), axis=(2, 3))
    event, place = np.nonzero(known & (np.arange(width) < np.asarray(mechanisms.num_modes)[:, None]))
    found = tensor[event, place]
    if not len(found):
        planes = np.zeros((0, 2, 3))
    else:
        padded = pad_axis(found, bucket_size(len(found)))
        planes = np.degrees(np.asarray(_planes(jnp.asarray(padded, float)), float))[: len(found)]
    share = np.asarray(mechanisms.mode_share, float)[event, place]
    return ModeTable(event, place + 1, share, planes)


_planes = jax.jit(jax.vmap(nodal_planes))
