"""Opening files that somebody else wrote: size, compression bombs, encoding, format by first bytes.

Every reader of this room gets its bytes here, so that a file that is missing, too large, binary or hostile
ends in one `InputError` before any parser sees it.
"""

import gzip
import zlib
from pathlib import Path

from diffseis.core.errors import InputError

MAX_FILE_BYTES = 2 * 1024**3
"""Larger files are refused."""

MAX_EXPANDED_BYTES = 256 * 1024**2
"""Compressed input may not expand beyond this."""

MAX_EXPANSION = 120.0
"""Nor by more than this factor (catalogues and picks compress 5 to 40 times), once it is larger than
`_RATIO_FREE_BYTES`.
"""

_RATIO_FREE_BYTES = 8 * 1024**2
_CHUNK_BYTES = 1024**2
_GZIP_MAGIC = b"\x1f\x8b"
_KNOWN_BINARY = {
    b"PK\x03\x04": ("a zip archive or Excel workbook", "unpack it, or export the sheet as CSV"),
    b"\x89HDF": ("an HDF5 or netCDF file", "name the CSV file instead"),
    b"%PDF": ("a PDF document", "name the CSV file instead"),
    b"BZh": ("compressed with bzip2", "unpack it first, or use gzip"),
    b"\xfd7zXZ": ("compressed with xz", "unpack it first, or use gzip"),
}


def read_bytes(path: str | Path, *, max_bytes: int = MAX_FILE_BYTES) -> bytes:
    """The content of a file, unpacked if it is gzip, within the limits of this module."""
    path = Path(path)
    try:
        if path.is_dir():
            raise InputError("is a folder, not a file", file=path, fix="name a file in it")
        if not path.exists():
            raise InputError("there is no such file", file=path, fix=_nearest_file(path))
        size = path.stat().st_size
        if size > max_bytes:
            raise InputError(
                f"is {size / 1e9:.2f} GB large; at most {max_bytes / 1e9:.2f} GB are read",
                file=path,
                fix="split it by time",
            )
        if size == 0:
            raise InputError(
                "is empty (0 bytes)", file=path, fix="check how it was made, or name another file"
            )
        with path.open("rb") as stream:
            if stream.read(2) == _GZIP_MAGIC:
                return _expand(path, size)
            stream.seek(0)
            return stream.read()
    except OSError as error:
        raise InputError(
            f"cannot be read ({error.strerror or error})", file=path, fix="check the path and its permissions"
        ) from error


def read_text(path: str | Path, *, encoding: str = "utf-8") -> str:
    """The content of a text file, without a byte-order mark; binary content is refused by name."""
    data = read_bytes(path)
    for magic, (what, fix) in _KNOWN_BINARY.items():
        if data.startswith(magic):
            raise InputError(f"is {what}, not text", file=path, fix=fix)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError("is UTF-16 text", file=path, fix="save it as UTF-8")
    if b"\x00" in data:
        line = data[: data.index(b"\x00")].count(b"\n") + 1
        raise InputError(
            "holds a NUL byte: it is damaged or not text", file=path, line=line, fix="copy it again"
        )
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError(
            f"byte {error.start} is not {encoding.upper()}",
            file=path,
            line=line,
            fix="save the file as UTF-8",
        ) from error


def _expand(path: Path, size: int) -> bytes:
    """Gunzip in pieces, stopping at the limit rather than after it."""
    pieces: list[bytes] = []
    total = 0
    try:
        with gzip.open(path, "rb") as stream:
            while piece := stream.read(_CHUNK_BYTES):
                total += len(piece)
                if total > MAX_EXPANDED_BYTES or (total > _RATIO_FREE_BYTES and total > MAX_EXPANSION * size):
                    raise InputError(
                        f"expands from {size / 1e6:.2f} MB to more than {total / 1e6:.0f} MB: refused as a "
                        "decompression bomb",
                        file=path,
                        fix="unpack it yourself if you trust it",
                    )
                pieces.append(piece)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"is damaged gzip ({error})", file=path, fix="copy or download it again") from error
    return b"".join(pieces)


def _nearest_file(path: Path) -> str:
    from difflib import get_close_matches

    if not path.parent.is_dir():
        return f"the folder {path.parent} does not exist either; check the path"
    near = get_close_matches(path.name, [p.name for p in path.parent.iterdir()], n=1)
    return f"did you mean {near[0]}?" if near else "check the path"
