"""The display of one event, from the dataset of its sample."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.datasets.dataset import write_dataset
from common.features import (
    CONSTITUENT_FEATURES,
    DISPLACEMENT_FEATURES,
    KINEMATIC_FEATURES,
    SUBJET_FEATURES,
)
from workflow.scripts import event_display


def dataset(path: Path, features: tuple[str, ...]) -> Path:
    """A dataset of three events with eight constituents and two subjets in each jet."""
    rng = np.random.default_rng(1)
    part = {
        "constituents": rng.normal(0, 0.2, (3, 2, 8, len(features))).astype(np.float32),
        "constituent_mask": np.ones((3, 2, 8), bool),
        "subjets": rng.normal(0, 0.2, (3, 2, 2, len(SUBJET_FEATURES))).astype(np.float32),
        "subjet_mask": np.ones((3, 2, 2), bool),
        "kinematics": rng.uniform(100, 200, (3, 3, len(KINEMATIC_FEATURES))).astype(np.float32),
        "key": np.array([5, 3, 4], np.uint64),
        "weight": np.ones(3),
        "tag_weight": np.array([[1.0], [0.0], [1.0]]),
    }
    attributes = {
        "sample": "qcd",
        "process": "qcd",
        "label": "background",
        "mass_gev": 0.0,
        "categories": ["4b"],
        "constituent_features": features,
        "subjet_features": SUBJET_FEATURES,
        "kinematic_features": KINEMATIC_FEATURES,
    }
    write_dataset(path, [part], attributes)
    return path


@pytest.mark.parametrize("more", [(), DISPLACEMENT_FEATURES])
def test_all_features_of_the_constituents_are_listed(tmp_path: Path, more: tuple[str, ...]) -> None:
    features = CONSTITUENT_FEATURES + more
    event_display.main(dataset(tmp_path / "qcd.h5", features), 1.0, tmp_path / "event.png")
    found = pd.read_csv(tmp_path / "event.csv")
    assert tuple(found.columns) == (*features, "jet")
    assert found.jet.value_counts().to_dict() == {1: 8, 2: 8}
    assert (tmp_path / "event.pdf").is_file()
