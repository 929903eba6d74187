"""The real Snakefile, end to end on real Delphes files, and what reruns after a change."""

import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from analysis.config.dataset import Dataset as DatasetConfig
from analysis.datasets.dataset import TENSORS, Dataset, Selection, Split
from models.networks.batch import Events
from models.training.inference import predict_log_odds
from tests.conftest import ROOT, call_snakemake, python
from tests.delphes_files import QCD, SIGNAL, as_another
from tests.workflow.plans import planned

SCRIPTS = sorted(path.stem for path in (ROOT / "workflow/scripts").glob("[a-z]*.py"))


@pytest.fixture
def edited(project: Path) -> Iterator[Any]:
    """Append a line to a file of the copied project, for one test."""
    originals: dict[Path, str] = {}

    def edit(name: str) -> None:
        path = project / name
        originals[path] = path.read_text(encoding="utf-8")
        path.write_text(originals[path] + "\n# changed\n")

    yield edit
    for path, text in originals.items():
        path.write_text(text)


def test_limits_table_has_a_row_for_each_training(finished: Path) -> None:
    limits = pd.read_csv(finished / "results/limits.csv")
    columns = (
        "network mass_gev seed signal_efficiency threshold_method b_expected b_raw n_eff sigma_b "
        "s_up limit_za_fb"
    )
    assert set(columns.split()) <= set(limits.columns)
    rows = list(zip(limits.network, limits.mass_gev, limits.seed, strict=True))
    assert sorted(rows) == [
        (network, 1000, seed) for network in ("cross_attention", "kinematics") for seed in (1, 2)
    ]
    assert (limits.limit_za_fb.notna() | limits.reason.notna()).all(), "a number, or a reason"


def test_mixed_events_are_pairs_of_simulated_ones(finished: Path) -> None:
    for path in (finished / "results/mixed").rglob("*.parquet"):
        mixed = pd.read_parquet(path)
        scores = pd.read_parquet(str(path).replace("/mixed/", "/scores/"))
        own = scores[scores["sample"] == "qcd"].set_index("key")
        assert set(mixed["first"]) | set(mixed["second"]) <= set(own.index)
        fold = own.fold.to_dict()
        assert (mixed["first"].map(fold) == mixed["second"].map(fold)).all()
        stay = mixed[mixed["first"] == mixed["second"]].set_index("first")
        np.testing.assert_allclose(stay.log_odds, own.log_odds[stay.index], atol=1e-3)
    assert len(list((finished / "results/mixed").rglob("*.parquet"))) == 4
    limits = pd.read_csv(finished / "results/limits.csv")
    assert limits.b_simulated.notna().eq(limits.threshold_log_odds.notna()).all()


def test_metrics_table_is_in_range(finished: Path) -> None:
    metrics = pd.read_csv(finished / "results/metrics.csv")
    assert len(metrics) == 4
    assert metrics.auc.between(0, 1).all()
    rejections = metrics.filter(regex=r"rejection_\d+$")
    assert ((rejections >= 1) | rejections.isna()).all(axis=None), "none where no background passes"
    assert rejections.notna().any(axis=None)
    errors = metrics.filter(regex="error")
    assert ((errors >= 0) | errors.isna()).all(axis=None)


def test_networks_table_sums_up_the_trainings(finished: Path) -> None:
    networks = pd.read_csv(finished / "results/networks.csv").set_index("network")
    metrics = pd.read_csv(finished / "results/metrics.csv")
    assert sorted(networks.index) == ["cross_attention", "kinematics"]
    assert (networks.seeds == 2).all()
    assert networks.parameters["cross_attention"] > networks.parameters["kinematics"] > 0
    for name, group in metrics.groupby("network"):
        assert networks.auc_median[name] == pytest.approx(group.auc.median())
        assert networks.auc_min[name] == pytest.approx(group.auc.min())
    assert networks.calibration_error_median.between(0, 1).all()


def test_ratios_of_rejections_say_what_they_support(finished: Path) -> None:
    ratios = pd.read_csv(finished / "results/network_ratios.csv")
    assert set(zip(ratios["question"], ratios["first"], ratios["second"], strict=True)) == {
        ("kinematics", "cross_attention", "kinematics")
    }
    assert list(ratios.signal_efficiency) == [0.3, 0.5, 0.8]
    assert (ratios.supported == "no").all(), "a dozen events cannot tell networks apart"
    assert ratios.verdict.str.len().gt(20).all()


def test_ratios_of_limits_are_those_of_signal_efficiencies(finished: Path) -> None:
    (row,) = pd.read_csv(finished / "results/limit_ratios.csv").to_dict("records")
    assert (row["first"], row["second"]) == ("cross_attention", "kinematics")
    assert row["background_events"] == 20
    assert row["supported"] == "no", "a dozen events cannot tell networks apart"
    assert len(row["verdict"]) > 20


