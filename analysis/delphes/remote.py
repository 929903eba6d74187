"""Files on servers, read in ranges of bytes; a range that does not come whole is asked for again.

`https://` and `http://` servers must answer range requests (nearly all do); `root://` needs the
package `xrootd`. What may pass (no connection, a dropped or silent one, an overloaded server) is
tried `ATTEMPTS` times, with pauses that double; what will not pass (no such file, no permission)
is an error at once.

uproot's own sources ask for a range once: one dropped connection would end a job that reads for
hours. Written here are the attempts and their errors; uproot decides what is read.
"""

import logging
import queue
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from uproot.source.chunk import Chunk, Source
from uproot.source.futures import TrivialFuture

from analysis.delphes.servers import SERVERS, TemporaryError, check_url
from common.errors import InputFileError

log = logging.getLogger(__name__)

ATTEMPTS = 6
PAUSE_S = 1.0  # before the second attempt
TIMEOUT_S = 60.0  # for one piece to arrive
PIECE_BYTES = 2**22
CONNECTIONS = 4
GAP_BYTES = 2**15
"""Ranges with at most this between them are asked for as one."""

Range = tuple[int, int]


class RemoteSource(Source):
    """uproot's access to a file on a server."""

    def __init__(self, file_path: str, **_: Any) -> None:
        super().__init__()
        check_url(file_path)
        self.url = file_path
        self.server = SERVERS[urlsplit(file_path).scheme](file_path)
        self.pool = ThreadPoolExecutor(CONNECTIONS, "remote")
        self.ended = False

    def chunk(self, start: int, stop: int) -> Chunk:
        return Chunk(self, start, stop, TrivialFuture(self.read(start, stop)))

    def chunks(self, ranges: list[Range], notifications: "queue.Queue[Chunk]") -> list[Chunk]:
        requests = {whole: self.pool.submit(self.read, *whole) for whole in merged(ranges)}
        chunks = []
        for start, stop in ranges:
            (first, _), request = next(
                (whole, request)
                for whole, request in requests.items()
                if whole[0] <= start and stop <= whole[1]
            )
            # the pool begins tasks in their order: none waits for one that stands behind it
            part = self.pool.submit(_part, request, start - first, stop - first)
            chunks.append(Chunk(self, start, stop, part))
            part.add_done_callback(partial(_notify, notifications, chunks[-1]))
        return chunks

    @property
    def file_path(self) -> str:
        return self.url

    @property
    def num_bytes(self) -> int:
        return int(self._retry("size"))

    @property
    def closed(self) -> bool:
        return self.ended

    def __enter__(self) -> "RemoteSource":
        return self

    def __exit__(self, *_: object) -> None:
        self.ended = True  # no further attempts
        self.pool.shutdown(cancel_futures=True)
        self.server.close()

    def read(self, start: int, stop: int) -> bytes:
        """Return bytes `start` to `stop`; raises InputFileError where they cannot be had."""
        return b"".join(
            self._retry("read", first, min(first + PIECE_BYTES, stop))
            for first in range(start, stop, PIECE_BYTES)
        )

    def _retry(self, ask: str, *arguments: int) -> Any:
        """Call a method of the server until it answers."""
        attempt = 1
        while True:
            try:
                return getattr(self.server, ask)(*arguments, TIMEOUT_S)
            except TemporaryError as error:
                if attempt == ATTEMPTS or self.ended:
                    raise InputFileError(
                        f"{self.url}: cannot be read from its server, {attempt} attempts "
                        f"failed; the last: {error}; check the URL and the connection, and run "
                        "again, or set `reconstruction.on_bad_file: skip` to leave it out"
                    ) from None
                log.warning("%s: %s (attempt %d)", self.url, error, attempt)
                time.sleep(PAUSE_S * 2 ** (attempt - 1))
                attempt += 1


def merged(ranges: list[Range]) -> list[Range]:
    """Return the ranges in order, those that overlap or nearly touch as one."""
    joint: list[Range] = []
    for start, stop in sorted(ranges):
        if joint and start <= joint[-1][1] + GAP_BYTES:
            joint[-1] = (joint[-1][0], max(joint[-1][1], stop))
        else:
            joint.append((start, stop))
    return joint


def _part(request: "Future[bytes]", start: int, stop: int) -> bytes:
    return request.result()[start:stop]


def _notify(notifications: "queue.Queue[Chunk]", chunk: Chunk, _: "Future[bytes]") -> None:
    notifications.put(chunk)
