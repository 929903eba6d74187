"""Files on servers: the same events as from the disk, or one clear error."""

import socketserver
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import trustme

from analysis.delphes import remote
from analysis.delphes.reader import open_delphes
from analysis.delphes.servers import check_url, is_remote
from common.errors import ConfigError, InputFileError
from tests.delphes_files import DATA, SIGNAL, real_branches, write_flat
from tests.file_server import FileServer, serve


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "PAUSE_S", 0.002)
    monkeypatch.setattr(remote, "TIMEOUT_S", 0.5)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serve(DATA) as server:
        yield server


def read(path: str, step_size: int = 1000) -> ak.Array:
    with open_delphes(path) as file:
        return ak.concatenate(list(file.steps(step_size)))


@pytest.fixture(scope="module")
def local() -> ak.Array:
    return read(str(SIGNAL))


def test_events_are_those_of_the_local_file(server: FileServer, local: ak.Array) -> None:
    assert ak.array_equal(read(server.url(SIGNAL.name)), local)
    assert ak.array_equal(read(server.url(SIGNAL.name), step_size=7), local)


def test_redirects_are_followed(server: FileServer, local: ak.Array) -> None:
    server.behave = "move"
    assert ak.array_equal(read(server.url(SIGNAL.name)), local)


def test_redirects_in_a_circle_end(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "ATTEMPTS", 2)
    server.behave = "circle"
    with pytest.raises(InputFileError, match="2 attempts failed; the last: too many redirects"):
        read(server.url(SIGNAL.name))
    assert server.asked["circle"] <= 2 * 6


def test_name_and_password_of_a_url_are_sent(server: FileServer, local: ak.Array) -> None:
    url = server.url(SIGNAL.name).replace("//", "//me:a%2Fb@")
    assert ak.array_equal(read(url), local)
    assert server.login == {"Basic " + b64encode(b"me:a/b").decode()}


def test_no_more_is_asked_for_than_a_piece_at_a_time(
    server: FileServer, local: ak.Array, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "PIECE_BYTES", 10_000)
    assert ak.array_equal(read(server.url(SIGNAL.name)), local)
    assert server.largest == 10_000


def test_ranges_that_nearly_touch_are_asked_for_at_once() -> None:
    near, far = 100 + remote.GAP_BYTES, 101 + remote.GAP_BYTES
    assert remote.merged([(near, near + 5), (0, 100), (20, 30)]) == [(0, near + 5)]
    assert remote.merged([(far, far + 5), (0, 100)]) == [(0, 100), (far, far + 5)]
    assert remote.merged([]) == []


@pytest.mark.parametrize("behave", ["drop", "truncate", "busy"])
@pytest.mark.parametrize("seed", range(2))
def test_faults_that_pass_change_nothing(
    behave: str, seed: int, local: ak.Array, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "PIECE_BYTES", 10_000)
    monkeypatch.setattr(remote, "ATTEMPTS", 20)
    with serve(DATA, seed=seed) as server:
        server.behave = behave
        assert ak.array_equal(read(server.url(SIGNAL.name)), local)
        assert server.asked[behave] >= 3


@pytest.mark.parametrize(
    ("behave", "said"),
    [
        ("drop", "3 attempts failed"),
        ("truncate", r"3 attempts failed; the last: .*only \d+ of \d+ bytes|IncompleteRead"),
        ("busy", "3 attempts failed; the last: the server answered 503"),
        ("stall", "3 attempts failed; the last: .*[Tt]imed out|timeout"),
        ("drip", r"3 attempts failed; the last: only \d+ of \d+ bytes came in time"),
        ("shift", r"3 attempts failed; the last: the server sends bytes 1-402 for 0-402"),
        ("forbid", r"refuses it \(403 Forbidden\); check the URL and your permission"),
        ("whole", "sends whole files only .* copy the file to a disk"),
        ("grow", r"changed from \d+ to \d+ bytes while it was read; run again"),
    ],
)
def test_faults_that_stay_are_one_error(
    server: FileServer, behave: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "ATTEMPTS", 3)
    server.behave, server.share = behave, 1.0
    start = time.monotonic()
    with pytest.raises(InputFileError, match=said) as raised:
        read(server.url(SIGNAL.name))
    assert time.monotonic() - start < 5
    assert server.url(SIGNAL.name) in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1
    assert server.asked[behave] <= 3, "no more attempts than said, none where it is of no use"


