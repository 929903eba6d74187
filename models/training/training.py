"""Training a network: from a specification and events to a folder.

The weights are those of the epoch with the smallest validation loss. A training that is interrupted
goes on from its last finished epoch to the same result, bit for bit on one kind of CPU.
"""

import logging
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, RichProgressBar
from lightning.pytorch.plugins.environments import LightningEnvironment
from torch import nn

from common.files import atomic_path
from models.config.specs import Training
from models.networks.normalisation import fit_normalisation
from models.networks.registry import build
from models.training.calibration import fit_calibration
from models.training.checkpoint import TrainedModel, describe, save
from models.training.data import Data, in_order
from models.training.devices import device_of, free_gpu, keep_freed_memory, torch_device
from models.training.loop import Loop
from models.training.resume import Progress, SelfFitting, fingerprint

HISTORY = "history.csv"
COLUMNS = ("epoch", "train_loss", "val_loss", "learning_rate")


def train(
    spec: Any,
    training: Training,
    data: Data,
    seed: int,
    folder: str | Path,
    extra: Mapping[str, Any] | None = None,
    keep_state: bool = False,
    code: str = "",
) -> TrainedModel:
    """Train a network and write it to `folder`.

    Parameters
    ----------
    spec : one of `models.config.specs.NetworkSpec`
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
    keep_state : bool
        Whether `resume.safetensors` stays behind the end, from which the next call makes the same
        model without training.
    code : str
        Digest of the sources that the training runs; a state of other sources is not taken up.

    Returns
    -------
    TrainedModel
        With the weights of the best epoch.

    Raises
    ------
    ModelError
        If the data lack what the network needs, a device is not there, or the training diverges.

    Notes
    -----
    With `training.devices` above one, the program is started once more for each further device,
    with `LOCAL_RANK` in its environment; these processes come here too, and write nothing.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    device = device_of(training.accelerator, training.devices)
    torch.set_num_threads(training.threads)
    keep_freed_memory()
    with _reproducible(seed):
        network = build(spec, data.features)
        both_orders = training.exchange_jets and spec.sees_fat_jets
        fit_normalisation(network, (batch[0] for batch in in_order(data.train, 1024, seed)))
        identity = fingerprint(spec, training, data, seed, code)
        progress = Progress.open(folder, identity, network)
        if isinstance(network, SelfFitting):
            both_orders = False
            network.fit(data.train, data.validation, seed, progress)
        else:
            _run(network, training, data, seed, progress, device, both_orders)
    network.load_state_dict(progress.best)
    if is_worker(training):
        return TrainedModel(network.cpu().eval(), spec, data.features, {})
    batches = in_order(data.validation, 4 * training.batch_size, seed)
    method = training.calibration if len(data.features.classes) == 2 else "none"
    calibration = fit_calibration(network, batches, method, both_orders, torch_device(device))
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
            "both_orders": both_orders,
            "calibration": calibration._asdict(),
            **(extra or {}),
        },
    )
    with atomic_path(folder / HISTORY) as path:
        lines = [",".join(COLUMNS), *(",".join(map(_number, row)) for row in progress.history)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    save(folder, network, description)
    if not keep_state:
        progress.close()
    return TrainedModel(network.eval(), spec, data.features, description)


def _run(
    network: nn.Module,
    training: Training,
    data: Data,
    seed: int,
    progress: Progress,
    device: str,
    both_orders: bool,
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
            devices=_devices(training, device),
            strategy="ddp" if training.devices > 1 else "auto",
            precision=precision,
            max_epochs=epochs,
            reload_dataloaders_every_n_epochs=1,
            num_sanity_val_steps=0,
            logger=False,
            enable_checkpointing=False,
            enable_model_summary=False,
            enable_progress_bar=bool(callbacks),
            callbacks=callbacks,
            plugins=[LightningEnvironment()],  # it starts the processes, also under SLURM
            default_root_dir=progress.path.parent,
        )
        trainer.fit(Loop(network, training, data, seed, progress, both_orders))


def _devices(training: Training, device: str) -> int | list[int]:
    """Return how many devices to work on, or which: one job takes a GPU that is free."""
    alone = device == "cuda" and training.devices == 1
    return [free_gpu()] if alone else training.devices


def is_worker(training: Training) -> bool:
    """Return whether this process only helps another one in the same training."""
    return training.devices > 1 and os.environ.get("LOCAL_RANK", "0") != "0"


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.9g}"


@contextmanager
def _reproducible(seed: int) -> Iterator[None]:
    """Seed torch and let it take deterministic kernels only; put its settings back afterwards."""
    chatty = logging.getLogger("lightning.pytorch")
    level, strict = chatty.level, torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    memory: Any = torch.utils.deterministic  # documented, without types
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
