"""Fat jets: conservation, order, agreement with the jets that Delphes found itself."""

import awkward as ak
import numpy as np
import pytest

from analysis.config.reconstruction import FatJets
from analysis.delphes.reader import open_delphes
from analysis.reconstruction.fatjets import find_fatjets, momenta, polar
from tests.delphes_files import QCD, SIGNAL

EVERYWHERE = 10.0  # |η| beyond any object: what the Delphes card clusters


@pytest.fixture(scope="module", params=[SIGNAL, QCD], ids=["signal", "qcd"])
def events(request: pytest.FixtureRequest) -> ak.Array:
    with open_delphes(str(request.param), fatjets=True) as file:
        return next(file.steps(1000))


def test_agrees_with_the_jets_of_delphes(events: ak.Array) -> None:
    ours, theirs = (
        find_fatjets(events, FatJets(source=source, input_abs_eta_max=EVERYWHERE))
        for source in ("eflow", "delphes")
    )
    assert len(ours[0]) > 5
    np.testing.assert_array_equal(ours[0], theirs[0])
    for name in ("pt", "eta", "phi", "mass", "energy"):
        np.testing.assert_allclose(
            ak.flatten(ours[1][name]), ak.flatten(theirs[1][name]), rtol=1e-5, err_msg=name
        )
    assert ak.array_equal(ours[1].constituent, theirs[1].constituent)


@pytest.mark.parametrize("algorithm", ["antikt", "cambridge", "kt"])
def test_constituents_add_up_to_their_jet(events: ak.Array, algorithm: str) -> None:
    _, jets = find_fatjets(events, FatJets(algorithm=algorithm))
    parts = jets.constituent
    total = polar(ak.zip({name: ak.sum(parts[name], axis=2) for name in ("px", "py", "pz", "E")}))
    for name in ("pt", "eta", "energy"):
        np.testing.assert_allclose(ak.flatten(total[name]), ak.flatten(jets[name]), rtol=1e-9)
    np.testing.assert_allclose(ak.flatten(total.mass), ak.flatten(jets.mass), rtol=1e-6)


def test_jets_and_constituents_are_in_order_and_within_the_cuts(events: ak.Array) -> None:
    config = FatJets(pt_min=200.0, input_abs_eta_max=2.0)
    _, jets = find_fatjets(events, config)
    assert ak.all(jets.pt[:, 0] >= jets.pt[:, 1])
    assert ak.all(jets.pt > config.pt_min)
    assert ak.all(abs(jets.constituent.eta) < config.input_abs_eta_max)
    pt = jets.constituent.pt
    assert ak.all(pt[:, :, 1:] <= pt[:, :, :-1])


def test_skipping_soft_events_loses_none(events: ak.Array) -> None:
    """The jets of the whole sample are those of its events taken one at a time."""
    positions, jets = find_fatjets(events, FatJets())
    one_by_one = [find_fatjets(events[i : i + 1], FatJets())[1] for i in range(len(events))]
    assert np.flatnonzero([len(found) for found in one_by_one]).tolist() == positions.tolist()
    assert ak.array_equal(ak.concatenate(one_by_one).pt, jets.pt)


def test_order_of_objects_does_not_matter(events: ak.Array) -> None:
    shuffled = ak.with_field(events, events.eflow[:, ::-1], "eflow")
    (found, jets), (again, same) = (find_fatjets(e, FatJets()) for e in (events, shuffled))
    np.testing.assert_array_equal(found, again)
    np.testing.assert_allclose(ak.flatten(jets.pt), ak.flatten(same.pt), rtol=1e-9)
    np.testing.assert_allclose(ak.flatten(jets.mass), ak.flatten(same.mass), rtol=1e-6)


def test_momenta_and_polar_are_inverse() -> None:
    rng = np.random.default_rng(0)
    jets = ak.zip(
        {
            "pt": rng.uniform(1, 1000, (20, 3)),
            "eta": rng.uniform(-4, 4, (20, 3)),
            "phi": rng.uniform(-3, 3, (20, 3)),
            "mass": rng.uniform(1, 200, (20, 3)),
        }
    )
    jets = ak.Array(ak.from_regular(jets))
    back = polar(momenta(jets))
    for name in jets.fields:
        np.testing.assert_allclose(ak.flatten(back[name]), ak.flatten(jets[name]), rtol=1e-6)
