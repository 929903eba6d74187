"""How well a network of several classes tells each from the background.

The table is that of Particle Transformer: the discriminant of class c is s_c / (s_c + s_0) with the
scores s of a network's softmax, which rises with the difference of the logits (arXiv:2202.03772).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analysis.evaluation.metrics import area, area_error, rejection, roc_curve
from common.weighted import Condenser, WeightedSample

SIGNAL_EFFICIENCY = {"Hqql": 0.99, "Tbl": 0.995}
"""Signal efficiencies at which the paper tells rejections, where they are not `USUAL`."""
USUAL = 0.5


class ClassMetrics:
    """Takes jets as they come; holds a condensed sample for each class.

    Parameters
    ----------
    classes : sequence of str
        Names, the background first.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = tuple(classes)
        self._condensers = [Condenser() for _ in self.classes[1:]]
        self._right = np.zeros(len(self.classes))
        self._total = np.zeros(len(self.classes))

    def add(
        self, logits: NDArray[np.float64], label: NDArray[np.uint8], weight: NDArray[np.float64]
    ) -> None:
        """Add N jets with logits [N, classes], labels [N] and weights [N]."""
        right = logits.argmax(1) == label
        size = len(self.classes)
        self._right += np.bincount(label, weight * right, size)
        self._total += np.bincount(label, weight, size)
        for number, condenser in enumerate(self._condensers, start=1):
            rows = (label == 0) | (label == number)
            value = logits[rows, number] - logits[rows, 0]
            condenser.add(WeightedSample.of_classes(value, weight[rows], label[rows] != 0))

    @property
    def accuracy(self) -> float:
        """Share of jets whose largest logit is that of their class; each class counts the same."""
        return float(np.mean(self._right / self._total))

    def rows(self) -> list[dict[str, float | int | str | None]]:
        """Return one row for each class but the background.

        `class`, `auc` against the background with its error, `signal_efficiency`, and at it the
        `rejection` 1/ε_B with its error and the background jets above the cut.
        """
        rows = []
        for name, condenser in zip(self.classes[1:], self._condensers, strict=True):
            sample = condenser.result()
            efficiency = SIGNAL_EFFICIENCY.get(name, USUAL)
            cell = rejection(sample, efficiency)
            rows.append(
                {
                    "class": name,
                    "auc": area(roc_curve(sample)),
                    "auc_error": area_error(sample),
                    "signal_efficiency": efficiency,
                    "rejection": cell["value"],
                    **{f"rejection_{key}": cell[key] for key in ("error", "raw", "n_eff")},
                }
            )
        return rows
