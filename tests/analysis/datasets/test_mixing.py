import numpy as np
import pytest

from analysis.datasets.dataset import TENSORS
from analysis.datasets.kinematics import add_jets
from analysis.datasets.mixing import mixed_events
from common.features import CONSTITUENT_FEATURES, KINEMATIC_FEATURES, SUBJET_FEATURES

FEATURES = (CONSTITUENT_FEATURES, SUBJET_FEATURES)


def events_of(count: int, seed: int = 1) -> dict[str, np.ndarray]:
    """Events of massless constituents, whose energies follow from pT and η."""
    rng = np.random.default_rng(seed)
    jets = {
        "mass": rng.uniform(60, 200, (count, 2)),
        "eta": rng.uniform(-2, 2, (count, 2)),
        "phi": rng.uniform(-3, 3, (count, 2)),
        "pt": -np.sort(-rng.uniform(250, 500, (count, 2))),
        "theta": rng.uniform(-1.5, 1.5, (count, 2)),
    }
    jets["energy"] = np.hypot(jets["pt"] * np.cosh(jets["eta"]), jets["mass"])
    total = add_jets(*(jets[name] for name in ("pt", "eta", "phi", "energy")))
    total["theta"] = np.zeros(count)
    kinematics = np.stack(
        [np.column_stack([jets[name], total[name]]) for name in KINEMATIC_FEATURES], axis=-1
    )
    tokens = {}
    for name, columns, length in (
        ("constituent", CONSTITUENT_FEATURES, 7),
        ("subjet", SUBJET_FEATURES, 3),
    ):
        mask = np.arange(length) < rng.integers(1, length + 1, (count, 2, 1))
        values = rng.normal(size=(count, 2, length, len(columns)))
        deta, log_pt = rng.normal(0, 0.3, mask.shape), rng.normal(3, 1, mask.shape)
        log_energy = log_pt + np.log(np.cosh(jets["eta"][..., None] + deta))
        found = {"deta": deta, "log_pt": log_pt, "log_energy": log_energy}
        found["log_energy_rel"] = log_energy - np.log(jets["energy"])[..., None]
        for feature, column in found.items():
            if feature in columns:
                values[..., columns.index(feature)] = column
        tokens |= {f"{name}s": (values * mask[..., None]).astype(np.float32), f"{name}_mask": mask}
    return tokens | {"kinematics": kinematics.astype(np.float32)}


