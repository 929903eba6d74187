"""What the taggers of single jets of the literature promise, each by itself."""

import sys

import fastjet
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from common.errors import ModelError
from models.config.specs import (
    EFN,
    PCNN,
    PFN,
    Features,
    JetImageCNN,
    LGATrSlim,
    LLoCa,
    LorentzNet,
    LundNet,
    MIParT,
    ParticleNet,
    ParticleTransformer,
    Pelican,
    Training,
)
from models.networks.batch import Batch
from models.networks.inputs import parameter_count
from models.networks.normalisation import fit_normalisation
from models.networks.registry import build
from models.taggers.jet_image import jet_image, oriented
from models.taggers.lloca import local_frames
from models.taggers.lund import lund_coordinates, lund_tree
from models.taggers.masked import MaskedBatchNorm
from models.taggers.minkowski import product
from models.taggers.pelican import equivariant_map
from models.training.inference import predict_log_odds
from models.training.training import train
from tests.models.events import FEATURES, make_batch

PUBLISHED = {
    "PFN": (PFN(name="n"), 86_100),  # arXiv:2202.03772, as the next two
    "P-CNN": (PCNN(name="n"), 354_000),
    "ParticleNet": (ParticleNet(name="n", jets=1), 370_000),
    "EFN": (EFN(name="n"), 82_000),  # arXiv:1902.09914, as the next one
    "CNN": (JetImageCNN(name="n"), 610_000),
    "LundNet": (LundNet(name="n"), 395_000),
    "LorentzNet": (LorentzNet(name="n", jets=1), 224_000),
    "PELICAN": (Pelican(name="n", jets=1), 45_000),
    "MIParT": (MIParT(name="n"), 720_900),
    "ParT": (ParticleTransformer(name="n", jets=1), 2_140_000),
    "plain ParT": (ParticleTransformer(name="n", jets=1, pair_embedding=()), 2_130_000),
    "L-GATr-slim": (LGATrSlim(name="n", jets=1), 2_000_000),
    "LLoCa": (LLoCa(name="n", jets=1), 2_000_000),
}
EQUIVARIANT = {
    "lorentz_net": LorentzNet(name="n", jets=1, width=8, layers=2, coordinate_weight=0.1),
    "pelican": Pelican(name="n", jets=1, layers=2, width=20, message=8),
    "lgatr_slim": LGATrSlim(name="n", jets=1, layers=2, vectors=4, scalars=8, heads=2),
    "lloca": LLoCa(name="n", jets=1, layers=2, heads=2, scalars=4, vectors=1, frame_width=8),
}
ETA, PHI, LOG_PT = (FEATURES.constituents.index(name) for name in ("eta", "phi", "log_pt"))


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_as_many_as_published_within_a_fifth(name):
    spec, published = PUBLISHED[name]
    assert parameter_count(build(spec, Features())) == pytest.approx(published, rel=0.2)


def network_of(spec: object) -> nn.Module:
    torch.manual_seed(3)
    network = build(spec, FEATURES)
    fit_normalisation(network, [make_batch(24)])
    return network.eval().double()


def double(batch: Batch) -> Batch:
    names = ("constituents", "subjets", "kinematics")
    return batch.replace(**{name: getattr(batch, name).double() for name in names})


def with_constituent(batch: Batch, token: Tensor) -> Batch:
    """Return the batch with one more constituent [B, F] of each first jet."""
    extra = torch.zeros_like(batch.constituents[:, :, :1])
    extra[:, 0, 0] = token
    there = torch.zeros_like(batch.constituent_mask[:, :, :1])
    there[:, 0] = True
    return batch.replace(
        constituents=torch.cat([batch.constituents, extra], dim=2),
        constituent_mask=torch.cat([batch.constituent_mask, there], dim=2),
    )


