"""Which files belong to a job."""

import re
from pathlib import Path
from typing import Any

import pytest
from snakemake.iocontainers import Wildcards

from tests.conftest import ROOT
from workflow.pipeline import paths
from workflow.pipeline.config import load, read_config
from workflow.pipeline.inputs import all_chunks
from workflow.pipeline.targets import Targets, message, one_of


def of(**names: str) -> Wildcards:
    return Wildcards(fromdict=names)


def targets_of(mapping: dict[str, Any]) -> Targets:
    config = read_config(mapping)
    return Targets(config, all_chunks(config.samples))


@pytest.fixture
def files(tiny_config: dict[str, Any]) -> Targets:
    return targets_of(tiny_config)


@pytest.fixture(scope="module")
def simulated() -> Targets:
    """The default analysis: simulated, four masses."""
    config = load([ROOT / "config.yaml"])
    return Targets(config, all_chunks(config.samples))


def test_nominal_and_varied_files_differ_by_their_folder(simulated: Targets) -> None:
    for variation in ("", "variations/jes_up/"):
        job = of(variation=variation, sample="qcd_bbcc", chunk="000")
        (events,) = simulated.of_chunks(paths.EVENTS)(job)
        assert events == f"results/{variation}events/qcd_bbcc/000.parquet"


@pytest.mark.parametrize(
    ("variation", "folder"),
    [
        ("", "results/samples"),
        ("variations/jes_up/", "results/samples"),
        ("variations/shower_up/", "results/variations/shower_up/samples"),
    ],
)
def test_only_another_shower_has_simulated_files_of_its_own(
    simulated: Targets, variation: str, folder: str
) -> None:
    job = of(variation=variation, sample="ttbar", chunk="000")
    assert simulated.local_file(job) == [f"{folder}/ttbar/000.root"]
    assert simulated.simulation_metadata(job) == [f"{folder}/ttbar/000.json"]


def test_files_of_the_user_are_the_same_in_every_variation(files: Targets) -> None:
    (chunk,) = files.chunks["qcd"]
    for variation in ("", "variations/shower_up/"):
        job = of(variation=variation, sample="qcd", chunk=chunk)
        (path,) = files.local_file(job)
        assert Path(path) == ROOT / "tests/data/tiny_qcd.root"
        assert files.simulation_metadata(job) == []


def test_remote_file_is_no_input(tiny_config: dict[str, Any]) -> None:
    tiny_config["samples"][1]["files"] = ["https://example.org/qcd.root"]
    files = targets_of(tiny_config)
    (chunk,) = files.chunks["qcd"]
    job = of(variation="", sample="qcd", chunk=chunk)
    assert files.local_file(job) == []
    assert files.source(job) == "https://example.org/qcd.root"
    assert files.local_files() == [str(ROOT / "tests/data/tiny_signal_mH1000.root")]


def test_training_serves_all_signals_or_one(simulated: Targets) -> None:
    job = of(network="kinematics", signal="signal_mH1000", seed="2")
    assert simulated.joint == ["cross_attention", "kinematics"]
    assert simulated.training(job) == "results/models/kinematics/all/2"
    backgrounds = [f"results/datasets/{name}.h5" for name in simulated.backgrounds]
    assert simulated.datasets(job) == ["results/datasets/signal_mH1000.h5", *backgrounds]
    trained = of(network="kinematics", masses="all", seed="2")
    assert len(simulated.datasets(trained)) == 4 + len(backgrounds)
    assert simulated.model([0])(job) == [
        f"results/models/kinematics/all/2/fold0/model.{kind}" for kind in ("safetensors", "json")
    ]


def test_joint_training_is_scored_in_one_job(simulated: Targets, files: Targets) -> None:
    job = of(variation="variations/jer_up/", network="kinematics", seed="1")
    assert simulated.of_signals(paths.SCORES, job) == [
        f"results/variations/jer_up/scores/kinematics/signal_mH{mass}/1.parquet"
        for mass in (800, 1000, 1500, 2000)
    ]
    for template in (paths.SCORES, paths.MIXED):
        joint = simulated.all_signals(template)
        assert len(set(joint)) == 4
        assert all("{network,cross_attention|kinematics}" in path for path in joint)
        assert "{network,(?!)}" in simulated.one_signal(template)
    assert files.separate == ["cross_attention", "kinematics"], "one signal needs no joint training"


