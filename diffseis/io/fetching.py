"""Reference data for users, by name: address, checksum, licence."""

import importlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlparse

from diffseis.core.errors import InputError
from diffseis.io.download import Progress, ResumingDownload


@dataclass(frozen=True)
class DataSet:
    """Files of one data set: address and sha256 of each."""

    about: str
    licence: str
    files: dict[str, str] = field(default_factory=dict)


DATA_SETS: dict[str, DataSet] = {}
"""Sets with a published address and a known checksum. Sets are added when both have been verified."""


def fetch_files(
    name: str | None,
    out: Path,
    *,
    url: str | None = None,
    sha256: str | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Fetches a named set, or one file, into `out`; every file's checksum is verified, and sound ones are kept.

    A file has its name once it is whole and right. Over HTTP, what came before a connection broke is kept as
    ``NAME.partial``, and the next call goes on from there.

    Args:
        name: of the set.
        out: the folder.
        url, sha256: of one file, instead of a set.
        progress: told about the bytes of each file (HTTP only).

    Raises:
        InputError: for an unknown name, a missing or wrong checksum, an address that cannot be reached.
    """
    if url is not None:
        if sha256 is None or not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
            raise InputError(
                "a checksum is needed",
                field="sha256",
                fix="give the 64 hexadecimal digits of the file's sha256",
            )
        files = {url: sha256.lower()}
    elif name in DATA_SETS:
        files = DATA_SETS[name].files
    else:
        known = ", ".join(DATA_SETS) or "none yet; use --url and --sha256"
        raise InputError(f"there is no data set {name!r}", field="name", fix=f"known: {known}")
    return [_fetch(address, digest, out, progress) for address, digest in files.items()]


def _fetch(address: str, digest: str, out: Path, progress: Progress | None) -> Path:
    try:
        pooch = importlib.import_module("pooch")
    except ImportError as error:
        raise InputError("pooch is not installed", fix="pip install 'diffseis[fetch]'") from error
    scheme, name = urlparse(address).scheme, Path(urlparse(address).path).name
    if scheme not in ("http", "https", "ftp", "file") or not name:
        raise InputError(
            f"{address!r} is no address of a file", field="url", fix="give an http(s), ftp or file address"
        )
    if scheme == "file":
        downloader = _copy
    elif scheme == "ftp":
        downloader = pooch.FTPDownloader(timeout=60)
    else:
        downloader = ResumingDownload(out / f"{name}.partial", digest, progress)
    try:
        return Path(
            pooch.retrieve(
                address, known_hash=f"sha256:{digest}", fname=name, path=out, downloader=downloader
            )
        )
    except InputError:
        raise
    except ValueError as error:
        raise InputError(
            f"{address} does not have the stated sha256: {error}",
            field="sha256",
            fix="check the checksum; the damaged file was not kept",
        ) from error
    except Exception as error:
        raise InputError(
            f"{address} could not be fetched: {error}",
            field="url",
            fix="check the network and repeat: finished files are kept",
        ) from error


def _copy(url: str, output_file, pooch) -> None:
    import shutil
    from urllib.request import url2pathname

    shutil.copyfile(url2pathname(urlparse(url).path), output_file)
