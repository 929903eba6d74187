import awkward as ak
import numpy as np
import pytest

from analysis.config.reconstruction import FatJets, Reconstruction, Variation
from analysis.delphes.reader import open_delphes
from analysis.reconstruction.reconstruct import reconstruct
from tests.conftest import DATA

SIGNAL = str(DATA / "tiny_signal_mH1000.root")


def table(**variation) -> ak.Array:
    # the mass cut would move events over its edge with the energy
    config = Reconstruction(variation=Variation(**variation), fatjets=FatJets(mass_min=0.0))
    with open_delphes(SIGNAL) as file:
        events = next(iter(file.steps(1000)))
    return reconstruct(events, config)[0]


def common(one: ak.Array, other: ak.Array) -> tuple[ak.Array, ak.Array]:
    entries = np.intersect1d(ak.to_numpy(one.entry), ak.to_numpy(other.entry))
    return tuple(t[np.isin(ak.to_numpy(t.entry), entries)] for t in (one, other))


@pytest.mark.parametrize("shift", [-0.05, 0.05])
def test_energy_scale_multiplies_momenta_and_leaves_directions(shift):
    nominal, varied = common(table(), table(energy_scale=shift))
    for name in ("pt", "mass", "energy"):
        ratio = varied.fatjet[name] / nominal.fatjet[name]
        np.testing.assert_allclose(ak.to_numpy(ratio), 1 + shift, rtol=1e-5)
        assert len(ratio) > 20
    for name in ("eta", "phi", "theta"):
        np.testing.assert_allclose(varied.fatjet[name], nominal.fatjet[name], atol=1e-5)
    pt = [ak.to_numpy(ak.flatten(t.constituent.pt, axis=None)) for t in (nominal, varied)]
    np.testing.assert_allclose(pt[1], pt[0] * (1 + shift), rtol=1e-5)


def test_energy_scale_moves_events_over_the_threshold():
    assert (
        set(table(energy_scale=-0.1).entry)
        < set(table().entry)
        < set(table(energy_scale=0.3).entry)
    )


def test_smearing_has_the_wanted_width_and_is_reproducible():
    first, again = table(resolution=0.1), table(resolution=0.1)
    assert ak.to_list(first.fatjet.pt) == ak.to_list(again.fatjet.pt)
    nominal, varied = common(table(), first)
    # jets may swap places: compare their sums' logarithms event by event
    change = np.log(ak.to_numpy(ak.prod(varied.fatjet.pt, axis=1)))
    change -= np.log(ak.to_numpy(ak.prod(nominal.fatjet.pt, axis=1)))
    assert change.std() == pytest.approx(0.1 * np.sqrt(2), rel=0.4)
    assert (ak.to_numpy(first.fatjet.pt[:, 0] >= first.fatjet.pt[:, 1])).all()
    assert ak.all(first.fatjet.pt > 250)


def test_other_seed_smears_otherwise():
    assert ak.to_list(table(resolution=0.1).fatjet.pt) != ak.to_list(
        table(resolution=0.1, seed=2).fatjet.pt
    )
