"""Learn what an event is worth to the limits, and say what the sampling gains from it.

    python -m benchmarks.importance RUN --events 6000 --cache FOLDER --output importance.json

RUN is the folder of a finished run. Its samples are simulated once more, with all that the
roulettes see written down, and scored by its networks. The chance that an event passes a cut is
learned from the jets of partons at the checkpoint, and the mean of that chance from the hard
process: the networks that `analysis/simulation/data/importance.json` holds. Cuts are those that
leave `--background` events of RUN's first multijet sample; they are smeared by `--width` in
log-odds, since hard ones have too few events to learn from. Half of the events judge what was
learned from the other half: the table has, by bins of the chance, the sum that is predicted and
the sum that passed. A second table has the chance to be selected at all, which the jets give by
fixed edges, beside the share that was.
"""

import json
import os
import pickle
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import awkward as ak
import numpy as np
import pandas as pd
import pythia8mc
import torch
import typer
from numpy.typing import NDArray

from analysis.config.detector import Detector
from analysis.config.reconstruction import Reconstruction
from analysis.config.simulation import Importance
from analysis.config.statistics import BTagging
from analysis.datasets.btagging import tag_weights
from analysis.datasets.features import leading_subjet_flavour, tensors
from analysis.detector.detector import simulate
from analysis.detector.layout import open_writer
from analysis.reconstruction.reconstruct import reconstruct_file
from analysis.simulation.importance import (
    PartonJets,
    Perceptron,
    hard_variables,
    tag_potential,
)
from analysis.simulation.pythia import Generator
from analysis.simulation.selection import SUBJETS, Selection, parton_jets
from analysis.simulation.settings import chunk_seeds
from analysis.simulation.splitting import mass2
from analysis.simulation.strata import heavy_entries
from models.training.checkpoint import load
from workflow.pipeline.config import Config
from workflow.pipeline.config import load as load_config
from workflow.pipeline.scoring import crossed

Floats = NDArray[np.float64]
FOUR_B = tag_potential([5] * SUBJETS, SUBJETS)
BINS = (0.0, 1e-4, 1e-3, 1e-2, 0.03, 0.1, 0.3, np.inf)
SHARES = (0.0, 0.011, 0.03, 0.1, 0.3, 0.5, 0.7, 0.9, 1.01)
SIGNAL_WEIGHT = 0.05
"""Of signal events in the fit: they say where events pass, background events how often."""
NODES, EPOCHS, BATCH, RATE = 12, 100, 1024, 3e-3


