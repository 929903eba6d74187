"""Rule train: a network per fold in one job, each of which resumes on its own."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import models.training.training
from analysis.datasets.dataset import event_key, write_dataset
from models.training.resume import STATE
from tests.models.events import FEATURES, make_arrays
from workflow.scripts import train

FILES = ("model.safetensors", "model.json", "history.csv")
NETWORK = {"name": "k", "architecture": "kinematics", "width": 8, "heads": 1, "mass_token": True}
TRAINING = {"epochs": 2, "batch_size": 32, "accelerator": "cpu"}


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two signals and a background."""
    folder, paths = tmp_path_factory.mktemp("datasets"), []
    for seed, mass in enumerate((700.0, 1500.0, 0.0)):
        paths.append(folder / f"{mass:g}.h5")
        events = {
            **make_arrays(120, seed),
            "key": event_key(f"{mass:g}", "0", np.arange(120)),
            "weight": np.random.default_rng(seed).lognormal(0, 1, 120),
            "tag_weight": np.ones((120, 1)),
        }
        attributes = {
            "sample": f"{mass:g}", "process": "p", "label": "signal" if mass else "background",
            "mass_gev": mass, "categories": ["4b"],
            "constituent_features": FEATURES.constituents, "subjet_features": FEATURES.subjets,
            "kinematic_features": FEATURES.kinematics,
        }  # fmt: skip
        write_dataset(paths[-1], [events], attributes)
    return paths


def run(datasets: list[Path], output: Path, **options: Any) -> None:
    blocks = [json.dumps(block) for block in (NETWORK, TRAINING, {"folds": 3})]
    train.main(datasets, *blocks, seed=1, output=output, **options)


def made(folder: Path) -> dict[str, bytes]:
    return {f"{f}/{name}": (folder / f"fold{f}" / name).read_bytes() for f in range(3)
            for name in FILES}  # fmt: skip


def test_killed_between_folds_it_goes_on_to_the_same_networks(
    datasets: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(datasets, tmp_path / "whole")
    one, other = (made(tmp_path / "whole")[f"{f}/model.safetensors"] for f in (0, 1))
    assert one != other
    described = json.loads((tmp_path / "whole/fold2/model.json").read_text())
    assert (described["fold"], described["samples"]) == (2, ["700", "1500", "0"])
    assert described["masses_gev"] == [700, 1500]

    really, epochs = models.training.training.train, models.training.training.Loop

    def killed_in_fold_1(*arguments: Any, **options: Any) -> Any:
        if options["extra"]["fold"] == 1:
            raise KeyboardInterrupt
        return really(*arguments, **options)

    folder = tmp_path / "killed"
    monkeypatch.setattr(models.training.training, "train", killed_in_fold_1)
    with pytest.raises(KeyboardInterrupt):
        run(datasets, folder)
    for name in FILES:  # as Snakemake does with the outputs of a job that failed
        (folder / "fold0" / name).unlink()
    monkeypatch.setattr(models.training.training, "train", really)
    trained = []
    monkeypatch.setattr(
        models.training.training,
        "Loop",
        lambda *a: (trained.append(a[4].path.parent.name), epochs(*a))[1],
    )
    run(datasets, folder)
    assert trained == ["fold1", "fold2"]
    assert made(folder) == made(tmp_path / "whole")
    assert not list(folder.rglob(STATE))


def test_one_fold_by_itself_is_the_same_training(datasets: list[Path], tmp_path: Path) -> None:
    run(datasets, tmp_path / "whole")
    for fold in (2, 0, 1):
        run(datasets, tmp_path / "single", fold=fold)
    assert made(tmp_path / "single") == made(tmp_path / "whole")
