"""The scripts behind the scores, one after the other, on scores of known distributions."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from scipy.special import expit
from typer import BadParameter

from common.errors import InputFileError
from common.tables import read_csv
from tests.analysis.score_samples import draw_scores, write_scores
from workflow.scripts import (
    cls_figure,
    dependence_figure,
    hepdata,
    limit,
    limits_figure,
    limits_table,
    metrics,
    metrics_table,
    roc_figure,
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Limits and metrics of one network at two masses, one of them without a limit."""
    folder = tmp_path_factory.mktemp("run")
    rows, measured = [], []
    for mass, events, background in ((600, 8, 5.0), (1000, 2000, 5e3)):
        scores = folder / f"{mass}.parquet"
        write_scores(scores, draw_scores(1, events, background))
        key = {"network": "net", "mass": mass, "seed": 1}
        rows.append(folder / f"limit_{mass}.json")
        workspace = folder / f"workspace_{mass}.json"
        limit.main(scores, rows[-1], **key, limits='{"toys": 1000}', workspace=workspace)
        measured.append(folder / f"metrics_{mass}.json")
        metrics.main(scores, measured[-1], **key)
    names = ("limits", "summary", "scan", "projection")
    tables = {name: folder / f"{name}.csv" for name in names}
    limits_table.main(rows, *tables.values())
    metrics_table.main(measured, folder / "metrics.csv")
    return folder


def test_tables_hold_one_row_per_training_and_say_why_there_is_no_limit(run):
    none, found = read_csv(run / "limits.csv")
    assert (none["mass_gev"], none["status"], none["limit_za_fb"]) == (600, "no limit", None)
    assert "background_events" in none["reason"]
    assert found["limit_za_fb"] > 0
    assert none["cls_exact_median_fb"] is None
    assert none["cls_exact_reason"] == none["reason"]
    assert 0 < found["cls_exact_minus2_fb"] < found["cls_exact_median_fb"]
    assert {row["mass_gev"] for row in read_csv(run / "scan.csv")} == {600, 1000}
    assert len(read_csv(run / "metrics.csv")) == 2
    assert "channels" in json.loads((run / "workspace_1000.json").read_text())


def test_figures_are_drawn_from_the_tables(run):
    limits_figure.main(run / "limits.csv", run / "limits", ["net"])
    cls_figure.main(run / "limits.csv", run / "cls", "net")
    roc_figure.main([run / "metrics_1000.json"], run / "roc")
    common = {"network": ["net"], "mass": 1000.0}
    dependence_figure.main(run / "scan.csv", run / "scan", "background_events", **common)
    for name in ("limits", "cls", "roc", "scan"):
        for kind in ("pdf", "png"):
            assert (run / f"{name}.{kind}").stat().st_size > 5000


def test_weighted_and_raw_counts_are_not_mixed(run):
    rows = read_csv(run / "scan.csv")
    parts = [
        dependence_figure.chosen(rows, "background_events", 1000.0, counting)
        for counting in ("weighted", "raw")
    ]
    for part in parts:
        assert len({row["background_events"] for row in part}) == len(part) > 1
    assert parts[0] != parts[1]
    projection = read_csv(run / "projection.csv")
    drawn = dependence_figure.chosen(projection, "luminosity", 1000.0, "raw")
    assert {row["kind"] for row in drawn} == {"luminosity"}


def test_dependence_at_a_mass_that_was_not_run_is_an_error(run):
    with pytest.raises(InputFileError, match="750 GeV"):
        dependence_figure.main(
            run / "scan.csv", run / "none", "background_events", ["net"], mass=750.0
        )
    assert not (run / "none.png").exists()


def test_submission_leaves_out_what_has_no_limit(run):
    cutflow = run / "cutflow.csv"
    cutflow.write_text("sample,step,raw,events,error\nqcd,generated,10,100,31.6\n")
    workspaces = [run / "workspace_600.json", run / "workspace_1000.json"]
    hepdata.main(run / "limits.csv", cutflow, run / "hepdata", workspaces)
    table = yaml.safe_load((run / "hepdata" / "limits_net.yaml").read_text())
    assert [v["value"] for v in table["independent_variables"][0]["values"]] == [1000]
    attached = sorted(path.name for path in (run / "hepdata").glob("*workspace*"))
    assert len(attached) == 1
    assert attached[0].endswith("workspace_1000.json")