@torch.no_grad()
def test_efn_is_infrared_and_collinear_safe_and_pfn_is_not():
    batch = double(make_batch(24))
    soft = torch.randn(24, batch.constituents.shape[-1], dtype=torch.float64)
    soft[:, LOG_PT] = np.log(1e-9)
    leading = batch.constituents[:, 0, 0].clone()
    leading[:, LOG_PT] += np.log(0.3)
    shared = batch.constituents.clone()
    shared[:, 0, 0, LOG_PT] += np.log(0.7)
    emissions = {
        "soft": with_constituent(batch, soft),
        "collinear": with_constituent(batch.replace(constituents=shared), leading),
    }
    efn, pfn = (network_of(kind(name="n", phi=(16, 16), f=(16,))) for kind in (EFN, PFN))
    for name, other in emissions.items():
        torch.testing.assert_close(efn(other), efn(batch), atol=1e-8, rtol=0, msg=name)
        assert (pfn(other) - pfn(batch)).abs().max() > 1e-3
    harder = batch.constituents.clone()
    harder[:, 0, 0, LOG_PT] += 1.0
    assert (efn(batch.replace(constituents=harder)) - efn(batch)).abs().max() > 1e-3


@torch.no_grad()
def test_mipart_tells_pairs_apart_that_differ_in_all_features_alike():
    """Wider angle, larger kT, z and mass, all by as many standard deviations: another pair."""
    network = network_of(MIParT(name="n", width=16, heads=2, pair_embedding=(16, 16)))
    pair = torch.tensor([0.3, -0.5, 0.1, 0.8], dtype=torch.float64)
    for other in (pair + 1, 2 * pair):
        shift = (network.pair_embedding(other) - network.pair_embedding(pair)).abs().max()
        assert shift > 1e-2


def random_jets(jets: int, places: int) -> tuple[Tensor, Tensor]:
    """Return (E, px, py, pz) [jets, places, 4] and a mask: massive, φ about ±π, wide in y."""
    rng = np.random.default_rng(5)
    mask = np.arange(places) < rng.integers(1, places + 1, (jets, 1))
    pt, mass = rng.exponential(20, (2, jets, places)) * [[[1.0]], [[0.02]]]
    y = rng.uniform(-2, 2, (jets, 1)) + rng.normal(0, 0.4, (jets, places))
    phi = np.pi + rng.normal(0, 0.4, (jets, places))
    transverse = np.hypot(pt, mass)
    p = (transverse * np.cosh(y), pt * np.cos(phi), pt * np.sin(phi), transverse * np.sinh(y))
    return torch.from_numpy(np.stack(p, -1) * mask[..., None]), torch.from_numpy(mask)


def declusterings(momenta: np.ndarray) -> list[tuple[float, float, float]]:
    """Return (ln kT, ln Δ, ln z) of every step of fastjet's Cambridge/Aachen clustering."""
    particles = [fastjet.PseudoJet(*p[1:], p[0]) for p in momenta.tolist()]
    definition = fastjet.JetDefinition(fastjet.cambridge_algorithm, 1000.0)
    sequence = fastjet.ClusterSequence(particles, definition)
    found, left = [], list(sequence.exclusive_jets(1))
    while left:
        jet, a, b = left.pop(), fastjet.PseudoJet(), fastjet.PseudoJet()
        if jet.has_parents(a, b):
            softer, delta = min(a.pt(), b.pt()), a.delta_R(b)
            found.append(
                (np.log(softer * delta), np.log(delta), np.log(softer / (a.pt() + b.pt())))
            )
            left += [a, b]
    return found


def test_lund_tree_is_that_of_fastjet():
    momenta, mask = random_jets(12, 15)
    tree = lund_tree(momenta, mask)
    found = lund_coordinates(momenta, tree)
    columns = torch.stack([found[name] for name in ("log_kt", "log_delta", "log_z")], dim=-1)
    for jet in range(12):
        expected = sorted(declusterings(momenta[jet, mask[jet]].numpy()))
        ours = sorted(map(tuple, columns[jet, tree.mask[jet]].tolist()))
        assert len(expected) == len(ours) == mask[jet].sum() - 1
        np.testing.assert_allclose(np.array(ours), np.array(expected), rtol=1e-6, atol=1e-8)


def test_lund_tree_links_each_branch_to_the_declustering_that_made_it():
    momenta, mask = random_jets(12, 15)
    tree = lund_tree(momenta, mask)
    both = tree.harder | tree.softer
    assert (tree.linked[..., :2].sum((1, 2)) == (tree.mask.sum(1) - 1).clamp(min=0)).all()
    for jet, step, side in tree.linked[..., :2].nonzero().tolist():
        made = tree.neighbours[jet, step, side]
        branch = (tree.harder, tree.softer)[side][jet, step]
        assert (both[jet, made] == branch).all()
        assert tree.linked[jet, made, 2]
        assert tree.neighbours[jet, made, 2] == step
    sums = [torch.where(b[..., None], momenta[:, None], 0).sum(2) for b in tree[:2]]
    harder, softer = (x[..., 1:3].norm(dim=-1) for x in sums)
    assert (harder >= softer)[tree.mask].all()


