"""One file over HTTP, in as many goes as it takes."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from diffseis.core.errors import InputError

Progress = Callable[[str, int, int], None]
"""Called with a file's name, bytes that are there and bytes in all (0 where the server does not say)."""

_CHUNK_BYTES = 1 << 16
_TIMEOUT_S = 60.0


class ResumingDownload:
    """A downloader for `pooch.retrieve` that keeps what has come in ``NAME.partial`` and goes on from there.

    A server that does not honour ranges is asked for the whole. The checksum is of the whole file: one that was put
    together of pieces and is wrong (the file on the server has changed, or the piece was of another one) is
    fetched anew, once; one that came in one go and is wrong is refused and not kept.

    Args:
        partial: where the unfinished file is kept, in the folder of the finished one.
        sha256: of the finished file, in lower case.
        progress: told about bytes.
    """

    def __init__(self, partial: Path, sha256: str, progress: Progress | None = None):
        self.partial = partial
        self.sha256 = sha256
        self.progress = progress

    def __call__(self, url: str, output_file: str | Path, pooch: Any) -> None:
        """Fetches `url` and moves it to `output_file` once its checksum is right.

        Raises:
            InputError: if the server cannot be reached, refuses, stops half-way or sends something else.
        """
        if not self._complete():
            resumed = self._go_on(url)
            if resumed and not self._complete():
                self.partial.unlink()
                self._go_on(url)
            if not self._complete():
                self.partial.unlink()
                raise InputError(
                    f"{url} does not have the stated sha256",
                    field="sha256",
                    fix="check the checksum; the damaged file was not kept",
                )
        os.replace(self.partial, output_file)

    def _complete(self) -> bool:
        from pooch import file_hash

        return self.partial.is_file() and file_hash(str(self.partial), alg="sha256") == self.sha256

    def _go_on(self, url: str) -> bool:
        """Fetches what is missing; says whether bytes of an earlier go are among what there is now."""
        import requests

        have = self.partial.stat().st_size if self.partial.is_file() else 0
        try:
            with _ask(url, have) as response:
                goes_on = _goes_on(response, have)
                if goes_on or response.status_code not in (206, 416):
                    self._receive(response, have if goes_on else 0)
                    return goes_on
            # Another range than was asked for, or none behind what there is: the whole, then.
            with _ask(url, 0) as response:
                self._receive(response, 0)
            return False
        except (requests.RequestException, OSError) as error:
            there = self.partial.stat().st_size if self.partial.is_file() else 0
            kept = f"; {there} bytes are kept, and the same command goes on from there" if there else ""
            raise InputError(
                f"{url} could not be fetched: {error}",
                field="url",
                fix=f"check the address, the network and the disk, and repeat{kept}",
            ) from error

    def _receive(self, response: Any, have: int) -> None:
        """Writes the body of a response behind the first `have` bytes of the partial file."""
        response.raise_for_status()
        length = response.headers.get("Content-Length", "")
        total = have + int(length) if length.isdigit() else 0
        name = self.partial.name.removesuffix(".partial")
        with self.partial.open("ab" if have else "wb") as stream:
            for chunk in response.iter_content(_CHUNK_BYTES):
                stream.write(chunk)
                have += len(chunk)
                if self.progress is not None:
                    self.progress(name, have, total)
        if total and have < total:
            raise OSError(f"the connection ended after {have} of {total} bytes")


def _ask(url: str, have: int) -> Any:
    """The response to a request for everything behind the first `have` bytes, its body not yet read."""
    import requests

    # Compressed on the way, a body has neither the length nor the offsets of the file.
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    return requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_S)


def _goes_on(response: Any, have: int) -> bool:
    """Whether the body is what follows the first `have` bytes."""
    said = response.headers.get("Content-Range", "")
    return have > 0 and response.status_code == 206 and said.startswith(f"bytes {have}-")
