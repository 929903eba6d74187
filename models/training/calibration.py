"""From a network's log-odds to calibrated ones: a straight line, fitted on validation events.

A line with a positive slope changes no order, so no cut, rejection or limit; it makes the score
the probability of signal in the mixture of the training. Guo et al., arXiv:1706.04599.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from common.errors import ModelError
from common.logistic import fit_line
from common.weighted import Condenser, WeightedSample
from models.networks.batch import Batch
from models.networks.steps import hypothesis_logits


class Calibration(NamedTuple):
    """Calibrated log-odds are offset + slope · (those of the network)."""

    offset: float = 0.0
    slope: float = 1.0

    def __call__(self, log_odds: Any) -> Any:
        """Return calibrated log-odds of an array or tensor."""
        return self.offset + self.slope * log_odds


@torch.inference_mode()
def fit_calibration(
    network: nn.Module,
    batches: Iterable[tuple[Batch, Tensor, Tensor]],
    method: str,
    both_orders: bool = False,
    device: str | torch.device = "cpu",
) -> Calibration:
    """Return the calibration of a trained network.

    Parameters
    ----------
    network : Module
        With its final weights.
    batches : iterable of (events, labels [B], weights [B])
        Events that the training has not fitted, with the weights of the loss.
    method : str
        As `Training.calibration`: "temperature" fits the slope alone, "platt" slope and offset,
        "none" neither.
    both_orders : bool
        Whether the log-odds are the mean of both orders of the fat jets.
    device : str or torch.device
    """
    if method == "none":
        return Calibration()
    network = network.to(device).eval()
    condenser = Condenser()
    for events, label, weight in batches:
        logits = hypothesis_logits(network, events.to(device), both_orders=both_orders)[0]
        logits = logits.cpu().double()
        log_odds = (logits[:, 1] - logits[:, 0]).numpy()
        condenser.add(
            WeightedSample.of_classes(log_odds, weight.numpy().astype(np.float64), label.numpy())
        )
    line = fit_line(condenser.result(), offset=method == "platt")
    return Calibration(line.offset, line.slope)


def read_calibration(description: Mapping[str, Any]) -> Calibration:
    """Return the calibration that `model.json` holds; a model without one is taken as it is.

    Raises
    ------
    ModelError
        If it is not a rising line, and so would change the order of events.
    """
    held = description.get("calibration", Calibration()._asdict())
    try:
        found = Calibration(float(held["offset"]), float(held["slope"]))
    except (KeyError, TypeError, ValueError):
        raise ModelError(
            f"the calibration in model.json ({held!r}) is not offset and slope; train again"
        ) from None
    if not (np.isfinite(found).all() and found.slope > 0):
        raise ModelError(
            f"the calibration in model.json ({found}) is not a rising line; train again"
        )
    return found