def test_network_has_files_of_its_own_masses_and_seeds_alone() -> None:
    default = load([ROOT / "config.yaml"]).model_dump(mode="json")
    one = {"architecture": "cross_attention", "masses_gev": [1000], "seeds": [2]}
    blind = {"name": "blind", "use_theta": False, **one}
    files = targets_of(default | {"networks": [*default["networks"], {"name": "x", **one}, blind]})
    assert files.joint == ["cross_attention", "kinematics"]
    assert files.networks_of("signal_mH800") == files.drawn_against_mass == files.joint
    own = [path for path in files.trainings(paths.LIMIT) if "/x/" in path]
    assert own == ["results/limits/x/signal_mH1000/2.json"]
    trained = [path for path in files.models("model.json") if "/x/" in path]
    assert trained == [f"results/models/x/signal_mH1000/2/fold{fold}/model.json" for fold in (0, 1)]
    assert files.models("model.json", ["signal_mH800"]) == files.models("model.json")[:8]
    metrics = files.trainings_of_signal(paths.METRICS)
    assert [len(metrics(of(signal=f"signal_mH{mass}"))) for mass in (800, 1000)] == [4, 6]
    kinematics, theta, masses = files.pairs
    assert (kinematics[1:], theta[1:]) == (("cross_attention", "kinematics"), ("x", "blind"))
    assert masses == ("masses", "cross_attention", "x")
    assert files.pairs_of("signal_mH800") == [kinematics]
    assert files.pairs_of("signal_mH1000") == [kinematics, theta, masses]
    assert len(files.compared_scores(of(signal="signal_mH1000"))) == 2 * 2 + 2


def test_networks_of_one_mass_are_drawn_where_none_has_several(files: Targets) -> None:
    assert files.drawn_against_mass == files.networks == ["cross_attention", "kinematics"]


def test_signal_without_a_pair_has_no_ratios() -> None:
    default = load([ROOT / "config.yaml"]).model_dump(mode="json")
    cross, kinematics = default["networks"]
    alone = {"masses_gev": [800, 1000]}
    networks = [cross | alone, kinematics | alone, cross | {"name": "all_masses"}]
    files = targets_of(default | {"networks": networks})
    assert len(files.ratios(paths.RATIOS)) == 2
    assert sum("/ratios_" in path for path in files.products()) == 2


def test_variations_are_those_of_the_configuration(tiny_config: dict[str, Any]) -> None:
    job = of(network="kinematics", signal="signal_mH1000", seed="1")
    assert targets_of(tiny_config).all_variations(job) == []
    files = targets_of(tiny_config | {"systematics": {"energy_scale": 0.03, "resolution": 0.1}})
    found = files.varied_scores(job)
    assert {name: len(paths) for name, paths in found.items()} == {"jes": 2, "jer": 1}
    assert files.all_variations(job)[1] == (
        "results/variations/jes_down/scores/kinematics/signal_mH1000/1.parquet"
    )


def test_tag_maps_are_those_of_mode_map(tiny_config: dict[str, Any]) -> None:
    assert targets_of(tiny_config).tag_maps == []
    files = targets_of(tiny_config | {"btagging": {"mode": "map"}})
    assert files.tag_maps == files.tag_map(of(sample="qcd")) == ["results/tag_maps/qcd.json"]
    assert files.tag_map(of(sample="signal_mH1000")) == []


def test_products_are_what_the_analysis_has(tiny_config: dict[str, Any]) -> None:
    products = targets_of(tiny_config).products()
    assert len(products) == len(set(products))
    tables = {"results/network_ratios.csv", "results/limit_ratios.csv"}
    assert tables <= set(products)
    assert not any("jets" in path for path in products)
    tiny_config["networks"] = tiny_config["networks"][:1]
    assert not tables & set(targets_of(tiny_config).products())


def test_variation_is_a_folder_or_nothing(files: Targets) -> None:
    pattern = files.wildcard_constraints()["variation"]
    for text, fits in (("", True), ("variations/jes_up/", True), ("variations/other/", False)):
        assert bool(re.fullmatch(pattern, text)) == fits
    assert paths.variation_name("variations/jes_up/") == "jes_up"
    assert paths.variation_name("") == ""


def test_pattern_of_no_name_fits_nothing() -> None:
    assert re.fullmatch(one_of([]), "") is None
    assert re.fullmatch(one_of(["a.b"]), "aXb") is None


def test_job_is_told_by_its_wildcards_and_its_rule() -> None:
    said = message("Merge {these}.\n\nAnd more.", "results/{variation}x/{sample}/{chunk}.json")
    job = of(variation="variations/jes_up/", sample="qcd", chunk="000")
    assert said.format(wildcards=job) == "variations/jes_up/qcd 000: Merge {these}"
    nominal = of(variation="", sample="qcd", chunk="000")
    assert said.format(wildcards=nominal) == "qcd 000: Merge {these}"
    assert message("Collect the limits.", "results/limits.csv") == "Collect the limits"


def test_what_onnx_cannot_run_is_not_exported(tiny_config: dict[str, Any]) -> None:
    tiny_config["networks"] = [
        {"name": "trees", "architecture": "high_level_bdt"},
        {"name": "lund", "architecture": "lund_net"},
        {"name": "mlp", "architecture": "high_level_mlp"},
    ]
    found = targets_of(tiny_config).exported
    assert found
    assert all("/mlp/" in path for path in found)
