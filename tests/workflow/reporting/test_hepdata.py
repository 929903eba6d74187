import pytest
import yaml

from common.errors import AnalysisError
from common.tables import write_json
from workflow.reporting.hepdata import (
    cutflow_table,
    efficiency_table,
    limits_table,
    write_submission,
)


def row(mass, seed, limit):
    numbers = {"signal_efficiency": 0.1, "b_expected": 20.0, "sigma_b": 3.0, "n_eff": 12.0}
    bands = {
        f"{side}{k}": limit * (1 + sign * 0.3 * k)
        for side, sign in (("minus", -1), ("plus", 1))
        for k in (1, 2)
    }
    fits = {f"cls_count_{name}_fb": value for name, value in {**bands, "median": limit}.items()}
    return {
        "mass_gev": mass,
        "seed": seed,
        "threshold_method": "empirical",
        "limit_za_fb": limit,
        "limit_za_error_fb": 0.1 * limit,
        **numbers,
        **fits,
    }


ROWS = [row(m, s, 100.0 * s / m) for m in (600, 1000) for s in (1, 2, 4)]
STEPS = [
    {"step": "generated", "raw": 100, "events": 1e3, "error": 100.0},
    {"step": "two fat jets", "raw": 60, "events": 6e2, "error": 77.0},
]


def test_exact_limit_is_shown_where_every_row_has_one():
    exact = [r | {k.replace("count", "exact"): v for k, v in r.items()} for r in ROWS]
    for rows, shown in ((ROWS, False), (exact, True), ([*exact[1:], ROWS[0]], False)):
        names = [variable.name for variable in limits_table(rows, "net", 3000).variables]
        assert ("Expected CLs limit, exact" in names) is shown


def test_submission_is_valid_and_holds_the_numbers(tmp_path):
    workspace = tmp_path / "net" / "signal" / "1.json"
    write_json({"channels": []}, workspace)
    tables = [
        limits_table(ROWS, "net", 3000),
        efficiency_table(ROWS, "net"),
        cutflow_table(STEPS, "qcd"),
    ]
    folder = tmp_path / "hepdata"
    write_submission(tables, [workspace], folder)
    documents = list(yaml.safe_load_all((folder / "submission.yaml").read_text()))
    assert [d["name"] for d in documents[1:]] == ["Limits net", "Efficiency net", "Cutflow qcd"]
    assert (folder / "net_signal_1.json").exists()
    limits = yaml.safe_load((folder / "limits_net.yaml").read_text())
    assert [v["value"] for v in limits["independent_variables"][0]["values"]] == [600, 1000]
    first = limits["dependent_variables"][0]["values"][1]
    assert first["value"] == pytest.approx(0.2)
    spread = first["errors"][0]["asymerror"]
    assert (spread["minus"], spread["plus"]) == pytest.approx((-0.1, 0.2))


def test_submission_is_written_again_the_same(tmp_path):
    for name in ("one", "two"):
        write_submission([limits_table(ROWS, "net", 3000)], [], tmp_path / name)
    for file in sorted((tmp_path / "one").iterdir()):
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()


def test_invalid_submission_is_an_error_and_leaves_the_old_one(tmp_path):
    folder = tmp_path / "hepdata"
    write_submission([limits_table(ROWS, "net", 3000)], [], folder)
    before = (folder / "submission.yaml").read_bytes()
    broken = cutflow_table(STEPS, "qcd")
    broken.keywords["observables"] = [{"not": "a text"}]
    with pytest.raises(AnalysisError, match="not valid"):
        write_submission([broken], [], folder)
    assert (folder / "submission.yaml").read_bytes() == before
