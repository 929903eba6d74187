"""Which networks are compared, and the scripts that compare them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from analysis.evaluation.network_ratios import PairedTables
from common.errors import InputFileError
from common.tables import origin_of, write_csv
from models.config.specs import (
    Concatenation,
    Constituents,
    CrossAttention,
    Kinematics,
    ParticleTransformer,
)
from models.config.specs_peers import HighLevelTrees
from tests.analysis.score_samples import draw_scores, write_scores
from workflow.pipeline.network_pairs import Pair, network_pairs
from workflow.scripts import (
    calibration,
    calibration_figure,
    limit_ratios,
    network_ratios,
    networks_table,
    ratios_figure,
)


@pytest.fixture
def scores(tmp_path: Path) -> list[Path]:
    """Two networks and seeds; the second network's scores carry noise."""
    found = []
    for seed in (1, 2):
        drawn = draw_scores(seed, 1500, separation=2.0)
        noise = np.random.default_rng(seed).normal(0, 3, len(drawn))
        for name, log_odds in (("ours", drawn.value), ("theirs", drawn.value + noise)):
            path = tmp_path / f"{len(found)}.parquet"
            write_scores(path, replace(drawn, value=log_odds), name, seed=seed)
            found.append(path)
    return found


def test_pairs_differ_in_nothing_but_the_question() -> None:
    networks = [
        Kinematics(name="k"),
        CrossAttention(name="x"),
        CrossAttention(name="x_blind", use_theta=False),
        CrossAttention(name="x_sum", fusion="sum"),
        CrossAttention(name="x_wide", width=64),
        Concatenation(name="c"),
        Concatenation(name="c_blind", use_theta=False),
        Constituents(name="jets"),
        HighLevelTrees(name="trees"),
        CrossAttention(name="x_mixer", jet_encoder={"kind": "mixer"}),
        CrossAttention(name="x_1000", masses_gev=(1000,), seeds=(2,)),
        CrossAttention(name="x_other_seed", masses_gev=(1500,), seeds=(3,)),
        ParticleTransformer(name="p"),
        ParticleTransformer(name="free", objects=120),
        ParticleTransformer(name="long", objects=160),
        ParticleTransformer(name="deep", objects=160, layers=9),
    ]
    assert network_pairs(networks, (1, 2)) == [
        Pair("kinematics", "x", "k"),
        Pair("concatenation", "x", "c"),
        Pair("concatenation", "x_blind", "c_blind"),
        Pair("constituents", "x", "jets"),
        Pair("high_level_bdt", "x", "trees"),
        Pair("high_level_bdt", "x_wide", "trees"),
        Pair("theta", "x", "x_blind"),
        Pair("theta", "c", "c_blind"),
        Pair("fusion", "x", "x_sum"),
        Pair("encoder", "x", "x_mixer"),
        Pair("masses", "x", "x_1000"),
        Pair("fat jets", "free", "p"),
        Pair("fat jets", "long", "p"),
    ]
    assert network_pairs(networks[:1], (1, 2)) == []


def test_ratios_are_measured_then_drawn(scores: list[Path], tmp_path: Path) -> None:
    found, pairs = tmp_path / "ratios.csv", json.dumps([("kinematics", "ours", "theirs")])
    network_ratios.main(scores, pairs, found)
    table = pd.read_csv(found)
    assert (table.mass_gev == 1000).all()
    assert (table.ratio > 1).all()
    assert (table.low < table.high).all()
    assert (table.supported == "yes").any()
    assert table.verdict.str.len().gt(0).all()
    image = tmp_path / "figure.png"
    ratios_figure.main(found, pairs, image)
    assert image.stat().st_size > 10_000
    assert image.with_suffix(".csv").read_bytes() == found.read_bytes()


def test_limits_are_compared_by_network_mass_and_seed(scores: list[Path], tmp_path: Path) -> None:
    found, pairs = tmp_path / "limits.csv", json.dumps([("kinematics", "ours", "theirs")])
    limit_ratios.main(scores, pairs, found)
    (row,) = pd.read_csv(found).to_dict("records")
    assert (row["mass_gev"], row["background_events"], row["seeds"]) == (1000, 20, 2)
    assert row["min"] <= row["ratio"] <= row["max"]
    assert row["ratio"] > 1


def test_with_raw_counting_limits_are_not_compared(
    scores: list[Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found, pairs = tmp_path / "limits.csv", json.dumps([("kinematics", "ours", "theirs")])
    limit_ratios.main(scores, pairs, found, working_point=json.dumps({"counting": "raw"}))
    table = pd.read_csv(found)
    assert table.empty
    assert table.columns.tolist() == ["question", "first", "second", "mass_gev"]
    assert "no ratio of limits" in caplog.text


def test_scores_say_of_which_training_they_are(scores: list[Path], tmp_path: Path) -> None:
    assert origin_of(scores[3]) == {"network": "theirs", "mass_gev": 1000.0, "seed": 2}
    nameless = tmp_path / "nameless.parquet"
    pq.write_table(pq.read_table(scores[0]).replace_schema_metadata(None), nameless)
    with pytest.raises(InputFileError, match=r"nameless\.parquet does not say"):
        origin_of(nameless)
    nameless.write_bytes(b"PAR1")
    with pytest.raises(InputFileError, match="not a readable Parquet"):
        origin_of(nameless)


def test_other_events_are_refused(scores: list[Path], tmp_path: Path) -> None:
    other = tmp_path / "other/signal/1.parquet"
    other.parent.mkdir(parents=True)
    write_scores(other, draw_scores(9, 1400))
    with pytest.raises(InputFileError, match="other events"):
        list(PairedTables(scores[0], other).parts())


def test_noise_spoils_the_calibration(scores: list[Path], tmp_path: Path) -> None:
    tables = [path.with_suffix(".csv") for path in scores]
    for path, found in zip(scores, tables, strict=True):
        calibration.main(path, 0.99, found)
    image = tmp_path / "calibration.png"
    calibration_figure.main(tables, image)
    assert image.stat().st_size > 10_000
    table = pd.read_csv(image.with_suffix(".csv"))
    error = table.groupby("network").calibration_error.first()
    assert error["theirs"] > 2 * error["ours"]
    assert table.groupby(["network", "seed"]).weight.sum().to_numpy() == pytest.approx(1)


def test_networks_table_takes_no_name_from_a_path(scores: list[Path], tmp_path: Path) -> None:
    metrics_rows, models, tables = [], [], []
    for number, path in enumerate(scores):
        key = origin_of(path)
        tables.append(tmp_path / f"{number}.csv")
        calibration.main(path, 0.99, tables[-1])
        values = dict.fromkeys(networks_table.MEASURED, 0.5)
        metrics_rows.append(key | values)
        models.append(tmp_path / f"{number}.json")
        described = {
            "network": {"name": key["network"], "architecture": "kinematics"},
            "masses_gev": [key["mass_gev"]],
            "seed": key["seed"],
            "parameters": 10,
            "best_epoch": number,
        }
        models[-1].write_text(json.dumps(described))
    measured, output = tmp_path / "metrics.csv", tmp_path / "networks.csv"
    write_csv(metrics_rows, measured)
    networks_table.main(measured, models, tables, output)
    found = pd.read_csv(output).set_index("network")
    assert list(found.seeds) == [2, 2]
    assert found.best_epoch_median["theirs"] == 2
    assert found.calibration_error_median["theirs"] > 2 * found.calibration_error_median["ours"]
