"""Training on events that are read from disk while it runs, beside events in memory.

    python -m benchmarks.streaming [--events 8000] [--rounds 3]

Steps of the default network on the same training events, batches of 64 in random order, in events
per second of CPU time with one thread: best of several rounds, interleaved. A tenth of the events
is held for mixing. The second line is without a network: what batches alone can feed a GPU with.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Annotated

import torch
import typer
from torch.nn.functional import cross_entropy

from analysis.config.dataset import Dataset as Config
from analysis.datasets.dataset import Dataset, Selection, Split
from benchmarks.scaling import Samples
from models.config.specs import CrossAttention
from models.networks.normalisation import fit_normalisation
from models.networks.registry import build
from models.training.data import Batches, Labelled, in_order
from workflow.pipeline.network_inputs import feature_names, sources

QUANTILE = 0.99


def step_of(spec: CrossAttention, data: Dataset, batches: Batches) -> Callable[[Labelled], None]:
    """Return a training step of a fresh network."""
    torch.manual_seed(1)
    network = build(spec, feature_names(data))
    fit_normalisation(network, (batch[0] for batch in batches))
    optimizer = torch.optim.AdamW(network.parameters())

    def step(batch: Labelled) -> None:
        events, label, weight = batch
        optimizer.zero_grad()
        (weight * cross_entropy(network(events), label, reduction="none")).mean().backward()
        optimizer.step()

    return step


def rate(batches: Batches, step: Callable[[Labelled], None]) -> float:
    """Return events per second of CPU time over one epoch."""
    start = process_time()
    for batch in batches:
        step(batch)
    return len(batches.source) / (process_time() - start)


def main(
    events: Annotated[
        int, typer.Option(help="Events of the samples; four tenths are for training.")
    ] = 4000,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds, of which the best counts.")] = 3,
) -> None:
    """Compare both sources, with the network and without."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        samples = Samples(Path(folder), events)
        samples.prepare()
        samples.dataset()
        datasets = [Dataset(path) for path in samples.datasets]
        selection = Selection(datasets, Split("train", Config(), 1, 0))
        needed = len(selection) * selection.event_bytes / 1e6
        found = {
            name: sources([selection], QUANTILE, share * needed)[0]
            for name, share in (("in memory", 1.01), ("streamed", 0.1))
        }
        train = step_of(
            CrossAttention(name="n"), datasets[0], in_order(found["in memory"], 1024, 1)
        )
        work: dict[str, Callable[[Labelled], None]] = {
            "training": train,
            "batches alone": lambda batch: None,
        }
        for name, step in work.items():
            rates: dict[str, list[float]] = {source: [] for source in found}
            for seed in range(rounds):
                for source, all_events in found.items():
                    batches = Batches(all_events, 64, seed, shuffle=True)
                    rates[source].append(rate(batches, step))
            best = {source: max(values) for source, values in rates.items()}
            cells = ", ".join(f"{source} {value:,.0f} events/s" for source, value in best.items())
            print(f"{name}: {cells}: {best['streamed'] / best['in memory']:.0%}", flush=True)


if __name__ == "__main__":
    typer.run(main)
