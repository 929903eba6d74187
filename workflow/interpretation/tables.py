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


def interpretation_tables(
    selection: Selection, model: TrainedModel, settings: Interpretation, mass_gev: float
) -> dict[str, pd.DataFrame]:
    """Return all tables that the network can fill, by name.

    Parameters
    ----------
    selection : Selection
        Test events; those that are looked at are drawn by their weights.
    model : TrainedModel
    settings : Interpretation
    mass_gev : float
        m_H of the signal.
    """
    inspection = draw(selection, model, settings, mass_gev)
    tables: dict[str, pd.DataFrame] = {"sample": _sample(inspection)}
    for view in model.spec.views:
        if view in MAKERS:
            tables |= MAKERS[view](inspection)
    return tables


def _sample(inspection: Inspection) -> pd.DataFrame:
    rows = [
        {
            "class": name,
            "events": len(inspection.rows_of(name)),
            "n_eff": effective_number(inspection.weight[inspection.rows_of(name)]),
        }
        for name in CLASSES
    ]
    return pd.DataFrame(rows)


def _grad_cam(inspection: Inspection) -> dict[str, pd.DataFrame]:
    """Grad-CAM by token: constituents in pT order, kinematic tokens."""
    parts = []
    mask = inspection.tensors["constituent_mask"]
    near = near_subjets(inspection.tensors, inspection.settings.subjet_radius)
    for stream in streams(inspection.network):

        def cam(batch: Batch, stream: str = stream) -> NDArray[np.floating]:
            return grad_cam(inspection.network, stream, batch)

        relevance = np.concatenate(inspection.map_batches(cam)).astype(np.float64)
        is_jet = stream != "kinematics"
        if is_jet:
            jet = int(stream[-1])
            length = min(relevance.shape[1], mask.shape[2])
            of_jet = mask[:, jet, :length]
            relevance = np.where(of_jet, relevance[:, :length], np.nan)
            inside = share(near[:, jet, :length], np.nan_to_num(relevance))
        for name in CLASSES:
            index = inspection.rows_of(name)
            mean, error = weighted_mean(relevance[index], inspection.weight[index])
            token = (
                [str(place + 1) for place in range(len(mean))] if is_jet else TOKENS[: len(mean)]
            )
            close = (
                weighted_mean(inside[index], inspection.weight[index])
                if is_jet
                else (np.nan, np.nan)
            )
            columns: dict[str, Any] = {
                "class": name, "stream": stream, "token": token, "mean": mean, "error": error,
                "events": np.isfinite(relevance[index]).sum(0),
                "near_subjets": close[0], "near_subjets_error": close[1],
            }  # fmt: skip
            parts.append(pd.DataFrame(columns))
    return {"grad_cam": pd.concat(parts).dropna(subset="mean")}


def _similarity(inspection: Inspection) -> dict[str, pd.DataFrame]:
    """CKA between layers within each class; each drawn event counts once."""
    steps = inspection.map_batches(lambda batch: layer_outputs(inspection.network, batch))
    outputs = {name: np.concatenate([step[name] for step in steps]) for name in steps[0]}
    order = np.random.default_rng(inspection.settings.seed).permutation(len(inspection.label))
    rows = []
    for kind in CLASSES:
        index = inspection.rows_of(kind)
        shuffled = index[np.argsort(order[index])]
        for first, x in outputs.items():
            for second, y in outputs.items():

                def alike(
                    chosen: NDArray[np.intp], x: NDArray = x[index], y: NDArray = y[index]
                ) -> float:
                    return cka(x[chosen], y[chosen])

                value, error = jackknife(alike, len(index))
                chance = cka(x[index], y[shuffled])
                rows.append(
                    {"class": kind, "layer": first, "other": second, "cka": value,
                     "error": error, "by_chance": chance}
                )  # fmt: skip
    return {"similarity": pd.DataFrame(rows)}


def _gates(inspection: Inspection) -> dict[str, pd.DataFrame]:
    values = gates(inspection.network)
    return {"gates": pd.DataFrame(values, columns=["layer", "head", "beta"])}


def _permutation(inspection: Inspection) -> dict[str, pd.DataFrame]:
    """What is lost of the AUC when one kinematic feature is shuffled among all drawn events."""
    events, features = Events(inspection.tensors), inspection.model.features
    both_orders = inspection.model.both_orders
    before = log_odds(inspection.network, events, inspection.mass, both_orders)
    rows = []
    for name in features.kinematics:
        shuffled = shuffled_log_odds(
            inspection.network, events, features, name, inspection.settings.repeats,
            inspection.settings.seed, inspection.mass, both_orders,
        )  # fmt: skip
        loss = importance(before, shuffled, inspection.label == 1, inspection.weight)
        rows.append({"feature": name, **loss})
    return {"permutation": pd.DataFrame(rows)}


MAKERS: dict[str, Callable[[Inspection], dict[str, pd.DataFrame]]] = {
    "attention": attention_tables,
    "grad_cam": _grad_cam,
    "similarity": _similarity,
    "gates": _gates,
    "permutation": _permutation,
}
"""What fills the tables of each view; `attention` fills those of `attention_events` too."""
