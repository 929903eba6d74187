"""What these tests share: one undisturbed run of a small analysis, the measure of all others."""

import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.robustness.runs import SmallRun


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> SmallRun:
    """The finished run; made once, also by several workers."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "reference"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        run = SmallRun(folder)
        if not (finished := folder.with_suffix(".finished")).exists():
            run.prepare()
            done = run.complete("--cores", "2")
            assert done.returncode == 0, done.stdout + done.stderr
            finished.touch()
    return run


@pytest.fixture
def fresh(tmp_path: Path) -> SmallRun:
    """A folder with the small analysis, not yet run."""
    run = SmallRun(tmp_path / "run")
    run.prepare()
    return run


@pytest.fixture
def copied(reference: SmallRun, tmp_path: Path) -> Callable[..., SmallRun]:
    """Copy the finished run, dates and all, without the results that match some patterns."""

    def copy(*without: str, to: Path = tmp_path / "run") -> SmallRun:
        shutil.copytree(reference.folder, to, dirs_exist_ok=True)
        run = SmallRun(to)
        for pattern in without:
            found = list((to / "results").glob(pattern))
            assert found, f"nothing matches {pattern}"
            for path in found:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        return run

    return copy
