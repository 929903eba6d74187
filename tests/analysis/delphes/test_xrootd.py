"""Files on a real XRootD server on loopback: it is killed, started again and stopped for a time.

Needs the program `xrootd` (Debian: xrootd-server) and the package of envs/requirements-remote.txt.
"""

import importlib.util
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import awkward as ak
import pytest

from analysis.delphes import remote
from analysis.delphes.reader import open_delphes
from common.errors import InputFileError
from tests.delphes_files import real_branches, write_flat
from tests.xrootd_server import XRootDServer, serve_xrootd

pytestmark = pytest.mark.skipif(
    shutil.which("xrootd") is None or importlib.util.find_spec("XRootD") is None,
    reason="no XRootD server (Debian: xrootd-server) or client (envs/requirements-remote.txt)",
)
NAME = "long.root"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_flat(folder / NAME, real_branches(), copies=3)
    (folder / "short.root").write_bytes((folder / NAME).read_bytes()[:100_000])
    for path in (folder, *folder.parents[:2]):
        path.chmod(0o755)
    return folder


@pytest.fixture
def server(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[XRootDServer]:
    monkeypatch.setattr(remote, "PAUSE_S", 0.05)
    monkeypatch.setattr(remote, "TIMEOUT_S", 1.0)
    with serve_xrootd(folder, tmp_path) as server:
        yield server


def read(path: str) -> ak.Array:
    with open_delphes(path) as file:
        return ak.concatenate(list(file.steps(40)))


def test_events_are_those_of_the_local_file(server: XRootDServer, folder: Path) -> None:
    assert ak.array_equal(read(f"{server.url}/{NAME}"), read(str(folder / NAME)))


def test_a_server_that_comes_back_is_waited_for(server: XRootDServer, folder: Path) -> None:
    with open_delphes(f"{server.url}/{NAME}") as file:
        steps = file.steps(40)
        read = [next(steps)]
        server.kill()
        again = threading.Timer(0.5, server.start)
        again.start()
        read += list(steps)
        again.join()
    with open_delphes(str(folder / NAME)) as file:
        assert ak.array_equal(ak.concatenate(read), ak.concatenate(list(file.steps(40))))


def test_a_server_that_stays_away_is_one_error(server: XRootDServer) -> None:
    with open_delphes(f"{server.url}/{NAME}") as file:
        steps = file.steps(40)
        next(steps)
        server.kill()
        with pytest.raises(InputFileError, match=rf"{NAME}: .*6 attempts failed.*check the URL"):
            next(steps)
    with pytest.raises(InputFileError, match=r"6 attempts failed"):
        read(f"{server.url}/{NAME}")


def test_a_silent_server_is_one_error(
    server: XRootDServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "ATTEMPTS", 2)
    server.process.send_signal(signal.SIGSTOP)
    start = time.monotonic()
    with pytest.raises(InputFileError, match=r"2 attempts failed"):
        read(f"{server.url}/{NAME}")
    assert time.monotonic() - start < 20


def test_what_will_not_pass_is_an_error_at_once(server: XRootDServer) -> None:
    with pytest.raises(InputFileError, match=r"nowhere\.root: no such file"):
        read(f"{server.url}/nowhere.root")
    with pytest.raises(InputFileError, match=r"short\.root: truncated"):
        read(f"{server.url}/short.root")
