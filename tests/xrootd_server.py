"""A real XRootD server on loopback, where its program is installed (Debian: xrootd-server)."""

import os
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_S = 20.0
ATTEMPTS = 3


class ServerEndedError(Exception):
    """The server ended before it answered."""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class XRootDServer:
    """Serves a folder; `work` is an empty folder for the server's own files."""

    def __init__(self, folder: Path, work: Path) -> None:
        self.port = free_port()
        self.url = f"root://127.0.0.1:{self.port}/{folder}"
        self._work = work
        config = work / "xrootd.cfg"
        config.write_text(
            f"xrd.port {self.port}\nxrd.protocol xroot *\nall.export {folder} r/o\n"
            f"all.adminpath {work}\nall.pidpath {work}\nxrd.network nodnr\n"
        )
        self._command = ["xrootd", "-c", str(config), "-l", str(work / "log"), "-n", "test"]
        if os.getuid() == 0:  # it refuses to run as root
            work.chmod(0o777)
            for path in {*work.parents, *folder.resolve().parents}:
                if not path.stat().st_mode & stat.S_IXOTH:
                    path.chmod(0o755)
            self._command += ["-R", "nobody"]

    def start(self) -> None:
        self.process = subprocess.Popen(
            self._command, cwd=self._work, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + START_S
        while not self._answers():
            if self.process.poll() is not None:
                raise ServerEndedError(f"the server ended; see {self._work}")
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.05)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def serve_xrootd(folder: Path, work: Path) -> Iterator[XRootDServer]:
    """Serve a folder while the body runs."""
    for _ in range(ATTEMPTS):
        server = XRootDServer(folder, work)
        try:
            server.start()
            break
        except ServerEndedError:  # another program has taken the port that was free
            continue
    else:
        raise ServerEndedError(f"{ATTEMPTS} servers ended; see {work}")
    try:
        yield server
    finally:
        server.kill()
