"""Locate a catalogue."""

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from diffseis.core.frames import LocalFrame
from diffseis.core.padding import bucket_size
from diffseis.core.random import fold_keys, stable_ids
from diffseis.core.results import RESULTS, Solution
from diffseis.core.tables import PHASES, PickTable, StationTable
from diffseis.core.words import plural
from diffseis.eikonal import AbstractPhaseTimes, AbstractTravelTimeField, FieldTimes
from diffseis.inference import SVGD, AbstractSampler
from diffseis.location.data import EventData, PreparedPicks, event_arrays, prepare_picks
from diffseis.location.event import EventPosterior, locate_chunk
from diffseis.location.likelihood import AbstractLikelihood, InlierOutlier
from diffseis.location.posterior import ModeSearch, Problem
from diffseis.location.prior import SearchVolume, StationSurface
from diffseis.location.summary import assemble

Progress = Callable[[str, int, int], None]
"""Called with a word about what is going on, events done and events in all."""


@runtime_checkable
class Store(Protocol):
    """Somewhere to keep finished events, so that an interrupted run can go on."""

    def get(self, event_id: str) -> EventPosterior | None:
        """The posterior of an event that was located before."""
        ...

    def put(self, event_ids: Sequence[str], posteriors: Sequence[EventPosterior]) -> None:
        """Keeps the posteriors of one chunk."""
        ...


def default_volume(
    stations: StationTable, frame: LocalFrame, *, depth_km: float = 40.0, margin_km: float | None = None
) -> SearchVolume:
    """The box around a network, from the ground down to `depth_km`.

    Args:
        margin_km: beyond the outermost stations; by default half the network's width, at least 30 km.
    """
    position = frame.to_ned(stations.latitude, stations.longitude, stations.depth_km)
    low, high = position[:, :2].min(axis=0), position[:, :2].max(axis=0)
    if margin_km is None:
        margin_km = max(30.0, 0.5 * float(np.max(high - low)))
    top = float(position[:, 2].min())
    return SearchVolume(
        np.append(low - margin_km, top),
        np.append(high + margin_km, max(depth_km, top + 5.0)),
        surface=StationSurface(position),
    )


def default_softness_s(volume: SearchVolume, search: ModeSearch, *, speed_km_s: float = 5.0) -> np.ndarray:
    """How blurred the first look is: half the time a wave takes from one candidate to the next."""
    box = np.asarray(volume.upper_km) - np.asarray(volume.lower_km)
    spacing = (np.prod(box) / search.num_candidates) ** (1 / 3)
    first = max(0.5 * spacing / speed_km_s, 0.3)
    return np.array([first, first / 5, 0.0])


def locate(
    picks: PickTable,
    stations: StationTable,
    field: AbstractPhaseTimes | tuple[AbstractTravelTimeField, AbstractTravelTimeField],
    *,
    likelihood: AbstractLikelihood | None = None,
    prior: SearchVolume | None = None,
    sampler: AbstractSampler | None = None,
    search: ModeSearch | None = None,
    frame: LocalFrame | None = None,
    station_terms_s: np.ndarray | None = None,
    chunk_size: int = 16,
    store: Store | None = None,
    progress: Progress | None = None,
    key: Key[Array, ""],
    throw: bool = False,
) -> Solution:
    """Hypocentre particles for every event of a pick table.

    Events are independent: each one's answer depends on its picks, its id and the key, not on which others are located
    with it or in what order. One that cannot be located gets a status, and the rest go on.

    Args:
        picks: arrival times, grouped by `event_id`.
        stations: where they were recorded.
        field: travel times in the frame: P and S together, or a pair of fields.
        likelihood: `InlierOutlier` by default.
        prior: the search volume; by default `default_volume`.
        sampler: `SVGD` by default.
        search: how modes are looked for.
        frame: the local frame; by default centred on the stations. Tables must have been built in it.
        station_terms_s: station by phase, added to predicted times.
        chunk_size: events per call of the compiled program on an accelerator; on a CPU, per task of a thread.
        store: asked for events that are done already, and given those that are done now.
        progress: told about chunks done.
        key: random key.
        throw: raise `RuntimeError` at the end if any event's status is not `located`.

    Returns:
        A `Solution` whose value is a `LocatedCatalogue`, its `result` an array of `RESULTS` codes, one per event.
    """
    if len(stations) == 0:
        raise ValueError("there are no stations")
    frame = LocalFrame.centred_on(stations.latitude, stations.longitude) if frame is None else frame
    times = field if isinstance(field, AbstractPhaseTimes) else FieldTimes(*field)
    search = ModeSearch() if search is None else search
    sampler = SVGD() if sampler is None else sampler
    volume = default_volume(stations, frame) if prior is None else prior
    problem = Problem(times, InlierOutlier() if likelihood is None else likelihood, volume)
    terms = np.zeros((len(stations), len(PHASES))) if station_terms_s is None else np.asarray(station_terms_s)
    softness = default_softness_s(volume, search)

    prepared = prepare_picks(picks, stations)
    posteriors, stats = _locate_all(
        problem,
        prepared,
        picks,
        stations,
        frame,
        terms,
        sampler,
        search,
        softness,
        chunk_size,
        store,
        progress,
        key,
    )
    catalogue, codes = assemble(prepared, posteriors, picks, stations, frame, volume, terms)
    failed = np.flatnonzero(codes != int(RESULTS.successful._value))
    if throw and failed.size:
        first = catalogue.events
        raise RuntimeError(
            f"{failed.size} of {len(codes)} events were not located; the first is {first.event_id[failed[0]]} "
            f"({first.status[failed[0]]}): {first.reason[failed[0]]}"
        )
    return Solution(value=catalogue, result=codes, stats=stats)


