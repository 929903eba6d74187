"""The command line of the simulation: what it writes, and what it says of bad input."""

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from analysis.delphes.reader import open_delphes
from tests.conftest import ROOT, python

BLOCK = {"pythia": ["HardQCD:all = on"], "pt_hat_min": 200.0, "events": 4}
SIGNAL = {"pythia": ["Higgs:useBSM = on", "35:m0 = {mass_gev}", "35:onIfMatch = 25 25"]}


def simulate(
    folder: Path, block: dict[str, Any], *options: str, file_size: int | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the script with its outputs in `folder`; no file may grow beyond `file_size` bytes."""
    words = ["-m", "workflow.scripts.simulate", "--sample", "qcd"]
    words += ["--config", json.dumps(block), "--output", str(folder / "0.root")]
    words += ["--metadata", str(folder / "0.json"), *options]
    if file_size is None:
        return python().run(words, ROOT)
    size = (file_size, file_size)
    return subprocess.run(
        [sys.executable, *words],
        cwd=ROOT, capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, size),
    )  # fmt: skip


def test_writes_events_and_their_normalisation(tmp_path: Path) -> None:
    done = simulate(tmp_path, BLOCK, "--chunk", "3", "--seed", "5")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.json", "0.root"]
    found = json.loads((tmp_path / "0.json").read_text())
    assert (found["sample"], found["chunk"], found["events"]) == ("qcd", 3, 4)
    assert found["cross_section_pb"] == pytest.approx(7.1e4, rel=0.05)
    with open_delphes(str(tmp_path / "0.root")) as file:
        assert [len(events) for events in file.steps(10)] == [4]


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (BLOCK | {"pythia": ["HardQCD:al = on"]}, "does not accept the line 'HardQCD:al = on'"),
        (BLOCK | SIGNAL | {"mass_gev": -500.0}, "a mass must be positive"),
        (BLOCK | SIGNAL | {"mass_gev": 240.0}, "35:m0 = 240 GeV is below 2·m_h = 250 GeV"),
        (
            BLOCK | {"detector": "delphes", "delphes": {"card": "none.tcl", "executable": "true"}},
            "no file at none.tcl",
        ),
        (
            BLOCK | {"detector": "delphes", "delphes": {"card": "none.tcl", "executable": "nope"}},
            "nope is not on PATH",
        ),
        (BLOCK | {"event": 3}, "event: Extra inputs are not permitted"),
    ],
)
def test_bad_input_is_one_error_and_no_file(
    tmp_path: Path, block: dict[str, Any], message: str
) -> None:
    done = simulate(tmp_path, block)
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stderr.count("Error:") == 1
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_full_disk_is_one_error_and_no_file(tmp_path: Path) -> None:
    """No file may grow beyond 20 kB: writing fails half-way as on a full disk."""
    done = simulate(tmp_path, BLOCK | {"events": 30}, file_size=20_000)
    assert done.returncode == 1
    assert "cannot write" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
