"""The one training loop, for every network.

Weighted cross entropy, AdamW with decoupled weight decay, linear warm-up and cosine decay, and
the weights of the epoch with the smallest validation loss. A training that is interrupted goes on
from its last finished epoch to the same result, bit for bit on one kind of CPU.
"""

import logging
import math
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, RichProgressBar
from lightning.pytorch.plugins.environments import LightningEnvironment
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from common.files import atomic_path
from models.batch import Batch
from models.calibration import fit_calibration
from models.checkpoint import TrainedModel, describe, save
from models.data import Batches, Data, in_order
from models.errors import ModelError
from models.inference import device_of
from models.normalisation import fit_normalisation
from models.registry import build
from models.resume import FitsItself, Progress, fingerprint
from models.specs import Training

log = logging.getLogger(__name__)

HISTORY = "history.csv"
COLUMNS = ("epoch", "train_loss", "val_loss", "learning_rate")


class Loop(lightning.LightningModule):
    """A network in training: one epoch of steps, one validation, one line of history."""

    def __init__(
        self, network: nn.Module, training: Training, data: Data, seed: int, progress: Progress
    ) -> None:
        super().__init__()
        self.network = network
        self.training_settings = training
        self.data = data
        self.seed = seed
        self.progress = progress
        self.first_epoch = len(progress.history)
        self.steps_per_epoch = math.ceil(len(data.train.label) / training.batch_size)

    @property
    def epoch(self) -> int:
        """Epoch of the whole training, across interruptions."""
        return self.first_epoch + self.current_epoch

    def train_dataloader(self) -> Batches:
        # Order and dropout follow from seed and epoch alone: nothing to keep for a resumption.
        sequence = np.random.SeedSequence([self.seed, self.epoch])
        torch.manual_seed(int(sequence.generate_state(1)[0]))
        rng = np.random.default_rng(sequence)
        order = rng.permutation(len(self.data.train.label))
        return Batches(self.data.train, self.training_settings.batch_size, order, rng)

    def val_dataloader(self) -> Batches:
        return in_order(self.data.validation, 4 * self.training_settings.batch_size, self.seed)

    def transfer_batch_to_device(self, batch: Any, device: torch.device, _: int) -> Any:
        return tuple(part.to(device) for part in batch)

    def configure_optimizers(self) -> Any:
        settings = self.training_settings
        optimizer = torch.optim.AdamW(
            self.network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
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

    def loss(self, batch: tuple[Batch, Tensor, Tensor]) -> Tensor:
        """Return the weighted losses of the events [B]."""
        events, label, weight = batch
        return weight * cross_entropy(self.network(events).float(), label, reduction="none")

    def on_train_epoch_start(self) -> None:
        self.train_sum = torch.zeros((), dtype=torch.float64, device=self.device)

    def training_step(self, batch: Any, _: int) -> Tensor:
        losses = self.loss(batch)
        self.train_sum += losses.detach().double().sum()
        return losses.mean()

    def on_train_batch_end(self, *_: Any) -> None:
        self.progress.average(self.network, self.training_settings.ema)

    def on_validation_epoch_start(self) -> None:
        self.progress.swap(self.network)
        self.val_sum = torch.zeros((), dtype=torch.float64, device=self.device)

    def validation_step(self, batch: Any, _: int) -> None:
        self.val_sum += self.loss(batch).double().sum()

    def on_validation_epoch_end(self) -> None:
        val_loss = self.val_sum.item() / len(self.data.validation.label)
        self.progress.keep_best(self.network, val_loss)
        self.progress.swap(self.network)

    def on_train_epoch_end(self) -> None:
        train_loss = self.train_sum.item() / len(self.data.train.label)
        val_loss = self.progress.last_loss
        if not (math.isfinite(train_loss) and math.isfinite(val_loss)):
            raise ModelError(
                f"the training diverged in epoch {self.epoch + 1} (training loss {train_loss}, "
                f"validation loss {val_loss}): look for NaN in the dataset, or lower "
                f"training.learning_rate (now {self.training_settings.learning_rate:g})"
            )
        rate = self.optimizers().param_groups[0]["lr"]  # type: ignore[union-attr]
        self.progress.history.append((self.epoch + 1, train_loss, val_loss, rate))
        log.info(
            "%d of %d epochs: training loss %.5f, validation loss %.5f",
            *(self.epoch + 1, self.training_settings.epochs, train_loss, val_loss),
        )
        self.progress.store(self.network, self.optimizers().optimizer)  # type: ignore[union-attr]
        self.trainer.should_stop = self.progress.stale >= self.training_settings.patience


def learning_rate_factor(step: int, warmup: int, total: int) -> float:
    """Return the learning rate over its peak: linear up to `warmup`, then half a cosine to 0."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1, total - warmup))))


def train(
    spec: Any,
    training: Training,
    data: Data,
    seed: int,
    folder: str | Path,
    extra: Mapping[str, Any] | None = None,
) -> TrainedModel:
    """Train a network and write it to `folder`.

    Parameters
    ----------
    spec : one of `models.specs.NetworkSpec`
    training : Training
        `training.seeds` is not used: one call trains one seed.
    data : Data
        Training and validation events with labels and training weights.
    seed : int
        Seeds the initial weights, the order of events and dropout.
    folder : path
        Receives `model.safetensors`, `model.json`, `history.csv`, and while the training runs
        `resume.safetensors`, from which an interrupted call goes on.
    extra : mapping, optional
        Further entries of `model.json`, such as the version of the code.

    Returns
    -------
    TrainedModel
        With the weights of the best epoch.

    Raises
    ------
    ModelError
        If the data lack what the network needs, or the training diverges.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    device = device_of(training.accelerator)
    torch.set_num_threads(training.threads)
    with _reproducible(seed):
        network = build(spec, data.features)
        fit_normalisation(network, (batch[0] for batch in in_order(data.train, 1024, seed)))
        identity = fingerprint(spec, training, data, seed)
        progress = Progress.open(folder, identity, network)
        if isinstance(network, FitsItself):
            network.fit(data.train, data.validation, seed, progress)
        else:
            _run(network, training, data, seed, progress, device)
    network.load_state_dict(progress.best)
    batches = in_order(data.validation, 4 * training.batch_size, seed)
    calibration = fit_calibration(network, batches, training.calibration, device)
    best = min(progress.history, key=lambda row: row[2])
    description = describe(
        network.cpu(),
        spec,
        training,
        data.features,
        {
            "seed": seed,
            "best_epoch": best[0],
            "best_val_loss": best[2],
            "calibration": calibration._asdict(),
            **(extra or {}),
        },
    )
    with atomic_path(folder / HISTORY) as path:
        lines = [",".join(COLUMNS), *(",".join(map(_number, row)) for row in progress.history)]
        path.write_text("\n".join(lines) + "\n")
    save(folder, network, description)
    progress.close()
    return TrainedModel(network.eval(), spec, data.features, description)


def _run(
    network: nn.Module, training: Training, data: Data, seed: int, progress: Progress, device: str
) -> None:
    """Do the epochs that are left."""
    epochs = training.epochs - len(progress.history)
    if epochs <= 0 or progress.stale >= training.patience:
        return
    precision = training.precision
    if precision == "auto":
        has_bf16 = device == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        precision = "bf16-mixed" if has_bf16 else "32-true"
    callbacks: list[Callback] = [RichProgressBar()] if sys.stderr.isatty() else []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning\.")
        trainer = lightning.Trainer(
            accelerator="gpu" if device == "cuda" else device,
            devices=1,
            precision=precision,
            max_epochs=epochs,
            gradient_clip_val=training.gradient_clip,
            reload_dataloaders_every_n_epochs=1,
            num_sanity_val_steps=0,
            logger=False,
            enable_checkpointing=False,
            enable_model_summary=False,
            enable_progress_bar=bool(callbacks),
            callbacks=callbacks,
            plugins=[LightningEnvironment()],  # one process, also under SLURM
            default_root_dir=progress.path.parent,
        )
        trainer.fit(Loop(network, training, data, seed, progress))


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.9g}"


@contextmanager
def _reproducible(seed: int) -> Iterator[None]:
    """Seed torch and let it take deterministic kernels only; put its settings back afterwards."""
    chatty = logging.getLogger("lightning.pytorch")
    level, strict = chatty.level, torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    memory: Any = torch.utils.deterministic
    fill = memory.fill_uninitialized_memory
    try:
        chatty.setLevel(logging.ERROR)
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # for matrix products on a GPU
        torch.use_deterministic_algorithms(True, warn_only=True)
        memory.fill_uninitialized_memory = False
        torch.manual_seed(seed)
        yield
    finally:
        chatty.setLevel(level)
        torch.use_deterministic_algorithms(strict, warn_only=warn_only)
        memory.fill_uninitialized_memory = fill
