"""Differentiable physics for earthquake seismology.

Use the sub-packages: ``from diffseis.location import locate``. They are loaded when first touched; importing this does nothing.
"""

import importlib
from typing import Any

__all__ = [
    "core",
    "eikonal",
    "inference",
    "io",
    "location",
    "networks",
    "plot",
    "source",
    "velocity",
    "wave",
    "workflows",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    if name == "__version__":
        from importlib.metadata import version

        return version("diffseis")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
