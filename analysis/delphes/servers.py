"""One request to a server for a range of a file's bytes: `https://`, `http://` and `root://`.

Nothing is asked twice here (see `analysis.delphes.remote`), and no more is read than was asked for.
"""

import re
import ssl
import threading
import time
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import urllib3
from urllib3.exceptions import HTTPError, SSLError

from common.errors import ConfigError, InputFileError

TRY_AGAIN = (408, 425, 429)  # beside all 5xx
DROPPED = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)  # by version of Python
BLOCK_BYTES = 2**16
# the attempts are ours: one a connection, and no error is remembered; seconds
XROOTD_OPTIONS = {
    "ConnectionRetry": 1,
    "ConnectionWindow": 10,
    "StreamErrorWindow": 0,
    "TimeoutResolution": 1,
}
REQUIREMENTS = "envs/requirements-remote.txt"
# a total of 0 would forbid redirects, too
REDIRECTS = urllib3.Retry(None, connect=0, read=0, redirect=5, status=0, other=0)


class TemporaryError(Exception):
    """The server did not answer, or not in full: another attempt may succeed."""


class HTTPServer:
    """A file on an HTTP server that answers range requests (RFC 9110, section 14)."""

    def __init__(self, url: str) -> None:
        self._url = url
        parts = urlsplit(url)
        login = None if parts.username is None else f"{parts.username}:{parts.password or ''}"
        self._login = urllib3.make_headers(basic_auth=login and unquote(login))
        self._pool = urllib3.PoolManager(maxsize=8)
        self._size: int | None = None

    def read(self, start: int, stop: int, timeout: float) -> bytes:
        deadline = time.monotonic() + timeout
        headers = {"Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity"}
        headers |= self._login
        try:
            answer = self._pool.request(
                "GET",
                self._url,
                headers=headers,
                preload_content=False,
                timeout=timeout,
                retries=REDIRECTS,
            )
        except HTTPError as error:
            if _is_certificate_error(_cause(error)):
                raise InputFileError(
                    f"{self._url}: no secure connection to its server ({_reason(error)}); check "
                    "the URL, or set SSL_CERT_FILE to the certificates of its authority"
                ) from None
            raise TemporaryError(_reason(error)) from None
        whole = False
        try:
            expected = self._check(answer, start, stop)
            data = _receive(answer, expected, deadline)
            whole = True
        finally:
            answer.release_conn() if whole else answer.close()
        return data

    def size(self, timeout: float) -> int:
        if self._size is None:
            self.read(0, 1, timeout)
        return self._size or 0

    def close(self) -> None:
        self._pool.clear()

    def _check(self, answer: urllib3.BaseHTTPResponse, start: int, stop: int) -> int:
        """Return the number of bytes that will follow; raise if they are not those asked for."""
        status = answer.status
        if status >= 500 or status in TRY_AGAIN:
            raise TemporaryError(f"the server answered {status} {answer.reason}")
        if status in (404, 410):
            raise InputFileError(
                f"{self._url}: no such file ({status}); check `files` of its sample"
            )
        if status == 416:
            raise InputFileError(f"{self._url}: truncated, it ends before byte {stop}")
        if status == 200:
            raise InputFileError(
                f"{self._url}: its server sends whole files only (it ignores range requests); "
                "copy the file to a disk and give its path"
            )
        if status != 206:
            raise InputFileError(
                f"{self._url}: the server refuses it ({status} {answer.reason}); check the URL and "
                "your permission"
            )
        said = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", answer.headers.get("Content-Range", ""))
        if said is None:
            raise TemporaryError("the server does not say which bytes it sends")
        first, last, size = map(int, said.groups())
        if (first, last) != (start, min(stop, size) - 1):
            raise TemporaryError(f"the server sends bytes {first}-{last} for {start}-{stop - 1}")
        if self._size not in (None, size):
            raise InputFileError(
                f"{self._url}: changed from {self._size} to {size} bytes while it was read; run "
                "again"
            )
        self._size = size
        return last + 1 - first


def _receive(answer: urllib3.BaseHTTPResponse, expected: int, deadline: float) -> bytes:
    received = bytearray()
    try:
        while len(received) < expected:
            block = answer.read1(min(BLOCK_BYTES, expected - len(received)), decode_content=False)
            if not block:
                break
            received += block
            if time.monotonic() > deadline:
                raise TemporaryError(f"only {len(received)} of {expected} bytes came in time")
    except HTTPError as error:
        raise TemporaryError(_reason(error)) from None
    if len(received) != expected:
        raise TemporaryError(f"only {len(received)} of {expected} bytes came")
    return bytes(received)


def _cause(error: HTTPError) -> BaseException:
    return getattr(error, "reason", None) or error


def _is_certificate_error(cause: BaseException) -> bool:
    """Whether a secure connection is refused for good, and not only dropped."""
    if not isinstance(cause, SSLError):
        return False
    return not any(isinstance(argument, DROPPED) for argument in cause.args)


def _reason(error: HTTPError) -> str:
    """Return the cause in one line, without the pool that urllib3 puts around it."""
    cause = _cause(error)
    text = re.sub(r"^<[^>]*>: |^HTTPS?Connection(Pool)?\([^)]*\): ", "", str(cause))
    return text.splitlines()[0] if text else type(cause).__name__


class XRootDServer:
    """A file on an XRootD server."""

    NOT_FOUND, NOT_AUTHORISED = 3011, 3010  # kXR_NotFound, kXR_NotAuthorized

    def __init__(self, url: str) -> None:
        try:
            from XRootD import client
        except ImportError as error:
            raise InputFileError(
                f"{url}: reading root:// needs the package xrootd ({error}); install it with "
                f"`pip install -r {REQUIREMENTS}`"
            ) from None
        for name, value in XROOTD_OPTIONS.items():
            client.EnvPutInt(name, value)
        self._client = client
        self._url = url
        self._lock = threading.Lock()
        self._file: Any = None

    def read(self, start: int, stop: int, timeout: float) -> bytes:
        size = self.size(timeout)
        if start >= size:
            raise InputFileError(f"{self._url}: truncated, it ends before byte {stop}")
        expected = min(stop, size) - start
        file = self._open(timeout)
        data: bytes = self._ask(file, file.read, timeout, start, expected)
        if len(data) != expected:
            raise TemporaryError(f"only {len(data)} of {expected} bytes came")
        return data

    def size(self, timeout: float) -> int:
        file = self._open(timeout)
        return int(self._ask(file, file.stat, timeout).size)

    def close(self) -> None:
        with self._lock:
            if self._file is not None:
                self._file.close(timeout=1)
            self._file = None

    def _open(self, timeout: float) -> Any:
        with self._lock:
            if self._file is None:
                file = self._client.File()
                self._ask(file, file.open, timeout, self._url)
                self._file = file
            return self._file

    def _ask(self, file: Any, method: Any, timeout: float, *arguments: Any) -> Any:
        """Call a method of the file; one that failed is opened anew at the next request."""
        status, answer = method(*arguments, timeout=max(1, round(timeout)))
        if status.ok:
            return answer
        if self._file is file:
            self._file = None
        reason = status.message.strip().splitlines()[0]
        if status.errno == self.NOT_FOUND:
            raise InputFileError(f"{self._url}: no such file; check `files` of its sample")
        if status.errno == self.NOT_AUTHORISED:
            raise InputFileError(f"{self._url}: the server refuses it ({reason})")
        raise TemporaryError(reason)


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
