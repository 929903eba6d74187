"""Several processes on one training come to what one comes to, also after a kill."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from models.training.resume import STATE
from models.training.training import train
from tests.models.trained_by_two import SPEC, TRAINING, data

FILES = {"model.safetensors", "model.json", "history.csv"}


def by_two(folder: Path, last: int) -> subprocess.CompletedProcess[str]:
    """Train with two processes; the call returns when both have ended."""
    command = [sys.executable, "-m", "tests.models.trained_by_two", str(folder), str(last)]
    return subprocess.run(command, capture_output=True, text=True, timeout=240)


def test_two_processes_train_as_one_and_go_on_after_a_kill(tmp_path):
    killed = by_two(tmp_path / "two", last=2)
    assert killed.returncode == -9
    assert {path.name for path in (tmp_path / "two").iterdir()} == {STATE}
    finished = by_two(tmp_path / "two", last=0)
    assert finished.returncode == 0, finished.stderr
    assert {path.name for path in (tmp_path / "two").iterdir()} == FILES
    assert "process writes" not in killed.stdout + finished.stdout
    assert "3 of 4" not in killed.stderr + killed.stdout

    train(SPEC, TRAINING, data(), 1, tmp_path / "one")
    one, two = (
        np.genfromtxt(tmp_path / name / "history.csv", delimiter=",", names=True)
        for name in ("one", "two")
    )
    for column in ("train_loss", "val_loss", "learning_rate"):
        np.testing.assert_allclose(two[column], one[column], rtol=2e-5, atol=1e-12)
    weights = [load_file(tmp_path / name / "model.safetensors") for name in ("one", "two")]
    for name, tensor in weights[0].items():
        torch.testing.assert_close(weights[1][name], tensor, rtol=1e-2, atol=1e-3)
