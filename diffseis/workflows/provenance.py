"""What a result was made with."""

import importlib.metadata
import platform
import subprocess
from pathlib import Path

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
