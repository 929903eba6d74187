"""From the name of an architecture to its network; free of torch until one is built."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from models.errors import ModelError
from models.specs import Custom, Features

if TYPE_CHECKING:
    from torch import nn

ARCHITECTURES = {
    "cross_attention": "models.cross_attention:CrossAttentionNetwork",
    "concatenation": "models.cross_attention:ConcatenationNetwork",
    "constituents": "models.cross_attention:ConstituentsNetwork",
    "kinematics": "models.kinematics:KinematicsNetwork",
}
"""Where the network of each architecture lives; imported when it is asked for."""


def build(spec: Any, features: Features) -> nn.Module:
    """Return the untrained network that a specification describes.

    Parameters
    ----------
    spec : one of `models.specs.NetworkSpec`
    features : Features
        Names of the columns of the dataset.

    Returns
    -------
    Module
        Maps a `models.batch.Batch` to logits [B, 2].

    Raises
    ------
    ModelError
        If the architecture is unknown (lists the known ones), its class cannot be imported, or
        the dataset lacks a feature that it needs.
    """
    return _load(_target(spec))(spec, features)


def module_of(spec: Any) -> str:
    """Return the import path of the module that holds the network of a specification."""
    return _target(spec).partition(":")[0]


def _target(spec: Any) -> str:
    if isinstance(spec, Custom):
        return spec.target
    if spec.architecture not in ARCHITECTURES:
        known = ", ".join([*ARCHITECTURES, "custom"])
        raise ModelError(f"unknown architecture {spec.architecture!r}; known: {known}")
    return ARCHITECTURES[spec.architecture]


def _load(target: str) -> type[nn.Module]:
    from torch import nn

    module_name, _, class_name = target.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise ModelError(
            f"the network {target} cannot be imported: {error}; install what it needs, or put its "
            "folder on PYTHONPATH"
        ) from error
    network = getattr(module, class_name, None)
    if not (isinstance(network, type) and issubclass(network, nn.Module)):
        raise ModelError(
            f"{target} is not a torch.nn.Module class; name one as package.module:Class"
        )
    return network
