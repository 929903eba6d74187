"""Taggers of single fat jets: whose jets they see, and the way from the public files to a table."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
import torch

from analysis.config.dataset import Dataset as DatasetConfig
from analysis.datasets.dataset import BLOCK, SPLITS, Dataset, event_key, write_dataset
from common.errors import ConfigError, EmptySampleError
from models.config.specs_jets import JetTask
from models.networks.batch import Sample
from models.training.data import Batches
from models.training.resume import Progress
from models.training.stream import Stream
from tests.analysis.datasets.test_top_tagging import make_jets, write
from tests.conftest import ROOT, call_snakemake
from tests.models.events import FEATURES, make_arrays
from tests.workflow.plans import planned
from workflow.pipeline.config import load, read_config
from workflow.pipeline.jets import PT, jets_of_events
from workflow.pipeline.network_inputs import sources
from workflow.scripts import evaluate_jets, train_jets

TASK = JetTask(name="higgs", signal=("signal",), background=("qcd",))
TAGGER: dict[str, Any] = {
    "name": "mixer",
    "architecture": "jet_tagger",
    "width": 16,
    "jet_encoder": {"kind": "mixer"},
}
TRAINING = {"epochs": 2, "batch_size": 16, "accelerator": "cpu"}


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Datasets of two processes."""
    return write_datasets(tmp_path_factory.mktemp("datasets"), 200)


def write_datasets(folder: Path, events: int) -> list[Path]:
    """Write as many events of two processes: narrow jets of signal, wide ones of background."""
    rng = np.random.default_rng(1)
    arrays = make_arrays(2 * events)
    for kind, (process, label) in enumerate((("qcd", "background"), ("signal", "signal"))):
        own = {name: array[kind::2] for name, array in arrays.items()}
        columns = {
            "key": event_key(process, "file", np.arange(events)),
            "weight": rng.uniform(0.5, 1.5, events),
            "tag_weight": np.zeros((events, 1)),
        }
        attributes = {
            "sample": process,
            "process": process,
            "label": label,
            "mass_gev": 0.0,
            "categories": ["4b"],
            "constituent_features": FEATURES.constituents,
            "subjet_features": FEATURES.subjets,
            "kinematic_features": FEATURES.kinematics,
        }
        write_dataset(folder / f"{process}.h5", iter([own | columns]), attributes)
    return [folder / "qcd.h5", folder / "signal.h5"]


def test_sides_share_no_event_and_hold_both_jets(datasets: list[Path]) -> None:
    data, config = [Dataset(path) for path in datasets], DatasetConfig()
    splits = {split: jets_of_events(data, TASK, split, 3, config).all() for split in SPLITS}
    masses = [split["kinematics"][:, 0, 0] for split in splits.values()]
    assert sum(map(len, masses)) == 800
    assert len(np.unique(np.concatenate(masses))) > 790, "no jet twice"
    for split in splits.values():
        assert split["constituents"].shape[1] == 1
        np.testing.assert_array_equal(split["weight"][0::2], split["weight"][1::2])
        assert set(split["label"]) == {0, 1}
    total = sum(one.columns["weight"].sum() for one in data)
    assert sum(split["weight"].sum() for split in splits.values()) / 2 == pytest.approx(total)


class KilledError(Exception):
    """Stands for kill -9."""


def test_an_interrupted_tagger_of_other_jets_starts_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Progress.store

    def store_and_die(self: Progress, *arguments: Any) -> None:
        store(self, *arguments)
        raise KilledError

    paths = write_datasets(tmp_path, 200)
    call: tuple[Any, ...] = (paths, *map(json.dumps, (TAGGER, TRAINING, {})), 3)
    task = TASK.model_dump_json()
    with monkeypatch.context() as patch:
        patch.setattr(Progress, "store", store_and_die)
        with pytest.raises(KilledError):
            train_jets.main(*call, tmp_path / "killed", task)
    with h5py.File(paths[0], "r+") as file:
        file["constituent_mask"][:, :, 5:] = False
    for name in ("killed", "undisturbed"):
        train_jets.main(*call, tmp_path / name, task)
    weights = [tmp_path / name / "model.safetensors" for name in ("killed", "undisturbed")]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_range_of_pt_holds_for_each_jet(datasets: list[Path]) -> None:
    data = [Dataset(path) for path in datasets]
    found = jets_of_events(data, TASK, "test", 3, DatasetConfig(), (400.0, 500.0)).all()
    momentum = found["kinematics"][:, 0, PT]
    assert len(momentum) == len(found["label"]) == len(found["weight"]) > 10
    assert ((momentum >= 400) & (momentum < 500)).all()
    with pytest.raises(EmptySampleError, match=r"higgs: no signal jet is in the test split"):
        jets_of_events(data, TASK, "test", 3, DatasetConfig(), (5000.0, 6000.0))


def test_jets_are_the_same_read_at_once_or_block_by_block(tmp_path: Path) -> None:
    paths = write_datasets(tmp_path, BLOCK + 60)
    data = [Dataset(path) for path in paths]
    splits = [
        jets_of_events(data, TASK, split, 3, DatasetConfig(), (250.0, 900.0))
        for split in ("train", "validation")
    ]
    assert [len(split.blocks) for split in splits] == [4, 4]
    whole, streamed = (sources(splits, 0.9, memory) for memory in (100, 0.1))
    for one, other in zip(whole, streamed, strict=True):
        assert (type(one), type(other)) == (Sample, Stream)
        assert len(one) == len(other)
        for pair in zip(*(Batches(source, 50, 1) for source in (one, other)), strict=True):
            (first, *labels), (second, *others) = pair
            assert torch.equal(first.constituents, second.constituents)
            assert all(map(torch.equal, labels[:1], others[:1]))
            torch.testing.assert_close(labels[1], others[1])


