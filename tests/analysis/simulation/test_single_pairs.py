"""The benchmark of κ of one forced pair: what it compares, on few events."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.single_pairs import VARIABLES, double_b_jets, simulated
from workflow.pipeline.config import load

REPOSITORY = Path(__file__).parents[3]
EVENTS = 15


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Chunks of forced events with one pair, all of hard processes beyond 400 GeV."""
    config = load([REPOSITORY / "config.yaml"])
    folder = tmp_path_factory.mktemp("single_pairs") / "forced"
    sampling = {"events": EVENTS, "pt_hat_min": 400.0, "bias_power": 5.0}
    for chunk in range(2):
        simulated(config, "qcd_bb", True, sampling, chunk, folder)
    return folder


def test_jets_of_two_b_quarks_are_compared(folder: Path) -> None:
    jets = double_b_jets(folder, 2)
    assert 0 < len(jets) <= 4 * EVENTS
    assert set(jets.columns) == {*VARIABLES, "weight"}
    assert np.isfinite(jets.to_numpy()).all()
    assert (jets["weight"] > 0).all()
    assert jets["pT [GeV]"].median() > 350  # the hard process had more than 400 GeV
    # a pair has 45 GeV at least, but for what is outside of the jet
    assert jets["m [GeV]"].median() > 40


def test_more_chunks_do_not_add_to_the_yield(folder: Path, tmp_path: Path) -> None:
    for ending in ("parquet", "json"):
        for chunk in range(3):
            shutil.copy(folder / f"0.{ending}", tmp_path / f"{chunk}.{ending}")
    alone, three = (double_b_jets(tmp_path, chunks) for chunks in (1, 3))
    assert len(three) == 3 * len(alone)
    assert three["weight"].sum() == pytest.approx(alone["weight"].sum())


def test_chunks_that_are_there_stay(folder: Path) -> None:
    path = folder / "0.json"
    before = path.read_bytes(), path.stat().st_mtime_ns
    simulated(load([REPOSITORY / "config.yaml"]), "qcd_bb", True, {"events": 1}, 0, folder)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert len(pd.read_json(path, typ="series")) > 0
