"""Reweighting to another generator: what is refused, what is run, and the way to the fits."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml

from analysis.datasets.compared import compared
from analysis.datasets.dataset import Dataset, event_key, write_dataset
from common.errors import ConfigError, InputFileError, NormalisationError
from common.features import OBJECT_FEATURES
from common.tables import origin_of
from models.config.specs import Training
from tests.analysis.score_samples import draw_scores, write_scores
from tests.conftest import DATA, ROOT, call_snakemake
from tests.delphes_files import SIGNAL, as_another
from tests.models.events import FEATURES, make_arrays, with_objects
from tests.workflow.plans import planned
from workflow.pipeline.config import load, read_config
from workflow.scripts import closure, closure_figure, limit, reweight, train_reweighting

VINCIA = {"name": "vincia", "sample": "signal_mH1000", "pythia": ["PartonShowers:model = 2"]}
SHIFT = 0.8
"""Mean of the alternative's toys in units of their width."""
TRAINING = {"epochs": 2, "batch_size": 8, "seeds": [1, 2]}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sample": "signal_mH100"}, "there is no sample 'signal_mH100'; did you mean 'signal_mH"),
        ({"sample": "qcd_bb"}, "reweighting vincia: another shower model cannot make qcd_bb, "),
        ({"chunks": 9}, "9 chunks of the alternative are more than the 3 of 'signal_mH1000'"),
        (
            {"pythia": [], "files": ["a.root"], "chunks": 1},
            "vincia: chunks are of simulated events: leave it out with files",
        ),
        ({"pythia": []}, "vincia needs either `pythia` or `files`"),
        ({"pythia": [], "files": ["a.root"]}, "'signal_mH1000' is simulated, so that its alter"),
        ({"seed": 1}, "seed 1 is that of the nominal simulation"),
        ({"apply_to": ["ttbar"]}, "apply_to holds 'ttbar' of process 'ttbar', and 'signal_mH1000'"),
        ({"apply_to": ["signal_mH1000"]}, "apply_to holds 'signal_mH1000' twice"),
        (
            {"networks": [{"name": "a", "architecture": "kinematics", "mass_token": True}]},
            "'a' must not have masses_gev, seeds or mass_token",
        ),
        (
            {"networks": [{"name": "a", "architecture": "lorentz_net", "objects": 30}]},
            "'a' takes the whole event",
        ),
        ({"training": {"devices": 2}}, "vincia: training.devices must be 1"),
        ({"pythi": []}, "unknown key; did you mean 'pythia'?"),
    ],
)
def test_wrong_blocks_are_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    file = tmp_path / "reweighting.yaml"
    file.write_text(yaml.safe_dump({"reweighting": [VINCIA | change]}))
    with pytest.raises(ConfigError) as error:
        load([ROOT / "config.yaml", file])
    assert said in str(error.value)


def test_datasets_have_what_classifiers_see(tmp_path: Path) -> None:
    features = ["deta", "dphi", "log_pt_rel", "tanh_d0"]
    classifier = {"name": "a", "architecture": "constituents", "constituent_features": features}
    file = tmp_path / "reweighting.yaml"
    file.write_text(yaml.safe_dump({"reweighting": [VINCIA | {"networks": [classifier]}]}))
    assert load([ROOT / "config.yaml", file]).reconstructed.impact_parameters
    assert not load([ROOT / "config.yaml"]).reconstructed.impact_parameters


def test_samples_of_files_need_files(tiny_config: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="no shower of ours makes the events"):
        read_config(tiny_config | {"reweighting": [VINCIA]})


