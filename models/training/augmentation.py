"""Events moved by a symmetry of physics or of the detector: another event that might have been.

A training draws anew in each epoch what it does to each event, so that the network sees more events
than there are. All that belongs to one event moves together: the constituents as they lie in the
detector, subjets, and the kinematics of jets and event, θ with them. No invariant mass changes.

The oriented frame of the constituents, (η′, φ′), follows its jet: it is turned by θ, and each
coordinate is mirrored to have more pT on its positive side. So a reflection of the detector changes
neither; `constituent_flips` mirrors them in their place.
"""

from collections.abc import Callable, Sequence
from typing import get_args

import numpy as np

from common.angles import wrap
from common.columns import Columns
from models.config.specs import Features, Symmetry

_Move = Callable[[Columns, Features, np.ndarray, np.random.Generator], Columns]


def augmented(
    columns: Columns, features: Features, symmetries: Sequence[Symmetry], rng: np.random.Generator
) -> Columns:
    """Return a batch in which each event is moved at random by each of some symmetries.

    Parameters
    ----------
    columns : Columns
        The arrays of `models.networks.batch.Batch` of B events by name; others stay.
    features : Features
        Names of the features.
    symmetries : sequence of str
        Which; see `training.augmentation`. Reflections and exchanges come with probability ½.
    rng : Generator
    """
    for name in get_args(Symmetry):
        if name in symmetries:
            chosen = rng.random(len(columns["kinematics"])) < 0.5
            columns = _MOVES[name](columns, features, chosen, rng)
    return columns


def reflected_eta(
    columns: Columns, features: Features, chosen: np.ndarray, _: np.random.Generator
) -> Columns:
    """Return the events with η → −η, hence θ → −θ, where `chosen` [B]."""
    return _signed(columns, features, chosen, {"deta"}, {"eta", "theta"})


def reflected_phi(
    columns: Columns, features: Features, chosen: np.ndarray, _: np.random.Generator
) -> Columns:
    """Return the events with φ → −φ, hence θ → −θ, where `chosen` [B]."""
    return _signed(columns, features, chosen, {"dphi"}, {"phi", "theta"})


def rotated_phi(
    columns: Columns, features: Features, _: np.ndarray, rng: np.random.Generator
) -> Columns:
    """Return the events turned about the beam, each by an angle of its own."""
    kinematics = columns["kinematics"].copy()
    phi = features.kinematics.index("phi")
    angle = rng.uniform(-np.pi, np.pi, (len(kinematics), 1))
    kinematics[..., phi] = wrap(kinematics[..., phi] + angle)
    return columns | {"kinematics": kinematics}


def exchanged_jets(
    columns: Columns, features: Features, chosen: np.ndarray, _: np.random.Generator
) -> Columns:
    """Return the events with fat jets 1 and 2 in each other's place where `chosen` [B]."""
    if columns["constituents"].shape[1] != 2:
        return columns
    moved = {}
    for name in ("constituents", "constituent_mask", "subjets", "subjet_mask", "kinematics"):
        array = columns[name].copy()
        array[chosen, :2] = array[chosen, 1::-1]
        moved[name] = array
    return columns | moved


def flipped_constituents(
    columns: Columns, features: Features, _: np.ndarray, rng: np.random.Generator
) -> Columns:
    """Return the events with η′ and φ′ of each fat jet's constituents mirrored or not."""
    constituents = columns["constituents"].copy()
    for name in ("eta", "phi"):
        if name in features.constituents:
            sign = _sign(rng.random(constituents.shape[:2]) < 0.5)
            constituents[..., features.constituents.index(name)] *= sign[..., None]
    return columns | {"constituents": constituents}


def _signed(
    columns: Columns, features: Features, chosen: np.ndarray, tokens: set[str], axes: set[str]
) -> Columns:
    """Return the events with the sign of some features of tokens and kinematics changed."""
    moved = {}
    wanted = {"constituents": tokens, "subjets": tokens, "kinematics": axes}
    for array, names in wanted.items():
        present = [i for i, name in enumerate(getattr(features, array)) if name in names]
        moved[array] = columns[array].copy()
        moved[array][..., present] *= _sign(chosen).reshape(-1, *[1] * (columns[array].ndim - 1))
    return columns | moved


def _sign(negative: np.ndarray) -> np.ndarray:
    return np.where(negative, np.float32(-1), np.float32(1))


_MOVES: dict[str, _Move] = {
    "eta_reflection": reflected_eta,
    "phi_reflection": reflected_phi,
    "phi_rotation": rotated_phi,
    "jet_exchange": exchanged_jets,
    "constituent_flips": flipped_constituents,
}
