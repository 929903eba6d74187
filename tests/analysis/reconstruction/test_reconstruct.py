"""The chain from a file to the table of events."""

import gc
import json
import tracemalloc
from pathlib import Path

import awkward as ak
import numpy as np
import pytest

from analysis.config.reconstruction import BHadrons, FatJets, Reconstruction, Subjets
from analysis.delphes.reader import open_delphes
from analysis.reconstruction.cut_counts import CutCounts
from analysis.reconstruction.event_table import EVENT_TYPE, conform, empty_table
from analysis.reconstruction.reconstruct import reconstruct, reconstruct_file
from tests.delphes_files import QCD, SIGNAL, real_branches, write_flat


def table_and_flow(
    path: Path, output: Path, config: Reconstruction, b_hadron_range: BHadrons | None = None
) -> tuple[ak.Array, CutCounts]:
    flow = reconstruct_file(str(path), output, config, b_hadron_range)
    return ak.from_parquet(output), flow


@pytest.fixture(scope="module")
def signal(tmp_path_factory: pytest.TempPathFactory) -> tuple[ak.Array, CutCounts]:
    output = tmp_path_factory.mktemp("events") / "signal.parquet"
    return table_and_flow(SIGNAL, output, Reconstruction())


def test_table_has_the_type_of_event_tables(signal: tuple[ak.Array, CutCounts]) -> None:
    table, flow = signal
    assert table.layout.form.type == EVENT_TYPE
    assert [step.name for step in flow.steps] == ["generated", "two fat jets", "eta", "mass"]
    assert [step.raw for step in flow.steps] == sorted((s.raw for s in flow.steps), reverse=True)
    assert flow["generated"].raw == 40
    assert flow["mass"].raw == len(table) > 15


def test_selection_holds_and_order_is_pt(signal: tuple[ak.Array, CutCounts]) -> None:
    table, cuts = signal[0], FatJets()
    jets = table.fatjet
    assert ak.all(jets.pt > cuts.pt_min)
    assert ak.all(abs(jets.eta) < cuts.abs_eta_max)
    assert ak.all(jets.mass > cuts.mass_min)
    assert ak.all(jets.pt[:, 0] >= jets.pt[:, 1])
    assert ak.all(table.constituent.pt[..., 1:] <= table.constituent.pt[..., :-1])
    assert ak.all(table.subjet.pt[..., 1:] <= table.subjet.pt[..., :-1])
    assert ak.max(ak.num(table.constituent, axis=2)) == 50
    assert ak.all(jets.multiplicity >= ak.num(table.constituent, axis=2))
    assert ak.all(ak.num(table.subjet, axis=2) <= 6)


def test_physics_of_the_signal(signal: tuple[ak.Array, CutCounts]) -> None:
    """h → bb̄ twice: the median jet mass is near 125 GeV, m_JJ near 1 TeV, and b's are found."""
    table = signal[0]
    jets = table.fatjet
    assert 100 < np.median(jets.mass[:, 0]) < 150
    px, py = jets.pt * np.cos(jets.phi), jets.pt * np.sin(jets.phi)
    total = {"E": jets.energy, "px": px, "py": py, "pz": jets.pt * np.sinh(jets.eta)}
    e, x, y, z = (ak.to_numpy(ak.sum(v, axis=1)).astype("f8") for v in total.values())
    assert 900 < np.median(np.sqrt(e**2 - x**2 - y**2 - z**2)) < 1050
    assert np.mean(ak.any(table.subjet.flavour[:, 0] == 5, axis=1)) > 0.9


def test_numbers_are_finite(signal: tuple[ak.Array, CutCounts]) -> None:
    table = signal[0]
    for group in ("fatjet", "constituent", "subjet"):
        for name in table[group].fields:
            values = ak.to_numpy(ak.flatten(table[group][name], axis=None))
            assert np.isfinite(values).all(), f"{group}.{name}"
    assert ak.all(abs(table.fatjet.theta) <= np.float32(np.pi / 2))


def test_oriented_and_axis_frames_differ_by_a_rotation(signal: tuple[ak.Array, CutCounts]) -> None:
    """Distances between constituents are the same in both frames."""
    parts = signal[0].constituent[:, :, :10]
    one, other = ak.unzip(ak.combinations(parts, 2, axis=2))
    oriented = np.hypot(one.eta - other.eta, one.phi - other.phi)
    axis = np.hypot(one.deta - other.deta, one.dphi - other.dphi)
    np.testing.assert_allclose(
        ak.flatten(oriented, axis=None), ak.flatten(axis, axis=None), atol=1e-5
    )


def test_table_does_not_depend_on_steps_or_layout(
    signal: tuple[ak.Array, CutCounts], tmp_path: Path
) -> None:
    output = tmp_path / "again.parquet"
    table, flow = table_and_flow(SIGNAL, output, Reconstruction(step_size=1))
    assert ak.array_equal(table, signal[0])
    assert flow == signal[1]
    flat = write_flat(tmp_path / "flat.root", real_branches())
    assert ak.array_equal(table_and_flow(flat, output, Reconstruction())[0], signal[0])


def test_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    outputs = [tmp_path / name for name in ("one.parquet", "two.parquet")]
    for output in outputs:
        reconstruct_file(str(QCD), output, Reconstruction())
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


