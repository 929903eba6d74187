"""What the tests share: the real files, and the real Snakefile in a folder of its own."""

import copy
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "data"

# a busy machine is no failure
settings.register_profile("patient", deadline=None, max_examples=50)
settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--kills", type=int, default=4, help="how often runs and jobs are killed at random moments"
    )


@pytest.fixture
def tiny_config() -> dict[str, Any]:
    """The small analysis of `tests/data/config.yaml`, with absolute paths."""
    config = yaml.safe_load((DATA / "config.yaml").read_text())
    for sample in config["samples"]:
        sample["files"] = [str(ROOT / file) for file in sample["files"]]
    return copy.deepcopy(config)


Snakemake = Callable[..., subprocess.CompletedProcess[str]]


def call_snakemake(
    folder: Path, config: dict[str, Any], *arguments: str, snakefile: Path = ROOT / "Snakefile"
) -> subprocess.CompletedProcess[str]:
    """Run Snakemake on a Snakefile, in `folder`, with `config`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.test.yaml"
    path.write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile)]
    command += ["--directory", str(folder), "--configfile", str(path), "--cores", "2", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(snakefile.parent)}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def snakemake(tmp_path: Path) -> Snakemake:
    """Run the real Snakefile in a temporary folder: `snakemake(config, *arguments)`."""

    def call(config: dict[str, Any], *arguments: str) -> subprocess.CompletedProcess[str]:
        return call_snakemake(tmp_path, config, *arguments)

    return call
