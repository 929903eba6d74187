"""Tokens and masks from tables of events."""

import awkward as ak
import numpy as np
import pytest

from analysis.datasets.features import leading_subjet_flavour, object_tokens, tensors
from common.features import CONSTITUENT_FEATURES, KINEMATIC_FEATURES, OBJECT_FEATURES

RNG = np.random.default_rng(5)


def table(constituents: list[list[int]], subjets: list[list[int]]) -> ak.Array:
    """Events with the given numbers of constituents and subjets per fat jet."""

    def jet() -> dict[str, float]:
        pt, eta, mass = RNG.uniform(250, 900), RNG.uniform(-2, 2), RNG.uniform(50, 200)
        return {
            "pt": pt, "eta": eta, "phi": RNG.uniform(-3, 3), "mass": mass,
            "energy": float(np.hypot(pt * np.cosh(eta), mass)), "theta": RNG.uniform(-1.5, 1.5),
        }  # fmt: skip

    def particle() -> dict[str, float]:
        numbers = {name: RNG.normal() for name in ("eta", "phi", "deta", "dphi")}
        return {**numbers, "pt": RNG.exponential(20), "energy": RNG.exponential(50),
                "charge": int(RNG.integers(-1, 2)), "kind": int(RNG.integers(0, 5))}  # fmt: skip

    def subjet() -> dict[str, float]:
        return {"pt": RNG.exponential(90), "eta": RNG.normal(), "phi": RNG.uniform(-3, 3),
                "mass": 0.0, "flavour": int(RNG.choice([0, 4, 5]))}  # fmt: skip

    return ak.Array(
        [
            {
                "fatjet": [jet(), jet()],
                "constituent": [[particle() for _ in range(n)] for n in counts],
                "subjet": [[subjet() for _ in range(n)] for n in subcounts],
            }
            for counts, subcounts in zip(constituents, subjets, strict=True)
        ]
    )


EVENTS = table([[3, 8], [1, 5], [12, 4]], [[2, 1], [3, 2], [0, 6]])


def test_masks_count_and_padding_is_zero() -> None:
    found = tensors(EVENTS, 10, 4)
    assert found["constituent_mask"].sum(axis=2).tolist() == [[3, 8], [1, 5], [10, 4]]
    assert found["subjet_mask"].sum(axis=2).tolist() == [[2, 1], [3, 2], [0, 4]]
    for name, mask in (("constituents", "constituent_mask"), ("subjets", "subjet_mask")):
        assert (found[name][~found[mask]] == 0).all()
        assert np.isfinite(found[name]).all(), "a massless subjet stays finite"
    assert found["constituents"].shape[-1] == len(CONSTITUENT_FEATURES)


def test_length_of_padding_changes_no_token() -> None:
    short, long = tensors(EVENTS, 12, 6), tensors(EVENTS, 30, 9)
    assert np.array_equal(short["constituents"], long["constituents"][:, :, :12])
    assert not long["constituent_mask"][:, :, 12:].any()


def test_fractions_and_classes_are_consistent() -> None:
    found = tensors(EVENTS, 12, 6)
    column = {name: n for n, name in enumerate(CONSTITUENT_FEATURES)}
    features, mask = found["constituents"], found["constituent_mask"]
    log_jet = np.log(found["kinematics"][:, :2, KINEMATIC_FEATURES.index("pt")])[:, :, None]
    difference = features[..., column["log_pt"]] - features[..., column["log_pt_rel"]]
    np.testing.assert_allclose(difference[mask], np.broadcast_to(log_jet, mask.shape)[mask], 1e-5)
    classes = features[..., column["is_charged_hadron"] : column["is_neutral_hadron"] + 1]
    assert (classes.sum(axis=-1) == mask).all()


