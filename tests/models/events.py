"""Events for the networks' tests: random jets in the shapes and names of a dataset."""

import numpy as np

from models.config.specs import Features
from models.networks.batch import Batch, Events, Sample

FEATURES = Features()


def make_arrays(count: int, seed: int = 0, constituents: int = 12) -> dict[str, np.ndarray]:
    """Return `count` events; jets of label-1 events (every second one) are narrower."""
    rng = np.random.default_rng(seed)
    label = np.arange(count) % 2
    multiplicity = rng.integers(1, constituents + 1, size=(count, 2))
    subjets = rng.integers(1, 7, size=(count, 2))
    width = np.where(label, 0.2, 0.4)[:, None, None]
    eta, phi = rng.normal(size=(2, count, 2, constituents)) * width
    pt = np.sort(rng.exponential(20.0, size=(count, 2, constituents)) + 1.0, axis=-1)[..., ::-1]
    jet_eta = rng.uniform(-2, 2, size=(count, 2, 1))
    turn = rng.uniform(-1.5, 1.5, size=(count, 2, 1))
    deta = eta * np.cos(turn) - phi * np.sin(turn)
    dphi = eta * np.sin(turn) + phi * np.cos(turn)
    energy = pt * np.cosh(jet_eta + deta)
    kind = rng.integers(0, 5, size=pt.shape)
    charge = np.where(kind < 3, rng.choice([-1, 1], size=pt.shape), 0)
    jet_pt = pt.sum(-1, keepdims=True)
    columns = {
        "eta": eta,
        "phi": phi,
        "deta": deta,
        "dphi": dphi,
        "log_pt": np.log(pt),
        "log_energy": np.log(energy),
        "log_pt_rel": np.log(pt / jet_pt),
        "log_energy_rel": np.log(energy / energy.sum(-1, keepdims=True)),
        "delta_r": np.hypot(eta, phi),
        "charge": charge,
        "is_charged_hadron": kind == 0,
        "is_electron": kind == 1,
        "is_muon": kind == 2,
        "is_photon": kind == 3,
        "is_neutral_hadron": kind == 4,
    }
    mask = np.arange(constituents) < multiplicity[..., None]
    tokens = np.stack([columns[name] for name in FEATURES.constituents], axis=-1)
    subjet_mask = np.arange(6) < subjets[..., None]
    subjet_tokens = rng.normal(size=(count, 2, 6, 6))
    mass = rng.normal(125, np.where(label, 10, 40)[:, None], size=(count, 2)).clip(20)
    phi_jet = rng.uniform(-np.pi, np.pi, size=(count, 1)) + np.array([0.0, np.pi])
    pts = rng.uniform(250, 800, size=(count, 2))
    kinematics = np.stack(
        [
            np.column_stack([mass, rng.normal(1000, 50, count)]),
            np.column_stack([jet_eta[..., 0], rng.normal(0, 1, count)]),
            np.column_stack([phi_jet, rng.uniform(-np.pi, np.pi, count)]),
            np.column_stack([pts, rng.exponential(30, count)]),
            np.column_stack([np.hypot(pts, mass), rng.uniform(1000, 2000, count)]),
            np.column_stack([turn[..., 0], np.zeros(count)]),
        ],
        axis=-1,
    )
    return {
        "constituents": np.where(mask[..., None], tokens, 0).astype(np.float32),
        "constituent_mask": mask,
        "subjets": np.where(subjet_mask[..., None], subjet_tokens, 0).astype(np.float32),
        "subjet_mask": subjet_mask,
        "kinematics": kinematics.astype(np.float32),
    }


def with_objects(arrays: dict[str, np.ndarray], objects: int = 20) -> dict[str, np.ndarray]:
    """Return the events with energy-flow objects of the whole event, which no jet knows of."""
    count = len(arrays["kinematics"])
    rng = np.random.default_rng(count)
    mask = np.arange(objects) < rng.integers(1, objects + 1, size=count)[:, None]
    pt = np.sort(rng.exponential(20.0, size=mask.shape) + 1.0, axis=-1)[:, ::-1]
    eta, phi = rng.normal(0, 1.5, mask.shape), rng.uniform(-np.pi, np.pi, mask.shape)
    kind = rng.integers(0, 5, size=mask.shape)
    columns = [eta, np.sin(phi), np.cos(phi), np.log(pt), np.log(pt * np.cosh(eta))]
    columns += [np.where(kind < 3, rng.choice([-1, 1], size=mask.shape), 0)]
    tokens = np.stack([*columns, *(kind == code for code in range(5))], axis=-1)
    tokens = np.where(mask[..., None], tokens, 0).astype(np.float32)
    return arrays | {"objects": tokens, "object_mask": mask}


def make_batch(count: int, seed: int = 0, constituents: int = 12) -> Batch:
    """Return all of `make_arrays` as one batch."""
    return Events(make_arrays(count, seed, constituents))[np.arange(count)]


def make_sample(count: int, seed: int) -> Sample:
    """Return `count` events, half of them signal, with unequal weights."""
    weight = np.random.default_rng(seed).uniform(0.5, 1.5, count)
    return Sample(Events(make_arrays(count, seed)), np.arange(count) % 2, weight)
