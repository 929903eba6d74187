"""From public files of ten classes to the table of their rejections."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from analysis.datasets.dataset import Dataset
from analysis.datasets.jet_class import CLASSES
from analysis.evaluation.classes import ClassMetrics
from analysis.evaluation.metrics import metric_row
from common.errors import ConfigError, EmptySampleError
from common.weighted import WeightedSample
from tests.conftest import ROOT, call_snakemake
from tests.jet_class_files import jet_class_columns, write_jet_class
from workflow.pipeline.config import load, read_config
from workflow.pipeline.jets import jets_of_split
from workflow.pipeline.network_inputs import feature_names, sources
from workflow.scripts import jet_class

TAGGER: dict[str, Any] = {"name": "efn", "architecture": "efn", "phi": (32, 32), "f": (32,)}
TRAINING = {"epochs": 12, "batch_size": 40, "learning_rate": 1e-2, "accelerator": "cpu"}


@pytest.fixture(scope="module")
def tagged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on JetClass files alone: two of each split."""
    folder = tmp_path_factory.mktemp("jet_class")
    for seed, split in enumerate(("train", "val", "test")):
        for number, jets in enumerate((300, 200)):
            columns = jet_class_columns(jets, 2 * seed + number)
            write_jet_class(folder / f"{split}_{number}.root", columns)
    config = {
        "jets": {
            "jet_class": {
                "train": ["train_*.root"],
                "validation": ["val_0.root", "val_1.root"],
                "test": ["test_*.root"],
                "max_constituents": 30,
            },
            "taggers": [TAGGER],
            "training": TRAINING,
        }
    }
    run = call_snakemake(folder, config, "--", "jets")
    assert run.returncode == 0, run.stdout + run.stderr
    return folder


def test_public_files_end_in_a_row_for_each_class(tagged: Path) -> None:
    rules = {path.name.split(".")[0] for path in (tagged / "results/benchmarks").iterdir()}
    assert rules == {"jet_class", "train_jets", "evaluate_classes", "classes_table"}
    table = pd.read_csv(tagged / "results/jet_class.csv").set_index("class")
    assert set(table.index) == set(CLASSES[1:])
    assert (table.train_jets == 500).all()
    assert table.accuracy.iloc[0] > 0.15, "one in ten by chance"
    assert table.auc["Tbl"] > 0.9, "the widest jets are told from the narrowest"
    assert table.auc["Tbl"] > table.auc["Hbb"]
    assert table.signal_efficiency.loc[["Hbb", "Hqql", "Tbl"]].tolist() == [0.5, 0.99, 0.995]
    assert (table.rejection.dropna() >= 1).all()


def test_every_class_has_the_same_weight_in_the_loss(tagged: Path) -> None:
    files = [tagged / f"results/jet_class/{split}.h5" for split in ("train", "validation", "test")]
    features = feature_names(Dataset(files[0]))
    assert features.classes == CLASSES
    jets = jets_of_split(files, "train")
    (sample,) = sources([jets], 0.99, 100, classes=len(CLASSES))
    sums = np.bincount(sample.label, sample.weight, len(CLASSES))
    np.testing.assert_allclose(sums, len(sample) / len(CLASSES), rtol=1e-4)
    with h5py.File(files[0]) as file:
        assert len(np.unique(file["key"])) == 500


def test_rejections_are_those_of_two_classes_at_a_time() -> None:
    rng = np.random.default_rng(2)
    label = rng.integers(0, 3, 3000).astype(np.uint8)
    logits = rng.normal(size=(3000, 3)) + np.eye(3)[label] * [0.0, 1.0, 2.0]
    metrics = ClassMetrics(("QCD", "Hbb", "Tbl"))
    for rows in np.array_split(np.arange(3000), 7):
        metrics.add(logits[rows], label[rows], np.ones(len(rows)))
    for number, row in enumerate(metrics.rows(), start=1):
        two = (label == 0) | (label == number)
        score = 1 / (1 + np.exp(logits[two, 0] - logits[two, number]))
        sample = WeightedSample.of_classes(score, np.ones(two.sum()), label[two] == number)
        expected = metric_row(sample, (0.5,))
        assert row["auc"] == pytest.approx(expected["auc"])
        if row["signal_efficiency"] == 0.5:
            assert row["rejection"] == pytest.approx(expected["rejection_50"])
    share = [np.mean(logits[label == c].argmax(1) == c) for c in range(3)]
    assert metrics.accuracy == pytest.approx(np.mean(share))


def test_a_class_without_jets_is_named(tmp_path: Path) -> None:
    write_jet_class(tmp_path / "nine.root", jet_class_columns(9))
    with pytest.raises(EmptySampleError, match=r"jet_class\.test: no jet of the class Tbl"):
        jet_class.main([tmp_path / "nine.root"], "{}", 30, "test", tmp_path / "out.h5")
    assert not (tmp_path / "out.h5").exists()


def test_configuration_that_comes_along_is_valid(tiny_config: dict[str, Any]) -> None:
    config = load([ROOT / "config.yaml", ROOT / "config/jet_class.yaml"])
    assert config.jets.every_task == ("jet_class",)
    block = config.jets.jet_class.model_dump(mode="json")
    with pytest.raises(ConfigError, match="taggers: none given for the tasks jet_class"):
        read_config(tiny_config | {"jets": {"jet_class": block}})