def test_images_do_not_depend_on_place_orientation_and_mirroring():
    rng = np.random.default_rng(1)
    eta, phi, z = torch.from_numpy(rng.normal(size=(3, 40, 12)) * [[[0.1]], [[0.2]], [[1.0]]])
    z = z.exp() / z.exp().sum(1, keepdim=True)
    image = jet_image(*oriented(eta, phi, z), z, 25, 1.6)
    assert image.shape == (40, 25, 25)
    torch.testing.assert_close(image.sum((1, 2)), torch.ones(40, dtype=torch.float64))
    angle = 0.8
    turned = eta * np.cos(angle) - phi * np.sin(angle), eta * np.sin(angle) + phi * np.cos(angle)
    for other in (turned, (eta + 0.3, phi - 0.5), (-eta, phi), (eta, -phi)):
        torch.testing.assert_close(jet_image(*oriented(*other, z), z, 25, 1.6), image)
    rows, columns = image.sum(2), image.sum(1)
    axis = torch.linspace(-1, 1, 25, dtype=torch.float64)
    spread = [(share * axis**2).sum(1) for share in (rows, columns)]
    assert (spread[1] > spread[0]).float().mean() > 0.9, "the principal axis lies along φ"
    far = jet_image(torch.full((1, 1), 0.9), torch.zeros(1, 1), torch.ones(1, 1), 25, 1.6)
    assert far.sum() == 0


def lorentz(seed: int) -> Tensor:
    """Return a random boost times a random rotation [4, 4]."""
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    rotation *= np.sign(np.linalg.det(rotation))
    velocity = rng.normal(size=3) * 0.5
    gamma = np.sqrt(1 + velocity @ velocity)
    boost = np.eye(4)
    boost[0, 0], boost[0, 1:], boost[1:, 0] = gamma, velocity, velocity
    boost[1:, 1:] += np.outer(velocity, velocity) / (1 + gamma)
    boost[:, 1:] = boost[:, 1:] @ rotation
    return torch.from_numpy(boost)