def _locate_all(
    problem,
    prepared: PreparedPicks,
    picks,
    stations,
    frame,
    terms,
    sampler,
    search,
    softness,
    chunk_size,
    store,
    progress,
    key,
) -> tuple[list[EventPosterior | None], dict]:
    """Every event's posterior (None for events without picks), in the catalogue's order."""
    vectorised = jax.default_backend() != "cpu"
    keys = fold_keys(key, jnp.asarray(stable_ids([str(e) for e in prepared.event_id])))
    sizes = [bucket_size(int(n)) for n in prepared.num_picks]
    answers: list[EventPosterior | None] = [None] * len(prepared.event_id)
    if store is not None:
        answers = [store.get(str(e)) for e in prepared.event_id]
    tasks: list[tuple[int, list[int]]] = []
    for size in sorted(set(sizes)):
        members = [
            e for e, s in enumerate(sizes) if s == size and prepared.num_picks[e] > 0 and answers[e] is None
        ]
        tasks += [(size, members[i : i + chunk_size]) for i in range(0, len(members), chunk_size)]
    softness_array = jnp.asarray(softness)
    counts = {"done": 0, "total": sum(len(m) for _, m in tasks)}
    dtype = np.dtype(jnp.asarray(0.0).dtype)

    def build(size: int, members: list[int]) -> tuple[EventData, np.ndarray]:
        rows = members + [members[-1]] * (chunk_size - len(members))
        events = [
            event_arrays(prepared, picks, stations, frame, e, station_terms_s=terms, size=size, dtype=dtype)
            for e in rows
        ]
        return jax.tree.map(lambda *leaves: np.stack(leaves), *events), np.asarray(rows)

    def call(size: int, members: list[int]) -> EventPosterior:
        data, rows = build(size, members)
        answer = locate_chunk(
            problem,
            jax.tree.map(jnp.asarray, data),
            keys[rows],
            jnp.asarray(len(members)),
            sampler,
            search,
            softness_array,
            vectorised=vectorised,
        )
        return jax.tree.map(np.asarray, answer)

    stopping = Event()

    def run(task) -> None:
        if stopping.is_set():
            return
        size, members = task
        answer = call(size, members)
        for i, event in enumerate(members):
            answers[event] = jax.tree.map(lambda x, i=i: x[i], answer)
        if store is not None:
            store.put([str(prepared.event_id[e]) for e in members], [answers[e] for e in members])
        counts["done"] += len(members)
        if progress is not None:
            progress("locating", counts["done"], counts["total"])

    start = time.perf_counter()
    if progress is not None and tasks:
        progress(
            f"compiling {plural(len({s for s, _ in tasks}), 'program')} and locating", 0, counts["total"]
        )
    # XLA lets go of the interpreter lock while it compiles and computes. The first task of a size compiles its program,
    # and the others of that size follow it; a compilation takes most of a GB and one and a half cores, so there is
    # one for every two cores. The largest first, so that threads end together.
    workers = 1 if vectorised else max(1, min(os.cpu_count() or 1, 8))
    futures: list[Future] = []
    with ThreadPoolExecutor(workers) as pool, ThreadPoolExecutor(max(1, workers // 2)) as compilers:

        def lead(size: int) -> None:
            first, *rest = [task for task in tasks if task[0] == size]
            run(first)
            futures.extend(pool.submit(run, task) for task in rest)

        leads = [compilers.submit(lead, size) for size in sorted({s for s, _ in tasks}, reverse=True)]
        try:
            for future in leads:
                future.result()
            for future in futures:
                future.result()
        except BaseException:  # an interrupt too: what is not begun is dropped, what is begun is kept
            stopping.set()
            raise
    stats = {
        "num_events": len(answers),
        "num_programs": len({s for s, _ in tasks}),
        "wall_s": time.perf_counter() - start,
    }
    return answers, stats
