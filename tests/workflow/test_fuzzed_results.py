"""Damaged files of `results/`: each is read, or refused with its name; nothing else is raised."""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pandas as pd
import pytest
from pydantic import TypeAdapter

from analysis.config.reconstruction import FatJets, Reconstruction
from analysis.datasets.dataset import Dataset, event_key, write_dataset
from analysis.datasets.features import tensors
from analysis.evaluation.scores import read_scores
from analysis.reconstruction.event_table import event_tables
from analysis.reconstruction.reconstruct import reconstruct_file
from common.errors import UserError
from models.config.specs import Features, NetworkSpec, Training
from models.networks.registry import build
from models.training.checkpoint import DESCRIPTION, WEIGHTS, describe, load, save
from tests.delphes_files import SIGNAL
from tests.fuzzing import DAMAGE, cut_tail, damaged

CASES = int(os.environ.get("FUZZ_RESULTS", "40"))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one small file of each kind."""
    folder = tmp_path_factory.mktemp("results")
    table = folder / "events.parquet"
    reconstruct_file(str(SIGNAL), table, Reconstruction(fatjets=FatJets(mass_min=20)))
    events = ak.concatenate(list(event_tables(table)))
    n = len(events)
    part = {
        **tensors(events, 50, 6),
        "key": event_key("signal", "0", ak.to_numpy(events.entry)),
        "weight": np.ones(n),
        "tag_weight": np.ones((n, 1)),
    }
    attributes = {"sample": "signal", "process": "signal", "label": "signal", "categories": ["4b"]}
    write_dataset(folder / "dataset.h5", [part], attributes)
    rows = {
        "sample": ["signal", "qcd"] * 50,
        "process": ["signal", "qcd"] * 50,
        "label": [1, 0] * 50,
        "log_odds": np.linspace(-3, 3, 100),
        "weight": np.ones(100),
    }
    pd.DataFrame(rows).to_parquet(folder / "scores.parquet", index=False)
    spec: Any = TypeAdapter(NetworkSpec).validate_python(
        {"name": "kinematics", "architecture": "kinematics", "width": 16, "heads": 2}
    )
    network = build(spec, Features())
    save(folder, network, describe(network, spec, Training(), Features(), {}))
    return folder


def read_dataset(path: Path) -> None:
    dataset = Dataset(path)
    _ = dataset.columns, dataset.rows(slice(None))


def load_model(path: Path) -> None:
    load(path.parent)


READERS: dict[str, Callable[[Path], Any]] = {
    "events.parquet": lambda path: list(event_tables(path)),
    "dataset.h5": read_dataset,
    "scores.parquet": read_scores,
    WEIGHTS: load_model,
    DESCRIPTION: load_model,
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
def test_damaged_results(results: Path, tmp_path: Path, name: str) -> None:
    for other in (WEIGHTS, DESCRIPTION):
        (tmp_path / other).write_bytes((results / other).read_bytes())
    content = (results / name).read_bytes()
    ends = (
        (0, len(content)),
        (0, min(2000, len(content))),
        (max(0, len(content) - 2000), len(content)),
    )
    path = tmp_path / name
    path.write_bytes(content)
    READERS[name](path)
    found: Counter[str] = Counter()
    for case in range(CASES):
        rng = np.random.default_rng([2026, case])
        path.write_bytes(damaged(content, DAMAGE[case % 7], rng, ends[case // 7 % 3]))
        try:
            READERS[name](path)
            found["read"] += 1
        except UserError as error:
            found["refused"] += name in str(error)
    assert found.total() == CASES
    assert found["refused"] > 0
    print(dict(found))


@pytest.mark.parametrize("name", READERS)
def test_cut_results(results: Path, tmp_path: Path, name: str) -> None:
    for other in (WEIGHTS, DESCRIPTION):
        (tmp_path / other).write_bytes((results / other).read_bytes())
    content = (results / name).read_bytes()
    for case in range(5):
        path = tmp_path / name
        path.write_bytes(damaged(content, cut_tail, np.random.default_rng(case), (0, 1)))
        with pytest.raises(UserError, match=name):
            READERS[name](path)
