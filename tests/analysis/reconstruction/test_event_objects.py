"""The energy flow of the whole event beside its fat jets."""

from pathlib import Path

import awkward as ak
import numpy as np
import pytest

from analysis.config.reconstruction import FatJets, Reconstruction, Variation
from analysis.delphes.reader import open_delphes
from analysis.reconstruction.event_table import event_type, write_empty
from analysis.reconstruction.reconstruct import reconstruct, reconstruct_file
from tests.delphes_files import SIGNAL

ALL = Reconstruction(event_objects=5000)


def reconstructed(config: Reconstruction) -> tuple[ak.Array, ak.Array]:
    """Return the table of the signal file, and the energy flow of its events."""
    with open_delphes(str(SIGNAL), fatjets=True) as file:
        events = next(file.steps(1000))
    table, _ = reconstruct(events, config)
    return table, events.eflow[table.entry]


@pytest.mark.parametrize("source", ["eflow", "delphes"])
def test_every_object_is_there_once(source: str) -> None:
    table, eflow = reconstructed(ALL.model_copy(update={"fatjets": FatJets(source=source)}))
    found = table.object
    assert ak.all(ak.num(found) == ak.num(eflow))
    np.testing.assert_allclose(
        ak.flatten(ak.sort(found.pt)), ak.flatten(ak.sort(eflow.pt)), rtol=1e-6
    )
    energy = np.sqrt((eflow.pt * np.cosh(eflow.eta)) ** 2 + eflow.mass**2)
    np.testing.assert_allclose(ak.sum(found.energy, axis=1), ak.sum(energy, axis=1), rtol=1e-5)
    assert ak.all(ak.sum(found.charge, axis=1) == ak.sum(eflow.charge, axis=1))


def test_the_leading_ones_are_kept_in_order_of_pt() -> None:
    few, all_of_them = (reconstructed(config)[0].object for config in (
        Reconstruction(event_objects=30), ALL
    ))  # fmt: skip
    assert ak.all(ak.num(few) == 30)
    assert ak.all(few.pt[:, 1:] <= few.pt[:, :-1])
    assert ak.array_equal(few, all_of_them[:, :30])


def test_what_is_in_fat_jets_varies_with_them_and_nothing_else_does() -> None:
    nominal, _ = reconstructed(ALL)
    varied, _ = reconstructed(ALL.model_copy(update={"variation": Variation(energy_scale=0.1)}))
    varied = varied[np.isin(varied.entry, nominal.entry)]
    assert ak.all(varied.entry == nominal.entry)
    gained = ak.sum(varied.object.energy, axis=1) - ak.sum(nominal.object.energy, axis=1)
    np.testing.assert_allclose(gained, 0.1 * ak.sum(nominal.fatjet.energy, axis=1), rtol=1e-3)


def test_the_other_columns_stay_as_they_are(tmp_path: Path) -> None:
    with_objects, without = tmp_path / "with.parquet", tmp_path / "without.parquet"
    for path, config in ((with_objects, ALL), (without, Reconstruction())):
        reconstruct_file(str(SIGNAL), path, config)
    found, plain = ak.from_parquet(with_objects), ak.from_parquet(without)
    assert found.layout.form.type == event_type(ALL)
    assert plain.fields == found.fields[:-1]
    assert ak.array_equal(found[plain.fields], plain)
    write_empty(with_objects, ALL)
    assert ak.from_parquet(with_objects).layout.form.type == event_type(ALL)
