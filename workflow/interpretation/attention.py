"""The tables of cross-attention: on the plane, near subjets, and of single events."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.datasets.sampling import priority_sample
from common.features import CONSTITUENT_FEATURES, SUBJET_FEATURES
from models.networks.batch import Events
from models.training.inference import log_odds
from workflow.interpretation.averages import (
    near_subjets,
    on_plane,
    plane_positions,
    share,
    subjets_in_frame,
    weighted_mean,
)
from workflow.interpretation.inspection import CLASSES, TOKENS, Inspection
from workflow.interpretation.probes import cross_attention

EDGES = np.linspace(-1.0, 1.0, 21)
"""Bins of the plane [rad]."""
LOG_PT = {
    "constituents": CONSTITUENT_FEATURES.index("log_pt"),
    "subjets": SUBJET_FEATURES.index("log_pt"),
}


def attention_tables(inspection: Inspection) -> dict[str, pd.DataFrame]:
    """Cross-attention on the plane and near subjets, and that of single events."""
    weights = np.concatenate(
        inspection.map_batches(lambda batch: cross_attention(inspection.network, batch))
    )
    weights = weights.astype(np.float64)  # [N, layers, Q, 2, C]
    mask = inspection.tensors["constituent_mask"]
    tokens = TOKENS[: weights.shape[2]]
    layers = [str(layer + 1) for layer in range(weights.shape[1])]
    sources = {
        ("attention", layer, token): weights[:, m, q]
        for m, layer in enumerate(layers)
        for q, token in enumerate(tokens)
    }
    sources |= {
        ("attention", "mean", token): weights[:, :, q].mean(1) for q, token in enumerate(tokens)
    }
    sources["attention", "mean", "mean"] = weights.mean((1, 2))
    sources["even", "", ""] = mask / mask.sum((1, 2), keepdims=True)
    momentum = np.exp(inspection.tensors["constituents"][..., LOG_PT["constituents"]]) * mask
    sources["pt", "", ""] = momentum.astype(np.float64)
    drawn = {key: values for key, values in sources.items() if key[0] != "pt"}
    plane = pd.concat([_plane(inspection, *key, values) for key, values in drawn.items()])
    near = pd.concat([_near(inspection, *key, values) for key, values in sources.items()])
    return {
        "attention": plane,
        "near_subjets": near,
        "attention_events": _events(inspection, weights.mean((1, 2))),
    }


def _plane(
    inspection: Inspection, amount: str, layer: str, token: str, values: NDArray
) -> pd.DataFrame:
    position = plane_positions(inspection.tensors)
    low = EDGES[:-1]
    eta, phi = (grid.ravel() for grid in np.meshgrid(low, low, indexing="ij"))
    parts = []
    for name in CLASSES:
        index = inspection.rows_of(name)
        for jet in (0, 1):
            mean, error = on_plane(
                position[index, jet],
                values[index, jet],
                inspection.weight[index],
                EDGES,
            )
            columns = {
                "class": name,
                "jet": jet + 1,
                "amount": amount,
                "layer": layer,
                "token": token,
            }
            columns |= {
                "eta_low": eta,
                "phi_low": phi,
                "mean": mean.ravel(),
                "error": error.ravel(),
            }
            parts.append(pd.DataFrame(columns))
    return pd.concat(parts)


def _near(
    inspection: Inspection, amount: str, layer: str, token: str, values: NDArray
) -> pd.DataFrame:
    """The share of an amount [N, 2, C] that is near the two leading subjets of each fat jet."""
    near = near_subjets(inspection.tensors, inspection.settings.subjet_radius)
    of_jet = values.sum(-1) / values.sum((1, 2))[:, None]
    rows = []
    for name in CLASSES:
        index = inspection.rows_of(name)
        inside = share(near[index], values[index])
        mean, error = weighted_mean(inside, inspection.weight[index])
        both, both_error = weighted_mean(of_jet[index], inspection.weight[index])
        rows += [
            {
                "class": name, "jet": jet + 1, "amount": amount, "layer": layer, "token": token,
                "near_subjets": mean[jet], "error": error[jet],
                "of_jet": both[jet], "of_jet_error": both_error[jet],
            }
            for jet in (0, 1)
        ]  # fmt: skip
    return pd.DataFrame(rows)


def _events(inspection: Inspection, attention: NDArray[np.float64]) -> pd.DataFrame:
    """Single events, drawn by weight: constituents with their attention [N, 2, C], subjets."""
    raw = log_odds(
        inspection.network,
        Events(inspection.tensors),
        inspection.mass,
        inspection.model.both_orders,
    )
    odds = inspection.model.calibration(raw)
    subjets = subjets_in_frame(inspection.tensors)
    positions: dict[str, np.ndarray] = {
        "constituents": plane_positions(inspection.tensors),
        "subjets": subjets,
    }
    parts = []
    for name in CLASSES:
        index = inspection.rows_of(name)
        chosen, _ = priority_sample(
            inspection.key[index],
            inspection.weight[index],
            inspection.settings.displayed,
            inspection.settings.seed + 1,
        )
        for number, row in enumerate(index[chosen], start=1):
            for kind, position in positions.items():
                mask = inspection.tensors[f"{kind[:-1]}_mask"][row]
                jet = np.nonzero(mask)[0]
                columns = {
                    "class": name, "event": number, "process": inspection.process[row],
                    "log_odds": odds[row], "jet": jet + 1, "kind": kind[:-1],
                    "eta": position[row][mask][:, 0], "phi": position[row][mask][:, 1],
                    "pt": np.exp(inspection.tensors[kind][row][mask][:, LOG_PT[kind]]),
                }  # fmt: skip
                of = attention[row][mask] if kind == "constituents" else np.nan
                parts.append(pd.DataFrame({**columns, "attention": of}))
    return pd.concat(parts)
