"""Mechanisms of a catalogue: learn the noise, find the posteriors, sum them up."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Key

from diffseis.core.padding import bucket_size
from diffseis.core.radiation_table import MEASUREMENTS, RadiationTable
from diffseis.core.random import fold_keys, stable_ids
from diffseis.core.results import RESULTS, Solution
from diffseis.mechanism.catalogue import (
    FAILED,
    FEW_DATA,
    NO_DATA,
    NOT_CONVERGED,
    OK,
    MechanismCatalogue,
    Mechanisms,
    grade_of,
)
from diffseis.mechanism.event_data import event_data
from diffseis.mechanism.fit import Fit, fit_of
from diffseis.mechanism.learning import learn_noise
from diffseis.mechanism.methods import SPACINGS_DEG, Method, grid_method
from diffseis.mechanism.noise import Noise, NoisePrior, default_noise
from diffseis.mechanism.posterior import GridSearch, source_grid
from diffseis.mechanism.spaces import (
    AbstractSourceSpace,
    DeviatoricTensors,
    DoubleCouples,
    MomentTensors,
    ShearTensile,
)
from diffseis.mechanism.summary import Summary, summaries

Progress = Callable[[str, int, int], None]
LEAST_DATA = 4
_LEARN_EVENTS = 128
_CHUNK = 256
_LEAST_EFFECTIVE = 20.0


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
        `Solution`: the catalogue; ``stats["noise"]`` the learned `Noise`, ``stats["learning"]`` its history, ``stats["settled"]`` whether learning came to an end. The result is `no_data` where no event has any.
    """
    say = progress or (lambda *_: None)
    space = source_space(source, vp_vs=vp_vs)
    ids = list(dict.fromkeys(str(e) for e in rays.event_id))
    stations = sorted({str(s) for s in rays.station})
    batch = lambda names: event_data(
        rays,
        names,
        stations,
        vp_vs=vp_vs,
        default_takeoff_sigma_deg=default_takeoff_sigma_deg,
        default_azimuth_sigma_deg=default_azimuth_sigma_deg,
        dtype=np.float32,
    )
    counts = _counts(rays, ids)
    run = grid_method(source, space, num_draws=num_draws) if method is None else method
    learned, learning, settled = _noise(
        space, source, batch, ids, counts, len(stations), noise, learn, station_terms, say, key
    )
    done: dict[str, tuple[Summary, Any]] = {}
    usable = [i for i, name in enumerate(ids) if counts[name] > 0]
    for chunk in _chunks([ids[i] for i in usable], counts):
        keys = fold_keys(key, stable_ids(chunk))
        draws = run(space, batch(chunk), learned.astype(jnp.float32), keys)
        found = summaries(space, draws, num_kept, source == "dc", keys=keys)
        found, evidence, fraction = jax.device_get((found, draws.log_evidence, draws.effective_fraction))
        for row, name in enumerate(chunk):
            one = jax.tree.map(lambda x, r=row: x[r], found)
            done[name] = (one, (float(evidence[row]), float(fraction[row]), draws.point.shape[1]))
        say("mechanisms", len(done), len(usable))
    catalogue = _catalogue(
        rays, ids, done, source, method_name, learned, stations, station_terms, vp_vs, num_kept
    )
    result = RESULTS.successful if done else RESULTS.no_data
    return Solution(
        value=catalogue, result=result, stats={"noise": learned, "learning": learning, "settled": settled}
    )


def _counts(rays: RadiationTable, ids: Sequence[str]) -> dict[str, int]:
    """Data with angles by event."""
    usable = np.isfinite(rays.azimuth_deg) & np.isfinite(rays.takeoff_deg)
    measured = np.stack([np.isfinite(getattr(rays, name)) for name in MEASUREMENTS])
    measured[:3] &= np.stack([getattr(rays, name) != 0 for name in MEASUREMENTS[:3]])
    num = dict.fromkeys(ids, 0)
    for name, count in zip(rays.event_id, np.where(usable, measured.sum(axis=0), 0), strict=True):
        num[str(name)] += int(count)
    return num


def _chunks(ids: Sequence[str], counts: dict[str, int]) -> list[list[str]]:
    """Events of like size together, so that one that has thousands of rays does not make the others as long."""
    by_size: dict[int, list[str]] = {}
    for name in ids:
        by_size.setdefault(bucket_size(counts[name], minimum=32), []).append(name)
    return [
        names[first : first + _CHUNK] for names in by_size.values() for first in range(0, len(names), _CHUNK)
    ]


