"""Merged cut flows and the normalisation."""

import json
from pathlib import Path
from typing import Any

import pytest

from analysis.config.samples import Sample
from analysis.cutflow import merge
from analysis.errors import EmptySampleError, NormalisationError
from analysis.normalisation import Normalisation, normalise


def chunk(weights: list[tuple[int, float]], status: str = "read") -> dict[str, Any]:
    steps = [
        {"name": f"cut {n}", "raw": raw, "sum_w": total, "sum_w2": total**2 / max(raw, 1)}
        for n, (raw, total) in enumerate(weights)
    ]
    return {"file": "f.root", "status": status, "reason": "truncated", "steps": steps}


def test_merge_adds_and_leaves_skipped_files_out() -> None:
    merged = merge("s", [chunk([(10, 5.0), (4, 2.0)]), chunk([(20, 6.0), (6, 3.0)]),
                         chunk([(0, 0.0), (0, 0.0)], "skipped")])  # fmt: skip
    assert [(step.raw, step.sum_w) for step in merged.steps] == [(30, 11.0), (10, 5.0)]
    assert merged.skipped == (("f.root", "truncated"),)


def sample(label: str = "background") -> Sample:
    numbers = {"mass_gev": 1000} if label == "signal" else {"cross_section_pb": 2.0}
    return Sample(name="s", process="p", label=label, files=("f",), k_factor=1.5, **numbers)


def test_weighted_yield_does_not_depend_on_the_number_of_files() -> None:
    one, two = [chunk([(10, 5.0), (4, 2.0)])], [chunk([(10, 5.0), (4, 2.0)])] * 2
    found = [normalise(sample(), merge("s", files), [], 3000, 0.5) for files in (one, two)]
    yields = [norm.steps[1].sum_w * norm.scale for norm in found]
    assert yields == pytest.approx([3000 * 1000 * 2 * 1.5 * 0.4] * 2)


def test_signal_is_normalised_to_one_femtobarn() -> None:
    norm = normalise(sample("signal"), merge("s", [chunk([(10, 5.0)])]), [], 3000, 0.5)
    assert norm.scale * norm.steps[0].sum_w == pytest.approx(3000 * 0.25 * 1.5)


def test_simulated_cross_section_is_the_mean_over_events() -> None:
    metadata = [
        {"cross_section_pb": s, "cross_section_error_pb": 0.3, "generated": {"events": n}}
        for s, n in ((2.0, 10), (4.0, 30))
    ]
    norm = normalise(sample(), merge("s", [chunk([(10, 5.0)])]), metadata, 1, 0.5)
    assert norm.cross_section_pb == pytest.approx(3.5)
    assert norm.cross_section_error_pb == pytest.approx(0.3 * (0.25**2 + 0.75**2) ** 0.5)
    metadata[0]["cross_section_pb"] = metadata[1]["cross_section_pb"] = 0.0
    with pytest.raises(NormalisationError, match="sample s: its cross section is 0"):
        normalise(sample(), merge("s", [chunk([(10, 5.0)])]), metadata, 1, 0.5)


def test_round_trip(tmp_path: Path) -> None:
    cutflow = merge("s", [chunk([(10, 5.0)]), chunk([(0, 0.0)], "skipped")])
    norm = normalise(sample(), cutflow, [], 3000, 0.5)
    path = tmp_path / "s.json"
    path.write_text(json.dumps(norm.to_json()))
    assert Normalisation.read(path) == norm


def test_no_normalisation() -> None:
    with pytest.raises(EmptySampleError, match=r"all 1 files were skipped.*f\.root: truncated"):
        merge("s", [chunk([(0, 0.0)], "skipped")])
    with pytest.raises(NormalisationError, match="add up to -1"):
        merge("s", [chunk([(3, -1.0)])])
