import numpy as np
import pytest
import yaml

from common.errors import AnalysisError
from workflow.reporting.hepdata import write_submission
from workflow.reporting.hepdata_tables import (
    correlation_table,
    cutflow_table,
    cuts_table,
    efficiency_map,
    efficiency_table,
    limits_table,
    qualify,
    score_table,
)
from workflow.reporting.likelihoods import write_archive


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


def test_limits_are_called_what_they_are():
    table = limits_table(ROWS, "net", 3000, 1.2816, 0.9)
    assert "Limit from Z_A = 1.2816" in [variable.name for variable in table.variables]
    assert "90% confidence" in table.description


def test_tables_say_of_which_trainings_they_are():
    *over_trainings, _, _, score, correlation = tables()
    for table in over_trainings:
        assert "medians over trainings" in table.description.lower()
    for table in (score, correlation):
        assert "the training with seed 1 alone" in table.description


CUTS = [
    {
        "sample": name,
        "step": step,
        "efficiency": efficiency,
        "events": 1e3 * efficiency,
        "error": 9.0,
    }
    for name in ("h600", "h1000", "qcd")
    for step, efficiency in (("generated", 1.0), ("tags: 4b", 0.1))
]
REGIONS = [
    {
        "mass_gev": mass,
        "seed": seed,
        "channel": "4b",
        "region": region,
        "log_odds_low": low,
        "log_odds_high": high,
        "signal_efficiency": 0.01 * seed,
        "signal_efficiency_error": 0.001,
        "background": 20.0,
        "background_error": 4.0,
        "background_assumed": 3.0,
        "n_eff": 25.0,
        "events_qcd": 18.0,
        "events_ttbar": 2.0,
    }
    for mass in (600, 1000)
    for seed in (1, 2, 4)
    for region, low, high in (("tags", None, None), ("shape1", 1.0, 2.5), ("shape2", 2.5, None))
]


def tables():
    """Every kind of table."""
    return [
        limits_table(ROWS, "net", 3000),
        efficiency_table(ROWS, "net"),
        efficiency_map(REGIONS, "net"),
        cuts_table(CUTS, {"h600": 600.0, "h1000": 1000.0}),
        cutflow_table(STEPS, "qcd"),
        score_table(REGIONS[:3], "4b", "net mH600"),
        correlation_table(["mu", "btag"], np.array([[1, -0.2], [-0.2, 1]]), "net mH600", 1),
    ]


def values(folder, table, variable):
    found = yaml.safe_load((folder / f"{table}.yaml").read_text())
    columns = found["independent_variables"] + found["dependent_variables"]
    (own,) = [column for column in columns if column["header"]["name"] == variable]
    return [cell["value"] for cell in own["values"]]


def test_submission_is_valid_and_holds_the_numbers(tmp_path):
    archive = tmp_path / "likelihoods.tar.gz"
    write_archive([("net/BkgOnly.json", "{}")], archive)
    folder = tmp_path / "hepdata"
    write_submission(tables(), archive, folder)
    general, *documents = yaml.safe_load_all((folder / "submission.yaml").read_text())
    assert [d["name"] for d in documents] == [table.name for table in tables()]
    (own,) = [r for r in general["additional_resources"] if "type" in r]
    assert (own["type"], own["location"]) == ("HistFactory", "likelihoods.tar.gz")
    assert (folder / "likelihoods.tar.gz").read_bytes() == archive.read_bytes()
    limits = yaml.safe_load((folder / "limits_net.yaml").read_text())
    assert [v["value"] for v in limits["independent_variables"][0]["values"]] == [600, 1000]
    first = limits["dependent_variables"][0]["values"][1]
    assert first["value"] == pytest.approx(0.2)
    spread = first["errors"][0]["asymerror"]
    assert (spread["minus"], spread["plus"]) == pytest.approx((-0.1, 0.2))


def test_tables_hold_what_belongs_to_them(tmp_path):
    folder = tmp_path / "hepdata"
    write_submission(tables(), None, folder)
    assert values(folder, "signal_cuts", "m(H)") == [600, 600, 1000, 1000]
    assert values(folder, "signal_cuts", "Acceptance times efficiency") == [1, 0.1, 1, 0.1]
    assert values(folder, "efficiency_map_net", "Acceptance times efficiency") == [0.02, 0.02]
    score = "score_net_mh600_4b"
    assert values(folder, score, "Log-odds of the score") == ["1 to 2.5", ">= 2.5"]
    assert values(folder, score, "Expected events of ttbar") == [2, 2]
    for table in (score, "efficiency_map_net"):
        columns = yaml.safe_load((folder / f"{table}.yaml").read_text())["dependent_variables"]
        (own,) = [c for c in columns if c["header"]["name"] == "Expected background events"]
        errors = {e["label"]: e.get("symerror") for e in own["values"][0]["errors"]}
        assert errors["simulated statistics"] == 4.0
        assert errors["assumed of mixed and borrowed tails"] == 3.0
    assert values(folder, "correlation_net_mh600", "Correlation") == [1, -0.2, -0.2, 1]


