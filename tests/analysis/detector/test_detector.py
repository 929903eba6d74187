import numpy as np
import pytest
from pydantic import ValidationError

from analysis.config.detector import Detector
from analysis.detector.detector import Response, simulate
from analysis.detector.particles import Particles
from tests.simulated_particles import scalar_sums

DETECTOR = Detector()


@pytest.fixture(scope="module")
def response(real_particles: Particles) -> Response:
    return simulate(real_particles, DETECTOR, np.random.default_rng(1))


def test_same_seed_same_response(real_particles: Particles, response: Response) -> None:
    again = simulate(real_particles, DETECTOR, np.random.default_rng(1))
    other = simulate(real_particles, DETECTOR, np.random.default_rng(2))
    assert np.array_equal(again.tracks.pt, response.tracks.pt)
    assert np.array_equal(again.neutral_hadrons.energy, response.neutral_hadrons.energy)
    assert not np.array_equal(other.photons.energy, response.photons.energy)


def test_objects_come_in_the_order_of_their_events(response: Response) -> None:
    for objects in (response.tracks, response.photons, response.neutral_hadrons):
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
    measured = scalar_sums(response, len(real_particles))
    assert measured.sum() == pytest.approx(truth.sum(), rel=0.05)
    assert np.corrcoef(measured, truth)[0, 1] > 0.95


def test_events_do_not_know_of_each_other(real_particles: Particles) -> None:
    """Leaving events out changes neither how many towers others have, nor their true energies."""
    keep = np.arange(len(real_particles)) % 2 == 0
    half = real_particles.select_events(keep)
    assert len(half) == keep.sum()
    exact = Detector.model_validate({"tracker": {"field": 0.0, "cell": 0.003}})
    whole, part = (
        scalar_sums(simulate(particles, exact, np.random.default_rng(1)), len(particles))
        for particles in (real_particles, half)
    )
    assert part == pytest.approx(whole[keep], rel=0.25)


def test_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="radius_m"):
        Detector.model_validate({"tracker": {"radius_m": 1.2}})
