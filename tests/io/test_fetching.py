"""Downloads that break, are resumed, or bring something else; every server is on this machine."""

import hashlib
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from diffseis.core.errors import InputError
from diffseis.io.fetching import fetch_files

BODY = np.random.default_rng(0).bytes(300_000)
SHA256 = hashlib.sha256(BODY).hexdigest()
HALF = len(BODY) // 2


class Server:
    """A server of one file, `body`, with the vices that are set.

    Attributes:
        body: what it serves.
        break_after: bytes of a response after which it drops the connection; None for never.
        ranges: whether it honours them.
        wrong_range: whether it answers a range with one that begins elsewhere.
        status: answers every request with it, if not 0.
        asked: the Range header of every request so far ("" for none).
    """

    def __init__(self):
        self.body = BODY
        self.break_after = None
        self.ranges = True
        self.wrong_range = False
        self.status = 0
        self.asked: list[str] = []
        self.url = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        asked = handler.headers.get("Range", "")
        self.asked.append(asked)
        if self.status:
            handler.send_error(self.status)
            return
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked and self.ranges else 0
        if start >= len(self.body):
            handler.send_response(416)
            handler.send_header("Content-Range", f"bytes */{len(self.body)}")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        if start and self.wrong_range:
            start -= 1
        sent = self.body[start:]
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(self.body) - 1}/{len(self.body)}")
        handler.send_header("Content-Length", str(len(sent)))
        handler.end_headers()
        handler.wfile.write(sent[: self.break_after])


@contextmanager
def _serving(server: Server):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.answer(self)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        server.url = f"http://127.0.0.1:{http.server_address[1]}/set/waves.bin"
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()


@pytest.fixture
def server(monkeypatch):
    pooch = pytest.importorskip("pooch")
    # Its log holds on to the standard error of the test that loaded it.
    monkeypatch.setattr(pooch.get_logger(), "disabled", True)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with _serving(Server()) as serving:
        yield serving


@pytest.fixture
def fetch(server, tmp_path):
    """Fetches the server's file; the folder is `tmp_path`."""

    def call(sha256=SHA256, **options):
        return fetch_files(None, tmp_path, url=server.url, sha256=sha256, **options)

    return call


def _names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_in_one_go(fetch, server, tmp_path):
    assert fetch() == [tmp_path / "waves.bin"]
    assert (tmp_path / "waves.bin").read_bytes() == BODY
    assert fetch(), "again"
    assert server.asked == [""], "what is there and sound is not asked for again"
    assert _names(tmp_path) == ["waves.bin"]


def test_a_broken_download_goes_on_where_it_stopped(fetch, server, tmp_path):
    partial = tmp_path / "waves.bin.partial"
    kept = [0]
    for server.break_after in (HALF, 100_000):
        with pytest.raises(InputError) as broken:
            fetch()
        assert broken.value.field == "url"
        assert _names(tmp_path) == ["waves.bin.partial"], "the final name appears only when it is whole"
        kept.append(partial.stat().st_size)
        assert f"{kept[-1]} bytes are kept" in str(broken.value.fix)
        # What came in the last, incomplete block may be lost.
        assert 0 <= kept[-2] + server.break_after - kept[-1] < 2**16
        assert partial.read_bytes() == BODY[: kept[-1]]
    server.break_after = None
    fetch()
    assert server.asked == ["", f"bytes={kept[1]}-", f"bytes={kept[2]}-"]
    assert (tmp_path / "waves.bin").read_bytes() == BODY
    assert _names(tmp_path) == ["waves.bin"]


def test_a_server_without_ranges_is_asked_for_the_whole(fetch, server, tmp_path):
    server.ranges, server.break_after = False, HALF
    with pytest.raises(InputError):
        fetch()
    kept = (tmp_path / "waves.bin.partial").stat().st_size
    server.break_after = None
    fetch()
    assert server.asked == ["", f"bytes={kept}-"], "its answer to the range is the whole already"
    assert (tmp_path / "waves.bin").read_bytes() == BODY


