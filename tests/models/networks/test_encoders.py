"""The parts of the networks against closed forms and the papers' sizes."""

import numpy as np
import pytest
import torch

from models.config.specs import (
    CrossAttention,
    IAFormerEncoder,
    JetTagger,
    MixerEncoder,
    Transformer,
)
from models.networks.attention import Attention, masked_mean
from models.networks.iaformer import DifferentialAttention, PairInput, pair_quantities
from models.networks.inputs import parameter_count
from models.networks.jet_tagger import masked_max
from models.networks.registry import build
from tests.models.events import FEATURES, make_batch


def test_fused_attention_is_the_textbook_formula():
    torch.manual_seed(0)
    layer, x, context = Attention(8, 2), torch.randn(5, 3, 8), torch.randn(5, 7, 8)
    mask = torch.arange(7) < torch.tensor([1, 2, 5, 7, 0])[:, None]
    weights = layer.weights(x, context, mask)
    torch.testing.assert_close(weights.sum(-1), torch.ones(5, 2, 3))
    assert (weights[:4].transpose(1, 3)[~mask[:4]] == 0).all()
    value = layer.key_value(context).chunk(2, -1)[1].unflatten(-1, (2, 4)).transpose(1, 2)
    expected = layer.output((weights @ value).transpose(1, 2).flatten(2))
    torch.testing.assert_close(layer(x, context, mask), expected)


def test_pair_quantities_are_those_of_four_momenta():
    rng = np.random.default_rng(1)
    pt, eta, phi = rng.uniform(1, 50, 20), rng.normal(0, 0.3, 20), rng.normal(0, 0.3, 20)
    p = np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)], axis=-1)
    energy = np.linalg.norm(p, axis=-1)
    tensors = (torch.from_numpy(x)[None] for x in (pt, energy, eta, phi))
    found = pair_quantities(*tensors, torch.tensor([500.0]), torch.tensor([600.0]))
    total, momentum = energy[:, None] + energy, p[:, None] + p
    mass = total**2 - np.square(momentum).sum(-1)
    off = ~np.eye(20, dtype=bool)
    np.testing.assert_allclose(found["mass"][0].numpy()[off], mass[off], rtol=1e-6)
    np.testing.assert_allclose(found["energy"][0], total / 600)
    np.testing.assert_allclose(found["pt"][0], (pt[:, None] + pt) / 500)
    distance = np.hypot(eta[:, None] - eta, phi[:, None] - phi)
    softer = np.minimum(pt[:, None], pt)
    np.testing.assert_allclose(found["delta"][0].numpy()[off], distance[off])
    np.testing.assert_allclose(found["kt"][0].numpy()[off], (softer * distance)[off])
    np.testing.assert_allclose(found["z"][0], softer / (pt[:, None] + pt))


def test_pairs_know_nothing_of_the_jets_orientation():
    batch = make_batch(6)
    columns = [FEATURES.constituents.index(name) for name in ("deta", "dphi")]
    turned = batch.constituents.clone()
    eta, phi = turned[..., columns].unbind(-1)
    turned[..., columns] = torch.stack([0.6 * eta - 0.8 * phi, 0.8 * eta + 0.6 * phi], dim=-1)
    layer = PairInput(("pt", "delta", "kt", "z"), FEATURES, (0,))
    before, _ = layer.encode(batch.jet(0))
    after, _ = layer.encode(batch.replace(constituents=turned).jet(0))
    torch.testing.assert_close(before, after, atol=1e-4, rtol=1e-4)


def test_constituents_of_one_tower_stay_finite():
    same = torch.zeros(1, 3, requires_grad=True)
    found = pair_quantities(
        torch.ones(1, 3), torch.ones(1, 3), same, same, torch.ones(1), torch.ones(1)
    )
    total = sum(quantity.log().sum() for quantity in found.values())
    total.backward()
    assert torch.isfinite(total)
    assert torch.isfinite(same.grad).all()


def test_differential_attention_subtracts_what_beta_says():
    torch.manual_seed(0)
    layer = DifferentialAttention(Transformer(width=8, heads=2), 4)
    pairs, mask = torch.randn(3, 5, 5, 4), torch.arange(5) < torch.tensor([5, 2, 1])[:, None]
    with torch.no_grad():
        layer.beta.copy_(torch.tensor([0.0, 0.7]))
        weights = layer.weights(pairs, mask)
    torch.testing.assert_close(weights[:, 0].sum(-1), torch.ones(3, 5))
    torch.testing.assert_close(weights[:, 1].sum(-1), torch.full((3, 5), 0.3))
    assert (weights[:, 0] >= 0).all()
    assert (weights[:, 1] < 0).any()
    assert (weights[1, :, :, 2:] == 0).all()


def test_pooling_over_valid_tokens_only():
    x = torch.tensor([[[1.0], [5.0], [9.0]]]).repeat(3, 1, 1)
    mask = torch.tensor([[True, True, False], [True, False, False], [False, False, False]])
    assert masked_mean(x, mask).flatten().tolist() == [3.0, 1.0, 0.0]
    assert masked_max(x, mask).flatten().tolist() == [5.0, 1.0, 0.0]


MIXER = JetTagger(
    name="mixer",
    width=64,
    heads=4,
    pooling="max",
    jet_encoder=MixerEncoder(kind="mixer", layers=2, tokens=100),
)
IAFORMER = JetTagger(
    name="iaformer",
    width=64,
    heads=4,
    mlp_ratio=3,
    jet_encoder=IAFormerEncoder(kind="iaformer", layers=6, pair_width=32),
)


@pytest.mark.parametrize(("spec", "published"), [(MIXER, 86_030), (IAFORMER, 211_000)])
def test_parameters_at_the_papers_sizes(spec, published):
    assert parameter_count(build(spec, FEATURES)) == pytest.approx(published, rel=0.2)


def test_the_mixer_leaves_out_constituents_beyond_its_places():
    torch.manual_seed(0)
    spec = MIXER.model_copy(update={"jet_encoder": MixerEncoder(kind="mixer", tokens=4)})
    network, batch = build(spec, FEATURES).eval(), make_batch(8)
    hardest = batch.replace(
        constituents=batch.constituents[:, :, :4], constituent_mask=batch.constituent_mask[:, :, :4]
    )
    torch.testing.assert_close(network(batch), network(hardest))
    assert (batch.constituent_mask.sum(-1) > 4).any()


def test_shared_encoder_counts_once():
    one, two = (
        build(CrossAttention(name="n", share_jet_encoder=share), FEATURES)
        for share in (True, False)
    )
    assert parameter_count(two) - parameter_count(one) == parameter_count(one.jets[0])
