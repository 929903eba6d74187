"""What the tests share: the real files, and the real Snakefile in a folder of its own."""

import copy
import fcntl
import os
import subprocess
import sysconfig
import venv
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import settings

from tests.fork_server import ForkServer

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "data"

# a busy machine is no failure
settings.register_profile("patient", deadline=None, max_examples=50)
settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--kills", type=int, default=4, help="how often runs and jobs are killed at random moments"
    )


LONGEST = [
    f"tests/{name}.py"
    for name in (
        "robustness/test_slurm", "workflow/reporting/test_page", "robustness/test_interruptions",
        "workflow/test_run", "workflow/test_elsewhere", "analysis/simulation/test_pythia",
        "models/training/test_export", "models/training/test_training",
        "robustness/test_surroundings", "models/training/test_distributed",
        "analysis/statistics/test_profile", "analysis/statistics/test_cls",
        "analysis/statistics/test_working_point", "analysis/statistics/test_fit",
        "analysis/delphes/test_reader", "workflow/test_recipes",
    )
]  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long files first, and the many short ones last: so all workers end together.

    The first two make the run that others refer to, and the finished one.
    """
    places = {file: place for place, file in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(places)))


@pytest.fixture
def tiny_config() -> dict[str, Any]:
    """The small analysis of `tests/data/config.yaml`, with absolute paths."""
    config = yaml.safe_load((DATA / "config.yaml").read_text())
    for sample in config["samples"]:
        sample["files"] = [str(ROOT / file) for file in sample["files"]]
    return copy.deepcopy(config)


@cache
def python() -> ForkServer:
    """The Python of this worker that has the packages of others imported."""
    return ForkServer()


@pytest.fixture(scope="session", autouse=True)
def stopped_python() -> Iterator[None]:
    yield
    if python.cache_info().currsize:
        python().stop()


ASCII = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
"""Python's encoding of files and paths is ASCII then, not only by default."""


def ascii_locale() -> dict[str, str]:
    """Return this process's environment with an ASCII locale."""
    unset = ("LANG", "LANGUAGE", "LC_CTYPE", "PYTHONIOENCODING")
    return {name: value for name, value in os.environ.items() if name not in unset} | ASCII


def make_bare_python(folder: Path) -> Path:
    """Return a Python with all packages but the project: site-packages without its `.pth` files."""
    venv.create(folder, with_pip=False, symlinks=True)
    bare = folder / "bin" / "python"
    places = sysconfig.get_paths("venv", vars={"base": str(folder), "platbase": str(folder)})
    packages = Path(places["purelib"], "packages.pth")
    packages.write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")
    found = subprocess.run([bare, "-P", "-c", "import numpy, workflow"], capture_output=True)
    assert b"No module named 'workflow'" in found.stderr
    return bare


def add_modules_of_any_name(folder: Path) -> list[Path]:
    """Write files with the names of packages and of Python's own modules; importing them fails."""
    names = "analysis common models workflow numpy logging typing h5py yaml"
    paths = [folder / f"{name}.py" for name in names.split()]
    for path in paths:
        path.write_text(f"raise ImportError('{path.name} of the run')\n")
    return paths


MadeOnce = Callable[[str, Callable[[Path], None]], Path]


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> MadeOnce:
    """Return a folder that the first of all workers who asks for it makes: `made_once(name, make)`.

    Nobody may change what is in it.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent

    def folder_of(name: str, make: Callable[[Path], None]) -> Path:
        folder = shared / name
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (finished := shared / f"{name}.finished").exists():
                folder.mkdir()
                make(folder)
                finished.touch()
        return folder

    return folder_of


Snakemake = Callable[..., subprocess.CompletedProcess[str]]


def call_snakemake(
    folder: Path, config: dict[str, Any], *arguments: str, snakefile: Path = ROOT / "Snakefile"
) -> subprocess.CompletedProcess[str]:
    """Run Snakemake on a Snakefile, in `folder`, with `config`; it and its jobs are forks."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.test.yaml"
    path.write_text(yaml.safe_dump(config))
    words = ["-m", "snakemake", "--snakefile", str(snakefile)]
    words += ["--directory", str(folder), "--configfile", str(path), "--cores", "2", *arguments]
    return python().run(words, folder, {**os.environ, "PYTHONPATH": str(snakefile.parent)})


@pytest.fixture
def snakemake(tmp_path: Path) -> Snakemake:
    """Run the real Snakefile in a temporary folder: `snakemake(config, *arguments)`."""

    def call(config: dict[str, Any], *arguments: str) -> subprocess.CompletedProcess[str]:
        return call_snakemake(tmp_path, config, *arguments)

    return call
