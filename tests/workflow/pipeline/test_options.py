"""How a rule calls its script."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter
from snakemake.iocontainers import Wildcards

from analysis.config.statistics import Limits
from models.config.specs import NetworkSpec, Training
from tests.conftest import ROOT, call_snakemake
from workflow.pipeline.config import load, read_config
from workflow.pipeline.inputs import all_chunks
from workflow.pipeline.options import Options, call, flags, params, resources
from workflow.pipeline.targets import Targets


def of(**names: str) -> Wildcards:
    return Wildcards(fromdict=names)


def options_of(config: Any) -> Options:
    return Options(config, Targets(config, all_chunks(config.samples)))


@pytest.fixture(scope="module")
def simulated() -> Options:
    return options_of(load([ROOT / "config.yaml"]))


def value(found: list[str], name: str) -> str:
    (one,) = [text for text in found if text.startswith(f"--{name}=")]
    return one.partition("=")[2]


def test_flags_write_blocks_lists_and_leave_out_nothing_given() -> None:
    assert flags(b_min=0, name="a b", none=None, many=["x", "y"]) == [
        "--b-min=0",
        "--name=a b",
        "--many=x",
        "--many=y",
    ]
    assert json.loads(value(flags(limits=Limits()), "limits"))["toys"] == 20000


def test_command_is_that_of_this_checkout() -> None:
    command = call("score", "{input:q}")
    assert command.startswith('python -P "$BOOSTED_HH4B_JOB" score {input:q} ')
    assert command.endswith("> {log:q} 2>&1")


def test_params_hold_the_code_of_the_network(simulated: Options) -> None:
    plain = params("train", ["--seed=1"])
    assert plain["options"](of()) == ["--seed=1"]
    code = params("train", simulated.train, simulated.network)["code"]
    digests = {code(of(network=name)) for name in ("cross_attention", "kinematics")}
    assert len(digests | {plain["code"](of())}) == 3


def test_braces_of_an_option_are_no_wildcards(tmp_path: Path) -> None:
    """As in `35:m0 = {mass_gev}`, which the page is given."""
    run = call_snakemake(tmp_path, {}, "--dry-run", "-p", "results/index.html")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "35:m0 = {mass_gev}" in run.stdout + run.stderr


def test_training_asks_for_its_events_and_libraries() -> None:
    asked = resources(Training(memory_mb=3000, devices=2, accelerator="cuda"))
    assert asked["gpu"] == 2
    assert asked["mem_mb"](of(), attempt=2) == 2 * 2 * 5000
    assert resources(Training(accelerator="cuda", devices=2), of_training=False) == {"gpu": 1}
    assert resources(Training())["gpu"] == 0


def test_jobs_of_one_rule_may_ask_for_different_machines() -> None:
    trainings = {"a": Training(accelerator="cuda"), "b": Training(memory_mb=9000)}
    asked = resources(lambda wildcards: trainings[wildcards.reweighting])
    one, other = (of(reweighting=name) for name in trainings)
    assert (asked["gpu"](one), asked["gpu"](other)) == (1, 0)
    assert asked["mem_mb"](other, 2) - 2 * asked["mem_mb"](one, 1) == 2 * (
        9000 - Training().memory_mb
    )


def test_another_shower_changes_the_simulation_alone(tiny_config: dict[str, Any]) -> None:
    config = load([ROOT / "config.yaml"]).model_copy(
        update={
            "systematics": read_config(
                tiny_config | {"systematics": {"shower": ["X = 1"], "energy_scale": 0.1}}
            ).systematics
        }
    )
    options = options_of(config)

    def jobs(name: str) -> list[Wildcards]:
        folders = ("", "variations/shower_up/", "variations/jes_up/")
        return [of(variation=folder, sample=name, chunk="000") for folder in folders]

    made = [json.loads(value(options.simulate(job), "config")) for job in jobs("ttbar")]
    assert made[0] == made[2]
    assert made[1]["pythia"] == [*made[0]["pythia"], "X = 1"]
    read = [json.loads(value(options.reconstruct(job), "config")) for job in jobs("ttbar")]
    assert read[0] == read[1]
    assert read[2]["variation"]["energy_scale"] == 0.1
    simulated = [value(options.normalise(job), "simulated") for job in jobs("ttbar")]
    assert simulated[0] == simulated[2] == "results/samples/ttbar"
    assert simulated[1] == "results/variations/shower_up/samples/ttbar"


def test_number_of_chunks_is_no_setting_of_one(simulated: Options) -> None:
    job = of(variation="", sample="qcd_bbbb", chunk="000")
    assert "chunks" not in json.loads(value(simulated.simulate(job), "config"))
    assert "chunks" not in json.loads(value(simulated.dataset(job), "sample"))["simulation"]


def test_joint_network_is_told_the_mass(simulated: Options) -> None:
    job = of(network="kinematics", masses="all", seed="2")
    found = simulated.train(job)
    assert json.loads(value(found, "network"))["mass_token"] is True
    assert {"seeds", "masses"}.isdisjoint(json.loads(value(found, "training")))
    assert value(found, "output") == "results/models/kinematics/all/2"


def test_what_limits_alone_depend_on_makes_no_dataset_anew(tiny_config: dict[str, Any]) -> None:
    job = of(variation="", sample="qcd", process="qcd")
    before = options_of(read_config(tiny_config))
    tiny_config["samples"][1] |= {"k_factor_error": 0.2, "mixed_tail": True}
    after = options_of(read_config(tiny_config))
    for rule in ("normalise", "dataset"):
        assert getattr(before, rule)(job) == getattr(after, rule)(job)
    tiny_config["samples"][1]["k_factor"] = 1.5
    assert options_of(read_config(tiny_config)).dataset(job) != before.dataset(job)


def test_limit_is_told_where_its_uncertainties_are(tiny_config: dict[str, Any]) -> None:
    systematics = {"energy_scale": 0.03}
    tiny_config["samples"][1] |= {"k_factor_error": 0.2, "mixed_tail": False}
    made = {"simulation": {"pythia": ["HardQCD:all = on"], "pt_hat_min": 200, "events": 10}}
    few = {"name": "few", "process": "qcd", "label": "background", "tail_from": "qcd"}
    tiny_config["samples"].append(few | made)
    mapped = tiny_config | {"systematics": systematics, "btagging": {"mode": "map"}}
    found = options_of(read_config(mapped)).limit(
        of(network="kinematics", signal="signal_mH1000", seed="1")
    )
    assert value(found, "mass") == "1000.0"
    assert value(found, "tag-map") == "results/tag_maps/qcd.json"
    assert value(found, "k-factor-error") == "qcd=0.2"
    assert value(found, "tail-from") == "few=qcd"
    assert not any(word.startswith("--mixed") for word in found)
    tiny_config["samples"][1]["mixed_tail"] = True
    options = options_of(read_config(tiny_config))
    job = of(network="kinematics", signal="signal_mH1000", seed="1")
    assert value(options.limit(job), "mixed") == "results/mixed/kinematics/signal_mH1000/1.parquet"
    assert "closure" not in value(options.mix(job), "config"), "it changes no mixed event"
    up, down = value(found, "variation").removeprefix("jes=").split(",")
    assert up == "results/variations/jes_up/scores/kinematics/signal_mH1000/1.parquet"
    assert "jes_down" in down


def test_figures_and_submission_are_told_which_limits_they_show(
    tiny_config: dict[str, Any],
) -> None:
    tiny_config["limits"] = {"z_target": 1.2816, "confidence_level": 0.99}
    options = options_of(read_config(tiny_config))
    signal = of(signal=options.targets.signals[0], kind="luminosity", network="a")
    drawn = (options.limits_figure, options.dependence_figure(signal))
    assert {value(found, "quantity") for found in drawn} == {"90% CL limit"}
    assert value(options.cls_figure(signal), "level") == "0.99"
    assert value(options.hepdata, "level") == "0.99"
    assert value(options.hepdata, "z-target") == "1.2816"
    assert Limits().z_level == Limits().confidence_level


def test_a_network_has_one_colour_in_all_figures() -> None:
    """Also where a figure shows some networks alone, as those trained for its signal."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    kind = {"architecture": "kinematics"}
    config["networks"] = [kind | {"name": "light", "masses_gev": [800]}, kind | {"name": "all"}]
    options = options_of(read_config(config))
    wildcards = of(signal="signal_mH1000", kind="luminosity")
    dependence = options.dependence_figure(wildcards)
    assert value(dependence, "network") == "all"
    commands = (options.coloured, options.limits_figure, options.training_figure(wildcards))
    for command in (dependence, *commands):
        named = [word for word in command if word.startswith("--every-network")]
        assert named == ["--every-network=light", "--every-network=all"]


