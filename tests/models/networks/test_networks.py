"""Properties that every network has, whatever its weights."""

from copy import deepcopy
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from torch import nn

from common.errors import ModelError
from models.config.specs import (
    EFN,
    PCNN,
    PFN,
    Concatenation,
    Constituents,
    CrossAttention,
    Custom,
    Features,
    HighLevelMLP,
    JetImageCNN,
    JetTagger,
    Kinematics,
    LGATr,
    LGATrSlim,
    LLoCa,
    LorentzNet,
    LundNet,
    MIParT,
    NetworkSpec,
    ParticleNet,
    ParticleTransformer,
    Pelican,
)
from models.networks.batch import Batch, Events
from models.networks.inputs import KinematicsInput, in_pt_order
from models.networks.normalisation import fit_normalisation
from models.networks.registry import ARCHITECTURES, build
from tests.models.events import FEATURES, make_arrays, make_batch

SMALL = {"name": "n", "width": 16, "heads": 2}
SPECS = {
    "tokens": CrossAttention(**SMALL),
    "sum": CrossAttention(**SMALL, fusion="sum"),
    "shared sum": CrossAttention(**SMALL, fusion="sum", share_jet_encoder=True),
    "without theta": CrossAttention(**SMALL, use_theta=False),
    "published kinematics": CrossAttention(**SMALL, kinematics_encoding="published"),
    "concatenation": Concatenation(**SMALL),
    "mixer": CrossAttention(**SMALL, jet_encoder={"kind": "mixer"}),
    "iaformer": CrossAttention(**SMALL, jet_encoder={"kind": "iaformer"}),
    "mixer sum": CrossAttention(**SMALL, jet_encoder={"kind": "mixer"}, fusion="sum"),
    "mixer without theta": CrossAttention(
        **SMALL, use_theta=False, jet_encoder={"kind": "mixer", "subjet_features": ("log_mass",)}
    ),
    "iaformer without theta": CrossAttention(
        **SMALL, use_theta=False, jet_encoder={"kind": "iaformer", "pair_features": ("z", "mass")}
    ),
    "jet": JetTagger(**SMALL),
    "mixer jet": JetTagger(**SMALL, jet_encoder={"kind": "mixer"}, pooling="max"),
    "iaformer jet": JetTagger(**SMALL, jet_encoder={"kind": "iaformer"}),
    "particle_transformer": ParticleTransformer(
        name="n", layers=2, heads=2, embedding=(16,), pair_embedding=(8,)
    ),
    "plain particle_transformer": ParticleTransformer(
        name="n", layers=1, class_layers=1, heads=2, embedding=(16,), pair_embedding=()
    ),
    "particle_net": ParticleNet(name="n", neighbours=3, channels=((16, 16), (16, 16))),
    "lgatr": LGATr(name="n", layers=2, multivectors=4, scalars=8, heads=2),
    "pfn jet": PFN(name="n", phi=(16, 16), f=(16,)),
    "efn jet": EFN(name="n", phi=(16, 16), f=(16,)),
    "p_cnn jet": PCNN(name="n", stem=8, stages=((8,), (16, 16)), hidden=16),
    "image jet": JetImageCNN(name="n", pixels=9, size=6.0, channels=((8, 8),), hidden=(16,)),
    "lund_net jet": LundNet(name="n", channels=((8, 8), (16,)), fusion=16, hidden=16),
    "mipart jet": MIParT(
        name="n",
        width=16,
        heads=2,
        embedding=(16,),
        pair_embedding=(8,),
        interaction_layers=1,
        layers=1,
        class_layers=1,
    ),
    "lorentz_net jet": LorentzNet(name="n", jets=1, width=16, layers=2),
    "pelican jet": Pelican(name="n", jets=1, layers=1, width=20, message=8),
    "lgatr_slim": LGATrSlim(name="n", layers=2, vectors=4, scalars=8, heads=2, mlp_ratio=2),
    "lloca jet": LLoCa(name="n", jets=1, layers=2, heads=2, scalars=4, vectors=1, frame_width=8),
    "high_level_mlp": HighLevelMLP(name="n", width=16),
    "constituents": Constituents(**SMALL),
    "shared constituents": Constituents(**SMALL, share_jet_encoder=True),
    "kinematics": Kinematics(**SMALL),
}
PEERS = (
    "particle_transformer",
    "plain particle_transformer",
    "particle_net",
    "lgatr",
    "lgatr_slim",
    "high_level_mlp",
)
USES_CONSTITUENTS = sorted(set(SPECS) - {"kinematics"})
BATCH = make_batch(24)


