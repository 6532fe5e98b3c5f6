"""Files in and out. Importing this is cheap: each reader and writer is loaded when it is first used."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diffseis.io.config import read_config as read_config
    from diffseis.io.notices import Notice as Notice
    from diffseis.io.picks_csv import read_picks_csv as read_picks_csv
    from diffseis.io.stations_csv import read_stations_csv as read_stations_csv
    from diffseis.io.stations_csv import resolve_epochs as resolve_epochs
    from diffseis.io.taup import read_velocity_taup as read_velocity_taup
    from diffseis.io.velocity_csv import read_velocity_csv as read_velocity_csv

_HOME = {
    "Notice": "notices",
    "read_config": "config",
    "read_picks_csv": "picks_csv",
    "read_stations_csv": "stations_csv",
    "read_velocity_csv": "velocity_csv",
    "read_velocity_taup": "taup",
    "resolve_epochs": "stations_csv",
}

__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(_HOME)
