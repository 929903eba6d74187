"""Exchanged jets: the event is the one that exchanged particles would have made."""

import awkward as ak
import numpy as np
import torch

from analysis.datasets.features import tensors
from analysis.datasets.kinematics import invariant_mass
from analysis.reconstruction.orientation import orient
from models.config.specs import CrossAttention
from models.networks.batch import NAMES
from models.networks.normalisation import fit_normalisation
from models.networks.registry import build
from models.training.augmentation import jets_exchanged
from models.training.data import Batches, labelled
from tests.models.events import FEATURES, make_sample

EVENTS, PARTICLES = 40, 9


def particles(seed: int = 3) -> dict[str, np.ndarray]:
    """Return jets and their particles in the detector, [N, 2] and [N, 2, P]."""
    rng = np.random.default_rng(seed)
    pt = np.sort(rng.exponential(30, (EVENTS, 2, PARTICLES)) + 1)[..., ::-1]
    kind = rng.integers(0, 5, pt.shape)
    return {
        "pt": pt,
        "deta": rng.normal(0, 0.3, pt.shape),
        "dphi": rng.normal(0, 0.2, pt.shape),
        "kind": kind,
        "charge": np.where(kind < 3, rng.choice([-1, 1], pt.shape), 0),
        "jet_eta": rng.uniform(-2, 2, (EVENTS, 2)),
        "jet_phi": rng.uniform(-3.1, 3.1, (EVENTS, 1)) * [1, -0.9],
        "jet_pt": pt.sum(-1),
        "jet_mass": rng.uniform(60, 180, (EVENTS, 2)),
    }


def dataset(found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return what the project makes of particles: the arrays of a dataset."""
    lists = {name: ak.from_regular(found[name], None) for name in found}
    flat = [ak.from_regular(found[name].reshape(-1, PARTICLES)) for name in ("deta", "dphi", "pt")]
    oriented = orient(*flat)
    eta, phi = (np.asarray(oriented[name]).reshape(found["pt"].shape) for name in ("eta", "phi"))
    energy = np.hypot(found["jet_pt"] * np.cosh(found["jet_eta"]), found["jet_mass"])
    jets = {name: found[f"jet_{name}"] for name in ("pt", "eta", "phi", "mass")}
    jets |= {"energy": energy, "theta": np.asarray(oriented["theta"]).reshape(EVENTS, 2)}
    constituent = {name: lists[name] for name in ("pt", "deta", "dphi", "kind", "charge")}
    constituent |= {"eta": ak.from_regular(eta, None), "phi": ak.from_regular(phi, None)}
    lab = np.cosh(found["jet_eta"][..., None] + found["deta"])
    constituent["energy"] = ak.from_regular(found["pt"] * lab, None)
    subjet = {name: found[name][..., :3] for name in ("pt",)}
    subjet["eta"] = found["jet_eta"][..., None] + found["deta"][..., :3]
    subjet["phi"] = found["jet_phi"][..., None] + found["dphi"][..., :3]
    subjet["mass"] = 0.1 * subjet["pt"]
    events = ak.zip(
        {
            "constituent": ak.zip(constituent),
            "subjet": ak.zip({n: ak.from_regular(a, None) for n, a in subjet.items()}),
            "fatjet": ak.zip({n: ak.from_regular(a, None) for n, a in jets.items()}),
        },
        depth_limit=1,
    )
    return dict(tensors(events, PARTICLES + 2, 4))


class Always(np.random.Generator):
    """Draws every event."""

    def random(self, size):  # type: ignore[override]
        return np.zeros(size)


def every_one(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the events, the jets of all of them exchanged."""
    return dict(jets_exchanged(arrays, Always(np.random.PCG64())))


def test_exchanged_jets_are_those_of_exchanged_particles():
    found = particles()
    other = {column: values[:, ::-1] for column, values in found.items()}
    expected, result = dataset(other), every_one(dataset(found))
    for array in NAMES:
        np.testing.assert_allclose(result[array], expected[array], atol=2e-5, err_msg=array)


def test_no_mass_and_no_padding_changes():
    before = dataset(particles())
    after = jets_exchanged(before, np.random.default_rng(1))
    names = [FEATURES.kinematics.index(name) for name in ("pt", "eta", "phi", "energy")]
    jets = after["kinematics"][:, :2, names].astype(np.float64)
    total = after["kinematics"][:, 2]
    np.testing.assert_allclose(invariant_mass(*np.moveaxis(jets, -1, 0)), total[:, 0], rtol=1e-4)
    np.testing.assert_array_equal(total, before["kinematics"][:, 2])
    assert not after["constituents"][~after["constituent_mask"]].any()
    assert not after["subjets"][~after["subjet_mask"]].any()


def test_half_of_the_events_are_exchanged_by_the_seed_alone():
    sample = make_sample(400, 1)

    def first_mass(seed: int, exchange: bool = True) -> np.ndarray:
        batches = Batches(sample, 64, seed, exchange_jets=exchange)
        return np.concatenate([batch.kinematics[:, 0, 0].numpy() for batch, _, _ in batches])

    plain, one, other = first_mass(1, exchange=False), first_mass(1), first_mass(2)
    np.testing.assert_array_equal(first_mass(1), one)
    assert 0.4 < np.mean(one != plain) < 0.6
    assert 0.4 < np.mean(one != other) < 0.6


def test_single_jets_have_none_to_change_places_with():
    found = {name: array[:, :1] for name, array in dataset(particles()).items()}
    after = jets_exchanged(found, np.random.default_rng(1))
    for name in NAMES:
        np.testing.assert_array_equal(after[name], found[name])


def test_a_network_with_the_symmetry_gives_an_exchanged_event_the_same_score():
    """With one encoder and one meaning of both jets; the default tells them apart."""
    found = dataset(particles()) | {"label": np.zeros(EVENTS), "weight": np.ones(EVENTS)}
    found["kinematics"][:, 1, FEATURES.kinematics.index("phi")] = found["kinematics"][:, 0, 2]
    batches = [labelled(arrays)[0] for arrays in (found, found | every_one(found))]
    scores = {}
    for shared in (True, False):
        spec = CrossAttention(name="n", width=8, share_jet_encoder=shared)
        network = build(spec, FEATURES).eval()
        fit_normalisation(network, batches)
        if shared:
            with torch.no_grad():
                for meanings in (network.jet, network.kinematics.token):
                    meanings[1] = meanings[0]
        scores[shared] = [network(batch).detach().numpy() for batch in batches]
    np.testing.assert_allclose(*scores[True], atol=1e-4)
    assert np.abs(np.subtract(*scores[False])).max() > 1e-2
