"""Boosted decision trees on high-level features: xgboost grows them, keeps them and adds them up.

Their state is xgboost's JSON, held as bytes beside the standardisation in the safetensors file: no
pickle.
"""

import numpy as np
import torch
import xgboost
from torch import Tensor

from common.errors import ModelError
from models.config.specs import Features, HighLevelTrees
from models.networks.batch import Batch
from models.networks.high_level import NAMES, HighLevelInput
from models.training.data import Batches, Source
from models.training.resume import Progress, SelfFitting

LARGEST_HESSIAN = 0.25
"""Second derivative of the loss of an undecided event of weight one, p (1 − p)."""


class TreesNetwork(SelfFitting):
    """Gradient-boosted trees on the high-level features.

    Attributes
    ----------
    booster : xgboost.Booster or None
        The trees; none before they are grown, when all log-odds are zero.
    """

    def __init__(self, spec: HighLevelTrees, features: Features) -> None:
        super().__init__()
        self.spec = spec
        self.input = HighLevelInput(features)
        self.booster: xgboost.Booster | None = None

    def forward(self, batch: Batch) -> Tensor:
        """Return logits [B, 2]; xgboost works on the CPU."""
        features = self.input(batch)
        log_odds = features.new_zeros(len(features))
        if self.booster is not None:
            self.booster.set_param({"nthread": torch.get_num_threads()})
            sums = self.booster.inplace_predict(features.numpy(force=True), predict_type="margin")
            log_odds.copy_(torch.from_numpy(sums))
        return torch.stack([-log_odds / 2, log_odds / 2], dim=-1)

    def get_extra_state(self) -> Tensor:
        """Return xgboost's JSON as bytes [n] uint8; no bytes without trees."""
        text = b"" if self.booster is None else bytes(self.booster.save_raw("json"))
        return torch.from_numpy(np.frombuffer(text, np.uint8).copy())

    def set_extra_state(self, state: Tensor) -> None:
        """Take up what `get_extra_state` returned.

        Raises
        ------
        ModelError
            If xgboost cannot read it.
        """
        self.booster = None
        if len(state):
            try:
                self.booster = xgboost.Booster(model_file=bytearray(state.numpy(force=True)))
            except ValueError as error:
                raise ModelError(
                    f"the trees cannot be read by xgboost {xgboost.__version__} "
                    f"({str(error).splitlines()[0]}); train again"
                ) from None

    def fit(self, train: Source, validation: Source, seed: int, progress: Progress) -> None:
        """Grow trees until the validation loss stops falling.

        Memory holds the high-level features of at most `max_events` of either source.
        """
        spec = self.spec
        learned = xgboost.QuantileDMatrix(**self.features(train, seed))
        stopped_by = xgboost.QuantileDMatrix(**self.features(validation, seed), ref=learned)
        losses: dict[str, dict[str, list[float]]] = {}
        booster = xgboost.train(
            {
                "objective": "binary:logistic",
                "grow_policy": "lossguide",
                "max_depth": 0,
                "max_leaves": spec.leaves,
                "learning_rate": spec.learning_rate,
                "min_child_weight": LARGEST_HESSIAN * spec.min_leaf,
                "seed": seed,
                "nthread": torch.get_num_threads(),
            },
            learned,
            num_boost_round=spec.trees,
            evals=[(learned, "train"), (stopped_by, "validation")],
            evals_result=losses,
            early_stopping_rounds=spec.patience,
            verbose_eval=False,
        )
        found = zip(losses["train"]["logloss"], losses["validation"]["logloss"], strict=True)
        progress.history += [
            (number, *of_both, spec.learning_rate) for number, of_both in enumerate(found, start=1)
        ]
        self.booster = booster[: booster.best_iteration + 1]
        progress.keep_best(self, booster.best_score)

    @torch.no_grad()
    def features(self, source: Source, seed: int = 0) -> dict[str, np.ndarray]:
        """Return the features `data` [N, F] of the events, their `label` and `weight` [N].

        Of more than `max_events`, those that come first in a random order.
        """
        count = min(len(source), self.spec.max_events)
        features = np.empty((count, len(NAMES)), np.float32)
        label, weight = np.empty(count, np.int64), np.empty(count, np.float32)
        start = 0
        for events, *others in Batches(source, 1024, seed, shuffle=count < len(source)):
            rows = slice(start, min(start + len(events), count))
            length = rows.stop - start
            features[rows] = self.input(events)[:length]
            label[rows], weight[rows] = (values[:length] for values in others)
            start += length
            if start == count:
                break
        return {"data": features, "label": label, "weight": weight}
