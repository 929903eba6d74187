"""Enhanced splittings that a hook thins out have exact weights."""

import numpy as np
import pytest

from analysis.config.simulation import HeavyFlavour, Simulation
from analysis.simulation.pythia import Generator
from benchmarks.guided_shower import TRIALS, GuidedSelection

SHOWERS = 700


def weights_and_pairs(monkeypatch, wanted: float, other: float) -> np.ndarray:
    """Shower to 5 GeV; return the weight that the splittings give, and how many pairs came."""
    monkeypatch.setattr(GuidedSelection, "wanted", wanted)
    monkeypatch.setattr(GuidedSelection, "other", other)
    rows = []

    class Recording(GuidedSelection):
        def doVetoPT(self, _position, event):  # noqa: N802
            self._settle()
            made = [
                entry
                for entry in range(event.size())
                if event[entry].id() == 5
                and abs(event[entry].status()) == 51
                and event[event[entry].mother1()].id() == 21
            ]
            rows.append((self._guided, len(made)))
            return len(rows) < SHOWERS

    simulation = Simulation(
        pythia=("HardQCD:gg2gg = on", "HardQCD:qqbar2gg = on"),
        pt_hat_min=200,
        bias_power=4,
        enhancement=TRIALS,
        events=1,
        parton_jet_pt_min=200,
        heavy_flavour=HeavyFlavour(pairs=("bb+bb",)),
    )
    Generator(simulation, 7, Recording)._pythia.nextBatch(1)
    return np.array(rows[:SHOWERS]).T


def test_without_enhancement_every_weight_is_one(monkeypatch):
    weight, pairs = weights_and_pairs(monkeypatch, 1.0, 1.0)
    assert weight == pytest.approx(1, abs=1e-9)
    assert 0 < pairs.mean() < 0.3


def test_weights_undo_the_enhancement_on_average(monkeypatch):
    _, plain = weights_and_pairs(monkeypatch, 1.0, 1.0)
    weight, pairs = weights_and_pairs(monkeypatch, 20.0, 20.0)
    assert pairs.mean() > 4 * plain.mean()
    n = len(weight)
    assert abs(weight.mean() - 1) < 4 * weight.std() / n**0.5
    found = weight * pairs
    error = np.hypot(found.std(), plain.std()) / n**0.5
    assert abs(found.mean() - plain.mean()) < 3.5 * error
