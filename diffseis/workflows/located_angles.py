"""Angles of rays by a run of ``diffseis locate``: its particles, in the travel times that it located with."""

from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from diffseis.core.errors import InputError
from diffseis.core.frames import geodesic
from diffseis.core.padding import bucket_size, pad_axis
from diffseis.core.radiation_table import RadiationTable
from diffseis.core.tables import EventTable, StationTable
from diffseis.eikonal import AbstractPhaseTimes
from diffseis.io import read_config, read_events_csv, read_posterior_netcdf
from diffseis.workflows.config import load_config
from diffseis.workflows.hypocentre_clouds import NUM_POINTS, Clouds
from diffseis.workflows.inputs import read_inputs
from diffseis.workflows.locating import Progress, Setup, make_setup
from diffseis.workflows.takeoff import Leaving

FILES = ("catalog.csv", "posterior.nc", "config.toml")
"""Of a run's folder that are read here."""

_BATCH = 4096


def check_run(folder: Path) -> None:
    """Raises InputError unless a folder holds a complete run."""
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise InputError(
            f"holds no {missing[0]}",
            file=folder,
            field="located",
            fix="name the --out folder of a `diffseis locate` run",
        )


def located_events(folder: Path) -> EventTable:
    """Hypocentres of a run."""
    return read_events_csv(folder / "catalog.csv")


def located_clouds(rays: RadiationTable, folder: Path) -> Clouds:
    """Some particles of the event of each ray; NaN where it was not located."""
    posterior = read_posterior_netcdf(folder / "posterior.nc")
    row_of = {str(name): i for i, name in enumerate(posterior["event"].values)}
    rows = np.array([row_of.get(str(name), -1) for name in rays.event_id], int)
    every = np.linspace(0, posterior.sizes["particle"] - 1, NUM_POINTS).round().astype(int)

    def take(name: str) -> np.ndarray:
        values = np.asarray(posterior[name].values, float)[:, every]
        padded = np.concatenate([values, np.full((1, len(every)), np.nan)])
        return padded[rows]

    return Clouds(take("latitude"), take("longitude"), take("depth_km"))


def setup_of_run(folder: Path, progress: Progress | None = None) -> Setup:
    """What a run located with: its stations and travel times, made anew of the files that it names.

    Raises:
        InputError: if these are no longer there, or no longer what they were.
    """
    config = load_config(read_config(folder / "config.toml"), file=folder / "config.toml")
    inputs = read_inputs(config)
    return make_setup(config, inputs.stations, inputs.velocity, progress=progress)


def setup_leaving(setup: Setup) -> Leaving:
    """By the derivatives of a run's travel times; rows are of its stations."""
    stations = setup.stations
    places = setup.frame.to_ned(stations.latitude, stations.longitude, stations.depth_km)

    def leaving(clouds: Clouds, rows: np.ndarray, phase: int):
        shape = clouds.depth_km.shape
        source = setup.frame.to_ned(clouds.latitude_deg, clouds.longitude_deg, clouds.depth_km).reshape(-1, 3)
        row = np.repeat(rows, shape[1])
        size = bucket_size(len(row), minimum=64)
        arrays = [pad_axis(np.asarray(x), size) for x in (source, places[row], row)]
        start, end, at = (jnp.asarray(x) for x in arrays)
        found = _directions(setup.times, start, end, at, jnp.asarray(phase))
        azimuth, takeoff = (np.degrees(np.asarray(x, float)[: len(row)]).reshape(shape) for x in found)
        return (azimuth + _convergence_deg(setup, clouds, places, stations, rows)) % 360, takeoff

    return leaving


def _convergence_deg(
    setup: Setup, clouds: Clouds, places, stations: StationTable, rows: np.ndarray
) -> np.ndarray:
    """What the frame's straight azimuths lack of true ones: its north is the meridian's only in its middle."""
    source = setup.frame.to_ned(clouds.latitude_deg, clouds.longitude_deg, clouds.depth_km)
    offset = places[rows][:, None] - source
    straight = np.degrees(np.arctan2(offset[..., 1], offset[..., 0]))
    ends = stations.latitude[rows][:, None], stations.longitude[rows][:, None]
    _, true, _ = geodesic(clouds.latitude_deg, clouds.longitude_deg, *ends)
    return (true - straight + 180) % 360 - 180


@eqx.filter_jit
def _directions(
    times: AbstractPhaseTimes,
    source: Float[Array, "ray 3"],
    receiver: Float[Array, "ray 3"],
    row: Int[Array, " ray"],
    phase: Int[Array, ""],
) -> tuple[Float[Array, " ray"], Float[Array, " ray"]]:
    """Azimuths and take-off angles in radians: rays leave against the gradient of travel time with respect to the source."""

    def one(ends):
        source, receiver, row = ends
        slowness = jax.grad(lambda x: times(x, receiver, row, phase))(source)
        level = jnp.hypot(slowness[0], slowness[1])
        return jnp.arctan2(-slowness[1], -slowness[0]), jnp.arctan2(level, -slowness[2])

    return jax.lax.map(one, (source, receiver, row), batch_size=min(_BATCH, source.shape[0]))
