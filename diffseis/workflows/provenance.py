"""What a result was made with."""

import dataclasses
import importlib.metadata
import platform
import subprocess
from pathlib import Path
from typing import Any

from diffseis.io import sha256_of

PACKAGES = ("diffseis", "jax", "jaxlib", "equinox", "numpy", "scipy", "obspy", "pyproj", "xarray")


def versions() -> dict[str, str]:
    """Versions of what decides the numbers."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return {"python": platform.python_version(), **found}


def made_with(settings: Any) -> dict[str, Any]:
    """What a run's record tells of its settings: they, versions, commit, and the sha256 of the files among them.

    Args:
        settings: a dataclass.
    """
    given = {field.name: getattr(settings, field.name) for field in dataclasses.fields(settings)}
    return {
        "settings": {k: str(v) if isinstance(v, Path) else v for k, v in given.items()},
        "versions": versions(),
        "commit": git_commit(),
        "sha256": {k: sha256_of(v) for k, v in given.items() if isinstance(v, Path)},
    }


def git_commit() -> str | None:
    """Commit of the source tree that runs, with a mark if it was changed; None where it is no git checkout."""
    folder = Path(__file__).resolve().parents[2]
    if not (folder / ".git").exists():
        return None
    try:
        run = lambda *words: subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=10, check=True
        ).stdout.strip()
        commit = run("rev-parse", "HEAD")
        return commit + ("+changed" if run("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None
