"""References between objects of an event."""

from pathlib import Path

import awkward as ak
import pytest
import uproot

from analysis.delphes.references import reference_arrays, resolve
from tests.delphes_files import QCD, SIGNAL

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


@pytest.mark.parametrize("path", [SIGNAL, QCD])
def test_reference_arrays_are_read_as_the_file_describes_them(path: Path) -> None:
    with uproot.open(path) as file:
        branch = file["Delphes"]["FatJet.Constituents"]
        described, found = branch.array(), branch.array(reference_arrays(branch))
    assert ak.array_equal(found, described)
    assert ak.count(found.refs, axis=None) > 1000
