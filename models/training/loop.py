"""The one training loop, for every network.

Weighted cross entropy, Muon or AdamW with decoupled weight decay, linear warm-up and cosine decay.
"""

import logging
import math
from collections.abc import Callable
from typing import Any

import lightning
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW

from common.errors import ModelError
from models.config.specs import Training
from models.networks.batch import Batch
from models.networks.steps import hypothesis_logits
from models.training.data import Batches, Data, Labelled
from models.training.devices import sum_type
from models.training.muon import Muon
from models.training.resume import Progress

log = logging.getLogger(__name__)

OPTIMIZERS = {"muon": Muon, "adamw": AdamW}
AHEAD = 8
"""Batches that are read while a GPU computes."""


class Loop(lightning.LightningModule):
    """A network in training: one epoch of steps, one validation, one line of history."""

    def __init__(
        self,
        network: nn.Module,
        training: Training,
        data: Data,
        seed: int,
        progress: Progress,
        both_orders: bool,
    ) -> None:
        super().__init__()
        self.network = network
        self.training_settings = training
        self.data = data
        self.seed = seed
        self.progress = progress
        self.both_orders = both_orders
        plain = network.forward
        self.classify = blamed(compiled(plain), plain) if training.compile else plain
        self.first_epoch = len(progress.history)
        self.steps_per_epoch = math.ceil(len(data.train) / training.batch_size)

    @property
    def epoch(self) -> int:
        """Epoch of the whole training, across interruptions."""
        return self.first_epoch + self.current_epoch

    def train_dataloader(self) -> Batches:
        # Order and dropout follow from seed and epoch alone: nothing to keep for a resumption.
        sequence = np.random.SeedSequence([self.seed, self.epoch])
        torch.manual_seed(int(sequence.generate_state(1)[0]) + self.global_rank)
        return Batches(
            self.data.train,
            self.training_settings.batch_size,
            sequence,
            shuffle=True,
            exchange_jets=self.training_settings.exchange_jets,
            **self._place(),
        )

    def val_dataloader(self) -> Batches:
        size = 4 * self.training_settings.batch_size
        return Batches(self.data.validation, size, self.seed, **self._place())

    def _place(self) -> dict[str, Any]:
        """Return which share of the batches is this process's, and how many to read ahead."""
        return {
            "rank": self.global_rank,
            "processes": self.trainer.world_size,
            "ahead": AHEAD if self.device.type == "cuda" else 0,
        }

    def transfer_batch_to_device(self, batch: Labelled, device: torch.device, _: int) -> Labelled:
        events, label, weight = batch
        return (
            events.to(device),
            label.to(device, non_blocking=True),
            weight.to(device, non_blocking=True),
        )

    def configure_optimizers(self) -> Any:
        settings = self.training_settings
        kind = OPTIMIZERS[settings.optimizer]
        optimizer = kind(
            self.network.parameters(),
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
            fused=self.device.type == "cpu",
        )
        self.progress.restore_optimizer(optimizer, self.network)
        done = self.first_epoch * self.steps_per_epoch
        total = settings.epochs * self.steps_per_epoch
        warmup = max(1, round(settings.warmup_fraction * total))
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: learning_rate_factor(done + step, warmup, total)
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def configure_gradient_clipping(self, *_: Any, **__: Any) -> None:
        # Lightning's own clipping refuses fused optimisers in mixed precision
        parameters = list(self.network.parameters())
        all_at_once = self.device.type == "cpu" or None  # None: torch chooses
        clip_grad_norm_(parameters, self.training_settings.gradient_clip, foreach=all_at_once)

    def loss(self, batch: Labelled, both_orders: bool = False) -> Tensor:
        """Return the weighted losses of the events [B]."""
        events, label, weight = batch
        (logits,) = hypothesis_logits(self.classify, events, both_orders=both_orders)
        return weight * cross_entropy(logits.float(), label, reduction="none")

    def total(self, found: Tensor) -> float:
        """Return the sum over all processes."""
        return float(self.trainer.strategy.reduce(found, reduce_op="sum").item())

    def on_train_epoch_start(self) -> None:
        self.train_sum = torch.zeros((), dtype=sum_type(self.device), device=self.device)

    def training_step(self, batch: Labelled, index: int) -> Tensor:
        losses = self.loss(batch)
        self.train_sum += losses.detach().to(self.train_sum.dtype).sum()
        # the mean over the processes of what is returned is the mean over the batch's events
        size = self.training_settings.batch_size
        events = min(size, len(self.data.train) - index * size)
        return losses.mean() * (len(losses) * self.trainer.world_size / events)

    def on_train_batch_end(self, *_: Any) -> None:
        step = self.first_epoch * self.steps_per_epoch + self.global_step
        self.progress.average(self.network, average_decay(self.training_settings.ema, step))

    def on_validation_epoch_start(self) -> None:
        self.progress.swap_ema(self.network)
        self.val_sum = torch.zeros((), dtype=sum_type(self.device), device=self.device)

    def validation_step(self, batch: Labelled, _: int) -> None:
        self.val_sum += self.loss(batch, self.both_orders).to(self.val_sum.dtype).sum()

    def on_validation_epoch_end(self) -> None:
        val_loss = self.total(self.val_sum) / len(self.data.validation)
        self.progress.keep_best(self.network, val_loss)
        self.progress.swap_ema(self.network)

    def on_train_epoch_end(self) -> None:
        train_loss = self.total(self.train_sum) / len(self.data.train)
        val_loss = self.progress.last_loss
        if not (math.isfinite(train_loss) and math.isfinite(val_loss)):
            raise ModelError(
                f"the training diverged in epoch {self.epoch + 1} (training loss {train_loss}, "
                f"validation loss {val_loss}): look for NaN in the dataset, or lower "
                f"training.learning_rate (now {self.training_settings.learning_rate:g})"
            )
        rate = self.optimizers().param_groups[0]["lr"]  # type: ignore[union-attr]
        self.progress.history.append((self.epoch + 1, train_loss, val_loss, rate))
        if self.trainer.is_global_zero:
            log.info(
                "%d of %d epochs: training loss %.5f, validation loss %.5f",
                *(self.epoch + 1, self.training_settings.epochs, train_loss, val_loss),
            )
            self.progress.store(self.network, self.optimizers().optimizer)  # type: ignore[union-attr]
        self.trainer.should_stop = self.progress.stale >= self.training_settings.patience


