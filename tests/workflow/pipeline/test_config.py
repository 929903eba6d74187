"""The configuration: what is accepted, and what each error says."""

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from analysis.config.detector import Detector
from analysis.config.simulation import PP_14_TEV
from analysis.reconstruction import flavour
from common.errors import ConfigError
from models.networks.registry import ARCHITECTURES, OPTIONAL_PACKAGES
from tests.conftest import ROOT
from workflow.pipeline.config import SCHEMA, load, read_config, schema_text
from workflow.pipeline.reference import REFERENCE, reference_text
from workflow.scripts import check_config


def test_schema_is_up_to_date() -> None:
    assert SCHEMA.read_text() == schema_text(), "run `make schema`"
    json.loads(schema_text())


def test_reference_is_up_to_date() -> None:
    assert REFERENCE.read_text() == reference_text(), "run `make schema`"


def test_every_key_is_explained() -> None:
    rows = [line for line in reference_text().splitlines() if line.startswith("| `")]
    assert len(rows) > 100
    assert [line for line in rows if line.endswith("|  |")] == []


def test_valid_config_is_frozen(tiny_config: dict[str, Any]) -> None:
    config = read_config(tiny_config)
    with pytest.raises(ValueError, match="frozen"):
        config.luminosity_fb = 1.0  # type: ignore[misc]
    assert [sample.name for sample in config.signals] == ["signal_mH1000"]


def change(config: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    node: Any = config
    for key in parents:
        node = node[int(key)] if key.isdigit() else node.setdefault(key, {})
    node[last] = value


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("training.epohcs", 3, ["training.epohcs", "did you mean 'epochs'"]),
        ("training.batch_size", -1, ["training.batch_size", "-1", "greater than 0"]),
        ("samples.0.cross_section_pb", float("nan"), ["samples.0.cross_section_pb", "finite"]),
        ("samples.0.mass_gev", None, ["samples.0", "'signal_mH1000'", "mass_gev"]),
        ("samples.0.mass_gev", 200, ["samples.0", "200", "250"]),
        ("samples.1.cross_section_pb", None, ["samples.1", "'qcd'", "cross_section_pb"]),
        ("samples.1.label", "signl", ["samples.1.label", "'signl'", "'background'"]),
        ("samples.1.name", "../../evil", ["samples.1.name", "evil"]),
        ("samples.1.name", "signal_mH1000", ["samples", "'signal_mH1000'", "twice"]),
        ("samples.1.files", [], ["samples.1", "'qcd'", "files"]),
        ("networks.0.architecture", "resnet", ["networks.0.architecture", "'resnet'", "'kinem"]),
        ("networks.0.fuson", "sum", ["networks.0.fuson", "did you mean 'fusion'"]),
        ("networks.0.heads", 3, ["networks.0", "heads (3)", "width (16)"]),
        ("networks", [], ["networks"]),
        ("networks.0.masses_gev", [900], ["masses_gev of 'cross_attention'", "900", "1000"]),
        ("networks.0.seeds", [2, 3], ["seeds of 'cross_attention'", "3", "allowed: 1, 2"]),
        ("dataset.split.train", 0.9, ["dataset: the key `split`", "`folds: 2`", "`validation:"]),
        ("dataset.folds", 1, ["dataset.folds", "2", "found 1"]),
        ("samples.0.name", "all", ["samples", "'all'", "rename"]),
        ("training.masses", "both", ["training.masses", "'joint'", "'both'"]),
        ("reconstruction.subjets.radius", 2.0, ["subjets.radius (2.0)", "fatjets.radius"]),
        ("interpretation.networks", ["nets"], ["interpretation.networks", "nets", "kinematics"]),
        ("interpretation.seeds", [7], ["interpretation.seeds", "7", "1, 2"]),
        ("working_point.counting", "mc", ["working_point.counting", "'mc'", "'raw'"]),
        (
            "working_point.reading",
            "mc",
            ["working_point: the key `reading`", "`counting`", "`raw`"],
        ),
        ("btagging.categories", ["4b", "three"], ["btagging.categories", "`three`", "`3b`"]),
    ],
)
def test_error_names_key_found_and_allowed(
    tiny_config: dict[str, Any], path: str, value: Any, said: list[str]
) -> None:
    change(tiny_config, path, value)
    with pytest.raises(ConfigError) as raised:
        read_config(tiny_config)
    message = str(raised.value)
    assert all(words in message for words in said), message
    assert len(message.splitlines()) == 2, "one cause, one line"


