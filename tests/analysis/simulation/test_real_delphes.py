"""Running Delphes, with a stand-in that notes its arguments and copies a real Delphes file."""

import json
import stat
from pathlib import Path

import numpy as np
import pytest
import uproot

from analysis.config.detector import Detector
from analysis.config.simulation import Simulation
from analysis.simulation.produce import produce
from analysis.simulation.real_delphes import DelphesError, command_file, delphes_command
from common.errors import ConfigError

REAL = Path(__file__).parents[2] / "data" / "tiny_qcd.root"


def stand_in(folder: Path, name: str, script: str) -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.fixture
def simulation(tmp_path: Path, qcd: Simulation) -> Simulation:
    card = tmp_path / "card.tcl"
    card.write_text("# a card\n")
    note = f'echo "$@" > {tmp_path}/arguments; cp "$2" {tmp_path}/settings; cp {REAL} "$3"'
    delphes = {"executable": stand_in(tmp_path, "DelphesPythia8", note), "card": str(card)}
    return Simulation.model_validate(qcd.model_dump() | {"detector": "delphes", "delphes": delphes})


def test_delphes_is_given_card_settings_and_output(simulation: Simulation, tmp_path: Path) -> None:
    output = tmp_path / "events.root"
    found = produce(simulation, Detector(), "qcd", 3, 1, output)
    card, settings, root = (tmp_path / "arguments").read_text().split()
    assert (card, root) == (simulation.delphes.card, str(output))
    assert not Path(settings).exists()
    lines = (tmp_path / "settings").read_text().splitlines()
    assert lines == [f"Main:numberOfEvents = {simulation.events}", *found["pythia_settings"]]
    with uproot.open(REAL) as file:
        weights = np.asarray(file["Delphes"]["Event.Weight"].array()[:, 0])
    assert found["events"] == len(weights)
    assert found["sum_of_weights"] == pytest.approx(weights.sum())
    assert found["cross_section_pb"] == pytest.approx(7.1e4, rel=0.1)
    json.dumps(found)


def test_hepmc_files_go_to_the_other_executable(simulation: Simulation, tmp_path: Path) -> None:
    source = tmp_path / "events_3.hepmc"
    source.touch()
    delphes = simulation.delphes.model_copy(
        update={
            "executable": stand_in(tmp_path, "DelphesHepMC3", "true"),
            "hepmc": str(tmp_path / "events_{chunk}.hepmc"),
        }
    )
    block = simulation.model_copy(update={"delphes": delphes})
    settings, output = tmp_path / "s.cmnd", tmp_path / "o.root"
    command = delphes_command(block, 3, settings, output)
    assert command == [delphes.executable, delphes.card, str(output), str(source)]
    with pytest.raises(ConfigError, match=r"no file at .*events_4\.hepmc"):
        delphes_command(block, 4, settings, output)


def test_executable_is_found_on_path(
    simulation: Simulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    delphes = simulation.delphes.model_copy(update={"executable": None})
    block = simulation.model_copy(update={"delphes": delphes})
    monkeypatch.setenv("PATH", str(tmp_path))
    command = delphes_command(block, 0, tmp_path / "s.cmnd", tmp_path / "o.root")
    assert command[0] == str(tmp_path / "DelphesPythia8")


def test_missing_executable_and_card_are_named(simulation: Simulation, tmp_path: Path) -> None:
    for update, message in (
        ({"executable": str(tmp_path / "none")}, "executable: .*none is not on PATH"),
        ({"card": str(tmp_path / "none.tcl")}, "card: no file at .*none.tcl"),
    ):
        delphes = simulation.delphes.model_copy(update=update)
        block = simulation.model_copy(update={"delphes": delphes})
        with pytest.raises(ConfigError, match=message):
            produce(block, Detector(), "qcd", 0, 1, tmp_path / "events.root")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo cannot read the card >&2; exit 3", "exit code 3.*cannot read the card"),
        ('echo nonsense > "$3"', "wrote no readable tree"),
        ("true", "failed .exit code 0"),
    ],
)
def test_failure_of_delphes_is_told(
    simulation: Simulation, tmp_path: Path, script: str, message: str
) -> None:
    delphes = simulation.delphes.model_copy(
        update={"executable": stand_in(tmp_path, "broken", script)}
    )
    block = simulation.model_copy(update={"delphes": delphes})
    with pytest.raises(DelphesError, match=message):
        produce(block, Detector(), "qcd", 0, 1, tmp_path / "events.root")


def test_settings_of_the_command_file_end_with_the_seed(qcd: Simulation) -> None:
    assert command_file(qcd, 42).endswith("Random:setSeed = on\nRandom:seed = 42\n")
