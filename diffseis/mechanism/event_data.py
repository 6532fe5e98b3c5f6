"""From a table of rays to padded arrays: one row per event, blocks by kind of observation."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, Key

from diffseis.core.padding import bucket_size
from diffseis.core.radiation_table import RadiationTable
from diffseis.mechanism.amplitudes import PAmplitudes
from diffseis.mechanism.noise import Noise
from diffseis.mechanism.observables import AbstractObservable
from diffseis.mechanism.polarities import Polarities
from diffseis.mechanism.ratios import AmplitudeRatios
from diffseis.mechanism.rays import RayRows, ray_rows

_POLARITIES = {"polarity": "P", "sv_polarity": "SV", "sh_polarity": "SH"}
_RATIOS = {
    "log10_sp": (("SV", "SH"), ("P",)),
    "log10_svp": (("SV",), ("P",)),
    "log10_shp": (("SH",), ("P",)),
    "log10_svsh": (("SV",), ("SH",)),
}
MINIMUM = 128
"""Smallest number of rays that an event is padded to: few sizes, few programs, and padding costs next to nothing (`pieces`)."""


class EventData(eqx.Module):
    """What was observed of one event, or of a batch: every array then has a leading axis of events.

    Attributes:
        blocks: of one kind of observation each.
    """

    blocks: tuple[AbstractObservable, ...]

    def log_prob(self, six: Float[Array, "source 6"], noise: Noise) -> Float[Array, " source"]:
        """Of all data of one event, given each of many sources (six-vectors of unit scalar moment)."""
        total = jnp.zeros(six.shape[0], six.dtype)
        for block in self.blocks:
            total = total + block.log_prob(six, noise)
        return total

    def simulate(self, six: Float[Array, "6"], noise: Noise, *, key: Key[Array, ""]) -> "EventData":
        """The same rays of one event with data that a source would have given."""
        keys = jr.split(key, max(len(self.blocks), 1))
        return EventData(
            tuple(block.simulate(six, noise, key=k) for block, k in zip(self.blocks, keys, strict=False))
        )

    def num_data(self) -> Float[Array, ""]:
        """How many data there are of one event."""
        return sum((block.num_data() for block in self.blocks), jnp.zeros(()))

    @property
    def num_events(self) -> int:
        """Of a batch."""
        return jax.tree.leaves(self.blocks)[0].shape[0]


def event_data(
    table: RadiationTable,
    event_ids: Sequence[str],
    stations: Sequence[str] = (),
    *,
    vp_vs: float = 3**0.5,
    default_azimuth_sigma_deg: float = 5.0,
    default_takeoff_sigma_deg: float = 10.0,
    dtype: type[np.floating] = np.float64,
) -> EventData:
    """A batch of the events named, in their order; rays without angles are left out.

    Args:
        table: of rays.
        event_ids: of the batch.
        stations: in the order of the noise's terms; rays of others have none.
        vp_vs: at the sources: S over P carries its cube.
        default_azimuth_sigma_deg, default_takeoff_sigma_deg: where a ray states none.
        dtype: of the arrays.
    """
    row_of = {name: i for i, name in enumerate(event_ids)}
    station_of = {name: i for i, name in enumerate(stations)}
    event = np.array([row_of.get(str(e), -1) for e in table.event_id], int)
    usable = (event >= 0) & np.isfinite(table.azimuth_deg) & np.isfinite(table.takeoff_deg)
    station = np.array([station_of.get(str(s), -1) for s in table.station], np.int32)
    place = _Placer(
        table, event, station, len(row_of), default_azimuth_sigma_deg, default_takeoff_sigma_deg, dtype
    )
    blocks: list[AbstractObservable] = []
    for column, wave in _POLARITIES.items():
        value = getattr(table, column)
        rows = np.flatnonzero(usable & np.isfinite(value) & (value != 0))
        if len(rows):
            blocks.append(_polarities(place, rows, value, wave, column == "polarity"))
    for column, (above, below) in _RATIOS.items():
        value = getattr(table, column)
        rows = np.flatnonzero(usable & np.isfinite(value))
        if len(rows):
            over_p = below == ("P",)
            fill = place.of(rows)
            blocks.append(
                AmplitudeRatios(
                    numerator={wave: fill.ray_rows(wave) for wave in above},
                    denominator={wave: fill.ray_rows(wave) for wave in below},
                    observed=fill.put(value),
                    station_idx=fill.station_idx,
                    mask=fill.mask,
                    expected_shift=3 * float(np.log10(vp_vs)) if over_p else 0.0,
                    biased=over_p,
                )
            )
    value = table.p_amplitude
    rows = np.flatnonzero(usable & np.isfinite(value))
    if len(rows):
        blocks.append(_p_amplitudes(place, rows, value))
    return EventData(tuple(blocks))


def _polarities(place, rows, value, wave, of_p) -> Polarities:
    # A polarity of size 0.5 is right with the probability 0.75; a picker's own probability comes first.
    right = 0.5 + 0.5 * np.minimum(np.abs(value), 1)
    if of_p:
        stated = place.table.polarity_probability
        right = np.where(np.isfinite(stated), stated, right)
    fill = place.of(rows)
    return Polarities(
        rows=fill.ray_rows(wave),
        sign=fill.put(np.sign(value), 1.0),
        right=fill.put(right, 0.5),
        station_idx=fill.station_idx,
        mask=fill.mask,
    )


def _p_amplitudes(place, rows, value) -> PAmplitudes:
    fill = place.of(rows)
    observed = np.asarray(fill.put(value))
    mask = np.asarray(fill.mask)
    power = np.sum(np.where(mask, observed, 0) ** 2, axis=1) / np.maximum(mask.sum(axis=1), 1)
    observed = observed / np.sqrt(np.where(power > 0, power, 1))[:, None]
    return PAmplitudes(
        rows=fill.ray_rows("P"),
        observed=jnp.asarray(observed),
        station_idx=fill.station_idx,
        mask=fill.mask,
        signed=bool(np.any(value[rows] < 0)),
    )


class _Placer:
    """Puts rays of a table at event and place."""

    def __init__(self, table, event, station, num_events, azimuth_sigma_deg, takeoff_sigma_deg, dtype):
        self.table, self.event, self.station, self.num_events, self.dtype = (
            table,
            event,
            station,
            num_events,
            dtype,
        )
        filled = lambda x, default: np.where(np.isfinite(x), x, default)
        self.sigma = (
            filled(table.azimuth_sigma_deg, azimuth_sigma_deg),
            filled(table.takeoff_sigma_deg, takeoff_sigma_deg),
        )

    def of(self, rows) -> "_Filled":
        """Of the chosen rows."""
        return _Filled(self, rows)


class _Filled:
    def __init__(self, placer: _Placer, rows: np.ndarray):
        self.placer, self.rows = placer, rows
        event = placer.event[rows]
        # The rank of each row among those of its event, in the table's order.
        order = np.argsort(event, kind="stable")
        starts = np.searchsorted(event[order], np.arange(placer.num_events))
        rank = np.empty(len(rows), int)
        rank[order] = np.arange(len(rows)) - starts[event[order]]
        counts = np.bincount(event, minlength=placer.num_events)
        self.index = (event, rank)
        self.shape = (placer.num_events, bucket_size(int(counts.max()), minimum=MINIMUM))
        self.mask = jnp.asarray(self._host(np.ones(len(placer.event), bool), False, bool))
        self.station_idx = jnp.asarray(self._host(placer.station, -1, np.int32))

    def _host(self, column, fill, dtype):
        whole = np.full(self.shape, fill, dtype)
        whole[self.index] = np.asarray(column)[self.rows]
        return whole

    def put(self, column, fill=0.0) -> Array:
        return jnp.asarray(self._host(column, fill, self.placer.dtype))

    def ray_rows(self, wave: str) -> RayRows:
        table, (azimuth_sigma, takeoff_sigma) = self.placer.table, self.placer.sigma
        takeoff = table.takeoff_deg
        if wave != "P":
            takeoff = np.where(np.isfinite(table.s_takeoff_deg), table.s_takeoff_deg, takeoff)
        angles = (table.azimuth_deg, takeoff, azimuth_sigma, takeoff_sigma)
        return ray_rows(wave, *(self.put(np.radians(x)) for x in angles))
