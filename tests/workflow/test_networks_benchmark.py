"""The benchmark of all networks, on a few jets."""

from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import typer

from analysis.datasets.dataset import SPLITS, Dataset, event_key, write_dataset
from analysis.datasets.single_jets import write_jets
from benchmarks import jet_sample, networks
from common.errors import EmptySampleError
from common.tables import read_csv
from models.config.specs import EFN, LundNet, Pelican
from models.config.specs_jets import TaggerSpec
from models.networks.jets import single_jets
from tests.models.events import make_arrays


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Jets of two classes, narrow ones and wide ones, in three splits."""
    folder = tmp_path_factory.mktemp("jets")
    for seed, split in enumerate(SPLITS):
        part = {
            **single_jets(make_arrays(80, seed)),
            "key": event_key("jets", split, np.arange(160)),
            "label": np.repeat(np.arange(80) % 2, 2).astype(np.uint8),
        }
        write_jets(folder / f"{split}.h5", [part], split, "jets", ("background", "signal"))
    return folder


def test_every_tagger_is_in_the_benchmark() -> None:
    known = {
        spec.model_fields["architecture"].default for spec in get_args(get_args(TaggerSpec)[0])
    }
    assert {spec.architecture for spec in networks.JET_NETWORKS} == known
    names = [spec.name for spec in (*networks.EVENT_NETWORKS, *networks.JET_NETWORKS)]
    assert len(set(names)) == len(names)
    assert all(spec.jets == 1 for spec in networks.JET_NETWORKS)


def test_one_run_tells_speed_and_quality(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small: list[Any] = [
        EFN(name="efn", phi=(16, 16), f=(16,)),
        LundNet(name="lund", channels=((8,),), fusion=8, hidden=8),
        Pelican(name="pelican", jets=1, layers=1, width=20, message=8),
    ]
    monkeypatch.setattr(networks, "JET_NETWORKS", small)
    monkeypatch.setattr(networks, "EVENT_NETWORKS", [])
    monkeypatch.setattr(networks, "JET_REFERENCES", [])
    monkeypatch.setenv("COLUMNS", "200")
    networks.main(folder, events=2, device="cpu", seconds=0.0, epochs=2, batch_size=40)
    said = capsys.readouterr().out
    rows = [line.split() for line in said.splitlines() if line.strip().startswith("efn")]
    assert len(rows) == 2, "speed and quality"
    with pytest.raises(typer.BadParameter, match=r"no tagger effn; there are efn, lund"):
        networks.main(folder, only=["effn"])


def test_trainings_are_kept_and_compared(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small: list[Any] = [EFN(name="efn", phi=(16, 16), f=(16,)), EFN(name="low", phi=(2,), f=(2,))]
    monkeypatch.setattr(networks, "JET_NETWORKS", small)
    for seeds in ([1], [1, 2]):
        networks.main(
            folder, epochs=15, batch_size=40, learning_rate=1e-2, seed=seeds, out=tmp_path,
            device="cpu", speed=False,
        )  # fmt: skip
    kept = {path.stat().st_mtime_ns for path in tmp_path.glob("*/1/facts.json")}
    rows = read_csv(tmp_path / "taggers.csv")
    assert [(row["tagger"], row["seed"]) for row in rows] == [
        (name, seed) for name in ("efn", "high_level_trees_jet", "low") for seed in (1, 2)
    ]
    row = rows[0]
    assert row["auc"] > 0.7
    assert row["test_signal"] == row["test_background"] == 80
    assert row["parameters"] == 2 * 16 + 16 + 2 * (16 * 16 + 16) + 2 * 16 + 2
    assert min(row["training"], row["scoring"]) > 0
    assert 1 <= row["best_epoch"] <= row["epochs"] == 15
    found = {(r["tagger"], r["other"]): r for r in read_csv(tmp_path / "comparisons.csv")}
    pair = found["efn", "low"]
    means = [np.mean([r["auc"] for r in rows if r["tagger"] == n]) for n in ("efn", "low")]
    assert pair["auc_difference"] == pytest.approx(means[0] - means[1], abs=1e-6)
    assert pair["auc_difference_error"] > 0
    networks.main(folder, only=["efn"], seed=[1], out=tmp_path, device="cpu", speed=False)
    assert kept == {path.stat().st_mtime_ns for path in tmp_path.glob("*/1/facts.json")}


def test_jets_in_a_window_have_one_spectrum(tmp_path: Path) -> None:
    paths = []
    for label, name in enumerate(("background", "signal")):
        events = make_arrays(3000, label)
        rng = np.random.default_rng(label)
        events["kinematics"][:, :2, jet_sample.MASS] = rng.uniform(60, 200, (3000, 2))
        events["kinematics"][:, :2, jet_sample.PT] = rng.triangular(
            250, 300 + 300 * label, 700, (3000, 2)
        )
        part = events | {
            "key": event_key(name, "0", np.arange(3000)),
            "weight": rng.exponential(size=3000),
            "tag_weight": np.ones((3000, 1)),
        }
        paths.append(tmp_path / f"{name}.h5")
        write_dataset(paths[-1], [part], {"sample": name, "process": name, "label": name})
    jet_sample.main(tmp_path, [paths[1]], [paths[0]])
    files = [Dataset(tmp_path / f"{split}.h5") for split in SPLITS]
    names = ("key", "label", "weight", "physical_weight", "kinematics")
    columns = [data.rows(slice(None), names) for data in files]
    keys = [set(part["key"].tolist()) for part in columns]
    assert not keys[0] & keys[1] | keys[0] & keys[2] | keys[1] & keys[2]
    jets = {name: np.concatenate([part[name] for part in columns]) for name in names}
    mass, pt = (jets["kinematics"][:, 0, k] for k in (jet_sample.MASS, jet_sample.PT))
    assert mass.min() >= 80
    assert mass.max() < 170
    assert pt.min() >= 300
    assert pt.max() < 650
    for weight in ("weight", "physical_weight"):
        for values in (mass, pt):
            mean = [
                np.average(values[jets["label"] == k], weights=jets[weight][jets["label"] == k])
                for k in (0, 1)
            ]
            assert mean[0] == pytest.approx(mean[1], rel=0.01)
    assert (jets["weight"][jets["label"] == 1] == 1).all()
    with pytest.raises(EmptySampleError, match="no signal jet between 900 and 950 GeV of pT"):
        jet_sample.main(tmp_path / "none", [paths[1]], [paths[0]], pt=(900, 950))
    assert not (tmp_path / "none").exists()
