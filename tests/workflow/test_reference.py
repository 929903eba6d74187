"""The reference configuration: valid, plannable, and made in eight CPU hours."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.workflow.plans import planned
from workflow.pipeline.config import Config, load

REFERENCE = ROOT / "config" / "reference.yaml"
MASSES = (600, 700, 800, 900, 1000, 1200, 1500, 2000)
SAMPLES = {
    "signal": (9, 0.65),
    "qcd_bbbb": (13, 0.66),
    "qcd_bbcc": (11, 0.67),
    "qcd_bb": (40, 0.43),
    "qcd_bb_excitation": (28, 0.37),
    "qcd_rest": (150, 0.46),
    "qcd_creation": (15, 0.28),
    "ttbar": (100, 0.73),
}
"""CPU time of one generated event [ms], and the part of the events that is selected."""
TRAINING = {None: 0.04, "self_attention": 0.6, "mixer": 0.6, "iaformer": 2.8}
"""CPU time of a selected event and epoch by the encoder of the jets [ms], both folds together."""
ALL_ELSE = 1.6
"""CPU time of all rules but `simulate` and `train` [h]."""


@pytest.fixture(scope="module")
def reference() -> Config:
    return load([ROOT / "config.yaml", REFERENCE])


def generated(config: Config, name: str) -> int:
    block = config.simulation(name)
    return block.events * block.chunks


def selected(config: Config, name: str) -> float:
    return generated(config, name) * SAMPLES[name.partition("_mH")[0]][1]


def simulations(config: Config) -> Iterator[float]:
    """Yield the CPU time of each sample [ms]."""
    for sample in config.samples:
        yield generated(config, sample.name) * SAMPLES[sample.name.partition("_mH")[0]][0]


def trainings(config: Config) -> Iterator[float]:
    """Yield the CPU time of each network, all its trainings together [ms]."""
    background = sum(selected(config, sample.name) for sample in config.backgrounds)
    for network in config.networks:
        signals = [selected(config, signal.name) for signal in config.signals_of(network.name)]
        joint = config.is_joint(network.name)
        events = background + sum(signals) if joint else len(signals) * background + sum(signals)
        cost = TRAINING[network.encoder_kind]
        yield events * cost * config.training.epochs * len(config.seeds_of(network.name))


def test_reference_takes_eight_cpu_hours(reference: Config) -> None:
    hours = [sum(found(reference)) / 3.6e6 for found in (simulations, trainings)]
    assert hours == pytest.approx([1.2, 4.3], abs=0.05), "config/reference.yaml tells these"
    assert sum(hours) + ALL_ELSE < 8


def test_reference_has_all_masses_and_one_mass_of_what_is_compared(reference: Config) -> None:
    assert tuple(signal.mass_gev for signal in reference.signals) == MASSES
    full = [n.name for n in reference.networks if len(reference.signals_of(n.name)) == 8]
    assert full == ["cross_attention", "concatenation", "kinematics", "without_theta"]
    for network in reference.networks:
        name = network.name
        found = [signal.mass_gev for signal in reference.signals_of(name)]
        assert reference.is_joint(name) == (name in full)
        assert name in full or found == [1000]
        assert len(reference.seeds_of(name)) == (3 if name in full else 2)


def test_reference_can_be_planned(tmp_path: Path) -> None:
    jobs = planned(tmp_path, yaml.safe_load(REFERENCE.read_text()), ROOT / "Snakefile")
    one_mass = 11 * 2
    assert (jobs["train"], jobs["score_joint"], jobs["score"]) == (12 + one_mass, 12, one_mass)
    assert jobs["limit"] == 8 * 12 + one_mass
    assert jobs["network_ratios"] == jobs["roc_figure"] == 8
    simulated = planned(
        tmp_path, yaml.safe_load(REFERENCE.read_text()), ROOT / "Snakefile", "--until", "simulate"
    )
    assert set(simulated) == {"simulate"}
