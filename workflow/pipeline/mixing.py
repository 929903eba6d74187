"""The scores of a sample's mixed events: which are mixed, their pairs, and what networks say."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.config.statistics import Mixing
from analysis.datasets.dataset import Dataset
from analysis.evaluation.mixed_pairs import POOL, Pairs, Window, draw_pairs, paired_errors
from analysis.statistics.working_point import empirical_threshold
from common.columns import Columns
from common.errors import InputFileError
from common.hashing import name_hash
from common.weighted import WeightedSample
from models.training.checkpoint import TrainedModel
from workflow.pipeline.scoring import crossed_pairs

AIM = 0.1
"""Share of the yield above the start of the tail that the cut leaves which pairs are chosen for."""


def mixed_scores(
    data: Dataset,
    scores: Path,
    networks: list[TrainedModel],
    origin: dict[str, float],
    config: Mixing,
    accelerator: str,
) -> pd.DataFrame:
    """Return one row per mixed event, and one per event outside the window of what is mixed.

    `first` and `second` are the keys of the events that its jets are from; an event that stays as
    it is has its own in both. Of a sample without enough effective events for a tail, all stay.
    """
    sample = str(data.attributes["sample"])
    own = own_scores(data, scores, sample)
    key, fold, log_odds, weight = (own[name] for name in ("key", "fold", "log_odds", "weight"))
    rng = np.random.default_rng([int(origin["seed"]), int(name_hash(sample) >> np.uint64(1))])
    scored = WeightedSample.of_classes(log_odds, weight, np.zeros(len(weight)))
    start = scored.hardest_resolved(config.n_eff)
    inside = mixed_rows(data, own, start)
    stay = np.setdiff1d(np.arange(len(key)), inside)
    pairs, value = Pairs(stay, stay, weight[stay]), log_odds[stay]
    if start is not None:
        pool = np.sort(rng.choice(inside, min(len(inside), POOL), replace=False))
        events = data.read(np.isin(np.arange(len(data)), own["row"][pool]))
        features = (data.attributes["constituent_features"], data.attributes["subjet_features"])
        above = scored.above(start)
        mixed = draw_pairs(
            events,
            log_odds[pool],
            weight[pool] * (len(inside) / len(pool)),
            fold[pool],
            empirical_threshold(above, AIM * above.total),
            config.pairs,
            features,
            rng,
        )
        found = crossed_pairs(
            networks, events, mixed, fold[pool], features, origin["mass_gev"], accelerator
        )
        mixed = Pairs(pool[mixed.first], pool[mixed.second], mixed.weight)
        pairs, value = Pairs.joined([pairs, mixed]), np.concatenate([value, found])
    first, second = key[pairs.first], key[pairs.second]
    return pd.DataFrame(
        {
            "sample": sample,
            "log_odds": value,
            "weight": pairs.weight,
            "error": paired_errors(value, pairs.weight, first, second),
            "first": first,
            "second": second,
        }
    )


def own_scores(data: Dataset, scores: Path, sample: str) -> Columns:
    """Return key, fold, log-odds and yield of the sample's events, and their rows of the dataset.

    Raises
    ------
    InputFileError
        If an event with a score is not in the dataset.
    """
    names = ["key", "fold", "log_odds", "weight"]
    table = pd.read_parquet(scores, columns=names, filters=[("sample", "==", sample)])
    order = np.argsort(data.columns["key"])
    sorted_keys = data.columns["key"][order]
    place = np.searchsorted(sorted_keys, table["key"].to_numpy())
    found = sorted_keys[np.minimum(place, len(order) - 1)] == table["key"].to_numpy()
    if not found.all():
        raise InputFileError(
            f"{scores} has {np.count_nonzero(~found)} events of {sample} that {data.path} has not: "
            "remove both and run again"
        )
    rows = order[place]
    in_order = np.argsort(rows)
    columns = {name: table[name].to_numpy()[in_order] for name in names}
    return columns | {"row": rows[in_order]}


def mixed_rows(data: Dataset, own: Columns, start: float | None) -> NDArray[np.intp]:
    """Return which events of `own` are mixed: those like the ones above the start, if any."""
    if start is None:
        return np.empty(0, np.intp)
    kinematics = data.rows(slice(None), ("kinematics",))["kinematics"][own["row"]]
    window = Window.around(kinematics[own["log_odds"] >= start])
    return np.flatnonzero(window.holds(kinematics))