def momenta_of(network: nn.Module, particles: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return scalars, momenta and mask of jets with at least so many particles."""
    batch = double(make_batch(16))
    chosen = batch.constituent_mask[:, 0].sum(1) >= particles
    scalars, momenta, mask = network.references(network.cloud(batch))
    return scalars[chosen], momenta[chosen], mask[chosen]


@torch.no_grad()
@pytest.mark.parametrize("name", EQUIVARIANT)
def test_equivariant_taggers_see_invariants_alone_without_beams(name):
    transformation = lorentz(2)
    free = network_of(EQUIVARIANT[name].model_copy(update={"beams": False}))
    scalars, momenta, mask = momenta_of(free, 4 if name == "lloca" else 1)
    moved = momenta @ transformation.T
    torch.testing.assert_close(product(moved, moved), product(momenta, momenta))
    before = free.classify(scalars, momenta, mask)
    torch.testing.assert_close(free.classify(scalars, moved, mask), before, atol=1e-6, rtol=1e-6)
    assert (free.classify(scalars, momenta * 1.5, mask) - before).abs().max() > 1e-4


@torch.no_grad()
@pytest.mark.parametrize("name", EQUIVARIANT)
def test_beams_leave_rotations_about_them_alone(name):
    network = network_of(EQUIVARIANT[name])
    scalars, momenta, mask = momenta_of(network, 2 if name == "lloca" else 1)
    count = len(network.references)
    before = network.classify(scalars, momenta, mask)
    turn = torch.eye(4, dtype=torch.float64)
    turn[1:3, 1:3] = torch.tensor([[np.cos(0.7), -np.sin(0.7)], [np.sin(0.7), np.cos(0.7)]])
    for matrix, same in ((turn, True), (lorentz(2), False)):
        moved = torch.cat([momenta[:, :count], momenta[:, count:] @ matrix.T], dim=1)
        shift = (network.classify(scalars, moved, mask) - before).abs().max()
        assert shift < 1e-6 if same else shift > 1e-4


def test_local_frames_are_lorentz_transformations_that_follow_their_vectors():
    rng = np.random.default_rng(0)
    space = torch.from_numpy(rng.normal(size=(4, 5, 3, 3)))
    energy = (1 + space.square().sum(-1, keepdim=True)).sqrt()
    vectors = torch.cat([energy, space], dim=-1)
    frames = local_frames(vectors)
    metric = torch.diag(torch.tensor([1.0, -1, -1, -1], dtype=torch.float64))
    torch.testing.assert_close(frames @ metric @ frames.mT, metric.expand_as(frames))
    assert (torch.linalg.det(frames) > 0).all()
    rest = (frames @ vectors[..., 0, :, None]).squeeze(-1)
    torch.testing.assert_close(rest, torch.tensor([1.0, 0, 0, 0]).double().expand_as(rest))
    transformation = lorentz(3)
    moved = local_frames(vectors @ transformation.T)
    torch.testing.assert_close(moved @ transformation, frames)


def test_masked_batch_norm_is_that_of_torch_on_the_valid_tokens():
    torch.manual_seed(0)
    x, mask = torch.randn(6, 9, 4) * 3 + 1, torch.rand(6, 9) < 0.6
    ours, theirs = MaskedBatchNorm(4), nn.BatchNorm1d(4)
    for training in (True, True, False):
        ours.train(training)
        theirs.train(training)
        found = (
            ours(torch.where(mask[..., None], x, torch.nan), mask) if training else ours(x, mask)
        )
        torch.testing.assert_close(found[mask], theirs(x[mask]))
        assert (found[~mask] == 0).all()
    before = ours.train().mean.clone()
    assert torch.isfinite(ours(x[:1], torch.zeros(1, 9, dtype=torch.bool))).all()
    torch.testing.assert_close(ours.mean, before)


def test_running_constants_are_saved_with_the_model(data, tmp_path):
    spec = PCNN(name="n", stem=8, stages=((8,), (8,)), hidden=16)
    settings = Training(epochs=3, learning_rate=1e-2, accelerator="cpu")
    model = train(spec, settings, data, 1, tmp_path / "model")
    assert model.network.stem.norm.variance.sub(1).abs().max() > 1e-2
    scores = predict_log_odds(tmp_path / "model", data.validation.events, FEATURES)
    signal = data.validation.label == 1
    assert (scores[signal][:, None] > scores[~signal]).mean() > 0.6


def test_without_its_package_a_tagger_says_what_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "lgatr", None)
    monkeypatch.delitem(sys.modules, "models.taggers.lgatr_slim", raising=False)
    with pytest.raises(ModelError, match=r"pip install -r envs/requirements-peers\.txt"):
        build(LGATrSlim(name="n", jets=1), FEATURES)


def test_pelican_has_all_fifteen_maps_that_permutations_commute_with():
    """Each is its definition, entry by entry; together they are independent."""
    torch.manual_seed(0)
    n = 5
    x, mask = torch.randn(3, n, n, 1, dtype=torch.float64), torch.ones(3, n, dtype=torch.bool)
    maps = []
    for number in range(15):
        weights = torch.zeros(15, 1, 1, dtype=torch.float64)
        weights[number] = 1
        one = torch.ones(3, 10, 1, dtype=torch.float64)
        maps.append(equivariant_map(x, mask, weights, one)[..., 0])
    y, here = x[..., 0], torch.eye(n, dtype=torch.float64)
    diagonal, rows, columns = y.diagonal(dim1=1, dim2=2), y.mean(2), y.mean(1)
    down, along = (
        (lambda v: v[:, :, None].expand(-1, n, n)),
        (lambda v: v[:, None].expand(-1, n, n)),
    )
    trace, total = diagonal.mean(1)[:, None, None], y.mean((1, 2))[:, None, None]
    expected = [
        *(y, y.mT, down(diagonal) * here, down(diagonal), along(diagonal)),
        *(down(rows) * here, down(columns) * here, down(rows), along(rows)),
        *(down(columns), along(columns)),
        *(trace * here, trace.expand_as(y), total * here, total.expand_as(y)),
    ]
    for found, wanted in zip(maps, expected, strict=True):
        torch.testing.assert_close(found, wanted)
    assert torch.linalg.matrix_rank(torch.stack(maps).flatten(1)) == 15