def _noise(space, source, batch, ids, counts, num_stations, noise, learn, station_terms, say, key):
    """The noise that is used, the history of its learning, and whether it settled."""
    start = default_noise(num_stations if station_terms else 0) if noise is None else noise
    candidates = [name for name in ids if LEAST_DATA <= counts[name] <= 512]
    if not learn or not candidates:
        return start, [], True
    if not station_terms and len(candidates) > _LEARN_EVENTS:
        every = np.linspace(0, len(candidates) - 1, _LEARN_EVENTS).round().astype(int)
        candidates = [candidates[i] for i in every]
    prior = NoisePrior(start, jnp.asarray(1.5, float), jnp.asarray(0.3, float))
    # Double couples are enough to tell the noise of double couples; what else a source can be is learned with it.
    search = GridSearch(source_grid(space, SPACINGS_DEG[source]), num_draws=256)
    say("learning the noise", 0, 0)
    data = jax.tree.map(_double, batch(candidates))
    keys = fold_keys(jr.fold_in(key, 1), stable_ids(candidates))
    found = learn_noise(
        space, search, data, prior, keys=keys, progress=lambda a, b: say("learning the noise", a, b)
    )
    return found.value, found.stats["history"], bool(found.result == RESULTS.successful)


def _double(x):
    return x.astype(float) if jnp.issubdtype(x.dtype, jnp.floating) else x


def _catalogue(rays, ids, done, source, method_name, noise, stations, station_terms, vp_vs, num_kept):
    shift = 3 * float(np.log10(vp_vs)) + float(noise.ratio_bias)
    rows_of: dict[str, list[int]] = {name: [] for name in ids}
    for row, name in enumerate(rays.event_id):
        rows_of[str(name)].append(row)
    rows, draws = [], np.full((len(ids), num_kept, 6), np.nan, np.float32)
    for i, name in enumerate(ids):
        own = rays.take(np.asarray(rows_of[name], int))
        if name in done:
            summary, extra = done[name]
            draws[i] = summary.six
            rows.append(_row(name, summary, extra, fit_of(own, np.asarray(summary.tensor), shift)))
        else:
            rows.append(_empty(name))
    table = {key: np.array([row[key] for row in rows]) for key in rows[0]} if rows else _columns()
    for word in ("event_id", "status", "reason", "grade"):
        table[word] = np.asarray(table[word], object)
    terms = {}
    if station_terms:
        wrong, ratio = np.asarray(noise.station_mispicks()), np.asarray(noise.station_ratio)
        terms = {s: (float(w), float(r)) for s, w, r in zip(stations, wrong, ratio, strict=True)}
    common = {
        name: float(getattr(noise, name))
        for name in ("mispick", "polarity_sd", "ratio_sd", "ratio_bias", "amplitude_sd")
    }
    return MechanismCatalogue(Mechanisms(**table), draws, rays, source, method_name, common, terms)


def _row(name: str, summary: Summary, extra: tuple[float, float, int], fit: Fit) -> dict[str, Any]:
    degrees = np.degrees
    evidence, fraction, num = extra
    planes = degrees(np.asarray(summary.planes, float))
    errors = degrees(np.asarray(summary.plane_errors, float))
    half = 0.5 * (np.quantile(errors, 0.84, axis=0) - np.quantile(errors, 0.16, axis=0))
    kagan = degrees(np.asarray(summary.kagan_rad, float))
    within = float(np.mean(kagan <= 20))
    status, reason = OK, ""
    if not np.all(np.isfinite(planes)):
        status, reason = FAILED, RESULTS[RESULTS.non_finite]
    elif fit.num_polarities + fit.num_ratios + fit.num_amplitudes < LEAST_DATA:
        status, reason = FEW_DATA, RESULTS[RESULTS.underdetermined]
    elif fraction * num < _LEAST_EFFECTIVE:
        status, reason = NOT_CONVERGED, RESULTS[RESULTS.not_converged]
    grade = grade_of(within, fit.misfit, fit.num_polarities, fit.azimuthal_gap_deg, fit.takeoff_gap_deg)
    row = {"event_id": name, "status": status, "reason": reason, "tensor": np.asarray(summary.tensor, float)}
    for i, end in enumerate(("", "2")):
        for j, angle in enumerate(("strike", "dip", "rake")):
            row[f"{angle}{end}_deg"], row[f"{angle}{end}_error_deg"] = planes[i, j], half[i, j]
    share = np.asarray(summary.mode_share)
    return row | {
        "slope_deg": float(degrees(summary.slope_rad)),
        "kagan50_deg": float(np.quantile(kagan, 0.5)),
        "kagan90_deg": float(np.quantile(kagan, 0.9)),
        "probability_within_20_deg": within,
        "grade": grade,
        **vars(fit),
        "num_modes": int(np.sum(share >= 0.1)),
        "log_evidence": evidence,
        "effective_fraction": fraction,
    }


def _columns() -> dict[str, Any]:
    return {name: np.array([]) for name in Mechanisms.__dataclass_fields__}


def _empty(name: str) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(Mechanisms.__dataclass_fields__, np.nan)
    counts = {"num_polarities": 0, "num_ratios": 0, "num_amplitudes": 0, "num_modes": 0}
    words = {"event_id": name, "status": NO_DATA, "reason": RESULTS[RESULTS.no_data], "grade": ""}
    return row | counts | words | {"tensor": np.full((3, 3), np.nan)}
