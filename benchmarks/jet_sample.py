"""Single fat jets of finished runs in one window of pT and mass, for the comparison of taggers.

    python -m benchmarks.jet_sample OUT --signal RUN/results/datasets/signal_mH1000.h5 \\
        --background RUN/results/datasets/qcd_bbbb.h5

Both fat jets of an event are jets, and stay in one of `train.h5`, `validation.h5` and `test.h5`.
Every simulated jet counts once, times a factor for background jets that gives them the signal's
spectrum of pT and mass in bins, so that neither tells the classes apart. Physical weights are not
part of it: those of importance sampling would leave a tenth of the jets in effect. They are kept,
times such a factor of their own, as the column `physical_weight`.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from analysis.datasets.dataset import BLOCK, SPLITS, Dataset
from analysis.datasets.single_jets import write_jets
from common.columns import Columns
from common.errors import EmptySampleError
from common.features import KINEMATIC_FEATURES
from common.hashing import uniform
from common.weights import effective_number
from models.networks.jets import single_jets

PT, MASS = KINEMATIC_FEATURES.index("pt"), KINEMATIC_FEATURES.index("mass")
BINS = (14, 18)
"""Bins of pT and of mass in which the spectra are made equal."""
STREAM = 21
"""Stream of the random numbers that split the events."""
SHARES = (0.75, 0.05, 0.2)
"""Of training, validation and test."""


def jets_of(data: Dataset, label: int, pt: Sequence[float], mass: Sequence[float]) -> Columns:
    """Return the jets of a dataset inside the window, as `write_jets` takes them, and their pT."""
    parts: list[Columns] = []
    for start in range(0, len(data), BLOCK):
        rows = slice(start, start + BLOCK)
        columns = data.rows(rows, ("key", "weight"))
        jets = single_jets(data.rows(rows))
        p, m = jets["kinematics"][:, 0, PT], jets["kinematics"][:, 0, MASS]
        weight = columns["weight"].repeat(2)
        kept = (p >= pt[0]) & (p < pt[1]) & (m >= mass[0]) & (m < mass[1]) & (weight != 0)
        parts.append(
            {name: array[kept] for name, array in jets.items()}
            | {
                "key": columns["key"].repeat(2)[kept],
                "label": np.full(int(kept.sum()), label, np.uint8),
                "physical_weight": weight[kept],
            }
        )
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def matched(
    jets: Columns, weight: NDArray[np.float64], pt: Sequence[float], mass: Sequence[float]
) -> NDArray[np.float64]:
    """Return weights [N] with which background jets have the signal's spectrum of pT and mass.

    Signal jets weigh one, and both classes the same in every bin. Jets in bins without jets of the
    other class weigh nothing.

    Examples
    --------
    >>> kinematics = np.zeros((4, 1, 6))
    >>> kinematics[:, 0, PT], kinematics[:, 0, MASS] = 1.0, [1.0, 1.0, 1.0, 9.0]
    >>> jets = {"kinematics": kinematics, "label": np.array([1, 0, 0, 0])}
    >>> matched(jets, np.array([7.0, 1.0, 3.0, 1.0]), (0, 10), (0, 10)).tolist()
    [1.0, 0.25, 0.75, 0.0]
    """
    bins = [
        np.clip(((jets["kinematics"][:, 0, k] - low) / (high - low) * n).astype(int), 0, n - 1)
        for k, (low, high), n in zip((PT, MASS), (pt, mass), BINS, strict=True)
    ]
    place = np.ravel_multi_index(tuple(bins), BINS)
    signal = jets["label"] == 1
    wanted = np.bincount(place[signal], minlength=BINS[0] * BINS[1])
    found = np.bincount(place[~signal], weight[~signal], BINS[0] * BINS[1])
    factor = np.divide(wanted, found, out=np.zeros_like(found), where=found > 0)
    return np.where(signal, 1.0 * (found > 0)[place], weight * factor[place])


def split_of(key: NDArray[np.uint64], seed: int) -> NDArray[np.intp]:
    """Return the number of the split [N] of each jet, by its event alone."""
    return np.searchsorted(np.cumsum(SHARES[:-1]), uniform(key, seed, STREAM), side="right")


def main(
    out: Annotated[Path, typer.Argument(help="Folder of the three files.")],
    signal: Annotated[list[Path], typer.Option(help="Datasets of signals; repeat.")],
    background: Annotated[list[Path], typer.Option(help="Datasets of background; repeat.")],
    pt: Annotated[tuple[float, float], typer.Option(help="Range of pT [GeV].")] = (300, 650),
    mass: Annotated[tuple[float, float], typer.Option(help="Range of mass [GeV].")] = (80, 170),
    seed: Annotated[int, typer.Option(help="Splits the events.")] = 1,
) -> None:
    """Write the jets and print how many there are."""
    sources = [*((path, 1) for path in signal), *((path, 0) for path in background)]
    found = [jets_of(Dataset(path), label, pt, mass) for path, label in sources]
    jets: Columns = {name: np.concatenate([part[name] for part in found]) for name in found[0]}
    for label, kind in ((1, "signal"), (0, "background")):
        if not (jets["label"] == label).any():
            raise EmptySampleError(
                f"no {kind} jet between {pt[0]:g} and {pt[1]:g} GeV of pT and {mass[0]:g} and "
                f"{mass[1]:g} GeV of mass: widen the window or give other datasets"
            )
    jets["weight"] = matched(jets, np.ones(len(jets["label"])), pt, mass)
    jets["physical_weight"] = matched(jets, jets["physical_weight"], pt, mass)
    part = split_of(jets["key"], seed)
    out.mkdir(parents=True, exist_ok=True)
    for number, split in enumerate(SPLITS):
        chosen = np.flatnonzero((part == number) & (jets["weight"] > 0))
        write_jets(
            out / f"{split}.h5", _parts(jets, chosen), split, "jets", ("background", "signal")
        )
        print(f"{split}: {_said(jets, chosen)}")


def _parts(jets: Columns, chosen: NDArray[np.intp]) -> Iterator[Columns]:
    for start in range(0, len(chosen), BLOCK):
        rows = chosen[start : start + BLOCK]
        yield {name: array[rows] for name, array in jets.items()}


def _said(jets: Any, chosen: NDArray[np.intp]) -> str:
    background = chosen[jets["label"][chosen] == 0]
    effective = [
        f"{effective_number(jets[name][background]):.0f} {words}"
        for name, words in (("weight", "as simulated"), ("physical_weight", "by physical weight"))
    ]
    return (
        f"{len(chosen) - len(background)} signal jets, {len(background)} background jets "
        f"(effective: {', '.join(effective)})"
    )


if __name__ == "__main__":
    typer.run(main)
