"""Subjets as tokens beside the constituents."""

import math

import pytest
import torch

from models.config.specs import CrossAttention, SelfAttentionEncoder
from models.networks.batch import Batch
from models.networks.normalisation import fit_normalisation
from models.networks.registry import build
from models.networks.subjets import SubjetInput
from tests.models.events import FEATURES, make_batch

PLANE = [FEATURES.subjets.index(name) for name in ("deta", "dphi")]


def turned(batch: Batch, mirror: float) -> Batch:
    """Return events whose subjets are rotated about the axes of their jets, and mirrored."""
    subjets = batch.subjets.clone()
    x, y = subjets[..., PLANE].unbind(-1)
    subjets[..., PLANE] = torch.stack([0.6 * x - 0.8 * y, mirror * (0.8 * x + 0.6 * y)], dim=-1)
    return batch.replace(subjets=subjets)


@pytest.mark.parametrize("mirror", [1.0, -1.0])
def test_features_know_nothing_of_the_jets_orientation(mirror: float) -> None:
    batch, layer = make_batch(8), SubjetInput(FEATURES, (0,))
    found, mask = layer.encode(batch.jet(0))
    again, _ = layer.encode(turned(batch, mirror).jet(0))
    torch.testing.assert_close(again, found, atol=1e-5, rtol=1e-5)
    assert (found.masked_select(mask.unsqueeze(-1)) != 0).any()


def test_the_last_feature_is_the_mass_with_the_leading_subjet_over_the_jets_momentum() -> None:
    pt, deta, dphi = torch.tensor([300.0, 100.0]), 0.3, 0.4
    subjets = torch.zeros(1, 2, len(FEATURES.subjets))
    columns = {name: FEATURES.subjets.index(name) for name in FEATURES.subjets}
    subjets[0, :, columns["log_pt_rel"]] = (pt / 400).log()
    subjets[0, 1, columns["deta"]], subjets[0, 1, columns["dphi"]] = deta, dphi
    batch = make_batch(1)
    both = batch.replace(
        subjets=subjets[:, None].repeat(1, 2, 1, 1),
        subjet_mask=torch.ones(1, 2, 2, dtype=torch.bool),
    )
    found, _ = SubjetInput(FEATURES, (0,)).encode(both.jet(0))
    mass = math.sqrt(2 * 300 * 100 * (math.cosh(deta) - math.cos(dphi)))
    assert math.exp(found[0, 1, -1]) == pytest.approx(mass / 400, rel=0.01)


@pytest.mark.parametrize("seen", [True, False])
def test_subjets_reach_the_score_where_they_are_tokens(seen: bool) -> None:
    encoder = SelfAttentionEncoder(kind="self_attention", subjets=seen)
    torch.manual_seed(1)
    network = build(CrossAttention(name="n", width=16, jet_encoder=encoder), FEATURES).eval()
    batch = make_batch(30)
    fit_normalisation(network, [batch])
    softer = batch.subjets.clone()
    softer[..., FEATURES.subjets.index("log_mass")] -= 1.0
    with torch.no_grad():
        difference = (network(batch.replace(subjets=softer)) - network(batch)).abs().max()
    assert (difference > 1e-3) == seen


def test_all_tokens_that_come_out_are_constituents() -> None:
    network = build(CrossAttention(name="n", width=16), FEATURES)
    batch = make_batch(4)
    tokens, mask = network.jets[0](batch.jet(0))
    assert tokens.shape[:2] == mask.shape
    assert torch.equal(mask, batch.jet(0).constituent_mask)
