"""High-level features against closed forms, and the trees on them."""

import json
import pickle
import shutil
import tracemalloc

import numpy as np
import pytest
import torch
import xgboost
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from common.errors import ModelError
from models.config.specs import HighLevelTrees, Training
from models.networks.batch import NAMES as NAMES_OF_ARRAYS
from models.networks.batch import Events
from models.networks.high_level import NAMES, HighLevelInput, n_subjettiness
from models.training.checkpoint import WEIGHTS, load, read_tensors, write_tensors
from models.training.data import Data, Source
from models.training.inference import predict_log_odds
from models.training.stream import Stream
from models.training.training import train
from models.training.trees import TreesNetwork
from tests.models.events import FEATURES, make_arrays, make_batch, make_sample

SPEC = HighLevelTrees(name="bdt", trees=30, leaves=6, min_leaf=5)
SETTINGS = Training(accelerator="cpu")


def test_n_subjettiness_of_two_prongs():
    """Two prongs 0.6 apart: τ₁ about one axis is half of what is there times 0.6; τ₂ is zero."""
    pt = torch.tensor([[30.0, 30.0, 0.0]])
    position = torch.tensor([[[0.3, 0.0], [-0.3, 0.0], [5.0, 5.0]]])
    axes = position[:, :2]
    there = torch.ones(1, 2, dtype=torch.bool)
    assert n_subjettiness(pt, position, axes[:, :1], there[:, :1]).item() == pytest.approx(0.3)
    assert n_subjettiness(pt, position, axes, there).item() == 0.0
    assert n_subjettiness(pt, position, axes, ~there).item() == pytest.approx(0.3)


def test_tau_does_not_grow_with_the_number_of_axes():
    found, _ = HighLevelInput(FEATURES).encode(make_batch(50))
    columns = {name: found[:, 0, i] for i, name in enumerate(NAMES)}
    for jet in (1, 2):
        assert (columns[f"jet_{jet}_tau_21"] <= 1).all()
        assert (columns[f"jet_{jet}_tau_32"] <= 1).all()
        assert (columns[f"jet_{jet}_tau_1"] > 0).all()


def test_angles_between_the_jets():
    batch = make_batch(50)
    found, _ = HighLevelInput(FEATURES).encode(batch)
    columns = {name: found[:, 0, i] for i, name in enumerate(NAMES)}
    assert columns["event_delta_phi"].numpy() == pytest.approx(np.pi, abs=1e-5)
    distance = torch.hypot(columns["event_delta_eta"], columns["event_delta_phi"])
    torch.testing.assert_close(columns["event_delta_r"], distance)


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trees")
    train(SPEC, SETTINGS, data, 1, folder)
    return folder


def test_trees_separate_and_are_read_back(data, trained):
    log_odds = predict_log_odds(trained, data.validation.events, FEATURES)
    signal = data.validation.label == 1
    assert (log_odds[signal][:, None] > log_odds[~signal]).mean() > 0.8


def rows_of(network: TreesNetwork, source: Source, seed: int = 0) -> np.ndarray:
    return np.column_stack(list(network.features(source, seed).values()))


def test_of_too_many_events_a_random_choice_is_grown_on(data, trained):
    network = load(trained).network
    assert isinstance(network, TreesNetwork)
    everything = rows_of(network, data.train)
    network.spec = SPEC.model_copy(update={"max_events": 100})
    chosen, again, other = (rows_of(network, data.train, seed) for seed in (1, 1, 2))
    rows = {row.tobytes() for row in everything}
    assert len({row.tobytes() for row in chosen} & rows) == len(chosen) == 100
    np.testing.assert_array_equal(chosen, again)
    assert not np.array_equal(chosen, other)


