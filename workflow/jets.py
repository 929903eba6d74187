"""Single fat jets with their labels and weights: of the run's datasets, or of the public files."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from analysis.config.dataset import Dataset as DatasetConfig
from analysis.dataset import SPLITS, Dataset, assign_split
from analysis.errors import EmptySampleError
from analysis.features import KINEMATIC_FEATURES
from analysis.training_weights import training_weights
from models.batch import Events, Sample
from models.jets import single_jets
from models.specs_jets import JetTask

PT = KINEMATIC_FEATURES.index("pt")


class LabelledJets(NamedTuple):
    """Single jets.

    Attributes
    ----------
    tensors : dict of arrays [N, 1, ...]
    label : [N] uint8
        1 for signal, 0 for background.
    weight : [N] float64
        Physical weights before b tags; 1 for the public files.
    """

    tensors: dict[str, np.ndarray]
    label: NDArray[np.uint8]
    weight: NDArray[np.float64]

    def sample(self, cap_quantile: float) -> Sample:
        """Return them with the weights of the loss."""
        weight = training_weights(self.label, self.weight, cap_quantile)
        return Sample(Events(self.tensors), self.label, weight)


def jets_of_events(
    datasets: Sequence[Dataset],
    task: JetTask,
    side: str,
    seed: int,
    config: DatasetConfig,
    pt_range: tuple[float, float] = (0.0, np.inf),
) -> LabelledJets:
    """Return both fat jets of all events on one side of a seed's split.

    Parameters
    ----------
    datasets : sequence of Dataset
        Of the processes of the task.
    task : JetTask
    side : str
        One of `analysis.dataset.SPLITS`.
    seed : int
    config : analysis.config.dataset.Dataset
    pt_range : (low, high)
        Of the jets [GeV].

    Raises
    ------
    EmptySampleError
        If no jet of the signal or of the background is left.
    """
    parts = []
    for dataset in datasets:
        key, weight = dataset.columns["key"], dataset.columns["weight"]
        chosen = (assign_split(key, seed, config.split) == SPLITS.index(side)) & (weight != 0)
        jets = single_jets(dataset.read(chosen))
        momentum = jets["kinematics"][:, 0, PT]
        kept = (momentum >= pt_range[0]) & (momentum < pt_range[1])
        is_signal = str(dataset.attributes["process"]) in task.signal
        parts.append(
            LabelledJets(
                {name: array[kept] for name, array in jets.items()},
                np.full(int(kept.sum()), is_signal, np.uint8),
                np.repeat(weight[chosen], 2)[kept] / getattr(config.split, side),
            )
        )
    found = LabelledJets(
        {name: np.concatenate([p.tensors[name] for p in parts]) for name in parts[0].tensors},
        np.concatenate([part.label for part in parts]),
        np.concatenate([part.weight for part in parts]),
    )
    for kind, name in ((1, "signal"), (0, "background")):
        if not (found.label == kind).any():
            raise EmptySampleError(
                f"jets.tasks {task.name}: no {name} jet is on the {side} side of the split; "
                "provide more events or widen jets.pt_min_gev and jets.pt_max_gev"
            )
    return found


def jets_of_file(path: Path) -> LabelledJets:
    """Return the jets of a file that rule top_tagging wrote, all in memory."""
    dataset = Dataset(path)
    with h5py.File(path) as file:
        label = file["label"][:]
    everything = np.ones(len(label), dtype=bool)
    return LabelledJets(dataset.read(everything), label, np.ones(len(label)))


def read_side_of_jets(
    sources: Sequence[Path],
    task: JetTask | None,
    side: str,
    seed: int,
    config: DatasetConfig,
    pt_range: tuple[float, float],
) -> LabelledJets:
    """Return the jets of one side: of datasets for a task, else of the file named by the side."""
    if task is None:
        return jets_of_file(next(path for path in sources if path.stem == side))
    return jets_of_events([Dataset(path) for path in sources], task, side, seed, config, pt_range)
