"""Impact parameters from the file to the tokens of networks."""

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from analysis.config.reconstruction import Branches, Reconstruction
from analysis.datasets.features import tensors
from analysis.delphes.reader import CHARGED_HADRON, MUON, open_delphes
from analysis.reconstruction.event_table import event_type
from analysis.reconstruction.reconstruct import reconstruct_file
from common.errors import InputFileError
from common.features import CONSTITUENT_FEATURES, DISPLACEMENT_FEATURES, OBJECT_FEATURES
from tests.delphes_files import SIGNAL, real_branches, write_flat

CONFIG = Reconstruction(impact_parameters=True, event_objects=80)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> ak.Array:
    output = tmp_path_factory.mktemp("events") / "signal.parquet"
    reconstruct_file(str(SIGNAL), output, CONFIG)
    return ak.from_parquet(output)


def test_table_keeps_those_of_the_file(table: ak.Array) -> None:
    assert table.layout.form.type == event_type(CONFIG)
    with uproot.open(SIGNAL) as file:
        raw = file["Delphes"].arrays(["EFlowTrack.D0", "EFlowTrack.DZ"])[table.entry]
    for name, leaf in (("d0", "D0"), ("dz", "DZ")):
        for group in ("constituent", "object"):
            known = ak.to_numpy(ak.flatten(raw[f"EFlowTrack.{leaf}"], axis=None))
            charged = table[group].kind <= MUON
            found = ak.to_numpy(ak.flatten(table[group][name][charged], axis=None))
            assert np.isin(found, known).all()
            assert ak.all(table[group][name][~charged] == 0)
            assert ak.any(table[group][name] != 0)


def test_tokens_hold_them_behind_the_others(table: ak.Array, tmp_path: Path) -> None:
    without = tmp_path / "without.parquet"
    reconstruct_file(str(SIGNAL), without, Reconstruction(event_objects=80))
    found, plain = (tensors(one, 50, 6, 80) for one in (table, ak.from_parquet(without)))
    for name, names in (("constituents", CONSTITUENT_FEATURES), ("objects", OBJECT_FEATURES)):
        assert found[name].shape[-1] == len(names) + len(DISPLACEMENT_FEATURES)
        d0, error = (found[name][..., len(names) + k] for k in (0, 1))
        assert np.abs(d0).max() <= 1
        assert np.abs(d0).max() > 0.1
        assert error.min() >= 0
        assert np.array_equal(found[name][..., : len(names)], plain[name])
    column = CONSTITUENT_FEATURES.index("is_charged_hadron") + CHARGED_HADRON
    lead = table.constituent[:, :, 0]
    hadrons = ak.to_numpy(lead.kind == CHARGED_HADRON)
    expected = np.tanh(ak.to_numpy(lead.d0))[hadrons]
    first = found["constituents"][:, :, 0]
    assert (first[..., column] == hadrons).all()
    np.testing.assert_allclose(first[..., len(CONSTITUENT_FEATURES)][hadrons], expected, atol=1e-6)


def test_a_file_without_them_is_refused_with_the_remedy(tmp_path: Path) -> None:
    branches = real_branches(SIGNAL)
    flat = tmp_path / "flat.root"
    write_flat(flat, {name: array for name, array in branches.items() if "D0" not in name})
    said = pytest.raises(InputFileError, match=r"EFlowTrack.D0.*leave tanh_d0, d0_error")
    with said, open_delphes(str(flat), impact=True):
        pass
    with open_delphes(str(flat), names=Branches()) as file:
        assert "d0" not in next(file.steps(5)).eflow.fields
