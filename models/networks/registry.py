"""From the name of an architecture to its network; free of torch until one is built."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from common.errors import ModelError
from common.files import expanded
from models.config.specs import Custom, Features

if TYPE_CHECKING:
    from torch import nn

T = TypeVar("T")

ARCHITECTURES = {
    "cross_attention": "models.networks.cross_attention:CrossAttentionNetwork",
    "concatenation": "models.networks.cross_attention:ConcatenationNetwork",
    "constituents": "models.networks.cross_attention:ConstituentsNetwork",
    "kinematics": "models.networks.kinematics:KinematicsNetwork",
    "jet_tagger": "models.networks.jet_tagger:JetTaggerNetwork",
    "particle_transformer": "models.networks.peers:ParticleTransformerNetwork",
    "particle_net": "models.networks.peers:ParticleNetNetwork",
    "lgatr": "models.networks.peers_lgatr:LGATrNetwork",
    "pfn": "models.taggers.energy_flow:PFNNetwork",
    "efn": "models.taggers.energy_flow:EFNNetwork",
    "p_cnn": "models.taggers.p_cnn:PCNNNetwork",
    "jet_image_cnn": "models.taggers.jet_image:JetImageNetwork",
    "lund_net": "models.taggers.lund_net:LundNetNetwork",
    "mipart": "models.taggers.mipart:MIParTNetwork",
    "lorentz_net": "models.taggers.lorentz_net:LorentzNetNetwork",
    "pelican": "models.taggers.pelican:PelicanNetwork",
    "lgatr_slim": "models.taggers.lgatr_slim:LGATrSlimNetwork",
    "lloca": "models.taggers.lloca:LLoCaNetwork",
    "high_level_mlp": "models.networks.high_level:HighLevelNetwork",
    "high_level_bdt": "models.training.trees:TreesNetwork",
}
"""Where the network of each architecture lives; imported when it is asked for."""

OPTIONAL_PACKAGES = {
    "particle_transformer": "weaver",
    "particle_net": "weaver",
    "lgatr": "lgatr",
    "lgatr_slim": "lgatr",
}
"""What the networks of others import that envs/requirements.txt does not have."""

JET_ENCODERS = {
    "self_attention": "models.networks.encoders:SelfAttentionJetEncoder",
    "mixer": "models.networks.mixer:MixerJetEncoder",
    "iaformer": "models.networks.iaformer:IAFormerJetEncoder",
}
"""Where the jet encoder of each kind lives."""


def build(spec: Any, features: Features) -> nn.Module:
    """Return the untrained network that a specification describes.

    Parameters
    ----------
    spec : one of `models.config.specs.NetworkSpec`
    features : Features
        Names of the columns of the dataset.

    Returns
    -------
    Module
        Maps a `models.networks.batch.Batch` to logits [B, classes], one each of
        `features.classes`.

    Raises
    ------
    ModelError
        If the architecture is unknown (lists the known ones), its class cannot be imported, or
        the dataset lacks a feature that it needs.
    """
    from torch import nn

    return load_class(_target(spec), nn.Module)(spec, features)


def modules_of(spec: Any) -> tuple[str, ...]:
    """Return the modules, or files, that hold the network and its jet encoder."""
    targets = [_target(spec)]
    if spec.encoder_kind is not None:
        targets.append(JET_ENCODERS[spec.encoder_kind])
    return tuple(target.rpartition(":")[0] for target in targets)


def missing_package(spec: Any) -> str | None:
    """Return the optional package that the network needs and that is not installed here."""
    package = OPTIONAL_PACKAGES.get(spec.architecture)
    absent = package is not None and importlib.util.find_spec(package) is None
    return package if absent else None


def require_packages(specs: Iterable[Any]) -> None:
    """Raise a ModelError that names the networks whose optional packages are not installed here."""
    lacking = {spec.name: package for spec in specs if (package := missing_package(spec))}
    if lacking:
        said = "; ".join(f"the network {name} needs {package}" for name, package in lacking.items())
        raise ModelError(f"{said}, not installed here: pip install -r envs/requirements-peers.txt")


def _target(spec: Any) -> str:
    if isinstance(spec, Custom):
        return spec.target
    if spec.architecture not in ARCHITECTURES:
        known = ", ".join([*ARCHITECTURES, "custom"])
        raise ModelError(f"unknown architecture {spec.architecture!r}; known: {known}")
    return ARCHITECTURES[spec.architecture]


def load_class(target: str, base: type[T]) -> type[T]:
    """Return the class that `package.module:Class` or `file.py:Class` names, a `base`.

    Raises
    ------
    ModelError
        If it cannot be imported, or is something else.
    """
    module_name, _, class_name = target.rpartition(":")
    try:
        load = _load_file if module_name.endswith(".py") else importlib.import_module
        module = load(module_name)
    except (ImportError, OSError, SyntaxError) as error:
        raise ModelError(
            f"the network {target} cannot be imported: {error}; install what it needs "
            "(networks of others: pip install -r envs/requirements-peers.txt), name its file as "
            "in my_networks.py:DeepSets, or put the folder of its package on PYTHONPATH"
        ) from error
    found = getattr(module, class_name, None)
    if not (isinstance(found, type) and issubclass(found, base)):
        raise ModelError(
            f"{target} is no {base.__name__} class; name one as file.py:Class or "
            "package.module:Class"
        )
    return found


@cache
def _load_file(path: str) -> ModuleType:
    """Return the module that a file holds; its folder does not come onto Python's path."""
    file = expanded(path)
    spec = importlib.util.spec_from_file_location(f"network_{Path(file).stem}", file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no file of Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # as its dataclasses and pickles need it
    spec.loader.exec_module(module)
    return module
