"""A disk that is full or read-only, a clock that jumps, files that are cut: one clear error each.

Once it is mended, the next run ends with the tables of an undisturbed one, and redoes nothing.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.robustness.runs import SmallRun, copy_of, jobs_of, jobs_running

Copy = Callable[..., SmallRun]
DAY_S = 86400
LIMITS = ("limits*.csv", "projection.csv", "working_point_scan.csv")
SCORED = (*LIMITS, "scores", "metrics*", "limits", "workspaces")

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a file system")


@contextmanager
def mounted(folder: Path, *arguments: str) -> Iterator[None]:
    """Mount something on `folder`, and unmount it whatever happens."""
    folder.mkdir(parents=True, exist_ok=True)
    run = subprocess.run(
        ["mount", *arguments, str(folder)], capture_output=True, text=True, check=False
    )
    if run.returncode:
        pytest.skip(f"mount is not permitted here: {run.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def refused(run: SmallRun, *arguments: str) -> str:
    """Run, expect a failure without a traceback, and return what was said."""
    done = run.complete("--cores", "1", *arguments)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "Traceback" not in said
    return said


def completed(run: SmallRun, reference: SmallRun) -> dict[str, int]:
    """Run to the end, expect the reference's tables and nothing left to do; return the jobs."""
    jobs = jobs_of(run.complete("--cores", "1"))
    assert run.tables() == reference.tables()
    assert run.leftovers() == []
    assert run.planned() == {}
    return jobs


# what the job of the cut flow writes beside it
N_MINUS_ONE = ("n_minus_one.csv", "figures/n_minus_one.png", "figures/n_minus_one.pdf")


@as_root
@pytest.mark.parametrize("free_kb", [64, 4], ids=["for a dataset", "for anything"])
def test_disk_is_full(reference: SmallRun, copied: Copy, tmp_path: Path, free_kb: int) -> None:
    disk = tmp_path / "disk"
    target = "results/cutflow.csv"
    with mounted(disk, "-t", "tmpfs", "-o", "size=64m", "tmpfs"):
        run = copied("datasets/qcd.h5", "cutflow.csv", *N_MINUS_ONE, to=disk)
        kept = run.finished()
        used = shutil.disk_usage(disk).used
        remount(disk, f"size={used + 1024 * free_kb}")
        done = run.complete("--cores", "1", target)
        said = done.stdout + done.stderr
        assert done.returncode != 0
        assert f"The disk of {disk} is full: free some space and run again." in said
        if free_kb > 4:  # else Snakemake's own log has no room either, and it says so at length
            assert "Traceback" not in said
            assert "qcd.h5 cannot be written: no space left on device; free some space" in said
        assert run.leftovers() == []
        remount(disk, "size=64m")
        jobs = jobs_of(run.complete("--cores", "1", target))
        assert jobs == {"dataset": 1, "cutflow": 1}
        assert run.tables() == reference.tables()
        assert {name: run.finished()[name] for name in kept} == kept


@as_root
def test_read_only_folders(reference: SmallRun, copied: Copy) -> None:
    run = copied(*LIMITS)
    for folder in (run.folder / "results", run.folder):
        with mounted(folder, "--bind", str(folder)):
            remount(folder, "bind,ro")
            said = refused(run)
        assert f"{folder} cannot be written to (read-only file system" in said
    assert completed(run, reference) == {"limits_table": 1}


def shift(folder: Path, seconds: float) -> None:
    for path in folder.rglob("*"):
        status = path.stat()
        os.utime(path, (status.st_atime + seconds, status.st_mtime + seconds))


@pytest.mark.parametrize("seconds", [DAY_S, -3650 * DAY_S], ids=["ahead", "behind"])
def test_clock_that_was_wrong_in_the_first_half(
    reference: SmallRun, copied: Copy, seconds: float
) -> None:
    run = copied(*LIMITS)
    shift(run.folder / "results", seconds)
    if seconds < 0:
        shift(run.folder / "inputs", seconds)
    assert completed(run, reference) == {"limits_table": 1}


def test_input_dated_in_the_future(reference: SmallRun, copied: Copy) -> None:
    run = copied(*LIMITS)
    shift(run.folder / "inputs", DAY_S)
    assert ".root is dated in the future" in refused(run)
    shift(run.folder / "inputs", -DAY_S)
    assert completed(run, reference) == {"limits_table": 1}


