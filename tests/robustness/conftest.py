"""What these tests share: one undisturbed run of a small analysis, the measure of all others."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT, MadeOnce, ascii_locale
from tests.robustness.runs import SmallRun


@pytest.fixture(scope="session")
def reference(made_once: MadeOnce) -> SmallRun:
    """The finished run, of real processes, in an ASCII locale and with warnings as errors."""

    def make(folder: Path) -> None:
        run = SmallRun(folder)
        run.prepare()
        variables = ascii_locale() | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
        done = run.complete_alone("--cores", "2", environment=variables)
        assert done.returncode == 0, done.stdout + done.stderr

    return SmallRun(made_once("reference", make))


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
