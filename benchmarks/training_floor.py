"""What a training step on one CPU core consists of, and how fast it could be at the very most.

    python -m benchmarks.training_floor [--batch-size 64]

Every operation of one step of the papers' three-stream network is repeated on its own operands,
which are then in the cache; its fastest time counts. The sum over matrix products, attention's
among them, is what a training takes at the least with this library; with what else the network
cannot do without (normalisation, GELU, softmax, dropout, the optimiser) it is the floor of kernels
that are not fused.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.table import Table
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import cross_entropy
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.networks import PLAIN, random_batch
from models.config.specs import CrossAttention, Features
from models.networks.dropout import kept
from models.networks.normalisation import fit_normalisation
from models.networks.registry import build
from models.training.devices import keep_freed_memory

SPEC = CrossAttention(
    name="three_stream", fusion="sum", kinematics_encoding="published", jet_encoder=PLAIN
)
PARTS = {
    "matrix products": ("mm", "addmm", "bmm"),
    "layer normalisation": ("native_layer_norm", "native_layer_norm_backward"),
    "GELU": ("gelu", "gelu_backward"),
    "softmax": ("_safe_softmax", "_softmax", "_softmax_backward_data"),
}


def fastest(call: Callable[[], Any], repetitions: int) -> float:
    """Return the CPU seconds of the fastest of some calls."""
    spent = []
    for _ in range(repetitions):
        start = time.process_time()
        call()
        spent.append(time.process_time() - start)
    return min(spent)


class Parts(TorchDispatchMode):
    """Times every operation on its own, while a step runs."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: defaultdict[str, float] = defaultdict(float)

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        name = function.overloadpacket.__name__
        timed: Callable[[], Any] = partial(function, *args, **(kwargs or {}))
        if name == "_safe_softmax":  # it also looks for empty rows
            timed = partial(torch.softmax, *args[:2])
        for part, names in PARTS.items():
            if name in names:
                self.seconds[part] += fastest(timed, 12)
        return function(*args, **(kwargs or {}))


def main(
    batch_size: Annotated[int, typer.Option(help="Events per step.")] = 64,
    steps: Annotated[int, typer.Option(help="Whole steps, of which the fastest counts.")] = 60,
) -> None:
    """Measure whole steps and their parts in one run."""
    torch.set_num_threads(1)
    keep_freed_memory()
    torch.manual_seed(1)
    network, batch = build(SPEC, Features()), random_batch(batch_size, 2)
    fit_normalisation(network, [batch])
    optimizer = torch.optim.AdamW(network.parameters(), fused=True)
    label = torch.arange(batch_size) % 2

    def gradient() -> None:
        optimizer.zero_grad()
        cross_entropy(network(batch), label).backward()

    def step() -> None:
        gradient()
        optimizer.step()

    whole = fastest(step, steps)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as flops:
        gradient()
    with sdpa_kernel(SDPBackend.MATH), Parts() as parts:
        gradient()
    dropouts = 2 * 2 * PLAIN.layers  # two in each layer of either jet
    shape = torch.Size((batch_size, batch.constituents.shape[2], SPEC.width))
    parts.seconds["dropout"] = dropouts * fastest(lambda: kept(shape, SPEC.dropout), 50)
    parts.seconds["AdamW"] = fastest(optimizer.step, 50)
    count = flops.get_total_flops()
    table = Table("", "ms per step", "events/s, with all above", box=None)
    total = 0.0
    for part, seconds in parts.seconds.items():
        total += seconds
        table.add_row(part, f"{1e3 * seconds:.1f}", f"{batch_size / total:,.0f}")
    table.add_row("whole step", f"{1e3 * whole:.1f}", f"{batch_size / whole:,.0f}")
    console = Console()
    console.print(f"{count / batch_size / 1e6:.1f} MFLOP per event in matrix products", end=", ")
    console.print(f"done at {count / parts.seconds['matrix products'] / 1e9:.0f} GFLOP/s")
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
