"""Folders of results: one command each."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from diffseis.core.errors import InputError
from diffseis.io.atomic import OutputError, make_folder
from diffseis.workflows.store import exclusive


@contextmanager
def folder_of(out: Path, command: str, *, clear: bool = True) -> Iterator[Path]:
    """A folder for the results of a command, its own while it runs. What an earlier run of the same command wrote there, by its ``run.json``, is
    removed.

    Args:
        out: the folder.
        command: such as ``diffseis wave``.
        clear: at once; otherwise the command calls `clear_earlier` when it has something better.

    Raises:
        OutputError: if the folder cannot be made.
        InputError: if it holds the run of another command, or one that is at work.
    """
    check_folder(out, command)
    new = not out.exists()
    make_folder(out)
    try:
        yield from _prepared(out, command, clear)
    finally:
        # An interrupted run leaves no folder that it made for nothing.
        if new and out.is_dir() and not any(out.iterdir()):
            out.rmdir()


def _prepared(out: Path, command: str, clear: bool) -> Iterator[Path]:
    with exclusive(out):
        if clear:
            clear_earlier(out, command)
        yield out


def clear_earlier(out: Path, command: str) -> None:
    """Remove what an earlier run of the same command wrote, by its ``run.json``."""
    for file in _earlier(out, command):
        path = out / file
        # Only what lies in the folder: a record may have been edited.
        if path.resolve().is_relative_to(out.resolve()):
            try:
                path.unlink(missing_ok=True)
                if path.parent != out and path.parent.is_dir() and not any(path.parent.iterdir()):
                    path.parent.rmdir()
            except OSError as error:
                raise OutputError(
                    f"cannot be replaced ({error.strerror})",
                    file=path,
                    fix="choose another folder with --out",
                ) from error


def check_folder(out: Path, command: str) -> None:
    """Refuse a folder of something else, before anything is computed or made.

    Raises:
        InputError: if it or what it would lie in is a file, if nothing may be written there, if it is a store, or holds the run of
            another command.
    """
    fix = "choose another folder with --out"
    if out.exists() and not out.is_dir():
        raise InputError("is a file", file=out, field="out", fix=fix)
    if any((out / name).exists() for name in (".zgroup", "zarr.json", ".zattrs")):
        raise InputError("is a store of arrays", file=out, field="out", fix=fix)
    nearest = next((parent for parent in out.absolute().parents if parent.exists()), None)
    if not out.exists() and nearest is not None and not nearest.is_dir():
        raise InputError(f"cannot be made: {nearest} is a file", file=out, field="out", fix=fix)
    there = out if out.exists() else nearest
    if there is not None and not os.access(there, os.W_OK | os.X_OK):
        raise InputError(f"{there} may not be written to", file=out, field="out", fix=fix)
    _earlier(out, command)


def _earlier(out: Path, command: str) -> list[str]:
    """Files of an earlier run."""
    path = out / "run.json"
    if not path.exists():
        return []
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        theirs = str(record["command"])
        events = record.get("events", {})
        of_events = [e.get("files", []) for e in events.values()] if isinstance(events, dict) else []
        files = [str(f) for several in (record.get("files", []), *of_events) for f in several]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        theirs, files = "something else", []
    if theirs != command:
        raise InputError(
            f"holds the results of {theirs}", file=out, field="out", fix="choose another folder with --out"
        )
    return [*files, "run.json"]


@contextmanager
def naming(file: Path) -> Iterator[None]:
    """Refusals that name no file are of settings: they name the file of these."""
    try:
        yield
    except InputError as error:
        if error.file is not None:
            raise
        raise InputError(error.why, file=file, field=error.field, fix=error.fix) from error
