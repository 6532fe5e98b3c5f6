"""A small world in which every fault is tried: one network, one medium, one compiled program.

Whatever is changed here for a single test (positions, times, the size of the volume) is an array; nothing
changes a shape or a static field, so that the program of `locate` is compiled once for the whole folder.
"""

import hashlib
from dataclasses import dataclass, replace

import jax.random as jr
import numpy as np

from diffseis.core.frames import LocalFrame
from diffseis.core.results import Solution
from diffseis.core.tables import PickTable, StationTable
from diffseis.eikonal import FieldTimes, HomogeneousTime
from diffseis.inference import SVGD
from diffseis.location import InlierOutlier, ModeSearch, SearchVolume, TravelTimeError, locate
from diffseis.location.catalogue import add_seconds
from diffseis.velocity import Homogeneous

VP_KM_S, VS_KM_S = 6.0, 3.46
EPOCH = np.array("2020-01-01T00:00:00", "datetime64[ns]")
SIGMA_S = 0.08
LOWER_KM, UPPER_KM = (-50.0, -50.0, -1.0), (50.0, 50.0, 30.0)


def ring(num: int = 12) -> np.ndarray:
    """Stations on two rings, half a kilometre above the sea."""
    angle = 2 * np.pi * np.arange(num) / num
    radius = np.where(np.arange(num) % 2, 12.0, 24.0)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle), np.full(num, -0.5)])


@dataclass(frozen=True)
class World:
    """The network, where it stands, and how events are located in it.

    Attributes:
        frame: of the network and of the search volume.
        positions: of the stations in the frame.
        lower_km, upper_km: the search volume, under a flat surface.
    """

    frame: LocalFrame
    positions: np.ndarray
    lower_km: tuple[float, float, float] = LOWER_KM
    upper_km: tuple[float, float, float] = UPPER_KM

    @property
    def stations(self) -> StationTable:
        latitude, longitude, depth_km = self.frame.to_geographic(self.positions)
        num = len(self.positions)
        return StationTable(
            network=np.array(["XX"] * num, dtype=object),
            station=np.array([f"S{i:02d}" for i in range(num)], dtype=object),
            latitude=latitude,
            longitude=longitude,
            elevation_m=-1000.0 * depth_km,
        )

    @property
    def times(self) -> FieldTimes:
        return FieldTimes(HomogeneousTime(Homogeneous(VP_KM_S)), HomogeneousTime(Homogeneous(VS_KM_S)))

    @property
    def volume(self) -> SearchVolume:
        return SearchVolume(list(self.lower_km), list(self.upper_km))

    def picks(
        self, sources: dict[str, list[float]], *, rows=None, phases=("P", "S"), noise: float = 1.0
    ) -> PickTable:
        """Picks of every source at some stations (by default the eight nearest), 16 at most per event.

        The noise of an event depends on its name alone, so that subsets of events keep their picks.
        """
        stations = self.stations
        columns: dict[str, list] = {name: [] for name in ("event", "row", "phase", "seconds")}
        for e, (name, place) in enumerate(sources.items()):
            distance = np.linalg.norm(self.positions - np.asarray(place, float), axis=1)
            chosen = np.argsort(distance)[:8] if rows is None else np.asarray(rows)
            seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
            draws = np.random.default_rng(seed).normal(size=(len(self.positions), 2))
            for row in chosen:
                for phase in phases:
                    k = ("P", "S").index(phase)
                    columns["event"].append(name)
                    columns["row"].append(row)
                    columns["phase"].append(phase)
                    travel = distance[row] / (VP_KM_S, VS_KM_S)[k]
                    columns["seconds"].append(100.0 * e + 3.0 + travel + noise * SIGMA_S * draws[row, k])
        row = np.array(columns["row"], int)
        return PickTable(
            event_id=np.array(columns["event"], dtype=object),
            network=stations.network[row],
            station=stations.station[row],
            phase=np.array(columns["phase"], dtype=object),
            time=add_seconds(EPOCH, np.array(columns["seconds"])),
            uncertainty_s=np.full(len(row), SIGMA_S),
            probability=np.full(len(row), np.nan),
        )

    def locate(
        self, picks: PickTable, *, seed: int = 0, stations: StationTable | None = None, **options
    ) -> Solution:
        """`locate` with the shared shapes."""
        given = {
            "likelihood": InlierOutlier(TravelTimeError(0.01, 0.03, 2.0)),
            "prior": self.volume,
            "sampler": SVGD(64, 4),
            "search": ModeSearch(128, 3, num_origin_times=4, num_steps=(4, 4, 10)),
            "frame": self.frame,
            **options,
        }
        table = self.stations if stations is None else stations
        return locate(picks, table, self.times, key=jr.key(seed), **given)


def sources(num: int = 4) -> dict[str, list[float]]:
    """Well recorded events: name and place."""
    places = [
        [3.0, -4.0, 8.0], [-6.0, 2.0, 11.0], [0.5, 7.0, 6.0], [8.0, 8.0, 9.0], [-9.0, -3.0, 14.0], [2.0, 2.0, 5.0],
        [-3.0, 6.0, 9.0], [5.0, -8.0, 12.0], [0.0, 0.0, 7.0], [-7.0, -7.0, 10.0], [9.0, 1.0, 8.0], [1.0, -9.0, 6.0],
    ]  # fmt: skip
    return {f"e{i}": places[i % len(places)] for i in range(num)}


def place_of(solution: Solution, event: int = 0) -> np.ndarray:
    """Posterior mean, north-east-down."""
    return solution.value.particles.ned_km[event].mean(axis=0)


def sigmas_of(solution: Solution, event: int = 0) -> np.ndarray:
    """Posterior standard deviations, north-east-down."""
    return solution.value.particles.ned_km[event].std(axis=0)


def shifted(picks: PickTable, chosen, seconds) -> PickTable:
    """The same picks with some of them later by `seconds`."""
    delay = np.zeros(len(picks))
    delay[chosen] = seconds
    return replace(picks, time=add_seconds(picks.time, delay))
