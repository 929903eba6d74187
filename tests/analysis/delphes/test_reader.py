"""Reading Delphes files: layouts, streaming, and one clear error for each kind of bad input."""

import json
import re
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from pydantic import ValidationError

import analysis.delphes.reader
from analysis.config.reconstruction import Branches
from analysis.delphes.reader import first_event, open_delphes
from analysis.delphes.references import kept_positions
from common.errors import InputFileError, NormalisationError
from common.lists import Lists
from tests.delphes_files import DATA, QCD, SIGNAL, real_branches, write_flat


def read(path: Path | str, step_size: int = 1000, fatjets: bool = False) -> ak.Array:
    with open_delphes(str(path), fatjets=fatjets) as file:
        return ak.concatenate(list(file.steps(step_size)))


@pytest.mark.parametrize("path", [SIGNAL, QCD])
def test_weights_sum_to_the_manifest(path: Path) -> None:
    manifest = {f["file"]: f for f in json.loads((DATA / "manifest.json").read_text())["files"]}
    events = read(path)
    assert len(events) == manifest[path.name]["events"]
    assert ak.sum(events.weight) == pytest.approx(manifest[path.name]["sum_of_weights"], rel=1e-6)


@pytest.mark.parametrize("step_size", [1, 7, 40])
def test_events_do_not_depend_on_the_step_size(step_size: int) -> None:
    assert ak.array_equal(read(SIGNAL, step_size), read(SIGNAL, 1000))


def test_flat_layout_reads_as_the_class_split_one(tmp_path: Path) -> None:
    flat = write_flat(tmp_path / "flat.root", real_branches())
    assert ak.array_equal(read(flat), read(SIGNAL))


def test_older_layout_has_massless_tracks_and_unit_weights(tmp_path: Path) -> None:
    branches = real_branches(QCD)
    del branches["EFlowTrack.Mass"], branches["Event.Weight"]
    events = read(write_flat(tmp_path / "old.root", branches))
    assert ak.all(events.weight == 1)
    assert ak.all(events.eflow.mass == 0)
    assert ak.array_equal(events.eflow.pt, read(QCD).eflow.pt)


def test_constituents_of_stored_fat_jets_add_up_to_them() -> None:
    events = read(SIGNAL, fatjets=True)
    jets = events.fatjet
    flat = events.eflow[ak.flatten(jets.constituent_index, axis=2)]
    parts = ak.unflatten(flat, ak.flatten(ak.num(jets.constituent_index, axis=2)), axis=1)
    px, py = (ak.sum(parts.pt * f(parts.phi), axis=2) for f in (np.cos, np.sin))
    np.testing.assert_allclose(ak.flatten(np.hypot(px, py)), ak.flatten(jets.pt), rtol=1e-5)


def test_missing_file_is_named() -> None:
    with pytest.raises(InputFileError, match=r"nowhere\.root: no such file; check `files`"):
        read("nowhere.root")


@pytest.mark.parametrize("keep", [0.0, 0.01, 0.5, 0.999])
def test_truncated_file(tmp_path: Path, keep: float) -> None:
    whole = SIGNAL.read_bytes()
    path = tmp_path / "short.root"
    path.write_bytes(whole[: int(keep * len(whole))])
    with pytest.raises(InputFileError, match=r"short\.root: .*truncated.*on_bad_file: skip"):
        read(path)


def test_file_overwritten_with_zeros_in_the_middle(tmp_path: Path) -> None:
    content = bytearray(SIGNAL.read_bytes())
    with uproot.open(SIGNAL) as file:
        seek = int(file["Delphes"]["EFlowTrack.PT"].member("fBasketSeek")[0])
    content[seek + 80 : seek + 1000] = bytes(920)
    path = tmp_path / "holes.root"
    path.write_bytes(content)
    with pytest.raises(InputFileError, match=r"holes\.root: .*damaged"):
        read(path)


def test_not_a_root_file(tmp_path: Path) -> None:
    path = tmp_path / "text.root"
    path.write_text("not what it says\n" * 100)
    with pytest.raises(InputFileError, match=r"text\.root: .*not a Delphes ROOT file"):
        read(path)


def test_file_without_the_tree_says_what_it_holds(tmp_path: Path) -> None:
    path = write_flat(tmp_path / "other.root", real_branches(), tree="Events")
    with pytest.raises(InputFileError, match=r"no tree `Delphes` \(found Events"):
        read(path)


def test_missing_branches_are_all_named(tmp_path: Path) -> None:
    branches = {n: v for n, v in real_branches().items() if not n.startswith("EFlowPhoton")}
    path = write_flat(tmp_path / "noflow.root", branches)
    with pytest.raises(
        InputFileError, match=r"EFlowPhoton\.ET, EFlowPhoton\.Eta, EFlowPhoton\.Phi.*TreeWriter"
    ):
        read(path)


