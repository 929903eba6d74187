"""Bad input through the real Snakefile: one clear error, and no partial output."""

import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.conftest import Snakemake
from tests.delphes_files import QCD, as_another


def failed(snakemake: Snakemake, config: dict[str, Any], *arguments: str) -> str:
    run = snakemake(config, *arguments)
    assert run.returncode != 0
    text = run.stdout + run.stderr
    assert "Traceback" not in text, text
    return text


@pytest.fixture
def truncated(tmp_path: Path) -> Path:
    path = as_another(QCD, tmp_path / "cut in half.root")
    os.truncate(path, path.stat().st_size // 2)
    return path


def test_pattern_without_files(snakemake: Snakemake, tiny_config: dict[str, Any]) -> None:
    tiny_config["samples"][1]["files"] = ["nowhere/*.root"]
    text = failed(snakemake, tiny_config, "--dry-run")
    assert "samples.qcd.files: nothing matches 'nowhere/*.root'" in text


def test_typo_is_found_before_the_workflow(
    snakemake: Snakemake, tiny_config: dict[str, Any], tmp_path: Path
) -> None:
    tiny_config["trainng"] = {}
    assert "did you mean 'training'" in failed(snakemake, tiny_config)
    assert not (tmp_path / "results").exists()


def test_truncated_file_fails(
    snakemake: Snakemake, tiny_config: dict[str, Any], truncated: Path, tmp_path: Path
) -> None:
    tiny_config["samples"][1]["files"] = [str(truncated)]
    text = failed(snakemake, tiny_config)
    assert "cut in half.root" in text
    assert not list(tmp_path.glob("results/events/qcd/*"))


def test_truncated_file_is_skipped_on_request(
    snakemake: Snakemake, tiny_config: dict[str, Any], truncated: Path, tmp_path: Path
) -> None:
    whole = tiny_config["samples"][1]["files"]
    tiny_config["samples"][1]["files"] = [*whole, str(truncated)]
    tiny_config["reconstruction"]["on_bad_file"] = "skip"
    run = snakemake(tiny_config, "results/cutflow.csv")
    assert run.returncode == 0, run.stdout + run.stderr
    table = pd.read_csv(tmp_path / "results/cutflow.csv").set_index(["sample", "step"])
    generated = table.loc[("qcd", "generated")]
    assert generated.skipped_files == 1
    assert generated.raw == 40, "the events of the whole file alone"
    assert generated.events == pytest.approx(3000 * 1000 * 71900), "normalised to what was read"


def test_all_files_skipped(
    snakemake: Snakemake, tiny_config: dict[str, Any], truncated: Path
) -> None:
    tiny_config["samples"][1]["files"] = [str(truncated)]
    tiny_config["reconstruction"]["on_bad_file"] = "skip"
    text = failed(snakemake, tiny_config, "results/datasets/qcd.h5")
    assert "sample qcd: all 1 files were skipped" in text


def test_no_background_left(snakemake: Snakemake, tiny_config: dict[str, Any]) -> None:
    tiny_config["reconstruction"]["fatjets"]["mass_min"] = 5000
    text = failed(snakemake, tiny_config, "results/limits.csv")
    assert "no background event is in the train split of fold 0 (samples: qcd)" in text
