"""Where rays leave the source: azimuths and take-off angles, and how uncertain they are, from hypocentres, stations and velocities.

A hypocentre is a cloud of points: particles of its posterior, or draws about a place with stated errors. Each point's ray leaves against the gradient of the travel time,
in each of several velocity models; the mean of the angles is used, and their spread is their standard deviation, as in HASH. What the models share is not in that spread:
an error of the model is added to it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffseis.core.frames import geodesic
from diffseis.core.padding import bucket_size, pad_axis
from diffseis.core.radiation_table import RadiationTable
from diffseis.core.tables import StationTable, VelocityTable
from diffseis.core.words import plural
from diffseis.eikonal import LayeredTime
from diffseis.io import Notice
from diffseis.velocity.layered import layered_pair
from diffseis.workflows.hypocentre_clouds import Clouds

_BATCH = 4096
LARGEST_SIGMA_DEG = 90.0
"""Beyond it an angle says nothing."""

ANGLES = ("azimuth_deg", "takeoff_deg", "azimuth_sigma_deg", "takeoff_sigma_deg", "s_takeoff_deg")
"""Columns of a `RadiationTable`."""

_OF_S = ("sv_polarity", "sh_polarity", "log10_sp", "log10_svp", "log10_shp", "log10_svsh")

Leaving = Callable[[Clouds, np.ndarray, int], tuple[np.ndarray, np.ndarray]]
"""Azimuths and take-off angles in degrees, ray by point, of clouds, rows of stations, and a phase (0 is P, 1 is S)."""


def station_rows(names: Sequence[str] | np.ndarray, stations: StationTable) -> np.ndarray:
    """The row of each station of rays, -1 for none: by its id, else by its code where that is one station's, and networks do not contradict."""
    by_id = {str(name).lstrip("."): row for row, name in reversed(list(enumerate(stations.ids)))}
    by_code: dict[str, list[int]] = {}
    for row, code in enumerate(stations.station):
        by_code.setdefault(str(code), []).append(row)

    def find(name: str) -> int:
        if name in by_id:
            return by_id[name]
        network, _, code = name.rpartition(".")
        rows = by_code.get(code, [])
        alike = [r for r in rows if not network or not stations.network[r]]
        # Epochs of one station are one station.
        return alike[0] if len({str(stations.ids[r]) for r in alike}) == 1 else -1

    found = {name: find(name) for name in {str(n).lstrip(".") for n in names}}
    return np.array([found[str(n).lstrip(".")] for n in names], int)


def give_angles(
    rays: RadiationTable,
    clouds: Clouds,
    stations: StationTable,
    leaving: Leaving,
    *,
    model_error_deg: tuple[float, float],
    s_differs: bool = True,
) -> tuple[RadiationTable, list[Notice]]:
    """The rays with angles where they had none and both ends are known.

    Args:
        rays: observations.
        clouds: of their hypocentres.
        stations: their places.
        leaving: computes angles; rows are those of `stations`.
        model_error_deg: of take-off angle and azimuth, beyond the spread of `leaving`.
        s_differs: whether S rays may leave elsewhere than P rays.

    Returns:
        The rays, and how many have no angles still, and why.
    """
    without = ~(np.isfinite(rays.azimuth_deg) & np.isfinite(rays.takeoff_deg))
    rows = station_rows(rays.station, stations)
    todo = np.flatnonzero(without & (rows >= 0) & clouds.known)
    columns = {name: np.array(getattr(rays, name), float) for name in ANGLES}
    if len(todo):
        azimuth, takeoff = leaving(clouds.take(todo), rows[todo], 0)
        middle, spread = circular(azimuth)
        columns["azimuth_deg"][todo], columns["takeoff_deg"][todo] = middle, np.mean(takeoff, axis=1)
        sigma = np.hypot(np.std(takeoff, axis=1), model_error_deg[0])
        columns["takeoff_sigma_deg"][todo] = np.minimum(sigma, LARGEST_SIGMA_DEG)
        columns["azimuth_sigma_deg"][todo] = np.minimum(
            np.hypot(spread, model_error_deg[1]), LARGEST_SIGMA_DEG
        )
        of_s = todo[np.any([np.isfinite(getattr(rays, name)[todo]) for name in _OF_S], axis=0)]
        if s_differs and len(of_s):
            columns["s_takeoff_deg"][of_s] = np.mean(leaving(clouds.take(of_s), rows[of_s], 1)[1], axis=1)
    return replace(rays, **columns), _missing(rays, without, rows, clouds)


