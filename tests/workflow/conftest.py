"""What the tests of the workflow share: one finished run on the real files."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ASCII, DATA, ROOT, MadeOnce, ascii_locale
from tests.fork_server import ForkServer

SOURCES = (
    "common",
    "analysis",
    "models",
    "workflow",
    "profiles",
    "envs",
    "Snakefile",
    "config.yaml",
)


def copy_sources(folder: Path) -> None:
    """Copy what a run needs of the project."""
    folder.mkdir(exist_ok=True)
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project's sources, to be changed."""
    copy = tmp_path_factory.mktemp("project")
    copy_sources(copy)
    return copy


@pytest.fixture(scope="session")
def config() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DATA / "config.yaml").read_text())
    for sample in found["samples"]:
        sample["files"] = [str(ROOT / file) for file in sample["files"]]
    return found


def files_of(project: Path) -> set[Path]:
    return {path for path in project.rglob("*") if path.suffix != ".pyc" and path.is_file()}


@pytest.fixture(scope="session")
def finished(
    project: Path,
    config: dict[str, Any],
    made_once: MadeOnce,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """This worker's copy of a finished run.

    Its folder has a name that wants quoting, its locale was ASCII, and warnings were errors; its
    jobs are forks of a Python whose text is UTF-8. It wrote nothing beside its folder.
    """

    def make(folder: Path) -> None:
        (folder / "config.test.yaml").write_text(yaml.safe_dump(config))
        sources = files_of(project)
        jobs = ForkServer(**ASCII | {"PYTHONUTF8": "1"})
        code = f"{jobs.as_executable()}; from snakemake.cli import main; main()"
        words = ["--snakefile", str(project / "Snakefile"), "--configfile", "config.test.yaml"]
        environment = {"PYTHONPATH": str(project), "PYTHONWARNINGS": "error"}
        run = subprocess.run(
            [sys.executable, "-c", code, *words, "--cores", "2"],
            cwd=folder, env=ascii_locale() | environment, capture_output=True, check=False,
        )  # fmt: skip
        jobs.stop()
        assert run.returncode == 0, run.stdout + run.stderr
        assert files_of(project) == sources

    folder = made_once('it\'s a "run" für $HOME 日本 ', make)
    copy = tmp_path_factory.mktemp("run") / folder.name
    return Path(shutil.copytree(folder, copy, symlinks=True))
