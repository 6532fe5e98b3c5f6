"""The files of an event that ``diffseis wave`` has computed."""

import math
from pathlib import Path

import numpy as np

from diffseis.io import atomic_path, to_stream, write_mseed, write_records_netcdf, write_snapshots_netcdf
from diffseis.io.times import format_time
from diffseis.plot import WavefieldFrames, figure_png, record_figure, write_animation
from diffseis.workflows.wave_inputs import Event
from diffseis.workflows.wave_jobs import WaveJob
from diffseis.workflows.wave_runs import elastic_part


def write_event(job: WaveJob, event: Event, records, frames, out: Path) -> list[str]:
    """Seismograms, record section, snapshots and animation, in a folder by the event's name; their paths from `out`.

    Args:
        job: settings, stations, times.
        event: which.
        records: (station, component, time).
        frames: of the wavefield, (node, component, frame); None for none.
        out: where the event's folder goes.
    """
    folder = out / event.folder
    start = event.time - np.timedelta64(round(job.config.time.origin_s * 1e9), "ns")
    if job.is_solid:
        name = job.config.output.quantity
        units = {"displacement": "km", "velocity": "km/s"}[name]
    else:
        name, units = "pressure", "GPa" if job.config.equation == "fluid" else "1"
    components = _components(job) if job.is_solid else ["pressure"]
    about = {
        "event": event.event_id,
        "origin_time": format_time(event.time),
        "reference_time": format_time(start),
    }
    times = np.asarray(job.time_axis.times_s())
    places = np.stack(list(job.stations.values()))
    write_records_netcdf(
        folder / "records.nc", records, name=name, units=units, station_ids=list(job.stations), station_km=places,
        components=components, times_s=times, attributes=about,
    )  # fmt: skip
    files = ["records.nc"]
    if job.is_solid:
        azimuth = job.config.frame and math.radians(job.config.frame.azimuth_deg)
        stream = to_stream(
            np.asarray(records, np.float64), list(job.stations), start, job.config.time.dt_s,
            azimuth_rad=azimuth if job.medium.grid.num_dims == 2 else None,
        )  # fmt: skip
        write_mseed(folder / "seismograms.mseed", stream)
        files.append("seismograms.mseed")
    offset = (places - event.position_km)[:, :-1]
    # On a section what lies on either side is told apart by the sign.
    distance = np.linalg.norm(offset, axis=1) if offset.shape[1] > 1 else offset[:, 0]
    figure = record_figure(
        records * 1e3 if job.is_solid else records, distance, times - job.config.time.origin_s, list(job.stations),
        components=components, quantity=name, units={"km": "m", "km/s": "m/s"}.get(units, units), title=f"Event {event.event_id}", distance="Epicentral distance" if places.shape[1] == 3 else "Distance from the source along the section",
    )  # fmt: skip
    with atomic_path(folder / "section.png") as temporary:
        temporary.write_bytes(figure_png(figure, dpi=150))
    files.append("section.png")
    if frames is not None:
        files += _write_frames(job, event, frames, folder, about)
    return [f"{event.folder}/{f}" for f in files]


def _components(job: WaveJob) -> list[str]:
    return ["north", "east", "down"] if job.medium.grid.num_dims == 3 else ["along", "down"]


def _write_frames(job: WaveJob, event: Event, frames, folder: Path, about) -> list[str]:
    shape = job.plane.shape[:2] if job.plane is not None else ()
    values = np.moveaxis(frames, -1, 0)
    values = np.moveaxis(values.reshape(values.shape[0], *shape, -1), -1, 1)
    times = np.asarray(job.time_axis.times_s())[shown_samples(job)]
    name, units = ("velocity", "km/s") if job.is_solid else ("pressure", "1")
    components = _components(job) if job.is_solid else ["pressure"]
    write_snapshots_netcdf(
        folder / "snapshots.nc", values, name=name, units=units, components=components, axes=job.plane_axes, times_s=times,
        attributes=about,
    )  # fmt: skip
    along, down = job.plane_axes.values()
    picture = WavefieldFrames(
        values=-1e3 * values[:, -1] if job.is_solid else values[:, 0],
        along_km=along,
        depth_km=down,
        times_s=times - job.config.time.origin_s,
        speed_km_s=_speed_on(job, along, down),
        source_km=(float(event.position_km[0]), float(event.position_km[-1])),
        stations_km=np.stack([p[[0, -1]] for p in job.stations.values()]),
        label="vertical velocity, up (m/s)" if job.is_solid else "pressure",
        axis_name="North (km)" if job.medium.grid.num_dims == 3 else "Distance along the section (km)",
        title=f"Event {event.event_id}",
    )
    with atomic_path(folder / "wavefield.gif") as temporary:
        write_animation(temporary, picture, frames_per_s=job.config.output.frames_per_s)
    return ["snapshots.nc", "wavefield.gif"]


def _speed_on(job: WaveJob, along, down) -> np.ndarray:
    """The medium's P speed at the nodes of snapshots."""
    grid = job.medium.grid
    speed = np.asarray(elastic_part(job.medium).p_speed_km_s if job.is_solid else job.medium.speed_km_s)
    row = lambda axis, v: np.round((v - float(grid.origin_km[axis])) / float(grid.spacing_km[axis])).astype(
        int
    )
    if grid.num_dims == 3 and job.plane is not None:
        speed = speed[:, row(1, job.plane[0, 0, 1])]
    return speed[np.ix_(row(0, along), row(grid.num_dims - 1, down))]


def shown_samples(job: WaveJob) -> np.ndarray:
    """Samples that are shown."""
    first = np.searchsorted(np.asarray(job.time_axis.times_s()), 0.5 * job.config.time.origin_s)
    last = job.time_axis.num_samples - 1
    return np.unique(np.linspace(min(first, last), last, job.config.output.snapshots).astype(int))
