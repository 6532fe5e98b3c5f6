"""Angles of rays as the picks of a located run have them: for a run whose stations and velocities are no longer at hand."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from diffseis.core.frames import LocalFrame
from diffseis.core.radiation_table import RadiationTable
from diffseis.io.delimited import number_column, read_delimited
from diffseis.workflows.hypocentre_clouds import Clouds
from diffseis.workflows.takeoff import ANGLES, LARGEST_SIGMA_DEG, circular

_NUMBERS = ("distance_km", "azimuth_deg", "takeoff_deg")
_WORDS = ("event_id", "network", "station", "phase")


def angles_of_picks(
    rays: RadiationTable, clouds: Clouds, folder: Path, *, model_error_deg: Sequence[float]
) -> RadiationTable:
    """The rays that had no angles with those of the P pick of their event and station in ``picks.csv``.

    How far the angles spread over the particles is told by straight rays, for want of a velocity model.

    Args:
        rays: observations.
        clouds: particles of their events.
        folder: of the run.
        model_error_deg: of take-off angle and azimuth, beyond the spread.
    """
    picked = _picked(folder / "picks.csv")
    columns = {name: np.array(getattr(rays, name), float) for name in ANGLES}
    without = ~(np.isfinite(rays.azimuth_deg) & np.isfinite(rays.takeoff_deg))
    for row in np.flatnonzero(without & clouds.known):
        found = picked.get((str(rays.event_id[row]), str(rays.station[row]).rpartition(".")[2]), [])
        network = str(rays.station[row]).rpartition(".")[0]
        alike = [numbers for code, numbers in found if not (network and code) or network == code]
        # A code that two networks have in the event names neither.
        if len(alike) != 1:
            continue
        distance, azimuth, takeoff = alike[0]
        spread = _straight_spread_deg(clouds.take(np.array([row])), distance, azimuth)
        columns["azimuth_deg"][row], columns["takeoff_deg"][row] = azimuth, takeoff
        for name, own, model in zip(("takeoff", "azimuth"), spread, model_error_deg, strict=True):
            columns[f"{name}_sigma_deg"][row] = min(np.hypot(own, model), LARGEST_SIGMA_DEG)
    return replace(rays, **columns)


def _picked(path: Path) -> dict[tuple[str, str], list[tuple[str, np.ndarray]]]:
    """Network, and distance, azimuth and take-off angle of P picks, by event and code of station."""
    table = read_delimited(path, (*_WORDS, *_NUMBERS))
    numbers = np.stack([number_column(table, name, missing_ok=True) for name in _NUMBERS], axis=1)
    event, network, station, phase = (table.column(name) for name in _WORDS)
    found: dict[tuple[str, str], list[tuple[str, np.ndarray]]] = {}
    for row in np.flatnonzero(np.all(np.isfinite(numbers), axis=1) & (np.array(phase) == "P")):
        known = found.setdefault((event[row], station[row]), [])
        if network[row] not in [code for code, _ in known]:
            known.append((network[row], numbers[row]))
    return found


def _straight_spread_deg(cloud: Clouds, distance_km: float, azimuth_deg: float) -> tuple[float, float]:
    """Standard deviations of take-off angle and azimuth of straight rays from the particles of one event to a station at sea level."""
    latitude, longitude, depth = cloud.latitude_deg[0], cloud.longitude_deg[0], cloud.depth_km[0]
    frame = LocalFrame.centred_on(latitude, longitude)
    places = frame.to_ned(latitude, longitude, depth)
    direction = np.radians(azimuth_deg)
    station = places.mean(axis=0)[:2] + distance_km * np.array([np.cos(direction), np.sin(direction)])
    offset = station - places[:, :2]
    takeoff = np.degrees(np.arctan2(np.hypot(*offset.T), -places[:, 2]))
    azimuth = np.degrees(np.arctan2(offset[:, 1], offset[:, 0]))
    return float(np.std(takeoff)), float(circular(azimuth[None])[1][0])
