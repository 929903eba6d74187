"""Training: learns, is reproducible, goes on after an interruption, and says what is wrong."""

import json
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from common.errors import ModelError
from common.features import OBJECT_FEATURES
from models.config.specs import CrossAttention, Custom, Features, Kinematics, LorentzNet, Training
from models.networks.batch import NAMES, Events, Sample
from models.training.checkpoint import load, write_tensors
from models.training.inference import predict_log_odds
from models.training.loop import average_decay, blamed, learning_rate_factor
from models.training.resume import STATE, Progress, fingerprint
from models.training.training import Data, train
from tests.models.events import FEATURES, make_arrays, make_batch, make_sample, with_objects

SPEC = CrossAttention(name="n", width=16, heads=2, dropout=0.1)
SHORT = Training(epochs=4, batch_size=64, accelerator="cpu")
FILES = {"model.safetensors", "model.json", "history.csv"}


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    train(SPEC, SHORT, data, 1, folder, {"code_version": "abc"})
    return folder


def history_of(folder: Path) -> np.ndarray:
    return np.genfromtxt(folder / "history.csv", delimiter=",", names=True)


def test_the_loss_falls_and_the_score_separates(data, trained):
    history = history_of(trained)
    assert history["val_loss"][-1] < 0.9 * history["val_loss"][0]
    scores = predict_log_odds(trained, data.validation.events, FEATURES)
    assert scores.dtype == np.float64
    signal = data.validation.label == 1
    assert (scores[signal][:, None] > scores[~signal]).mean() > 0.75


@pytest.mark.parametrize("exchange_jets", [True, False])
def test_a_score_is_that_of_both_orders_where_jets_were_exchanged(data, tmp_path, exchange_jets):
    settings = SHORT.model_copy(update={"epochs": 1, "exchange_jets": exchange_jets})
    train(SPEC, settings, data, 1, tmp_path)
    events = data.validation.events
    batch = events[np.arange(len(events))].exchanged()
    other = Events({name: getattr(batch, name).numpy() for name in NAMES})
    difference = np.subtract(*(predict_log_odds(tmp_path, x, FEATURES) for x in (events, other)))
    assert (np.abs(difference).max() < 1e-5) == exchange_jets


OWN = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, spec, features):
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, batch):
        masses = batch.kinematics[:, :2, 0].log()
        return self.layer(torch.cat([masses, batch.object_mask.sum(1, keepdim=True)], 1))