def test_error_of_a_k_factor_enters_the_background_s_and_a_nuisance(tmp_path):
    scores = tmp_path / "scores.parquet"
    write_scores(scores, draw_scores(1, 2000, 5e3))
    found = {}
    for name, errors in (("without", None), ("with", ["qcd=0.5"])):
        limit.main(
            scores, tmp_path / f"{name}.json", "net", 1000, 1, limits='{"toys": 1000}',
            k_factor_error=errors, workspace=tmp_path / f"{name}_workspace.json",
        )  # fmt: skip
        found[name] = json.loads((tmp_path / f"{name}.json").read_text())
    plain, row = found["without"]["limit"], found["with"]["limit"]
    assert plain["sigma_b_process"] == 0
    # half of qcd, which is about half of what is expected
    assert 0.1 * row["b_expected"] < row["sigma_b_process"] < 0.5 * row["b_expected"]
    assert row["b_expected"] == plain["b_expected"]
    assert row["sigma_b"] ** 2 == pytest.approx(plain["sigma_b"] ** 2 + row["sigma_b_process"] ** 2)
    for key in ("limit_za_fb", "cls_count_median_fb", "cls_shape_median_fb"):
        assert row[key] > plain[key]
    for table in ("scan", "projection"):
        assert all(
            wider["sigma_b"] > narrow["sigma_b"]
            for wider, narrow in zip(found["with"][table], found["without"][table], strict=True)
            if wider["sigma_b"] is not None
        )
    texts = {name: (tmp_path / f"{name}_workspace.json").read_text() for name in found}
    assert "k_factor_qcd" in texts["with"]
    assert "k_factor_ttbar" not in texts["with"]
    assert "k_factor" not in texts["without"]


@pytest.mark.parametrize("errors", [["qcd"], ["qcd=much"], ["=0.1"], ["qcd=-1"]])
def test_error_of_a_k_factor_that_cannot_be_read_is_named(tmp_path, errors):
    scores = tmp_path / "scores.parquet"
    write_scores(scores, draw_scores(1, 100, 5e3))
    with pytest.raises(BadParameter, match="--k-factor-error"):
        limit.main(scores, tmp_path / "limit.json", "net", 1000, 1, k_factor_error=errors)


TAG_RATES = {"b": 0.05, "light": 0.25}
SHIFTS = {"btag_b": 0.2, "btag_light": -0.4}


def with_tag_rates(path):
    """Write scores whose background shifts with the tag rates, the more the higher the score."""
    write_scores(path, scores := draw_scores(1, 3000, 5e3))
    table = pq.read_table(path)
    for nuisance, slope in SHIFTS.items():
        for side, sign in (("up", 1), ("down", -1)):
            effect = np.where(scores.is_signal, 0.1, slope * expit(scores.value))
            shifted = scores.weight * (1 + sign * effect)
            table = table.append_column(f"weight_4b_{nuisance}_{side}", [shifted])
    pq.write_table(table, path)


def limit_with(path, btagging):
    output, workspace = path.with_name("limit.json"), path.with_name("workspace.json")
    limit.main(path, output, "net", 1000, 1, limits='{"toys": 500}', btagging=json.dumps(btagging),
               workspace=workspace)  # fmt: skip
    return json.loads(output.read_text())["limit"], json.loads(workspace.read_text())


def test_tag_rates_are_templates_of_each_process_and_leave_the_headline(tmp_path):
    path = tmp_path / "scores.parquet"
    with_tag_rates(path)
    plain, without = limit_with(path, {})
    found, workspace = limit_with(path, {"uncertainty": TAG_RATES})
    for name in ("limit_za_fb", "sigma_b", "threshold_log_odds", "b_expected"):
        assert found[name] == plain[name]
    for kind in ("count", "shape"):
        assert found[f"cls_{kind}_median_fb"] > plain[f"cls_{kind}_median_fb"]
    for sample, before in zip(
        workspace["channels"][0]["samples"], without["channels"][0]["samples"], strict=True
    ):
        modifiers = {modifier["name"]: modifier for modifier in sample["modifiers"]}
        assert {"btag_b", "btag_light"} <= modifiers.keys()
        assert not {"btag", "btag_c"} & modifiers.keys()
        assert "btag" in {modifier["name"] for modifier in before["modifiers"]}
        data, template = np.array(sample["data"]), modifiers["btag_b"]["data"]
        assert modifiers["btag_b"]["type"] == "histosys"
        both = np.add(template["hi_data"], template["lo_data"])
        np.testing.assert_allclose(both, 2 * data, rtol=1e-9)
        slope = np.array(template["hi_data"]) / data - 1
        if sample["name"] == "signal":
            np.testing.assert_allclose(slope, 0.1)
        else:
            assert (np.diff(slope) > 0).all()


def test_without_errors_of_tag_rates_limits_are_the_same_to_the_byte(tmp_path):
    path = tmp_path / "scores.parquet"
    with_tag_rates(path)
    zero = {"uncertainty": {"b": 0.0, "c": 0.0, "light": 0.0}}
    assert limit_with(path, zero) == limit_with(path, {})


def test_scores_without_the_shifts_are_named(tmp_path):
    path = tmp_path / "scores.parquet"
    write_scores(path, draw_scores(1, 100, 5e3))
    with pytest.raises(InputFileError, match=r"weight_4b_btag_b_up.*rule score"):
        limit_with(path, {"uncertainty": {"b": 0.05}})