@cache
def network_of(name: str) -> nn.Module:
    """Return a network with random weights and the constants of `BATCH`, ready to score."""
    torch.manual_seed(3)
    network = build(SPECS[name], FEATURES)
    fit_normalisation(network, [BATCH])
    return network.eval()


@torch.no_grad()
def change(network: nn.Module, batch: Batch, other: Batch) -> float:
    """Return the largest difference between the logits of two batches."""
    return (network(batch) - network(other)).abs().max().item()


def doubled(batch: Batch) -> Batch:
    """Return the batch in double precision."""
    names = ("constituents", "subjets", "kinematics")
    return batch.replace(**{name: getattr(batch, name).double() for name in names})


def shuffled(batch: Batch, seed: int) -> Batch:
    """Return the batch with constituents, padding among them, and subjets in random order."""
    rng = np.random.default_rng(seed)
    tensors = {}
    for name in ("constituent", "subjet"):
        mask, tokens = getattr(batch, f"{name}_mask"), getattr(batch, f"{name}s")
        order = torch.from_numpy(rng.permuted(np.indices(mask.shape)[2], axis=-1))
        tensors[f"{name}_mask"] = mask.gather(2, order)
        tensors[f"{name}s"] = tokens.gather(2, order.unsqueeze(-1).expand_as(tokens))
    return batch.replace(**tensors)