def test_a_tagger_is_trained_and_evaluated_on_jets_of_events(
    datasets: list[Path], tmp_path: Path
) -> None:
    jets = {"dataset": "{}", "seed": 1, "task": TASK.model_dump_json(), "pt_min": 250.0}
    training = json.dumps(TRAINING | {"epochs": 8, "learning_rate": 5e-3})
    train_jets.main(datasets, json.dumps(TAGGER), training, output=tmp_path, **jets)
    evaluate_jets.main(datasets, tmp_path, output=tmp_path / "metrics.json", **jets)
    found = json.loads((tmp_path / "metrics.json").read_text())["metrics"]
    assert (found["task"], found["tagger"], found["seed"]) == ("higgs", "mixer", 1)
    assert found["test_signal"] + found["test_background"] < 800 * 0.6
    assert found["auc"] - 3 * found["auc_error"] > 0.5, "narrow jets are told from wide ones"
    assert found["accuracy"] > 0.5


@pytest.fixture(scope="module")
def tagged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on public files alone: no sample of the configuration is there."""
    folder = tmp_path_factory.mktemp("public")
    jets = make_jets(90)
    jets[::4, 4:] = 0  # half of one class are jets of few constituents
    for number, split in enumerate(("train", "val", "test")):
        write(folder / f"{split}.h5", jets[30 * number : 30 * (number + 1)])
    config = {
        "jets": {
            "top_tagging": {"train": "train.h5", "validation": "val.h5", "test": "test.h5"},
            "taggers": [TAGGER],
            "training": TRAINING,
        }
    }
    run = call_snakemake(folder, config, "--", "jets")
    assert run.returncode == 0, run.stdout + run.stderr
    return folder


def test_public_files_need_nothing_else(tagged: Path) -> None:
    rules = {path.name.split(".")[0] for path in (tagged / "results/benchmarks").iterdir()}
    wanted = {"top_tagging", "train_jets", "evaluate_jets", "jets_table", "jets_figure"}
    assert rules == wanted
    table = pd.read_csv(tagged / "results/jets.csv")
    assert table[["task", "tagger", "seed"]].to_numpy().tolist() == [["top_tagging", "mixer", 1]]
    assert table.train_jets.item() == table.test_signal.item() + table.test_background.item() == 30
    assert table.auc.between(0, 1).all()
    for suffix in ("png", "pdf", "csv"):
        assert (tagged / f"results/figures/jets_top_tagging.{suffix}").stat().st_size > 500


def test_jets_of_a_run_train_on_its_datasets(
    project: Path, finished: Path, config: dict[str, Any]
) -> None:
    block = yaml_of("jets") | {"tasks": [TASK.model_dump(mode="json")]}
    found = planned(finished, {**config, "jets": block}, project / "Snakefile")
    expected = {"reconstruct": 0, "dataset": 0, "train": 0, "train_jets": 6, "evaluate_jets": 6}
    expected |= {"jets_table": 1, "jets_figure": 1, "page": 1, "jets": 0}
    assert {rule: found[rule] for rule in expected} == expected
    assert planned(finished, config, project / "Snakefile", "jets")["train_jets"] == 0


def yaml_of(name: str) -> dict[str, Any]:
    """Return the block `jets` of a configuration of the project."""
    config = load([ROOT / "config.yaml", ROOT / f"config/{name}.yaml"])
    found: dict[str, Any] = config.jets.model_dump(mode="json")
    return found


def test_configurations_that_come_along_are_valid() -> None:
    assert [task["name"] for task in yaml_of("jets")["tasks"]] == ["higgs", "top"]
    assert yaml_of("top_tagging")["top_tagging"]["test"].endswith("test.h5")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tasks": [{"name": "w", "signal": ["W"], "background": ["qcd"]}]}, "process 'W'.*qcd"),
        ({"tasks": [{"name": "q", "signal": ["qcd"], "background": ["qcd"]}]}, "at once"),
        ({"taggers": []}, "taggers: none given for the tasks higgs"),
        ({"taggers": [TAGGER, TAGGER]}, "'mixer' is used twice"),
        (
            {"taggers": [{"name": "n", "architecture": "particle_net"}]},
            "n sees two jets; give it `jets: 1`",
        ),
        ({"taggers": [TAGGER | {"widht": 3}]}, r"jets\.taggers\.0\.widht.*did you mean 'width'"),
        ({"pt_min_gev": 500, "pt_max_gev": 400}, "pt_max_gev must be above"),
    ],
)
def test_errors_name_the_key(
    tiny_config: dict[str, Any], change: dict[str, Any], said: str
) -> None:
    jets = {"tasks": [TASK.model_dump(mode="json")], "taggers": [TAGGER]}
    read_config(tiny_config | {"jets": jets})
    with pytest.raises(ConfigError, match=said):
        read_config(tiny_config | {"jets": jets | change})
