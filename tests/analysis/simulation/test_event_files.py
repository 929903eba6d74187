"""Samples made from Les Houches and HepMC files, beside Pythia's own."""

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from analysis.config.detector import Detector
from analysis.config.simulation import Simulation
from analysis.simulation.hepmc_files import HepmcFiles
from analysis.simulation.produce import combine, produce
from analysis.simulation.pythia import Generator
from analysis.simulation.showered_files import ShoweredFiles
from common.errors import ConfigError, InputFileError, NormalisationError
from tests.event_files import (
    BOTTOM_PAIRS,
    PT_HAT_MIN,
    les_houches,
    write,
    write_hepmc,
    write_particles,
)

EVENTS = 40


def made(block: Simulation, folder: Path, chunk: int = 0) -> tuple[dict, ak.Array]:
    path = folder / f"{chunk}.root"
    found = produce(block, Detector(), "sample", chunk, 1, path)
    with uproot.open(path) as file:
        names = ["Event.Weight", "Particle.PT", "Particle.PID", "EFlowTrack.PT", "Particle.X"]
        return found, file["Delphes"].arrays(names)


def test_plain_file_and_gzip_in_two_chunks_are_one_sample(tmp_path: Path) -> None:
    text = les_houches(12)
    one, events = made(Simulation(lhe=str(write(tmp_path / "a.lhe", text))), tmp_path)
    block = Simulation(lhe=(str(write(tmp_path / "a.lhe.gz", text)),), chunks=2)
    two = [made(block, tmp_path, chunk)[0] for chunk in (0, 1)]
    assert one["events"] == sum(part["events"] for part in two) == 12
    assert combine(two) == pytest.approx(combine([one]))
    assert np.asarray(events["Event.Weight"][:, 0]) == pytest.approx(np.ones(12))


def test_file_and_pythia_agree_on_one_process(tmp_path: Path) -> None:
    """The same hard process: cross section, and what is left of it above a pT of two jets."""
    own = Simulation(
        pythia=BOTTOM_PAIRS, pt_hat_min=PT_HAT_MIN, events=EVENTS, parton_jet_pt_min=270.0
    )
    path = write(tmp_path / "a.lhe", les_houches(2 * EVENTS))
    file = Simulation(lhe=str(path), parton_jet_pt_min=270.0)
    results = [made(block, tmp_path) for block in (own, file)]
    (a, from_pythia), (b, from_file) = results
    total = [found["generated"]["cross_section_pb"] for found, _ in results]
    assert total[1] == pytest.approx(total[0], rel=0.05), "the file's sum of few hard processes"
    difference = a["cross_section_pb"] - b["cross_section_pb"]
    error = np.hypot(a["cross_section_error_pb"], b["cross_section_error_pb"])
    assert abs(difference) < 4 * np.hypot(error, 0.03 * b["cross_section_pb"])
    assert b["cross_section_pb"] < 0.9 * total[1], "vetoed events take their part with them"
    for events in (from_pythia, from_file):
        assert ak.mean(ak.num(events["EFlowTrack.PT"])) > 50, "showered and hadronised"
    tracks = [ak.to_numpy(ak.num(events["EFlowTrack.PT"])) for events in (from_pythia, from_file)]
    means = [t.mean() for t in tracks]
    spread = np.hypot(*(t.std() / np.sqrt(len(t)) for t in tracks))
    assert abs(means[0] - means[1]) < 4 * spread


def test_weights_stay_with_their_events_where_some_are_vetoed(tmp_path: Path) -> None:
    """Each event's weight is its own p̂_T, so that a shifted one would show."""
    number = 40
    plain = write(tmp_path / "plain.lhe", les_houches(number))
    scale = [
        float(line.split()[3]) for line in plain.read_text().splitlines() if line[:4] == "4 1 "
    ]
    text = les_houches(number, strategy=-4, weights=scale, sigma=[float(np.mean(scale))])
    block = Simulation(lhe=str(write(tmp_path / "a.lhe", text)), parton_jet_pt_min=270.0)
    found, events = made(block, tmp_path)
    weight = np.asarray(events["Event.Weight"][:, 0]) * np.mean(scale)
    # the hard quarks are the first entries with a b or b̄ quark's code
    hard = [
        pt[abs(pid) == 5][0]
        for pt, pid in zip(events["Particle.PT"], events["Particle.PID"], strict=True)
    ]
    assert 0 < found["events"] < number
    assert np.hypot(hard, 4.8) == pytest.approx(weight, rel=0.02)


