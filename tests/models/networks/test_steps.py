"""Logits for several m_H at once, and for both orders of the fat jets."""

import numpy as np
import pytest
import torch

from models.config.specs import Concatenation, CrossAttention, Kinematics
from models.networks.batch import NAMES, Batch
from models.networks.normalisation import fit_normalisation
from models.networks.registry import build
from models.networks.steps import TwoStepNetwork, hypothesis_logits
from models.training.augmentation import jets_exchanged
from tests.models.events import FEATURES, make_batch

MASSES = (800.0, 1000.0, 1500.0)
BATCH = make_batch(24).replace(mass=torch.linspace(700, 1600, 24))
SIZE = {"name": "n", "width": 16, "heads": 2, "mass_token": True}
SPECS = [CrossAttention(**SIZE), CrossAttention(**SIZE, fusion="sum"), Concatenation(**SIZE)]


def network_of(spec: CrossAttention | Concatenation | Kinematics) -> torch.nn.Module:
    torch.manual_seed(1)
    network = build(spec, FEATURES).eval()
    fit_normalisation(network, [BATCH])
    return network


@pytest.mark.parametrize("spec", [*SPECS, Kinematics(**SIZE)])
@torch.inference_mode()
def test_several_masses_at_once_give_what_each_gives(spec: CrossAttention) -> None:
    network = network_of(spec)
    together = hypothesis_logits(network, BATCH, MASSES)
    for logits, mass in zip(together, MASSES, strict=True):
        alone = network(BATCH.replace(mass=torch.full((len(BATCH),), mass)))
        torch.testing.assert_close(logits, alone, atol=0, rtol=0)
    assert (together[0] - together[1]).abs().max() > 1e-3, "m_H matters"


@torch.inference_mode()
def test_constituents_are_seen_once_for_all_masses(monkeypatch: pytest.MonkeyPatch) -> None:
    network, seen = network_of(SPECS[0]), []
    assert isinstance(network, TwoStepNetwork)
    encode = network.encode
    monkeypatch.setattr(network, "encode", lambda batch: seen.append(len(batch)) or encode(batch))
    hypothesis_logits(network, BATCH, MASSES, both_orders=True)
    assert seen == [len(BATCH)] * 2, "each order once"


@pytest.mark.parametrize("spec", SPECS)
@torch.inference_mode()
def test_logits_of_both_orders_do_not_depend_on_the_order(spec: CrossAttention) -> None:
    network, other = network_of(spec), BATCH.exchanged()
    one, two = (hypothesis_logits(network, x, MASSES, True) for x in (BATCH, other))
    torch.testing.assert_close(one, two, atol=1e-6, rtol=1e-6)
    single = hypothesis_logits(network, BATCH, MASSES)
    assert (one - single).abs().max() > 1e-3, "one order gives something else"
    torch.testing.assert_close(
        one, (single + hypothesis_logits(network, other, MASSES)) / 2, atol=1e-6, rtol=1e-6
    )


def test_exchanged_events_are_those_that_a_training_sees() -> None:
    class Always(np.random.Generator):
        def random(self, size):  # type: ignore[no-untyped-def, override]
            return np.zeros(size)

    columns = {name: getattr(BATCH, name).numpy() for name in NAMES}
    wanted = jets_exchanged(columns, Always(np.random.PCG64()))
    found, back = BATCH.exchanged(), BATCH.exchanged().exchanged()
    for name in NAMES:
        np.testing.assert_array_equal(getattr(found, name).numpy(), wanted[name])
        assert torch.equal(getattr(back, name), getattr(BATCH, name))


@torch.inference_mode()
def test_single_jets_have_one_order() -> None:
    jets = Batch(**{name: getattr(BATCH, name)[:, :1] for name in NAMES})
    masses = [hypothesis_logits(lambda x: x.kinematics[:, 0, :2], jets, (None,), b) for b in (0, 1)]
    assert torch.equal(*masses)
