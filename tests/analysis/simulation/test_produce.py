from pathlib import Path

import numpy as np
import pytest
import uproot

from analysis.config.detector import Detector
from analysis.config.simulation import Simulation
from analysis.simulation.produce import combine, produce


def test_metadata_agree_with_the_file(qcd: Simulation, tmp_path: Path) -> None:
    found = produce(qcd, Detector(), "qcd", 0, 1, tmp_path / "a.root")
    with uproot.open(tmp_path / "a.root") as file:
        weight = np.asarray(file["Delphes"]["Event.Weight"].array()[:, 0])
    assert found["events"] == len(weight) == 20
    assert found["sum_of_weights"] == pytest.approx(weight.sum(), rel=1e-6)
    assert found["generated"]["events"] == 20
    assert "HardQCD:all = on" in found["pythia_settings"]


def test_chunks_repeat_byte_for_byte_and_differ_from_each_other(
    qcd: Simulation, tmp_path: Path
) -> None:
    block = qcd.model_copy(update={"events": 5})

    def content(name: str, chunk: int) -> tuple[dict, np.ndarray]:
        path = tmp_path / name
        found = produce(block, Detector(), "qcd", chunk, 1, path)
        with uproot.open(path) as file:
            tree = file["Delphes"]
            values = [tree[key].array(library="np") for key in ("EFlowTrack.PT", "EFlowPhoton.ET")]
        return found, np.concatenate([np.concatenate(list(value)) for value in values])

    first, again, other = content("a", 0), content("b", 0), content("c", 1)
    assert first[0] == again[0]
    assert np.array_equal(first[1], again[1])
    assert not np.array_equal(first[1], other[1])


def test_chunks_are_averaged_with_what_was_generated() -> None:
    def chunk(sigma: float, generated: int, total: float) -> dict:
        return {
            "cross_section_pb": sigma,
            "cross_section_error_pb": 0.4,
            "sum_of_weights": total,
            "generated": {"events": generated},
        }

    sigma, error, total = combine([chunk(2.0, 100, 5.0), chunk(5.0, 200, 7.0)])
    assert sigma == pytest.approx(4.0)
    assert error == pytest.approx(0.4 * np.sqrt(5) / 3)
    assert total == 12.0
    one = combine([chunk(2.0, 100, 5.0)])
    assert one == pytest.approx((2.0, 0.4, 5.0))
