"""Runs and jobs that are killed at random moments: the next run ends as if nothing had been.

    pytest tests/robustness --kills 36

The moments are drawn from seeds: a chain of interruptions has the number of the chain.
"""

import os
import shutil
import signal
import subprocess
import time

import numpy as np
import psutil
import pytest

from tests.robustness.runs import SmallRun, jobs_running

SEED = 20260
KILLS = ("run", "run", "job", "job")
PATIENCE_S = 300
ATTEMPTS = 4 * len(KILLS)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "chain" in metafunc.fixturenames:
        kills = metafunc.config.getoption("--kills")
        metafunc.parametrize("chain", range(-(-kills // len(KILLS))))


def test_interrupted_runs_end_with_the_same_tables(
    reference: SmallRun, fresh: SmallRun, chain: int
) -> None:
    rng = np.random.default_rng([SEED, chain])
    # Jobs in random order, and another number of cores than the reference in every other chain.
    options = ("--cores", str(1 + chain % 2), "--scheduler-subsample", "1")
    kept: dict[str, int] = {}
    pending = list(rng.permutation([*KILLS, "terminate", "interrupt"]))
    for _ in range(ATTEMPTS):
        process = fresh.start(*options)
        try:
            wait_for_a_moment(process, rng)
            if process.poll() is None and len(pending) == 6:
                assert_second_run_is_refused(fresh, process)
            hit = interrupt(process, pending[0], rng)
            status = process.wait(PATIENCE_S)
        finally:
            end(process)
        assert_kept(fresh, kept)
        kept = fresh.finished()
        if status != 0:
            assert hit, "the run failed by itself"
            pending.pop(0)
        else:  # at its end before the moment came: from the start again
            assert fresh.tables() == reference.tables()
            shutil.rmtree(fresh.folder / "results")
            kept = {}
        if not pending:
            break
    assert pending == []
    done = fresh.complete(*options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_kept(fresh, kept)
    assert fresh.tables() == reference.tables()
    assert fresh.leftovers() == []
    assert not list(fresh.folder.rglob("resume*"))


def wait_for_a_moment(process: subprocess.Popen[bytes], rng: np.random.Generator) -> None:
    """Wait into the start of a run, one time in four, or some time into its first or second job.

    Counted in jobs, since a loaded machine starts them late.
    """
    seen: set[int] = set()
    jobs = int(rng.choice([0, 1, 1, 2]))
    limit = time.monotonic() + PATIENCE_S
    while len(seen) < jobs and process.poll() is None:
        assert time.monotonic() < limit
        seen.update(job.pid for job in jobs_running(process))
        time.sleep(0.02)
    time.sleep(rng.uniform(0, 2.5))


def interrupt(process: subprocess.Popen[bytes], what: str, rng: np.random.Generator) -> bool:
    """Do it, and return whether there was something to interrupt."""
    limit = time.monotonic() + PATIENCE_S
    while what == "job" and process.poll() is None:
        assert time.monotonic() < limit
        if jobs := jobs_running(process):
            try:
                jobs[rng.integers(len(jobs))].kill()
                return True
            except psutil.NoSuchProcess:
                pass
        time.sleep(0.02)
    if process.poll() is not None:
        return False
    if what == "run":
        process.kill()
    elif what == "terminate":
        process.terminate()
    elif what == "interrupt":  # as by Ctrl-C: the jobs too
        os.killpg(process.pid, signal.SIGINT)
    return True


def end(process: subprocess.Popen[bytes]) -> None:
    """Leave nothing behind when a test fails; jobs that a killed run left end by themselves."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def assert_kept(run: SmallRun, kept: dict[str, int]) -> None:
    """Outputs of finished jobs are those of before, to the nanosecond: nothing was redone."""
    now = run.finished()
    assert {name: now.get(name) for name in kept} == kept


def assert_second_run_is_refused(run: SmallRun, first: subprocess.Popen[bytes]) -> None:
    second = run.complete("--cores", "1")
    if first.poll() is None:  # else the first one may have ended before the second one looked
        assert second.returncode != 0
        assert "another run is working in" in second.stdout + second.stderr


def test_jobs_do_not_depend_on_the_number_of_cores(fresh: SmallRun) -> None:
    path = fresh.folder / "config.yaml"
    path.write_text(path.read_text().replace("training:", "training:\n  threads: 3"))
    one, four = (
        fresh.complete("--cores", cores, "--dry-run", "--printshellcmds") for cores in "14"
    )
    assert one.returncode == 0, one.stderr
    commands = [
        sorted(line for line in run.stdout.splitlines() if "BOOSTED_HH4B_JOB" in line)
        for run in (one, four)
    ]
    assert len(commands[0]) > 10
    assert commands[0] == commands[1]
