"""From the tables of what a network looks at to its figures, and the numbers that these show."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.figures.attention import (
    AttendedJet,
    Map,
    Share,
    attention_events_plot,
    attention_plot,
)
from analysis.figures.grad_cam import Cam, grad_cam_plot
from analysis.figures.points import gates_plot, importance_plot
from analysis.figures.similarity import similarity_plot
from analysis.figures.style import PROCESS_LABELS
from models.config.views import View

CLASSES = ("signal", "background")
SYMBOLS = {
    "theta": r"$\theta$", "mass": "$m$", "pt": "$p_T$", "eta": r"$\eta$", "phi": r"$\phi$",
    "energy": "$E$",
}  # fmt: skip
Drawn = tuple[Figure, pd.DataFrame]


def layer_name(name: str) -> str:
    """Return a layer's name for people.

    Examples
    --------
    >>> layer_name("jets.0.layers.1"), layer_name("kinematics.layers.0"), layer_name("layers.1")
    ('jet 1, layer 2', 'kinematics 1', 'cross 2')
    """
    stream, _, number = name.rpartition("layers.")
    layer = int(number) + 1
    if stream.startswith("jets."):
        return f"jet {int(stream.split('.')[1]) + 1}, layer {layer}"
    return f"kinematics {layer}" if stream else f"cross {layer}"


def _counts(folder: Path) -> str:
    sample = pd.read_csv(folder / "sample.csv").set_index("class")
    return ", ".join(rf"{kind} $n_\mathrm{{eff}}$ = {sample.n_eff[kind]:.0f}" for kind in CLASSES)


def attention(folder: Path, title: str) -> Drawn:
    """Attention on the plane, mean over layers, heads and kinematic tokens; shares by token."""
    plane = pd.read_csv(folder / "attention.csv", keep_default_na=False)
    near = pd.read_csv(folder / "near_subjets.csv", keep_default_na=False)
    mean = (plane.amount == "attention") & (plane.layer == "mean") & (plane.token == "mean")
    drawn = plane[mean | (plane.amount == "even")]
    low = np.unique(drawn.eta_low)
    edges = np.append(low, 2 * low[-1] - low[-2])
    maps = {}
    for kind in CLASSES:
        for jet in (1, 2):
            part = drawn[(drawn["class"] == kind) & (drawn.jet == jet)]
            size = (len(low), len(low))
            looked, even = (part[part.amount == amount] for amount in ("attention", "even"))
            values = (looked["mean"], looked["error"], even["mean"])
            maps[kind, jet] = Map(*(x.to_numpy().reshape(size) for x in values))
    chosen = near[(near.amount != "attention") | ((near.layer == "mean") & (near.token != "mean"))]
    shares = []
    for (amount, token), part in chosen.groupby(["amount", "token"], sort=False):
        ordered = part.set_index(["class", "jet"]).loc[
            [(kind, j) for kind in CLASSES for j in (1, 2)]
        ]
        label = {"even": "even attention", "pt": r"$p_T$"}.get(
            str(amount), f"attention, asked by {token}"
        )
        shares.append(
            Share(
                label,
                ordered.near_subjets.to_numpy(),
                ordered.error.to_numpy(),
                amount == "attention",
            )
        )
    return attention_plot(maps, edges, shares, f"{title}; {_counts(folder)}"), drawn


def attention_events(folder: Path, title: str) -> Drawn:
    """Attention of single events over an even one."""
    table = pd.read_csv(folder / "attention_events.csv")
    events: dict[str, list[list[AttendedJet]]] = {kind: [] for kind in CLASSES}
    for (kind, _), event in table.groupby(["class", "event"], sort=True):
        constituents = event[event.kind == "constituent"]
        even = 1 / len(constituents)
        first = event.iloc[0]
        process = PROCESS_LABELS.get(first.process, first.process)
        jets = []
        for jet in (1, 2):
            of_event, subjets = (
                event[(event.kind == part) & (event.jet == jet)]
                for part in ("constituent", "subjet")
            )
            share = of_event.attention.sum()
            jets.append(
                AttendedJet(
                    f"{process}, log-odds {first.log_odds:.1f}\n"
                    f"jet {jet}: {100 * share:.0f}% of the attention",
                    of_event[["eta", "phi"]].to_numpy(),
                    of_event.pt.to_numpy(),
                    of_event.attention.to_numpy() / even,
                    subjets[["eta", "phi"]].to_numpy(),
                    subjets.pt.to_numpy(),
                )
            )
        events[str(kind)].append(jets)
    furthest = float(table[["eta", "phi"]].abs().to_numpy().max())
    return attention_events_plot(events, max(1.0, 1.05 * furthest), title), table


def grad_cam(folder: Path, title: str) -> Drawn:
    """Grad-CAM over the tokens of each stream."""
    table = pd.read_csv(folder / "grad_cam.csv")
    tokens = table[table.stream == "kinematics"].token.unique().tolist()
    streams = {}
    for stream, of_stream in table.groupby("stream", sort=True):
        classes = {}
        for kind in CLASSES:
            part = of_stream[of_stream["class"] == kind]
            near = part.iloc[0]
            classes[kind] = Cam(
                part["mean"].to_numpy(),
                part.error.to_numpy(),
                near.near_subjets,
                near.near_subjets_error,
            )
        name = str(stream)
        streams[f"jet {int(name[-1]) + 1}" if name.startswith("jets") else name] = classes
    return grad_cam_plot(streams, tokens, f"{title}; {_counts(folder)}"), table


def similarity(folder: Path, title: str) -> Drawn:
    """CKA between all layers."""
    table = pd.read_csv(folder / "similarity.csv")
    layers = table.layer.unique().tolist()
    size = (len(layers), len(layers))
    classes = {
        kind: np.array(
            [of_kind[column].to_numpy().reshape(size) for column in ("cka", "error", "by_chance")]
        )
        for kind, of_kind in ((kind, table[table["class"] == kind]) for kind in CLASSES)
    }
    return similarity_plot(classes, [layer_name(name) for name in layers], title), table


def gates(folder: Path, title: str) -> Drawn:
    """β of the differential attention."""
    table = pd.read_csv(folder / "gates.csv")
    stream = table.layer.str.rpartition(".layers.")
    streams = [
        (
            f"jet {int(str(name)[-1]) + 1}",
            np.array([of_layer.beta for _, of_layer in layers.groupby("layer", sort=False)]),
        )
        for name, layers in table.groupby(stream[0], sort=True)
    ]
    return gates_plot(streams, title), table


def permutation(folder: Path, title: str) -> Drawn:
    """AUC lost by shuffling each kinematic feature."""
    table = pd.read_csv(folder / "permutation.csv").sort_values(
        "loss", ascending=False, kind="stable"
    )
    names = [SYMBOLS.get(name, name) for name in table.feature]
    auc = f"AUC = {table.auc.iloc[0]:.3f} ± {table.auc_error.iloc[0]:.3f}"
    figure = importance_plot(names, table.loss.to_numpy(), table.loss_error.to_numpy(), title, auc)
    return figure, table


FIGURES: dict[View, Callable[[Path, str], Drawn]] = {
    "attention": attention,
    "attention_events": attention_events,
    "grad_cam": grad_cam,
    "similarity": similarity,
    "gates": gates,
    "permutation": permutation,
}