def test_only_the_alternative_is_simulated_once_more(tmp_path: Path) -> None:
    config = yaml.safe_load((ROOT / "config" / "shower.yaml").read_text())
    rules = planned(tmp_path, config, ROOT / "Snakefile", "reweighting")
    signal, *others = yaml.safe_load((ROOT / "config.yaml").read_text())["samples"]
    multijets = [sample for sample in others if sample["process"] == "qcd"]
    assert rules["dataset"] == 5 + len(multijets) + 1, "nominal ones and two alternatives"
    chunks = [sample["simulation"]["chunks"] for sample in (*[signal] * 4, *multijets)]
    assert rules["simulate"] == sum(chunks) + 2 + 1, "of the alternatives as many as asked for"
    assert rules["train_reweighting"] == 8, "two samples, two classifiers, two seeds"
    assert rules["limit"] == 0


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The tiny analysis, whose signal has a copy of its file as alternative."""
    found: dict[str, Any] = yaml.safe_load((DATA / "config.yaml").read_text())
    for sample in found["samples"]:
        sample["files"] = [str(ROOT / file) for file in sample["files"]]
    found["networks"], found["training"]["seeds"] = found["networks"][1:], [1]
    copy_ = as_another(SIGNAL, tmp_path_factory.mktemp("alternative") / "herwig.root")
    block = {
        "name": "herwig",
        "sample": "signal_mH1000",
        "files": [str(copy_)],
        "networks": [{"name": "mlp", "architecture": "high_level_mlp", "width": 8, "layers": 1}],
        "training": TRAINING,
    }
    return found | {"reweighting": [block]}


def test_the_alternative_of_files_goes_its_own_way_to_the_fit(
    config: dict[str, Any], tmp_path: Path
) -> None:
    run = call_snakemake(tmp_path, config, "--dry-run", "--printshellcmds")
    assert run.returncode == 0, run.stdout + run.stderr
    calls = [line for line in run.stdout.splitlines() if "BOOSTED_HH4B_JOB" in line]
    varied = "results/variations/reweighting_herwig/"
    (reconstruct,) = [call for call in calls if f"--events {varied}" in call]
    assert config["reweighting"][0]["files"][0] in reconstruct
    assert sum(f"--output {varied}" in call for call in calls) == 2, "normalise, dataset"
    (reweight_call,) = [call for call in calls if '_JOB" reweight ' in call]
    assert f"--alternative={varied}datasets/signal_mH1000.h5" in reweight_call
    limits = [call for call in calls if '_JOB" limit ' in call]
    table = "results/reweighting/herwig/mlp/weights.parquet"
    assert limits
    assert all(f"--reweighting=reweighting_herwig={table}" in call for call in limits)
    datasets = [word for call in calls if '_JOB" cutflow ' in call for word in call.split()]
    assert "reweighting_herwig" not in " ".join(datasets), "no sample of the analysis"


def test_a_missing_file_of_a_classifier_is_found_before_the_run(
    config: dict[str, Any], tmp_path: Path
) -> None:
    own = {"name": "own", "architecture": "custom", "target": "nowhere.py:Net"}
    block = config["reweighting"][0] | {"networks": [own]}
    changed = config | {"reweighting": [block]}
    run = call_snakemake(tmp_path, changed, "results/cutflow.csv", "--dry-run")
    assert run.returncode != 0, "whatever is asked for"
    assert "nowhere.py is no file" in run.stdout + run.stderr


def write_toy(
    path: Path, seed: int, sample: str, shift: float, events: int = 3000, objects: int = 0
) -> Path:
    """Write events that differ in the mass of the pair alone, a Gaussian of width 1 about shift.

    With `objects` they have that many of the whole event, as beside a jet-free network.
    """
    arrays = make_arrays(events, seed, constituents=4)
    if objects:
        arrays = with_objects(arrays, objects)
    rng = np.random.default_rng(seed + 100)
    arrays["kinematics"][:, 2, 0] = 1000 * np.exp(0.1 * rng.normal(shift, 1, events))
    columns = {
        "key": event_key(sample, path.stem, np.arange(events)),
        "weight": rng.uniform(0.5, 1.5, events),
        "tag_weight": np.ones((events, 1)),
    }
    attributes = {
        "sample": sample,
        "process": "signal",
        "label": "signal",
        "mass_gev": 1000.0,
        "categories": ["4b"],
        "constituent_features": FEATURES.constituents,
        "subjet_features": FEATURES.subjets,
        "kinematic_features": FEATURES.kinematics,
        **({"object_features": OBJECT_FEATURES} if objects else {}),
    }
    write_dataset(path, iter([arrays | columns]), attributes)
    return path


LINEAR = """
import torch
from torch import nn