def test_branches_of_one_collection_must_agree_in_length(tmp_path: Path) -> None:
    branches = real_branches()
    branches["EFlowPhoton.Eta"] = branches["EFlowPhoton.Eta"][:, 1:]
    path = tmp_path / "short.root"
    with uproot.recreate(path) as file:  # each branch with a counter of its own
        file.mktree("Delphes", {name: v.type.content for name, v in branches.items()})
        file["Delphes"].extend(branches)
    with pytest.raises(InputFileError, match=r"short\.root: .*EFlowPhoton .*number of objects"):
        read(path)


def test_stored_fat_jets_asked_of_a_file_without_them(tmp_path: Path) -> None:
    path = write_flat(tmp_path / "nofat.root", real_branches())
    with pytest.raises(InputFileError, match=r"FatJet\.Constituents.*fatjets\.source: eflow"):
        read(path, fatjets=True)


def test_generated_particles_in_no_event(tmp_path: Path) -> None:
    branches = real_branches()
    particles = {name for name in branches if name.startswith("Particle.")}
    for name in particles:
        branches[name] = branches[name][:, :0]
    path = write_flat(tmp_path / "light.root", branches)
    with pytest.raises(InputFileError, match=r"light\.root: the branch Particle is empty in all"):
        read(path, step_size=7)
    first = ak.local_index(branches["Event.Weight"], axis=0) == 0
    for name in particles:  # one event with particles is enough
        branches[name] = ak.where(first, real_branches()[name], branches[name])
    assert len(read(write_flat(tmp_path / "one.root", branches))) == len(first)


def test_no_events(tmp_path: Path) -> None:
    empty = {name: values[:0] for name, values in real_branches().items()}
    with pytest.raises(InputFileError, match=r"empty\.root: .*no event"):
        read(write_flat(tmp_path / "empty.root", empty))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("branch", ["EFlowTrack.PT", "EFlowPhoton.Eta", "EFlowNeutralHadron.Phi"])
def test_non_finite_momenta_are_counted_and_located(
    tmp_path: Path, branch: str, value: float
) -> None:
    branches = real_branches()
    entry = 23
    at = int(ak.sum(ak.num(branches[branch][:entry])))

    def spoil(flat: np.ndarray) -> None:
        flat[at : at + 2] = value

    path = write_flat(tmp_path / "nan.root", branches, change={branch: spoil})
    with pytest.raises(InputFileError, match=rf"2 energy-flow objects .* in entry {entry} "):
        read(path, step_size=10)


@pytest.mark.parametrize("charge", [-999, 999, -(2**31), 4])
def test_values_are_reported_as_they_are(tmp_path: Path, charge: int) -> None:
    def spoil(flat: np.ndarray) -> None:
        flat[0] = charge

    path = write_flat(tmp_path / "q.root", real_branches(), change={"EFlowTrack.Charge": spoil})
    with pytest.raises(InputFileError, match=re.escape(f"charge {charge})")):
        read(path)


