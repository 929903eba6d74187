"""What a trained network looks at, as tables: columns of equal length, one table per question."""

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import nn

from models.attention import Attention
from models.batch import Batch, Events
from models.interpretation import (
    attention_on_plane,
    attention_weights,
    gates,
    grad_cam,
    layer_similarity,
    shuffled_log_odds,
)
from models.specs import Features

Table = dict[str, Any]
EDGES = np.linspace(-1.0, 1.0, 41)
TOKENS = ("fat jet 1", "fat jet 2", "H")
CLASSES = ("background", "signal")


def tables(
    network: nn.Module, events: Events, label: np.ndarray, features: Features
) -> dict[str, Table]:
    """Return the tables that this network can fill, by name.

    Parameters
    ----------
    network : Module
        In evaluation mode.
    events : Events
        N events, held in memory at once.
    label : ndarray [N]
        1 for signal, 0 for background.
    features : Features

    Returns
    -------
    dict of dict of columns
        `attention`: cross-attention on the (η′, φ′) plane, mean over events and heads;
        `grad_cam`: mean Grad-CAM by stream and token; `similarity`: CKA between layers;
        `gates`: β of differential attention; `permutation`: log-odds of each event, without and
        with θ shuffled.
    """
    classes = {
        name: events[np.flatnonzero(label == kind)]
        for kind, name in enumerate(CLASSES)
        if (label == kind).any()
    }
    streams = [
        name
        for name in ("jets.0", "jets.1", "kinematics")
        if _has_layers(network, f"{name}.layers")
    ]
    crosses = any(
        isinstance(module, Attention) and name.startswith("layers.")
        for name, module in network.named_modules()
    )
    found: dict[str, Table] = {"permutation": _permutation(network, events, label, features)}
    if crosses and getattr(network, "fusion", None) == "tokens":
        found["attention"] = _stack(_attention, network, classes, features)
    if streams:
        found["grad_cam"] = _stack(_grad_cam, network, classes, streams)
        everything = events[np.arange(len(events))]
        names, matrix = layer_similarity(network, everything)
        a, b = np.meshgrid(names, names, indexing="ij")
        found["similarity"] = {"layer": a.ravel(), "other": b.ravel(), "cka": matrix.ravel()}
    if betas := gates(network):
        layer, head, beta = zip(*betas, strict=True)
        found["gates"] = {"layer": layer, "head": head, "beta": beta}
    return found


def _has_layers(network: nn.Module, name: str) -> bool:
    return any(
        found == name and isinstance(module, nn.ModuleList) and len(module) > 0
        for found, module in network.named_modules()
    )


def _stack(
    make: Callable[..., list[tuple[str, Table]]],
    network: nn.Module,
    classes: dict[str, Batch],
    argument: Any,
) -> Table:
    """Return the tables of `make` for both classes, one below the other."""
    parts = []
    for kind, batch in classes.items():
        for layer, columns in make(network, batch, argument):
            length = len(columns["value"])
            parts.append({"class": [kind] * length, "layer": [layer] * length, **columns})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _attention(network: nn.Module, batch: Batch, features: Features) -> list[tuple[str, Table]]:
    centre = (EDGES[1:] + EDGES[:-1]) / 2
    result = []
    for name, weights in attention_weights(network, batch).items():
        if not name.startswith("layers."):
            continue
        plane = attention_on_plane(weights, batch, features, EDGES)
        token = np.array([*TOKENS, "mass hypothesis"][: plane.shape[1]])
        grid = np.meshgrid(np.array([1, 2]), token, centre, centre, indexing="ij")
        columns = dict(zip(("jet", "token", "eta", "phi"), (x.ravel() for x in grid), strict=True))
        result.append((name.removesuffix(".attention"), {**columns, "value": plane.ravel()}))
    return result


def _grad_cam(network: nn.Module, batch: Batch, streams: list[str]) -> list[tuple[str, Table]]:
    result = []
    for stream in streams:
        value = grad_cam(network, stream, batch).mean(0)
        result.append((stream, {"place": np.arange(len(value)), "value": value}))
    return result


def _permutation(
    network: nn.Module, events: Events, label: np.ndarray, features: Features
) -> Table:
    log_odds = shuffled_log_odds(network, events, features)
    repeat = np.repeat(np.arange(len(log_odds)), len(events))
    return {
        "shuffled": np.where(repeat == 0, "nothing", "theta"),
        "repeat": repeat,
        "label": np.tile(label, len(log_odds)),
        "log_odds": log_odds.ravel(),
    }
