"""Every network in one run: its speed on one and the same batch, and what taggers learn from files.

    python -m benchmarks.networks [FOLDER] [--events 64] [--threads 1] [--device cpu]

The rate is that of the fastest of several repetitions, per second of CPU time with one thread (so
that other work on the machine matters little), else per second by the clock. Event networks see
two fat jets of 50 constituents (100 tokens), single-jet taggers one. `× ParT` is the training rate
over that of Particle Transformer (weaver-core, 2.1 M parameters) on the same tensors: on two jets
for event networks, on one jet for taggers.

With a FOLDER of `train.h5`, `validation.h5` and `test.h5` (`results/top_tagging` of a run) each
tagger of single jets is trained on its jets, too, with one seed: AUC, 1/ε_B at ε_S = 50% and 30% on
the test jets, parameters, and CPU time of the training (all epochs, normalisation and validation)
and of scoring a thousand test jets.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.table import Table
from torch.nn.functional import cross_entropy

from analysis.datasets.dataset import SPLITS, TENSORS, Dataset
from analysis.evaluation.metrics import metric_row
from common.weighted import Condenser, WeightedSample
from models.config.specs import (
    EFN,
    PCNN,
    PFN,
    Concatenation,
    Constituents,
    CrossAttention,
    Features,
    HighLevelMLP,
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
    Training,
)
from models.networks.batch import Batch, Events
from models.networks.inputs import parameter_count
from models.networks.normalisation import fit_normalisation
from models.networks.registry import build
from models.training.data import Data
from models.training.devices import keep_freed_memory
from models.training.inference import calibrated
from models.training.training import train
from workflow.pipeline.jets import jets_of_split
from workflow.pipeline.network_inputs import feature_names, sources

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


def learned(spec: Any, folder: Path, settings: Training) -> dict[str, float | int | None]:
    """Return how well a tagger tells the test jets of a folder, its size, and its CPU time [s].

    `metric_row` at ε_S = 50% and 30%, `parameters`, `training` and `scoring` (of 1,000 jets).
    """
    files = [folder / f"{split}.h5" for split in SPLITS]
    features = feature_names(Dataset(files[0]))
    splits = [jets_of_split(files, split) for split in ("train", "validation")]
    start = time.process_time()
    with tempfile.TemporaryDirectory() as scratch:
        data = Data(*sources(splits, 1.0, settings.memory_mb), features)
        model = train(spec, settings, data, settings.seeds[0], scratch)
    trained, start = time.process_time() - start, time.process_time()
    test, condenser = jets_of_split(files, "test"), Condenser()
    for jets in test.steps(8192):
        odds = calibrated(model, Events({name: jets[name] for name in TENSORS}))
        condenser.add(WeightedSample.of_classes(odds, jets["weight"][:, 0], jets["label"]))
    return metric_row(condenser.result(), (0.5, 0.3)) | {
        "parameters": parameter_count(model.network),
        "training": trained,
        "scoring": (time.process_time() - start) / len(test) * 1000,
    }


def quality_table(specs: Sequence[Any], folder: Path, settings: Training) -> Table:
    """Return one row for each tagger that is trained on the jets of a folder."""
    names = ("AUC", "1/ε_B at 50%", "at 30%", "parameters", "training [s]", "scoring [s/1000]")
    table = Table("tagger", *names, box=None, title=f"{folder}, {settings.epochs} epochs")

    def known(row: dict[str, Any], name: str) -> str:
        value, error = row[name], row[f"{name}_error"]
        return "–" if value is None else f"{value:.0f} ± {error:.0f}"

    for spec in specs:
        row: dict[str, Any] = learned(spec, folder, settings)
        table.add_row(
            spec.name,
            f"{row['auc']:.4f} ± {row['auc_error']:.4f}",
            *(known(row, f"rejection_{efficiency}") for efficiency in (50, 30)),
            f"{row['parameters']:,}",
            *(f"{row[name]:.3g}" for name in ("training", "scoring")),
        )
    return table


def main(
    folder: Annotated[Path | None, typer.Argument(help="Jets to learn from; speed alone.")] = None,
    events: Annotated[int, typer.Option(help="Events in the batch.")] = 64,
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 1,
    device: Annotated[str, typer.Option(help="cpu, cuda, or both: auto.")] = "auto",
    seconds: Annotated[float, typer.Option(help="Time for each measurement.")] = 2.0,
    epochs: Annotated[int, typer.Option(help="Epochs of the trainings.")] = 10,
    batch_size: Annotated[int, typer.Option(help="Jets per step of the trainings.")] = 512,
    only: Annotated[list[str] | None, typer.Option(help="These taggers alone.")] = None,
) -> None:
    """Measure every network on the same batch in one run, and train the taggers on a folder."""
    known = [spec.name for spec in JET_NETWORKS]
    if unknown := sorted(set(only or ()) - set(known)):
        raise typer.BadParameter(f"no tagger {', '.join(unknown)}; there are {', '.join(known)}")
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
                if only and (jets == 2 or spec.name not in only):
                    continue
                count, training, scoring = measure(spec, batch, place, seconds)
                reference = training if spec is networks[0] else reference
                ratio = f"{training / reference:.1f}" if reference else "–"
                row = (f"{count:,}", f"{training:,.0f}", f"{scoring:,.0f}", ratio)
                table.add_row(spec.name, *row)
        Console().print(table)
    if folder is not None:
        settings = Training(epochs=epochs, batch_size=batch_size, threads=threads)
        chosen = [spec for spec in JET_NETWORKS if not only or spec.name in only]
        Console().print(quality_table(chosen, folder, settings))


if __name__ == "__main__":
    typer.run(main)
