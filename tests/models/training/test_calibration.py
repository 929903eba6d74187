"""Calibration of trained networks: fitted, stored, applied, and changing no order."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from common.errors import ModelError
from models.config.specs import Kinematics, Training
from models.networks.batch import Batch
from models.training.calibration import Calibration, fit_calibration
from models.training.data import in_order
from models.training.inference import log_odds, predict_log_odds
from models.training.training import Data, train
from tests.models.events import make_sample

SPEC = Kinematics(name="k", width=8, heads=1)


class Truth(nn.Module):
    """Logits whose difference, divided by 3 and shifted, is the true log-odds of the label."""

    def forward(self, batch: Batch) -> torch.Tensor:
        logit = batch.kinematics[:, 0, 0]
        return torch.stack([torch.zeros_like(logit), 3 * (logit - 0.5)], dim=1)


def loss(log_odds: np.ndarray, label: np.ndarray, weight: np.ndarray) -> float:
    return float(np.average(np.logaddexp(0, np.where(label, -1, 1) * log_odds), weights=weight))


def test_a_known_distortion_is_undone() -> None:
    rng = np.random.default_rng(1)
    true = rng.normal(0, 2, 4000).astype(np.float32)
    sample = make_sample(4000, 1)
    arrays = {
        name: sample.events.array(name)
        for name in ("constituents", "constituent_mask", "subjets", "subjet_mask", "kinematics")
    }
    arrays["kinematics"][:, 0, 0] = true
    label = (rng.random(4000) < 1 / (1 + np.exp(-true))).astype(int)
    sample = replace(sample, events=type(sample.events)(arrays), label=label)
    found = fit_calibration(Truth(), in_order(sample, 512, 1), "platt")
    assert found.slope == pytest.approx(1 / 3, rel=0.1)
    assert found.offset == pytest.approx(0.5, abs=0.15)
    alone = fit_calibration(Truth(), in_order(sample, 512, 1), "temperature")
    assert alone.offset == 0
    assert fit_calibration(Truth(), in_order(sample, 512, 1), "none") == Calibration()


@pytest.mark.parametrize("method", ["platt", "temperature", "none"])
def test_a_training_stores_its_calibration_and_scores_with_it(
    data: Data, tmp_path: Path, method: str
) -> None:
    settings = Training(
        epochs=6, batch_size=16, learning_rate=0.02, accelerator="cpu", calibration=method
    )
    model = train(SPEC, settings, data, 1, tmp_path)
    held = json.loads((tmp_path / "model.json").read_text())["calibration"]
    assert Calibration(**held) == model.calibration
    assert (model.calibration == Calibration()) == (method == "none")
    validation = data.validation
    raw = log_odds(model.network, validation.events, both_orders=model.both_orders)
    scored = predict_log_odds(tmp_path, validation.events, accelerator="cpu")
    np.testing.assert_array_equal(scored, model.calibration(raw))
    np.testing.assert_array_equal(np.argsort(scored, kind="stable"), np.argsort(raw, kind="stable"))
    known = (np.asarray(validation.label) == 1, np.asarray(validation.weight))
    assert loss(scored, *known) <= loss(raw, *known)


def test_a_model_from_before_is_taken_as_it_is(data: Data, tmp_path: Path) -> None:
    model = train(SPEC, Training(epochs=1, accelerator="cpu"), data, 1, tmp_path)
    description = json.loads((tmp_path / "model.json").read_text())
    del description["calibration"], description["both_orders"]
    (tmp_path / "model.json").write_text(json.dumps(description))
    found = predict_log_odds(tmp_path, data.validation.events, accelerator="cpu")
    np.testing.assert_array_equal(found, log_odds(model.network, data.validation.events))


@pytest.mark.parametrize(
    "held", [{"offset": 0, "slope": -1}, {"slope": 1}, [0, 1], {"offset": "x"}]
)
def test_a_calibration_that_would_reverse_events_is_refused(
    data: Data, tmp_path: Path, held: object
) -> None:
    train(SPEC, Training(epochs=1, accelerator="cpu"), data, 1, tmp_path)
    description = json.loads((tmp_path / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps(description | {"calibration": held}))
    with pytest.raises(ModelError, match="calibration"):
        predict_log_odds(tmp_path, data.validation.events, accelerator="cpu")
