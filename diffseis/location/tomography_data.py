"""The bridge from tables to a whole catalogue's arrays."""

import jax
import jax.numpy as jnp
import numpy as np

from diffseis.core.frames import LocalFrame
from diffseis.core.padding import bucket_size
from diffseis.core.tables import PHASES, EventTable, PickTable, StationTable
from diffseis.location.catalogue import seconds_between
from diffseis.location.data import EventData, event_arrays, prepare_picks
from diffseis.location.tomography_problem import Hypocentres


def tomography_arrays(
    picks: PickTable,
    stations: StationTable,
    start: EventTable,
    frame: LocalFrame,
    *,
    size: int | None = None,
) -> tuple[EventData, Hypocentres]:
    """Picks of all events of `start`, in its order and padded to one length, and its hypocentres in seconds and kilometres.

    An event without picks keeps its row, all of it padding; picks of events that `start` does not have are left out.

    Args:
        picks, stations: as for `locate`.
        start: hypocentres to begin with; every one needs a depth.
        frame: the local frame.
        size: of the pick axis; by default the bucket of the event with most picks.

    Raises:
        ValueError: where a depth or a time of `start` is missing.
    """
    if not np.all(np.isfinite(start.depth_km)) or np.any(np.isnat(start.time)):
        raise ValueError(
            "every event of `start` needs a depth and a time to begin with; leave out those without"
        )
    prepared = prepare_picks(picks, stations)
    row_of = {str(name): row for row, name in enumerate(prepared.event_id)}
    rows = [row_of.get(str(name)) for name in start.event_id]
    terms = np.zeros((len(stations), len(PHASES)))
    most = max((len(prepared.rows[r]) for r in rows if r is not None), default=0)
    size = bucket_size(most) if size is None else size
    none = EventData(
        np.zeros(size),
        np.ones(size),
        np.zeros((size, 3)),
        np.zeros(size, np.int32),
        np.zeros(size, np.int32),
        np.zeros(size),
        np.zeros(size, bool),
    )
    events, origins = [], []
    for row, time in zip(rows, start.time, strict=True):
        if row is None:
            events.append(none)
            origins.append(0.0)
            continue
        events.append(event_arrays(prepared, picks, stations, frame, row, station_terms_s=terms, size=size))
        origins.append(float(seconds_between(np.array([time]), prepared.reference_time[row])[0]))
    data = jax.tree.map(lambda *x: jnp.stack([jnp.asarray(v) for v in x]), *events)
    ned = frame.to_ned(start.latitude, start.longitude, start.depth_km)
    return data, Hypocentres(ned, np.array(origins))
