"""Arrival-time picks of earthquakes whose hypocentres are known, with errors as a likelihood states them."""

from collections.abc import Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, Key

from diffseis.core.frames import LocalFrame
from diffseis.core.tables import PHASES, EventTable, PickTable, StationTable
from diffseis.eikonal import AbstractPhaseTimes
from diffseis.location import SearchVolume, TravelTimeError
from diffseis.location.catalogue import add_seconds

EPOCH = np.array("2020-01-01T00:00:00", "datetime64[ns]")


def draw_hypocentres(volume: SearchVolume, num: int, *, key: Key[Array, ""]) -> Float[np.ndarray, "event 3"]:
    """Places drawn from the uniform prior of a search volume, under its surface (a depth prior is not used)."""
    lower, upper = np.asarray(volume.lower_km), np.asarray(volume.upper_km)
    horizontal = lower[:2] + (upper[:2] - lower[:2]) * np.asarray(jr.uniform(key, (num, 2)))
    fraction = np.asarray(jr.uniform(jr.fold_in(key, 1), (num,)))
    top = np.asarray(
        jax.vmap(volume.surface.depth_km)(jnp.asarray(horizontal[:, 0]), jnp.asarray(horizontal[:, 1]))
    )
    # Uniform in volume: where the ground is high the column is longer; accept columns in proportion to their length.
    length = upper[2] - top
    keep = np.asarray(jr.uniform(jr.fold_in(key, 2), (num,))) < length / length.max()
    places = np.column_stack([horizontal, top + length * fraction])
    if keep.all():
        return places
    again = draw_hypocentres(volume, int((~keep).sum()), key=jr.fold_in(key, 3))
    return np.concatenate([places[keep], again])


def synthetic_picks(
    hypocentres_ned_km: Float[Array | np.ndarray, "event 3"],
    times: AbstractPhaseTimes,
    stations: StationTable,
    frame: LocalFrame,
    *,
    error: TravelTimeError,
    sigma_s: Mapping[str, float],
    num_stations: tuple[int, int] = (5, 16),
    s_fraction: float = 0.7,
    reach_km: float | None = None,
    correlated: bool = False,
    outlier_fraction: float = 0.0,
    outlier_s: tuple[float, float] = (1.0, 5.0),
    outlier_scale_s: float | None = None,
    key: Key[Array, ""],
) -> tuple[PickTable, EventTable]:
    """Picks of every event at some of the stations, and the truth.

    The error of a pick is normal with its own sigma, plus that of the predicted time: normal with `error`'s sigma at the true
    hypocentre, correlated between stations where `correlated`. Outliers have in addition a uniform error of either sign
    within `outlier_s`; or, where `outlier_scale_s` is given, a Cauchy error instead, which is what `InlierOutlier` states.

    Args:
        hypocentres_ned_km: in the frame.
        times: truth of the travel times.
        stations, frame: the network.
        error: of predicted times.
        sigma_s: standard deviation of reading, by phase; it becomes the picks' `uncertainty_s`.
        num_stations: smallest and largest number of stations that record an event (uniform between), nearest preferred.
        s_fraction: probability that a recording station also has an S pick.
        reach_km: no station beyond this epicentral distance records (at least `num_stations[0]` do).
        correlated: travel-time errors share the likelihood's correlation.
        outlier_fraction: share of wrong picks.
        outlier_s: size of their error.
        outlier_scale_s: half-width at half maximum of their Cauchy error.
        key: random key.
    """
    places = np.asarray(hypocentres_ned_km, np.float64)
    position = frame.to_ned(stations.latitude, stations.longitude, stations.depth_km)
    rng = np.random.default_rng(np.asarray(jr.key_data(key)).astype(np.uint32).tolist())
    predicted = _all_times(times, jnp.asarray(places), jnp.asarray(position))
    columns: dict[str, list] = {name: [] for name in ("event_id", "row", "phase", "seconds", "sigma")}
    for e, place in enumerate(places):
        chosen = _recording(rng, place, position, num_stations, reach_km)
        rows, phases = [], []
        for row in chosen:
            rows.append(row)
            phases.append(0)
            if rng.uniform() < s_fraction:
                rows.append(row)
                phases.append(1)
        row_array, phase_array = np.array(rows), np.array(phases)
        travel = predicted[e, row_array, phase_array]
        sigma = np.array([sigma_s[PHASES[p]] for p in phases])
        noise = sigma * rng.normal(size=len(sigma))
        noise += _model_error(rng, error, travel, position[row_array], phase_array, correlated)
        wrong = rng.uniform(size=len(sigma)) < outlier_fraction
        if outlier_scale_s is None:
            noise += np.where(wrong, rng.choice([-1, 1], len(sigma)) * rng.uniform(*outlier_s, len(sigma)), 0)
        else:
            noise = np.where(wrong, outlier_scale_s * rng.standard_cauchy(len(sigma)), noise)
        columns["event_id"] += [f"syn{e:05d}"] * len(rows)
        columns["row"] += rows
        columns["phase"] += [PHASES[p] for p in phases]
        columns["seconds"] += list(60.0 * e + travel + noise)
        columns["sigma"] += list(sigma)
    row_array = np.array(columns["row"], int)
    picks = PickTable(
        event_id=np.array(columns["event_id"], dtype=object),
        network=np.asarray(stations.network)[row_array],
        station=np.asarray(stations.station)[row_array],
        phase=np.array(columns["phase"], dtype=object),
        time=add_seconds(EPOCH, np.array(columns["seconds"])),
        uncertainty_s=np.array(columns["sigma"]),
        probability=np.full(len(row_array), np.nan),
    )
    lat, lon, depth = frame.to_geographic(places)
    num = len(places)
    truth = EventTable(
        event_id=np.array([f"syn{e:05d}" for e in range(num)], dtype=object),
        time=add_seconds(EPOCH, 60.0 * np.arange(num)),
        latitude=lat,
        longitude=lon,
        depth_km=depth,
        magnitude=np.full(num, np.nan),
    )
    return picks, truth


