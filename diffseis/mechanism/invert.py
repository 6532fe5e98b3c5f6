"""Mechanisms of a catalogue: learn the noise, find the posteriors, sum them up."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Key

from diffseis.core.padding import bucket_size
from diffseis.core.radiation_table import MEASUREMENTS, RadiationTable
from diffseis.core.random import fold_keys, stable_ids
from diffseis.core.results import RESULTS, Solution
from diffseis.mechanism.catalogue import MechanismCatalogue
from diffseis.mechanism.event_data import MINIMUM, event_data
from diffseis.mechanism.learning import learn_noise
from diffseis.mechanism.methods import SPACINGS_DEG, Method, grid_method, grid_search
from diffseis.mechanism.noise import Noise, NoisePrior, default_noise
from diffseis.mechanism.spaces import AbstractSourceSpace, DoubleCouples, ShearTensile
from diffseis.mechanism.summary import summaries
from diffseis.mechanism.tabulate import LEAST_DATA, Table, posterior_columns, with_fits
from diffseis.mechanism.tensor_spaces import DeviatoricTensors, MomentTensors

Progress = Callable[[str, int, int], None]
_LEARN_EVENTS = 256
_CHUNK = 256


def source_space(source: str, *, vp_vs: float = 3**0.5) -> AbstractSourceSpace:
    """The space of a kind of source by its name.

    Args:
        source: "dc", "shear-tensile", "deviatoric" or "mt".
        vp_vs: at the sources.
    """
    if source == "dc":
        return DoubleCouples()
    if source == "shear-tensile":
        return ShearTensile(kappa=vp_vs**2 - 2)
    if source == "deviatoric":
        return DeviatoricTensors()
    if source == "mt":
        return MomentTensors()
    raise ValueError(f"`source` must be one of {', '.join(SPACINGS_DEG)}, got {source!r}")


def invert(
    rays: RadiationTable,
    *,
    source: str = "dc",
    method: Method | None = None,
    method_name: str = "grid",
    vp_vs: float = 3**0.5,
    noise: Noise | None = None,
    learn: bool = True,
    station_terms: bool = False,
    num_draws: int = 1024,
    num_kept: int = 500,
    default_takeoff_sigma_deg: float = 10.0,
    default_azimuth_sigma_deg: float = 5.0,
    progress: Progress | None = None,
    key: Key[Array, ""],
) -> Solution[MechanismCatalogue]:
    """Mechanisms of all events of a table.

    Args:
        rays: observations, with angles.
        source: "dc", "shear-tensile", "deviatoric" or "mt".
        method: how draws are made; by default `grid_method`.
        method_name: told in the catalogue.
        vp_vs: at the sources.
        noise: what is assumed of the data; with `learn` where learning begins.
        learn: rates of wrong readings and scatter, from the events themselves.
        station_terms: learn terms of stations, too (needs dozens of events per station).
        num_draws: per event.
        num_kept: equally weighted draws that are handed on.
        default_takeoff_sigma_deg, default_azimuth_sigma_deg: where a ray states none.
        progress: told about stages and events done.
        key: of the draws; an event's draws do not depend on the others.

    Returns:
        `Solution`: the catalogue; ``stats["noise"]`` the learned `Noise`, ``stats["learning"]`` its history, ``stats["settled"]`` whether learning came to an end, ``stats["apart"]`` why batches had to be computed event by event. The result is `no_data` where no event has any.
    """
    say = progress or (lambda *_: None)
    space = source_space(source, vp_vs=vp_vs)
    ids = list(dict.fromkeys(str(e) for e in rays.event_id))
    stations = sorted({str(s) for s in rays.station})
    batch = lambda rays, names: event_data(
        rays,
        names,
        stations,
        vp_vs=vp_vs,
        default_takeoff_sigma_deg=default_takeoff_sigma_deg,
        default_azimuth_sigma_deg=default_azimuth_sigma_deg,
        dtype=np.float32,
    )
    counts = _counts(rays, ids)
    search = grid_search(source, space, num_draws=num_draws)
    run = grid_method(source, space, num_draws=num_draws) if method is None else method
    learned, learning, settled = _noise(
        space, search, rays, batch, ids, counts, len(stations), noise, learn, station_terms, say, key
    )
    table = Table(ids)
    draws = np.full((len(ids), num_kept, 6), np.nan, np.float32)
    shift = 3 * float(np.log10(vp_vs)) + float(learned.ratio_bias)
    rows_of = _rows_by_event(rays, table)

    def solve(names: list[str]) -> None:
        """Put the mechanisms of some events into the table."""
        keys = fold_keys(key, stable_ids(names))
        own, event = _rays_of(rays, rows_of, table.rows(names))
        drawn = run(space, batch(own, names), learned.astype(jnp.float32), keys)
        summary = summaries(space, drawn, num_kept, source == "dc", keys=keys)
        found = jax.device_get((summary, drawn.log_evidence, drawn.effective_fraction))
        columns = posterior_columns(found[0], found[1], found[2], drawn.point.shape[1])
        table.put(names, with_fits(columns, own, event, shift))
        draws[table.rows(names)] = found[0].six

    usable = [name for name in ids if counts[name] > 0]
    done, errors, apart = 0, [], []
    for names in _chunks(usable, counts):
        errors += solve_apart(solve, names, table.fail, apart.append)
        done += len(names)
        say("mechanisms", done, len(usable))
    if errors and len(errors) == len(usable):
        # It is no event's fault.
        raise errors[0]
    catalogue = MechanismCatalogue(
        table.mechanisms(),
        draws,
        rays,
        source,
        method_name,
        *_told(learned, stations if station_terms else []),
    )
    result = RESULTS.successful if usable else RESULTS.no_data
    return Solution(
        value=catalogue,
        result=result,
        stats={"noise": learned, "learning": learning, "settled": settled, "apart": apart},
    )


def _rows_by_event(rays: RadiationTable, table: Table) -> list[np.ndarray]:
    """Rows of the rays of each event, in the table's order."""
    event = table.rows([str(name) for name in rays.event_id])
    order = np.argsort(event, kind="stable")
    return np.split(order, np.searchsorted(event[order], np.arange(1, len(table.row_of))))


