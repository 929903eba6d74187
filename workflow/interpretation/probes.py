"""What a trained network looks at: arrays of events, for tables and figures.

Attention of the kinematic tokens to the constituents, Grad-CAM, the outputs of layers, the gates of
differential attention.
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from captum.attr import LayerGradCam
from torch import Tensor, nn

from common.errors import ModelError
from models.networks.attention import Attention, CrossAttentionLayer
from models.networks.batch import Batch
from models.networks.cross_attention import CrossAttentionNetwork
from models.networks.iaformer import DifferentialAttention

STREAMS = ("jets.0", "jets.1", "kinematics")


def with_encoders_apart(network: nn.Module) -> nn.Module:
    """Return a network whose fat jets share an encoder with a copy of it for fat jet 2.

    The same numbers come out, and each jet has layers of its own to look into.
    """
    network = copy.deepcopy(network)
    encoder = network.get_submodule("jets.0")
    network.jets = nn.ModuleList([encoder, copy.deepcopy(encoder)])
    return network


def streams(network: nn.Module) -> list[str]:
    """Return the names of the network's streams that have layers, of `STREAMS`."""
    names = {name for name, module in network.named_modules() if isinstance(module, nn.ModuleList)}
    return [
        name
        for name in STREAMS
        if f"{name}.layers" in names and len(_layers(network, name))  # none: nothing to look at
    ]


def _layers(network: nn.Module, stream: str) -> nn.ModuleList:
    layers = network.get_submodule(f"{stream}.layers" if stream else "layers")
    assert isinstance(layers, nn.ModuleList)
    return layers


@contextmanager
def _hooked(modules: dict[str, nn.Module], hook: Callable[..., None]) -> Iterator[None]:
    """Call `hook(name, module, inputs, output)` behind each module for a while."""
    handles = [
        module.register_forward_hook(lambda m, i, o, name=name: hook(name, m, i, o))
        for name, module in modules.items()
    ]
    try:
        with torch.no_grad():
            yield
    finally:
        for handle in handles:
            handle.remove()


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
    weights: dict[str, np.ndarray] = {}

    def keep(name: str, module: Any, inputs: tuple[Tensor, ...], _: Tensor) -> None:
        arguments = inputs if isinstance(module, Attention) else inputs[1:]
        weights[name] = module.weights(*arguments).detach().cpu().numpy()

    kinds = Attention | DifferentialAttention
    layers: dict[str, nn.Module] = {
        name: module for name, module in network.named_modules() if isinstance(module, kinds)
    }
    if not layers:
        raise ModelError(f"{type(network).__name__} has no attention layers to look into")
    with _hooked(layers, keep):
        network(batch)
    return weights


def cross_attention(network: nn.Module, batch: Batch) -> np.ndarray:
    """Return the attention of the kinematic tokens to the constituents, mean over heads.

    Parameters
    ----------
    network : Module
        A `CrossAttentionNetwork` with the fusion `tokens`, in evaluation mode.
    batch : Batch
        B events of N constituents in each fat jet.

    Returns
    -------
    ndarray [B, layers, Q, 2, N]
        Sums to 1 over both jets; zero for padding, and for constituents that the jet encoder
        leaves out.

    Raises
    ------
    ModelError
        If the network has no such attention.
    """
    if not isinstance(network, CrossAttentionNetwork) or network.fusion != "tokens":
        raise ModelError(
            f"{type(network).__name__} has no cross-attention to single constituents: only "
            "architecture cross_attention with fusion: tokens has"
        )
    weights = attention_weights(network, batch)
    names = [f"layers.{number}.attention" for number in range(len(_layers(network, "")))]
    mean = np.stack([weights[name].mean(1) for name in names], axis=1)
    each = mean.reshape(*mean.shape[:-1], 2, -1)
    places = batch.constituents.shape[2]
    each = each[..., :places]  # an encoder with a fixed number of places may have more than that
    return np.pad(each, [(0, 0)] * 4 + [(0, places - each.shape[-1])])


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
        One of `streams(network)`.
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
    known = streams(network)
    if stream not in known:
        raise ModelError(f"the network has no stream {stream!r}; it has {', '.join(known)}")

    def score(kinematics: Tensor) -> Tensor:
        logits = network(batch.replace(kinematics=kinematics))
        return logits[:, 1] - logits[:, 0]

    with _probed(_layers(network, stream)) as probe:
        attribution = LayerGradCam(score, probe).attribute(batch.kinematics, relu_attributions=True)
    return attribution.detach().squeeze(1).cpu().numpy()


def layer_outputs(network: nn.Module, batch: Batch) -> dict[str, np.ndarray]:
    """Return what each layer of each stream, and each cross-attention layer, puts out.

    Parameters
    ----------
    network : Module
        In evaluation mode.
    batch : Batch
        B events.

    Returns
    -------
    dict of ndarray [B, D] float64
        Means over the valid tokens, by the layer's name, in the order of the network.
    """
    outputs: dict[str, np.ndarray] = {}

    def keep(name: str, module: Any, inputs: tuple[Tensor, ...], out: Any) -> None:
        tokens = out[0] if isinstance(out, tuple) else out
        # the last input is the mask of the layer's own tokens; of cross-attention, the context's
        mask = None if isinstance(module, CrossAttentionLayer) else inputs[-1]
        if mask is None or mask.dtype != torch.bool:
            mask = torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)
        kept = tokens.double().masked_fill(~mask.unsqueeze(-1), 0.0).sum(1)
        outputs[name] = (kept / mask.sum(1, keepdim=True).clamp(min=1)).cpu().numpy()

    layers = {
        f"{name}.{number}": layer
        for name, module in network.named_modules()
        if name.split(".")[-1] == "layers" and isinstance(module, nn.ModuleList)
        for number, layer in enumerate(module)
    }
    with _hooked(layers, keep):
        network(batch)
    return {name: outputs[name] for name in layers if name in outputs}


def gates(network: nn.Module) -> list[tuple[str, int, float]]:
    """Return (layer, head, β) of every differential attention, in the order of the network."""
    return [
        (name.removesuffix(".attention"), head, float(value))
        for name, module in network.named_modules()
        if isinstance(module, DifferentialAttention)
        for head, value in enumerate(module.beta.detach())
    ]