def _all_times(times, places, position) -> np.ndarray:
    """Times of event by station by phase."""

    @eqx.filter_jit
    def compute(field, sources):
        rows = jnp.arange(position.shape[0])
        per_phase = jax.vmap(field, in_axes=(None, None, None, 0))
        per_station = jax.vmap(per_phase, in_axes=(None, 0, 0, None))
        return jax.lax.map(lambda x: per_station(x, position, rows, jnp.arange(len(PHASES))), sources)

    return np.asarray(compute(times, places))


def _recording(rng, place, position, num_stations, reach_km) -> np.ndarray:
    """Rows of the stations that record an event: a random number of the nearest, with gaps."""
    distance = np.hypot(*(position[:, :2] - place[:2]).T)
    low, high = num_stations
    wanted = min(len(position), int(rng.integers(low, high + 1)))
    # A station may miss an event: the order of distance is jittered.
    jittered = distance * rng.uniform(0.6, 1.6, len(distance))
    if reach_km is None:
        return np.sort(np.argsort(jittered)[:wanted])
    near = distance <= reach_km
    if near.sum() < low:  # too few within reach: the nearest
        return np.sort(np.argsort(distance)[: min(low, len(position))])
    order = np.argsort(np.where(near, jittered, np.inf))
    return np.sort(order[: min(wanted, int(near.sum()))])


def _model_error(rng, error, travel, position, phase, correlated) -> np.ndarray:
    sigma = np.asarray(error.sigma_s(jnp.asarray(travel)))
    length = float(error.correlation_km)
    if not correlated or length == 0:
        return sigma * rng.normal(size=len(sigma))
    difference = position[:, None, :] - position[None, :, :]
    rho = np.exp(-0.5 * np.sum(difference**2, axis=-1) / length**2) * (phase[:, None] == phase[None, :])
    factor = np.linalg.cholesky(rho + 1e-10 * np.eye(len(rho)))
    return sigma * (factor @ rng.normal(size=len(sigma)))
