"""From a classifier of two samples to weights that turn one into the other.

A calibrated classifier of samples of equal sums of weights gives s = p₁ / (p₀ + p₁) at each event,
so that w = s / (1 − s) = p₁ / p₀ (Cranmer, Pavez, Louppe, arXiv:1506.02169): what is weighted with
it has the distributions of the other sample. The yields of both, which the classifier does not
know, give the common factor.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from common.errors import InputFileError, NormalisationError
from common.weights import effective_number

COLUMNS = ("key", "alternative", "factor")


@dataclass(frozen=True)
class Normalisation:
    """What turns w into the factor of an event.

    Attributes
    ----------
    yield_ratio, yield_ratio_error : float
        Yield of the alternative over that of the nominal sample, and its statistical error.
    mean : float
        Mean w of the nominal events, 1 for a perfect classifier, by which all are divided.
    """

    yield_ratio: float
    yield_ratio_error: float
    mean: float

    @classmethod
    def fit(
        cls,
        log_odds: NDArray[np.float64],
        nominal: NDArray[np.float64],
        alternative: NDArray[np.float64],
    ) -> Self:
        """Return that of two samples.

        Parameters
        ----------
        log_odds : [N]
            ln(s / (1 − s)) of the nominal events.
        nominal, alternative : [N], [M]
            Weights of the events of both samples, at the same luminosity.

        Raises
        ------
        NormalisationError
            If a sample has no positive yield.
        """
        for name, weight in (("nominal", nominal), ("alternative", alternative)):
            if not weight.sum() > 0:
                raise NormalisationError(
                    f"reweighting: the {name} sample has a yield of {weight.sum():g}, which must "
                    "be positive; simulate more events"
                )
        ratio = float(alternative.sum() / nominal.sum())
        error = ratio * np.sqrt(1 / effective_number(nominal) + 1 / effective_number(alternative))
        return cls(ratio, float(error), float(np.average(np.exp(log_odds), weights=nominal)))

    def factor(self, log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what multiplies the weight of each event [N]."""
        return self.yield_ratio / self.mean * np.exp(log_odds)


@dataclass(frozen=True)
class Factors:
    """Factors of events by their keys; 1 for all other events.

    Attributes
    ----------
    key : [N] uint64, rising
    factor : [N]

    Examples
    --------
    >>> factors = Factors(np.array([3, 7], np.uint64), np.array([0.5, 2.0]))
    >>> factors(np.array([7, 4, 3], np.uint64)).tolist()
    [2.0, 1.0, 0.5]
    """

    key: NDArray[np.uint64]
    factor: NDArray[np.float64]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return those of the nominal events in a table of rule reweight.

        Raises
        ------
        InputFileError
            If it is no such table, an event is in it twice, or a factor is not finite.
        """
        try:
            table = pq.read_table(path, columns=list(COLUMNS))
            key, alternative, factor = (table[name].to_numpy() for name in COLUMNS)
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            raise InputFileError(
                f"{path} is not a table of weights ({error}): remove it and run again"
            ) from None
        order = np.argsort(key[~alternative], kind="stable")
        found = cls(key[~alternative][order], factor[~alternative][order])
        if not np.isfinite(found.factor).all() or (np.diff(found.key) == 0).any():
            raise InputFileError(
                f"{path} holds factors that are not finite, or an event twice: run rule reweight "
                "again"
            )
        return found

    def __call__(self, key: NDArray[np.uint64]) -> NDArray[np.float64]:
        """Return the factor of each event [N]."""
        if not len(self.key):
            return np.ones(len(key))
        place = np.minimum(np.searchsorted(self.key, key), len(self.key) - 1)
        return np.where(self.key[place] == key, self.factor[place], 1.0)
