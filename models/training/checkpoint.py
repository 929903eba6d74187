"""A trained network in a folder: safetensors and JSON, so that reading one runs no code of its.

`model.safetensors` holds weights and normalisation constants, `model.json` everything else.
"""

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from textwrap import shorten
from typing import Any

from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn, uint8

from common.errors import ModelError
from common.files import atomic_path
from models.config.specs import Features, NetworkSpec, Training, dump
from models.networks.inputs import parameter_count
from models.networks.registry import build
from models.training.calibration import Calibration, read_calibration

WEIGHTS = "model.safetensors"
DESCRIPTION = "model.json"
DIGEST = "digest"
FORMAT = 1


@dataclass(frozen=True)
class TrainedModel:
    """A network with its weights, and what it was made with.

    Attributes
    ----------
    network : Module
        In evaluation mode.
    spec : NetworkSpec
    features : Features
        Columns of the dataset that it was trained on.
    description : dict
        All of `model.json`.
    """

    network: nn.Module
    spec: Any
    features: Features
    description: dict[str, Any]

    @property
    def both_orders(self) -> bool:
        """Whether the log-odds of an event are the mean of both orders of its fat jets."""
        return bool(self.description.get("both_orders", False))

    @property
    def calibration(self) -> Calibration:
        """What turns the network's log-odds into calibrated ones."""
        return read_calibration(self.description)


def describe(
    network: nn.Module,
    spec: Any,
    training: Training,
    features: Features,
    extra: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what `model.json` holds: network, training, features, versions, size, `extra`."""
    libraries = ("torch", "lightning", "safetensors", "numpy")
    return {
        "format": FORMAT,
        "network": dump(spec),
        "training": {k: v for k, v in dump(training).items() if k not in ("seeds", "masses")},
        "features": dump(features),
        "parameters": parameter_count(network),
        "versions": {
            "python": platform.python_version(),
            **{library: version(library) for library in libraries},
        },
        **extra,
    }


def save(folder: Path, network: nn.Module, description: Mapping[str, Any]) -> None:
    """Write the network into `folder`; each file appears finished or not at all."""
    write_tensors(folder / WEIGHTS, network.state_dict())
    with atomic_path(folder / DESCRIPTION) as path:
        path.write_text(
            json.dumps(description, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )


def unshared(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a copy in which no two tensors share memory, as safetensors wants it."""
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in state.items()}


def load(folder: str | Path, features: Features | None = None) -> TrainedModel:
    """Read a trained network.

    Parameters
    ----------
    folder : path
    features : Features, optional
        Columns of the dataset that it shall score.

    Raises
    ------
    ModelError
        If a file is missing or damaged, the weights are those of another architecture, or the
        network was trained on other features.
    """
    folder = Path(folder)
    description = _read_description(folder / DESCRIPTION)
    try:
        spec: Any = TypeAdapter(NetworkSpec).validate_python(description["network"])
        trained_on = Features.model_validate(description["features"])
    except (KeyError, ValidationError) as error:
        raise ModelError(
            f"{folder / DESCRIPTION} does not describe a network of this version: {error}; "
            "train again"
        ) from None
    if features is not None and (seen := features.seen_by(spec)) != trained_on:
        raise ModelError(_difference(folder, trained_on, seen))
    network = build(spec, trained_on)
    state, _ = read_tensors(folder / WEIGHTS)
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        differences = shorten(str(error).partition("\n")[2], 200, placeholder=" …").rstrip(". ")
        raise ModelError(
            f"{folder / WEIGHTS} holds the weights of another network than {DESCRIPTION} "
            f"(architecture {spec.architecture}) says: {differences}; train again, or "
            "put the two files of one training together"
        ) from None
    read_calibration(description)
    return TrainedModel(network.eval(), spec, trained_on, description)


def write_tensors(
    path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Write a safetensors file; its metadata have a digest of the tensors beside `metadata`."""
    content = unshared(tensors)
    with atomic_path(path) as temporary:
        save_file(content, temporary, {**(metadata or {}), DIGEST: _digest(content)})


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors of a file that `write_tensors` wrote, and its metadata.

    Raises
    ------
    ModelError
        If it is anything else, a pickle too, or a bit of it has changed since.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise ModelError(f"{path} does not exist; train the network first") from None
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(
            f"{path} is not a readable safetensors file ({error}); delete it and train again"
        ) from None
    if metadata.get(DIGEST) != _digest(tensors):
        raise ModelError(
            f"{path} is damaged: its tensors are not those that were written (by their digest); "
            "delete it and train again"
        )
    return tensors, metadata


def _digest(tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().reshape(-1).view(uint8).numpy().data)
    return digest.hexdigest()


def _read_description(path: Path) -> dict[str, Any]:
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{path} does not exist; train the network first") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read ({error}); delete it and train again") from None
    found = description.get("format") if isinstance(description, dict) else None
    if found != FORMAT:
        raise ModelError(f"{path} has format {found!r}, this version reads {FORMAT}; train again")
    return description


def _difference(folder: Path, trained_on: Features, found: Features) -> str:
    for name in Features.model_fields:
        here, there = getattr(trained_on, name), getattr(found, name)
        if here != there:
            return (
                f"the model in {folder} was trained on {name} {list(here)}, the dataset has "
                f"{list(there)}; score a dataset with the same columns, or train again"
            )
    raise AssertionError("the features do not differ")
