"""The reader of the public JetClass files, on a small file in their layout."""

import awkward as ak
import numpy as np
import pytest

from analysis.config.reconstruction import Subjets
from analysis.datasets.jet_class import CLASSES, KINDS, read_jets
from analysis.datasets.single_jets import jet_tensors
from common.errors import InputFileError
from common.features import CONSTITUENT_FEATURES
from tests.jet_class_files import jet_class_columns, write_jet_class


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("jet_class") / "jets.root"
    write_jet_class(path, jet_class_columns(23))
    return path


def test_what_was_written_is_read(path):
    columns = jet_class_columns(23)
    (jets,) = read_jets(path)
    assert jets.label.tolist() == [number % len(CLASSES) for number in range(23)]
    for jet in range(23):
        count = len(columns["part_px"][jet])
        expected = [columns[f"part_{name}"][jet] for name in ("energy", "px", "py", "pz")]
        np.testing.assert_allclose(jets.constituents[jet, :count].T, np.array(expected))
        assert (jets.constituents[jet, count:] == 0).all()
        np.testing.assert_array_equal(jets.charge[jet, :count], columns["part_charge"][jet])
        for code, name in enumerate(KINDS):
            np.testing.assert_array_equal(jets.kind[jet, :count] == code, columns[name][jet])
        assert (jets.kind[jet, count:] == -1).all()
    steps = list(read_jets(path, step=10, most=15))
    assert [len(step) for step in steps] == [10, 5]
    assert np.concatenate([step.label for step in steps]).tolist() == jets.label[:15].tolist()


@pytest.mark.parametrize("count", [22, 23])
def test_charge_and_class_stay_with_their_constituent(path, count):
    (jets,) = read_jets(path, step=count, most=count)
    found = jet_tensors(jets.constituents, Subjets(), 40, jets.charge, jets.kind)
    mask = found["constituent_mask"][:, 0]
    tokens = found["constituents"][:, 0]
    column = {name: tokens[..., i] for i, name in enumerate(CONSTITUENT_FEATURES)}
    pt = np.hypot(jets.constituents[..., 1], jets.constituents[..., 2])
    for name, values in {
        "charge": jets.charge,
        "is_charged_hadron": jets.kind == 0,
        "is_muon": jets.kind == 2,
        "is_neutral_hadron": jets.kind == 4,
    }.items():
        expected = (pt * values).sum(1)
        ours = (np.exp(column["log_pt"]) * column[name] * mask).sum(1)
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-3)


def test_files_of_another_kind(tmp_path):
    (tmp_path / "text.root").write_text("no ROOT")
    with pytest.raises(InputFileError, match=r"text\.root cannot be read"):
        next(read_jets(tmp_path / "text.root"))
    columns = jet_class_columns(12)
    broken = {
        "no branch part_charge": {k: v for k, v in columns.items() if k != "part_charge"},
        "jet 3 has not one class": columns | {"label_Hbb": np.isin(np.arange(12) % 10, (1, 3))},
        "jet 5 has no constituent": emptied(columns, 5),
        "jet 0 has a constituent that is no": columns | {"part_energy": columns["part_px"] * 0},
    }
    for said, content in broken.items():
        write_jet_class(tmp_path / "broken.root", content)
        with pytest.raises(InputFileError, match=rf"broken\.root.*{said}"):
            list(read_jets(tmp_path / "broken.root"))


def emptied(columns, jet):
    """Return the columns with no constituent in one jet."""
    keep = ak.Array([number != jet for number in range(len(columns["jet_pt"]))])
    return {
        name: values[keep & ak.ones_like(values, dtype=bool)]
        if name.startswith("part_")
        else values
        for name, values in columns.items()
    }
