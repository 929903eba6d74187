"""What the tests of the workflow share: one finished run on the real files."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import DATA, ROOT, MadeOnce, call_snakemake

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


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project's sources, to be changed."""
    copy = tmp_path_factory.mktemp("project")
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / name)
    return copy


@pytest.fixture(scope="session")
def config() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DATA / "config.yaml").read_text())
    for sample in found["samples"]:
        sample["files"] = [str(ROOT / file) for file in sample["files"]]
    return found


@pytest.fixture(scope="session")
def finished(
    project: Path,
    config: dict[str, Any],
    made_once: MadeOnce,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """This worker's copy of a finished run.

    Its folder has a name that wants quoting, and warnings were errors.
    """

    def make(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONWARNINGS", "error")
            run = call_snakemake(folder, config, snakefile=project / "Snakefile")
        assert run.returncode == 0, run.stdout + run.stderr

    folder = made_once('it\'s a "run" für $HOME 日本 ', make)
    copy = tmp_path_factory.mktemp("run") / folder.name
    return Path(shutil.copytree(folder, copy, symlinks=True))
