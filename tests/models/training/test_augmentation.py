"""Augmentation: a moved event is the event that the moved particles would have made."""

from typing import get_args

import awkward as ak
import numpy as np
import pytest

from analysis.datasets.features import tensors
from analysis.datasets.kinematics import invariant_mass
from analysis.reconstruction.orientation import orient
from models.config.specs import Kinematics, Symmetry
from models.networks.batch import NAMES
from models.networks.normalisation import fit_normalisation
from models.networks.registry import build
from models.training.augmentation import _MOVES, augmented
from models.training.data import Batches, labelled
from tests.models.events import FEATURES, make_sample

EVENTS, PARTICLES = 40, 9
ALL = get_args(Symmetry)


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


def moved(name: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return all events moved by one symmetry."""
    chosen = np.ones(len(arrays["kinematics"]), bool)
    return _MOVES[name](arrays, FEATURES, chosen, np.random.default_rng(1))


@pytest.mark.parametrize(
    ("name", "signs"),
    [
        ("eta_reflection", {"deta": -1, "jet_eta": -1}),
        ("phi_reflection", {"dphi": -1, "jet_phi": -1}),
    ],
)
def test_a_reflected_event_is_what_reflected_particles_make(name, signs):
    found = particles()
    mirrored = found | {column: sign * found[column] for column, sign in signs.items()}
    expected, result = dataset(mirrored), moved(name, dataset(found))
    for array in NAMES:
        np.testing.assert_allclose(result[array], expected[array], atol=2e-5, err_msg=array)
    assert not np.allclose(result["kinematics"], dataset(found)["kinematics"])


def test_exchanged_jets_are_those_of_exchanged_particles():
    found = particles()
    other = {column: values[:, ::-1] for column, values in found.items()}
    expected, result = dataset(other), moved("jet_exchange", dataset(found))
    for array in NAMES:
        np.testing.assert_allclose(result[array], expected[array], atol=2e-5, err_msg=array)


@pytest.mark.parametrize("name", ALL)
def test_masses_and_what_is_not_moved_stay(name):
    before = dataset(particles())
    after = moved(name, before)
    column = FEATURES.kinematics.index
    for arrays in (before, after):
        jets = arrays["kinematics"][:, :2].astype(np.float64)
        own = (jets[..., column(name)] for name in ("pt", "eta", "phi", "energy"))
        total = arrays["kinematics"][:, 2, column("mass")]
        np.testing.assert_allclose(invariant_mass(*own), total, rtol=1e-4)
    np.testing.assert_array_equal(before["kinematics"][:, 2, 0], after["kinematics"][:, 2, 0])
    for array in ("constituents", "subjets"):
        mask = after["constituent_mask" if array == "constituents" else "subjet_mask"]
        assert not after[array][~mask].any()  # padding stays zero
        np.testing.assert_allclose(
            np.sort(np.abs(before[array]), axis=None), np.sort(np.abs(after[array]), axis=None)
        )
    assert np.abs(after["kinematics"][..., column("phi")]).max() <= np.float32(np.pi)


@pytest.mark.parametrize(
    "name", [name for name in ALL if name.endswith(("reflection", "exchange"))]
)
def test_twice_is_not_at_all(name):
    before = dataset(particles())
    after = moved(name, moved(name, before))
    for array in NAMES:
        np.testing.assert_array_equal(after[array], before[array])


def test_a_network_with_the_symmetry_gives_a_moved_event_the_same_score():
    """Kinematics relative to jet 1 do not turn with the event; those as published do."""
    found = dataset(particles()) | {"label": np.zeros(EVENTS), "weight": np.ones(EVENTS)}
    batches = [labelled(arrays)[0] for arrays in (found, found | moved("phi_rotation", found))]
    scores = {}
    for encoding in ("relative", "published"):
        network = build(Kinematics(name="k", kinematics_encoding=encoding), FEATURES).eval()
        fit_normalisation(network, batches[:1])
        scores[encoding] = [network(batch).detach().numpy() for batch in batches]
    np.testing.assert_allclose(*scores["relative"], atol=1e-4)
    assert np.abs(np.subtract(*scores["published"])).max() > 1e-2


def test_each_event_is_moved_or_not_anew_and_by_the_seed_alone():
    found = dataset(particles())

    def eta(seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        return augmented(found, FEATURES, ["eta_reflection"], rng)["kinematics"][:, 0, 1]

    one, again, other = eta(1), eta(1), eta(2)
    np.testing.assert_array_equal(one, again)
    assert 0.2 < np.mean(one != found["kinematics"][:, 0, 1]) < 0.8
    assert 0.2 < np.mean(one != other) < 0.8


def test_batches_without_symmetries_are_those_of_the_source():
    """The random numbers of the order stay, too: an older training is repeated bit for bit."""
    sample = make_sample(50, 1)
    settings = {"size": 20, "seed": 3, "shuffle": True}
    plain = Batches(sample, **settings)
    none = Batches(sample, **settings, augmentation=lambda c, rng: augmented(c, FEATURES, [], rng))
    for (a, label, weight), (b, other, same) in zip(plain, none, strict=True):
        assert all((getattr(a, name) == getattr(b, name)).all() for name in NAMES)
        assert (label == other).all()
        assert (weight == same).all()


def test_single_jets_have_none_to_be_exchanged_with():
    found = {name: array[:, :1] for name, array in dataset(particles()).items()}
    after = augmented(found, FEATURES, ALL, np.random.default_rng(1))
    assert {name: array.shape for name, array in after.items()} == {
        name: array.shape for name, array in found.items()
    }