def layered_leaving(stations: StationTable, models: Sequence[VelocityTable]) -> Leaving:
    """By first arrivals in models of depth alone: the angles of all models stand side by side."""

    def leaving(clouds: Clouds, rows: np.ndarray, phase: int):
        distance, azimuth, _ = geodesic(
            clouds.latitude_deg,
            clouds.longitude_deg,
            stations.latitude[rows][:, None],
            stations.longitude[rows][:, None],
        )
        receiver = np.broadcast_to(stations.depth_km[rows][:, None], distance.shape)
        found = [takeoffs(layered_pair(m)[phase], distance, clouds.depth_km, receiver) for m in models]
        return azimuth, np.concatenate(found, axis=1)

    return leaving


def _missing(rays, without, rows, clouds: Clouds) -> list[Notice]:
    notices = []
    for kind, lost, why in (
        ("unknown-station", without & (rows < 0), "of stations that the table lacks"),
        ("no-hypocentre", without & (rows >= 0) & ~clouds.known, "of events without a hypocentre"),
    ):
        if lost.any():
            column = rays.station if kind == "unknown-station" else rays.event_id
            names = sorted({str(n) for n in column[lost]})
            more = f" and {len(names) - 5} more" if len(names) > 5 else ""
            message = (
                f"{plural(int(lost.sum()), 'ray')} {why} left without angles: {', '.join(names[:5])}{more}"
            )
            notices.append(Notice(kind, message, count=int(lost.sum())))
    return notices


def circular(angle_deg: Float[np.ndarray, "ray point"]) -> tuple[np.ndarray, np.ndarray]:
    """Mean direction and standard deviation about it, in degrees."""
    angle = np.radians(angle_deg)
    middle = np.arctan2(np.mean(np.sin(angle), axis=1), np.mean(np.cos(angle), axis=1))
    apart = (angle - middle[:, None] + np.pi) % (2 * np.pi) - np.pi
    return np.degrees(middle) % 360.0, np.degrees(np.sqrt(np.mean(apart**2, axis=1)))


def takeoffs(
    model, distance_km: np.ndarray, source_depth_km: np.ndarray, receiver_depth_km: np.ndarray
) -> np.ndarray:
    """Take-off angles in degrees from down of first arrivals in a model of depth alone; the shape of the arguments."""
    flat = np.stack([np.ravel(a) for a in (distance_km, source_depth_km, receiver_depth_km)], axis=1)
    # Rounded to a metre, many are alike: rows of P and S of a station, and clouds about one place.
    unique, back = np.unique(np.round(flat, 3), axis=0, return_inverse=True)
    size = bucket_size(len(unique), minimum=64)
    found = _takeoffs(LayeredTime(model), jnp.asarray(pad_axis(unique, size, value=1)))
    return np.asarray(found, float)[: len(unique)][np.ravel(back)].reshape(np.shape(distance_km))


@eqx.filter_jit
def _takeoffs(field: LayeredTime, ends: Float[Array, "ray 3"]) -> Float[Array, " ray"]:
    def one(end):
        distance, source, receiver = end
        still = jnp.zeros_like(distance)
        slowness = jax.grad(lambda x: field(x, jnp.stack([distance, still, receiver])))(
            jnp.stack([still, still, source])
        )
        # The ray leaves against the gradient of travel time with respect to the source.
        return jnp.degrees(jnp.arctan2(jnp.hypot(slowness[0], slowness[1]), -slowness[2]))

    return jax.lax.map(one, ends, batch_size=min(_BATCH, ends.shape[0]))