CALORIMETER = Detector().ecal.model_dump(mode="json")


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("detector.particle_pt_min", 5.5, "less than or equal to 5"),
        ("detector.tracker.resolution", [], "at least 1 item"),
        ("detector.ecal", CALORIMETER | {"towers": []}, r"at least two edges in η, found \[\]"),
        (
            "detector.hcal",
            CALORIMETER | {"towers": [{"phi_divisions": 9, "eta": [-1, -1]}]},
            r"at least two edges in η, found \[-1.0\]",
        ),
        ("detector.ecal", CALORIMETER | {"fractions": {11: 1.0}}, "fractions has no entry 0"),
    ],
)
def test_a_detector_that_cannot_measure_is_one_error(
    tiny_config: dict[str, Any], path: str, value: Any, said: str
) -> None:
    change(tiny_config, "detector.ecal", CALORIMETER)
    read_config(tiny_config)
    change(tiny_config, path, value)
    with pytest.raises(ConfigError, match=rf"{path}: .*{said}"):
        read_config(tiny_config)


def test_no_hadron_that_flavour_is_read_from_is_left_out() -> None:
    limit = Detector.model_json_schema()["properties"]["particle_pt_min"]["maximum"]
    assert limit == flavour.PT_MIN


def test_signal_at_several_masses_is_one_sample_each(tiny_config: dict[str, Any]) -> None:
    signal, qcd = tiny_config["samples"]
    shared = {key: value for key, value in signal.items() if key != "mass_gev"}
    for name, expected in (
        ("signal", ["signal_mH600", "signal_mH1000", "signal_mH1500p5"]),
        ("H{mass_gev}_hh", ["H600_hh", "H1000_hh", "H1500p5_hh"]),
    ):
        entry = {
            **shared,
            "name": name,
            "masses_gev": [1000, 600, 1500.5],
            "files": ["data/mH{mass_gev}/*.root", "more_{mass_gev}.root"],
        }
        config = read_config({**tiny_config, "samples": [entry, qcd]})
        assert [sample.name for sample in config.signals] == expected
        assert [sample.mass_gev for sample in config.signals] == [600, 1000, 1500.5]
        assert config.signals[2].files == ("data/mH1500.5/*.root", "more_1500.5.root")
        assert read_config(json.loads(config.model_dump_json())) == config


def test_several_masses_are_those_of_single_entries() -> None:
    default = load([ROOT / "config.yaml"])
    assert [signal.name for signal in default.signals] == [
        f"signal_mH{mass}" for mass in (800, 1000, 1500, 2000)
    ]
    single = default.signals[1].model_dump(mode="json")
    assert {"masses_gev"}.isdisjoint(single)
    assert default.simulation("signal_mH1000").mass_gev == 1000


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"mass_gev": 600, "masses_gev": [600]}, r"'s' needs either `mass_gev` .* or `masses_gev`"),
        ({"masses_gev": []}, r"'s' needs either `mass_gev`"),
        ({"masses_gev": [600, 200]}, r"masses_gev holds 200, below 2 m_h"),
        ({"masses_gev": [600, 600]}, r"the name 's_mH600' is used twice"),
        ({"masses_gev": [600], "files": ["x.root"]}, r"each entry of `files` needs `{mass_gev}`"),
        ({"mass_gev": 600, "name": "s{mass_gev}"}, r"`{mass_gev}` in the name needs `masses_gev`"),
        ({"label": "background", "masses_gev": [600]}, r"must not have .*`masses_gev`"),
    ],
)
def test_wrong_masses_are_named(
    tiny_config: dict[str, Any], entry: dict[str, Any], said: str
) -> None:
    signal = {"name": "s", "process": "s", "label": "signal", "files": ["{mass_gev}.root"]}
    samples = [signal | entry, *tiny_config["samples"]]
    with pytest.raises(ConfigError, match=said):
        read_config({**tiny_config, "samples": samples})


