"""The one door to ObsPy's readers: a named format, bytes that were looked at first, one exception type.

ObsPy is never asked to guess a format: its detection of waveform files unpickles what looks like a pickle.
"""

import re
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from diffseis.core.errors import InputError
from diffseis.io.guards import read_bytes
from diffseis.io.notices import Notice

_DECLARATION = re.compile(rb"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)


def read_inventory_file(path: str | Path, format: str) -> tuple[Any, list[Notice]]:
    """An ObsPy Inventory and what ObsPy warned about."""
    from obspy import read_inventory

    with _plain_file(path, xml=True) as plain:
        return _call(read_inventory, path, plain, format)


def read_catalog_file(path: str | Path, format: str) -> tuple[Any, list[Notice]]:
    """An ObsPy Catalog and what ObsPy warned about."""
    from obspy import read_events

    with _plain_file(path, xml=format == "QUAKEML") as plain:
        return _call(read_events, path, plain, format)


def read_stream_file(path: str | Path, format: str) -> tuple[Any, list[Notice]]:
    """An ObsPy Stream and what ObsPy warned about."""
    from obspy import read

    with _plain_file(path, xml=False) as plain:
        return _call(read, path, plain, format)


def _call(reader, path: str | Path, plain: Path, format: str) -> tuple[Any, list[Notice]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = reader(str(plain), format=format)
        except (
            Exception
        ) as error:  # ObsPy's readers raise whatever their parsers raise, Exception itself included.
            why = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            line = getattr(error, "lineno", None)
            raise InputError(
                f"cannot be read as {format} ({why[:300]})",
                file=path,
                line=line if isinstance(line, int) and line > 0 else None,
                field="format",
                fix=f"check that it is {format} and whole",
            ) from error
    messages = [
        str(w.message)
        for w in caught
        if not issubclass(w.category, DeprecationWarning | PendingDeprecationWarning)
    ]
    return value, [
        Notice("reader", message, count=messages.count(message), file=str(path))
        for message in dict.fromkeys(messages)
    ]


@contextmanager
def _plain_file(path: str | Path, *, xml: bool) -> Iterator[Path]:
    """The file itself, or an unpacked copy of it, after a look at its bytes."""
    data = read_bytes(path)
    if xml:
        _check_xml(data, path)
    with tempfile.TemporaryDirectory(prefix="diffseis-") as folder:
        # A copy, always: ObsPy unpacks archives by their content, and a name with `*` or `://` is more
        # than a name to it.
        plain = Path(folder) / "input"
        plain.write_bytes(data)
        yield plain


def _check_xml(data: bytes, path: str | Path) -> None:
    found = _DECLARATION.search(data)
    if found:
        raise InputError(
            "declares a document type or entities, which no seismological XML needs",
            file=path,
            line=data[: found.start()].count(b"\n") + 1,
            field=found.group(1).decode(),
            fix="remove the declaration if you trust the file",
        )
    if b"\x00" in data[:1000]:
        raise InputError("is not UTF-8 (or is damaged)", file=path, field="encoding", fix="save it as UTF-8")
    if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise InputError("is no XML", file=path, line=1, field="format", fix="name the format it has")