class Recorder(Selection):
    """Writes down what the roulette at the checkpoint sees, of events that go on and that end."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.seen: dict[int, tuple[float, PartonJets, list[int]]] = {}
        self.generator: Generator | None = None
        self.hard: dict[int, tuple[Floats, ...]] = {}
        self.numbers: list[int] = []

    def take_passed(self, number: int) -> tuple[Floats, NDArray[np.int64]]:
        self.numbers += self.passed
        return super().take_passed(number)

    def _note(self, event: pythia8mc.Event) -> None:
        number = len(self.weights)
        weight = self._info().weight() * self._factor
        self.seen[number] = (weight, *parton_jets(event, self._jets, heavy_entries(event)))
        events = self.generator.forced if self.generator else None
        if events is not None:
            jets = events.jets
            self.hard[number] = (
                events.pair_masses,
                events.z,
                np.sqrt(mass2(events.momenta[:, 0] + events.momenta[:, 1])),
                np.hypot(jets[..., 0], jets[..., 1]),
                np.arctanh(jets[..., 2] / jets[..., 3]),
            )

    def _worth(self, event: pythia8mc.Event, aim: Importance, heavy: list[int]) -> float:
        worth = super()._worth(event, aim, heavy)
        if self._jets.sizeJet() > 1:
            self._note(event)
        return worth

    def doVetoPartonLevel(self, event: pythia8mc.Event) -> bool:  # noqa: N802
        ends = super().doVetoPartonLevel(event)
        if not ends and self._aim is None:
            self._note(event)
        return ends


@dataclass(frozen=True)
class Showers:
    """What is known of N showers, K of which became events.

    Attributes
    ----------
    checkpoint : [N, M, …]
        Variables of the jets for each m_H.
    hard : [N, M, …], optional
        Variables of the hard process.
    weight, tags : [N]
        Weight of enhanced splittings; tag rates of the heavy quarks over those of four b.
    kept : [K] int
        Rows of those that became events.
    selected : [K] bool
        Whether their fat jets were selected.
    acceptance : [K]
        What the jets at the checkpoint gave for the chance of that.
    passed : [K, M]
        Whether they pass, smeared, times their squared tag rates over those of four b.
    """

    checkpoint: Floats
    hard: Floats | None
    weight: Floats
    tags: Floats
    kept: NDArray[np.int64]
    selected: NDArray[np.bool_]
    acceptance: Floats
    passed: Floats


def simulated(config: Config, sample: str, events: int, chunk: int, folder: Path) -> None:
    """Simulate, write down and reconstruct one sample, unless it is there."""
    table, notes = folder / f"{sample}_{chunk}.parquet", folder / f"{sample}_{chunk}.pickle"
    if notes.exists():
        return
    seed, rng = chunk_seeds(config.seed, f"importance {sample}", chunk)
    block = config.simulation(sample).model_copy(update={"events": events})
    generator, root = Generator(block, seed, Recorder), table.with_suffix(".root")
    recorder = generator.hooks
    assert isinstance(recorder, Recorder)
    recorder.generator = generator
    detector = Detector()
    with open_writer(root, detector.particle_pt_min) as writer:
        for batch in generator.batches():
            found = simulate(batch.particles, detector, rng)
            writer.write(batch.particles, batch.weight, found)
    reconstruct_file(str(root), table, Reconstruction())
    root.unlink()
    content = (recorder.seen, recorder.hard, recorder.numbers[:events])
    notes.write_bytes(pickle.dumps(content))


def cuts(run: Path, config: Config, sample: str, background: float) -> dict[tuple, float]:
    """Return the log-odds that leave so many events of a sample, by network, signal and seed."""
    found = {}
    for network in config.networks:
        for signal in config.signals_of(network.name):
            for seed in config.seeds_of(network.name):
                path = run / f"results/scores/{network.name}/{signal.name}/{seed}.parquet"
                table = pd.read_parquet(path)
                table = table[table["sample"] == sample].sort_values("log_odds", ascending=False)
                place = np.searchsorted(table.weight.cumsum(), background)
                found[network.name, signal.name, seed] = float(table.log_odds.iloc[place])
    return found


def passed(run: Path, config: Config, table: ak.Array, cut: dict, width: float) -> Floats:
    """Return the smeared passes [N, M] of events, the mean of networks and seeds."""
    inputs, fold = dict(tensors(table, 50, 6)), np.arange(len(table)) % config.dataset.folds
    total, trainings = np.zeros((len(table), len(config.signals))), np.zeros(len(config.signals))
    for (network, signal, seed), threshold in cut.items():
        folder = run / f"results/models/{network}/{config.trained_on(network, signal)}/{seed}"
        models = [load(folder / f"fold{k}") for k in range(config.dataset.folds)]
        column = [s.name for s in config.signals].index(signal)
        mass = config.signals[column].mass_gev
        assert mass is not None
        odds = crossed(models, inputs, fold, (mass,), "cpu")[0]
        total[:, column] += 1 / (1 + np.exp(np.clip((threshold - odds) / width, -50, 50)))
        trainings[column] += 1
    total /= trainings
    tagging = BTagging(mode="truth")
    rates = tag_weights(leading_subjet_flavour(table), tagging)[:, 0]
    four_b = tag_weights(np.full((1, 2, 2), 5), tagging)[0, 0]
    return np.asarray(total * (rates[:, None] / four_b) ** 2)


def read(run: Path, config: Config, name: str, folder: Path, cut: dict, width: float) -> Showers:
    """Return what one simulated sample says."""
    seen, hard, numbers = pickle.loads((folder / f"{name}.pickle").read_bytes())
    masses = np.array([signal.mass_gev for signal in config.signals], float)
    rows = {number: row for row, number in enumerate(seen)}
    weight = np.array([entry[0] for entry in seen.values()])
    tags = np.array([tag_potential(entry[2], SUBJETS) / FOUR_B for entry in seen.values()])
    columns = {
        field.name: np.concatenate([getattr(entry[1], field.name) for entry in seen.values()])
        for field in fields(PartonJets)
    }
    table = ak.from_parquet(folder / f"{name}.parquet")
    kept = np.array([rows[number] for number in numbers])
    result = np.zeros((len(kept), len(masses)))
    entries = ak.to_numpy(table["entry"])
    selected = np.zeros(len(kept), bool)
    selected[entries] = True
    result[entries] = passed(run, config, table, cut, width)
    processes = None
    if hard:
        pair_masses, z, energy, pt, rapidity = (
            np.concatenate(column) for column in zip(*(hard[n] for n in seen), strict=True)
        )
        processes = hard_variables(pair_masses, z, energy, pt, rapidity, masses)
    jets = PartonJets(**columns)
    acceptance = jets.accepted[kept] ** 2
    return Showers(
        jets.variables(masses), processes, weight, tags, kept, selected, acceptance, result
    )


def fit(variables: Floats, target: Floats, weight: Floats, seed: int) -> Perceptron:
    """Fit the logarithm of the mean of `target` [N] by the likelihood of Poisson counts."""
    torch.manual_seed(seed)
    mean, spread = variables.mean(axis=0), variables.std(axis=0) + 1e-6
    sizes = [variables.shape[1], NODES, NODES, 1]
    layers = [torch.nn.Linear(a, b) for a, b in pairwise(sizes)]
    network = torch.nn.Sequential(layers[0], torch.nn.Tanh(), layers[1], torch.nn.Tanh(), layers[2])
    scale = float(np.average(target, weights=weight))
    x, y, w = (
        torch.tensor(array, dtype=torch.float32)
        for array in ((variables - mean) / spread, target / scale, weight / weight.mean())
    )
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.01, EPOCHS)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(x)).split(BATCH):
            log = network(x[rows])[:, 0]
            loss = (w[rows] * (torch.exp(log) - y[rows] * log)).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        schedule.step()
    matrices = [layer.weight.detach().numpy().T.astype(float) for layer in layers]
    biases = [layer.bias.detach().numpy().astype(float) for layer in layers]
    matrices[0] /= spread[:, None]
    biases[0] -= mean @ matrices[0]
    biases[-1] += np.log(scale)
    return Perceptron(tuple(matrices), tuple(biases))


def flat(array: Floats) -> Floats:
    """Return [N, M, …] as [N · M, …]."""
    return array.reshape(-1, *array.shape[2:])


def fit_checkpoint(background: Sequence[Showers], signal: Sequence[Showers]) -> Perceptron:
    """Learn the chance to pass from the jets at the checkpoint."""
    parts = []
    for showers, weight in ((background, 1.0), (signal, SIGNAL_WEIGHT)):
        for one in showers:
            tags = np.maximum(one.tags[one.kept], 1e-6)[:, None]
            chance = np.clip(one.passed / tags**2, 0, 1)
            parts.append((flat(one.checkpoint[one.kept]), flat(chance), weight))
    return fit(
        np.concatenate([variables for variables, _, _ in parts]),
        np.concatenate([chance for _, chance, _ in parts]),
        np.concatenate([np.full(len(chance), weight) for _, chance, weight in parts]),
        1,
    )


def fit_hard(showers: Sequence[Showers], checkpoint: Perceptron) -> Perceptron:
    """Learn the mean of that chance, times the shower's squared weights, from hard processes."""
    variables, chances = [], []
    for one in showers:
        assert one.hard is not None
        chance = np.exp(checkpoint(one.checkpoint)) * ((one.tags * one.weight) ** 2)[:, None]
        variables.append(flat(one.hard))
        chances.append(flat(chance))
    x, y = np.concatenate(variables), np.concatenate(chances)
    return fit(x, y, np.ones(len(y)), 2)


