"""The tables of what one trained network looks at, signal and background side by side."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.datasets.dataset import Selection
from common.weights import effective_number
from models.config.views import Interpretation
from models.networks.batch import Batch, Events
from models.training.checkpoint import TrainedModel
from models.training.inference import log_odds
from workflow.interpretation.attention import attention_tables
from workflow.interpretation.averages import (
    cka,
    importance,
    jackknife,
    near_subjets,
    share,
    weighted_mean,
)
from workflow.interpretation.inspection import CLASSES, TOKENS, Inspection, draw
from workflow.interpretation.permutation import shuffled_log_odds
from workflow.interpretation.probes import gates, grad_cam, layer_outputs, streams


def look(
    side: Selection, model: TrainedModel, settings: Interpretation, mass_gev: float
) -> dict[str, pd.DataFrame]:
    """Return all tables that the network can fill, by name.

    Parameters
    ----------
    side : Selection
        Test events; those that are looked at are drawn by their weights.
    model : TrainedModel
    settings : Interpretation
    mass_gev : float
        m_H of the signal.
    """
    seen = draw(side, model, settings, mass_gev)
    tables: dict[str, pd.DataFrame] = {"sample": _sample(seen)}
    for view in model.spec.views:
        if view in MAKERS:
            tables |= MAKERS[view](seen)
    return tables


def _sample(seen: Inspection) -> pd.DataFrame:
    rows = [
        {
            "class": name,
            "events": len(seen.of(name)),
            "n_eff": effective_number(seen.weight[seen.of(name)]),
        }
        for name in CLASSES
    ]
    return pd.DataFrame(rows)


def _grad_cam(seen: Inspection) -> dict[str, pd.DataFrame]:
    """Grad-CAM by token: constituents in pT order, kinematic tokens."""
    parts = []
    mask = seen.tensors["constituent_mask"]
    near = near_subjets(seen.tensors, seen.settings.subjet_radius)
    for stream in streams(seen.network):

        def cam(batch: Batch, stream: str = stream) -> NDArray[np.floating]:
            return grad_cam(seen.network, stream, batch)

        found = np.concatenate(seen.each(cam)).astype(np.float64)
        is_jet = stream != "kinematics"
        if is_jet:
            jet = int(stream[-1])
            length = min(found.shape[1], mask.shape[2])
            there = mask[:, jet, :length]
            found = np.where(there, found[:, :length], np.nan)
            inside = share(near[:, jet, :length], np.nan_to_num(found))
        for name in CLASSES:
            own = seen.of(name)
            mean, error = weighted_mean(found[own], seen.weight[own])
            token = (
                [str(place + 1) for place in range(len(mean))] if is_jet else TOKENS[: len(mean)]
            )
            close = weighted_mean(inside[own], seen.weight[own]) if is_jet else (np.nan, np.nan)
            columns: dict[str, Any] = {
                "class": name, "stream": stream, "token": token, "mean": mean, "error": error,
                "events": np.isfinite(found[own]).sum(0),
                "near_subjets": close[0], "near_subjets_error": close[1],
            }  # fmt: skip
            parts.append(pd.DataFrame(columns))
    return {"grad_cam": pd.concat(parts).dropna(subset="mean")}


def _similarity(seen: Inspection) -> dict[str, pd.DataFrame]:
    """CKA between layers within each class; each drawn event counts once."""
    steps = seen.each(lambda batch: layer_outputs(seen.network, batch))
    outputs = {name: np.concatenate([step[name] for step in steps]) for name in steps[0]}
    order = np.random.default_rng(seen.settings.seed).permutation(len(seen.label))
    rows = []
    for kind in CLASSES:
        own = seen.of(kind)
        shuffled = own[np.argsort(order[own])]
        for first, x in outputs.items():
            for second, y in outputs.items():

                def alike(
                    chosen: NDArray[np.intp], x: NDArray = x[own], y: NDArray = y[own]
                ) -> float:
                    return cka(x[chosen], y[chosen])

                value, error = jackknife(alike, len(own))
                chance = cka(x[own], y[shuffled])
                rows.append(
                    {"class": kind, "layer": first, "other": second, "cka": value,
                     "error": error, "by_chance": chance}
                )  # fmt: skip
    return {"similarity": pd.DataFrame(rows)}


def _gates(seen: Inspection) -> dict[str, pd.DataFrame]:
    found = gates(seen.network)
    return {"gates": pd.DataFrame(found, columns=["layer", "head", "beta"])}


def _permutation(seen: Inspection) -> dict[str, pd.DataFrame]:
    """What is lost of the AUC when one kinematic feature is shuffled among all drawn events."""
    events, features = Events(seen.tensors), seen.model.features
    before = log_odds(seen.network, events, mass_gev=seen.mass)
    rows = []
    for name in features.kinematics:
        shuffled = shuffled_log_odds(
            seen.network, events, features, name, seen.settings.repeats,
            seen.settings.seed, seen.mass,
        )  # fmt: skip
        found = importance(before, shuffled, seen.label == 1, seen.weight)
        rows.append({"feature": name, **found})
    return {"permutation": pd.DataFrame(rows)}


MAKERS: dict[str, Callable[[Inspection], dict[str, pd.DataFrame]]] = {
    "attention": attention_tables,
    "grad_cam": _grad_cam,
    "similarity": _similarity,
    "gates": _gates,
    "permutation": _permutation,
}
"""What fills the tables of each view; `attention` fills those of `attention_events` too."""
