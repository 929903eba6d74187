"""Every network in one run: its speed on one and the same batch, and what taggers learn from files.

    python -m benchmarks.networks [FOLDER] [--events 64] [--threads 1] [--device cpu]

The rate is that of the fastest of several repetitions, per second of CPU time with one thread (so
that other work on the machine matters little), else per second by the clock. Event networks see
two fat jets of 50 constituents (100 tokens), single-jet taggers one. `× ParT` is the training rate
over that of Particle Transformer (weaver-core, 2.1 M parameters) on the same tensors: on two jets
for event networks, on one jet for taggers.

With a FOLDER of `train.h5`, `validation.h5` and `test.h5` (`results/top_tagging` of a run, or of
`benchmarks.jet_sample`) each tagger of single jets is trained on its jets, too: AUC, 1/ε_B at
ε_S = 50% and 30% on the test jets, parameters, and CPU time of the training (all epochs,
normalisation and validation) and of scoring a thousand test jets. With `--out` trainings are kept:
the next call, with other taggers, seeds or epochs, adds to them, and a stopped one goes on.
`taggers.csv` and `comparisons.csv` there are the tables of all.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
import typer
from rich.console import Console
from rich.table import Table
from torch.nn.functional import cross_entropy

from benchmarks.taggers import learn, quality_rows, quality_table, write_tables
from models.config.specs import (
    EFN,
    PCNN,
    PFN,
    Concatenation,
    Constituents,
    CrossAttention,
    Features,
    HighLevelMLP,
    HighLevelTrees,
    IAFormerEncoder,
    JetImageCNN,
    JetTagger,
    Kinematics,
    LGATr,
    LGATrSlim,
    LLoCa,
    LorentzNet,
    LundNet,
    MIParT,
    MixerEncoder,
    ParticleNet,
    ParticleTransformer,
    Pelican,
    SelfAttentionEncoder,
    Training,
)
from models.networks.batch import Batch
from models.networks.inputs import parameter_count
from models.networks.normalisation import fit_normalisation
from models.networks.registry import build
from models.training.devices import keep_freed_memory

Precision = Literal["auto", "32-true", "bf16-mixed"]

IAFORMER = IAFormerEncoder(kind="iaformer", layers=2)
PLAIN = SelfAttentionEncoder(kind="self_attention", subjets=False)
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
    JetTagger(name="self_attention_jet", jet_encoder=PLAIN, **PAPER_SIZE),
    JetTagger(name="mixer_subjet_jet", pooling="max", jet_encoder=MIXER, **PAPER_SIZE),
    JetTagger(
        name="iaformer_jet",
        mlp_ratio=3,
        jet_encoder=IAFormerEncoder(kind="iaformer", layers=6, pair_width=32),
        **PAPER_SIZE,
    ),
    ParticleTransformer(name="plain_transformer_jet", jets=1, pair_embedding=()),
    ParticleNet(name="particle_net_jet", jets=1),
    LGATr(name="lgatr_jet", jets=1),
    LGATrSlim(name="lgatr_slim_jet", jets=1),
    LLoCa(name="lloca_jet", jets=1),
    LorentzNet(name="lorentz_net_jet", jets=1),
    Pelican(name="pelican_jet", jets=1),
    MIParT(name="mipart_jet"),
    LundNet(name="lund_net_jet"),
    PCNN(name="p_cnn_jet"),
    JetImageCNN(name="image_jet"),
    PFN(name="pfn_jet"),
    EFN(name="efn_jet"),
]
JET_REFERENCES: list[Any] = [HighLevelTrees(name="high_level_trees_jet")]
"""Trained on a folder's jets, and not part of the speeds: no network."""


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


def speed_table(
    device: str, threads: int, events: int, seconds: float, only: Sequence[str] | None
) -> Table:
    """Return one row for each network, or for some taggers, on one and the same batch."""
    columns = ("network", "parameters", "training [1/s]", "scoring [1/s]", "× ParT")
    table = Table(*columns, box=None, title=f"{device}, {threads} threads, batch of {events}")
    for jets, networks in ((2, EVENT_NETWORKS), (1, JET_NETWORKS)):
        batch, reference = random_batch(events, jets), 0.0
        for spec in networks:
            if only and (jets == 2 or spec.name not in only):
                continue
            count, training, scoring = measure(spec, batch, device, seconds)
            reference = training if spec is networks[0] else reference
            ratio = f"{training / reference:.1f}" if reference else "–"
            table.add_row(spec.name, f"{count:,}", f"{training:,.0f}", f"{scoring:,.0f}", ratio)
    return table


def main(
    folder: Annotated[Path | None, typer.Argument(help="Jets to learn from; speed alone.")] = None,
    events: Annotated[int, typer.Option(help="Events in the batch.")] = 64,
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 1,
    device: Annotated[str, typer.Option(help="cpu, cuda, or both: auto.")] = "auto",
    seconds: Annotated[float, typer.Option(help="Time for each measurement.")] = 2.0,
    epochs: Annotated[int, typer.Option(help="Epochs of the trainings.")] = 10,
    batch_size: Annotated[int, typer.Option(help="Jets per step of the trainings.")] = 512,
    learning_rate: Annotated[float, typer.Option(help="Peak of the trainings.")] = 2e-3,
    cap: Annotated[float, typer.Option(help="Quantile at which training weights end.")] = 1.0,
    share: Annotated[float, typer.Option(help="Of the training jets that are used.")] = 1.0,
    precision: Annotated[Precision, typer.Option(help="Of the trainings on a GPU.")] = "auto",
    seed: Annotated[list[int] | None, typer.Option(help="A training each; repeat.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="These taggers alone.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder that keeps the trainings.")] = None,
    speed: Annotated[bool, typer.Option(help="Whether to measure the speed.")] = True,
) -> None:
    """Measure every network on the same batch in one run, and train the taggers on a folder."""
    taggers = [*JET_NETWORKS, *JET_REFERENCES]
    known = [spec.name for spec in taggers]
    if unknown := sorted(set(only or ()) - set(known)):
        raise typer.BadParameter(f"no tagger {', '.join(unknown)}; there are {', '.join(known)}")
    torch.set_num_threads(threads)
    keep_freed_memory()
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    if device not in (*devices, "auto"):
        raise typer.BadParameter(f"{device} is not among the devices here: {', '.join(devices)}")
    for place in devices if device == "auto" else [device]:
        if speed:
            Console().print(speed_table(place, threads, events, seconds, only))
    if folder is not None:
        accelerator = "cpu" if device == "cpu" else "auto"
        settings = Training(
            seeds=tuple(seed or (1,)),
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            patience=epochs,
            threads=threads,
            precision=precision,
            accelerator=accelerator,
        )
        chosen = [spec for spec in taggers if not only or spec.name in only]
        with tempfile.TemporaryDirectory() as scratch:
            kept = out or Path(scratch)
            for spec in chosen:
                for number in settings.seeds:
                    place_of = kept / spec.name / str(number)
                    learn(spec, folder, settings, number, place_of, cap, share)
            write_tables(folder, kept)
            Console().print(quality_table(quality_rows(folder, kept), str(folder)))


if __name__ == "__main__":
    typer.run(main)