def test_all_errors_at_once(tiny_config: dict[str, Any]) -> None:
    change(tiny_config, "training.epochs", 0)
    change(tiny_config, "luminosity_fb", -3)
    with pytest.raises(ConfigError, match=r"(?s)luminosity_fb.*training\.epochs"):
        read_config(tiny_config)


def test_no_background_or_signal(tiny_config: dict[str, Any]) -> None:
    signal, background = tiny_config["samples"]
    for left, missing in (([signal], "background"), ([background], "signal")):
        with pytest.raises(ConfigError, match=f"none has `label: {missing}`"):
            read_config({**tiny_config, "samples": left})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"name: caf\xe9\n", r"is not UTF-8 text \(.* at byte 9\): save it as UTF-8"),
        (b"training: &again\n  epochs: *again\n", r"holds itself: an alias \(\*name\)"),
        (b"training: [\n", "cannot be read"),
        (b"# nothing\n", "holds no keys"),
    ],
)
def test_file_that_is_no_configuration_is_named(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=f"the configuration {path} {said}"):
        load([ROOT / "config.yaml", path])


def simulated(name: str, process: str = "qcd", **options: Any) -> dict[str, Any]:
    """A simulated background of gluons."""
    block: dict[str, Any] = {
        "pythia": ["HardQCD:gg2gg = on", "HardQCD:qqbar2gg = on"],
        "pt_hat_min": 200,
        "parton_jet_pt_min": 200,
        "events": 10,
    }
    sample = {key: options.pop(key) for key in tuple(options) if key.startswith(("k_", "tail_"))}
    return {
        "name": name, "process": process, "label": "background", "simulation": block | options,
    } | sample  # fmt: skip


def with_backgrounds(config: dict[str, Any], *backgrounds: dict[str, Any]) -> dict[str, Any]:
    """The signals of a configuration with other backgrounds, and a second signal of 1500 GeV."""
    signal = config["samples"][0]
    heavier = signal | {"name": "signal_mH1500", "mass_gev": 1500}
    return config | {"samples": [heavier, signal, *backgrounds]}


FORCED = {"pairs": ["bb+bb"], "origins": ["splitting", "excitation"], "forced": True}
OTHERS = {"pairs": ["bb+cc", "cc+cc", "bb", "cc", "none"]}


