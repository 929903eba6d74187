"""One network for all m_H: the mass hypothesis as an input token."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from common.errors import ModelError
from models.config.specs import Kinematics, Training
from models.networks.batch import Sample
from models.networks.hypotheses import FLOOR, Hypotheses
from models.networks.inputs import MassInput
from models.networks.registry import build
from models.training.data import Batches
from models.training.inference import predict_log_odds
from models.training.training import Data, train
from tests.models.events import FEATURES, make_batch, make_sample

SPEC = Kinematics(name="n", width=16, heads=2, mass_token=True)
SETTINGS = Training(epochs=20, batch_size=32, learning_rate=1e-2, accelerator="cpu")


def sample_of(count: int, seed: int) -> Sample:
    """Return events whose signal mass is m(H) and nothing else tells signal from background."""
    plain = make_sample(count, seed)
    rng = np.random.default_rng(seed)
    mass = rng.choice([600.0, 1000.0, 2000.0], size=count)
    tensors = {
        name: plain.events.array(name)
        for name in ("constituents", "constituent_mask", "subjets", "subjet_mask", "kinematics")
    }
    tensors["kinematics"][:, 2, 0] = mass * rng.normal(1, 0.05, count)
    tensors["kinematics"][:, :2, 0] = 125
    return Sample(
        type(plain.events)(tensors),
        plain.label,
        plain.weight,
        np.where(plain.label == 1, mass, np.nan),
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mass")
    data = Data(sample_of(600, 1), sample_of(300, 2), FEATURES)
    train(SPEC, SETTINGS, data, 1, folder)
    return folder, data


def test_the_score_peaks_at_its_own_hypothesis(trained):
    folder, data = trained
    signal = data.validation.label == 1
    masses = np.array([600.0, 1000.0, 2000.0])
    log_odds = [
        predict_log_odds(folder, data.validation.events, FEATURES, mass_gev=mass) for mass in masses
    ]
    preferred = masses[np.argmax(log_odds, axis=0)]
    assert (preferred[signal] == data.validation.mass[signal]).mean() > 0.9


def test_scoring_without_a_hypothesis_says_what_is_missing(trained):
    folder, data = trained
    with pytest.raises(ModelError, match=r"mass_token: true.*give the mass hypothesis"):
        predict_log_odds(folder, data.validation.events, FEATURES)
    with pytest.raises(ModelError, match="mass_token"):
        build(SPEC, FEATURES)(make_batch(3))


@given(
    masses=st.lists(st.floats(300, 4000, width=32), min_size=1, max_size=6, unique=True),
    dijet=st.floats(0, 1e5),
)
def test_weights_of_hypotheses_undo_how_they_are_drawn(masses, dijet):
    masses = np.sort(masses)
    shares = np.linspace(1, 2, len(masses)) / np.linspace(1, 2, len(masses)).sum()
    found = Hypotheses(masses, shares)
    (chance,) = found.probabilities(np.array([dijet]))
    assert chance.sum() == pytest.approx(1)
    assert (shares / chance).max() <= shares.max() * len(masses) * (1 + 1 / FLOOR)
    assert (
        chance.argmax() == np.abs(np.log(max(dijet, 1) / masses)).argmin() or np.ptp(chance) < 1e-9
    )

    # the mean over what is drawn is the mean over π: exactly, and in a large sample
    count = 20_000
    columns = {
        "mass": np.full(count, np.nan),
        "weight": np.ones(count, np.float32),
        "kinematics": np.full((count, 3, 6), dijet, np.float32),
    }
    drawn = found.drawn(columns, np.random.default_rng(0))
    for mass, share, q in zip(masses, shares, chance, strict=True):
        sums = drawn["weight"][drawn["mass"] == np.float32(mass)].sum() / count
        assert sums == pytest.approx(share, abs=6 * share / np.sqrt(q * count))


def test_hypotheses_are_new_in_each_epoch_and_follow_the_seed():
    sample = sample_of(500, 3)

    def epoch(seed, number):
        sequence = np.random.SeedSequence([seed, number])
        return torch.cat([e.mass for e, _, _ in Batches(sample, 64, sequence)])

    signal = torch.from_numpy(sample.label == 1)
    first = epoch(1, 0)
    assert torch.equal(first, epoch(1, 0))
    assert torch.equal(first[signal], epoch(1, 1)[signal])
    np.testing.assert_array_equal(first[signal], sample.mass[signal.numpy()].astype(np.float32))
    for other in (epoch(1, 1), epoch(2, 0)):
        assert (first != other)[~signal].any()


def test_signal_without_mass_is_refused():
    plain = make_sample(10, 1)
    with pytest.raises(ModelError, match="mass_gev"):
        Sample(plain.events, plain.label, plain.weight, np.full(10, np.nan))


def test_networks_without_the_token_take_no_notice():
    batch = make_batch(4)
    network = build(SPEC.model_copy(update={"mass_token": False}), FEATURES).eval()
    other = batch.replace(mass=torch.full((4,), 700.0))
    torch.testing.assert_close(network(batch), network(other))


def test_the_token_tells_masses_and_momenta_over_the_hypothesis():
    batch = make_batch(5)
    hypothesis = torch.linspace(600, 2000, 5)
    token = MassInput(FEATURES)

    def ratios(factor):
        kinematics = batch.kinematics.clone()
        kinematics[:, 2, 0] = hypothesis  # m_JJ
        kinematics[:, :2, 3] = hypothesis[:, None] / 2  # pT
        scaled = batch.replace(kinematics=factor * kinematics, mass=hypothesis)
        return token(scaled)[:, 0, 1:]

    torch.testing.assert_close(ratios(1.0), torch.zeros(5, 3), atol=1e-4, rtol=0)
    expected = torch.tensor([1.0, 1 / 3, 1 / 3]).expand(5, 3)
    torch.testing.assert_close(ratios(float(np.exp(0.1))), expected, atol=1e-4, rtol=0)
    torch.testing.assert_close(ratios(1e4), torch.full((5, 3), 4.0))
    assert torch.isfinite(ratios(0.0)).all()
