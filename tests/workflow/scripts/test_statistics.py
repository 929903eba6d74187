"""The scripts behind the scores, one after the other, on scores of known distributions."""

import json
import tarfile

import numpy as np
import pyarrow.parquet as pq
import pyhf
import pytest
import yaml
from scipy.special import expit
from typer import BadParameter

from analysis.figures.style import colours
from common.errors import InputFileError
from common.tables import read_csv, write_csv
from tests.analysis.score_samples import draw_scores, write_scores
from workflow.scripts import (
    cls_figure,
    dependence_figure,
    efficiencies,
    hepdata,
    likelihoods,
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


def test_a_training_without_a_limit_opens_no_marker(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(limits_figure, "save", lambda figure, _: drawn.append(figure))
    rows = [
        {"network": "net", "mass_gev": mass, "seed": seed, "threshold_method": method,
         "limit_za_fb": limit, "limit_za_error_fb": 0.1}
        for mass, seed, method, limit in (
            (600, 1, "mixed", 2.0), (600, 2, "none", None), (800, 1, "mixed", 1.0),
            (800, 2, "resolved", 1.5),
        )
    ]  # fmt: skip
    write_csv(rows, tmp_path / "limits.csv")
    limits_figure.main(tmp_path / "limits.csv", tmp_path / "limits.png", ["net"])
    open_at = [
        line.get_xdata().tolist()
        for line in drawn[0].axes[0].lines
        if line.get_markerfacecolor() == "white" and line.get_marker() == "o"
    ]
    assert open_at == [[800.0]]


def test_limit_figure_tells_of_the_networks_that_it_shows_alone(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(limits_figure, "save", lambda figure, _: drawn.append(figure))
    key = {"threshold_method": "mixed", "limit_za_fb": 1.0, "limit_za_error_fb": 0.1}
    rows = [
        key | {"network": "shown", "mass_gev": mass, "seed": seed}
        for mass in (600, 800)
        for seed in (1, 2, 3)
    ]
    rows.append(key | {"network": "other", "mass_gev": 800, "seed": 1, "limit_za_fb": None})
    write_csv(rows, tmp_path / "limits.csv")
    limits_figure.main(tmp_path / "limits.csv", tmp_path / "limits.png", ["shown"])
    ax = drawn[0].axes[0]
    assert ax.get_legend().get_title().get_text() == "median and range of 3 trainings"
    assert not ax.texts


def test_a_network_keeps_its_colour_where_others_are_missing(run, monkeypatch):
    drawn = []
    for script in (limits_figure, roc_figure, dependence_figure):
        monkeypatch.setattr(script, "save", lambda figure, _: drawn.append(figure))
    names = {"every_network": ["first", "second", "net"]}
    limits_figure.main(run / "limits.csv", run / "limits", ["net"], **names)
    roc_figure.main([run / "metrics_1000.json"], run / "roc", **names)
    scan = (run / "scan.csv", run / "scan", "background_events", ["net"])
    dependence_figure.main(*scan, mass=1000.0, **names)
    wanted = colours(names["every_network"])["net"]
    assert wanted != colours(["net"])["net"]
    for figure in drawn:
        assert figure.axes[0].lines[0].get_color() == wanted


def test_figures_of_rejections_name_no_luminosity(run, monkeypatch):
    """Efficiencies do not depend on it, and the rule does not know that of the run."""
    drawn = []
    monkeypatch.setattr(roc_figure, "save", lambda figure, _: drawn.append(figure))
    roc_figure.main([run / "metrics_1000.json"], run / "roc")
    titles = [drawn[0].axes[0].get_title(loc=side) for side in ("left", "right")]
    assert "TeV" in titles[1]
    assert not any("fb" in title for title in titles)


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
    fits = [run / "limit_600.json", run / "limit_1000.json"]
    workspaces = [run / "workspace_600.json", run / "workspace_1000.json"]
    efficiencies.main(fits, run / "efficiencies.csv")
    archive = run / "likelihoods.tar.gz"
    translated = [run / "hs3_600.json", run / "hs3_1000.json"]
    likelihoods.main(fits, workspaces, translated, archive)
    folder = run / "hepdata"
    hepdata.main(
        *(run / "limits.csv", cutflow, run / "efficiencies.csv", folder),
        limit=fits,
        workspace=workspaces,
        likelihoods=archive,
    )
    table = yaml.safe_load((folder / "limits_net.yaml").read_text())
    assert [v["value"] for v in table["independent_variables"][0]["values"]] == [1000]
    assert [path.name for path in folder.glob("correlation*")] == ["correlation_net_mh1000.yaml"]
    assert (folder / archive.name).exists()


def test_archive_holds_each_fit_and_patches_give_its_workspace(run):
    fits = [run / "limit_600.json", run / "limit_1000.json"]
    workspaces = [run / "workspace_600.json", run / "workspace_1000.json"]
    for name in ("one", "two"):
        translated = [run / f"{name}_{mass}.hs3.json" for mass in (600, 1000)]
        likelihoods.main(fits, workspaces, translated, run / f"{name}.tar.gz")
    assert (run / "one.tar.gz").read_bytes() == (run / "two.tar.gz").read_bytes()
    with tarfile.open(run / "one.tar.gz") as archive:
        texts = {m.name: archive.extractfile(m).read().decode() for m in archive.getmembers()}
    assert set(texts) == {
        "README.md",
        *(f"net/mH1000/1/{file}.json" for file in ("BkgOnly", "patchset", "hs3")),
    }
    background = json.loads(texts["net/mH1000/1/BkgOnly.json"])
    assert all(s["name"] != "signal" for c in background["channels"] for s in c["samples"])
    patches = pyhf.PatchSet(json.loads(texts["net/mH1000/1/patchset.json"]))
    patches.verify(background)
    whole = patches.apply(background, "mH1000")
    assert dict(whole) == json.loads((run / "workspace_1000.json").read_text())
    assert texts["net/mH1000/1/hs3.json"] == (run / "one_1000.hs3.json").read_text()
    assert json.loads((run / "one_600.hs3.json").read_text())["status"] == "no limit"
    unit = whole["measurements"][0]["name"].split("_")[2]
    assert texts["net/mH1000/1/hs3.json"].count(f"mu = 1 is sigma(gg -> H -> hh) = {unit} fb") == 1


def test_regions_are_those_of_the_limits(run):
    efficiencies.main([run / "limit_600.json", run / "limit_1000.json"], run / "regions.csv")
    rows = [row for row in read_csv(run / "regions.csv") if row["mass_gev"] == 1000]
    by_region = {row["region"]: row for row in rows}
    (limit_row,) = [row for row in read_csv(run / "limits.csv") if row["mass_gev"] == 1000]
    count = by_region["count"]
    for ours, theirs in (
        ("signal_efficiency", "signal_efficiency"),
        ("signal_efficiency_error", "signal_efficiency_error"),
        ("background", "b_expected"),
        ("n_eff", "n_eff"),
    ):
        assert count[ours] == pytest.approx(limit_row[theirs], rel=1e-6)
    bins = [row for name, row in by_region.items() if name.startswith("shape")]
    (channel,) = json.loads((run / "workspace_1000.json").read_text())["channels"]
    seen = {sample["name"]: sample["data"] for sample in channel["samples"]}
    np.testing.assert_allclose(
        [row["background"] for row in bins],
        np.sum([data for name, data in seen.items() if name != "signal"], axis=0),
        rtol=1e-5,
    )
    signal = np.array([row["signal_efficiency"] for row in bins])
    np.testing.assert_allclose(signal / signal.sum(), seen["signal"] / np.sum(seen["signal"]), 1e-5)
    assert signal.sum() <= by_region["tags"]["signal_efficiency"]


def limits_of(scores, name, **options):
    """The limits of a table of scores; files of this name stand beside it."""
    row, workspace = (scores.parent / f"{name}{end}.json" for end in ("", "_workspace"))
    limit.main(scores, row, "net", 1000, 1, limits='{"toys": 1000}', workspace=workspace, **options)
    return json.loads(row.read_text())


def test_tails_are_shared_between_samples_of_a_process(tmp_path):
    scores, drawn = tmp_path / "scores.parquet", draw_scores(1, 4000, 5e3)
    few = drawn.kind == 1  # of which every tenth stays, as heavy as ten
    kept = ~few | (np.arange(len(drawn)) % 10 == 0)
    unequal = drawn.scaled(np.where(few, 10.0, 1.0)).select(kept)
    write_scores(scores, unequal, process="qcd")
    rows = {}
    for name, tails in (("own", None), ("shared", ["ttbar=qcd"])):
        rows[name] = limits_of(scores, name, tail_from=tails)["limit"]
    assert rows["own"]["sigma_b_shared"] == 0 < rows["shared"]["sigma_b_shared"]
    assert rows["own"]["b_total"] == pytest.approx(rows["shared"]["b_total"])
    workspace = pyhf.Workspace(json.loads((tmp_path / "shared_workspace.json").read_text()))
    assert "shared_tails" in workspace.model().config.par_names
    with pytest.raises(BadParameter, match="SAMPLE=OTHER"):
        limit.main(scores, tmp_path / "no.json", "net", 1000, 1, tail_from=["ttbar"])
    assert not (tmp_path / "no.json").exists()


def test_error_of_a_k_factor_enters_the_background_s_and_a_nuisance(tmp_path):
    scores = tmp_path / "scores.parquet"
    write_scores(scores, draw_scores(1, 2000, 5e3))
    found = {}
    for name, errors in (("without", None), ("with", ["qcd=0.5"])):
        found[name] = limits_of(scores, name, k_factor_error=errors)
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
