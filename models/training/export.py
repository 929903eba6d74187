"""Trained networks as ONNX files, for programs that know neither torch nor this project.

The file holds the whole network, its standardisation included: it takes the tensors of a dataset as
they are and returns log-odds.
"""

import json
import logging
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from common.errors import ModelError
from common.files import atomic_path
from models.networks.batch import Batch, Events
from models.networks.steps import hypothesis_logits
from models.training.checkpoint import TrainedModel, load
from models.training.inference import calibrated

TOLERANCE = 1e-4
"""Largest difference of log-odds, per unit of max(1, |log-odds|), between torch and ONNX.

Both compute in single precision, and are each up to 2e-5 from double precision.
"""

OUTPUT = "log_odds"


class LogOdds(nn.Module):
    """A calibrated network with tensors of `Batch`, in the order of `names`, for its input."""

    def __init__(self, model: TrainedModel, names: Sequence[str]) -> None:
        super().__init__()
        self.network = model.network
        self.both_orders = model.both_orders
        self.calibration = model.calibration
        self.names = tuple(names)

    def forward(self, *tensors: Tensor) -> Tensor:
        """Return calibrated log-odds [B]."""
        batch = Batch(**dict(zip(self.names, tensors, strict=True)))
        logits = hypothesis_logits(self.network, batch, both_orders=self.both_orders)[0]
        result: Tensor = self.calibration(logits[:, 1] - logits[:, 0])
        return result


def export(folder: str | Path, events: Events, path: str | Path, mass_gev: float = 1000.0) -> float:
    """Write the network in `folder` as an ONNX file, and compare both on events.

    Parameters
    ----------
    folder : path
        As `models.training.training.train` wrote it.
    events : Events
        A few events: their shapes are those that the file takes, and both are compared on them.
    path : path
        File to write. Its inputs are those of `models.networks.batch.Batch`, with any number of
        events; its metadata name the features and the network.
    mass_gev : float
        m_H that a network for all masses is told when both are compared [GeV].

    Returns
    -------
    float
        The largest difference found, as `TOLERANCE` counts it.

    Raises
    ------
    ModelError
        If the packages for ONNX are not installed, the network cannot be exported, or the file
        does not give what the network gives.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401  (torch's exporter needs it)
    except ImportError as error:
        raise ModelError(
            f"writing ONNX needs {error.name}: pip install -r envs/requirements-onnx.txt"
        ) from None
    model = load(folder)
    needs_mass = model.spec.told_mass
    batch = events[np.arange(min(2, len(events)))]
    inputs = [getattr(batch, name) for name in events.names]
    mass = torch.full((len(batch),), mass_gev)
    names = [*events.names, "mass"] if needs_mass else list(events.names)
    with atomic_path(Path(path)) as temporary:
        _write(
            LogOdds(model, names),
            inputs + [mass] * needs_mass,
            names,
            temporary,
        )
        proto = onnx.load(temporary)
        for key, value in _metadata(model).items():
            proto.metadata_props.add(key=key, value=value)
        onnx.save(proto, temporary)
        difference = _difference(model, events, temporary, mass_gev if needs_mass else None)
        if not difference <= TOLERANCE:
            raise ModelError(
                f"the ONNX file of {folder} gives other log-odds than the network, by up to "
                f"{difference:.1e}; allowed is {TOLERANCE:.0e}. Rounding alone moves the masses of "
                "pairs in particle_transformer and lloca so far; with pair_embedding: [] the first "
                "has none"
            )
    return difference


def _stable_sort(
    values: Any, stable: bool | None = None, dim: int = -1, descending: bool = False
) -> Any:
    """Return values and indices of `torch.sort(stable=True)`: ONNX's TopK keeps ties in order."""
    from onnxscript import opset18

    op: Any = opset18
    size = op.Gather(op.Shape(values), op.Constant(value_ints=[dim]))
    return op.TopK(values, size, axis=dim, largest=int(descending), sorted=1)


def _write(network: nn.Module, inputs: list[Tensor], names: list[str], path: Path) -> None:
    events = torch.export.Dim("events", min=1)
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)  # it tells which operators of other packages are not there
    try:
        # The layout of other kernels' results is not that of the operators ONNX has for attention.
        with warnings.catch_warnings(), sdpa_kernel(SDPBackend.MATH):
            warnings.simplefilter("ignore")
            torch.onnx.export(
                network.eval(),
                tuple(inputs),
                path,
                input_names=names,
                output_names=[OUTPUT],
                dynamic_shapes=(tuple({0: events} for _ in inputs),),
                external_data=False,
                custom_translation_table={torch.ops.aten.sort.stable: _stable_sort},
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        raise ModelError(f"this network cannot be written as ONNX: {_cause(error)}") from error
    finally:
        logger.setLevel(level)


def _cause(error: BaseException) -> str:
    """Return the first line of what was wrong at first, without the colours of a terminal."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _metadata(model: TrainedModel) -> dict[str, str]:
    keys = ("network", "features", "code_version", "seed", "samples")
    found = {key: model.description[key] for key in keys if key in model.description}
    return {key: json.dumps(value) for key, value in found.items()}


def _difference(model: TrainedModel, events: Events, path: Path, mass: float | None) -> float:
    found = score(path, events, mass)
    (wanted,) = calibrated(model, events, (mass,), accelerator="cpu")
    return float(np.max(np.abs(found - wanted) / np.maximum(1, np.abs(wanted)), initial=0.0))


def write_reference(
    path: Path, events: Events, is_signal: np.ndarray, folder: str | Path, mass_gev: float
) -> None:
    """Write events and the log-odds that torch gives them, for others to check an ONNX file with.

    Parameters
    ----------
    path : Path
        NumPy archive (`.npz`) to write: the inputs of the ONNX file by name, `is_signal` and
        `log_odds`, [N].
    events : Events
    is_signal : ndarray of bool, [N]
    folder : path
        The network, as `export` takes it.
    mass_gev : float
        m_H that a network for all masses is told [GeV].
    """
    model = load(folder)
    told = mass_gev if model.spec.told_mass else None
    arrays: dict[str, Any] = {name: events.array(name) for name in events.names}
    if told is not None:
        arrays["mass"] = np.full(len(events), told, np.float32)
    arrays["is_signal"] = np.asarray(is_signal, dtype=bool)
    (arrays["log_odds"],) = calibrated(model, events, (told,), accelerator="cpu")
    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, **arrays)


def score(path: str | Path, events: Events, mass_gev: float | None = None) -> np.ndarray:
    """Return the log-odds [N] that an ONNX file gives to the events, by onnxruntime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
    inputs = {name: events.array(name) for name in events.names}
    if mass_gev is not None:
        inputs["mass"] = np.full(len(events), mass_gev, np.float32)
    (result,) = session.run([OUTPUT], inputs)
    return np.asarray(result)
