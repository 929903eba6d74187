"""Two samples of one process by different generators, as the classes of a classifier."""

from analysis.datasets.dataset import Dataset, Selection, Split
from common.errors import InputFileError, NormalisationError

KINDS = ("nominal", "alternative")
"""What the labels 0 and 1 of the events stand for."""
_SAME = ("categories", "constituent_features", "subjet_features", "kinematic_features")


def compared(nominal: Dataset, alternative: Dataset, split: Split | None = None) -> Selection:
    """Return the events of both samples with label 0 (nominal) and 1 (alternative).

    Raises
    ------
    EmptySampleError
        If one of them has no event in the split.
    InputFileError
        If their features or categories differ.
    NormalisationError
        If an event has a negative weight: a ratio of densities cannot be learned from it.
    """
    for name in _SAME:
        one, other = (list(map(str, data.attributes[name])) for data in (nominal, alternative))
        if one != other:
            raise InputFileError(
                f"{nominal.path} and {alternative.path} differ in {name} ({one} and {other}): "
                "make both with the same configuration"
            )
    for data in (nominal, alternative):
        negative = sum(int((columns["weight"] < 0).sum()) for columns in data.column_steps())
        if negative:
            raise NormalisationError(
                f"reweighting: {negative} of {len(data)} events of {data.path} have negative "
                "weights, from which no ratio of densities is learned; use events without them"
            )
    return Selection([nominal, alternative], split, labels=(0, 1), kinds=KINDS)
