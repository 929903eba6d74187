"""From the name of an architecture to its network; free of torch until one is built."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, TypeVar

from models.errors import ModelError
from models.specs import Custom, Features

if TYPE_CHECKING:
    from torch import nn

T = TypeVar("T")

ARCHITECTURES = {
    "cross_attention": "models.cross_attention:CrossAttentionNetwork",
    "concatenation": "models.cross_attention:ConcatenationNetwork",
    "constituents": "models.cross_attention:ConstituentsNetwork",
    "kinematics": "models.kinematics:KinematicsNetwork",
    "jet_tagger": "models.jet_tagger:JetTaggerNetwork",
    "particle_transformer": "models.peers:ParticleTransformerNetwork",
    "particle_net": "models.peers:ParticleNetNetwork",
    "lgatr": "models.peers_lgatr:LGATrNetwork",
    "high_level_mlp": "models.high_level:HighLevelNetwork",
    "high_level_bdt": "models.trees:TreesNetwork",
}
"""Where the network of each architecture lives; imported when it is asked for."""

JET_ENCODERS = {
    "self_attention": "models.encoders:SelfAttentionJetEncoder",
    "mixer": "models.mixer:MixerJetEncoder",
    "iaformer": "models.iaformer:IAFormerJetEncoder",
}
"""Where the jet encoder of each kind lives."""


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
    from torch import nn

    return load_class(_target(spec), nn.Module)(spec, features)


def modules_of(spec: Any) -> tuple[str, ...]:
    """Return the import paths of the modules that hold the network and its jet encoder."""
    targets = [_target(spec)]
    if hasattr(spec, "jet_encoder"):
        targets.append(JET_ENCODERS[spec.jet_encoder.kind])
    return tuple(target.partition(":")[0] for target in targets)


def _target(spec: Any) -> str:
    if isinstance(spec, Custom):
        return spec.target
    if spec.architecture not in ARCHITECTURES:
        known = ", ".join([*ARCHITECTURES, "custom"])
        raise ModelError(f"unknown architecture {spec.architecture!r}; known: {known}")
    return ARCHITECTURES[spec.architecture]


def load_class(target: str, base: type[T]) -> type[T]:
    """Return the class that `package.module:Class` names, which must be a `base`.

    Raises
    ------
    ModelError
        If it cannot be imported, or is something else.
    """
    module_name, _, class_name = target.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise ModelError(
            f"the network {target} cannot be imported: {error}; install what it needs "
            "(networks of others: pip install 'boosted-hh4b[peers]'), or put its folder on "
            "PYTHONPATH"
        ) from error
    found = getattr(module, class_name, None)
    if not (isinstance(found, type) and issubclass(found, base)):
        raise ModelError(f"{target} is no {base.__name__} class; name one as package.module:Class")
    return found
