"""The keys of samples made from files: one clear error for what does not go together."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from snakemake.iocontainers import Wildcards

from analysis.config.samples import Sample
from analysis.config.simulation import Simulation
from common.errors import ConfigError
from tests.event_files import les_houches, write, write_hepmc
from workflow.pipeline.config import read_config
from workflow.pipeline.inputs import all_chunks, event_files
from workflow.pipeline.options import Options
from workflow.pipeline.targets import Targets

FLAVOUR = {"min": 4}


def sample(name: str = "multijet", **simulation: Any) -> Sample:
    return Sample.model_validate(
        {"name": name, "process": name, "label": "background", "simulation": simulation}
    )


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({}, "needs `pythia` lines, or event files"),
        ({"pythia": ["HardQCD:all = on"]}, "events is missing"),
        ({"lhe": "a", "hepmc": "b"}, "two sources"),
        ({"lhe": ["a", ""]}, "empty path"),
        ({"lhe": "a", "pt_hat_min": 100}, "pt_hat_min makes no sense with lhe"),
        ({"lhe": "a", "bias_power": 4}, "bias_power makes no sense with lhe"),
        ({"lhe": "a", "enhancement": 2}, "enhancement makes no sense with lhe"),
        ({"lhe": "a", "heavy_flavour": FLAVOUR}, "heavy_flavour makes no sense with lhe"),
        (
            {"lhe": "a", "importance": {}, "parton_jet_pt_min": 200},
            "importance makes no sense with lhe",
        ),
        ({"lhe": "a", "pythia": ["HardQCD:all = on"]}, "the hard processes come from the files"),
        ({"lhe": "a", "pythia": ["PhaseSpace:pTHatMin = 9"]}, "hard processes come from the files"),
        ({"lhe": "a", "common": ["Beams:frameType = 1"]}, "hard processes come from the files"),
        ({"lhe": "a", "detector": "delphes", "delphes": {"card": "c"}}, "needs detector: param"),
        ({"hepmc": "a", "pythia": ["25:m0 = 125."]}, "pythia makes no sense with hepmc"),
        ({"hepmc": "a", "shower": "vincia"}, "shower makes no sense with hepmc"),
        ({"hepmc": "a", "parton_jet_pt_min": 9}, "parton_jet_pt_min makes no sense with hepmc"),
        ({"pythia": ["HardQCD:all = on"], "events": 5, "weight": "a"}, "weight belongs to event"),
        (
            {"pythia": ["HardQCD:all = on"], "events": 5, "cross_section_pb": 1},
            "cross_section_pb belongs to event",
        ),
        ({"lhe": "a", "cross_section_pb": 0}, "greater than 0"),
    ],
)
def test_keys_of_another_source_are_one_error(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message) as raised:
        Simulation.model_validate(keys)
    assert raised.value.error_count() == 1


def test_keys_of_the_shower_stay_with_les_houches_files() -> None:
    block = Simulation(
        lhe="a", pythia=("JetMatching:merge = on",), shower="vincia", parton_jet_pt_min=200.0
    )
    assert block.event_files == ("a",)
    again = Simulation.model_validate_json(block.model_dump_json(exclude={"chunks"}))
    assert again == block, "as a job reads it"


def test_signal_has_files_at_each_mass() -> None:
    keys = {"name": "s", "process": "s", "label": "signal", "masses_gev": [600, 1000]}
    found = Sample.model_validate(keys | {"simulation": {"lhe": "H_{mass_gev}.lhe"}})
    files = [one.simulation.event_files for one in found.at_each_mass() if one.simulation]
    assert files == [("H_600.lhe",), ("H_1000.lhe",)]
    for simulation, message in (
        ({"lhe": "H.lhe"}, r"each event file of `simulation` needs `\{mass_gev\}`"),
        ({"lhe": "{mass_gev}", "cross_section_pb": 1}, "must not have `cross_section_pb`"),
    ):
        with pytest.raises(ValidationError, match=message):
            Sample.model_validate(keys | {"simulation": simulation})


def test_cross_section_has_one_place() -> None:
    with pytest.raises(ValidationError, match=r"simulation\.cross_section_pb"):
        Sample.model_validate(
            {"name": "b", "process": "b", "label": "background", "cross_section_pb": 1}
            | {"simulation": {"lhe": "a"}}
        )


def test_shower_of_hepmc_files_cannot_be_varied(tiny_config: dict[str, Any]) -> None:
    background = tiny_config["samples"][1]
    del background["files"], background["cross_section_pb"]
    background["simulation"] = {"hepmc": "a.hepmc"}
    read_config(tiny_config)
    tiny_config["systematics"] = {"shower": ["TimeShower:renormMultFac = 2"]}
    with pytest.raises(ConfigError, match=r"systematics\.shower.*showered already"):
        read_config(tiny_config)


def test_heads_of_all_files_are_checked_before_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for k in (1, 0):
        write(tmp_path / f"run_{k}.lhe.gz", les_houches(1))
    good = sample(lhe="run_*.lhe.gz", chunks=2)
    assert event_files(good) == ["run_0.lhe.gz", "run_1.lhe.gz"]
    assert list(all_chunks([good])["multijet"]) == ["000", "001"]
    write_hepmc(tmp_path / "a.hepmc", 1)
    write(tmp_path / "at_13.lhe", les_houches(1, energy=6500.0))
    for bad, message in (
        ({"lhe": "none*.lhe"}, "nothing matches"),
        ({"lhe": "a.hepmc"}, "not a Les Houches file"),
        ({"hepmc": "run_0.lhe.gz"}, "not a HepMC file"),
        ({"lhe": "at_13.lhe"}, "13000 GeV"),
        ({"lhe": ["run_0.lhe.gz", "run_*.lhe.gz"]}, "the same file or a copy"),
        ({"lhe": "https://example.org/a.lhe"}, "not on a disk"),
    ):
        key = next(iter(bad))
        with pytest.raises(
            ConfigError, match=rf"samples\.multijet\.simulation\.{key}: .*{message}"
        ):
            all_chunks([sample(**bad)])
    with pytest.raises(ConfigError, match="the same file or a copy"):
        all_chunks([good, sample("other", lhe="run_0.lhe.gz")])


def test_jobs_read_the_files_and_know_their_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_config: dict[str, Any]
) -> None:
    monkeypatch.chdir(tmp_path)
    for k in (0, 1):
        write(tmp_path / f"run_{k}.lhe", les_houches(1))
    background = tiny_config["samples"][1]
    del background["files"], background["cross_section_pb"]
    for events, number_matters in ((0, True), (4, False)):
        background["simulation"] = {"lhe": "run_*.lhe", "chunks": 2, "events": events}
        config = read_config(tiny_config)
        targets = Targets(config, all_chunks(config.samples))
        job = Wildcards(fromdict={"sample": "qcd", "chunk": "001", "variation": ""})
        assert targets.event_files(job) == ["run_0.lhe", "run_1.lhe"], "the inputs of the rule"
        (text,) = [
            option.partition("=")[2]
            for option in Options(config, targets).simulate(job)
            if option.startswith("--config=")
        ]
        block = Simulation.model_validate_json(text)
        assert block.event_files == ("run_0.lhe", "run_1.lhe")
        assert (block.chunks == 2) is number_matters, "more chunks of N events rerun none"
    signal = Wildcards(fromdict={"sample": "signal_mH1000", "chunk": "x", "variation": ""})
    assert targets.event_files(signal) == []
