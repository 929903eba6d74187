"""A trained network as ONNX: the same log-odds as torch, from the same tensors."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from pydantic import TypeAdapter

from common.errors import ModelError
from common.features import OBJECT_FEATURES
from models.config.specs import Features, NetworkSpec, Training
from models.networks.batch import Events, Sample
from models.training.checkpoint import load
from models.training.export import TOLERANCE, export, score
from models.training.inference import predict_log_odds
from models.training.training import Data, train
from tests.models.events import make_arrays, with_objects

SHORT = Training(epochs=1, batch_size=64, accelerator="cpu")
SMALL = {"width": 16, "heads": 2}  # the time to export goes with the number of layers
ONE_LAYER = {
    "kinematics_layers": 1,
    "cross_layers": 1,
    "jet_encoder": {"kind": "self_attention", "layers": 1},
}
NETWORKS = [
    {"architecture": "cross_attention", **SMALL, **ONE_LAYER},
    {"architecture": "cross_attention", **SMALL, **ONE_LAYER, "fusion": "sum"},
    {"architecture": "kinematics", **SMALL},
    {
        "architecture": "particle_transformer",
        "layers": 1,
        "class_layers": 1,
        "heads": 2,
        "embedding": (16,),
        "pair_embedding": (),
    },
    {"architecture": "lorentz_net", "width": 8, "layers": 2},
    {"architecture": "high_level_mlp"},
    {"architecture": "lorentz_net", "objects": 20, "width": 8, "layers": 1},
]


def arrays_for(network: Any, count: int, seed: int) -> dict[str, np.ndarray]:
    """Return events, with objects of the whole event for a network of them."""
    arrays = make_arrays(count, seed)
    return with_objects(arrays) if network.event_objects else arrays


@pytest.fixture(scope="module", params=NETWORKS, ids=lambda spec: spec["architecture"])
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a trained model and its ONNX file."""
    folder = tmp_path_factory.mktemp("exported")
    network: Any = TypeAdapter(NetworkSpec).validate_python({"name": "net", **request.param})
    learned, validated = (
        Sample(Events(arrays_for(network, count, seed)), np.arange(count) % 2, np.ones(count))
        for count, seed in ((200, 1), (100, 2))
    )
    features = Features(objects=OBJECT_FEATURES if network.event_objects else ())
    train(network, SHORT, Data(learned, validated, features), 1, folder)
    events = Events(arrays_for(network, 5, seed=8))
    assert export(folder, events, folder / "net.onnx") <= TOLERANCE
    return folder


@pytest.mark.parametrize("count", [1, 300])
def test_onnx_gives_what_torch_gives(exported: Path, count: int) -> None:
    events = Events(arrays_for(load(exported).spec, count, seed=9))
    torch_gives = predict_log_odds(exported, events, accelerator="cpu")
    np.testing.assert_allclose(
        score(exported / "net.onnx", events), torch_gives, rtol=1e-5, atol=1e-5
    )
    assert count == 1 or np.ptp(torch_gives) > 1e-3


def test_onnx_names_its_features(exported: Path) -> None:
    found = {p.key: p.value for p in onnx.load(exported / "net.onnx").metadata_props}
    assert json.loads(found["features"])["kinematics"][-1] == "theta"
    assert json.loads(found["network"])["name"] == "net"


def test_onnx_ignores_what_padding_holds(exported: Path) -> None:
    arrays = arrays_for(load(exported).spec, 20, seed=3)
    masks = {"constituents": "constituent_mask", "objects": "object_mask"}
    noisy = arrays | {
        name: np.where(arrays[mask][..., None], arrays[name], np.float32(7))
        for name, mask in masks.items()
        if name in arrays
    }
    found = [score(exported / "net.onnx", Events(a)) for a in (arrays, noisy)]
    np.testing.assert_allclose(*found, atol=1e-6)


def test_a_missing_model_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not exist; train the network first"):
        export(tmp_path / "nowhere", Events(make_arrays(2)), tmp_path / "net.onnx")


HYPOT = """
import torch
from torch import nn


class Hypot(nn.Module):
    def __init__(self, spec, features):
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def forward(self, batch):
        x = batch.kinematics[:, :2, 0]
        return self.layer(torch.hypot(x, x) / 1000)
"""


def test_what_onnx_cannot_hold_is_named_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(HYPOT)
    own = {"name": "own", "architecture": "custom", "target": f"{tmp_path}/net.py:Hypot"}
    network: Any = TypeAdapter(NetworkSpec).validate_python(own)
    sample = Sample(Events(make_arrays(20)), np.arange(20) % 2, np.ones(20))
    train(network, SHORT, Data(sample, sample, Features()), 1, tmp_path)
    with pytest.raises(ModelError, match=r"cannot be written as ONNX: .*hypot") as error:
        export(tmp_path, Events(make_arrays(2)), tmp_path / "net.onnx")
    assert not {"\x1b", "\n"} & set(str(error.value))