def test_memory_is_that_of_the_events_that_are_grown_on():
    arrays = make_arrays(100)
    block = {**arrays, "label": np.arange(100) % 2, "weight": np.ones(100)}
    network = TreesNetwork(SPEC.model_copy(update={"max_events": 1000}), FEATURES)
    peaks = []
    for blocks in (50, 50, 500):  # the first fills caches and is not counted
        stream = Stream(lambda _: dict(block), np.zeros(blocks, int), 100 * blocks, 1.0, 1000)
        tracemalloc.start()
        assert len(network.features(stream)["data"]) == 1000
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < 1.05 * peaks[1]


def test_kept_trees_are_json_of_xgboost(data, trained):
    state, _ = read_tensors(trained / WEIGHTS)
    text = state["_extra_state"].numpy().tobytes()
    trees = json.loads(text)["learner"]["gradient_booster"]["model"]["trees"]
    model = load(trained)
    assert len(trees) == model.description["best_epoch"]
    assert max(tree["left_children"].count(-1) for tree in trees) <= SPEC.leaves
    assert isinstance(model.network, TreesNetwork)
    features = model.network.features(data.train)["data"]
    grown = xgboost.Booster(model_file=bytearray(text))
    expected = model.calibration(grown.inplace_predict(features, predict_type="margin"))
    np.testing.assert_allclose(predict_log_odds(trained, data.train.events), expected, atol=1e-5)


def test_trees_are_as_good_as_those_of_scikit_learn(tmp_path):
    data = Data(make_sample(2000, 3), make_sample(1000, 4), FEATURES)
    test = make_sample(4000, 5)
    spec = HighLevelTrees(name="trees")
    network = train(spec, SETTINGS, data, 1, tmp_path).network
    assert isinstance(network, TreesNetwork)
    learned, tested = (network.features(source) for source in (data.train, test))
    reference = HistGradientBoostingClassifier(
        max_iter=load(tmp_path).description["best_epoch"],
        max_leaf_nodes=spec.leaves,
        learning_rate=spec.learning_rate,
        min_samples_leaf=spec.min_leaf,
    ).fit(learned["data"], learned["label"], learned["weight"])
    scores = predict_log_odds(tmp_path, test.events), reference.decision_function(tested["data"])
    ours, theirs = (
        roc_auc_score(tested["label"], s, sample_weight=tested["weight"]) for s in scores
    )
    assert ours > theirs - 0.003


@pytest.mark.parametrize("content", [b"{", b'{"learner": 1}', pickle.dumps(SPEC)])
def test_trees_of_something_else_are_one_error(trained, tmp_path, content):
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    state, _ = read_tensors(tmp_path / WEIGHTS)
    state["_extra_state"] = torch.from_numpy(np.frombuffer(content, np.uint8).copy())
    write_tensors(tmp_path / WEIGHTS, state)
    with pytest.raises(ModelError, match=r"trees cannot be read by xgboost .*; train again"):
        load(tmp_path)


def test_trees_of_an_earlier_version_are_one_error(trained, tmp_path):
    """They were tensors of nodes."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    state, _ = read_tensors(tmp_path / WEIGHTS)
    del state["_extra_state"]
    nodes = dict.fromkeys(("feature", "child", "threshold", "value"), torch.zeros(3, 4))
    write_tensors(tmp_path / WEIGHTS, state | nodes)
    with pytest.raises(ModelError, match=r"weights of another network .*; train again"):
        load(tmp_path)


def test_trees_are_reproducible(data, trained, tmp_path):
    train(SPEC, SETTINGS, data, 1, tmp_path)
    for name in ("model.safetensors", "model.json", "history.csv"):
        assert (tmp_path / name).read_bytes() == (trained / name).read_bytes()


def test_trees_that_were_not_grown_add_nothing():
    network = TreesNetwork(SPEC, FEATURES)
    assert (network(make_batch(5)) == 0).all()


def test_events_on_their_own_score_the_same(data, trained):
    whole = predict_log_odds(trained, data.validation.events)
    arrays = {name: data.validation.events.array(name) for name in NAMES_OF_ARRAYS}
    part = Events(arrays, np.arange(7))
    np.testing.assert_allclose(predict_log_odds(trained, part), whole[:7], atol=1e-5)
