"""What a trained network looks at: arrays for tables and figures.

Attention maps on the plane of the oriented jet, Grad-CAM, similarity between layers, the gates of
differential attention, and what is lost when one input is shuffled among events.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from captum.attr import LayerGradCam
from torch import Tensor, nn

from models.attention import Attention
from models.batch import Batch, Events
from models.errors import ModelError
from models.iaformer import DifferentialAttention
from models.inference import log_odds
from models.specs import Features


def attention_weights(network: nn.Module, batch: Batch) -> dict[str, np.ndarray]:
    """Return the attention of every layer for every event.

    Parameters
    ----------
    network : Module
        In evaluation mode.
    batch : Batch
        B events.

    Returns
    -------
    dict of ndarray [B, heads, queries, keys]
        By the layer's name in the network. Keys of cross-attention with the fusion `tokens` are
        the constituents of fat jet 1, then those of fat jet 2. Zero for padding.

    Raises
    ------
    ModelError
        If the network has no attention layer of ours.
    """
    found: dict[str, np.ndarray] = {}

    def keep(name: str) -> object:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...], _: Tensor) -> None:
            arguments = inputs if isinstance(module, Attention) else inputs[1:]
            found[name] = module.weights(*arguments).cpu().numpy()  # type: ignore[operator]

        return hook

    layers = {
        name: module
        for name, module in network.named_modules()
        if isinstance(module, Attention | DifferentialAttention)
    }
    if not layers:
        raise ModelError(f"{type(network).__name__} has no attention layers to look into")
    hooks = [module.register_forward_hook(keep(name)) for name, module in layers.items()]  # type: ignore[arg-type]
    try:
        with torch.no_grad():
            network(batch)
    finally:
        for hook in hooks:
            hook.remove()
    return found


def attention_on_plane(
    weights: np.ndarray, batch: Batch, features: Features, edges: np.ndarray
) -> np.ndarray:
    """Return cross-attention, averaged over events and heads, on the (η′, φ′) plane.

    Parameters
    ----------
    weights : ndarray [B, heads, Q, 2N]
        Of a cross-attention layer with the fusion `tokens`.
    batch : Batch
        The same events.
    features : Features
    edges : ndarray [bins + 1]
        Bin edges of both axes [rad].

    Returns
    -------
    ndarray [2, Q, bins, bins]
        For each fat jet and kinematic token: the attention in each bin (η′ first); the sum over
        jets and bins is at most 1, less what lies outside the edges.
    """
    plane = [features.constituents.index(name) for name in ("eta", "phi")]
    position = batch.constituents[..., plane].flatten(1, 2).cpu().numpy().reshape(-1, 2)
    events, _, queries, keys = weights.shape
    mean = weights.mean(1)
    jet = np.broadcast_to(np.arange(keys) >= keys // 2, (events, keys)).ravel()
    result = np.empty((2, queries, len(edges) - 1, len(edges) - 1))
    for query in range(queries):
        flat = mean[:, query].ravel()
        for number in (0, 1):
            chosen = jet == number
            eta, phi = position[chosen].T
            result[number, query], _, _ = np.histogram2d(
                eta, phi, bins=[edges, edges], weights=flat[chosen] / events
            )
    return result


class _ChannelsFirst(nn.Module):
    """A layer whose tokens [B, N, D] pass a probe as [B, D, N], the order captum expects."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer
        self.probe = nn.Identity()

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        out = self.layer(*inputs)
        if isinstance(out, tuple):
            return self.probe(out[0].transpose(1, 2)).transpose(1, 2), *out[1:]
        return self.probe(out.transpose(1, 2)).transpose(1, 2)


@contextmanager
def _probed(layers: nn.ModuleList) -> Iterator[nn.Module]:
    """Put a probe behind the last of `layers` for a while."""
    last = len(layers) - 1
    original = layers[last]
    wrapper = _ChannelsFirst(original)
    layers[last] = wrapper
    try:
        yield wrapper.probe
    finally:
        layers[last] = original