class Linear(nn.Module):
    def __init__(self, spec, features):
        super().__init__()
        self.layer = nn.Linear(1, 1)

    def forward(self, batch):
        x = 10 * (batch.kinematics[:, 2, :1] / 1000).log()
        return torch.cat([0 * x, self.layer(x)], dim=1)
"""


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Toys whose ratio is known, classified by the one number in which they differ."""
    folder = tmp_path_factory.mktemp("toy")
    nominal, alternative, other = (
        write_toy(folder / f"{name}.h5", seed, sample, mean)
        for seed, (name, sample, mean) in enumerate(
            [("nominal", "toy", 0.0), ("alternative", "toy", SHIFT), ("other", "more", 0.0)]
        )
    )
    (folder / "linear.py").write_text(LINEAR)
    network = {"name": "line", "architecture": "custom", "target": f"{folder}/linear.py:Linear"}
    training = Training(epochs=6, batch_size=128, learning_rate=3e-2, accelerator="cpu")
    texts = (json.dumps(network), training.model_dump_json(exclude={"seeds", "masses"}), "{}")
    models = [folder / str(seed) for seed in (1, 2)]
    for seed, model in enumerate(models):
        train_reweighting.main([nominal, alternative], *texts, seed, 2, model)
    table = folder / "weights.parquet"
    reweight.main(nominal, alternative, models, 2, 2, "toy", table, [other])
    tables = [folder / f"{name}.csv" for name in ("closure", "shapes", "calibration")]
    closure.main(table, nominal, alternative, *tables)
    closure_figure.main(*tables, folder / "figure.png")
    return folder


@pytest.mark.parametrize(("sample", "file"), [("toy", "nominal.h5"), ("more", "other.h5")])
def test_classifier_finds_a_ratio_that_is_known(toy: Path, sample: str, file: str) -> None:
    found, norm = pd.read_parquet(toy / "weights.parquet"), origin_of(toy / "weights.parquet")
    assert norm["mean"] == pytest.approx(1, abs=0.08), "a calibrated classifier"
    rows = found[(found["sample"] == sample) & ~found["alternative"]]
    x = 10 * np.log(Dataset(toy / file).rows(slice(None))["kinematics"][:, 2, 0] / 1000)
    factor = rows["factor"].to_numpy() / norm["yield_ratio"]
    slope, offset = np.polyfit(x, np.log(factor), 1)
    assert slope == pytest.approx(SHIFT, abs=0.12), "4 standard errors of 2550 training events"
    assert offset == pytest.approx(-(SHIFT**2) / 2, abs=0.15)
    mean = np.average(x, weights=rows["weight"] * factor)
    assert mean == pytest.approx(SHIFT, abs=0.2)
    assert (rows["spread"] < 0.1).all(), "two seeds agree"


def test_classifiers_of_fat_jets_take_datasets_with_objects(tmp_path: Path) -> None:
    nominal, alternative = (
        write_toy(tmp_path / f"{name}.h5", seed, "toy", 0.0, 200, objects=5)
        for seed, name in enumerate(("nominal", "alternative"))
    )
    network = {"name": "mlp", "architecture": "high_level_mlp", "width": 4, "layers": 1}
    training = Training(epochs=1, accelerator="cpu")
    texts = (json.dumps(network), training.model_dump_json(exclude={"seeds", "masses"}), "{}")
    train_reweighting.main([nominal, alternative], *texts, 1, 2, tmp_path / "1")
    table = tmp_path / "weights.parquet"
    reweight.main(nominal, alternative, [tmp_path / "1"], 2, 2, "toy", table)
    assert len(pd.read_parquet(table)) == 400


