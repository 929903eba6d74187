"""Truth particles of real Delphes files, and a quick simulation: for detector and simulation."""

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from analysis.config.simulation import Simulation
from analysis.detector.particles import Particles, offsets_of

DATA = Path(__file__).parents[1] / "data"
SIGNAL = (
    "Higgs:useBSM = on",
    "HiggsBSM:gg2H2 = on",
    "35:m0 = {mass_gev}",
    "35:mWidth = 1.",
    "35:doForceWidth = on",
    "35:onMode = off",
    "35:onIfMatch = 25 25",
    "25:m0 = 125.",
    "25:onMode = off",
    "25:onIfMatch = 5 -5",
)


@pytest.fixture(scope="session")
def signal() -> Simulation:
    return Simulation(pythia=SIGNAL, mass_gev=1000.0, events=20)


@pytest.fixture(scope="session")
def qcd() -> Simulation:
    return Simulation(pythia=("HardQCD:all = on",), pt_hat_min=200.0, bias_power=4.0, events=20)


@pytest.fixture(scope="session")
def real_particles() -> Particles:
    """Return the generator particles of the committed signal file, all that it keeps."""
    with uproot.open(DATA / "tiny_signal_mH1000.root") as file:
        tree = file["Delphes"]
        names = ("PID", "Status", "Charge", "Px", "Py", "Pz", "E", "Mass", "X", "Y", "Z", "T")
        raw = tree.arrays([f"Particle.{name}" for name in names])
    flat = {name: ak.to_numpy(ak.flatten(raw[f"Particle.{name}"])) for name in names}
    none = np.full(len(flat["PID"]), -1, np.int32)
    return Particles(
        offsets=offsets_of(ak.to_numpy(ak.num(raw["Particle.PID"]))),
        pid=flat["PID"],
        status=flat["Status"],
        charge=flat["Charge"],
        **{
            key: flat[name].astype(np.float64)
            for key, name in {
                "px": "Px", "py": "Py", "pz": "Pz", "energy": "E", "mass": "Mass",
                "x": "X", "y": "Y", "z": "Z", "t": "T",
            }.items()
        },
        mother1=none,
        mother2=none,
        daughter1=none,
        daughter2=none,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def _rough_cross_sections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spend a tenth of the time on cross sections: 1.3% for QCD."""
    monkeypatch.setattr("analysis.simulation.pythia.TRIALS", 2_000)