def grad_cam(network: nn.Module, stream: str, batch: Batch) -> np.ndarray:
    """Return Grad-CAM of the log-odds over the tokens of one stream.

    ReLU(Σ_d (mean_n ∂(log-odds)/∂A_nd) A_nd) with A the output of the stream's last layer
    (arXiv:1610.02391, captum's `LayerGradCam`).

    Parameters
    ----------
    network : Module
        In evaluation mode.
    stream : str
        Name of the stream in the network: "jets.0", "jets.1" or "kinematics".
    batch : Batch
        B events.

    Returns
    -------
    ndarray [B, N]
        Not negative.

    Raises
    ------
    ModelError
        If the network has no such stream of layers.
    """
    streams = {
        name.removesuffix(".layers")
        for name, module in network.named_modules()
        if name.endswith(".layers") and isinstance(module, nn.ModuleList) and len(module)
    }
    if stream not in streams:
        raise ModelError(
            f"the network has no stream {stream!r}; it has {', '.join(sorted(streams))}"
        )
    layers = network.get_submodule(f"{stream}.layers")
    assert isinstance(layers, nn.ModuleList)

    def score(kinematics: Tensor) -> Tensor:
        logits = network(batch.replace(kinematics=kinematics))
        return logits[:, 1] - logits[:, 0]

    with _probed(layers) as probe:
        cam = LayerGradCam(score, probe)
        found = cam.attribute(batch.kinematics, relu_attributions=True)
    return found.detach().squeeze(1).cpu().numpy()


def hsic(m: np.ndarray, n: np.ndarray) -> float:
    """Return Tr(M H N H) / (d − 1)² of two Gram matrices [d, d], H = 1 − 1/d."""
    size = len(m)
    centring = np.eye(size) - 1 / size
    return float(np.trace(m @ centring @ n @ centring) / (size - 1) ** 2)


def cka(x: np.ndarray, y: np.ndarray) -> float:
    """Return the centred kernel alignment of two layers' outputs for the same d events.

    HSIC(M, N) / √(HSIC(M, M) HSIC(N, N)) with M = X Xᵀ and N = Y Yᵀ; 1 means that one layer is a
    rotation and scaling of the other (arXiv:1905.00414).

    Parameters
    ----------
    x : ndarray [d, h₁]
    y : ndarray [d, h₂]
    """
    m, n = x @ x.T, y @ y.T
    return hsic(m, n) / np.sqrt(hsic(m, m) * hsic(n, n))


def layer_similarity(network: nn.Module, batch: Batch) -> tuple[list[str], np.ndarray]:
    """Return the names of a network's layers and the matrix of their CKA.

    A layer's output for an event is the mean over its tokens.
    """
    outputs: dict[str, np.ndarray] = {}

    def keep(name: str) -> object:
        def hook(_: nn.Module, __: object, out: Tensor | tuple[Tensor, ...]) -> None:
            tokens = out[0] if isinstance(out, tuple) else out
            outputs[name] = tokens.mean(1).double().cpu().numpy()

        return hook

    layers = {
        f"{name}.{number}": layer
        for name, module in network.named_modules()
        if name.split(".")[-1] == "layers" and isinstance(module, nn.ModuleList)
        for number, layer in enumerate(module)
    }
    hooks = [layer.register_forward_hook(keep(name)) for name, layer in layers.items()]  # type: ignore[arg-type]
    try:
        with torch.no_grad():
            network(batch)
    finally:
        for hook in hooks:
            hook.remove()
    names = list(outputs)
    matrix = np.array([[cka(outputs[a], outputs[b]) for b in names] for a in names])
    return names, matrix


def gates(network: nn.Module) -> list[tuple[str, int, float]]:
    """Return (layer, head, β) of every differential attention, in the order of the network."""
    return [
        (name, head, float(value))
        for name, module in network.named_modules()
        if isinstance(module, DifferentialAttention)
        for head, value in enumerate(module.beta.detach())
    ]


class _Shuffled(Events):
    """Events in which one kinematic column of the fat jets comes from other events."""

    def __init__(self, events: Events, column: int, order: np.ndarray) -> None:
        self.events, self.column = events, column
        self.values = events.array("kinematics")[order][..., column]

    def __len__(self) -> int:
        return len(self.events)

    def __getitem__(self, indices: np.ndarray | slice) -> Batch:
        batch = self.events[indices]
        kinematics = batch.kinematics.clone()
        kinematics[..., self.column] = torch.from_numpy(self.values[indices])
        return batch.replace(kinematics=kinematics)


def shuffled_log_odds(
    network: nn.Module,
    events: Events,
    features: Features,
    name: str = "theta",
    repeats: int = 5,
    seed: int = 1,
) -> np.ndarray:
    """Return log-odds with one kinematic feature shuffled among events: permutation importance.

    Parameters
    ----------
    network : Module
    events : Events
        N events.
    features : Features
    name : str
        Kinematic feature.
    repeats : int
    seed : int

    Returns
    -------
    ndarray [1 + repeats, N]
        First without shuffling.
    """
    column, rng = features.kinematics.index(name), np.random.default_rng(seed)
    orders = [rng.permutation(len(events)) for _ in range(repeats)]
    shuffled = [log_odds(network, _Shuffled(events, column, order)) for order in orders]
    return np.stack([log_odds(network, events), *shuffled])