def test_closure_is_found_where_it_is_and_nothing_else_is_moved(toy: Path) -> None:
    table = pd.read_csv(toy / "closure.csv").set_index(["observable", "jet"])
    assert len(table) == 28, "mass and pT of the pair, and thirteen observables of each jet"
    pair = table.loc["mass_hh", 0]
    assert pair["p_before"] < 1e-6
    assert pair["p_after"] > 1e-3
    assert (table.drop("mass_hh")["p_after"] > 1e-4).all(), "independent of what differs"
    assert pair["auc_after"] == pytest.approx(0.5, abs=4 * pair["auc_after_error"])
    assert pair["auc_before"] > 0.6
    assert pair["calibration_error"] < 3 * pair["calibration_noise"]
    assert pair["n_eff_reweighted"] < 0.8 * pair["n_eff_nominal"]
    shapes = pd.read_csv(toy / "shapes.csv").groupby(["observable", "jet"])
    for name in ("nominal", "reweighted", "alternative"):
        np.testing.assert_allclose(shapes[name].sum(), 1, rtol=1e-5)
    assert (toy / "figure.pdf").stat().st_size > 10_000


def test_closure_of_other_events_is_refused(toy: Path, tmp_path: Path) -> None:
    outputs = [tmp_path / f"{name}.csv" for name in ("closure", "shapes", "calibration")]
    with pytest.raises(InputFileError, match=r"weights\.parquet has other events than .*other\.h5"):
        closure.main(toy / "weights.parquet", toy / "other.h5", toy / "alternative.h5", *outputs)


def test_weights_are_a_nuisance_of_the_fits(tmp_path: Path) -> None:
    scores, table = tmp_path / "scores.parquet", tmp_path / "weights.parquet"
    drawn = draw_scores(1)
    write_scores(scores, drawn)
    key = np.flatnonzero(drawn.is_signal)
    factor = 1.1 + 0.05 * np.tanh(drawn.value[key])
    weights = {"key": key.astype(np.uint64), "alternative": False, "factor": factor}
    pd.DataFrame(weights).to_parquet(table)
    found = {}
    for name, given in (("with", [f"reweighting_vincia={table}"]), ("without", None)):
        workspace = tmp_path / f"{name}.json"
        limit.main(
            scores, tmp_path / "limit.json", "net", 1000, 1, limits='{"toys": 500}',
            reweighting=given, workspace=workspace,
        )  # fmt: skip
        row = json.loads((tmp_path / "limit.json").read_text())["limit"]
        found[name] = row, json.loads(workspace.read_text())
    (varied, spec), (plain, _) = found["with"], found["without"]
    for name in ("limit_za_fb", "threshold_log_odds", "b_expected"):
        assert varied[name] == plain[name], "Z_A limits have no systematics"
    assert varied["cls_shape_median_fb"] > plain["cls_shape_median_fb"]
    assert varied["cls_count_median_fb"] > plain["cls_count_median_fb"]
    for sample in spec["channels"][0]["samples"]:
        (own,) = [m for m in sample["modifiers"] if m["name"] == "reweighting_vincia"]
        high, low = (np.divide(own["data"][f"{s}_data"], sample["data"]) for s in ("hi", "lo"))
        np.testing.assert_allclose(high + low, 2, err_msg="mirrored")
        if sample["name"] == "signal":
            assert high[-1] == pytest.approx(1.15, abs=0.01), "the highest scores"
            assert (np.diff(high) > 0).all()
        else:
            np.testing.assert_allclose(high, 1, err_msg="not reweighted")


def test_negative_weights_and_other_features_are_refused(tmp_path: Path) -> None:
    nominal = Dataset(write_toy(tmp_path / "nominal.h5", 1, "toy", 0.0, 50))
    negative = tmp_path / "negative.h5"
    write_toy(negative, 2, "toy", 0.0, 50)
    with h5py.File(negative, "r+") as file:
        file["weight"][:3] *= -1
    with pytest.raises(NormalisationError, match=r"3 of 50 events of .*negative\.h5 have negative"):
        compared(nominal, Dataset(negative))
    with h5py.File(negative, "r+") as file:
        file.attrs["categories"] = ["3b"]
    with pytest.raises(InputFileError, match="differ in categories"):
        compared(nominal, Dataset(negative))
