"""Using what a run leaves behind: the example script, and a network as ONNX."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import onnxruntime
import pandas as pd
import pytest

from analysis.datasets.features import tensors
from models.networks.batch import Events
from models.training.export import score
from tests.conftest import DATA, ROOT, call_snakemake, python

MODEL = "results/models/cross_attention/signal_mH1000/1/fold0"


def test_example_scores_a_delphes_file(finished: Path, tmp_path: Path) -> None:
    run = python().run(
        [str(ROOT / "examples/score_delphes_file.py"),
         str(DATA / "tiny_signal_mH1000.root"), str(finished / MODEL)],
        tmp_path, {**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    lines = [line for line in run.stdout.splitlines() if line[:1] != "#"]  # FastJet's banner
    assert 20 < len(lines) <= 40
    assert all(line.startswith("event ") for line in lines)


def recast(table: Path, mass: float, sigma: float) -> dict[str, float]:
    words = (ROOT / "examples/recast.py", table, "net", mass, sigma)
    run = python().run([str(word) for word in words], table.parent)
    assert run.returncode == 0, run.stderr
    lines = [line.partition(": ") for line in run.stdout.splitlines()]
    return {name: float(text.split()[0]) for name, _, text in lines}


def test_example_reads_events_off_the_efficiency_map(tmp_path: Path) -> None:
    rows = [
        {"network": network, "mass_gev": mass, "seed": seed, "channel": "4b", "region": region,
         "signal_efficiency": efficiency * seed, "background": 20.0}
        for network in ("net", "other")
        for mass, efficiency in ((800, 0.1), (1000, 0.2))
        for seed in (1, 3)
        for region in ("tags", "count", "shape1")
    ]  # fmt: skip
    table = tmp_path / "efficiencies.csv"
    pd.DataFrame(rows).to_csv(table, index=False)
    produced = 3000 * 0.582**2
    assert recast(table, 1000, 1.0) == pytest.approx(
        dict.fromkeys(("4b tags", "4b count"), 0.4 * produced), rel=1e-3
    )
    assert recast(table, 900, 2.0)["4b count"] == pytest.approx(0.6 * produced, rel=1e-3)
    assert np.isnan(recast(table, 1200, 1.0)["4b count"])  # nothing is extrapolated


def test_exported_network_gives_the_scores_of_the_run(
    project: Path, finished: Path, config: dict[str, Any]
) -> None:
    target = "results/onnx/cross_attention/signal_mH1000/1.onnx"
    run = call_snakemake(finished, config, target, snakefile=project / "Snakefile")
    assert run.returncode == 0, run.stdout + run.stderr
    (path,) = (finished / "results/events/signal_mH1000").glob("*.parquet")
    table = ak.from_parquet(path)
    found = score(finished / target, Events(tensors(table, 50, 6)))
    scores = pd.read_parquet(finished / "results/scores/cross_attention/signal_mH1000/1.parquet")
    own = scores[(scores["sample"] == "signal_mH1000") & (scores.fold == 0)].log_odds
    assert 0 < len(own) < len(found)
    for value in own:
        assert min(abs(found - value)) == pytest.approx(0, abs=1e-5)
    check_card((finished / target).with_suffix(".md"))


def check_card(card: Path) -> None:
    """The card describes what the file takes, and its code replays the events without torch."""
    text = card.read_text(encoding="utf-8")
    session = onnxruntime.InferenceSession(card.with_suffix(".onnx"))
    rows = re.findall(r"^\| `(\w+)` \| \[(events.*?)\]", text, re.MULTILINE)
    taken = {one.name: ", ".join(map(str, one.shape)) for one in session.get_inputs()}
    assert dict(rows) == taken
    reference = np.load(card.with_suffix(".npz"))
    for name in ("constituents", "subjets", "kinematics"):
        _, _, table = text.partition(f"Last axis of `{name}`:\n")
        features = re.findall(r"^\| \d+ \| `\w+` \| (.*) \|$", table.split("\n\n")[0], re.MULTILINE)
        assert len(features) == reference[name].shape[-1]
        assert "unknown" not in features
    assert 0 < reference["is_signal"].sum() < len(reference["is_signal"])
    assert re.search(r"AUC \| 0\.\d+ ± 0\.\d+", text)
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert code is not None
    alone = "import sys\nsys.modules['torch'] = None\n" + code[1]
    wrong = alone.replace('events["log_odds"]', 'events["log_odds"] + 0.01')
    for source, says in ((alone, ""), (wrong, "AssertionError\n")):
        run = subprocess.run(
            [sys.executable, "-c", source],
            cwd=card.parent, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert run.stderr[-15:] == says