def _rays_of(rays, rows_of, chosen):
    """Rays of some events, and which of these each belongs to."""
    rows = [rows_of[i] for i in chosen]
    event = np.repeat(np.arange(len(rows)), [len(own) for own in rows])
    return rays.take(np.concatenate(rows)), event


def _told(noise: Noise, stations: Sequence[str]):
    """The noise by the names of its common parameters, and the terms of stations."""
    common = {
        name: float(getattr(noise, name))
        for name in ("mispick", "polarity_sd", "ratio_sd", "ratio_bias", "amplitude_sd")
    }
    wrong, ratio = np.asarray(noise.station_mispicks()), np.asarray(noise.station_ratio)
    terms = {s: (float(w), float(r)) for s, w, r in zip(stations, wrong, ratio, strict=False)}
    return common, terms


def _counts(rays: RadiationTable, ids: Sequence[str]) -> dict[str, int]:
    """Data with angles by event."""
    usable = np.isfinite(rays.azimuth_deg) & np.isfinite(rays.takeoff_deg)
    measured = np.stack([np.isfinite(getattr(rays, name)) for name in MEASUREMENTS])
    measured[:3] &= np.stack([getattr(rays, name) != 0 for name in MEASUREMENTS[:3]])
    num = dict.fromkeys(ids, 0)
    for name, count in zip(rays.event_id, np.where(usable, measured.sum(axis=0), 0), strict=True):
        num[str(name)] += int(count)
    return num


def solve_apart(
    solve: Callable[[list[str]], None],
    names: list[str],
    fail: Callable[[str, str], None],
    note: Callable[[str], None] | None = None,
) -> list[Exception]:
    """Solve events together or, where that fails, one by one, so that one bad event takes no other with it.

    Args:
        solve: some events.
        names: of the events.
        fail: told of each event that failed by itself, and why.
        note: told of each batch that failed as one, and why.

    Returns:
        The errors of the events that failed.
    """
    try:
        solve(names)
        return []
    except Exception as error:
        together = error
        if note is not None and len(names) > 1:
            note(
                f"{len(names)} events were computed one by one, for together: {type(error).__name__}: {error}"
            )
    errors: list[Exception] = []
    for name in names:
        try:
            if len(names) == 1:
                raise together
            solve([name])
        except Exception as error:
            errors.append(error)
            fail(name, f"{type(error).__name__}: {error}")
    return errors


def _chunks(ids: Sequence[str], counts: dict[str, int]) -> list[list[str]]:
    """Events of like size together, so that one that has thousands of rays does not make the others as long."""
    by_size: dict[int, list[str]] = {}
    for name in ids:
        by_size.setdefault(bucket_size(counts[name], minimum=MINIMUM), []).append(name)
    return [
        names[first : first + _CHUNK] for names in by_size.values() for first in range(0, len(names), _CHUNK)
    ]


def _noise(space, search, rays, batch, ids, counts, num_stations, noise, learn, station_terms, say, key):
    """The noise that is used, the history of its learning, and whether it settled."""
    start = default_noise(num_stations if station_terms else 0) if noise is None else noise
    candidates = [name for name in ids if LEAST_DATA <= counts[name] <= 512]
    if not learn or not candidates:
        return start, [], True
    if not station_terms and len(candidates) > _LEARN_EVENTS:
        every = np.linspace(0, len(candidates) - 1, _LEARN_EVENTS).round().astype(int)
        candidates = [candidates[i] for i in every]
    prior = NoisePrior(start, jnp.asarray(1.5, float), jnp.asarray(0.3, float))
    say("learning the noise", 0, 0)
    keys = fold_keys(jr.fold_in(key, 1), stable_ids(candidates))
    tell = lambda a, b: say("learning the noise", a, b)
    found = learn_noise(space, search, batch(rays, candidates), prior, keys=keys, progress=tell)
    return found.value, found.stats["history"], bool(found.result == RESULTS.successful)