def test_range_of_b_hadrons_is_handed_on(tiny_config: dict[str, Any]) -> None:
    tiny_config["samples"][1]["b_hadrons"] = {"min": 0, "max": 3}
    options = options_of(read_config(tiny_config))
    for sample, expected in (
        ("qcd", ['--b-hadrons={"min":0,"max":3}']),
        ("signal_mH1000", []),
    ):
        (chunk,) = options.targets.chunks[sample]
        found = options.reconstruct(of(variation="", sample=sample, chunk=chunk))
        assert [text for text in found if "b-hadrons" in text] == expected


def test_objects_of_the_event_are_kept_for_the_network_that_takes_most(
    simulated: Options,
) -> None:
    wildcards = of(variation="", sample="qcd_bb", chunk="000", process="qcd")
    plain = simulated.dataset(wildcards)
    assert not any(text.startswith("--max-objects") for text in plain)
    assert json.loads(value(simulated.reconstruct(wildcards), "config"))["event_objects"] == 0
    whole = [
        TypeAdapter(NetworkSpec).validate_python(
            {"name": f"n{n}", "architecture": "particle_net", "objects": n}
        )
        for n in (40, 90)
    ]
    networks = (*simulated.config.networks, *whole)
    wanting = options_of(simulated.config.model_copy(update={"networks": networks}))
    assert value(wanting.dataset(wildcards), "max-objects") == "90"
    assert json.loads(value(wanting.reconstruct(wildcards), "config"))["event_objects"] == 90