def compiled(function: Callable[[Batch], Tensor]) -> Callable[[Batch], Tensor]:
    """Return a function with kernels made for it, when it is first called."""
    result: Callable[[Batch], Tensor] = torch.compile(function)
    return result


def blamed(
    kernels: Callable[[Batch], Tensor], plain: Callable[[Batch], Tensor]
) -> Callable[[Batch], Tensor]:
    """Return `kernels`, whose failure is the compiler's where `plain` works on the same events.

    Raises
    ------
    ModelError
        In a call, if the kernels cannot be made.
    """

    def classify(batch: Batch) -> Tensor:
        try:
            return kernels(batch)
        except RuntimeError as error:
            plain(batch)  # raises what is not the compiler's
            raise ModelError(
                f"training.compile: the network cannot be compiled here ({_cause(error)}); "
                "set it to false, or install a C++ compiler (on a GPU: triton)"
            ) from error

    return classify


def _cause(error: Exception) -> str:
    lines = [line.strip() for line in str(error).partition("Set TORCHDYNAMO")[0].splitlines()]
    return " ".join(line for line in lines[:2] if line) or type(error).__name__


def learning_rate_factor(step: int, warmup: int, total: int) -> float:
    """Return the learning rate over its peak: linear up to `warmup`, then half a cosine to 0."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1, total - warmup))))


def average_decay(decay: float, step: int) -> float:
    """Return the decay of averaged weights after `step` steps: at first the average is short.

    Otherwise the random weights of the beginning would stay in it; it reaches back over a tenth of
    the steps, until that is more than `decay` stands for.
    """
    return min(decay, (1 + step) / (10 + step))