def test_samples_aim_at_the_masses_of_all_signals_unless_they_name_some(
    tiny_config: dict[str, Any],
) -> None:
    config = read_config(
        with_backgrounds(
            tiny_config,
            simulated("aimed", "a", importance={}),
            simulated("own", "b", importance={"masses_gev": [700], "floor": 0.01}),
            simulated("plain", "c"),
        )
    )
    aimed, own = (config.simulation(name).importance for name in ("aimed", "own"))
    assert aimed is not None
    assert own is not None
    assert aimed.masses_gev == (1000.0, 1500.0)
    assert (own.masses_gev, own.floor) == ((700.0,), 0.01)
    assert config.simulation("plain").importance is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"pt_hat_min": 600, "importance": {}}, ["'qcd'", "1200", "m_H = 1000", "pt_hat_min"]),
        ({"importance": {"masses_gev": [399]}}, ["'qcd'", "400", "399", "importance.masses_gev"]),
        ({"importance": {"masses_gev": [15000]}}, ["14000", "15000", "√s"]),
        (
            {"pythia": ["HardQCD:all = on", "PhaseSpace:mHatMax = 1400"], "importance": {}},
            ["400 … 1400", "m_H = 1500", "PhaseSpace"],
        ),
        ({"importance": {}, "parton_jet_pt_min": None}, ["importance needs parton_jet_pt_min"]),
        ({"heavy_flavour": FORCED}, ["origin", "is in no sample", "must divide"]),
        ({"heavy_flavour": {**FORCED, "pairs": ["bb"]}}, ["HardQCD:qg2qg missing", "write"]),
        (
            {"heavy_flavour": {**FORCED, "origins": ["creation"]}},
            ["samples.2.simulation.heavy_flavour", "creation", "name the other origins"],
        ),
        (
            {"heavy_flavour": {**FORCED, "pairs": ["bb+bb", "cc+cc"]}},
            ["samples.2.simulation.heavy_flavour", "bb+bb, cc+cc", "exactly one"],
        ),
        (
            {"heavy_flavour": {"pair_mass_min": 100, "pair_mass_max": 90}},
            ["samples.2.simulation.heavy_flavour", "pair_mass_max (90 GeV)", "empty"],
        ),
        (
            {"heavy_flavour": {"pair_mass_min": 8}},
            ["samples.2.simulation.heavy_flavour", "pair_mass_min (8 GeV)", "above 2 m_b"],
        ),
    ],
)
def test_bad_sampling_is_one_error(
    tiny_config: dict[str, Any], options: dict[str, Any], said: list[str]
) -> None:
    with pytest.raises(ConfigError) as raised:
        read_config(with_backgrounds(tiny_config, simulated("qcd", **options)))
    message = str(raised.value)
    assert all(words in message for words in said), message
    assert len(message.splitlines()) == 2, "one cause, one line"


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (OTHERS, None),
        ({}, "origin .*, pairs bb.bb, class . is counted twice"),
        ({"pairs": ["bb+cc", "cc+cc", "bb", "none"]}, "pairs cc, class . is in no sample"),
        ({**OTHERS, "origins": ["splitting"]}, "origin .* is in no sample"),
        ({**OTHERS, "pair_mass_min": 25}, "must count alike"),
    ],
)
def test_strata_of_one_process_divide_it(
    tiny_config: dict[str, Any], second: dict[str, Any], said: str | None
) -> None:
    config = with_backgrounds(
        tiny_config,
        simulated("forced", heavy_flavour=FORCED),
        simulated("rest", pythia=["HardQCD:all = on"], heavy_flavour=second),
    )
    if said is None:
        assert len(read_config(config).backgrounds) == 2
        return
    with pytest.raises(ConfigError, match=said):
        read_config(config)
    # of two processes they need not
    config["samples"][-1]["process"] = "other"
    with pytest.raises(ConfigError, match="is in no sample"):
        read_config(config)


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (
            {"bias_power": 4, "pythia": ["HardQCD:all = on", "PhaseSpace:bias2SelectionRef = 9"]},
            None,
        ),
        ({"common": [line.replace(" = ", "=") for line in PP_14_TEV]}, None),
        ({"pt_hat_min": 250}, "differ in pt_hat_min.* found 200.0 and 250.0"),
        ({"common": [*PP_14_TEV[:2], "Beams:eCM = 13000."]}, "differ in common.*13000"),
        (
            {"pythia": ["HardQCD:all = on", "phasespace:mHatMax = 900"]},
            "differ in the PhaseSpace lines of pythia.*900",
        ),
    ],
)
def test_strata_of_one_process_are_of_one_phase_space(
    tiny_config: dict[str, Any], second: dict[str, Any], said: str | None
) -> None:
    options = {"pythia": ["HardQCD:all = on"], "heavy_flavour": OTHERS} | second
    config = with_backgrounds(
        tiny_config, simulated("forced", heavy_flavour=FORCED), simulated("rest", **options)
    )
    if said is None:
        assert len(read_config(config).backgrounds) == 2
        return
    with pytest.raises(ConfigError, match=f"'forced' and 'rest' are strata .*'qcd'.*{said}"):
        read_config(config)


def test_no_sample_stands_for_the_whole_process_beside_its_strata(
    tiny_config: dict[str, Any],
) -> None:
    strata = [
        simulated("forced", heavy_flavour=FORCED),
        simulated("rest", pythia=["HardQCD:all = on"], heavy_flavour=OTHERS),
    ]
    whole = simulated("whole", pythia=["HardQCD:all = on"])
    with pytest.raises(ConfigError, match=r"'whole' has no heavy_flavour.* \(forced, rest\); give"):
        read_config(with_backgrounds(tiny_config, *strata, whole))
    of_files = {"name": "files", "process": "qcd", "label": "background"}
    for beside in (
        whole | {"process": "other"},
        tiny_config["samples"][1],
        of_files | {"simulation": {"lhe": "a.lhe"}},
    ):
        assert len(read_config(with_backgrounds(tiny_config, *strata, beside)).backgrounds) == 3


