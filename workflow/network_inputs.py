"""From the datasets of the physics to the inputs of the networks, which do not know each other."""

from analysis.dataset import Dataset, Side, training_weights
from models.batch import Events, Sample
from models.specs import Features


def weighted(side: Side, cap_quantile: float) -> Sample:
    """Return one side of the split with the weights of the loss."""
    weight = training_weights(side.label, side.weight[:, 0], cap_quantile)
    return Sample(Events(side.tensors), side.label, weight)


def feature_names(dataset: Dataset) -> Features:
    """Return the names of the columns of a dataset."""
    kinds = {"constituents": "constituent", "subjets": "subjet", "kinematics": "kinematic"}
    return Features(
        **{kind: tuple(dataset.attributes[f"{name}_features"]) for kind, name in kinds.items()}
    )
