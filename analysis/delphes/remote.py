"""Files on servers, read in ranges of bytes; a range that does not come whole is asked for again.

`https://` and `http://` servers must answer range requests (nearly all do); `root://` needs the
package `xrootd`. What may pass (no connection, a dropped or silent one, an overloaded server) is
tried `ATTEMPTS` times, with pauses that double; what will not pass (no such file, no permission)
is an error at once.
"""

import logging
import queue
import re
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol
from urllib.parse import urlsplit

from uproot.source.chunk import Chunk, Source
from uproot.source.coalesce import CoalesceConfig, coalesce_requests
from uproot.source.futures import TrivialFuture

from analysis.delphes.servers import HTTPServer, TemporaryError, XRootDServer
from common.errors import ConfigError, InputFileError

log = logging.getLogger(__name__)

ATTEMPTS = 6
PAUSE_S = 1.0  # before the second attempt
TIMEOUT_S = 60.0  # for one piece to arrive
PIECE_BYTES = 2**22
CONNECTIONS = 4
ONE_RANGE_A_REQUEST = CoalesceConfig(max_request_ranges=1)


class Server(Protocol):
    """What serves one file."""

    def __init__(self, url: str) -> None: ...

    def read(self, start: int, stop: int, timeout: float) -> bytes:
        """Return bytes `start` to `stop`, fewer only where the file ends before `stop`.

        Raises
        ------
        TemporaryError
            If another attempt may succeed.
        InputFileError
            If none can.
        """

    def size(self, timeout: float) -> int:
        """Return the number of bytes of the file; raises as `read` does."""

    def close(self) -> None:
        """Free the connections."""


SERVERS: dict[str, type[Server]] = {
    "http": HTTPServer,
    "https": HTTPServer,
    "root": XRootDServer,
    "roots": XRootDServer,
}


def is_remote(source: str) -> bool:
    """Whether a file is read from a server: any URL, whether or not its scheme is known."""
    return bool(re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", source))


def check_url(url: str) -> None:
    """Raise ConfigError, without a look at the server, if `url` cannot be read."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(f"{url!r} is not a URL: {error}") from None
    if parts.scheme not in SERVERS:
        allowed = ", ".join(f"{scheme}://" for scheme in SERVERS)
        raise ConfigError(f"{url!r} cannot be read; allowed: paths, {allowed}")
    if not host or not parts.path.strip("/") or re.search(r"[\x00-\x20\x7f]", url):
        raise ConfigError(f"{url!r} names no file on a server (a space is written %20)")


class RemoteSource(Source):
    """uproot's access to a file on a server."""

    def __init__(self, file_path: str, **_: Any) -> None:
        super().__init__()
        check_url(file_path)
        self._file_path = file_path
        self._server = SERVERS[urlsplit(file_path).scheme](file_path)
        self._pool = ThreadPoolExecutor(CONNECTIONS, "remote")
        self._closed = False

    def chunk(self, start: int, stop: int) -> Chunk:
        return Chunk(self, start, stop, TrivialFuture(self._read(start, stop)))

    def chunks(
        self, ranges: list[tuple[int, int]], notifications: "queue.Queue[Chunk]"
    ) -> list[Chunk]:
        def submit(merged: list[tuple[int, int]]) -> "Future[list[bytes]]":
            return self._pool.submit(lambda: [self._read(*one) for one in merged])

        self._num_requested_chunks += len(ranges)
        found: list[Chunk] = coalesce_requests(
            ranges, submit, self, notifications, ONE_RANGE_A_REQUEST
        )
        return found

    @property
    def num_bytes(self) -> int:
        return int(self._patiently("size"))

    @property
    def closed(self) -> bool:
        return self._closed

    def __enter__(self) -> "RemoteSource":
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True  # no further attempts
        self._pool.shutdown(cancel_futures=True)
        self._server.close()

    def _read(self, start: int, stop: int) -> bytes:
        pieces = range(start, stop, PIECE_BYTES)
        self._num_requests += len(pieces)
        self._num_requested_bytes += stop - start
        return b"".join(
            self._patiently("read", first, min(first + PIECE_BYTES, stop)) for first in pieces
        )

    def _patiently(self, ask: str, *arguments: int) -> Any:
        """Call a method of the server until it answers."""
        attempt = 1
        while True:
            try:
                return getattr(self._server, ask)(*arguments, TIMEOUT_S)
            except TemporaryError as error:
                if attempt == ATTEMPTS or self._closed:
                    raise InputFileError(
                        f"{self._file_path}: cannot be read from its server, {attempt} attempts "
                        f"failed; the last: {error}; check the URL and the connection, and run "
                        "again, or set `reconstruction.on_bad_file: skip` to leave it out"
                    ) from None
                log.warning("%s: %s (attempt %d)", self._file_path, error, attempt)
                time.sleep(PAUSE_S * 2 ** (attempt - 1))
                attempt += 1
