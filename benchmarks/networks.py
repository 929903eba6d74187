"""Events per second of every network, in training and in scoring, on one and the same batch.

    python -m benchmarks.networks [--events 64] [--threads 1] [--device cpu]

The rate is that of the fastest of several repetitions, per second of CPU time with one thread (so
that other work on the machine matters little), else per second by the clock. Event networks see
two fat jets of 50 constituents (100 tokens), single-jet taggers one. `× ParT` is the training rate
over that of Particle Transformer (weaver-core, 2.1 M parameters) on the same tensors: on two jets
for event networks, on one jet for taggers.
"""

import time
from collections.abc import Callable
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.table import Table
from torch.nn.functional import cross_entropy

from models.config.specs import (
    Concatenation,
    Constituents,
    CrossAttention,
    Features,
    HighLevelMLP,
    IAFormerEncoder,
    JetTagger,
    Kinematics,
    LGATr,
    MixerEncoder,
    ParticleNet,
    ParticleTransformer,
)
from models.networks.batch import Batch
from models.networks.inputs import parameter_count
from models.networks.normalisation import fit_normalisation
from models.networks.registry import build
from models.training.devices import keep_freed_memory

IAFORMER = IAFormerEncoder(kind="iaformer", layers=2)
MIXER = MixerEncoder(kind="mixer", layers=2)
EVENT_NETWORKS: list[Any] = [
    ParticleTransformer(name="particle_transformer"),
    ParticleNet(name="particle_net"),
    LGATr(name="lgatr"),
    CrossAttention(name="cross_attention"),
    CrossAttention(name="cross_attention_64", width=64, heads=4),
    CrossAttention(name="cross_attention_sum", fusion="sum"),
    CrossAttention(name="cross_attention_mixer", jet_encoder=MIXER),
    CrossAttention(name="cross_attention_iaformer", jet_encoder=IAFORMER),
    Concatenation(name="concatenation"),
    Constituents(name="constituents"),
    Kinematics(name="kinematics"),
    HighLevelMLP(name="high_level_mlp"),
]
PAPER_SIZE = {"width": 64, "heads": 4}
JET_NETWORKS: list[Any] = [
    ParticleTransformer(name="particle_transformer_jet", jets=1),
    JetTagger(name="self_attention_jet", **PAPER_SIZE),
    JetTagger(name="mixer_subjet_jet", pooling="max", jet_encoder=MIXER, **PAPER_SIZE),
    JetTagger(
        name="iaformer_jet",
        mlp_ratio=3,
        jet_encoder=IAFormerEncoder(kind="iaformer", layers=6, pair_width=32),
        **PAPER_SIZE,
    ),
]


def random_batch(events: int, jets: int) -> Batch:
    """Return events in the shapes of a dataset, with 30 to 50 constituents per jet."""
    generator = torch.Generator().manual_seed(1)
    count = torch.randint(30, 51, (events, jets, 1), generator=generator)
    mask = torch.arange(50) < count
    features = Features()
    constituents = torch.randn(
        events, jets, 50, len(features.constituents), generator=generator
    ).masked_fill(~mask.unsqueeze(-1), 0.0)
    kinematics = 1 + torch.rand(events, 3 if jets == 2 else 1, 6, generator=generator)
    return Batch(
        constituents,
        mask,
        torch.randn(events, jets, 6, len(features.subjets), generator=generator),
        torch.ones(events, jets, 6, dtype=torch.bool),
        kinematics,
    )


def rate(step: Callable[[], None], events: int, device: str, seconds: float) -> float:
    """Return events per second of the fastest repetition within about `seconds`."""
    best, spent = float("inf"), 0.0
    one_core = device == "cpu" and torch.get_num_threads() == 1
    clock = time.process_time if one_core else time.perf_counter
    for repetition in range(100):
        start = clock()
        step()
        if device == "cuda":
            torch.cuda.synchronize()
        took = clock() - start
        spent += took
        if repetition:  # the first warms up
            best = min(best, took)
        if repetition >= 2 and spent > seconds:
            break
    return events / best


def measure(spec: Any, batch: Batch, device: str, seconds: float) -> tuple[int, float, float]:
    """Return parameters, and events per second in training and in scoring."""
    torch.manual_seed(1)
    network = build(spec, Features())
    fit_normalisation(network, [batch])
    network, batch = network.to(device), batch.to(device)
    label = torch.arange(len(batch), device=device) % 2
    optimizer = torch.optim.AdamW(network.parameters(), fused=device == "cpu")

    def train() -> None:
        optimizer.zero_grad()
        cross_entropy(network(batch), label).backward()
        optimizer.step()

    @torch.inference_mode()
    def score() -> None:
        network(batch)

    training = rate(train, len(batch), device, seconds)
    network.eval()
    return parameter_count(network), training, rate(score, len(batch), device, seconds)


def main(
    events: Annotated[int, typer.Option(help="Events in the batch.")] = 64,
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 1,
    device: Annotated[str, typer.Option(help="cpu, cuda, or both: auto.")] = "auto",
    seconds: Annotated[float, typer.Option(help="Time for each measurement.")] = 2.0,
) -> None:
    """Measure every network on the same batch in one run."""
    torch.set_num_threads(threads)
    keep_freed_memory()
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    if device not in (*devices, "auto"):
        raise typer.BadParameter(f"{device} is not among the devices here: {', '.join(devices)}")
    for place in devices if device == "auto" else [device]:
        columns = ("network", "parameters", "training [1/s]", "scoring [1/s]", "× ParT")
        table = Table(*columns, box=None, title=f"{place}, {threads} threads, batch of {events}")
        for jets, networks in ((2, EVENT_NETWORKS), (1, JET_NETWORKS)):
            batch, reference = random_batch(events, jets), 0.0
            for spec in networks:
                count, training, scoring = measure(spec, batch, place, seconds)
                reference = reference or training
                ratio = training / reference
                row = (f"{count:,}", f"{training:,.0f}", f"{scoring:,.0f}", f"{ratio:.1f}")
                table.add_row(spec.name, *row)
        Console().print(table)


if __name__ == "__main__":
    typer.run(main)
