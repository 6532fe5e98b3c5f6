"""Files of a tiny network and a few events, and the command line in this process.

Every test that runs the whole job uses these files and these settings, so that its program is compiled once.
"""

import functools
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import jax.random as jr
import numpy as np
import pytest

from diffseis.core.frames import LocalFrame
from diffseis.core.tables import EventTable, PickTable
from diffseis.io import read_stations_csv, read_velocity_csv
from diffseis.location import TravelTimeError
from diffseis.synthesis import synthetic_picks
from diffseis.workflows.config import LocateConfig
from diffseis.workflows.locating import make_setup

NUM_STATIONS = 10
SETTINGS = {"num_particles": 32, "num_steps": 4, "max_depth_km": 20.0, "search_margin_km": 15.0}
PICK_HEADER = "event_id,network,station,phase,time,uncertainty_s"
# The third layer is slower than the one above it.
VELOCITY = "depth_km,vp_km_s,vs_km_s\n0,4.5,2.6\n4,5.8,3.35\n8,5.4,3.1\n14,6.4,3.7\n"


def station_lines(frame: LocalFrame) -> list[str]:
    """Lines of a station file: two rings, of rising elevation."""
    angle = 2 * np.pi * np.arange(NUM_STATIONS) / NUM_STATIONS
    radius = np.where(np.arange(NUM_STATIONS) % 2, 9.0, 18.0)
    places = np.column_stack([radius * np.cos(angle), radius * np.sin(angle), 0 * angle])
    latitude, longitude, _ = frame.to_geographic(places)
    rows = [f"XX,S{i:02d},{latitude[i]:.6f},{longitude[i]:.6f},{100 * i}" for i in range(NUM_STATIONS)]
    return ["network,station,latitude,longitude,elevation_m", *rows]


def pick_lines(picks: PickTable) -> list[str]:
    """Lines of a pick file."""
    rows = [
        f"{picks.event_id[i]},{picks.network[i]},{picks.station[i]},{picks.phase[i]},{picks.time[i]},"
        f"{picks.uncertainty_s[i]:g}"
        for i in range(len(picks))
    ]
    return [PICK_HEADER, *rows]


@dataclass(frozen=True)
class Tiny:
    """A folder with the input files.

    Attributes:
        folder: where they are.
        config: settings that name them; results go to ``out`` beside them.
        truth: the events behind the picks.
    """

    folder: Path
    config: LocateConfig
    truth: EventTable

    @classmethod
    def write(cls, folder: Path, *, num_events: int = 6, frame: LocalFrame | None = None) -> "Tiny":
        frame = LocalFrame(42.8, 13.2) if frame is None else frame
        (folder / "stations.csv").write_text("\n".join(station_lines(frame)) + "\n")
        (folder / "velocity.csv").write_text(VELOCITY)
        paths = {name: folder / f"{name}.csv" for name in ("picks", "stations", "velocity")}
        config = LocateConfig(**paths, out=folder / "out", **SETTINGS)
        picks, truth = _events(num_events, frame, folder)
        paths["picks"].write_text("\n".join(pick_lines(picks)) + "\n")
        return cls(folder, config, truth)

    def words(self, **options) -> list[str]:
        """The command's words; an option of None is left out."""
        given = {
            "picks": self.config.picks,
            "stations": self.config.stations,
            "velocity": self.config.velocity,
            "out": self.config.out,
            "num_particles": 32,
            "max_depth_km": 20,
            "search_margin_km": 15,
            **options,
        }
        words = ["locate", "--set", "num_steps=4"]
        for name, value in given.items():
            if value is not None:
                words += ["--" + name.replace("_", "-"), str(value)]
        return words


_MADE: dict[tuple, tuple[PickTable, EventTable]] = {}


def _events(num_events: int, frame: LocalFrame, folder: Path) -> tuple[PickTable, EventTable]:
    """Synthetic picks, of at most 16 phases an event; made once per network."""
    name = (num_events, frame)
    if name not in _MADE:
        stations, _ = read_stations_csv(folder / "stations.csv")
        velocity = read_velocity_csv(folder / "velocity.csv")
        paths = {n: folder / f"{n}.csv" for n in ("picks", "stations", "velocity")}
        setup = make_setup(LocateConfig(**paths, **SETTINGS), stations, velocity)
        rng = np.random.default_rng(0)
        places = rng.uniform([-8, -8, 4], [8, 8, 12], (num_events, 3))
        _MADE[name] = synthetic_picks(
            places,
            setup.times,
            stations,
            setup.frame,
            error=TravelTimeError(),
            sigma_s={"P": 0.05, "S": 0.08},
            num_stations=(6, 8),
            key=jr.key(1),
        )
    return _MADE[name]


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code and what it said."""

    code: int
    out: str
    err: str


class Command:
    """``diffseis`` in this process: ``command("locate", "--picks", ...)``."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
        self._patch = monkeypatch
        self._capsys = capsys

    def __call__(self, *words) -> Ended:
        from diffseis.cli import main

        self._patch.setenv("DIFFSEIS_CACHE", "")
        self._patch.setenv("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
        self._patch.setattr(sys, "argv", ["diffseis", *map(str, words)])
        self._patch.setattr(os, "_exit", sys.exit)
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        said = self._capsys.readouterr()
        return Ended(int(end.value.code or 0), said.out, said.err)


@functools.cache
def script() -> list[str]:
    """The command line as words for a process of its own."""
    return [sys.executable, "-c", "from diffseis.cli import main; main()"]
