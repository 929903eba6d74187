"""What these tests share: one undisturbed run of a small analysis, the measure of all others."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import MadeOnce, add_modules_of_any_name, ascii_locale, make_bare_python
from tests.robustness.runs import SmallRun, copy_of


@pytest.fixture(scope="session")
def reference(made_once: MadeOnce) -> SmallRun:
    """The finished run, of real processes, in an ASCII locale and with warnings as errors.

    The project was not installed there, and its folder held modules of any name.
    """

    def make(folder: Path) -> None:
        run = SmallRun(folder)
        run.prepare()
        modules = add_modules_of_any_name(folder)
        done = subprocess.run(
            [make_bare_python(folder.with_name("bare")), "-P", *run.call("--cores", "2")],
            cwd=folder, env=ascii_locale() | {"PYTHONWARNINGS": "error"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        for module in modules:
            module.unlink()

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
        return copy_of(reference, to, *without)

    return copy
