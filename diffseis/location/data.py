"""The bridge from tables to arrays: one event's picks, padded, with names and epochs left behind."""

from dataclasses import dataclass

import equinox as eqx
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from diffseis.core.frames import LocalFrame
from diffseis.core.padding import bucket_size, mask_of, pad_axis
from diffseis.core.tables import PHASES, PickTable, StationTable
from diffseis.location.catalogue import seconds_between

LONGEST_TRAVEL_S = 7200.0
"""A pick further from its event's others is no outlier but a mistake. (A clock an hour wrong is an outlier.)"""


class EventData(eqx.Module):
    """Picks of one event (or, with a leading axis, of a batch of events), sorted by time and padded.

    Attributes:
        time_s: after the event's reference time.
        sigma_s: standard deviation of each pick, > 0 (1 in the padding).
        receiver_ned_km: where the station is.
        station_row: its row in the station table.
        phase_idx: place in `core.tables.PHASES`.
        term_s: station term, added to the predicted time.
        mask: false in the padding.
    """

    time_s: Float[Array | np.ndarray, "*event pick"]
    sigma_s: Float[Array | np.ndarray, "*event pick"]
    receiver_ned_km: Float[Array | np.ndarray, "*event pick 3"]
    station_row: Int[Array | np.ndarray, "*event pick"]
    phase_idx: Int[Array | np.ndarray, "*event pick"]
    term_s: Float[Array | np.ndarray, "*event pick"]
    mask: Bool[Array | np.ndarray, "*event pick"]


@dataclass(frozen=True)
class PreparedPicks:
    """All picks of a catalogue, sorted out.

    Attributes:
        event_id: in the order of first appearance.
        reference_time: whole second at or before each event's first usable pick.
        event_row, station_row, phase_idx: of every pick of the table; -1 where unknown.
        status: `used`, `unknown-station`, `unknown-phase`, `far-in-time` or `duplicate`, for every pick.
        rows: for each event, the rows of its usable picks in order of time.
    """

    event_id: np.ndarray
    reference_time: np.ndarray
    event_row: np.ndarray
    station_row: np.ndarray
    phase_idx: np.ndarray
    status: np.ndarray
    rows: list[np.ndarray]

    @property
    def num_picks(self) -> np.ndarray:
        """Usable picks per event."""
        return np.array([len(r) for r in self.rows], int)


def prepare_picks(picks: PickTable, stations: StationTable) -> PreparedPicks:
    """Matches picks with stations and phases; nothing is dropped without a status.

    A pick more than `LONGEST_TRAVEL_S` from the median pick of its event is none of that event.
    Of several picks of one phase at one station for one event the one with the smallest uncertainty is used (the
    earliest of equals).
    """
    known = stations.row_of()
    event_id, event_row = _first_appearance(picks.event_id)
    station_row = np.array([known.get(name, -1) for name in picks.station_ids], int)
    phase_of = {name: i for i, name in enumerate(PHASES)}
    phase_idx = np.array([phase_of.get(str(p), -1) for p in picks.phase], int)
    status = np.full(len(picks), "used", dtype=object)
    status[phase_idx < 0] = "unknown-phase"
    status[station_row < 0] = "unknown-station"

    time = np.asarray(picks.time, "datetime64[ns]")
    status[(status == "used") & _far_in_time(time, event_row, len(event_id))] = "far-in-time"
    sigma = np.asarray(picks.uncertainty_s, np.float64)
    order = np.lexsort((time, sigma))
    seen: set[tuple[int, int, int]] = set()
    for i in order:
        if status[i] != "used":
            continue
        name = (int(event_row[i]), int(station_row[i]), int(phase_idx[i]))
        if name in seen:
            status[i] = "duplicate"
        seen.add(name)

    by_event: list[list[int]] = [[] for _ in event_id]
    for i in np.argsort(time, kind="stable"):
        if status[i] == "used":
            by_event[event_row[i]].append(int(i))
    rows = [np.array(r, int) for r in by_event]
    reference = np.array(
        [time[r[0]] if len(r) else _first_time(time, event_row == e) for e, r in enumerate(rows)],
        "datetime64[ns]",
    )
    reference = reference.astype("datetime64[s]").astype("datetime64[ns]")
    return PreparedPicks(event_id, reference, event_row, station_row, phase_idx, status, rows)


def _far_in_time(time: np.ndarray, event_row: np.ndarray, num_events: int) -> np.ndarray:
    """Which picks are too far from the median pick (the earlier of two) of their event."""
    order = np.lexsort((time, event_row))
    start = np.searchsorted(event_row[order], np.arange(num_events))
    count = np.bincount(event_row, minlength=num_events)
    middle = time[order[start + (count - 1) // 2]] if len(time) else time
    return np.abs(time - middle[event_row]) > np.timedelta64(int(LONGEST_TRAVEL_S), "s")


def _first_time(time: np.ndarray, chosen: np.ndarray) -> np.datetime64:
    return np.min(time[chosen]) if np.any(chosen) else np.datetime64("NaT", "ns")


def _first_appearance(names: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct names in order of first appearance, and the number of each name among them."""
    place: dict[str, int] = {}
    row = np.array([place.setdefault(str(n), len(place)) for n in names], int)
    return np.array(list(place), dtype=object), row


def event_arrays(
    prepared: PreparedPicks,
    picks: PickTable,
    stations: StationTable,
    frame: LocalFrame,
    event: int,
    *,
    station_terms_s: np.ndarray,
    size: int | None = None,
    dtype: np.dtype | type = np.float64,
) -> EventData:
    """Arrays of one event, padded to `size` (default: its bucket)."""
    rows = prepared.rows[event]
    size = bucket_size(len(rows)) if size is None else size
    station, phase = prepared.station_row[rows], prepared.phase_idx[rows]
    position = frame.to_ned(stations.latitude, stations.longitude, stations.depth_km)[station].reshape(-1, 3)
    seconds = seconds_between(np.asarray(picks.time)[rows], prepared.reference_time[event])
    return EventData(
        time_s=pad_axis(np.asarray(seconds, dtype), size),
        sigma_s=pad_axis(np.asarray(picks.uncertainty_s)[rows].astype(dtype), size, value=1),
        receiver_ned_km=pad_axis(position.astype(dtype), size),
        station_row=pad_axis(station.astype(np.int32), size),
        phase_idx=pad_axis(phase.astype(np.int32), size),
        term_s=pad_axis(station_terms_s[station, phase].astype(dtype), size),
        mask=mask_of(len(rows), size),
    )