def test_cutflow_falls_and_starts_with_all_events(finished: Path) -> None:
    cutflow = pd.read_csv(finished / "results/cutflow.csv")
    for name, steps in cutflow.groupby("sample", sort=False):
        assert steps.raw.iloc[0] == 40, name
        assert steps.raw.is_monotonic_decreasing, name
        assert steps.efficiency.is_monotonic_decreasing, name
    qcd = cutflow[(cutflow["sample"] == "qcd") & (cutflow.step == "generated")]
    assert qcd.events.item() == pytest.approx(3000 * 1000 * 71900, rel=1e-5)


def test_each_cut_is_counted_with_all_others_passed(finished: Path) -> None:
    table = pd.read_csv(finished / "results/n_minus_one.csv")
    assert list(table["cut"]) == ["eta", "mass"] * 2
    cutflow = pd.read_csv(finished / "results/cutflow.csv")
    selected = cutflow[cutflow.step == "mass"].set_index("sample").raw
    assert (table.raw_passing.to_numpy() == selected[table["sample"]].to_numpy()).all()
    assert (table.raw >= table.raw_passing).all()
    assert table.efficiency.between(0, 1).all()


def test_second_call_has_nothing_to_do(
    project: Path, finished: Path, config: dict[str, Any]
) -> None:
    assert planned(finished, config, project / "Snakefile") == Counter()


def test_report_holds_the_figures(project: Path, finished: Path, config: dict[str, Any]) -> None:
    run = call_snakemake(
        finished, config, "--report", "report.zip", snakefile=project / "Snakefile"
    )
    assert run.returncode == 0, run.stdout + run.stderr
    with zipfile.ZipFile(finished / "report.zip") as report:
        names = " ".join(report.namelist())
    assert all(
        f"{figure}.png" in names
        for figure in ("limits", "roc_signal_mH1000", "calibration_signal_mH1000", "m_jj")
    )


def test_figures_are_written_as_png_and_pdf(finished: Path) -> None:
    folder = finished / "results/figures"
    for stem in (
        "limits",
        "n_minus_one",
        "roc_signal_mH1000",
        "ratios_signal_mH1000",
        "calibration_signal_mH1000",
        "distributions/leading_mass",
    ):
        assert (folder / f"{stem}.pdf").read_bytes().startswith(b"%PDF")
        assert (folder / f"{stem}.png").stat().st_size > 10_000


def test_one_training_is_looked_into(finished: Path) -> None:
    tables = finished / "results/interpretation/cross_attention/signal_mH1000/1"
    views = {"attention", "attention_events", "grad_cam", "similarity", "permutation"}
    assert {path.stem for path in tables.glob("*.csv")} == views | {"near_subjets", "sample"}
    assert len(list((finished / "results/interpretation").glob("*/*/*"))) == 1
    figures = finished / "results/figures/interpretation/cross_attention/signal_mH1000/1"
    suffixes = {".png", ".pdf", ".csv"}
    assert {path.name for path in figures.iterdir()} == {v + s for v in views for s in suffixes}
    near = pd.read_csv(tables / "near_subjets.csv").set_index(["class", "jet"])
    share = near[near.amount == "attention"]
    assert share.near_subjets.between(0, 1).all()
    assert share.groupby(["class", "layer", "token"]).of_jet.sum().to_numpy() == pytest.approx(1)
    permutation = pd.read_csv(tables / "permutation.csv")
    assert set(permutation.feature) == {"mass", "eta", "phi", "pt", "energy", "theta"}
    assert (permutation.loss_error >= 0).all()
    planes = pd.read_csv(tables / "attention.csv", keep_default_na=False)
    total = planes.groupby(["amount", "class", "layer", "token"])["mean"].sum()
    assert total.between(0.8, 1 + 1e-5).all(), "on the plane, of all attention; six digits each"


def test_no_temporary_file_is_left(finished: Path) -> None:
    assert not [path for path in (finished / "results").rglob("*") if ".part" in path.name]
    assert not list((finished / "results").rglob("resume*"))