def test_non_finite_weights_are_counted_and_located(tmp_path: Path) -> None:
    def spoil(flat: np.ndarray) -> None:
        flat[[5, 31]] = np.nan, np.inf

    path = write_flat(tmp_path / "w.root", real_branches(), change={"Event.Weight": spoil})
    with pytest.raises(NormalisationError, match=r"2 generator weights .* in entry 5;"):
        read(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_nothing_uses_is_not_looked_at(tmp_path: Path, value: float) -> None:
    unused = {
        name: ak.Array(np.full((40, 1), value))
        for name in ("MissingET.MET", "MissingET.Phi", "ScalarHT.HT", "Jet.PT", "GenJet.Mass")
    }
    path = write_flat(tmp_path / "unused.root", real_branches() | unused)
    assert ak.array_equal(read(path), read(SIGNAL))


def standing(branches: dict[str, ak.Array], name: str, leaf: str, eta: float) -> dict[str, Any]:
    """Return the branches with an object without momentum before, between and after the others."""

    def with_nothing(values: ak.Array, value: float) -> ak.Array:
        same = np.full((len(values), 1), value, np.asarray(ak.flatten(values)).dtype)
        return ak.concatenate([same, values[:, :1], same, values[:, 1:], same], axis=1)

    own = {key: values for key, values in branches.items() if key.startswith(f"{name}.")}
    special = {f"{name}.{leaf}": 0.0, f"{name}.Eta": eta}
    return branches | {key: with_nothing(v, special.get(key, 0)) for key, v in own.items()}


@pytest.mark.parametrize("eta", [999.9, -999.9, 0.3, np.inf, np.nan])
@pytest.mark.parametrize(
    ("name", "leaf"), [("EFlowTrack", "PT"), ("EFlowPhoton", "ET"), ("EFlowNeutralHadron", "ET")]
)
def test_objects_without_momentum_carry_nothing(
    tmp_path: Path, name: str, leaf: str, eta: float
) -> None:
    branches = standing(real_branches(), name, leaf, eta)
    assert ak.array_equal(read(write_flat(tmp_path / "still.root", branches)), read(SIGNAL))


def test_stored_fat_jets_do_without_objects_without_momentum() -> None:
    """Of three objects the second stands still: the jets' indices count the others alone."""
    objects = Lists(np.array([3, 2]), {"moving": np.array([True, False, True, False, True])})
    index = ak.Array([[[0, 1], [2]], [[1, 0]]])
    assert kept_positions(index, objects, "moving").to_list() == [[[0], [1]], [[0]]]
    empty = ak.Array([[], [[0], []]])
    assert kept_positions(empty, objects, "moving").to_list() == [[], [[], []]]


@pytest.mark.parametrize("name", ["EFlowTrack", "EFlowPhoton", "EFlowNeutralHadron"])
def test_stored_fat_jets_read_alike_with_an_object_at_rest(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Every fifth object of a kind loses its momentum: jets keep their others."""
    before = read(SIGNAL, fatjets=True)
    leaf = "PT" if name == "EFlowTrack" else "ET"
    original = analysis.delphes.reader._events

    def stopped(raw: Any, start: int, wanted: Any) -> ak.Array:
        values = raw[f"{name}.{leaf}"]
        moving = ak.local_index(values) % 5 != 0
        eta = ak.where(moving, raw[f"{name}.Eta"], 999.9)
        changed = {f"{name}.{leaf}": values * moving, f"{name}.Eta": eta}
        return original(raw | changed, start, wanted)

    monkeypatch.setattr(analysis.delphes.reader, "_events", stopped)
    after = read(SIGNAL, fatjets=True)
    assert ak.sum(ak.num(after.eflow)) < ak.sum(ak.num(before.eflow))
    assert ak.all(after.eflow.pt > 0)
    assert ak.array_equal(after.fatjet.pt, before.fatjet.pt)
    for old, new in zip(before, after, strict=True):
        remaining = {tuple(eflow.to_list().values()) for eflow in new.eflow}
        for one, other in zip(
            old.fatjet.constituent_index, new.fatjet.constituent_index, strict=True
        ):
            expected = [tuple(old.eflow[i].to_list().values()) for i in one]
            found = [tuple(new.eflow[i].to_list().values()) for i in other]
            assert found == [record for record in expected if record in remaining]


def test_branches_may_have_other_names(tmp_path: Path) -> None:
    names = {"EFlowTrack": "TracksAfter", "EFlowPhoton": "Gammas", "EFlowNeutralHadron": "K0L"}
    branches = {
        ".".join([names.get(key.split(".")[0], key.split(".")[0]), key.split(".")[1]]): values
        for key, values in real_branches().items()
    }
    path = write_flat(tmp_path / "named.root", branches)
    mapping = Branches(tracks="TracksAfter", photons="Gammas", neutral_hadrons="K0L")
    with open_delphes(str(path), names=mapping) as file:
        assert ak.array_equal(next(file.steps(1000)), read(SIGNAL))
    assert first_event(str(path), mapping) == first_event(str(SIGNAL)) != first_event(str(QCD))
    with pytest.raises(InputFileError, match=r"EFlowTrack\.PT.*`reconstruction\.branches`"):
        read(path)


def test_candidates_of_all_kinds_in_one_branch(tmp_path: Path) -> None:
    """As PUPPI writes them: what they are follows from their charge and PID."""
    flow = read(SIGNAL).eflow
    pids = np.array([211, 11, -13, 22, 130])
    leaves = {"PT": flow.pt, "Eta": flow.eta, "Phi": flow.phi, "Mass": flow.mass}
    kind = ak.flatten(flow.kind)
    leaves |= {"Charge": flow.charge, "PID": ak.unflatten(pids[kind], ak.num(flow))}
    others = {k: v for k, v in real_branches().items() if not k.startswith("EFlow")}
    own = {f"Puppi.{leaf}": values for leaf, values in leaves.items()}
    path = write_flat(tmp_path / "puppi.root", others | own)
    with open_delphes(str(path), names=Branches(candidates="Puppi")) as file:
        found = next(file.steps(1000))
    for name in ("pt", "eta", "phi", "mass", "charge", "kind"):
        assert ak.all(found.eflow[name] == flow[name]), name
    for wrong in ("", "Puppi.PT", "a b", "1st"):
        with pytest.raises(ValidationError, match="candidates"):
            Branches(candidates=wrong)


def test_fat_jets_of_candidates_need_their_references(tmp_path: Path) -> None:
    names = Branches(candidates="ParticleFlowCandidate")
    with (
        pytest.raises(InputFileError, match=r"ParticleFlowCandidate\.fUniqueID"),
        open_delphes(str(SIGNAL), fatjets=True, names=names),
    ):
        pass