def test_names_may_be_long_and_differ_in_little(tmp_path):
    """Names of networks have up to 64 characters; file names of tables are in lower case."""
    networks = ["n" * 63 + end for end in "ab"] + ["Net", "net"]
    rows = [row(600, 1, limit) for limit in (1.0, 2.0, 3.0, 4.0)]
    given = [limits_table([one], name, 3000) for name, one in zip(networks, rows, strict=True)]
    given += [efficiency_map(REGIONS, "x"), efficiency_table(ROWS, "map_x")]
    write_submission(given, None, tmp_path / "out")
    _, *documents = yaml.safe_load_all((tmp_path / "out" / "submission.yaml").read_text())
    assert len({document["data_file"] for document in documents}) == len(given)
    found = [
        yaml.safe_load((tmp_path / "out" / d["data_file"]).read_text())["dependent_variables"]
        for d in documents[:4]
    ]
    assert [columns[0]["values"][0]["value"] for columns in found] == [1.0, 2.0, 3.0, 4.0]
    assert len({document["description"] for document in documents[:4]}) == 4


def test_numbers_say_at_which_energy_luminosity_and_cross_section_they_are(tmp_path):
    given = [*tables(), cutflow_table(STEPS, "h600", is_signal=True)]
    qualify(given, 300.0)
    write_submission(given, None, tmp_path / "out")
    _, *documents = yaml.safe_load_all((tmp_path / "out" / "submission.yaml").read_text())
    for document in documents:
        content = yaml.safe_load((tmp_path / "out" / document["data_file"]).read_text())
        for variable in content["dependent_variables"]:
            found = {q["name"]: (q["value"], q["units"]) for q in variable["qualifiers"]}
            assert found == {"SQRT(S)": (14, "TeV"), "LUMINOSITY": (300, "fb$^{-1}$")}
        assert not any("qualifiers" in one for one in content["independent_variables"])
    said = {document["name"]: document["description"] for document in documents}
    assert "= 1 fb" in said["Cutflow h600"]
    assert "1 fb" not in said["Cutflow qcd"]


@pytest.mark.parametrize("weighted", [False, True])
def test_error_of_an_efficiency_is_its_spread(weighted):
    rng = np.random.default_rng(1)
    shares, errors = [], []
    for _ in range(400):
        weight = rng.uniform(0.2, 2, 500) if weighted else np.ones(500)
        tag = rng.uniform(0, 0.6, 500)  # weights of tags come on top
        passing = rng.uniform(size=500) < 0.95
        steps = {"generated": weight, "eta": weight * passing, "tags: 4b": weight * passing * tag}
        rows = [
            {"sample": "h", "step": step, "efficiency": w.sum() / weight.sum(),
             "events": w.sum(), "error": np.sqrt(np.sum(w**2))}
            for step, w in steps.items()
        ]  # fmt: skip
        (efficiency,) = [v for v in cuts_table(rows, {"h": 1000.0}).variables if v.uncertainties]
        shares.append(efficiency.values)
        errors.append(efficiency.uncertainties[0].values)
    assert np.all(np.array(errors)[:, 0] == 0)
    found = np.sqrt(np.mean(np.square(errors), axis=0))
    np.testing.assert_allclose(found[1:], np.std(shares, axis=0)[1:], rtol=0.12)


def test_submission_is_written_again_the_same(tmp_path):
    for name in ("one", "two"):
        write_submission([limits_table(ROWS, "net", 3000)], None, tmp_path / name)
    for file in sorted((tmp_path / "one").iterdir()):
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()


def test_invalid_submission_is_an_error_and_leaves_the_old_one(tmp_path):
    folder = tmp_path / "hepdata"
    write_submission([limits_table(ROWS, "net", 3000)], None, folder)
    before = (folder / "submission.yaml").read_bytes()
    broken = cutflow_table(STEPS, "qcd")
    broken.keywords["observables"] = [{"not": "a text"}]
    with pytest.raises(AnalysisError, match="not valid"):
        write_submission([broken], None, folder)
    assert (folder / "submission.yaml").read_bytes() == before