def test_a_simulated_signal_must_be_possible(tiny_config: dict[str, Any]) -> None:
    signal = tiny_config["samples"][0]
    del signal["files"]
    signal["simulation"] = {"pythia": ["HiggsBSM:gg2H2 = on", "35:m0 = {mass_gev}"], "events": 5}
    assert read_config(tiny_config).simulation("signal_mH1000").mass_gev == 1000
    signal["simulation"]["pt_hat_min"] = 501
    with pytest.raises(ConfigError, match=r"'signal_mH1000' have masses of 1002 .* m_H = 1000 GeV"):
        read_config(tiny_config)


@pytest.mark.parametrize(("key", "value"), [("k_factor", 1.5), ("k_factor_error", 0.1)])
def test_nothing_scales_the_cross_section_of_a_signal(
    tiny_config: dict[str, Any], key: str, value: float
) -> None:
    tiny_config["samples"][0] |= {"k_factor": 1.0, "k_factor_error": 0.0}
    read_config(tiny_config)
    tiny_config["samples"][0][key] = value
    with pytest.raises(ConfigError, match=rf"samples\.0.*must not have `{key}`: the limit is on"):
        read_config(tiny_config)


def test_the_mass_of_a_simulated_signal_is_that_of_its_sample(tiny_config: dict[str, Any]) -> None:
    signal = tiny_config["samples"][0]
    del signal["files"]
    signal["simulation"] = {"pythia": ["HiggsBSM:gg2H2 = on"], "events": 5, "mass_gev": 1000}
    assert read_config(tiny_config).simulation("signal_mH1000").mass_gev == 1000
    signal["simulation"]["mass_gev"] = 900
    with pytest.raises(ConfigError, match=r"simulation\.mass_gev is 900, .* not the sample's"):
        read_config(tiny_config)
    signal |= {"masses_gev": [900, 1000], "mass_gev": None}
    with pytest.raises(ConfigError, match=r"simulation\.mass_gev is 900, .* not the sample's"):
        read_config(tiny_config)


def test_network_is_trained_for_what_it_names(tiny_config: dict[str, Any]) -> None:
    config = with_backgrounds(tiny_config, tiny_config["samples"][1])
    config["networks"][1] |= {"masses_gev": [1500], "seeds": [2]}
    change(config, "interpretation", {"networks": "all", "signals": "first", "seeds": [1, 2]})
    found = read_config(config)
    assert [signal.mass_gev for signal in found.signals_of("cross_attention")] == [1000, 1500]
    assert [signal.mass_gev for signal in found.signals_of("kinematics")] == [1500]
    assert (found.seeds_of("cross_attention"), found.seeds_of("kinematics")) == ((1, 2), (2,))
    assert found.trained_on("cross_attention", "signal_mH1500") == "all"
    assert found.trained_on("kinematics", "signal_mH1500") == "signal_mH1500"
    assert found.interpreted_trainings == (
        ("cross_attention", "signal_mH1000", 1),
        ("cross_attention", "signal_mH1000", 2),
        ("kinematics", "signal_mH1500", 2),
    )
    change(config, "networks.0.masses_gev", [1500])
    with pytest.raises(
        ConfigError, match="none is trained for 'signal_mH1000'; leave `masses_gev`"
    ):
        read_config(config)


def test_tagger_has_no_masses(tiny_config: dict[str, Any]) -> None:
    tagger = {"name": "mixer", "architecture": "jet_tagger", "masses_gev": [1000]}
    tiny_config["jets"] = {"taggers": [tagger]}
    with pytest.raises(
        ConfigError, match=r"mixer must not have `masses_gev` or `seeds`.*`jets\.tr"
    ):
        read_config(tiny_config)


