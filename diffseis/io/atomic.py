"""Files that appear under their final names only when they are complete."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from diffseis.core.errors import InputError


class OutputError(InputError):
    """A file that could not be written: no space, no permission, no folder. Nothing stands under its final
    name.
    """


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path` to write to; it takes the final name when the block ends well.

    The content is on disk before the name is (fsync of the file, rename, fsync of the folder), so that a
    reader, or a run that is resumed after a crash, finds the old file or the whole new one.

    Raises:
        OutputError: if the system refuses; an earlier file of that name is left as it was.
    """
    final = Path(path)
    temporary = final.with_name(f".{final.stem}.{secrets.token_hex(4)}{final.suffix}")
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _sync(temporary)
        os.replace(temporary, final)
        _sync(final.parent)
    except OSError as error:
        _remove(temporary)
        raise OutputError(
            f"cannot be written ({error.strerror or error})", file=final, fix=_remedy(error)
        ) from error
    except BaseException:
        _remove(temporary)
        raise


def make_folder(path: str | Path) -> Path:
    """A folder that can be written to, made where it is missing.

    Raises:
        OutputError: if the system refuses, or something else has its name.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".{secrets.token_hex(4)}"
        probe.touch()
        _remove(probe)
    except OSError as error:
        raise OutputError(
            f"cannot be made a folder of results ({error.strerror or error})", file=folder, fix=_remedy(error)
        ) from error
    return folder


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text atomically, with plain line ends."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # Whatever kept us from writing keeps us from tidying, too; the name starts with a dot.


def _remedy(error: OSError) -> str:
    import errno

    return {
        errno.ENOSPC: "make space on the disk and run again",
        errno.EDQUOT: "your quota is used up: make space and run again",
        errno.EACCES: "choose a folder that you may write to",
        errno.EPERM: "choose a folder that you may write to",
        errno.EROFS: "the disk is read-only: choose another folder",
        errno.ENOTDIR: "a part of the path is a file: choose another folder",
        errno.EEXIST: "a part of the path is a file: choose another folder",
        errno.EISDIR: "a folder has this name: choose another",
    }.get(error.errno or 0, "check the folder and the space on the disk")