def test_server_that_goes_away_half_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "ATTEMPTS", 3)
    write_flat(tmp_path / "long.root", real_branches(), copies=3)
    with serve(tmp_path, share=1.0) as server, open_delphes(server.url("long.root")) as file:
        steps = file.steps(40)
        next(steps)
        server.behave = "drop"
        with pytest.raises(InputFileError, match="3 attempts failed"):
            list(steps)


def test_ranges_ignored_are_noticed_before_the_file_is_loaded(tmp_path: Path) -> None:
    with (tmp_path / "huge.root").open("wb") as file:
        file.truncate(50_000_000)
    with serve(tmp_path) as server:
        server.behave = "whole"
        with pytest.raises(InputFileError, match="whole files only"):
            read(server.url("huge.root"))
        with pytest.raises(InputFileError, match="no such file"):
            read(server.url("nowhere.root"))


@pytest.mark.parametrize("keep", [0.0, 0.001, 0.5, 0.999])
def test_truncated_on_the_server(tmp_path: Path, keep: float) -> None:
    whole = SIGNAL.read_bytes()
    (tmp_path / "short.root").write_bytes(whole[: int(keep * len(whole))])
    with serve(tmp_path) as server, pytest.raises(InputFileError, match=r"short\.root: .*truncat"):
        read(server.url("short.root"))


def test_unreachable_server_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "ATTEMPTS", 3)
    with pytest.raises(
        InputFileError, match=r"http://127\.0\.0\.1:1/x\.root: .*3 attempts .*refused.*check the"
    ):
        read("http://127.0.0.1:1/x.root")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def test_encrypted_server_is_trusted_by_its_authority(
    authority: trustme.CA, local: ak.Array, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    with serve(DATA, certificate=authority.issue_cert("127.0.0.1")) as server:
        server.behave = "drop"
        monkeypatch.setattr(remote, "ATTEMPTS", 20)
        assert ak.array_equal(read(server.url(SIGNAL.name)), local)
        assert server.url("").startswith("https")


@pytest.mark.parametrize("reason", ["authority", "host", "plain"])
def test_server_that_is_not_trusted_is_asked_once(
    reason: str, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted = trustme.CA() if reason == "authority" else authority
    trusted.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    monkeypatch.setattr(remote, "PAUSE_S", 60)
    certificate = authority.issue_cert("elsewhere.org" if reason == "host" else "127.0.0.1")
    with serve(DATA, certificate=None if reason == "plain" else certificate) as server:
        url = server.url(SIGNAL.name).replace("http:", "https:")
        with pytest.raises(InputFileError, match=r"no secure connection .*SSL_CERT_FILE") as raised:
            read(url)
        assert url in str(raised.value)
        assert not server.asked


def test_dropped_handshake_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "ATTEMPTS", 3)

    class HangUp(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(1)

    with socketserver.TCPServer(("127.0.0.1", 0), HangUp) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            with pytest.raises(InputFileError, match="3 attempts failed"):
                read(f"https://127.0.0.1:{server.server_address[1]}/x.root")
        finally:
            server.shutdown()
            thread.join()


def test_missing_package_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "XRootD", None)
    with pytest.raises(InputFileError, match=r"needs the package xrootd .*requirements-remote\.t"):
        read("root://127.0.0.1:1//x.root")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3://bucket/x.root", "allowed: paths, http://, https://, root://"),
        ("file:///x.root", "allowed"),
        ("http://", "names no file"),
        ("https://host/", "names no file"),
        ("https://host/a b.root", "%20"),
        ("https://host/a\n.root", "%20"),
        ("http://host:port/x.root", "is not a URL"),
        ("http://[/x.root", "is not a URL"),
    ],
)
def test_urls_that_cannot_be_read(url: str, said: str) -> None:
    assert is_remote(url)
    with pytest.raises(ConfigError, match=said):
        check_url(url)


@pytest.mark.parametrize("path", ["a:b.root", "a::b.root", "/x/http:/y.root", "C:x"])
def test_paths_are_no_urls(path: str) -> None:
    assert not is_remote(path)


def test_a_local_name_is_no_url(tmp_path: Path, local: ak.Array) -> None:
    for name in ("simplecache::x.root", "a:b.root:Delphes", "näme with space #?.root", "~"):
        path = tmp_path / name
        path.write_bytes(SIGNAL.read_bytes())
        assert np.array_equal(read(str(path)).weight, local.weight)
