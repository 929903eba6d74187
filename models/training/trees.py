"""Boosted decision trees on high-level features: scikit-learn grows them, tensors keep them."""

from typing import Any

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from torch import Tensor

from models.config.specs import Features, HighLevelTrees
from models.networks.batch import Batch
from models.networks.high_level import NAMES, HighLevelInput
from models.training.data import Batches, Source
from models.training.resume import FitsItself, Progress


class TreesNetwork(FitsItself):
    """Gradient-boosted trees, stored as arrays of nodes, so that no pickle is needed.

    Attributes
    ----------
    feature, child, threshold, value : Tensor [trees, nodes] (child: [trees, nodes, 2])
        A node asks whether its feature is at most the threshold, and names the next node for no
        and yes; a leaf names itself. Trees that were not grown are leaves of value 0.
    offset : Tensor []
        Log-odds before the first tree.
    """

    feature: Tensor
    child: Tensor
    threshold: Tensor
    value: Tensor
    offset: Tensor

    def __init__(self, spec: HighLevelTrees, features: Features) -> None:
        super().__init__()
        self.spec = spec
        self.input = HighLevelInput(features)
        shape = (spec.trees, 2 * spec.leaves - 1)
        leaf = torch.arange(shape[1]).expand(shape)
        self.register_buffer("feature", torch.zeros(shape, dtype=torch.long))
        self.register_buffer("child", torch.stack([leaf, leaf], dim=-1).clone())
        self.register_buffer("threshold", torch.zeros(shape))
        self.register_buffer("value", torch.zeros(shape))
        self.register_buffer("offset", torch.zeros(()))

    def forward(self, batch: Batch) -> Tensor:
        """Return logits [B, 2]."""
        features = self.input(batch)
        trees = torch.arange(self.spec.trees, device=features.device)[:, None]
        node = torch.zeros(self.spec.trees, len(batch), dtype=torch.long, device=features.device)
        rows = torch.arange(len(batch), device=features.device)
        for _ in range(self.spec.leaves - 1):
            small = features[rows, self.feature[trees, node]] <= self.threshold[trees, node]
            after = self.child[trees, node, small.long()]
            if torch.equal(after, node):
                break
            node = after
        log_odds = self.offset + self.value[trees, node].sum(0)
        return torch.stack([-log_odds / 2, log_odds / 2], dim=-1)

    def fit(self, train: Source, validation: Source, seed: int, progress: Progress) -> None:
        """Grow trees until the validation loss stops falling.

        Memory holds the high-level features of at most `max_events` of either source.
        """
        spec = self.spec
        learned, stopped_by = (self._features(source, seed) for source in (train, validation))
        trees = HistGradientBoostingClassifier(
            max_iter=spec.trees,
            max_leaf_nodes=spec.leaves,
            learning_rate=spec.learning_rate,
            min_samples_leaf=spec.min_leaf,
            early_stopping=False,
            random_state=seed,
        ).fit(*learned)
        self.offset.fill_(float(trees._baseline_prediction.item()))
        stages = zip(
            _losses(trees, *learned),
            _losses(trees, *stopped_by),
            strict=True,
        )
        for number, (train_loss, val_loss) in enumerate(stages):
            self._keep(number, trees._predictors[number][0].nodes)
            progress.history.append((number + 1, train_loss, val_loss, spec.learning_rate))
            progress.keep_best(self, val_loss)
            if progress.stale >= spec.patience:
                break

    @torch.no_grad()
    def _features(self, source: Source, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the features [N, F] of the events, their labels and weights.

        Of more than `max_events`, those that come first in a random order.
        """
        count = min(len(source), self.spec.max_events)
        found = np.empty((count, len(NAMES)), np.float32)
        label, weight = np.empty(count, np.int64), np.empty(count, np.float32)
        start = 0
        for events, *others in Batches(source, 1024, seed, shuffle=count < len(source)):
            rows = slice(start, min(start + len(events), count))
            length = rows.stop - start
            found[rows] = self.input(events)[:length]
            label[rows], weight[rows] = (values[:length] for values in others)
            start += length
            if start == count:
                break
        return found, label, weight

    def _keep(self, number: int, nodes: Any) -> None:
        """Copy a tree of scikit-learn into row `number`."""
        count, inner = len(nodes), nodes["is_leaf"] == 0
        itself = np.arange(count)
        no = np.where(inner, nodes["right"].astype(np.int64), itself)
        yes = np.where(inner, nodes["left"].astype(np.int64), itself)
        self.child[number, :count] = torch.from_numpy(np.stack([no, yes], axis=-1))
        self.feature[number, :count] = torch.from_numpy(nodes["feature_idx"].astype(np.int64))
        threshold = np.where(inner, nodes["num_threshold"], 0.0)
        self.threshold[number, :count] = torch.from_numpy(threshold.astype(np.float32))
        self.value[number, :count] = torch.from_numpy(nodes["value"].astype(np.float32))


def _losses(
    trees: HistGradientBoostingClassifier, found: np.ndarray, label: np.ndarray, weight: np.ndarray
) -> list[float]:
    """Return the weighted cross entropy after each tree."""
    sign = np.where(label == 1, -1.0, 1.0)
    return [
        float(np.average(np.logaddexp(0, sign * log_odds), weights=weight))
        for log_odds in trees.staged_decision_function(found)
    ]
