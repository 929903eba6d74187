"""Training against the papers' three-stream network in Keras: events per second, side by side.

    python -m venv keras && keras/bin/pip install tensorflow-cpu
    python -m benchmarks.training_rate keras/bin/python [--threads 2 | --processes 2]

Both train the same network (fusion `sum`, no subjets, the six kinematic numbers as published) with
the same sizes, initial weights, events, batches and AdamW: the logits agree before the first step.
Keras gets what favours it: inputs standardised and in pT order beforehand, and four ways to compile
it (with `--arrays` eight ways to compile and feed it), of which the fastest counts. Ours is the
whole training loop as a run uses it, standardisation, ordering and a validation after each epoch
included. A rate is that of the fastest epoch. With several processes as many trainings run side by
side, as a run does with seeds and networks: the rate of CPU time is their mean, that by the clock
their sum.
"""

import json
import logging
import subprocess
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.networks import PLAIN, random_batch
from models.config.specs import CrossAttention, Features, Training
from models.networks.batch import NAMES, Batch, Events, Sample
from models.networks.cross_attention import CrossAttentionNetwork
from models.networks.encoders import SelfAttentionJetEncoder
from models.networks.inputs import in_pt_order, parameter_count
from models.networks.normalisation import fit_normalisation
from models.training.training import Data, train

SCRIPT = Path(__file__).with_name("keras_three_stream.py")


class Clock(logging.Handler):
    """CPU and wall time whenever an epoch of ours ends."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[tuple[float, float]] = []

    def emit(self, record: logging.LogRecord) -> None:
        if " epochs: " in record.getMessage():
            self.times.append((time.process_time(), time.perf_counter()))


def ours(spec: CrossAttention, training: Training, sample: Sample, folder: Path) -> list[float]:
    """Return events per second of CPU time, and by the clock, of our fastest epoch."""
    clock, logger = Clock(), logging.getLogger("models.training.loop")
    logger.addHandler(clock)
    logger.setLevel(logging.INFO)
    few = Sample(
        Events(sample.events._arrays, np.arange(256)), sample.label[:256], sample.weight[:256]
    )
    train(spec, training, Data(sample, few, Features()), 1, folder)
    spent = np.diff(np.array(clock.times), axis=0).min(0)
    return [float(len(sample.label) / seconds) for seconds in spent]


def together(rates: list[list[float]]) -> tuple[float, float]:
    """Return the mean of the rates of CPU time, and the sum of those by the clock."""
    cpu, clock = np.array(rates).T
    return float(cpu.mean()), float(clock.sum())


def side_by_side(commands: list[list[str]]) -> list[dict[str, Any]]:
    """Run commands at the same time; return the JSON that each printed last."""
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
        for command in commands
    ]
    found = []
    for command, process in zip(commands, running, strict=True):
        output, errors = process.communicate()
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} failed:\n{errors}")
        found.append(json.loads(output.splitlines()[-1]))
    return found


@torch.inference_mode()
def for_keras(network: CrossAttentionNetwork, batch: Batch) -> dict[str, Any]:
    """Return the network's weights, its standardised inputs and its logits."""
    found: dict[str, Any] = {f"state.{name}": x.numpy() for name, x in network.state_dict().items()}
    for number, encoder in enumerate(network.jets):
        assert isinstance(encoder, SelfAttentionJetEncoder)
        tokens, mask = encoder.input(in_pt_order(batch.jet(number), network.features))
        found |= {f"x.jet_{number + 1}": tokens.numpy(), f"x.mask_{number + 1}": mask.numpy()}
    found["x.kinematics"] = network.kinematics.input(batch).numpy()
    return found | {"logits": network.eval()(batch).numpy()}


def main(
    keras_python: Annotated[Path, typer.Argument(help="Python that has keras and tensorflow.")],
    threads: Annotated[int, typer.Option(help="CPU threads of either side.")] = 1,
    processes: Annotated[int, typer.Option(help="Trainings side by side.")] = 1,
    width: Annotated[int, typer.Option(help="Width of a token.")] = 32,
    heads: Annotated[int, typer.Option(help="Attention heads.")] = 2,
    events: Annotated[int, typer.Option(help="Training events.")] = 2048,
    batch_size: Annotated[int, typer.Option(help="Events per step.")] = 64,
    epochs: Annotated[int, typer.Option(help="Epochs; the first does not count.")] = 4,
    xla: Annotated[bool, typer.Option(help="Compile Keras with XLA, too; takes a minute.")] = True,
    arrays: Annotated[bool, typer.Option(help="Feed Keras with plain arrays, too.")] = False,
) -> None:
    """Measure both in one run."""
    spec = CrossAttention(
        name="three_stream", fusion="sum", kinematics_encoding="published", jet_encoder=PLAIN,
        width=width, heads=heads,
    )  # fmt: skip
    torch.manual_seed(1)
    network = CrossAttentionNetwork(spec, Features())
    batch = random_batch(events, 2)
    fit_normalisation(network, [batch])
    label, weight = np.arange(events) % 2, np.ones(events, np.float32)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(
            folder / "data.npz",
            label=label, weight=weight, batch_size=batch_size, heads=heads, dropout=spec.dropout,
            **for_keras(network, batch),
        )  # fmt: skip
        command = [str(keras_python), str(SCRIPT), str(folder / "data.npz")]
        command += ["--threads", str(threads), "--epochs", str(epochs), "--data", "tf.data"]
        command += ["arrays"] * arrays + ["--jit", *(["1"] * xla), "0"]
        all_of_keras = side_by_side([command] * processes)
        sample = Sample(Events({n: getattr(batch, n).numpy() for n in NAMES}), label, weight)
        training = Training(
            epochs=epochs, batch_size=batch_size, optimizer="adamw", learning_rate=1e-3,
            threads=threads, accelerator="cpu",
        )  # fmt: skip
        folders = [folder / f"model_{n}" for n in range(processes)]
        with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
            all_of_ours = list(pool.map(partial(ours, spec, training, sample), folders))
    rates = together(all_of_ours)
    keras = all_of_keras[0]
    table = Table("", "parameters", "events/s of CPU", "by the clock", "ours over it", box=None)
    table.add_row("ours", f"{parameter_count(network):,}", *(f"{rate:,.0f}" for rate in rates), "")
    for number, way in enumerate(keras["ways"]):
        each = [[one["ways"][number][kind] for kind in ("cpu", "clock")] for one in all_of_keras]
        way["cpu"], way["clock"] = together(each)
    for way in sorted(keras["ways"], key=lambda way: -way["clock"]):
        title = "Keras, " + ", ".join(
            f"{k}={v}" for k, v in way.items() if k not in ("cpu", "clock")
        )
        cpu, clock = way["cpu"], way["clock"]
        ratio = f"{rates[0] / cpu:.2f} / {rates[1] / clock:.2f}"
        row = (f"{keras['parameters']:,}", f"{cpu:,.0f}", f"{clock:,.0f}", ratio)
        table.add_row(title, *row)
    console = Console(width=140)
    console.print(
        f"{keras['version']}; PyTorch {torch.__version__}; {processes} × {threads} threads"
    )
    console.print(f"largest difference of logits before training: {keras['difference']:.1e}")
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
