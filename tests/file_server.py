"""An HTTP(S) server on loopback that serves files in ranges, or misbehaves on purpose."""

import random
import re
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import trustme

STALL_S = 5.0


class FileServer(ThreadingHTTPServer):
    """Serves `folder`; `behave` may be changed at any time.

    Attributes
    ----------
    behave : str
        `well`, or what goes wrong: `drop` (the connection, before or amid the answer), `truncate`
        (less than announced, then the end), `busy` (503), each for a part `share` of the requests;
        `stall` (silence), `drip` (a byte now and then), `whole` (ranges ignored), `shift` (other
        bytes than asked for), `forbid` (403), `grow` (another size each time), `move` (a redirect
        to where the file is), `circle` (a redirect to where it was asked for).
    asked : Counter
        Requests by what became of them.
    largest : int
        Most bytes sent in one answer.
    login : set of str or None
        What requests had as `Authorization`.
    """

    daemon_threads = True
    block_on_close = False
    scheme = "http"

    def __init__(
        self,
        folder: Path,
        share: float = 0.3,
        seed: int = 1,
        certificate: trustme.LeafCert | None = None,
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate.configure_cert(context)
            self.socket = context.wrap_socket(self.socket, server_side=True)
            self.scheme = "https"
        self.folder, self.share = folder, share
        self.behave = "well"
        self.asked: Counter[str] = Counter()
        self.largest = 0
        self.login: set[str | None] = set()
        self.stopping = threading.Event()
        self.chance = random.Random(seed)

    def url(self, name: str) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_port}/{name}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are no news."""


class _Handler(BaseHTTPRequestHandler):
    server: FileServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""

    def do_GET(self) -> None:
        server, behave = self.server, self.server.behave
        if behave in ("drop", "truncate", "busy") and server.chance.random() > server.share:
            behave = "well"
        server.asked[behave] += 1
        server.login.add(self.headers.get("Authorization"))
        if behave == "circle" or (behave == "move" and not self.path.endswith("?moved")):
            self._redirect(self.path if behave == "circle" else f"{self.path}?moved")
            return
        path = server.folder / unquote(urlsplit(self.path).path).lstrip("/")
        if behave == "drop" and server.chance.random() < 0.5:
            self.close_connection = True
            return
        if behave == "stall":
            server.stopping.wait(STALL_S)
            self.close_connection = True
            return
        if behave in ("busy", "forbid") or not path.is_file():
            self._refuse({"busy": 503, "forbid": 403}.get(behave, 404))
            return
        content = path.read_bytes()
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if asked is None or behave == "whole":
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self._send(content)
            return
        self._send_range(content, int(asked[1]), int(asked[2]) + 1, behave)

    def _redirect(self, path: str) -> None:
        self.send_response(307)
        self.send_header("Location", path)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _refuse(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send_range(self, content: bytes, start: int, stop: int, behave: str) -> None:
        if start >= len(content):
            self._refuse(416)
            return
        size = len(content) + (self.server.asked[behave] if behave == "grow" else 0)
        start += behave == "shift"
        data = content[start:stop]
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{start + len(data) - 1}/{size}")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if behave in ("drop", "truncate"):
            data = data[: self.server.chance.randrange(len(data))]
            self.close_connection = True
        if behave == "drip":
            for k in range(len(data)):
                if self.server.stopping.wait(0.05):
                    return
                self._send(data[k : k + 1])
            return
        self._send(data)

    def _send(self, data: bytes) -> None:
        self.server.largest = max(self.server.largest, len(data))
        self.wfile.write(data)


@contextmanager
def serve(folder: Path, **options: Any) -> Iterator[FileServer]:
    """Serve the files of a folder while the body runs."""
    server = FileServer(folder, **options)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.stopping.set()
        server.shutdown()
        thread.join()
        server.server_close()