def test_order_of_objects_in_the_file_does_not_matter(
    signal: tuple[ak.Array, CutCounts], tmp_path: Path
) -> None:
    branches = {
        name: values[:, ::-1] if name.startswith(("EFlow", "Particle")) else values
        for name, values in real_branches().items()
    }
    path = write_flat(tmp_path / "reversed.root", branches)
    table, _ = table_and_flow(path, tmp_path / "t.parquet", Reconstruction())
    assert ak.array_equal(table.entry, signal[0].entry)
    for name in ("pt", "mass", "theta", "eta"):
        np.testing.assert_allclose(
            ak.flatten(table.fatjet[name]), ak.flatten(signal[0].fatjet[name]), rtol=1e-5, atol=1e-5
        )
    for name in ("eta", "phi", "pt"):
        np.testing.assert_allclose(
            ak.flatten(table.constituent[name], axis=None),
            ak.flatten(signal[0].constituent[name], axis=None),
            atol=1e-5,
        )


def test_turning_events_about_the_beam_changes_azimuths_alone(
    signal: tuple[ak.Array, CutCounts], tmp_path: Path
) -> None:
    def turn(phi: np.ndarray) -> None:
        phi[:] = (phi.astype("f8") + 2.5 + np.pi) % (2 * np.pi) - np.pi

    branches = real_branches()
    phis = {name: turn for name in branches if name.endswith(".Phi")}
    path = write_flat(tmp_path / "turned.root", branches, change=phis)
    table, _ = table_and_flow(path, tmp_path / "t.parquet", Reconstruction())
    before, after = signal[0].fatjet, table.fatjet
    difference = ak.to_numpy(after.phi - before.phi - 2.5)
    np.testing.assert_allclose(np.sin(difference), 0, atol=1e-5)
    for name in ("pt", "eta", "mass", "theta"):
        np.testing.assert_allclose(ak.flatten(after[name]), ak.flatten(before[name]), rtol=1e-3)
    assert ak.array_equal(table.subjet.flavour, signal[0].subjet.flavour)


@pytest.mark.parametrize("algorithm", ["antikt", "kt_exclusive", "hdbscan"])
def test_every_subjet_algorithm_and_source_runs(tmp_path: Path, algorithm: str) -> None:
    config = Reconstruction(subjets=Subjets(algorithm=algorithm), fatjets=FatJets(source="delphes"))
    table, _ = table_and_flow(SIGNAL, tmp_path / "t.parquet", config)
    assert len(table) > 15
    assert ak.all(ak.num(table.subjet, axis=2) >= 1)


def test_ranges_of_b_hadrons_are_a_partition_of_the_events(tmp_path: Path) -> None:
    output = tmp_path / "s.parquet"
    whole, flow = table_and_flow(QCD, output, Reconstruction())
    ranges = [BHadrons(max=0), BHadrons(min=1, max=2), BHadrons(min=3)]
    parts = [table_and_flow(QCD, output, Reconstruction(), kept) for kept in ranges]
    entries = np.concatenate([ak.to_numpy(table.entry) for table, _ in parts])
    assert sorted(entries.tolist()) == whole.entry.tolist()
    assert [part["generated"] for _, part in parts] == [flow["generated"]] * 3
    assert sum(part["b hadrons"].raw for _, part in parts) == flow["generated"].raw
    for (table, _), b_hadrons in zip(parts, ({0}, {1, 2}, range(3, 99)), strict=True):
        assert set(table.b_hadrons.tolist()) <= set(b_hadrons)


def test_nothing_selected_leaves_an_empty_table_of_the_same_type(tmp_path: Path) -> None:
    config = Reconstruction(fatjets=FatJets(pt_min=50_000.0))
    table, flow = table_and_flow(SIGNAL, tmp_path / "t.parquet", config)
    assert len(table) == 0
    assert table.layout.form.type == EVENT_TYPE == empty_table().layout.form.type
    assert [step.raw for step in flow.steps] == [40, 0, 0, 0]


@pytest.mark.parametrize("cut", [{"mass_min": 1e4}, {"abs_eta_max": 1e-9}])
def test_nothing_left_after_the_jets(cut: dict[str, float]) -> None:
    with open_delphes(str(SIGNAL)) as file:
        events = next(file.steps(1000))
    table, _ = reconstruct(events, Reconstruction(fatjets=FatJets(**cut)))
    assert len(conform(table)) == 0


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_weights_of_a_file_may_sum_to_nothing(tmp_path: Path, value: float) -> None:
    def spoil(flat: np.ndarray) -> None:
        flat[:] = value

    path = write_flat(tmp_path / "w.root", real_branches(), change={"Event.Weight": spoil})
    _, flow = table_and_flow(path, tmp_path / "t.parquet", Reconstruction())
    assert flow["generated"][1:3] == (40, 40 * value)
    assert flow.weights == ((1.0, 1.0) if value else (np.inf, 0.0))


def test_some_negative_weights_are_allowed(tmp_path: Path) -> None:
    def flip(flat: np.ndarray) -> None:
        flat[::4] *= -1

    path = write_flat(tmp_path / "nlo.root", real_branches(), change={"Event.Weight": flip})
    table, flow = table_and_flow(path, tmp_path / "t.parquet", Reconstruction())
    assert flow["generated"].sum_w == 20
    assert flow["generated"].sum_w2 == 40
    assert ak.any(table.generator_weight < 0)
    assert json.loads(json.dumps(flow.to_json()))["steps"][0]["sum_w"] == 20


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    config = Reconstruction(step_size=120)  # outweighs the index of baskets
    peaks = []
    for copies in (15, 3, 15):  # the first fills caches and is not counted
        path = write_flat(tmp_path / "long.root", real_branches(), copies=copies)
        gc.collect()
        tracemalloc.start()
        flow = reconstruct_file(str(path), tmp_path / "t.parquet", config)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert flow["generated"].raw == 40 * copies
    assert peaks[2] < 1.2 * peaks[1]