@pytest.mark.parametrize(
    ("path", "value", "rules"),
    [
        ("limits.z_target", 2.0, {"limit": 4}),
        ("interpretation.repeats", 3, {"train": 0, "interpret": 1, "permutation_figure": 1}),
        ("interpretation.seeds", "all", {"train": 0, "interpret": 1, "similarity_figure": 1}),
        ("interpretation.networks", "none", {"train": 0, "interpret": 0}),
        ("luminosity_fb", 300, {"dataset": 0, "train": 0, "score": 4, "cutflow": 1, "limit": 4}),
        ("btagging", {"mode": "map"}, {"reconstruct": 0, "tag_map": 1, "dataset": 2}),
        ("dataset.weight_cap_quantile", 0.8, {"train": 4, "score": 4, "limit": 4}),
        ("systematics.energy_scale", 0.03, {"reconstruct": 4, "train": 0, "score": 8, "limit": 4}),
        ("training.epochs", 3, {"reconstruct": 0, "dataset": 0, "train": 4, "score": 4}),
        ("training.seeds", [1, 2, 3], {"dataset": 0, "train": 2, "score": 2, "limit": 2}),
        ("networks.1.width", 32, {"dataset": 0, "train": 2, "score": 2, "limit": 2}),
        ("btagging", {"efficiency": {"b": 0.8}}, {"reconstruct": 0, "dataset": 2, "train": 4}),
        ("btagging", {"uncertainty": {"c": 0.1}}, {"reconstruct": 0, "dataset": 2, "train": 4}),
        ("reconstruction.fatjets.pt_min", 300, {"reconstruct": 2, "dataset": 2, "train": 4}),
    ],
)
def test_changed_key_reruns_what_depends_on_it(
    project: Path,
    finished: Path,
    config: dict[str, Any],
    path: str,
    value: Any,
    rules: dict[str, int],
) -> None:
    changed = yaml.safe_load(yaml.safe_dump(config))
    *parents, last = path.split(".")
    node = changed
    for key in parents:
        node = node[int(key)] if key.isdigit() else node.setdefault(key, {})
    node[last] = value
    found = planned(finished, changed, project / "Snakefile")
    assert {rule: found[rule] for rule in rules} == rules
    earlier = ("reconstruct", "dataset", "train", "score")
    first = min(earlier.index(rule) for rule in [*rules, "score"] if rule in earlier)
    assert sum(found[rule] for rule in earlier[:first]) == 0


@pytest.mark.parametrize(
    ("file", "rules"),
    [
        (
            "analysis/statistics/significance.py",
            {"reconstruct": 0, "train": 0, "score": 0, "limit": 4},
        ),
        ("analysis/evaluation/metrics.py", {"train": 0, "limit": 0, "metrics": 4, "interpret": 1}),
        ("analysis/figures/attention.py", {"interpret": 0, "attention_figure": 1}),
        (
            "analysis/figures/calibration.py",
            {"calibration": 0, "networks_table": 0, "calibration_figure": 1},
        ),
        (
            "analysis/figures/ratios.py",
            {"network_ratios": 0, "ratios_table": 0, "ratios_figure": 1},
        ),
        (
            "analysis/evaluation/calibration.py",
            {"calibration": 4, "networks_table": 1, "calibration_figure": 1},
        ),
        ("analysis/reconstruction/orientation.py", {"reconstruct": 2, "dataset": 2, "train": 4}),
        ("analysis/datasets/btagging.py", {"reconstruct": 0, "dataset": 2, "train": 4}),
        ("models/networks/kinematics.py", {"dataset": 0, "train": 2, "score": 2}),
        ("models/networks/cross_attention.py", {"dataset": 0, "train": 2, "score": 2}),
        ("models/training/training.py", {"dataset": 0, "train": 4}),
    ],
)
def test_changed_source_reruns_what_imports_it(
    project: Path, finished: Path, config: dict[str, Any], edited: Any, file: str,
    rules: dict[str, int],
) -> None:  # fmt: skip
    edited(file)
    found = planned(finished, config, project / "Snakefile")
    assert {rule: found[rule] for rule in rules} == rules


def test_new_background_reconstructs_only_itself(
    project: Path, finished: Path, config: dict[str, Any], tmp_path: Path
) -> None:
    file = as_another(QCD, tmp_path / "ttbar.root")
    new = {**config["samples"][1], "name": "ttbar", "process": "ttbar", "files": [str(file)]}
    changed = {**config, "samples": [*config["samples"], new]}
    found = planned(finished, changed, project / "Snakefile")
    expected = {"reconstruct": 1, "dataset": 1, "train": 4, "score": 4, "limit": 4}
    assert {rule: found[rule] for rule in expected} == expected


@pytest.mark.parametrize(
    ("masses", "score", "limit"), [("separate", "score", 4), ("joint", "score_joint", 8)]
)
def test_new_mass_trains_only_itself_or_one_network_for_all(
    project: Path, finished: Path, config: dict[str, Any], tmp_path: Path,
    masses: str, score: str, limit: int,
) -> None:  # fmt: skip
    file = as_another(SIGNAL, tmp_path / "mH900.root")
    new = {**config["samples"][0], "name": "signal_mH900", "mass_gev": 900, "files": [str(file)]}
    changed = {
        **config,
        "samples": [*config["samples"], new],
        "training": {**config["training"], "masses": masses},
    }
    found = planned(finished, changed, project / "Snakefile")
    expected = {"reconstruct": 1, "dataset": 1, "train": 4, score: 4, "limit": limit}
    assert {rule: found[rule] for rule in expected} == expected