def test_input_truncated_between_runs(reference: SmallRun, copied: Copy) -> None:
    run = copied()
    kept = run.finished()
    path = run.folder / "inputs" / "tiny_qcd.root"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    target = "results/cutflow.csv"
    said = refused(run, target)
    assert "tiny_qcd.root" in said
    assert "truncated" in said
    path.write_bytes(whole)
    jobs = jobs_of(run.complete("--cores", "1", target))
    assert jobs == {"reconstruct": 1, "normalise": 1, "dataset": 1, "cutflow": 1}
    assert run.tables() == reference.tables()
    signal = {name: date for name, date in kept.items() if "signal" in name}
    assert len(signal) > 8
    assert {name: run.finished()[name] for name in signal} == signal


@pytest.fixture(scope="module")
def killed(reference: SmallRun, tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    """The finished run without its model and scores, and with the state of a killed training."""
    run = copy_of(reference, tmp_path_factory.mktemp("killed") / "run", *SCORED)
    (folder,) = run.folder.glob("results/models/*/*/*/fold0")
    (folder / "model.safetensors").unlink()
    resume_state_of_a_killed_training(run, folder)
    return run


def test_model_and_resume_state_cut_in_half(
    reference: SmallRun, killed: SmallRun, copied: Copy
) -> None:
    run = copied(*SCORED)
    (folder,) = run.folder.glob("results/models/*/*/*/fold0")
    cut_in_half(folder / "model.safetensors")
    said = refused(run)
    assert "model.safetensors is not a readable safetensors file" in said
    assert "delete it and train again" in said
    (folder / "model.safetensors").unlink()
    for state in killed.folder.glob("results/models/*/*/*/fold0/resume*"):
        shutil.copy(state, folder)
    cut_in_half(folder / "resume.safetensors")
    jobs = completed(run, reference)
    assert jobs["train"] == 1
    assert "reconstruct" not in jobs
    ours, theirs = (
        next(one.folder.glob("results/models/*/*/*/fold0/model.safetensors"))
        for one in (run, reference)
    )
    assert ours.read_bytes() == theirs.read_bytes()
    log = next(run.folder.glob("results/logs/train/*/*/*.log")).read_text()
    assert "training from the start" in log


def test_killed_training_goes_on_with_its_own_inputs_alone(
    killed: SmallRun, tmp_path: Path
) -> None:
    run = copy_of(killed, tmp_path / "run")
    path = run.folder / "config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config["reconstruction"]["max_constituents"] = 5
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    (folder,) = run.folder.glob("results/models/*/*/*/fold0")
    target = str((folder / "model.safetensors").relative_to(run.folder))
    assert jobs_of(run.complete("--cores", "1", target))["train"] == 1
    log = next(run.folder.glob("results/logs/train/*/*/*.log")).read_text(encoding="utf-8")
    assert "is of another training: training from the start" in log
    assert "going on after epoch" not in log


def cut_in_half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def resume_state_of_a_killed_training(run: SmallRun, folder: Path) -> Path:
    """Train until a state is kept, and kill run and training then."""
    state = folder / "resume.safetensors"
    for _ in range(5):
        process = run.start("--cores", "1")
        while process.poll() is None and not state.exists():
            time.sleep(0.0005)
        for job in jobs_running(process):
            job.kill()
        process.kill()
        process.wait()
        if state.exists():
            return state
        (folder / "model.safetensors").unlink(missing_ok=True)
    raise AssertionError("no training was caught between two epochs")


def test_package_that_a_training_lacks(fresh: SmallRun) -> None:
    path = fresh.folder / "config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config["networks"].append({"name": "edges", "architecture": "particle_net"})
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    absent = "import sys; sys.modules['weaver'] = None"
    done = fresh.complete_alone("--cores", "1", first=absent)
    assert done.returncode != 0
    assert "edges needs weaver, not installed here: pip install -r" in done.stderr + done.stdout
    assert not list(fresh.folder.glob("results/events"))  # before any long work
    done = fresh.complete_alone("--cores", "1", "results/normalisation/qcd.json", first=absent)
    assert done.returncode == 0, done.stderr  # nothing is trained
