"""What networks look at: sums, symmetries and cases with a known answer."""

import numpy as np
import pytest
import torch
from torch import nn

from models.errors import ModelError
from models.interpretation import (
    attention_on_plane,
    attention_weights,
    cka,
    gates,
    grad_cam,
    layer_similarity,
    shuffled_log_odds,
)
from models.normalisation import fit_normalisation
from models.registry import build
from models.specs import CrossAttention, HighLevelMLP, IAFormerEncoder, Kinematics, MixerEncoder
from tests.models.events import FEATURES, make_batch, make_sample

BATCH = make_batch(20)


def network_of(spec) -> nn.Module:
    torch.manual_seed(0)
    network = build(spec, FEATURES)
    fit_normalisation(network, [BATCH])
    return network.eval()


CROSS = network_of(CrossAttention(name="n", width=16))
IAFORMER = network_of(
    CrossAttention(name="n", width=16, jet_encoder=IAFormerEncoder(kind="iaformer"))
)
MIXER = network_of(CrossAttention(name="n", width=16, jet_encoder=MixerEncoder(kind="mixer")))


@pytest.mark.parametrize("network", [CROSS, IAFORMER], ids=["cross", "iaformer"])
def test_attention_sums_to_one_and_is_zero_for_padding(network):
    found = attention_weights(network, BATCH)
    cross = found["layers.0.attention"]
    assert cross.shape == (20, 2, 3, 24)
    np.testing.assert_allclose(cross.sum(-1), 1, rtol=1e-5)
    padding = ~BATCH.constituent_mask.flatten(1).numpy()
    assert (cross.transpose(0, 3, 1, 2)[padding] == 0).all()
    jets = found["jets.0.layers.1.attention"]
    assert jets.shape == (20, 2, 12, 12)


def test_looking_does_not_change_the_network():
    before = CROSS(BATCH)
    attention_weights(CROSS, BATCH)
    grad_cam(CROSS, "jets.0", BATCH)
    layer_similarity(CROSS, BATCH)
    assert torch.equal(before, CROSS(BATCH))
    assert not any(module._forward_hooks for module in CROSS.modules())
    assert all(parameter.grad is None for parameter in CROSS.parameters())


def test_attention_on_the_plane_keeps_its_sum_and_its_place():
    weights = attention_weights(CROSS, BATCH)["layers.1.attention"]
    edges = np.linspace(-5, 5, 11)
    plane = attention_on_plane(weights, BATCH, FEATURES, edges)
    assert plane.shape == (2, 3, 10, 10)
    np.testing.assert_allclose(plane.sum((0, 2, 3)), 1, rtol=1e-5)
    one = np.zeros_like(weights)
    one[..., 12] = 1  # the hardest constituent of fat jet 2
    plane = attention_on_plane(one, BATCH, FEATURES, edges)
    assert plane[0].sum() == 0
    eta, phi = BATCH.constituents[:, 1, 0, :2].numpy().T
    expected, _, _ = np.histogram2d(eta, phi, bins=(edges, edges))
    np.testing.assert_allclose(plane[1, 0], expected / 20)


@pytest.mark.parametrize(
    ("network", "stream", "tokens"),
    [
        (CROSS, "jets.0", 12),
        (CROSS, "jets.1", 12),
        (CROSS, "kinematics", 3),
        (IAFORMER, "jets.0", 12),
        (MIXER, "jets.0", 50),
    ],
)
def test_grad_cam_is_one_number_for_each_token(network, stream, tokens):
    found = grad_cam(network, stream, BATCH)
    assert found.shape == (20, tokens)
    assert (found >= 0).all()
    assert found.max() > 0


def test_grad_cam_is_gradient_times_activation():
    layer = CROSS.kinematics.layers[-1]
    kept = []
    hook = layer.register_forward_hook(lambda _, __, out: kept.append(out))
    logits = CROSS(BATCH)
    hook.remove()
    (gradient,) = torch.autograd.grad((logits[:, 1] - logits[:, 0]).sum(), kept[0])
    expected = (gradient.mean(1, keepdim=True) * kept[0]).sum(-1).relu().detach().numpy()
    np.testing.assert_allclose(grad_cam(CROSS, "kinematics", BATCH), expected, atol=1e-6)


def test_grad_cam_of_a_stream_that_is_not_there():
    with pytest.raises(
        ModelError, match=r"no stream 'jets.7'; it has jets\.0, jets\.1, kinematics"
    ):
        grad_cam(CROSS, "jets.7", BATCH)


def test_cka_of_rotated_scaled_and_independent_layers():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 4))
    rotation, _ = np.linalg.qr(rng.normal(size=(4, 4)))
    assert cka(x, 3 * x @ rotation + 5) == pytest.approx(1)
    assert cka(x, rng.normal(size=(200, 4))) < 0.1
    assert cka(x, x[:, :1]) < 0.9


def test_similarity_of_layers_is_symmetric_with_ones():
    names, matrix = layer_similarity(IAFORMER, BATCH)
    assert "jets.1.layers.0" in names
    assert "layers.1" in names
    np.testing.assert_allclose(matrix, matrix.T)
    np.testing.assert_allclose(np.diag(matrix), 1)
    assert ((matrix > 0) & (matrix < 1 + 1e-9)).all()


def test_gates_start_small_and_follow_the_parameters():
    assert gates(CROSS) == []
    found = gates(IAFORMER)
    assert len(found) == 2 * 2 * 2  # jets, layers, heads
    np.testing.assert_allclose([value for _, _, value in found], 0.1, rtol=1e-6)


def test_shuffling_theta_changes_only_networks_that_use_it():
    events = make_sample(100, 1).events
    uses, does_not = (
        shuffled_log_odds(network_of(Kinematics(name="k", use_theta=use)), events, FEATURES)
        for use in (True, False)
    )
    assert uses.shape == (6, 100)
    assert (uses[1:] != uses[0]).any(axis=1).all()
    np.testing.assert_array_equal(does_not[1:], np.broadcast_to(does_not[0], (5, 100)))


def test_a_network_without_attention_says_so():
    with pytest.raises(ModelError, match="no attention layers"):
        attention_weights(network_of(HighLevelMLP(name="m")), BATCH)