def soiled(batch: Batch, seed: int) -> Batch:
    """Return the batch with its padding overwritten by noise, NaN and infinities."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for name in ("constituent", "subjet"):
        tokens = getattr(batch, f"{name}s")
        dirt = 1e3 * torch.randn(tokens.shape, generator=generator)
        dirt[..., 0] = torch.nan
        dirt[..., 1] = torch.inf
        tensors[f"{name}s"] = torch.where(
            getattr(batch, f"{name}_mask").unsqueeze(-1), tokens, dirt
        )
    return batch.replace(**tensors)


@pytest.mark.parametrize("name", SPECS)
def test_two_finite_logits_that_differ_between_events(name):
    logits = network_of(name)(BATCH)
    assert logits.shape == (24, 2)
    assert torch.isfinite(logits).all()
    assert logits.std(0).min() > 1e-4


@pytest.mark.parametrize("name", SPECS)
@given(seed=st.integers(0, 1000))
@settings(max_examples=3, deadline=None)
def test_order_of_constituents_and_place_of_padding_do_not_matter(name, seed):
    # double precision: pair masses and frames of fast particles cancel in single
    network = deepcopy(network_of(name)).double()
    assert change(network, doubled(BATCH), doubled(shuffled(BATCH, seed))) < 1e-6


@torch.no_grad()
def test_published_sum_pairs_constituents_by_their_order_in_pt():
    column = FEATURES.constituents.index("log_pt")
    context, mask = network_of("sum").encode(BATCH)
    assert (
        mask
        == (
            in_pt_order(BATCH.jet(0), FEATURES).constituent_mask
            | in_pt_order(BATCH.jet(1), FEATURES).constituent_mask
        )
    ).all()
    ordered = in_pt_order(shuffled(BATCH, 1).jet(0), FEATURES)
    log_pt = ordered.constituents[..., column][:, :-1] - ordered.constituents[..., column][:, 1:]
    assert (log_pt[ordered.constituent_mask[:, 1:]] >= 0).all()
    assert context.shape[1] == BATCH.constituents.shape[2]


@pytest.mark.parametrize("name", SPECS)
@given(seed=st.integers(0, 1000))
@settings(max_examples=3, deadline=None)
def test_content_of_padding_does_not_matter(name, seed):
    assert change(network_of(name), BATCH, soiled(BATCH, seed)) == 0.0


@pytest.mark.parametrize("name", SPECS)
@given(extra=st.integers(1, 20))
@settings(max_examples=3, deadline=None)
def test_length_of_padding_does_not_matter(name, extra):
    longer = BATCH.replace(
        constituents=nn.functional.pad(BATCH.constituents, (0, 0, 0, extra), value=7.0),
        constituent_mask=nn.functional.pad(BATCH.constituent_mask, (0, extra)),
    )
    network = deepcopy(network_of(name)).double()
    assert change(network, doubled(BATCH), doubled(longer)) < 1e-6


@pytest.mark.parametrize("name", SPECS)
def test_events_of_a_batch_do_not_see_each_other(name):
    alone = Events(make_arrays(24))[np.arange(3)]
    with torch.no_grad():
        torch.testing.assert_close(
            network_of(name)(alone), network_of(name)(BATCH)[:3], atol=1e-6, rtol=1e-5
        )


@pytest.mark.parametrize("name", USES_CONSTITUENTS)
def test_gradient_reaches_valid_constituents_only(name):
    constituents = BATCH.constituents.clone().requires_grad_()
    network_of(name)(BATCH.replace(constituents=constituents))[:, 1].sum().backward()
    gradient = constituents.grad.abs().sum(-1)
    assert (gradient[~BATCH.constituent_mask] == 0).all()
    seen = 1 if name.endswith("jet") else 2
    valid = BATCH.constituent_mask[:, :seen]
    if name == "lund_net jet":  # a lone constituent has no declustering
        valid = valid & (valid.sum(-1, keepdim=True) > 1)
    reached = gradient[:, :seen][valid] > 0
    assert reached.float().mean() > 0.8 if name == "image jet" else reached.all()  # max pooling


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("kept", [0, 1])
def test_jets_with_one_constituent_or_none_give_finite_output_and_gradient(name, kept):
    network = network_of(name)
    mask = BATCH.constituent_mask & (torch.arange(BATCH.constituent_mask.shape[-1]) < kept)
    logits = network(BATCH.replace(constituent_mask=mask))
    logits.sum().backward()
    assert torch.isfinite(logits).all()
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


def test_exchange_of_jets_changes_nothing_where_the_network_is_symmetric():
    names = ("constituents", "constituent_mask", "subjets", "subjet_mask")
    exchanged = BATCH.replace(**{name: getattr(BATCH, name).flip(1) for name in names})
    assert change(network_of("shared sum"), BATCH, exchanged) < 1e-6
    assert change(network_of("sum"), BATCH, exchanged) > 1e-4
    assert change(network_of("tokens"), BATCH, exchanged) > 1e-4


@pytest.mark.parametrize("name", SPECS)
def test_theta_matters_only_where_it_is_used(name):
    kinematics = BATCH.kinematics.clone()
    kinematics[:, :2, 5] += 0.5
    moved = change(network_of(name), BATCH, BATCH.replace(kinematics=kinematics))
    blind = "without theta" in name or name.endswith(("constituents", "jet")) or name in PEERS
    assert moved == 0.0 if blind else moved > 1e-4


@given(angle=st.floats(-7, 7))
@settings(max_examples=5, deadline=None)
def test_rotation_about_the_beam_and_theta_mod_pi_change_nothing(angle):
    kinematics = BATCH.kinematics.clone()
    kinematics[..., 2] = torch.remainder(kinematics[..., 2] + angle, 2 * torch.pi) - torch.pi
    kinematics[..., 5] += torch.pi
    turned = BATCH.replace(kinematics=kinematics)
    assert change(network_of("kinematics"), BATCH, turned) < 1e-4
    assert change(network_of("published kinematics"), BATCH, turned) > 1e-4


def test_normalisation_comes_from_valid_tokens_only():
    layer = network_of("tokens").jets[0].input
    tokens, mask = layer(BATCH.jet(0))
    assert torch.allclose(tokens[mask].mean(0)[:5], torch.zeros(5), atol=1e-5)
    assert torch.allclose(tokens[mask].std(0, correction=0)[:5], torch.ones(5), atol=1e-4)
    indicators = tokens[mask][:, 6:]
    assert set(indicators.unique().tolist()) == {0.0, 1.0}
    assert (tokens[~mask] == 0).all()


def test_normalisation_does_not_depend_on_the_batches():
    one, many = (build(SPECS["tokens"], FEATURES) for _ in range(2))
    fit_normalisation(one, [BATCH])
    events = Events(make_arrays(24))
    fit_normalisation(many, (events[np.arange(i, i + 5)] for i in range(0, 20, 5)))
    fit_normalisation(many, (events[np.arange(i, min(24, i + 5))] for i in range(0, 24, 5)))
    for a, b in zip(one.buffers(), many.buffers(), strict=True):
        torch.testing.assert_close(a, b)


def test_normalisation_refuses_nan():
    bad = BATCH.replace(kinematics=BATCH.kinematics * torch.nan)
    with pytest.raises(ModelError, match="NaN or infinite"):
        fit_normalisation(build(SPECS["kinematics"], FEATURES), [bad])


def test_kinematic_input_keeps_a_constant_feature_finite():
    layer = KinematicsInput("relative", True, FEATURES)
    layer.observe(BATCH.replace(kinematics=torch.ones(4, 3, 6)))
    layer.standardise.finish()
    assert torch.isfinite(layer(BATCH)).all()


def test_every_architecture_is_in_the_registry_and_in_the_configuration():
    schema = TypeAdapter(NetworkSpec).json_schema()
    assert set(schema["discriminator"]["mapping"]) == {*ARCHITECTURES, "custom"}


def test_unknown_architecture_lists_the_known_ones():
    with pytest.raises(ValidationError, match=r"cross_attention.*kinematics"):
        TypeAdapter(NetworkSpec).validate_python({"architecture": "crossattention", "name": "n"})
    impostor = SPECS["tokens"].model_copy(update={"architecture": "crossattention"})
    with pytest.raises(ModelError, match=r"crossattention.*known: cross_attention"):
        build(impostor, FEATURES)


def test_heads_must_divide_width():
    with pytest.raises(ValidationError, match=r"heads \(5\) must divide width \(64\); allowed"):
        CrossAttention(name="n", width=64, heads=5)


def test_theta_cannot_come_back_through_the_constituents():
    with pytest.raises(ValidationError, match=r"deta.*from which θ can be read"):
        CrossAttention(name="n", use_theta=False, constituent_features=("eta", "phi", "deta"))


def test_missing_feature_names_those_there_are():
    with pytest.raises(ModelError, match=r"no constituent feature delta_r.*it has eta, phi"):
        build(SPECS["tokens"], Features(constituents=FEATURES.constituents[:8]))


class SummedMomentum(nn.Module):
    """A user's network: the smallest that can be."""

    def __init__(self, spec: Custom, features: Features) -> None:
        super().__init__()
        self.pt = features.kinematics.index("pt")
        self.output = nn.Linear(1, spec.options["outputs"])

    def forward(self, batch: Batch) -> torch.Tensor:
        return self.output(batch.kinematics[:, :2, self.pt].sum(1, keepdim=True) / 1000.0)


