"""What a run makes sure of before its first job, and what its jobs do when it is gone."""

import errno
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, Snakemake
from workflow.pipeline import paths, start, watchdog
from workflow.pipeline.start import FolderError, require_folders
from workflow.pipeline.watchdog import RunningError, hold_lock

JOB = (
    "from workflow.pipeline.watchdog import follow_run; follow_run(); "
    "import time; print(flush=True); "
)
RUN = f"""
import subprocess, sys
from pathlib import Path
from workflow.pipeline.watchdog import hold_lock
lock = hold_lock(Path(sys.argv[1]))
job = subprocess.Popen([sys.executable, "-c", {JOB!r} + "time.sleep(60)"], stdout=subprocess.PIPE)
job.stdout.readline()
print(job.pid, flush=True)
job.wait()
"""


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forget, at the end, the run that `hold_lock` has told of."""
    monkeypatch.setenv(watchdog.VARIABLE, "")
    yield
    while watchdog._held:
        watchdog._held.pop().close()


def alive(pid: int) -> bool:
    return watchdog._started(pid) != ""


def gone(pid: int, seconds: float) -> bool:
    limit = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < limit:
        time.sleep(0.05)
    return not alive(pid)


def test_job_ends_with_a_killed_run(tmp_path: Path) -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", RUN, str(tmp_path / "state/run.lock")],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with run:
        assert run.stdout is not None
        job = int(run.stdout.readline())
        assert alive(job)
        run.kill()
        assert gone(job, 10)


@pytest.mark.parametrize("of", ["another machine", "nobody"])
def test_job_outlives_what_it_cannot_see(of: str) -> None:
    process = f"another-boot/pid:[1] {os.getpid()} 0" if of == "another machine" else ""
    job = subprocess.Popen(
        [sys.executable, "-c", JOB + f"time.sleep({3 * watchdog.INTERVAL_S})"],
        cwd=ROOT, env={**os.environ, watchdog.VARIABLE: process}, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    assert job.wait(30) == 0


def test_number_of_a_dead_run_that_another_process_has_does_not_deceive() -> None:
    process = f"{watchdog._machine()} {os.getpid()} 1"
    job = subprocess.Popen(
        [sys.executable, "-c", JOB + "time.sleep(60)"],
        cwd=ROOT, env={**os.environ, watchdog.VARIABLE: process}, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    assert job.wait(30) == 1


@pytest.mark.usefixtures("environment")
def test_lock_is_held_once(tmp_path: Path) -> None:
    path = tmp_path / "run" / ".snakemake" / "run.lock"
    file = hold_lock(path)
    with pytest.raises(RunningError, match=f"another run is working in {tmp_path / 'run'}:"):
        hold_lock(path)
    file.close()
    hold_lock(path)


@pytest.mark.usefixtures("environment")
def test_file_system_without_locks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", fail)
    with pytest.raises(RunningError, match=r"run.lock cannot be locked \(No locks available\)"):
        hold_lock(tmp_path / ".snakemake" / "run.lock")


def test_jobs_in_the_queue_are_those_of_this_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = tmp_path / "a run", tmp_path / "a run, too"
    rows = [(11, here, "train"), (12, there, "train"), (13, here, "score")]
    lines = [f"{n:<24}{folder}/.snakemake/slurm_logs/{rule}/{n}.log" for n, folder, rule in rows]
    lines += [f"{14:<24}{here}/notes.log", f"{15:<24}"]
    (tmp_path / "queue").write_text("\n".join(lines) + "\n")
    squeue = tmp_path / "squeue"
    squeue.write_text(f"#!/bin/sh\ncat {tmp_path}/queue\n")
    squeue.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert start.submitted_jobs(here) == ["11", "13"]
    with pytest.raises(RunningError, match="in the queue: 11 13; wait until they end, or call"):
        start.refuse_submitted(start.submitted_jobs(here))
    squeue.write_text("#!/bin/sh\nexit 1\n")
    assert start.submitted_jobs(here) == []


def test_files_from_the_future_are_dated_back(tmp_path: Path) -> None:
    now = time.time()
    for name, date in (("old", now - 1000), ("new", now + 1000), ("deep/new", now + 2000)):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
        os.utime(path, (date, date))
    start.date_back(tmp_path)
    dates = [(tmp_path / name).stat().st_mtime for name in ("old", "new", "deep/new")]
    assert dates[0] == pytest.approx(now - 1000, abs=1)
    assert dates[1] == dates[2] == pytest.approx(now, abs=60)


@pytest.mark.parametrize("name", ["results", "results/datasets", "results/figures", "results/logs"])
@pytest.mark.parametrize("what", ["file", "link to nowhere", "link to a file"])
def test_what_stands_in_place_of_a_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, what: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    if what == "file":
        path.touch()
    else:
        path.symlink_to("there")
    if what == "link to a file":
        (path.parent / "there").touch()
    said = "is a link to there, which does not exist" if "nowhere" in what else "is a file, where"
    with pytest.raises(FolderError, match=rf"{name} {said}"):
        require_folders(paths.templates())
    path.unlink()
    (path.parent / "elsewhere").mkdir()
    path.symlink_to("elsewhere")
    require_folders(paths.templates())


def test_results_that_are_a_file_end_a_run_before_it_starts(
    snakemake: Snakemake, tiny_config: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "results").symlink_to("/nowhere/at/all")
    run = snakemake(tiny_config)
    said = run.stdout + run.stderr
    assert run.returncode != 0
    assert "results is a link to /nowhere/at/all, which does not exist: make that folder" in said
    assert "Traceback" not in said
