"""A small network and one event, for the tests of this folder."""

import jax.numpy as jnp
import numpy as np

from diffseis.core.frames import LocalFrame
from diffseis.core.tables import StationTable
from diffseis.eikonal import FieldTimes, GradientTime
from diffseis.location import EventData, FlatSurface, InlierOutlier, Problem, SearchVolume
from diffseis.velocity import Gradient

STATIONS = np.array(
    [
        [12.0, 3.0, -0.4],
        [-9.0, 14.0, -0.1],
        [-4.0, -13.0, -0.7],
        [18.0, -11.0, 0.0],
        [2.0, 21.0, -0.2],
        [-20.0, -2.0, -0.3],
    ]
)
TRUTH = np.array([1.5, -2.0, 8.0])
NOISE = np.array([0.03, -0.05, 0.02, 0.06, -0.04, 0.01, 0.05, -0.02, -0.06, 0.03, 0.02, -0.03])


def gradient_times(speed=5.0, slope=0.05):
    """P and S in a constant gradient."""
    return FieldTimes(
        GradientTime(Gradient(speed, slope)), GradientTime(Gradient(speed / 1.75, slope / 1.75))
    )


def scattered_network(num: int, half_width_km: float, *, seed: int):
    """Stations anywhere in a square at sea level, and the frame in its middle."""
    frame = LocalFrame(42.8, 13.2)
    side = np.random.default_rng(seed).uniform(-half_width_km, half_width_km, (num, 2))
    latitude, longitude, _ = frame.to_geographic(np.column_stack([side, np.zeros(num)]))
    names = np.array([f"S{i:02d}" for i in range(num)], dtype=object)
    network = np.array(["XX"] * num, dtype=object)
    return StationTable(network, names, latitude, longitude, np.zeros(num)), frame


def volume():
    return SearchVolume([-60.0, -60.0, -1.0], [60.0, 60.0, 40.0], surface=FlatSurface(-1.0))


def problem(likelihood=None, times=None):
    return Problem(
        gradient_times() if times is None else times,
        InlierOutlier() if likelihood is None else likelihood,
        volume(),
    )


def event(*, size=16, noise=NOISE, truth=TRUTH, origin=1.0, poison=0.0, order=None):
    """P and S at every station, with the given noise; padding filled with `poison`."""
    times = gradient_times()
    receiver = np.repeat(STATIONS, 2, axis=0)
    phase = np.tile([0, 1], len(STATIONS))
    row = np.repeat(np.arange(len(STATIONS)), 2)
    seconds = np.array(
        [
            float(times(jnp.asarray(truth), jnp.asarray(r), jnp.asarray(0), jnp.asarray(p)))
            for r, p in zip(receiver, phase, strict=True)
        ]
    )
    seconds = seconds + origin + noise
    sigma = np.where(phase == 0, 0.05, 0.1)
    order = np.arange(len(seconds)) if order is None else np.asarray(order)
    num = len(order)

    def pad(x, fill):
        out = np.full((size, *x.shape[1:]), fill, dtype=x.dtype)
        out[:num] = x[order]
        return jnp.asarray(out)

    return EventData(
        time_s=pad(seconds, poison),
        sigma_s=pad(sigma, 1.0),
        receiver_ned_km=pad(receiver, 0.0),
        station_row=pad(row.astype(np.int32), 0),
        phase_idx=pad(phase.astype(np.int32), 0),
        term_s=pad(np.zeros(len(seconds)), 0.0),
        mask=jnp.arange(size) < num,
    )