def calibration(checkpoint: Perceptron, showers: Sequence[Showers]) -> None:
    """Print what is predicted and what passed, by bins of the chance."""
    chance = np.concatenate(
        [
            (np.exp(checkpoint(one.checkpoint[one.kept])).sum(axis=1) * one.tags[one.kept] ** 2)
            for one in showers
        ]
    )
    result = np.concatenate([one.passed.sum(axis=1) for one in showers])
    print("| chance | events | predicted | passed |\n|---|---|---|---|")
    for low, high in pairwise(BINS):
        inside = (chance >= low) & (chance < high)
        print(
            f"| {low:g} – {high:g} | {inside.sum()} | {chance[inside].sum():.3g} | "
            f"{result[inside].sum():.3g} |"
        )


def selection(showers: Sequence[Showers]) -> None:
    """Print the mean chance to be selected and the share that was, by bins of the chance."""
    chance = np.concatenate([one.acceptance for one in showers])
    selected = np.concatenate([one.selected for one in showers])
    print("| chance | events | mean chance | selected |\n|---|---|---|---|")
    for low, high in pairwise(SHARES):
        inside = (chance >= low) & (chance < high)
        if inside.any():
            print(
                f"| {low:g} – {high:g} | {inside.sum()} | {chance[inside].mean():.3f} | "
                f"{selected[inside].mean():.3f} |"
            )


