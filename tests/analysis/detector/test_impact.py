"""Impact parameters: of which tracks, of what size, and that nothing else changes with them."""

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot
from pydantic import ValidationError

from analysis.config.detector import Detector, ImpactResolution
from analysis.detector.detector import Response, simulate
from analysis.detector.layout import open_writer
from analysis.detector.particles import Particles
from analysis.detector.propagation import closest_approach
from analysis.detector.tracking import impact_resolution, measure_impact
from tests.simulated_particles import many, one_particle

DETECTOR = Detector()
BLOCK = ImpactResolution()


@pytest.fixture(scope="module")
def response(real_particles: Particles) -> Response:
    return simulate(real_particles, DETECTOR, np.random.default_rng(1))


def test_d0_and_z_are_those_that_delphes_writes(real_particles: Particles) -> None:
    """Every track of the committed file has a particle with these values, to single precision."""
    with uproot.open(Path(__file__).parents[2] / "data" / "tiny_signal_mH1000.root") as file:
        raw = file["Delphes"].arrays([f"EFlowTrack.{leaf}" for leaf in ("D0", "DZ", "PID")])
    source = np.flatnonzero((real_particles.status == 1) & (real_particles.charge != 0))
    d0, dz = closest_approach(real_particles, source, DETECTOR.tracker.field)
    compared = 0
    for event, (d0s, dzs, pids) in enumerate(zip(*ak.unzip(raw), strict=True)):
        mine = real_particles.event[source] == event
        pid = real_particles.pid[source[mine]]
        for one, other, kind in zip(d0s, dzs, pids, strict=True):
            if abs(one) < 0.05:  # a displaced track is told by its values, a prompt one is not
                continue
            distance = np.hypot(d0[mine] - one, dz[mine] - other)[pid == kind]
            if len(distance) and distance.min() < 0.05:
                assert distance.min() < 1e-3
                compared += 1
    assert compared > 40


def test_a_straight_track_passes_the_beam_line_as_drawn(real_particles: Particles) -> None:
    """In a weak field the helix is the straight line."""
    source = np.flatnonzero((real_particles.charge != 0) & (real_particles.pt > 20))
    straight, curved = (closest_approach(real_particles, source, b) for b in (0.0, 1e-6))
    near = np.abs(straight[0]) < 10
    np.testing.assert_allclose(curved[0][near], straight[0][near], atol=1e-3)
    np.testing.assert_allclose(curved[1][near], straight[1][near], atol=1e-2)


def test_resolution_is_the_table_at_its_nodes_and_falls_between() -> None:
    nodes, table, edges = (np.array(x) for x in (BLOCK.pt, BLOCK.d0, BLOCK.abs_eta))
    for row, eta in enumerate((0.5, -1.2, 3.0)):
        found = impact_resolution(nodes, np.full(len(nodes), eta), nodes, table, edges)
        np.testing.assert_allclose(found, table[row])
    pt = np.geomspace(0.3, 300, 50)
    assert (np.diff(impact_resolution(pt, np.zeros(50), nodes, table, edges)) <= 1e-12).all()


def test_prompt_tracks_are_smeared_by_their_errors() -> None:
    particles = many(one_particle(pid=211, charge=1, px=3.0, pz=1.0), 20_000)
    source = np.arange(20_000)
    found = measure_impact(particles, source, 3.0, BLOCK, np.random.default_rng(2))
    for value, error in ((found.d0, found.error_d0), (found.dz, found.error_dz)):
        assert (value / error).std() == pytest.approx(1, abs=0.03)
        assert (value / error).mean() == pytest.approx(0, abs=0.03)
        assert np.ptp(error) == 0


def test_nothing_else_depends_on_them(real_particles: Particles, response: Response) -> None:
    """Another resolution changes the errors and no other number, the next batch's included."""
    worse = tuple(tuple(2 * sigma for sigma in row) for row in BLOCK.d0)
    changed = Detector(impact_parameters=ImpactResolution(d0=worse))
    first, second = np.random.default_rng(1), np.random.default_rng(1)
    for _ in range(2):
        one = simulate(real_particles, DETECTOR, first)
        other = simulate(real_particles, changed, second)
        for name in ("tracks", "photons", "neutral_hadrons"):
            for key, values in vars(getattr(one, name)).items():
                assert np.array_equal(values, getattr(getattr(other, name), key)), (name, key)
        np.testing.assert_allclose(other.impact.error_d0, 2 * one.impact.error_d0)
    assert np.array_equal(response.impact.dz, simulate(
        real_particles, DETECTOR, np.random.default_rng(1)
    ).impact.dz)  # fmt: skip


def test_they_are_in_the_branches_of_delphes(
    real_particles: Particles, response: Response, tmp_path: Path
) -> None:
    with open_writer(tmp_path / "events.root") as writer:
        writer.write(real_particles, np.ones(len(real_particles)), response)
    with uproot.open(tmp_path / "events.root") as file:
        for leaf, name in (("D0", "d0"), ("DZ", "dz"), ("ErrorD0", "error_d0"),
                           ("ErrorDZ", "error_dz")):  # fmt: skip
            found = ak.to_numpy(ak.flatten(file["Delphes"][f"EFlowTrack.{leaf}"].array()))
            np.testing.assert_allclose(found, getattr(response.impact, name), rtol=1e-6)


def test_decays_of_heavy_hadrons_are_displaced(
    real_particles: Particles, response: Response
) -> None:
    """Tracks born a millimetre off the beam line are seen to be."""
    stable = real_particles.select(real_particles.status == 1)
    born = np.hypot(stable.x, stable.y)[response.tracks.source]
    significance = np.abs(response.impact.d0 / response.impact.error_d0)
    assert np.mean(significance[born > 1] > 3) > 0.6


def test_tables_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"dz needs 3 rows .* of 2 numbers"):
        ImpactResolution(pt=(1.0, 10.0), d0=((0.1, 0.1),) * 3)
    with pytest.raises(ValidationError, match="abs_eta must rise"):
        ImpactResolution(abs_eta=(0.9, 0.9, 2.5))