def test_impact_parameters_are_kept_where_a_network_names_them(
    simulated: Options,
) -> None:
    wildcards = of(variation="", sample="qcd_bb", chunk="000", process="qcd")
    assert "--impact-parameters" not in simulated.dataset(wildcards)
    names = ["log_pt", "tanh_d0", "d0_error"]
    network = {"name": "n", "architecture": "constituents", "constituent_features": names}
    spec = TypeAdapter(NetworkSpec).validate_python(network)
    networks = (*simulated.config.networks, spec)
    wanting = options_of(simulated.config.model_copy(update={"networks": networks}))
    assert wanting.simulate(wildcards) == simulated.simulate(wildcards), "they are in every file"
    assert json.loads(value(wanting.reconstruct(wildcards), "config"))["impact_parameters"]
    assert "--impact-parameters" in wanting.dataset(wildcards)


def test_taggers_are_evaluated_on_what_they_are_trained_on() -> None:
    config = load([ROOT / "config.yaml", ROOT / "config/jets.yaml"])
    training = config.jets.training.model_copy(update={"accelerator": "cpu"})
    jets = config.jets.model_copy(update={"training": training})
    options = options_of(config.model_copy(update={"jets": jets}))
    wildcards = of(task=jets.task_names[0], tagger=jets.taggers[0].name, seed="1")
    for found in (options.evaluate_jets(wildcards), options.evaluate_classes(wildcards)):
        assert value(found, "accelerator") == "cpu"
