"""Which networks are compared, and the scripts that compare them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.evaluation.network_ratios import PairedTables
from common.errors import InputFileError
from models.config.specs import Concatenation, CrossAttention, Kinematics
from tests.analysis.score_samples import draw_scores, write_scores
from workflow.pipeline.network_pairs import Pair, network_pairs
from workflow.scripts import calibration_figure, network_ratios


@pytest.fixture
def scores(tmp_path: Path) -> list[Path]:
    """Two networks and seeds; the second network's scores carry noise."""
    found = []
    for seed in (1, 2):
        drawn = draw_scores(seed, 1500, separation=2.0)
        noise = np.random.default_rng(seed).normal(0, 3, len(drawn))
        for name, log_odds in (("ours", drawn.value), ("theirs", drawn.value + noise)):
            path = tmp_path / f"{name}/signal/{seed}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_scores(path, replace(drawn, value=log_odds))
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
    ]
    assert network_pairs(networks) == [
        Pair("kinematics", "x", "k"),
        Pair("kinematics", "x_sum", "k"),
        Pair("concatenation", "x", "c"),
        Pair("concatenation", "x_sum", "c"),
        Pair("theta", "x", "x_blind"),
        Pair("fusion", "x", "x_sum"),
    ]
    assert network_pairs(networks[:1]) == []


def test_ratios_are_written_as_table_and_figure(scores: list[Path], tmp_path: Path) -> None:
    stem = tmp_path / "ratios"
    network_ratios.main(scores, json.dumps([("kinematics", "ours", "theirs")]), 1000.0, stem)
    table = pd.read_csv(stem.with_suffix(".csv"))
    assert (table.ratio > 1).all()
    assert (table.low < table.high).all()
    assert (table.supported == "yes").any()
    assert table.verdict.str.len().gt(0).all()
    assert stem.with_suffix(".png").stat().st_size > 10_000


def test_other_events_are_refused(scores: list[Path], tmp_path: Path) -> None:
    other = tmp_path / "other/signal/1.parquet"
    other.parent.mkdir(parents=True)
    write_scores(other, draw_scores(9, 1400))
    with pytest.raises(InputFileError, match="other events"):
        list(PairedTables(scores[0], other).parts())


def test_noise_spoils_the_calibration(scores: list[Path], tmp_path: Path) -> None:
    stem = tmp_path / "calibration"
    calibration_figure.main(scores, 1000.0, 0.99, stem)
    table = pd.read_csv(stem.with_suffix(".csv"))
    error = table.groupby("network").calibration_error.first()
    assert error["theirs"] > 2 * error["ours"]
    assert table.groupby(["network", "seed"]).weight.sum().to_numpy() == pytest.approx(1)