def test_negative_weights_reduce_the_yield(tmp_path: Path) -> None:
    sign = np.where(np.arange(20) % 5 == 0, -1.0, 1.0)
    text = les_houches(20, strategy=-3, weights=sign, sigma=[6.0])
    found, events = made(Simulation(lhe=str(write(tmp_path / "a.lhe", text))), tmp_path)
    assert found["cross_section_pb"] == pytest.approx(6.0)
    weight = np.asarray(events["Event.Weight"][:, 0])
    assert weight == pytest.approx(sign / sign.mean())
    assert found["sum_of_weights"] == pytest.approx(weight.sum())


def test_merging_vetoes_are_counted(tmp_path: Path) -> None:
    """CKKW-L without higher multiplicities: an emission above the merging scale ends an event."""
    lines = (
        "Merging:doKTMerging = on",
        "Merging:ktType = 1",
        "Merging:Process = pp>bb~",
        "Merging:nJetMax = 1",
        "Merging:TMS = 30.",
    )
    block = Simulation(lhe=str(write(tmp_path / "a.lhe", les_houches(30))), pythia=lines)
    source = ShoweredFiles(block, 0, 1)
    kept = sum(len(batch.weight) for batch in source.batches())
    found = source.normalisation()
    assert 0 < kept < 30
    assert found.cross_section_pb < found.generated_cross_section_pb
    assert found.generated == 30


def test_setting_that_pythia_refuses_is_one_error(tmp_path: Path) -> None:
    path = write(tmp_path / "a.lhe", les_houches(2))
    with pytest.raises(ConfigError, match="does not accept the line"):
        next(ShoweredFiles(Simulation(lhe=str(path), pythia=("No:such = 1",)), 0, 1).batches())


def test_nothing_above_the_veto_is_one_error(tmp_path: Path) -> None:
    path = write(tmp_path / "a.lhe", les_houches(3))
    source = ShoweredFiles(Simulation(lhe=str(path), parton_jet_pt_min=5000.0), 0, 1)
    assert list(source.batches()) == []
    with pytest.raises(NormalisationError, match="lower parton_jet_pt_min"):
        source.normalisation()


