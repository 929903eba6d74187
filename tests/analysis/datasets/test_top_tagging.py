"""The reader of the public top-tagging files, on a small file written as they are: by pandas."""

import numpy as np
import pandas as pd
import pytest

from analysis.config.reconstruction import Subjets
from analysis.datasets.single_jets import jet_tensors
from analysis.datasets.top_tagging import read_jets
from common.errors import InputFileError
from common.features import CONSTITUENT_FEATURES

PLACES = 200


def make_jets(count: int) -> np.ndarray:
    """Return [count, 200, 4]: massless particles about random axes, zero padded."""
    rng = np.random.default_rng(0)
    pt = np.sort(rng.exponential(20, (count, PLACES)) + 0.1)[:, ::-1]
    pt *= np.arange(PLACES) < rng.integers(5, 60, (count, 1))
    eta = rng.uniform(-1, 1, (count, 1)) + rng.normal(0, 0.2, (count, PLACES))
    phi = rng.uniform(-3, 3, (count, 1)) + rng.normal(0, 0.2, (count, PLACES))
    momentum = (pt * np.cosh(eta), pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta))
    return np.stack(momentum, axis=-1).astype(np.float32)


def write(path, jets: np.ndarray) -> None:
    names = [f"{name}_{i}" for i in range(PLACES) for name in ("E", "PX", "PY", "PZ")]
    names += ["truthE", "truthPX", "truthPY", "truthPZ"]
    values = np.concatenate([jets.reshape(len(jets), -1), np.zeros((len(jets), 4))], axis=1)
    table = pd.DataFrame(values.astype(np.float32), columns=names)
    flags = pd.DataFrame({"ttv": 0, "is_signal_new": np.arange(len(jets)) % 2})
    pd.concat([table, flags], axis=1).to_hdf(path, key="table", format="table")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("top") / "train.h5"
    write(path, make_jets(7))
    return path


def test_what_was_written_is_read(path):
    constituents, label = read_jets(path)
    np.testing.assert_array_equal(constituents, make_jets(7))
    assert label.tolist() == [0, 1, 0, 1, 0, 1, 0]
    part, label = read_jets(path, 2, 5)
    np.testing.assert_array_equal(part, constituents[2:5])
    assert label.tolist() == [0, 1, 0]
    beyond, label = read_jets(path, 7, 20)
    assert beyond.shape == (0, PLACES, 4)
    assert len(label) == 0


@pytest.mark.parametrize("count", [6, 7])
def test_tensors_add_up_to_the_jet(count):
    jets = make_jets(count).astype(np.float64)
    found = jet_tensors(jets, Subjets(), 100)
    shapes = {name: array.shape for name, array in found.items()}
    assert shapes["constituents"] == (count, 1, 100, len(CONSTITUENT_FEATURES))
    assert shapes["kinematics"] == (count, 1, 6)
    mask = found["constituent_mask"]
    np.testing.assert_array_equal(mask.sum((1, 2)), (jets[..., 0] > 0).sum(1))
    mass, eta, phi, pt, energy, _ = found["kinematics"][:, 0].T
    total = jets.sum(1)
    np.testing.assert_allclose(energy, total[:, 0], rtol=1e-5)
    np.testing.assert_allclose(pt * np.cos(phi), total[:, 1], rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(pt * np.sinh(eta), total[:, 3], rtol=1e-4, atol=1e-3)
    square = total[:, 0] ** 2 - np.square(total[:, 1:]).sum(1)
    np.testing.assert_allclose(mass, np.sqrt(square), rtol=1e-3)
    log_pt = found["constituents"][..., CONSTITUENT_FEATURES.index("log_pt")]
    np.testing.assert_allclose(
        np.exp(log_pt[mask]).sum(), np.hypot(jets[..., 1], jets[..., 2]).sum(), rtol=1e-4
    )
    assert found["subjet_mask"].any(-1).all()


def test_order_of_constituents_does_not_matter():
    jets = make_jets(4).astype(np.float64)
    before, after = jet_tensors(jets, Subjets()), jet_tensors(jets[:, ::-1], Subjets())
    for name, array in before.items():
        np.testing.assert_allclose(array, after[name], atol=1e-4)


def test_files_of_another_kind(tmp_path):
    (tmp_path / "text.h5").write_text("no HDF5")
    with pytest.raises(InputFileError, match=r"text\.h5 cannot be read"):
        read_jets(tmp_path / "text.h5")
    pd.DataFrame({"a": [1.0]}).to_hdf(tmp_path / "a.h5", key="table", format="table")
    with pytest.raises(InputFileError, match=r"a\.h5.*reference layout"):
        read_jets(tmp_path / "a.h5")
    empty = make_jets(3)
    empty[1] = 0
    write(tmp_path / "empty.h5", empty)
    with pytest.raises(InputFileError, match="jet 1 has no constituent"):
        read_jets(tmp_path / "empty.h5")
    wrong = make_jets(3)[..., [1, 0, 2, 3]]
    write(tmp_path / "wrong.h5", wrong)
    with pytest.raises(InputFileError, match=r"not \(E, px, py, pz\)"):
        read_jets(tmp_path / "wrong.h5")
