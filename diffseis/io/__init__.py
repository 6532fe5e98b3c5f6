"""Files in and out. Importing this is cheap: each reader and writer is loaded when it is first used."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diffseis.io.config import read_config as read_config
    from diffseis.io.events import read_events as read_events
    from diffseis.io.events import read_nordic_bulletin as read_nordic_bulletin
    from diffseis.io.events import sniff_format as sniff_format
    from diffseis.io.networks import assign_networks as assign_networks
    from diffseis.io.notices import Notice as Notice
    from diffseis.io.picks_csv import read_picks_csv as read_picks_csv
    from diffseis.io.stations_csv import read_stations_csv as read_stations_csv
    from diffseis.io.stations_csv import resolve_epochs as resolve_epochs
    from diffseis.io.stationxml import read_stationxml as read_stationxml
    from diffseis.io.taup import read_velocity_taup as read_velocity_taup
    from diffseis.io.velocity_csv import read_velocity_csv as read_velocity_csv

_HOME = {
    "Notice": "notices",
    "assign_networks": "networks",
    "read_config": "config",
    "read_events": "events",
    "read_nordic_bulletin": "events",
    "read_picks_csv": "picks_csv",
    "read_stations_csv": "stations_csv",
    "read_stationxml": "stationxml",
    "read_velocity_csv": "velocity_csv",
    "read_velocity_taup": "taup",
    "resolve_epochs": "stations_csv",
    "sniff_format": "events",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(_HOME)
