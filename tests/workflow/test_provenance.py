"""Which sources stand behind a script, and the lock and the watch of a run."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT
from workflow.provenance import ROOT as PROJECT
from workflow.provenance import source_digest, source_files
from workflow.watchdog import VARIABLE, RunningError, hold_lock


def names(script: str) -> set[str]:
    files = source_files(ROOT / "workflow" / "scripts" / f"{script}.py")
    return {str(file.relative_to(PROJECT)) for file in files}


def test_sources_are_followed_through_imports() -> None:
    assert {"analysis/fatjets.py", "analysis/orientation.py", "workflow/cli.py"} <= names(
        "reconstruct"
    )
    assert not [name for name in names("reconstruct") if "training" in name or "limits" in name]
    assert "models/training.py" in names("train")
    assert "models/training.py" not in names("score")


def test_digest_differs_between_architectures() -> None:
    digests = {source_digest("train", m) for m in ("models.kinematics", "models.cross_attention")}
    assert len(digests | {source_digest("train")}) >= 2


def test_lock_is_exclusive_and_freed_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / ".snakemake/run.lock"
    held = hold_lock(path)
    with pytest.raises(RunningError, match="another run"):
        hold_lock(path)
    held.close()
    hold_lock(path).close()
    os.environ.pop(VARIABLE)


def test_job_ends_when_its_run_is_gone() -> None:
    run = subprocess.Popen(["sleep", "60"])
    job = subprocess.Popen(
        [sys.executable, "-c",
         "import time; from workflow.watchdog import follow_run; follow_run(); time.sleep(60)"],
        env={**os.environ, VARIABLE: f"{socket.gethostname()}:{run.pid}"}, cwd=ROOT,
    )  # fmt: skip
    time.sleep(1.5)
    assert job.poll() is None, "the run is alive, so the job is"
    run.kill()
    run.wait()
    assert job.wait(timeout=20) == 1


def test_named_data_files_count_as_sources() -> None:
    assert "analysis/data/published_limits.yaml" in names("limits_figure")