def test_higgs_token_is_the_sum_of_the_jets() -> None:
    tokens = tensors(EVENTS, 5, 5)["kinematics"].astype(np.float64)
    mass, eta, phi, pt, energy, theta = np.moveaxis(tokens, -1, 0)
    for px in (lambda n: pt[:, n] * np.cos(phi[:, n]), lambda n: pt[:, n] * np.sinh(eta[:, n])):
        np.testing.assert_allclose(px(0) + px(1), px(2), rtol=1e-4, atol=1e-2)
    np.testing.assert_allclose(energy[:, 0] + energy[:, 1], energy[:, 2], rtol=1e-5)
    momentum2 = (pt[:, 2] * np.cosh(eta[:, 2])) ** 2
    np.testing.assert_allclose(mass[:, 2], np.sqrt(energy[:, 2] ** 2 - momentum2), rtol=1e-3)
    assert (theta[:, 2] == 0).all()


def test_missing_subjets_have_flavour_minus_one() -> None:
    found = leading_subjet_flavour(EVENTS)
    assert found.shape == (3, 2, 2)
    assert found[2, 0].tolist() == [-1, -1]
    assert found[0, 1, 1] == -1
    assert found[1, 1].tolist() == EVENTS["subjet"]["flavour"][1, 1, :2].tolist()


def test_no_events() -> None:
    found = tensors(EVENTS[:0], 5, 4)
    assert found["constituents"].shape == (0, 2, 5, len(CONSTITUENT_FEATURES))
    assert found["kinematics"].shape == (0, 3, 6)
    assert leading_subjet_flavour(EVENTS[:0]).shape == (0, 2, 2)


def test_rotation_about_the_beam_changes_only_phi() -> None:
    turned = ak.with_field(EVENTS, ak.with_field(EVENTS["fatjet"], EVENTS["fatjet", "phi"] + 1.0,
                                                 "phi"), "fatjet")  # fmt: skip
    before, after = (tensors(e, 5, 5)["kinematics"] for e in (EVENTS, turned))
    phi = KINEMATIC_FEATURES.index("phi")
    others = [n for n in range(6) if n != phi]
    np.testing.assert_allclose(before[..., others], after[..., others], rtol=1e-4, atol=1e-4)
    turn = np.angle(np.exp(1j * (after[..., phi] - before[..., phi])))
    assert turn == pytest.approx(np.ones((3, 3)), abs=1e-4)


def of_event(counts: list[int], turn: float = 0.0) -> ak.Array:
    """Events of so many objects, all turned about the beam."""
    rng = np.random.default_rng(2)
    names = ("pt", "eta", "phi", "energy", "charge", "kind")
    rows = [
        [
            dict(zip(names, (40 * rng.random() + 1, rng.normal(), turn + rng.uniform(-3, 3),
                             50 * rng.random() + 60, 1, int(rng.integers(0, 5))), strict=True))
            for _ in range(n)
        ]
        for n in counts
    ]  # fmt: skip
    return ak.Array([{"object": row} for row in rows])


@pytest.mark.parametrize("turn", [0.7, -2.0, 3.1])
def test_objects_of_an_event_do_not_tell_its_azimuth(turn: float) -> None:
    (tokens, mask), (turned, _) = (object_tokens(of_event([5, 1, 9], t), 7) for t in (0.0, turn))
    assert mask.sum(1).tolist() == [5, 1, 7]
    assert (tokens[~mask] == 0).all()
    np.testing.assert_allclose(tokens, turned, atol=1e-5)


def test_axis_of_an_event_is_where_its_momenta_are() -> None:
    tokens, _ = object_tokens(of_event([6, 6, 6, 6]), 6)
    column = OBJECT_FEATURES.index
    pt2 = np.exp(2 * tokens[..., column("log_pt")])
    sin, cos = tokens[..., column("sin_phi")], tokens[..., column("cos_phi")]
    np.testing.assert_allclose(sin**2 + cos**2, 1, atol=1e-5)
    np.testing.assert_allclose((pt2 * sin * cos).sum(1) / pt2.sum(1), 0, atol=1e-5)
    assert ((pt2 * cos**2).sum(1) >= (pt2 * sin**2).sum(1)).all()
    assert ((pt2 * cos).sum(1) >= 0).all()