def test_every_event_is_scored_once_by_a_network_that_has_not_seen_it(finished: Path) -> None:
    results = finished / "results"
    datasets = [Dataset(path) for path in sorted((results / "datasets").glob("*.h5"))]
    everything = Selection(datasets).all()
    for seed in (1, 2):
        scores = pd.read_parquet(results / f"scores/kinematics/signal_mH1000/{seed}.parquet")
        scores = scores.set_index("key").loc[everything["key"]]
        assert len(scores) == len(everything["key"])
        np.testing.assert_allclose(scores.weight, 3000 * everything["weight"][:, 0])
        for fold in (0, 1):
            folder = results / f"models/kinematics/signal_mH1000/{seed}/fold{fold}"
            config = DatasetConfig(**json.loads((folder / "model.json").read_text())["dataset"])
            test = Split("test", config, seed, fold).holds(everything["key"])
            assert (scores.fold[test] == fold).all()
            found = predict_log_odds(folder, Events({n: everything[n][test] for n in TENSORS}))
            np.testing.assert_allclose(scores.log_odds[test], found, atol=1e-6)


@pytest.fixture(scope="module")
def joint(project: Path, config: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Limits of two masses, by a network for both and by one without a mass token."""
    folder = tmp_path_factory.mktemp("joint")
    signal, qcd = config["samples"]
    files = [str(as_another(SIGNAL, folder / "mH1500.root"))]
    other = {**signal, "name": "signal_mH1500", "mass_gev": 1500, "files": files}
    changed = {
        **config,
        "samples": [signal, other, qcd],
        "networks": [
            {"name": "kinematics", "architecture": "kinematics", "width": 16, "heads": 2},
            {"name": "trees", "architecture": "high_level_bdt"},
        ],
        "training": {**config["training"], "seeds": [1]},
    }
    targets = [
        "results/limits.csv",
        "results/networks.csv",
        "results/figures/training_signal_mH1500.png",
        "results/interpretation/kinematics/signal_mH1500/1",
    ]
    run = call_snakemake(folder, changed, "--", *targets, snakefile=project / "Snakefile")
    assert run.returncode == 0, run.stdout + run.stderr
    return folder


def test_one_network_serves_all_masses_where_it_takes_the_hypothesis(joint: Path) -> None:
    results = joint / "results"
    folders = {str(path.relative_to(results)) for path in results.glob("models/*/*")}
    assert folders == {
        "models/kinematics/all",
        "models/trees/signal_mH1000",
        "models/trees/signal_mH1500",
    }
    model = json.loads((results / "models/kinematics/all/1/fold1/model.json").read_text())
    assert model["network"]["mass_token"]
    assert model["samples"] == ["signal_mH1000", "signal_mH1500", "qcd"]
    for table in ("limits", "networks"):
        rows = pd.read_csv(results / f"{table}.csv")
        assert list(rows.network) == ["kinematics", "kinematics", "trees", "trees"]
        assert list(rows.mass_gev) == [1000, 1500] * 2
    curves = pd.read_csv(results / "figures/training_signal_mH1500.csv")
    assert set(zip(curves.network, curves.fold, strict=True)) == {
        (name, fold) for name in ("kinematics", "trees") for fold in (0, 1)
    }


def test_each_signal_and_its_background_are_scored_with_its_own_mass(joint: Path) -> None:
    results = joint / "results"
    qcd = Selection([Dataset(results / f"datasets/{n}.h5") for n in ("signal_mH1000", "qcd")]).all()
    for mass in (1000, 1500):
        scores = pd.read_parquet(results / f"scores/kinematics/signal_mH{mass}/1.parquet")
        assert set(scores["sample"]) == {f"signal_mH{mass}", "qcd"}
        scores = scores[(scores["sample"] == "qcd") & (scores.fold == 0)].set_index("key")
        rows = np.isin(qcd["key"], scores.index.to_numpy())
        events = Events({name: qcd[name][rows] for name in TENSORS})
        found = predict_log_odds(results / "models/kinematics/all/1/fold0", events, mass_gev=mass)
        np.testing.assert_allclose(scores.log_odds[qcd["key"][rows]], found, atol=1e-6)


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_runs_alone_with_help(script: str) -> None:
    run = python().run(["-m", f"workflow.scripts.{script}", "--help"], ROOT)
    assert run.returncode == 0, run.stderr
    assert "Usage:" in run.stdout