def test_a_network_of_the_users_own_is_named_by_its_import_path(monkeypatch):
    monkeypatch.setitem(
        __import__("sys").modules, "mine", __import__("types").SimpleNamespace(Net=SummedMomentum)
    )
    network = build(Custom(name="mine", target="mine:Net", options={"outputs": 2}), FEATURES)
    assert network(BATCH).shape == (24, 2)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("no_such_module:Net", "cannot be imported"),
        ("os:system", "is no Module class"),
        ("models.networks.registry:build", "is no Module class"),
    ],
)
def test_custom_network_that_is_none(target, message):
    with pytest.raises(ModelError, match=message):
        build(Custom(name="mine", target=target), FEATURES)


@torch.no_grad()
def test_particle_net_takes_fewer_places_than_neighbours():
    """Places of padding change nothing, so that there may be too few of them."""
    torch.manual_seed(0)
    few = make_batch(8, constituents=6)
    spec = ParticleNet(name="n", jets=1, neighbours=9, channels=((16, 16), (16, 16)))
    network = build(spec, FEATURES)
    fit_normalisation(network, [few])
    more = few.replace(
        constituents=nn.functional.pad(few.constituents, (0, 0, 0, 8)),
        constituent_mask=nn.functional.pad(few.constituent_mask, (0, 8)),
    )
    network.eval()
    torch.testing.assert_close(network(few), network(more))
