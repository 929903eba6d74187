"""References between objects of an event."""

import awkward as ak
import pytest

from analysis.references import resolve

IDS = ak.Array([[7, 3, 9], [3], []])


def test_references_are_local_to_their_event_and_ignore_the_process_bits() -> None:
    references = ak.Array([[[9, 7], []], [[3 + (1 << 24)]], []])
    assert resolve(references, IDS).tolist() == [[[2, 0], []], [[0]], []]


def test_no_references_at_all() -> None:
    none = ak.Array([[[1]], [[1]], []])[:, :0]
    assert resolve(none, IDS).tolist() == [[], [], []]


@pytest.mark.parametrize("stray", [[[[4]], [], []], [[], [[7]], []], [[], [], [[99]]]])
def test_stray_references_are_errors(stray: list) -> None:
    with pytest.raises(ValueError, match="outside"):
        resolve(ak.values_astype(ak.Array(stray), "i8"), IDS)
