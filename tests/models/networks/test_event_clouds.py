"""Jet-free networks: what a network of the whole event sees, and what it does not."""

from copy import deepcopy
from functools import cache

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import nn

from common.errors import ModelError
from common.features import OBJECT_FEATURES
from models.config.specs import (
    Features,
    LGATr,
    LGATrSlim,
    LLoCa,
    LorentzNet,
    ParticleNet,
    ParticleTransformer,
    Pelican,
)
from models.networks.batch import Batch, Events
from models.networks.cloud import EventCloudInput
from models.networks.normalisation import fit_normalisation
from models.networks.registry import build
from tests.models.events import make_arrays, with_objects

FEATURES = Features(objects=OBJECT_FEATURES)
ALL = {"name": "n", "objects": 20}
SPECS = {
    "particle_transformer": ParticleTransformer(
        **ALL, layers=1, class_layers=1, heads=2, embedding=(16,), pair_embedding=(8,)
    ),
    "particle_net": ParticleNet(**ALL, neighbours=3, channels=((16, 16),)),
    "lgatr": LGATr(**ALL, layers=1, multivectors=4, scalars=8, heads=2),
    "lorentz_net": LorentzNet(**ALL, width=16, layers=1),
    "pelican": Pelican(**ALL, layers=1, width=20, message=8),
    "lgatr_slim": LGATrSlim(**ALL, layers=1, vectors=4, scalars=8, heads=2, mlp_ratio=2),
    "lloca": LLoCa(**ALL, layers=1, heads=2, scalars=4, vectors=1, frame_width=8),
}
EVENTS = Events(with_objects(make_arrays(12)))
BATCH = EVENTS[np.arange(12)]


@cache
def network_of(name: str) -> nn.Module:
    torch.manual_seed(3)
    network = build(SPECS[name], FEATURES)
    fit_normalisation(network, [BATCH])
    return network.eval()


@torch.no_grad()
def change(network: nn.Module, other: Batch, batch: Batch = BATCH) -> float:
    return (network(batch) - network(other)).abs().max().item()


@pytest.mark.parametrize("name", SPECS)
def test_only_the_objects_are_seen_and_all_of_them(name: str) -> None:
    noise = {n: torch.randn_like(getattr(BATCH, n)) for n in ("constituents", "kinematics")}
    assert change(network_of(name), BATCH.replace(**noise)) == 0.0
    objects = BATCH.objects.clone().requires_grad_()
    logits = network_of(name)(BATCH.replace(objects=objects))
    assert torch.isfinite(logits).all()
    assert logits.std(0).min() > 1e-5
    logits[:, 1].sum().backward()
    gradient = objects.grad.abs().sum(-1)
    assert (gradient[BATCH.object_mask] > 0).all()
    assert (gradient[~BATCH.object_mask] == 0).all()


@pytest.mark.parametrize("name", SPECS)
def test_order_and_padding_do_not_matter(name: str) -> None:
    network = deepcopy(network_of(name)).double()
    plain = BATCH.replace(objects=BATCH.objects.double())
    order = torch.from_numpy(np.random.default_rng(1).permutation(20))
    turned = {n: getattr(plain, n)[:, order] for n in ("objects", "object_mask")}
    assert change(network, plain.replace(**turned), plain) < 1e-6
    dirt = torch.where(BATCH.object_mask.unsqueeze(-1), BATCH.objects, torch.nan)
    assert change(network_of(name), BATCH.replace(objects=dirt)) == 0.0


@pytest.mark.parametrize("name", SPECS)
def test_an_event_without_objects_has_finite_output(name: str) -> None:
    empty = BATCH.replace(object_mask=torch.zeros_like(BATCH.object_mask))
    assert torch.isfinite(network_of(name)(empty)).all()


def test_softer_objects_than_the_network_takes_are_left_out() -> None:
    layer = EventCloudInput(("log_pt",), FEATURES, 5)
    assert layer(BATCH).mask.shape == (12, 5)
    cut = {n: getattr(BATCH, n)[:, :5] for n in ("objects", "object_mask")}
    assert torch.equal(layer(BATCH).momenta, layer(BATCH.replace(**cut)).momenta)


def test_momenta_and_points_are_those_of_the_objects() -> None:
    cloud, mask = EventCloudInput(("log_pt",), FEATURES, 20)(BATCH), BATCH.object_mask
    energy, px, py, pz = cloud.momenta[mask].unbind(-1)
    eta, sin, cos = (BATCH.objects[mask][:, OBJECT_FEATURES.index(n)] for n in OBJECT_FEATURES[:3])
    assert torch.allclose(energy, (px**2 + py**2 + pz**2).sqrt(), rtol=1e-5)  # massless ones
    assert torch.allclose(torch.asinh(pz / torch.hypot(px, py)), eta, atol=1e-4)
    found = cloud.points[mask]
    assert torch.allclose(found[:, 1].sin(), sin, atol=1e-5)
    assert torch.allclose(found[:, 1].cos(), cos, atol=1e-5)
    assert found[:, 1].min() >= -np.pi / 2 - 1e-5
    assert found[:, 1].max() < 3 * np.pi / 2
    assert torch.equal(found[:, 0], eta)


def test_events_without_objects_are_refused_with_the_remedy() -> None:
    jets_alone = Events(make_arrays(4))[np.arange(4)]
    with pytest.raises(ModelError, match="write their dataset again"):
        network_of("particle_net")(jets_alone)
    with pytest.raises(ModelError, match="has no object feature"):
        build(SPECS["particle_net"], Features())


def test_a_tagger_of_one_jet_has_no_event() -> None:
    with pytest.raises(ValidationError, match=r"objects \(9\) are those of a whole event"):
        ParticleNet(name="n", jets=1, objects=9)


def test_networks_of_fat_jets_do_not_notice_the_objects_of_a_dataset() -> None:
    spec = ParticleNet(name="n")
    assert FEATURES.seen_by(spec) == Features()
    assert FEATURES.seen_by(SPECS["particle_net"]) == FEATURES
