"""Work done survives: each chunk of located events is kept on disk until the run is complete.

A killed or interrupted run, repeated with the same settings and inputs, goes on where it stopped and ends with the same
answer. Each file appears under its name only when complete; one that is damaged is recomputed.
"""

import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from diffseis.core.errors import InputError
from diffseis.io import atomic_path
from diffseis.location import EventPosterior


class ChunkStore:
    """Posteriors by event id, in ``folder``; only those made with the same fingerprint are seen."""

    def __init__(self, folder: Path, fingerprint: str):
        self.folder = folder / fingerprint[:16]
        self._index: dict[str, tuple[Path, int]] = {}
        if self.folder.is_dir():
            for path in sorted(self.folder.glob("*.npz")):
                self._open(path)

    def _open(self, path: Path) -> None:
        try:
            # Opened here, because NumPy leaves a file open that it cannot read.
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
                for row, name in enumerate(archive["event_id"]):
                    self._index[str(name)] = (path, row)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile, EOFError):
            path.unlink(missing_ok=True)

    def __len__(self) -> int:
        return len(self._index)

    def get(self, event_id: str) -> EventPosterior | None:
        """The posterior of an event, if there is a sound one."""
        if event_id not in self._index:
            return None
        path, row = self._index[event_id]
        try:
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
                leaves = {name: jnp.asarray(archive[name][row]) for name in _names()}
                return jax.tree.map(np.asarray, EventPosterior(**leaves))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile, EOFError):
            del self._index[event_id]
            return None

    def put(self, event_ids: Sequence[str], posteriors: Sequence[EventPosterior]) -> None:
        """Keeps the posteriors of one chunk (arrays of one chunk are equally long)."""
        name = hashlib.sha256("\n".join(event_ids).encode()).hexdigest()[:24]
        path = self.folder / f"{name}.npz"
        stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *posteriors)
        with atomic_path(path) as temporary, open(temporary, "wb") as stream:
            np.savez(
                stream, event_id=np.array(event_ids, dtype=str), **{n: getattr(stacked, n) for n in _names()}
            )
        for row, event_id in enumerate(event_ids):
            self._index[event_id] = (path, row)

    def clear(self) -> None:
        """Forgets everything, what interrupted runs with other settings left too: the folder now holds a complete run."""
        shutil.rmtree(self.folder.parent, ignore_errors=True)
        self._index.clear()


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Keeps other runs out of a folder of results; the system lets go of it however this process ends.

    Raises:
        InputError: if another run is at work there.
    """
    try:
        import fcntl
    except ImportError:  # Windows: two runs of one folder are the user's to avoid
        yield
        return
    path = folder / ".lock"
    with path.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            busy = not path.exists() or not os.path.samestat(os.fstat(stream.fileno()), path.stat())
        except OSError as problem:  # a file system without locks cannot tell
            busy = isinstance(problem, BlockingIOError | FileNotFoundError)
        if busy:  # or the file was taken away by a run that has just ended
            raise InputError(
                f"another run is writing into {folder}",
                field="out",
                fix="wait for it, or choose another folder",
            )
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _names() -> list[str]:
    return [f for f in EventPosterior.__dataclass_fields__ if f != "__weakref__"]


def fingerprint(record: dict, *trees) -> str:
    """A digest of settings and arrays: the same inputs give the same."""
    digest = hashlib.sha256(json.dumps(record, sort_keys=True, default=str).encode())
    for leaf in jax.tree.leaves(eqx.filter(trees, eqx.is_array_like)):
        array = np.asarray(leaf)
        digest.update(str((array.shape, array.dtype)).encode())
        digest.update(np.ascontiguousarray(array).data)  # no copy: tables have gigabytes
    return digest.hexdigest()