def test_mixed_tails_are_of_backgrounds_in_one_category(tiny_config: dict[str, Any]) -> None:
    config = with_backgrounds(tiny_config, simulated("large", "qcd"))
    config["samples"][-1]["mixed_tail"] = True
    assert read_config(config).mixed_tails == ["large"]
    two = config | {"btagging": {"categories": ["4b", "3b"]}}
    with pytest.raises(ConfigError, match=r"large has mixed_tail, and btagging\.categories"):
        read_config(two)
    whole = {"name": "all", "architecture": "particle_transformer", "objects": 50}
    with pytest.raises(ConfigError, match=r"large has mixed_tail, and all takes the whole event"):
        read_config(config | {"networks": [whole]})
    none = {"working_point": {"mixing": {"pairs": 0}}}
    assert read_config(two | {"networks": [whole]} | none).mixed_tails == []
    config["samples"][-1]["tail_from"] = "large"
    with pytest.raises(ConfigError, match=r"has both `tail_from` and `mixed_tail`"):
        read_config(config)
    del config["samples"][-1]["tail_from"]
    config["samples"][0]["mixed_tail"] = True
    with pytest.raises(ConfigError, match=r"signal sample .* must not have `mixed_tail`"):
        read_config(config)


def test_tail_is_taken_from_a_sample_of_the_same_process(tiny_config: dict[str, Any]) -> None:
    config = with_backgrounds(
        tiny_config,
        simulated("large", "qcd"),
        simulated("small", "qcd", tail_from="large"),
        simulated("smaller", "qcd", tail_from="large"),
        simulated("top", "ttbar"),
    )
    assert read_config(config).tail_from == {"small": "large", "smaller": "large"}
    for bad in ("top", "small", "smaller", "none", "signal_mH1000"):
        config["samples"][-2]["tail_from"] = bad
        with pytest.raises(ConfigError, match=r"'smaller' has tail_from: .*one of: .*large"):
            read_config(config)
    del config["samples"][-2]["tail_from"]
    config["samples"][0]["tail_from"] = "large"
    with pytest.raises(ConfigError, match=r"signal sample .* must not have `tail_from`"):
        read_config(config)


def test_error_of_a_k_factor_is_the_largest_of_its_process(tiny_config: dict[str, Any]) -> None:
    config = with_backgrounds(
        tiny_config,
        simulated("one", "qcd", k_factor=1.2, k_factor_error=0.1),
        simulated("two", "qcd", k_factor_error=0.3),
        simulated("three", "qcd"),
        simulated("top", "ttbar", k_factor_error=0.05),
        simulated("none", "other"),
    )
    assert read_config(config).k_factor_errors == {"qcd": 0.3, "ttbar": 0.05}
    config["samples"][-1]["k_factor_error"] = -0.1
    with pytest.raises(ConfigError, match=r"samples\.6\.k_factor_error"):
        read_config(config)


SHIPPED = [
    path
    for path in sorted((ROOT / "config").glob("*.yaml"))
    if path.name not in ("config.yaml", "delphes_files.yaml")  # a copy, and a form to fill in
]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_shipped_configurations_complete_the_default(path: Path) -> None:
    assert load([ROOT / "config.yaml", path]).networks


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("limits.epochs", "limits.epochs: unknown key"),
        (
            "benchmarks.0.masses_gev",
            "benchmarks.0.masses_gev: unknown key; did you mean 'mass_gev'?",
        ),
        ("benchmarks.0.epochs", "benchmarks.0.epochs: unknown key"),
        ("networks.1.cross_layer", "networks.1.cross_layer: unknown key"),
        (
            "networks.0.cross_layer",
            "networks.0.cross_layer: unknown key; did you mean 'cross_layers'?",
        ),
        (
            "networks.0.jet_encoder.layes",
            "networks.0.jet_encoder.layes: unknown key; did you mean 'layers'?",
        ),
        (
            "reweighting.0.networks.0.widht",
            "reweighting.0.networks.0.widht: unknown key; did you mean 'width'?",
        ),
    ],
)
def test_only_keys_of_the_same_block_are_suggested(
    tiny_config: dict[str, Any], path: str, said: str
) -> None:
    tiny_config["networks"][0]["jet_encoder"] = {"kind": "self_attention"}
    tiny_config["benchmarks"] = [{}]
    tiny_config["reweighting"] = [{"networks": [{"architecture": "high_level_mlp"}]}]
    change(tiny_config, path, 3)
    with pytest.raises(ConfigError) as error:
        read_config(tiny_config)
    assert f"  {said}\n" in f"{error.value}\n"