def mirrored(events: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same events seen in a mirror across the beam."""
    result = {name: values.copy() for name, values in events.items()}
    for feature in ("eta", "theta"):
        result["kinematics"][..., KINEMATIC_FEATURES.index(feature)] *= -1
    for name, columns in zip(("constituents", "subjets"), FEATURES, strict=True):
        result[name][..., columns.index("deta")] *= -1
    return result


def test_an_event_with_its_own_jet_is_itself() -> None:
    events = events_of(20)
    rows = np.arange(20)
    mixed = mixed_events(events, rows, rows, *FEATURES)
    for name in TENSORS:
        np.testing.assert_allclose(mixed[name], events[name], rtol=1e-4, atol=1e-4, err_msg=name)


def test_fat_jet_2_keeps_what_it_is_and_stands_where_the_other_stood() -> None:
    events, rng = events_of(40), np.random.default_rng(2)
    first, second = rng.integers(40, size=(2, 100))
    mixed = mixed_events(events, first, second, *FEATURES)
    for name in TENSORS:
        np.testing.assert_array_equal(mixed[name][:, 0], events[name][first, 0])
    for name, same in (("mass", second), ("pt", second), ("eta", first), ("phi", first)):
        column = KINEMATIC_FEATURES.index(name)
        wanted = events["kinematics"][same, 1, column]
        np.testing.assert_array_equal(mixed["kinematics"][:, 1, column], wanted)
    for name, columns in zip(("constituents", "subjets"), FEATURES, strict=True):
        changed = ("deta", "log_energy", "log_energy_rel")
        moved = [i for i, feature in enumerate(columns) if feature not in changed]
        np.testing.assert_array_equal(
            mixed[name][:, 1][..., moved], events[name][second, 1][..., moved]
        )


def test_energies_follow_from_where_the_jet_is_now() -> None:
    events, rng = events_of(40), np.random.default_rng(3)
    first, second = rng.integers(40, size=(2, 100))
    mixed = mixed_events(events, first, second, *FEATURES)
    mass, eta, _, pt, energy, _ = np.moveaxis(mixed["kinematics"][:, 1].astype(float), -1, 0)
    np.testing.assert_allclose(energy, np.hypot(pt * np.cosh(eta), mass), rtol=1e-5)
    tokens, mask = mixed["constituents"][:, 1], mixed["constituent_mask"][:, 1]
    deta, log_pt, log_energy, relative = (
        tokens[..., CONSTITUENT_FEATURES.index(name)]
        for name in ("deta", "log_pt", "log_energy", "log_energy_rel")
    )
    wanted = log_pt + np.log(np.cosh(eta[:, None] + deta))
    np.testing.assert_allclose(log_energy[mask], wanted[mask], atol=1e-4)
    np.testing.assert_allclose(relative[mask], (wanted - np.log(energy)[:, None])[mask], atol=1e-4)
    assert not log_energy[~mask].any()


def test_the_sum_is_that_of_both_jets() -> None:
    events = events_of(30)
    mixed = mixed_events(events, np.arange(30), np.arange(30)[::-1], *FEATURES)["kinematics"]
    jets = {name: mixed[:, :2, k].astype(float) for k, name in enumerate(KINEMATIC_FEATURES)}
    total = add_jets(*(jets[name] for name in ("pt", "eta", "phi", "energy")))
    for name in ("mass", "pt", "eta", "energy"):
        column = mixed[:, 2, KINEMATIC_FEATURES.index(name)]
        np.testing.assert_allclose(column, total[name], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("side", ["first", "second"])
def test_a_mirror_makes_no_difference(side: str) -> None:
    """A jet taken from the mirror image of an event is the same; so is its place, mirrored."""
    events, count = events_of(25), 25
    both = {n: np.concatenate([v, mirrored(events)[n]]) for n, v in events.items()}
    first, second = np.random.default_rng(4).integers(count, size=(2, 60))
    plain = mixed_events(both, first, second, *FEATURES)
    if side == "second":
        seen = mixed_events(both, first, second + count, *FEATURES)
    else:
        seen = mirrored(mixed_events(both, first + count, second, *FEATURES))
    for name in TENSORS:
        np.testing.assert_allclose(seen[name], plain[name], rtol=1e-4, atol=1e-4, err_msg=name)


def test_tracks_of_a_mirrored_jet_start_on_the_other_side_of_the_vertex() -> None:
    events, rng = events_of(40), np.random.default_rng(5)
    first, second = rng.integers(40, size=(2, 100))
    shape = (*events["constituents"].shape[:-1], 2)
    displaced = rng.normal(size=shape).astype(np.float32)
    events["constituents"] = np.concatenate([events["constituents"], displaced], axis=-1)
    features = ((*CONSTITUENT_FEATURES, "tanh_d0", "tanh_dz"), SUBJET_FEATURES)
    mixed = mixed_events(events, first, second, *features)["constituents"][:, 1]
    was = events["constituents"][second, 1]
    eta = events["kinematics"][..., KINEMATIC_FEATURES.index("eta")]
    side = np.where(eta[first, 1] * eta[second, 1] < 0, -1, 1)
    assert {-1, 1} == set(side)
    np.testing.assert_array_equal(mixed[..., -1], was[..., -1] * side[:, None])
    np.testing.assert_array_equal(mixed[..., -2], was[..., -2])
