"""Learning curves, from the folders of trainings."""

import json
from pathlib import Path
from typing import Any

import pytest

from workflow.scripts import training_figure


def trained(folder: Path, name: str, masses: list[float]) -> Path:
    folder.mkdir()
    described = {"network": {"name": name}, "masses_gev": masses, "seed": 1, "fold": 0}
    (folder / "model.json").write_text(json.dumps(described))
    (folder / "history.csv").write_text("epoch,train_loss,val_loss\n1,0.5,0.4\n2,0.4,0.3\n")
    return folder


def test_a_training_for_all_masses_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(training_figure, "save", lambda figure, _: drawn.append(figure))
    folders = [
        trained(tmp_path / "one", "own_mass", [800.0]),
        trained(tmp_path / "all", "any_mass", [800.0, 1000.0]),
    ]
    training_figure.main(folders, 800.0, tmp_path / "training.png")
    texts = [text.get_text() for text in drawn[0].axes[0].get_legend().get_texts()]
    assert texts[:2] == ["own mass", "any mass, all $m_H$"]
