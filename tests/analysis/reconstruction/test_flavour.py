"""Heavy hadrons and the flavour of subjets."""

import awkward as ak
import numpy as np
import pytest

from analysis.delphes.reader import open_delphes
from analysis.reconstruction.flavour import (
    B_HADRONS,
    C_HADRONS,
    count_b_hadrons,
    heavy_hadrons,
    subjet_flavour,
)
from tests.delphes_files import SIGNAL


def particles(*events: list[tuple[int, float, float, float]]) -> ak.Array:
    lists = [[dict(zip(("pid", "pt", "eta", "phi"), p, strict=True)) for p in e] for e in events]
    return ak.Array([*lists, [{"pid": 22, "pt": 50.0, "eta": 0.0, "phi": 0.0}]])


def test_lists_hold_the_heavy_quark_of_their_name() -> None:
    """PDG codes: thousands, hundreds and tens digits are quarks; the heaviest one comes first."""
    for quark, hadrons in ((5, B_HADRONS), (4, C_HADRONS)):
        assert {max(h // 1000 % 10, h // 100 % 10) for h in hadrons} == {quark}
        assert {h % 10 for h in hadrons} <= {1, 2}  # spin 0 mesons, spin ½ baryons


def test_only_weakly_decaying_hadrons_above_threshold_count() -> None:
    found = heavy_hadrons(
        particles(
            [(511, 40, 0, 0), (513, 41, 0, 0), (-5122, 6, 0, 1), (521, 4.9, 0, 2), (5, 99, 0, 0)],
            [(411, 30, 0, 0), (413, 30, 0, 0), (-2212, 30, 0, 0), (1000511, 30, 0, 0)],
        )
    )
    assert found.flavour.tolist() == [[5, 5], [4], []]


def test_quarks_stand_for_hadrons_that_a_filtered_record_lacks() -> None:
    """Of a flavour without any hadron in the event, however soft; above the same threshold."""
    found = heavy_hadrons(
        particles(
            [(4, 40, 0, 0), (4, 25, 0.1, 0.2), (-4, 30, 0, 0.1), (4, 4, 0, 2), (521, 60, 1, 0)],
            [(5, 40, 0, 0), (-5, 30, 0, 1), (21, 90, 0, 0)],
            [(4, 40, 0, 0), (411, 3, 0, 0)],
            [(5, 40, 0, 0), (511, 30, 0, 0), (411, 10, 0, 1), (4, 20, 0, 2)],
        )
    )
    assert sorted(found.eta.tolist()[0]) == [0, 0.1, 1], "the softer of two copies"
    assert [sorted(event) for event in found.flavour.tolist()] == [
        [4, 4, 5],
        [5, 5],
        [],
        [4, 5],
        [],
    ]


def test_an_oscillated_meson_counts_once() -> None:
    event = [(511, 40.0, 0.1, 1.0), (-511, 40.0, 0.1, 1.0), (511, 40.0, 0.1, 1.5)]
    assert count_b_hadrons(heavy_hadrons(particles(event))).tolist() == [2, 0]


def test_signal_events_have_four_b_hadrons() -> None:
    with open_delphes(str(SIGNAL)) as file:
        counts = count_b_hadrons(heavy_hadrons(next(file.steps(1000)).particle))
    assert np.bincount(counts).argmax() == 4
    assert counts.min() >= 3  # a b hadron may be soft or forward


@pytest.mark.parametrize(
    ("hadrons", "flavour"),
    [
        ([], 0),
        ([(0.0, 0.2, 4)], 4),
        ([(0.0, 0.2, 4), (0.25, 0.0, 5)], 5),
        ([(0.0, 0.31, 5)], 0),
        ([(0.25, 0.25, 5), (0.1, 0.0, 4)], 4),
    ],
)
@pytest.mark.parametrize("phi", [0.0, np.pi - 0.05, -np.pi])
def test_flavour_is_that_of_the_heaviest_hadron_in_the_cone(
    hadrons: list[tuple[float, float, int]], flavour: int, phi: float
) -> None:
    subjets = ak.Array([[{"eta": 0.0, "phi": phi}], []])
    near = [
        {"eta": eta, "phi": (phi + dphi + np.pi) % (2 * np.pi) - np.pi, "flavour": code}
        for eta, dphi, code in hadrons
    ]
    far = {"eta": 4.0, "phi": 0.0, "flavour": 5}
    hadrons_of = ak.Array([[*near, far], [far]])
    for exclusive in (True, False):
        found = subjet_flavour(subjets, hadrons_of, 0.3, exclusive=exclusive)
        assert found.tolist() == [[flavour], []]


def test_a_hadron_between_two_subjets_labels_the_nearest_alone_if_exclusive() -> None:
    subjets = ak.Array(
        [[{"eta": 0.0, "phi": 3.1}, {"eta": 0.0, "phi": -2.8}, {"eta": 0.6, "phi": 3}]]
    )
    between = {"eta": 0.05, "phi": -3.05, "flavour": 5}
    for exclusive, flavours in ((True, [5, 0, 0]), (False, [5, 5, 0])):
        found = subjet_flavour(subjets, ak.Array([[between]]), 0.3, exclusive=exclusive)
        assert found.tolist() == [flavours]


def test_exclusive_labels_never_add_flavour() -> None:
    rng = np.random.default_rng(1)
    jets = [
        [{"eta": x, "phi": y} for x, y in rng.uniform(-0.5, 0.5, (rng.integers(0, 5), 2))]
        for _ in range(200)
    ]
    hadrons = [
        [{"eta": x, "phi": y, "flavour": int(rng.choice([4, 5]))}
         for x, y in rng.uniform(-0.5, 0.5, (rng.integers(0, 4), 2))]
        for _ in range(200)
    ]  # fmt: skip
    pair = (
        ak.Array([*jets, [{"eta": 0.0, "phi": 0.0}]]),
        ak.Array([*hadrons, [{"eta": 0.0, "phi": 0.0, "flavour": 5}]]),
    )
    exclusive, cone = (subjet_flavour(*pair, 0.3, exclusive=e) for e in (True, False))
    assert ak.all(exclusive <= cone)
    labelled = ak.sum(exclusive > 0, axis=1)
    assert ak.all(labelled <= ak.num(pair[1])), "no more labels than hadrons"
    assert ak.any(exclusive < cone)