def as_lists(network: Perceptron) -> list[dict[str, list]]:
    """Return a network ready for JSON."""
    return [
        {"matrix": np.round(matrix, 4).tolist(), "bias": np.round(bias, 4).tolist()}
        for matrix, bias in zip(network.matrices, network.biases, strict=True)
    ]


def main(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    cache: Annotated[Path, typer.Option(help="Folder that keeps the simulated events.")],
    output: Annotated[Path, typer.Option(help="JSON file to write.")],
    events: Annotated[int, typer.Option(help="Events of each background chunk.")] = 3000,
    chunks: Annotated[int, typer.Option(help="Chunks of each forced sample.")] = 4,
    background: Annotated[float, typer.Option(help="Events that the cuts leave.")] = 60.0,
    width: Annotated[float, typer.Option(help="Smearing of the cuts in log-odds.")] = 0.5,
) -> None:
    """Simulate, learn, judge, write."""
    config = load_config([run / "config.yaml"])
    cache.mkdir(parents=True, exist_ok=True)
    backgrounds = [s.name for s in config.samples if s.simulation and s.simulation.importance]
    jobs = [(name, events, chunk) for name in backgrounds for chunk in range(chunks)]
    jobs += [(signal.name, events // 2, 0) for signal in config.signals]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for job in [pool.submit(simulated, config, *job, cache) for job in jobs]:
            job.result()
    cut = cuts(run, config, backgrounds[0], background)

    def showers(name: str, chunk: int) -> Showers:
        return read(run, config, f"{name}_{chunk}", cache, cut, width)

    signal = [showers(one.name, 0) for one in config.signals]
    samples = {name: [showers(name, k) for k in range(chunks)] for name in backgrounds}
    everything = [one for parts in samples.values() for one in parts]
    calibration(fit_checkpoint(everything[::2], signal), everything[1::2])
    selection(everything)
    checkpoint = fit_checkpoint(everything, signal)
    result = {"checkpoint": as_lists(checkpoint)}
    for pairs in (1, 2):
        forced = [
            one
            for name, parts in samples.items()
            if (flavour := config.simulation(name).heavy_flavour)
            and flavour.forced
            and flavour.pairs[0].count("+") == pairs - 1
            for one in parts
        ]
        if forced:
            result[f"hard_{pairs}"] = as_lists(fit_hard(forced, checkpoint))
    output.write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
