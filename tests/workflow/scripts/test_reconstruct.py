"""The reconstruction script through its command line."""

import json
import subprocess
import sys
from pathlib import Path

import awkward as ak
import pytest

from analysis.reconstruction.event_table import EVENT_TYPE
from tests.conftest import ROOT, python
from tests.delphes_files import QCD, SIGNAL, real_branches, write_flat


def run(folder: Path, file: str | Path, *options: str) -> subprocess.CompletedProcess[str]:
    words = ["-m", "workflow.scripts.reconstruct", str(file)]
    words += ["--events", str(folder / "t.parquet"), "--cutflow", str(folder / "t.json")]
    words += ["--sample", "sample", "--chunk", "3", *options]
    return python().run(words, ROOT)


def test_help() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "workflow.scripts.reconstruct", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0
    assert "Reconstruct one Delphes file" in result.stdout


def test_one_file(tmp_path: Path) -> None:
    options = ("--config", '{"fatjets": {"pt_min": 200}}', "--b-hadrons", '{"max": 2}')
    result = run(tmp_path, QCD, *options)
    assert result.returncode == 0, result.stderr
    record = json.loads((tmp_path / "t.json").read_text())
    names = [step["name"] for step in record["steps"]]
    assert names == ["generated", "b hadrons", "two fat jets", "eta", "mass"]
    assert [step["name"] for step in record["n_minus_one"]] == ["eta", "mass"]
    del record["steps"], record["n_minus_one"]
    assert len(record.pop("first_event")) == 32
    assert record.pop("weights") == pytest.approx([3.7e-4, 0.995], rel=0.01)
    assert record == {
        "sample": "sample",
        "chunk": "3",
        "file": str(QCD),
        "status": "read",
        "reason": "",
    }
    table = ak.from_parquet(tmp_path / "t.parquet")
    assert len(table) > 0
    assert ak.min(table.fatjet.pt) > 200
    assert ak.max(table.b_hadrons) <= 2


def short_file(folder: Path) -> Path:
    path = folder / "short.root"
    path.write_bytes(SIGNAL.read_bytes()[:500_000])
    return path


def test_bad_file_fails_with_one_message_and_no_output(tmp_path: Path) -> None:
    path = short_file(tmp_path)
    result = run(tmp_path, path)
    assert result.returncode == 1
    assert str(path) in result.stderr
    assert "Traceback" not in result.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["short.root"]


def test_bad_file_found_late_leaves_no_output(tmp_path: Path) -> None:
    def spoil(flat) -> None:
        flat[-1] = float("nan")

    path = write_flat(tmp_path / "n.root", real_branches(), change={"EFlowPhoton.ET": spoil})
    result = run(tmp_path, path, "--config", '{"step_size": 5}')
    assert result.returncode == 1
    assert "1 energy-flow objects are NaN, infinite or not physical" in result.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["n.root"]


def test_bad_file_is_skipped_on_request_and_recorded(tmp_path: Path) -> None:
    path = short_file(tmp_path)
    result = run(tmp_path, path, "--config", '{"on_bad_file": "skip"}')
    assert result.returncode == 0, result.stderr
    record = json.loads((tmp_path / "t.json").read_text())
    assert record["status"] == "skipped"
    assert "truncated" in record["reason"]
    assert [(s["raw"], s["sum_w"]) for s in record["steps"]] == [(0, 0.0)] * 4
    table = ak.from_parquet(tmp_path / "t.parquet")
    assert len(table) == 0
    assert table.layout.form.type == EVENT_TYPE


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--config", '{"fatjets": {"radios": 1}}'), "fatjets.radios"),
        (("--config", '{"subjets": {"algorithm": "siscone"}}'), "subjets.algorithm"),
        (("--b-hadrons", '{"min": 3, "max": 2}'), "max (2) must not be below min (3)"),
    ],
)
def test_wrong_options_name_the_key(tmp_path: Path, options: tuple[str, ...], message: str) -> None:
    result = run(tmp_path, SIGNAL, *options)
    assert result.returncode == 1
    assert message in result.stderr
    assert list(tmp_path.iterdir()) == []