@pytest.fixture(params=[2, 3])
def hepmc(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return write_hepmc(tmp_path / "a.hepmc", 7, version=request.param)


def test_hepmc_final_state_is_measured_as_it_is(hepmc: Path, tmp_path: Path) -> None:
    block = Simulation(hepmc=(str(hepmc),), chunks=2)
    parts = [made(block, tmp_path, chunk) for chunk in (0, 1)]
    assert [found["events"] for found, _ in parts] == [3, 4]
    sigma, error, total = combine([found for found, _ in parts])
    assert (sigma, error, total) == pytest.approx((12.0, 1.2, 14.0))
    pt = ak.concatenate([events["Particle.PT"] for _, events in parts])
    assert np.asarray(pt[:, 0]) == pytest.approx(100.0 + np.arange(7)), "each event once, in order"
    events = parts[0][1]
    assert events["Particle.X"].tolist()[0] == pytest.approx([0.0, 0.0, 3.0])
    tracks = ak.flatten(events["EFlowTrack.PT"])
    assert 0 < len(tracks) <= 3, "the pion, unless its track is lost"
    assert np.abs(np.asarray(tracks) - 101).max() < 5


def test_hepmc_keeps_every_stable_particle_where_it_is(qcd: Simulation, tmp_path: Path) -> None:
    """Real events, with decays of decays: vertices whose numbers have gaps, or no position."""
    made_here = next(Generator(qcd.model_copy(update={"events": 3}), 1).batches()).particles
    path = write_particles(tmp_path / "a.hepmc", made_here)
    read = next(HepmcFiles(Simulation(hepmc=str(path)), 0).batches()).particles
    names = ("pid", "charge", "px", "py", "pz", "energy", "mass", "x", "y", "z", "t")
    for k in range(3):
        rows = []
        for particles in (made_here, read):
            one = particles.select_events(np.arange(3) == k)
            one = one.select(one.status == 1)
            order = np.lexsort((one.pz, one.px))
            rows.append(np.stack([getattr(one, name)[order] for name in names]))
        assert rows[0].shape[1] > 100
        assert rows[1] == pytest.approx(rows[0], rel=1e-12, abs=1e-12)
    assert np.abs(read.z).max() > 1, "some decays are displaced"


def test_hepmc_weight_is_chosen_by_name(hepmc: Path) -> None:
    source = HepmcFiles(Simulation(hepmc=str(hepmc), weight="up"), 0)
    (batch,) = source.batches()
    assert batch.weight == pytest.approx(3.0 + np.arange(7))
    sigma = source.normalisation().cross_section_pb
    assert sigma == pytest.approx(12.0 * batch.weight.mean() / 2), "reweighted"
    with pytest.raises(ConfigError, match=r"no weight 'down'; there are nominal, up"):
        list(HepmcFiles(Simulation(hepmc=str(hepmc), weight="down"), 0).batches())


def test_hepmc_whose_weights_have_no_names_has_the_nominal_one(tmp_path: Path) -> None:
    named = write_hepmc(tmp_path / "a.hepmc", 3).read_text()
    path = write(tmp_path / "b.hepmc", named.replace("W nominal\\|up\n", "", 1))
    with pytest.raises(ConfigError, match=r"b\.hepmc has no weight 'up'; there are none with a"):
        list(HepmcFiles(Simulation(hepmc=str(path), weight="up"), 0).batches())
    (batch,) = HepmcFiles(Simulation(hepmc=str(path)), 0).batches()
    assert batch.weight == pytest.approx([2.0] * 3)


def test_hepmc_without_cross_section_asks_for_one(tmp_path: Path) -> None:
    path = write_hepmc(tmp_path / "a.hepmc", 2, sigma=None)
    with pytest.raises(InputFileError, match=r"a\.hepmc.*simulation\.cross_section_pb"):
        HepmcFiles(Simulation(hepmc=str(path)), 0)
    source = HepmcFiles(Simulation(hepmc=str(path), cross_section_pb=5.0), 0)
    list(source.batches())
    assert source.normalisation().cross_section_pb == pytest.approx(5.0)
    signal = HepmcFiles(Simulation(hepmc=str(path), mass_gev=1000.0), 0)
    list(signal.batches())
    assert signal.normalisation().cross_section_pb > 0, "normalised to 1 fb later"


def test_damaged_hepmc_is_one_error(hepmc: Path, tmp_path: Path) -> None:
    text = hepmc.read_text()
    bad = tmp_path / "bad.hepmc"
    end = text.index("END_EVENT") - len("HepMC::Asciiv3-")
    for content, message in (
        (text[: end - 40], "ends early"),
        (les_houches(1), "not a HepMC file"),
        (text[: text.index("\nE ") + 1] + text[end - 5 :].partition("\n")[2], "no event"),
        (text + text, "holds several files"),
    ):
        bad.write_text(content)
        with pytest.raises(InputFileError, match=rf"bad\.hepmc.*{message}"):
            HepmcFiles(Simulation(hepmc=str(bad)), 0)


def test_hepmc_of_other_collisions_is_refused(tmp_path: Path) -> None:
    path = write_hepmc(tmp_path / "a.hepmc", 1, energy=6500.0)
    with pytest.raises(InputFileError, match="13000 GeV"):
        list(HepmcFiles(Simulation(hepmc=str(path)), 0).batches())