"""


@pytest.mark.parametrize(
    ("spec", "exchanged"),
    [
        (Custom(name="own", target="net.py:Net", architecture="custom", objects=20), True),
        (LorentzNet(name="free", objects=20, width=4, layers=1), False),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_only_networks_without_fat_jets_are_scored_in_one_order(tmp_path, spec, exchanged):
    (tmp_path / "net.py").write_text(OWN)
    if isinstance(spec, Custom):
        spec = spec.model_copy(update={"target": f"{tmp_path}/{spec.target}"})
    sample = Sample(Events(with_objects(make_arrays(40))), np.arange(40) % 2, np.ones(40))
    features = Features(objects=OBJECT_FEATURES)
    short = SHORT.model_copy(update={"epochs": 1})
    model = train(spec, short, Data(sample, sample, features), 1, tmp_path)
    assert model.both_orders is exchanged


def test_only_the_promised_files_appear(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train(Kinematics(name="k", width=8, heads=1), SHORT, data, 1, tmp_path / "model")
    assert {path.name for path in tmp_path.rglob("*")} == FILES | {"model"}


def test_a_kept_state_makes_the_same_model_again_without_training(data, tmp_path, monkeypatch):
    folder = tmp_path / "model"
    train(SPEC, SHORT, data, 1, folder, keep_state=True)
    made = {name: (folder / name).read_bytes() for name in FILES}
    for name in FILES:
        (folder / name).unlink()
    monkeypatch.setattr("models.training.training.Loop", None)
    train(SPEC, SHORT, data, 1, folder, keep_state=True)
    assert {name: (folder / name).read_bytes() for name in FILES} == made
    assert (folder / STATE).exists()


def test_the_description_tells_what_was_trained(trained):
    description = json.loads((trained / "model.json").read_text())
    assert description["network"] == SPEC.model_dump(mode="json")
    assert description["training"]["epochs"] == 4
    assert description["features"]["kinematics"][-1] == "theta"
    assert description["seed"] == 1
    assert description["code_version"] == "abc"
    assert description["versions"]["torch"] == torch.__version__
    network = load(trained).network
    assert description["parameters"] == sum(p.numel() for p in network.parameters())


def test_the_weights_are_those_of_the_best_epoch(data, tmp_path):
    settings = SHORT.model_copy(update={"learning_rate": 0.3, "epochs": 6, "calibration": "none"})
    model = train(SPEC, settings, data, 1, tmp_path)
    history = history_of(tmp_path)
    best = int(np.argmin(history["val_loss"]))
    assert best < 5
    assert model.description["best_epoch"] == best + 1
    log_odds = predict_log_odds(tmp_path, data.validation.events)
    signed = np.where(data.validation.label == 1, -log_odds, log_odds)
    loss = np.average(np.logaddexp(0, signed), weights=data.validation.weight)
    assert loss == pytest.approx(history["val_loss"][best], rel=1e-4)


def test_early_stopping(data, tmp_path):
    settings = Training(epochs=50, batch_size=64, learning_rate=0.3, patience=2, accelerator="cpu")
    train(SPEC, settings, data, 1, tmp_path)
    history = history_of(tmp_path)
    assert len(history) == np.argmin(history["val_loss"]) + 3 < 50


def test_the_same_seed_gives_the_same_files_and_another_does_not(data, trained, tmp_path):
    train(SPEC, SHORT, data, 1, tmp_path / "same", {"code_version": "abc"})
    train(SPEC, SHORT, data, 2, tmp_path / "other")
    for name in FILES:
        assert (tmp_path / "same" / name).read_bytes() == (trained / name).read_bytes()
    assert (tmp_path / "other/history.csv").read_bytes() != (trained / "history.csv").read_bytes()


class KilledError(Exception):
    """Stands for kill -9."""


@pytest.mark.parametrize(("ema", "exchange_jets"), [(0.0, False), (0.99, True)])
@pytest.mark.parametrize("finished", [1, 3])
def test_an_interrupted_training_ends_as_an_undisturbed_one(
    data, tmp_path, monkeypatch, ema, exchange_jets, finished
):
    settings = SHORT.model_copy(update={"ema": ema, "exchange_jets": exchange_jets})
    train(SPEC, settings, data, 1, tmp_path / "undisturbed")
    store = Progress.store

    def store_and_die(self, *args):
        store(self, *args)
        if len(self.history) == finished:
            raise KilledError

    monkeypatch.setattr(Progress, "store", store_and_die)
    with pytest.raises(KilledError):
        train(SPEC, settings, data, 1, tmp_path / "resumed")
    assert {path.name for path in (tmp_path / "resumed").iterdir()} == {STATE}
    epochs = []

    def store_and_count(self, *args):
        epochs.append(len(self.history))
        store(self, *args)

    monkeypatch.setattr(Progress, "store", store_and_count)
    train(SPEC, settings, data, 1, tmp_path / "resumed")
    assert epochs == list(range(finished + 1, 5))
    assert {path.name for path in (tmp_path / "resumed").iterdir()} == FILES
    for name in FILES:
        resumed = (tmp_path / "resumed" / name).read_bytes()
        assert resumed == (tmp_path / "undisturbed" / name).read_bytes()


def test_the_average_forgets_the_random_weights_of_the_beginning():
    """Of weights that rise by one a step, it lags a tenth of the steps, then 1/(1 − decay)."""
    average, lags = 0.0, []
    for step in range(1, 2001):
        decay = average_decay(0.99, step)
        average = decay * average + (1 - decay) * step
        lags.append((step - average) / step)
    assert max(lags) < 0.2
    assert lags[199] == pytest.approx(0.1, abs=0.01)
    assert 2000 * lags[-1] == pytest.approx(99, rel=0.01)
    assert average_decay(0.0, 5) == 0


def test_the_statistics_of_a_batch_norm_are_averaged_with_its_weights(tmp_path):
    network, progress = torch.nn.BatchNorm1d(1, affine=True), Progress(tmp_path, "x")
    progress.average(network, 0.75)
    with torch.no_grad():
        network.weight.fill_(5.0)
        network.running_mean.fill_(8.0)
    progress.average(network, 0.75)
    progress.swap_ema(network)
    assert (network.weight.item(), network.running_mean.item()) == (2.0, 2.0)
    progress.swap_ema(network)
    assert (network.weight.item(), network.running_mean.item()) == (5.0, 8.0)


@pytest.mark.parametrize("content", [pickle.dumps({"epoch": 3}), b"", None])
def test_a_state_that_does_not_fit_is_not_taken_up(data, trained, tmp_path, content):
    if content is None:
        write_tensors(tmp_path / STATE, {"network/x": torch.zeros(1)}, {"identity": "another"})
    else:
        (tmp_path / STATE).write_bytes(content)
    train(SPEC, SHORT, data, 1, tmp_path, {"code_version": "abc"})
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (trained / name).read_bytes()


def changed_in(data: Data, name: str, side: str) -> Data:
    """Return the events with one array of one side changed in one event."""
    sample = getattr(data, side)
    arrays = {key: np.array(sample.events.array(key)) for key in NAMES}
    arrays[name].flat[0] = not arrays[name].flat[0]
    return replace(data, **{side: Sample(Events(arrays), sample.label, sample.weight)})


@pytest.mark.parametrize("side", ["train", "validation"])
@pytest.mark.parametrize("name", NAMES)
def test_every_array_that_is_read_decides_on_going_on(data, name, side):
    changed = changed_in(data, name, side)
    before, after = (fingerprint(SPEC, SHORT, events, 1) for events in (data, changed))
    assert before != after


def test_sources_and_settings_decide_on_going_on(data):
    other = SHORT.model_copy(update={"learning_rate": 0.1})
    calls = [(SHORT, 1, "a"), (SHORT, 1, "b"), (SHORT, 2, "a"), (other, 1, "a")]
    found = {fingerprint(SPEC, training, data, seed, code) for training, seed, code in calls}
    assert len(found) == len(calls)
    more_threads = SHORT.model_copy(update={"threads": 3, "seeds": (5,)})
    assert fingerprint(SPEC, more_threads, data, 1, "a") in found


@pytest.mark.parametrize("what", ["constituents", "constituent_mask", "code"])
def test_a_training_of_other_inputs_or_code_starts_anew(data, tmp_path, monkeypatch, what):
    store = Progress.store

    def store_and_die(self, *args):
        store(self, *args)
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "store", store_and_die)
        with pytest.raises(KilledError):
            train(SPEC, SHORT, data, 1, tmp_path / "killed", code="old")
    if what != "code":
        data = changed_in(data, what, "train")
    train(SPEC, SHORT, data, 1, tmp_path / "killed", code="new" if what == "code" else "old")
    train(SPEC, SHORT, data, 1, tmp_path / "undisturbed")
    for name in FILES:
        killed = (tmp_path / "killed" / name).read_bytes()
        assert killed == (tmp_path / "undisturbed" / name).read_bytes()


def test_a_state_with_a_flipped_bit_is_not_taken_up(data, trained, tmp_path, monkeypatch):
    store = Progress.store

    def store_and_die(self, *args):
        store(self, *args)
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "store", store_and_die)
        with pytest.raises(KilledError):
            train(SPEC, SHORT, data, 1, tmp_path, {"code_version": "abc"})
    state = tmp_path / STATE
    state.write_bytes(flip_a_bit(state.read_bytes()))
    train(SPEC, SHORT, data, 1, tmp_path, {"code_version": "abc"})
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (trained / name).read_bytes()


def test_events_on_disk_train_as_those_in_memory(data, trained, tmp_path):
    samples = []
    with h5py.File(tmp_path / "data.h5", "w") as file:
        for name, count, seed in (("train", 300, 1), ("validation", 200, 2)):
            group = file.create_group(name)
            for key, array in make_arrays(count, seed).items():
                group[key] = array
            there = getattr(data, name)
            samples.append(Sample(Events(group), there.label, there.weight))
        train(SPEC, SHORT, Data(*samples, FEATURES), 1, tmp_path / "m", {"code_version": "abc"})
    for name in FILES:
        assert (tmp_path / "m" / name).read_bytes() == (trained / name).read_bytes()


def test_rows_pick_events_in_their_order(tmp_path):
    arrays = make_arrays(20)
    rows = np.array([7, 3, 11, 2])
    with h5py.File(tmp_path / "data.h5", "w") as file:
        for key, array in arrays.items():
            file[key] = array
        for events in (Events(arrays, rows), Events(file, rows)):
            batch = events[np.array([3, 0])]
            for name in NAMES:
                np.testing.assert_array_equal(getattr(batch, name), arrays[name][[2, 7]])


def test_weights_decide(data, tmp_path):
    """An event's weight counts like so many copies of the event."""
    events = make_arrays(60, 5)
    label = np.arange(60) % 2
    weight = np.where(np.arange(60) < 30, 2.0, 1.0)
    twice = np.concatenate([np.arange(60), np.arange(30)])
    settings = Training(
        epochs=1, batch_size=1000, learning_rate=1e-9, exchange_jets=False, accelerator="cpu"
    )
    losses = []
    for rows, w in ((np.arange(60), weight), (twice, np.ones(90))):
        sample = Sample(Events(events, rows), label[rows], w)
        network = Kinematics(name="k", dropout=0.0)
        train(network, settings, Data(sample, data.validation, FEATURES), 1, tmp_path)
        losses.append(history_of(tmp_path)["train_loss"])
    # the constants of the normalisation see copies, not weights: hence not equal to the last digit
    assert losses[0] == pytest.approx(losses[1], rel=2e-3)