def test_who_sees_fat_jets_is_scored_in_both_orders(tiny_config: dict[str, Any]) -> None:
    tiny_config["networks"] = [
        {"name": "own", "architecture": "custom", "target": "net.py:Net", "objects": 5},
        {"name": "free", "architecture": "lorentz_net", "objects": 5},
        {"name": "jets", "architecture": "lorentz_net"},
    ]
    tiny_config.setdefault("working_point", {})["mixing"] = {"pairs": 0}
    found = {network.name: network.sees_fat_jets for network in read_config(tiny_config).networks}
    assert found == {"own": True, "free": False, "jets": True}


@pytest.mark.parametrize("key", ["pt_hat_min", "parton_jet_pt_min"])
def test_events_are_generated_as_softly_as_they_are_selected(
    tiny_config: dict[str, Any], key: str
) -> None:
    config = with_backgrounds(tiny_config, simulated("made", "qcd"))
    selected = read_config(config).reconstruction.fatjets.pt_min
    config["samples"][-1]["simulation"][key] = selected
    read_config(config)
    config["samples"][-1]["simulation"][key] = selected + 1
    with pytest.raises(ConfigError, match=rf"'made' is generated with {key}.*fatjets\.pt_min"):
        read_config(config)


@pytest.mark.parametrize(
    ("network", "said"),
    [
        ({"architecture": "constituents", "constituent_features": ["log_p"]}, "no feature log_p;"),
        ({"architecture": "pfn", "constituent_features": ["sin_phi"]}, "no feature sin_phi;"),
        ({"architecture": "lgatr", "objects": 9, "object_features": ["deta"]}, "no feature deta;"),
        (
            {
                "architecture": "concatenation",
                "jet_encoder": {"kind": "mixer", "subjet_features": ["charge"]},
            },
            "no feature charge; allowed: deta, dphi",
        ),
        (
            {"architecture": "particle_transformer", "heads": 3},
            r"heads \(3\) must divide the last width of embedding \(128\)",
        ),
        (
            {"architecture": "particle_transformer", "embedding": [-8]},
            r"embedding\.0: .* \(found -8",
        ),
        ({"architecture": "particle_net", "channels": [[]]}, r"channels\.0: .*at least 1 item"),
        ({"architecture": "lund_net", "channels": [[32, 0]]}, r"channels\.0\.1: .* \(found 0"),
        (
            {"architecture": "jet_image_cnn", "pixels": 7, "channels": [[4, 4]] * 3},
            r"pixels \(7\) .* must be 8 or more",
        ),
    ],
)
def test_networks_that_nothing_can_build_are_refused(
    tiny_config: dict[str, Any], network: dict[str, Any], said: str
) -> None:
    tiny_config["networks"] = [{"name": "net"} | network]
    with pytest.raises(ConfigError, match=rf"networks\.0.*{said}"):
        read_config(tiny_config)


def test_packages_that_networks_lack_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tagger = {"name": "slim", "architecture": "lgatr_slim", "jets": 1}
    file = tmp_path / "peers.yaml"
    networks = [
        {"name": "edges", "architecture": "particle_net"},
        {"name": "k", "architecture": "kinematics"},
    ]
    task = {"name": "top", "signal": ["ttbar"], "background": ["qcd"]}
    blocks = {"networks": networks, "jets": {"tasks": [task], "taggers": [tagger]}}
    file.write_text(yaml.safe_dump(blocks))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    check_config.main([ROOT / "config.yaml", file])
    said = " ".join(capsys.readouterr().out.split())
    assert "edges: particle_net needs weaver, which is not installed here" in said
    assert "slim: lgatr_slim needs lgatr, which is not installed here" in said
    assert said.count("pip install -r envs/requirements-peers.txt") == 2


def test_optional_packages_are_those_that_are_imported() -> None:
    for architecture, target in ARCHITECTURES.items():
        source = ROOT.joinpath(*target.partition(":")[0].split(".")).with_suffix(".py").read_text()
        found = re.search(r"^(?:from|import) (weaver|lgatr)\b", source, re.MULTILINE)
        assert OPTIONAL_PACKAGES.get(architecture) == (found and found[1])
