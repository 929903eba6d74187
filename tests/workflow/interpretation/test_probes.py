"""What networks look at: sums, symmetries and cases with a known answer."""

import numpy as np
import pytest
import torch
from torch import nn

from common.errors import ModelError
from models.config.specs import (
    Concatenation,
    Constituents,
    CrossAttention,
    HighLevelMLP,
    IAFormerEncoder,
    JetTagger,
    Kinematics,
    MixerEncoder,
)
from models.config.views import select
from models.networks.normalisation import fit_normalisation
from models.networks.registry import build
from models.training.inference import log_odds
from tests.models.events import FEATURES, make_batch, make_sample
from workflow.interpretation.permutation import shuffled_log_odds
from workflow.interpretation.probes import (
    attention_weights,
    cross_attention,
    gates,
    grad_cam,
    layer_outputs,
    streams,
    with_encoders_apart,
)

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
SHARED = network_of(CrossAttention(name="n", width=16, share_jet_encoder=True))


@pytest.mark.parametrize(
    ("network", "tokens"), [(CROSS, 18), (IAFORMER, 12)], ids=["cross", "iaformer"]
)
def test_attention_sums_to_one_and_is_zero_for_padding(network, tokens):
    found = attention_weights(network, BATCH)
    cross = found["layers.0.attention"]
    assert cross.shape == (20, 2, 3, 24)
    np.testing.assert_allclose(cross.sum(-1), 1, rtol=1e-5)
    padding = ~BATCH.constituent_mask.flatten(1).numpy()
    assert (cross.transpose(0, 3, 1, 2)[padding] == 0).all()
    jets = found["jets.0.layers.1.attention"]
    assert jets.shape == (20, 2, tokens, tokens), "with subjets behind the constituents"


def test_looking_does_not_change_the_network():
    before, kinds = CROSS(BATCH), [type(layer) for layer in CROSS.modules()]
    attention_weights(CROSS, BATCH)
    grad_cam(CROSS, "jets.0", BATCH)
    layer_outputs(CROSS, BATCH)
    assert torch.equal(before, CROSS(BATCH))
    assert [type(layer) for layer in CROSS.modules()] == kinds
    assert all(parameter.grad is None for parameter in CROSS.parameters())


@pytest.mark.parametrize("tokens", [8, 12, 50])
def test_cross_attention_belongs_to_the_constituents_of_each_jet(tokens):
    encoder = MixerEncoder(kind="mixer", tokens=tokens)
    found = cross_attention(
        network_of(CrossAttention(name="n", width=16, jet_encoder=encoder)), BATCH
    )
    assert found.shape == (20, 2, 3, 2, 12)
    np.testing.assert_allclose(found.sum((3, 4)), 1, rtol=1e-5)
    there = BATCH.constituent_mask.numpy().copy()
    there[..., tokens:] = False
    seen = found.sum((1, 2)) > 0
    np.testing.assert_array_equal(seen, there)


def test_no_attention_to_single_constituents_is_an_error():
    network = network_of(CrossAttention(name="n", width=16, fusion="sum"))
    with pytest.raises(ModelError, match="fusion: tokens"):
        cross_attention(network, BATCH)


def test_shared_encoder_is_looked_into_jet_by_jet():
    apart = with_encoders_apart(SHARED)
    assert torch.equal(apart(BATCH), SHARED(BATCH))
    assert streams(apart) == ["jets.0", "jets.1", "kinematics"]
    found = layer_outputs(apart, BATCH)
    assert not np.allclose(found["jets.0.layers.1"], found["jets.1.layers.1"])
    assert SHARED.jets[0] is SHARED.jets[1]


@pytest.mark.parametrize(
    ("network", "stream", "tokens"),
    [
        (CROSS, "jets.0", 18),
        (CROSS, "jets.1", 18),
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


@pytest.mark.parametrize("network", [CROSS, IAFORMER, MIXER], ids=["cross", "iaformer", "mixer"])
def test_outputs_of_layers_leave_padding_out(network):
    found = layer_outputs(network, BATCH)
    assert list(found)[:2] == ["jets.0.layers.0", "jets.0.layers.1"]
    assert "layers.1" in found
    junk = BATCH.constituents.masked_fill(~BATCH.constituent_mask.unsqueeze(-1), 7.0)
    again = layer_outputs(network, BATCH.replace(constituents=junk))
    for name, values in found.items():
        assert values.shape == (20, 16)
        np.testing.assert_allclose(again[name], values, atol=1e-5)


def test_output_of_a_layer_is_the_mean_of_its_valid_tokens():
    kept = []
    hook = CROSS.jets[0].layers[1].register_forward_hook(lambda _, __, out: kept.append(out))
    CROSS(BATCH)
    hook.remove()
    mask = torch.cat([BATCH.constituent_mask, BATCH.subjet_mask], dim=2)[:, 0]
    expected = [tokens[there].mean(0) for tokens, there in zip(kept[0], mask, strict=True)]
    found = layer_outputs(CROSS, BATCH)["jets.0.layers.1"]
    np.testing.assert_allclose(found, torch.stack(expected).detach().numpy(), atol=1e-5)


def test_gates_start_small_and_follow_the_parameters():
    assert gates(CROSS) == []
    found = gates(IAFORMER)
    assert len(found) == 2 * 2 * 2  # jets, layers, heads
    np.testing.assert_allclose([value for _, _, value in found], 0.1, rtol=1e-6)


def test_shuffling_theta_changes_only_networks_that_use_it():
    events = make_sample(100, 1).events
    for use in (True, False):
        network = network_of(Kinematics(name="k", use_theta=use))
        found = shuffled_log_odds(network, events, FEATURES, repeats=4)
        assert found.shape == (4, 100)
        before = log_odds(network, events)
        assert (found != before).any(axis=1).all() == use
        assert len(np.unique(found, axis=0)) == (4 if use else 1)


def test_a_network_without_attention_says_so():
    with pytest.raises(ModelError, match="no attention layers"):
        attention_weights(network_of(HighLevelMLP(name="m")), BATCH)


LAYERS = ("grad_cam", "similarity", "permutation")


@pytest.mark.parametrize(
    ("spec", "seen"),
    [
        (CrossAttention(name="n"), ("attention", "attention_events", *LAYERS)),
        (CrossAttention(name="n", fusion="sum"), LAYERS),
        (
            CrossAttention(name="n", fusion="sum", jet_encoder=IAFormerEncoder(kind="iaformer")),
            ("grad_cam", "similarity", "gates", "permutation"),
        ),
        (Concatenation(name="n"), LAYERS),
        (Constituents(name="n"), LAYERS[:2]),
        (Kinematics(name="n"), LAYERS),
        (Kinematics(name="n", layers=0), LAYERS[2:]),
        (HighLevelMLP(name="n"), LAYERS[2:]),
        (JetTagger(name="n"), ()),
    ],
)
def test_views_are_those_that_the_network_has(spec, seen):
    assert spec.views == seen
    network = network_of(spec)
    assert bool(streams(network)) == ("grad_cam" in seen)
    assert (len(layer_outputs(network, BATCH)) > 1) == ("similarity" in seen or not seen)
    assert bool(gates(network)) == ("gates" in seen)


def test_choices_keep_the_order_and_name_what_is_unknown():
    known = ["a", "b", "c"]
    chosen = [select("networks", choice, known) for choice in ("none", "first", "all", ("c", "a"))]
    assert chosen == [[], ["a"], known, ["a", "c"]]
    assert select("networks", "first", []) == []
    with pytest.raises(ValueError, match=r"interpretation\.networks: d cannot.*a, b, c"):
        select("networks", ("a", "d"), known)
