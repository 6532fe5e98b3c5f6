"""Whole jobs."""

import importlib
from typing import TYPE_CHECKING, Any

from diffseis.workflows.config import LocateConfig as LocateConfig
from diffseis.workflows.config import load_config as load_config

if TYPE_CHECKING:
    from diffseis.workflows.locating import run_locate as run_locate
    from diffseis.workflows.locating import setup_for as setup_for

_LAZY = {"run_locate": "locating", "setup_for": "locating"}


def __getattr__(name: str) -> Any:
    # What computes loads JAX; what only checks settings must not.
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
