"""Lists of records as flat columns, for NumPy to work on.

An awkward operation on lists of records takes 0.1 to 1 ms however few they are. Where tens of them
would follow each other, lists are taken apart once and put together again at the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import awkward as ak
import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Lists:
    """Lists of records taken apart: one column per field, all lists one behind the other.

    Attributes
    ----------
    counts : [lists]
        Number of records of each list.
    columns : mapping of str to array [records]
    """

    counts: Integers
    columns: dict[str, NDArray]

    @classmethod
    def of(cls, array: ak.Array, *names: str) -> Self:
        """Take lists of records apart, into all their fields if none is named."""
        layout = array.layout.project() if array.layout.is_indexed else array.layout
        lists = layout.to_ListOffsetArray64(True)
        records = lists.content[: lists.offsets[-1]]
        columns = {name: records[name].to_backend_array() for name in names or records.fields}
        return cls(np.diff(lists.offsets.data), columns)

    def array(self) -> ak.Array:
        """Put the lists of records together again, without a copy."""
        contents = [ak.contents.NumpyArray(column) for column in self.columns.values()]
        records = ak.contents.RecordArray(contents, list(self.columns))
        offsets = ak.index.Index64(np.append(0, np.cumsum(self.counts)))
        return ak.Array(ak.contents.ListOffsetArray(offsets, records))

    def __getitem__(self, name: str) -> NDArray:
        return self.columns[name]

    @cached_property
    def owners(self) -> Integers:
        """The list that each record is in."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    @cached_property
    def firsts(self) -> Integers:
        """The place of each list's first record."""
        return np.cumsum(self.counts) - self.counts

    def with_columns(self, **columns: NDArray) -> "Lists":
        """Return the same lists with other or additional columns."""
        return Lists(self.counts, self.columns | columns)

    def take(self, places: NDArray, counts: Integers) -> "Lists":
        """Return the records at `places` as lists of `counts` records."""
        return Lists(counts, {name: column[places] for name, column in self.columns.items()})

    def select_lists(self, lists: NDArray) -> "Lists":
        """Return some of the lists."""
        counts = self.counts[lists]
        return self.take(ranges(self.firsts[lists], counts), counts)

    def filter(self, mask: NDArray[np.bool_]) -> "Lists":
        """Return the lists with those records alone that the mask [records] has."""
        return self.take(mask, np.bincount(self.owners[mask], minlength=len(self.counts)))

    def descending(self, name: str) -> "Lists":
        """Return each list in descending order of a column, equals in the order they had."""
        lists = Lists(self.counts, {name: self[name]}).array()[name]
        order = ak.to_numpy(ak.flatten(ak.argsort(lists, ascending=False, stable=True)))
        return self.take(order + np.repeat(self.firsts, self.counts), self.counts)

    def head(self, number: int) -> "Lists":
        """Return the first `number` records of each list."""
        counts = np.minimum(self.counts, number)
        return self.take(ranges(self.firsts, counts), counts)


def ranges(firsts: Integers, counts: Integers) -> Integers:
    """Return first, first + 1, … of each range, `counts` of them, one range behind the other."""
    return np.repeat(firsts - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())


def concatenate(parts: Sequence[Lists]) -> Lists:
    """Return lists that hold the records of all parts' lists, those of the first part first."""
    order = np.argsort(np.concatenate([part.owners for part in parts]), kind="stable")
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0].columns}
    counts = np.sum([part.counts for part in parts], axis=0)
    return Lists(counts, columns).take(order, counts)
