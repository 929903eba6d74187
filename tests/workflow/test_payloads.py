"""Files that would run code where they are unpickled, in place of every file that is read."""

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from analysis.datasets.dataset import Dataset
from analysis.datasets.top_tagging import read_jets
from analysis.delphes.reader import open_delphes
from analysis.evaluation.scores import read_scores
from analysis.reconstruction.cutflow import read_cutflow
from analysis.reconstruction.event_table import event_tables
from common.errors import UserError
from common.tables import read_csv, read_json
from models.training.checkpoint import read_tensors
from models.training.resume import STATE, Progress
from workflow.pipeline.config import load


class Payload:
    """A pickle that leaves a trace where it is loaded."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (str(self.trace), "w"))


def as_pickle(payload: Payload) -> bytes:
    return pickle.dumps(payload)


def as_torch(payload: Payload) -> bytes:
    file = io.BytesIO()
    torch.save(payload, file)
    return file.getvalue()


def open_and_close(path: Path) -> None:
    with open_delphes(str(path)):
        pass


READERS: dict[str, Callable[[Path], Any]] = {
    "events.root": open_and_close,
    "cutflow.json": read_cutflow,
    "events.parquet": lambda path: list(event_tables(path)),
    "dataset.h5": Dataset,
    "model.safetensors": read_tensors,
    "scores.parquet": read_scores,
    "top_tagging.h5": read_jets,
    "table.csv": read_csv,
    "table.json": read_json,
    "config.yaml": lambda path: load([path]),
}


@pytest.mark.parametrize("write", [as_pickle, as_torch])
@pytest.mark.parametrize("name", READERS)
def test_payload_is_refused_and_not_run(
    tmp_path: Path, name: str, write: Callable[[Payload], bytes]
) -> None:
    trace = tmp_path / "ran"
    path = tmp_path / name
    path.write_bytes(write(Payload(trace)))
    with pytest.raises(UserError, match=name):
        READERS[name](path)
    assert not trace.exists()


@pytest.mark.parametrize("write", [as_pickle, as_torch])
def test_payload_as_state_of_a_training_is_passed_over(
    tmp_path: Path, write: Callable[[Payload], bytes]
) -> None:
    trace = tmp_path / "ran"
    (tmp_path / STATE).write_bytes(write(Payload(trace)))
    progress = Progress.open(tmp_path, "identity", torch.nn.Linear(2, 1))
    assert progress.history == []
    assert not trace.exists()


def test_the_payload_runs_where_it_is_unpickled(tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    pickle.loads(as_pickle(Payload(trace))).close()
    assert trace.exists()
