"""What ``diffseis shaking`` writes: tables and maps."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from diffseis.core.frames import LocalFrame
from diffseis.groundmotion import Plane
from diffseis.io import MotionPlaces, MotionRecords
from diffseis.io.atomic import atomic_path
from diffseis.io.rows_csv import write_rows_csv
from diffseis.plot import ShakingMap, figure_png, shaking_figure
from diffseis.workflows.shaking_config import ShakingSettings

PLACES = (
    "latitude",
    "longitude",
    "vs30",
    "imt",
    "median",
    "mean_ln",
    "sigma",
    "model_mean_ln",
    "model_sigma",
)
STATIONS = (
    "station",
    "latitude",
    "longitude",
    "vs30",
    "imt",
    "status",
    "recorded",
    "model_median",
    "model_sigma",
    "residual",
)


_DEGREES = {"latitude": ".5f", "longitude": ".5f"}


@dataclass(frozen=True)
class Shaking:
    """One measure at all places and stations.

    Attributes:
        imt: its name.
        mean_ln, sigma: at the places, given the records.
        model_mean_ln, model_sigma: without them.
        recorded: ln at the stations; NaN where there is none.
        used: stations whose records count.
        station_mean_ln, station_sigma: of the model there.
        event_term, event_sd: of the earthquake, over tau.
    """

    imt: str
    mean_ln: np.ndarray
    sigma: np.ndarray
    model_mean_ln: np.ndarray
    model_sigma: np.ndarray
    recorded: np.ndarray
    used: np.ndarray
    station_mean_ln: np.ndarray
    station_sigma: np.ndarray
    event_term: float
    event_sd: float


def vs30_of(settings: ShakingSettings, places: MotionPlaces) -> np.ndarray:
    """m/s at places, that of the settings where they state none."""
    return np.where(np.isfinite(places.vs30_m_s), places.vs30_m_s, settings.vs30_m_s)


def north_east(frame: LocalFrame, places: MotionPlaces) -> np.ndarray:
    """Places in the local frame, km."""
    return frame.to_ned(places.latitude, places.longitude)[:, :2]


def write_shaking(
    settings,
    plane,
    frame: LocalFrame,
    places: MotionPlaces,
    records: MotionRecords | None,
    found: Sequence[Shaking],
    out: Path,
) -> list[str]:
    """Tables and maps of all measures; returns their names in the folder.

    Raises:
        OutputError: if one cannot be written.
    """
    vs30 = vs30_of(settings, places)
    rows = [
        (
            places.latitude[k],
            places.longitude[k],
            vs30[k],
            s.imt,
            np.exp(s.mean_ln[k]),
            s.mean_ln[k],
            s.sigma[k],
            s.model_mean_ln[k],
            s.model_sigma[k],
        )
        for s in found
        for k in range(len(places))
    ]
    tables: list[tuple[str, Sequence[str], list[tuple[Any, ...]]]] = [("places.csv", PLACES, rows)]
    if records is not None:
        p, ground = records.places, vs30_of(settings, records.places)
        of = lambda s, k: "none" if np.isnan(s.recorded[k]) else "used" if s.used[k] else "outlier"
        tables.append(
            (
                "stations.csv",
                STATIONS,
                [
                    (
                        p.name[k],
                        p.latitude[k],
                        p.longitude[k],
                        ground[k],
                        s.imt,
                        of(s, k),
                        np.exp(s.recorded[k]),
                        np.exp(s.station_mean_ln[k]),
                        s.station_sigma[k],
                        (s.recorded[k] - s.station_mean_ln[k]) / s.station_sigma[k],
                    )
                    for s in found
                    for k in range(len(p))
                ],
            )
        )
    files = []
    for name, head, body in tables:
        write_rows_csv(out / name, head, body, _DEGREES)
        files.append(name)
    (out / "figures").mkdir(exist_ok=True)
    for s in found:
        path = f"figures/{s.imt.replace('(', '_').replace(')', '')}.png"
        with atomic_path(out / path) as temporary:
            temporary.write_bytes(
                figure_png(shaking_figure(_drawn(settings, plane, frame, places, records, s)))
            )
        files.append(path)
    return files


def _drawn(
    settings: ShakingSettings,
    plane: Plane | None,
    frame: LocalFrame,
    places: MotionPlaces,
    records,
    s: Shaking,
) -> ShakingMap:
    kept = s.used if records is not None else np.zeros(0, bool)
    all_km = north_east(frame, records.places) if records is not None else np.zeros((0, 2))
    left_out = np.isfinite(s.recorded) & ~kept
    return ShakingMap(
        imt=s.imt,
        frame=frame,
        places_km=north_east(frame, places),
        median=np.exp(s.mean_ln),
        sigma=s.sigma,
        stations_km=all_km[kept],
        outliers_km=all_km[left_out],
        recorded=np.exp(s.recorded[kept]),
        outline_km=None if plane is None else _outline(plane),
        title=f"{settings.model}, magnitude {settings.magnitude:g}, depth {settings.depth_km:g} km",
    )


def _outline(plane: Plane) -> np.ndarray:
    """Corners of a rupture from above, its upper edge first: north and east."""
    strike, dip = float(plane.strike_rad), float(plane.dip_rad)
    along = np.array([np.cos(strike), np.sin(strike)]) * float(plane.length_km) / 2
    across = np.array([-np.sin(strike), np.cos(strike)]) * float(plane.width_km) * np.cos(dip)
    top = np.asarray(plane.top_ned_km, float)[:2]
    return np.stack([top - along, top + along, top + along + across, top - along + across])