def test_another_range_than_was_asked_for_is_not_appended(fetch, server, tmp_path):
    (tmp_path / "waves.bin.partial").write_bytes(BODY[:HALF])
    server.wrong_range = True
    fetch()
    assert server.asked == [f"bytes={HALF}-", ""]
    assert (tmp_path / "waves.bin").read_bytes() == BODY


@pytest.mark.parametrize(
    ("partial", "asked"),
    [
        (b"x" * HALF, [f"bytes={HALF}-", ""]),
        (BODY + b"x", [f"bytes={len(BODY) + 1}-", ""]),
        (b"x" * len(BODY), [f"bytes={len(BODY)}-", ""]),
        (b"", [""]),
        (BODY, []),
    ],
    ids=["of another file", "too long", "another of the same length", "empty", "whole"],
)
def test_a_partial_file_that_is_wrong_is_fetched_anew(fetch, server, tmp_path, partial, asked):
    (tmp_path / "waves.bin.partial").write_bytes(partial)
    fetch()
    assert server.asked == asked
    assert (tmp_path / "waves.bin").read_bytes() == BODY
    assert _names(tmp_path) == ["waves.bin"]


@pytest.mark.parametrize("partial", [None, BODY[:HALF]], ids=["fresh", "resumed"])
def test_corrupted_bytes_are_refused_and_not_kept(fetch, server, tmp_path, partial):
    server.body = BODY[:-1] + bytes([BODY[-1] ^ 1])
    if partial is not None:
        (tmp_path / "waves.bin.partial").write_bytes(partial)
    with pytest.raises(InputError, match="sha256") as refused:
        fetch()
    assert refused.value.field == "sha256"
    assert _names(tmp_path) == []
    assert server.asked == ([""] if partial is None else [f"bytes={HALF}-", ""]), "asked twice at most"


def test_a_damaged_finished_file_stays_until_it_can_be_replaced(fetch, server, tmp_path):
    (tmp_path / "waves.bin").write_bytes(b"damaged")
    server.break_after = HALF
    with pytest.raises(InputError):
        fetch()
    assert (tmp_path / "waves.bin").read_bytes() == b"damaged"
    server.break_after = None
    fetch()
    assert (tmp_path / "waves.bin").read_bytes() == BODY


@pytest.mark.parametrize("status", [404, 503])
def test_a_refusing_server_costs_nothing_that_is_there(fetch, server, tmp_path, status):
    (tmp_path / "waves.bin.partial").write_bytes(BODY[:HALF])
    server.status = status
    with pytest.raises(InputError, match=str(status)) as refused:
        fetch()
    assert refused.value.field == "url"
    assert server.asked == [f"bytes={HALF}-"]
    assert (tmp_path / "waves.bin.partial").read_bytes() == BODY[:HALF]


def test_nobody_answers(server, tmp_path):
    with _serving(Server()) as gone:
        url = gone.url
    with pytest.raises(InputError) as refused:
        fetch_files(None, tmp_path, url=url, sha256=SHA256)
    assert refused.value.field == "url"
    assert _names(tmp_path) == []


def test_a_folder_that_cannot_be(server, tmp_path):
    (tmp_path / "a file").write_text("")
    with pytest.raises(InputError, match="could not be fetched"):
        fetch_files(None, tmp_path / "a file", url=server.url, sha256=SHA256)


def test_progress_begins_with_what_is_there(fetch, tmp_path):
    (tmp_path / "waves.bin.partial").write_bytes(BODY[:HALF])
    told = []
    fetch(progress=lambda *words: told.append(words))
    names, done, total = zip(*told, strict=True)
    assert set(names) == {"waves.bin"}
    assert set(total) == {len(BODY)}
    assert list(done) == sorted(done)
    assert HALF < done[0] < done[-1] == len(BODY)
