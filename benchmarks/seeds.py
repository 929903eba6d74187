"""Five seeds of one network trained at once, vectorised over models, against one after another.

    python -m benchmarks.seeds [--seeds 5] [--events 64]

The same steps both times (forward, backward, AdamW) on the cross-attention network at its default
sizes, one thread; each seed has its own weights and its own batch. `torch.func.vmap` runs one
network over stacked weights. The rate is that of the fastest of several repetitions, in events of
all seeds per second of CPU time. Without dropout, which would be another one for each model.
"""

import warnings
from typing import Annotated, Any

import torch
import typer
from torch import Tensor
from torch.func import functional_call, grad, stack_module_state, vmap
from torch.nn.functional import cross_entropy

from benchmarks.networks import random_batch, rate
from models.config.specs import CrossAttention, Features
from models.networks.batch import NAMES, Batch
from models.networks.normalisation import fit_normalisation
from models.networks.registry import build

SPEC = CrossAttention(name="cross_attention", dropout=0.0)


def networks(count: int, batch: Batch) -> list[torch.nn.Module]:
    """Return networks that differ in their initial weights."""
    found = []
    for seed in range(count):
        torch.manual_seed(seed)
        found.append(build(SPEC, Features()))
        fit_normalisation(found[-1], [batch])
    return found


def main(
    seeds: Annotated[int, typer.Option(help="Networks trained at once.")] = 5,
    events: Annotated[int, typer.Option(help="Events in the batch of each.")] = 64,
    seconds: Annotated[float, typer.Option(help="Time for each measurement.")] = 10.0,
) -> None:
    """Measure both ways in one run."""
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", message=".*batching rule.*")
    batch = random_batch(events, 2)
    label = torch.arange(events) % 2
    models = networks(seeds, batch)
    optimizers = [torch.optim.AdamW(model.parameters()) for model in models]

    def one_after_another() -> None:
        for model, optimizer in zip(models, optimizers, strict=True):
            optimizer.zero_grad()
            cross_entropy(model(batch), label).backward()
            optimizer.step()

    stacked, buffers = stack_module_state(networks(seeds, batch))
    optimizer = torch.optim.AdamW(stacked.values())
    tensors = {name: torch.stack([getattr(batch, name)] * seeds) for name in NAMES}

    def loss(weights: dict[str, Tensor], constants: dict[str, Tensor], inputs: Any) -> Tensor:
        logits = functional_call(models[0], (weights, constants), (Batch(**inputs),))
        return cross_entropy(logits, label)

    def at_once() -> None:
        found = vmap(grad(loss))({n: w.detach() for n, w in stacked.items()}, buffers, tensors)
        for name, weight in stacked.items():
            weight.grad = found[name]
        optimizer.step()

    separate = rate(one_after_another, seeds * events, "cpu", seconds)
    together = rate(at_once, seeds * events, "cpu", seconds)
    print(f"one after another: {separate:,.0f} events/s; at once: {together:,.0f} events/s")
    print(f"at once takes {separate / together:.2f} times the CPU time")


if __name__ == "__main__":
    typer.run(main)
