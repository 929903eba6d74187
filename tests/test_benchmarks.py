"""Benchmarks on small files: both sides of a comparison are in one unit, and small runs work."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import awkward as ak
import numpy as np
import pandas as pd
import pytest

from analysis.config.statistics import BTagging, WorkingPoint
from analysis.datasets.dataset import event_key
from analysis.datasets.event_weights import physical_weight
from analysis.datasets.tag_map import table_tag_weights
from analysis.reconstruction.cutflow import Step
from benchmarks import class_closure, mixing_closure, score_closure, shared_tails, transfer
from common.tables import write_json
from common.weighted import SIGNAL, WeightedSample
from tests.conftest import DATA
from workflow.scripts import reconstruct

LUMINOSITY = 300.0
SCALE = 0.25
"""Yield at 1 fb⁻¹ per unit of generator weight."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reconstructed events of a sample, its normalisation, and scores as rule score writes."""
    run = tmp_path_factory.mktemp("run")
    events, scores = run / "results/events/qcd", run / "results/scores/net/signal_mH1000"
    for folder in (events, scores, run / "results/normalisation"):
        folder.mkdir(parents=True)
    file = DATA / "tiny_signal_mH1000.root"  # has events with four b subjets
    reconstruct.main(str(file), events / "0.parquet", events / "0.cutflow.json", "qcd")
    table = ak.from_parquet(events / "0.parquet")
    key = event_key("qcd", "0", ak.to_numpy(table["entry"]))
    weight = physical_weight(ak.to_numpy(table["generator_weight"]), SCALE)
    weight *= LUMINOSITY * table_tag_weights(table, BTagging(mode="truth"), key, None)[:, 0]
    rows = {"key": key, "sample": "qcd", "process": "qcd", "label": 0, "fold": 0, "weight": weight}
    odds = np.linspace(-1, 1, len(key))
    frame = pd.DataFrame({**rows, "log_odds": odds})
    signal = pd.DataFrame({**rows, "process": "signal", "label": 1, "log_odds": odds})
    pd.concat([frame, signal]).to_parquet(scores / "1.parquet")
    step = Step("generated", 40, 40.0, 40.0)._asdict()
    content = {"sample": "qcd", "cross_section_pb": 1.0, "cross_section_error_pb": 0.0}
    content |= {"scale": SCALE, "steps": [step], "skipped": [], "first_events": [], "remarks": []}
    write_json(content, run / "results/normalisation/qcd.json")
    return run


def cells(said: str) -> list[list[str]]:
    """Return the cells of a table's rows, without those of its head."""
    lines = [line for line in said.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_yields_by_truth_and_by_the_scores_are_at_one_luminosity(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    score_closure.main(run, luminosity=LUMINOSITY)
    rows = cells(capsys.readouterr().out)
    assert len(rows) == len(score_closure.EFFICIENCIES)
    assert all(truth == scored for *_, truth, scored in rows), "the scores have truth tags here"


def test_both_closures_have_the_same_yields_by_truth(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    score_closure.main(run, luminosity=LUMINOSITY)
    by_truth = [row[2] for row in cells(capsys.readouterr().out)]
    class_closure.main(run, luminosity=LUMINOSITY)
    assert [row[2] for row in cells(capsys.readouterr().out)] == by_truth


@pytest.mark.parametrize(("files", "factor"), [((4,), 1), ((7, 6), 3), ((10,), 1)])
def test_as_many_events_count_as_the_files_have(
    files: tuple[int, ...], factor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def produce(simulation: Any, _: object, __: str, chunk: int, **___: object) -> None:
        made.append((chunk, simulation.events))

    def selected(_: Path) -> dict[str, np.ndarray]:
        return {"kinematics": np.zeros((made[-1][1], 3, 6))}  # all of them

    monkeypatch.setattr(transfer, "CHUNK", 10)
    monkeypatch.setattr(transfer, "produce", produce)
    monkeypatch.setattr(transfer, "selected", selected)
    settings = {"sample": "qcd", "pythia_settings": ["HardQCD:all = on"]}
    entries = [{**settings, "events": events} for events in files]
    _, weight = transfer.of_ours([], entries, factor)
    assert weight.sum() == pytest.approx(sum(files))
    assert sum(events for _, events in made) == factor * sum(files)
    assert [chunk for chunk, _ in made] == list(range(len(made)))


def test_nothing_is_compared_where_no_small_sample_is_mixed_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(1)
    kind = np.repeat([SIGNAL, 0, 1], [50, 5000, 50])
    weight = np.ones(len(kind))
    scores = WeightedSample.of_events(rng.normal(size=len(kind)), weight, kind, ("big", "small"))
    monkeypatch.setattr(shared_tails, "read_scores", lambda *_, **__: scores)
    monkeypatch.setattr(shared_tails, "read_mixed", lambda _: {})
    monkeypatch.setattr(shared_tails, "own_tails", lambda *_: ())
    config: Any = SimpleNamespace(working_point=WorkingPoint(), tail_from={"small": "big"})
    found = shared_tails.compared(Path(), config, "net", "signal_mH1000", 1)
    assert found.shape == (5, len(shared_tails.LEFT))
    assert (found[4] == 0).all()
    assert np.isnan(found[:4]).all(), "not 0 and not infinite: nothing is lent"


def test_trainings_without_such_samples_are_named_and_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in (1, 2):
        path = tmp_path / f"results/mixed/net/signal_mH1000/{seed}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def compared(*arguments: Any) -> np.ndarray:
        return np.full((5, 5), 0.0 if arguments[-1] == 1 else 7.0)

    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(shared_tails, "load_config", lambda _: None)
    monkeypatch.setattr(shared_tails, "compared", compared)
    shared_tails.main(tmp_path, [])
    said = capsys.readouterr().out
    assert "net, signal_mH1000, 1: left out" in said
    assert "net, signal_mH1000, 2" not in said
    assert said.count("7.00 ± 7.00") == 2 * len(shared_tails.LEFT), "that of seed 2 alone"


def test_scores_are_found_in_a_folder_of_any_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, asked = tmp_path / "mixed/run", []
    path = run / "results/mixed/net/signal_mH1000/1.parquet"
    path.parent.mkdir(parents=True)
    path.touch()
    monkeypatch.setattr(mixing_closure, "read_scores", lambda path, **_: asked.append(path))
    monkeypatch.setattr(mixing_closure, "read_mixed", lambda _: {})
    monkeypatch.setattr(mixing_closure, "origin_of", lambda _: {})
    monkeypatch.setattr(mixing_closure, "find_mixed_tails", lambda *_: ())
    mixing_closure.main([run])
    assert asked == [run / "results/scores/net/signal_mH1000/1.parquet"]
