"""What docs/networks.md promises: the network written there trains and scores."""

import re
import sys
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

from models.config.specs import NetworkSpec, Training
from models.training.inference import predict_log_odds
from models.training.training import train
from tests.models.events import FEATURES

PAGE = Path(__file__).parents[2] / "docs" / "networks.md"


@pytest.fixture
def blocks() -> dict[str, str]:
    return dict(re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))


@pytest.mark.parametrize("by", ["file", "module"])
def test_a_network_of_ones_own_as_documented(blocks, data, tmp_path, monkeypatch, by):
    (tmp_path / "my_networks.py").write_text(blocks["python"], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    (found,) = yaml.safe_load(blocks["yaml"])["networks"]
    if by == "module":
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "my_networks", raising=False)
        found["target"] = found["target"].replace(".py:", ":")
    spec = TypeAdapter(NetworkSpec).validate_python(found)
    settings = Training(epochs=15, batch_size=64, learning_rate=1e-2, accelerator="cpu")
    train(spec, settings, data, 1, tmp_path / "model")
    scores = predict_log_odds(tmp_path / "model", data.validation.events, FEATURES)
    signal = data.validation.label == 1
    assert (scores[signal][:, None] > scores[~signal]).mean() > 0.8


def test_every_architecture_is_documented():
    text = PAGE.read_text(encoding="utf-8")
    schema = TypeAdapter(NetworkSpec).json_schema()
    for name in schema["discriminator"]["mapping"]:
        assert f"`{name}`" in text
