"""Scores of mixed events: each jet encoded once, or each pair as an event."""

from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter

from analysis.datasets.mixing import mixed_events
from analysis.evaluation.mixed_pairs import Pairs
from common.features import CONSTITUENT_FEATURES, KINEMATIC_FEATURES, SUBJET_FEATURES
from models.config.specs import NetworkSpec
from models.networks.batch import Events
from models.networks.normalisation import fit_normalisation
from models.networks.registry import build
from models.networks.steps import TwoStepNetwork
from models.training.checkpoint import TrainedModel
from tests.models.events import FEATURES, make_arrays
from workflow.pipeline import scoring

COLUMNS = CONSTITUENT_FEATURES, SUBJET_FEATURES
COUNT = 60
NETWORKS: list[dict[str, Any]] = [
    {"architecture": "cross_attention"},
    {"architecture": "cross_attention", "fusion": "sum"},
    {"architecture": "cross_attention", "jet_encoder": {"kind": "iaformer", "layers": 1}},
    {"architecture": "cross_attention", "jet_encoder": {"kind": "mixer", "tokens": 12}},
    {"architecture": "concatenation"},
    {"architecture": "concatenation", "constituent_features": ["eta", "phi", "deta", "log_pt"]},
    {"architecture": "kinematics"},
]
APART = [0, 1, 4, 6]
"""Those that are not told where a jet is by what is inside it."""


@pytest.fixture(scope="module")
def events() -> dict[str, np.ndarray]:
    arrays = make_arrays(COUNT, seed=3)
    mass, eta, pt = (
        arrays["kinematics"][..., KINEMATIC_FEATURES.index(name)] for name in ("mass", "eta", "pt")
    )
    energy = np.hypot(pt * np.cosh(eta), mass)
    arrays["kinematics"][..., KINEMATIC_FEATURES.index("energy")] = energy
    return arrays


def model_of(
    spec: Any, events: dict[str, np.ndarray], both_orders: bool, seed: int
) -> TrainedModel:
    torch.manual_seed(seed)
    network = build(spec, FEATURES).eval()
    batch = Events(events)[np.arange(COUNT)].replace(mass=torch.linspace(700, 1600, COUNT))
    fit_normalisation(network, [batch])
    calibration = {"method": "platt", "slope": 1.0, "offset": 0.0}
    return TrainedModel(
        network, spec, FEATURES, {"both_orders": both_orders, "calibration": calibration}
    )


@pytest.mark.parametrize("both_orders", [True, False])
@pytest.mark.parametrize("number", range(len(NETWORKS)))
def test_a_jet_that_is_encoded_once_scores_as_in_each_pair(
    number: int, both_orders: bool, events: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    block = {"name": "n", "width": 16, "heads": 2, "mass_token": True, **NETWORKS[number]}
    spec: Any = TypeAdapter(NetworkSpec).validate_python(block)
    models = [model_of(spec, events, both_orders, seed) for seed in (1, 2)]
    rng = np.random.default_rng(4)
    fold = np.arange(COUNT) % 2
    first = rng.integers(COUNT, size=300)
    second = (first + 2 * rng.integers(COUNT, size=300)) % COUNT
    pairs = Pairs(first, second, np.ones(300))
    seen = []
    if isinstance(models[0].network, TwoStepNetwork):
        for model in models:
            inner = model.network.encode_jet
            monkeypatch.setattr(
                model.network,
                "encode_jet",
                lambda jet, place, inner=inner: (
                    seen.append(len(jet.kinematics)) or inner(jet, place)
                ),
            )
    found = scoring.crossed_pairs(models, events, pairs, fold, COLUMNS, 1000.0, "cpu")
    mixed = mixed_events(events, first, second, *COLUMNS)
    once = sum(seen)
    whole = scoring.crossed(models, mixed, fold[first], (1000.0,), "cpu")[0]
    np.testing.assert_allclose(found, whole, atol=2e-5)
    nobody = Pairs(first[:0], second[:0], np.empty(0))
    none = scoring.crossed_pairs(models, events, nobody, fold, COLUMNS, 1000.0, "cpu")
    assert none.shape == (0,)
    assert np.ptp(found) > 0.01
    if number in APART:
        jets = len(np.unique(first)) + len(np.unique(second))
        assert once == jets * (1 + both_orders)
