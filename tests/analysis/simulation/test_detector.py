import numpy as np
import pytest
from pydantic import ValidationError

from analysis.config.detector import BTagging, Detector
from analysis.simulation.detector import Response, simulate
from analysis.simulation.jets import tag_probability
from analysis.simulation.particles import Particles

DETECTOR = Detector()


@pytest.fixture(scope="module")
def response(real_particles: Particles) -> Response:
    return simulate(real_particles, DETECTOR, np.random.default_rng(1))


def test_same_seed_same_response(real_particles: Particles, response: Response) -> None:
    again = simulate(real_particles, DETECTOR, np.random.default_rng(1))
    other = simulate(real_particles, DETECTOR, np.random.default_rng(2))
    assert np.array_equal(again.tracks.pt, response.tracks.pt)
    assert np.array_equal(again.neutral_hadrons.energy, response.neutral_hadrons.energy)
    assert np.array_equal(again.jets.pt, response.jets.pt)
    assert not np.array_equal(other.met, response.met)


def test_missing_momentum_balances_the_energy_flow(
    real_particles: Particles, response: Response
) -> None:
    n = len(real_particles)
    flow = (response.tracks, response.photons, response.neutral_hadrons)
    for direction, missing in ((np.cos, np.cos), (np.sin, np.sin)):
        total = sum(
            np.bincount(f.event, weights=f.pt * direction(f.phi), minlength=n) for f in flow
        )
        assert total == pytest.approx(-response.met * missing(response.met_phi), abs=1e-6)


def test_objects_come_in_the_order_of_their_events(response: Response) -> None:
    for objects in (response.tracks, response.photons, response.neutral_hadrons, response.jets):
        assert (np.diff(objects.event) >= 0).all()


def test_measured_sum_of_pt_follows_the_truth(
    real_particles: Particles, response: Response
) -> None:
    """The files keep what is above 5 GeV: of that nearly all is seen inside |η| = 4."""
    seen = (real_particles.status == 1) & (np.abs(real_particles.eta) < 4)
    seen &= ~np.isin(np.abs(real_particles.pid), (12, 14, 16))
    truth = np.bincount(
        real_particles.event[seen], weights=real_particles.pt[seen], minlength=len(real_particles)
    )
    assert response.scalar_ht.sum() == pytest.approx(truth.sum(), rel=0.05)
    assert np.corrcoef(response.scalar_ht, truth)[0, 1] > 0.95


def test_jets_of_h_to_bb_are_b_jets(response: Response) -> None:
    leading = np.unique(response.jets.event, return_index=True)[1]
    assert (response.jets.flavour[leading] == 5).mean() > 0.9
    assert (response.jets.pt >= DETECTOR.jet_pt_min).all()


def test_tag_probability_by_flavour_and_momentum() -> None:
    pt, eta = np.array([100.0, 100.0, 100.0, 2750.0, 100.0, 100.0]), np.array([0, 0, 0, 0, 3, 5.0])
    flavour = np.array([5, 4, 21, 5, 5, 5])
    found = tag_probability(pt, eta, flavour, BTagging())
    assert found == pytest.approx([0.75, 0.10, 0.01, 0.75 * 0.45, 0.60, 0.0])


def test_events_do_not_know_of_each_other(real_particles: Particles) -> None:
    """Leaving events out changes neither how many towers others have, nor their true energies."""
    keep = np.arange(len(real_particles)) % 2 == 0
    half = real_particles.select_events(keep)
    assert len(half) == keep.sum()
    exact = Detector.model_validate({"tracker": {"field": 0.0, "cell": 0.003}})
    whole = simulate(real_particles, exact, np.random.default_rng(1)).scalar_ht[keep]
    part = simulate(half, exact, np.random.default_rng(1)).scalar_ht
    assert part == pytest.approx(whole, rel=0.25)


def test_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="radius_m"):
        Detector.model_validate({"tracker": {"radius_m": 1.2}})
