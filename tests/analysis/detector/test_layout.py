from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from analysis.config.detector import Detector
from analysis.config.reconstruction import Reconstruction
from analysis.config.simulation import Simulation
from analysis.delphes.reader import open_delphes
from analysis.detector.detector import Response, simulate
from analysis.detector.layout import open_writer
from analysis.detector.particles import Particles
from analysis.reconstruction.reconstruct import reconstruct
from analysis.simulation.pythia import Generator

REAL = Path(__file__).parents[2] / "data" / "tiny_signal_mH1000.root"


@pytest.fixture(scope="module")
def response(real_particles: Particles) -> Response:
    return simulate(real_particles, Detector(), np.random.default_rng(1))


@pytest.fixture(scope="module")
def written(
    tmp_path_factory: pytest.TempPathFactory, real_particles: Particles, response: Response
) -> Path:
    """Return a file with the same events twice, written in two batches, all particles."""
    path = tmp_path_factory.mktemp("layout") / "events.root"
    weight = np.linspace(0.5, 1.5, len(real_particles))
    with open_writer(path) as writer:
        writer.write(real_particles, weight, response)
        writer.write(real_particles, 2 * weight, response)
    return path


def test_branches_are_those_of_delphes(written: Path) -> None:
    with uproot.open(written) as ours, uproot.open(REAL) as real:
        known = {name: real["Delphes"][name] for name in real["Delphes"].keys(full_paths=False)}
        names = ours["Delphes"].keys()
        groups = {name.split(".")[0].removesuffix("_size") for name in names}
        flow = {"EFlowTrack", "EFlowPhoton", "EFlowNeutralHadron"}
        assert groups == {"Event", "Weight", "Particle"} | flow, "what is read, and no more"
        for name in names:
            assert name in known
            if "." in name:
                mine = ours["Delphes"][name].array(entry_stop=1)
                theirs = known[name].array(entry_stop=1)
                kinds = [np.asarray(ak.flatten(array)).dtype.kind for array in (mine, theirs)]
                assert kinds[0] == kinds[1].replace("u", "i")


def test_values_come_back(written: Path, real_particles: Particles, response: Response) -> None:
    with uproot.open(written) as file:
        tree = file["Delphes"]
        n = len(real_particles)
        assert tree.num_entries == 2 * n
        pt = tree["EFlowTrack.PT"].array()
        assert ak.to_numpy(ak.flatten(pt[:n])) == pytest.approx(response.tracks.pt, rel=1e-6)
        assert ak.array_equal(pt[:n], pt[n:])
        assert ak.to_numpy(ak.num(pt)[:n]).tolist() == tree["EFlowTrack_size"].array()[:n].tolist()
        px = ak.to_numpy(ak.flatten(tree["Particle.Px"].array()[:n]))
        assert px == pytest.approx(real_particles.px, rel=1e-6)
        numbers = tree["Event.Number"].array()[:, 0]
        assert numbers.to_list() == list(range(2 * n))


def test_ingestion_reads_our_files_as_delphes_own(tmp_path: Path, signal: Simulation) -> None:
    """The same signal, 40 events from either: the same columns, the Higgs bosons at their mass."""
    path, rng = tmp_path / "events.root", np.random.default_rng(1)
    with open_writer(path, particle_pt_min=5.0) as writer:
        for batch in Generator(signal.model_copy(update={"events": 40}), 1).batches():
            writer.write(batch.particles, batch.weight, simulate(batch.particles, Detector(), rng))
    tables = {}
    for name, file_path in (("ours", path), ("real", REAL)):
        with open_delphes(str(file_path)) as file:
            tables[name], _ = reconstruct(next(file.steps(40)), Reconstruction())
    ours, real = tables["ours"], tables["real"]
    assert ours.type.content == real.type.content
    assert len(ours) == pytest.approx(len(real), abs=4 * np.sqrt(2 * 40 * 0.65 * 0.35))
    for name, tolerance in (("mass", 0.08), ("pt", 0.08), ("multiplicity", 0.12)):
        medians = [np.median(ak.to_numpy(table.fatjet[name])) for table in (ours, real)]
        assert medians[0] == pytest.approx(medians[1], rel=tolerance)
    assert np.median(ours.b_hadrons) == np.median(real.b_hadrons) == 4


def test_soft_particles_can_be_left_out(
    tmp_path: Path, real_particles: Particles, response: Response
) -> None:
    path = tmp_path / "events.root"
    with open_writer(path, particle_pt_min=20.0) as writer:
        writer.write(real_particles, np.ones(len(real_particles)), response)
    with uproot.open(path) as file:
        pt = ak.flatten(file["Delphes"]["Particle.PT"].array())
        assert len(pt) == np.sum(real_particles.pt >= 20.0)
        assert ak.all(file["Delphes"]["Particle.D1"].array() == -1, axis=None)
