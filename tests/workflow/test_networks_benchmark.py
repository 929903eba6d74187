"""The benchmark of all networks, on a few jets."""

from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import typer

from analysis.datasets.dataset import SPLITS, event_key
from analysis.datasets.single_jets import write_jets
from benchmarks import networks
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
    monkeypatch.setenv("COLUMNS", "200")
    networks.main(folder, events=2, device="cpu", seconds=0.0, epochs=2, batch_size=40)
    said = capsys.readouterr().out
    rows = [line.split() for line in said.splitlines() if line.strip().startswith("efn")]
    assert len(rows) == 2, "speed and quality"
    with pytest.raises(typer.BadParameter, match=r"no tagger effn; there are efn, lund"):
        networks.main(folder, only=["effn"])


def test_a_tagger_learns_and_its_time_is_told(folder: Path) -> None:
    settings = networks.Training(epochs=15, batch_size=40, learning_rate=1e-2, accelerator="cpu")
    row = networks.learned(EFN(name="efn", phi=(16, 16), f=(16,)), folder, settings)
    assert row["auc"] is not None
    assert row["auc"] > 0.7
    assert row["test_signal"] == row["test_background"] == 80
    assert row["parameters"] == 2 * 16 + 16 + 2 * (16 * 16 + 16) + 2 * 16 + 2
    assert min(row["training"], row["scoring"]) > 0  # type: ignore[type-var]