def test_gradients_are_clipped(data, tmp_path):
    """A gradient that is clipped far below AdamW's ε moves nothing."""
    moved = []
    for clip in (1.0, 1e-14):
        settings = Training(
            epochs=3, batch_size=64, gradient_clip=clip, weight_decay=0, accelerator="cpu"
        )
        folder = tmp_path / str(clip)
        train(Kinematics(name="k", dropout=0.0), settings, data, 1, folder)
        rows = (folder / "history.csv").read_text().splitlines()[1:]
        losses = [float(row.split(",")[2]) for row in rows]
        moved.append(max(losses) - min(losses))
    assert moved[1] < 1e-4 * moved[0]


def test_learning_rate_rises_then_falls_to_zero():
    rates = [learning_rate_factor(step, 10, 100) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == max(rates) == 1.0
    assert (np.diff(rates[10:]) < 0).all()
    assert rates[100] == pytest.approx(0.0)


def test_divergence_is_one_clear_error(data, tmp_path):
    settings = SHORT.model_copy(update={"learning_rate": 1e18})
    with pytest.raises(ModelError, match=r"diverged.*lower training.learning_rate"):
        train(SPEC, settings, data, 1, tmp_path)
    assert not FILES & {path.name for path in tmp_path.iterdir()}


def test_nan_in_the_events_is_found_before_training(data, tmp_path):
    arrays = make_arrays(300, 1)
    arrays["kinematics"][17, 0, 0] = np.nan
    broken = Sample(Events(arrays), data.train.label, data.train.weight)
    with pytest.raises(ModelError, match="NaN or infinite"):
        train(SPEC, SHORT, Data(broken, data.validation, FEATURES), 1, tmp_path)


@pytest.mark.parametrize(
    ("label", "weight", "message"),
    [
        (np.zeros(10), np.ones(10), "no signal event"),
        (np.ones(10), np.ones(10), "no background event"),
        (np.arange(10) % 2, np.arange(10) % 2, "no background event"),
        (np.arange(10) % 2, -np.ones(10), "not negative"),
        (np.arange(10) % 2, np.full(10, np.nan), "finite"),
        (np.arange(9) % 2, np.ones(10), "equally many"),
    ],
)
def test_samples_that_cannot_be_trained_on(label, weight, message):
    with pytest.raises(ModelError, match=message):
        Sample(Events(make_arrays(10)), label, weight)


def test_arrays_that_do_not_fit():
    arrays = make_arrays(10)
    with pytest.raises(ModelError, match="no array subjets"):
        Events({name: array for name, array in arrays.items() if name != "subjets"})
    with pytest.raises(ModelError, match="differ in length"):
        Events({**arrays, "kinematics": arrays["kinematics"][:9]})


def copy(folder: Path, to: Path) -> Path:
    for name in FILES:
        (to / name).write_bytes((folder / name).read_bytes())
    return to


class Payload:
    """A pickle that leaves a trace where it is loaded."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return (os.mkdir, (str(self.trace),))


def flip_a_bit(content: bytes) -> bytes:
    """Return the file with one bit changed in the middle of its tensors."""
    position = (8 + int.from_bytes(content[:8], "little") + len(content)) // 2
    return content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]


@pytest.mark.parametrize("damage", ["pickle", "torch", "truncated", "empty", "garbage", "flipped"])
def test_damaged_weights_are_refused_and_run_nothing(trained, tmp_path, damage):
    weights = copy(trained, tmp_path) / "model.safetensors"
    good, trace = weights.read_bytes(), tmp_path / "trace"
    if damage == "torch":
        torch.save({"w": Payload(trace)}, weights)
    else:
        content = {
            "pickle": pickle.dumps(Payload(trace)),
            "truncated": good[: len(good) // 2],
            "empty": b"",
            "flipped": flip_a_bit(good),
            "garbage": bytes(range(256)) * 40,
        }
        weights.write_bytes(content[damage])
    with pytest.raises(ModelError, match=r"model\.safetensors is (not a readable|damaged)"):
        load(tmp_path)
    assert not trace.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"network": {"architecture": "kinematics", "name": "k"}}, "weights of another network"),
        ({"network": {"architecture": "unheard", "name": "k"}}, "unheard"),
        ({"format": 99}, "has format 99, this version reads 1"),
        ({"features": {"colour": []}}, "colour"),
    ],
)
def test_a_checkpoint_of_something_else(trained, tmp_path, change, message):
    path = copy(trained, tmp_path) / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ModelError, match=message):
        load(tmp_path)


def test_a_checkpoint_of_other_sizes(trained, tmp_path):
    path = copy(trained, tmp_path) / "model.json"
    description = json.loads(path.read_text())
    description["network"]["width"] = 32
    path.write_text(json.dumps(description))
    with pytest.raises(ModelError, match="weights of another network"):
        load(tmp_path)


def test_missing_files(trained, tmp_path):
    with pytest.raises(ModelError, match=r"model\.json does not exist"):
        load(tmp_path)
    copy(trained, tmp_path)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"model\.safetensors does not exist"):
        load(tmp_path)


def test_features_other_than_those_of_the_training(data, trained):
    other = Features(constituents=FEATURES.constituents[::-1])
    with pytest.raises(ModelError, match="trained on constituents"):
        predict_log_odds(trained, data.validation.events, other)


def test_events_that_give_no_finite_score(trained):
    arrays = make_arrays(10)
    arrays["kinematics"][3] = np.nan
    with pytest.raises(ModelError, match="1 of 10 events, the first is number 3"):
        predict_log_odds(trained, Events(arrays))


def test_scores_do_not_depend_on_the_batch_size(data, trained):
    one = predict_log_odds(trained, data.validation.events, batch_size=7)
    other = predict_log_odds(trained, data.validation.events, batch_size=1000)
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_half_precision_ends_near_full_precision(data, trained, tmp_path):
    """In bf16 the losses agree to its 8 bits; the weights stay in single precision."""
    model = train(SPEC, SHORT.model_copy(update={"precision": "bf16-mixed"}), data, 1, tmp_path)
    assert {tensor.dtype for tensor in model.network.parameters()} == {torch.float32}
    for column in ("train_loss", "val_loss"):
        near = history_of(trained)[column]
        np.testing.assert_allclose(history_of(tmp_path)[column], near, rtol=2**-5)
        assert (history_of(tmp_path)[column] != near).all()


def test_a_compiled_network_trains_to_the_same(data, trained, tmp_path, monkeypatch):
    """Traced and run by PyTorch's own kernels here: making new ones takes a compiler a minute."""
    compiled = []

    def trace(function):
        compiled.append(function)
        return torch.compile(function, backend="eager")

    monkeypatch.setattr("models.training.loop.compiled", trace)
    model = train(SPEC, SHORT.model_copy(update={"compile": True}), data, 1, tmp_path)
    assert len(compiled) == 1
    np.testing.assert_allclose(
        history_of(tmp_path)["val_loss"], history_of(trained)["val_loss"], rtol=1e-4
    )
    assert model.network.state_dict().keys() == load(trained).network.state_dict().keys()


def test_a_machine_that_cannot_compile_is_told_so(data, tmp_path, monkeypatch):
    def no_compiler(*_):
        raise RuntimeError("no C++ compiler found")

    monkeypatch.setattr(
        "models.training.loop.compiled", lambda network: torch.compile(network, backend=no_compiler)
    )
    with pytest.raises(ModelError, match=r"training.compile: .*no C\+\+ compiler.*set it to false"):
        train(SPEC, SHORT.model_copy(update={"compile": True}), data, 1, tmp_path)


def test_a_network_that_fails_by_itself_is_not_the_compilers_fault():
    def fails(_):
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        blamed(fails, fails)(make_batch(2))


def test_stored_weights_hold_the_normalisation(trained):
    names = load_file(trained / "model.safetensors").keys()
    assert "kinematics.input.standardise.mean" in names


def test_specifications_are_read_without_torch():
    code = "import sys, models.config.specs; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path.cwd()).returncode == 0


def test_seeds_must_be_distinct():
    with pytest.raises(ValueError, match="distinct"):
        Training(seeds=(1, 1))


def test_samples_are_what_they_were(data):
    """The fixture is shared: training must not write into it."""
    np.testing.assert_array_equal(data.train.weight, make_sample(300, 1).weight)
