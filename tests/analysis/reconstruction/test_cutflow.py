"""Merged cut flows and the normalisation."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from analysis.config.samples import Sample
from analysis.datasets.normalisation import Normalisation, normalise
from analysis.reconstruction.cutflow import merge, require_distinct
from common.errors import EmptySampleError, InputFileError, NormalisationError


def chunk(weights: list[tuple[int, float]], status: str = "read") -> dict[str, Any]:
    steps = [
        {"name": f"cut {n}", "raw": raw, "sum_w": total, "sum_w2": total**2 / max(raw, 1)}
        for n, (raw, total) in enumerate(weights)
    ]
    flows = {"steps": steps, "n_minus_one": steps[1:]}
    return {"file": "f.root", "status": status, "reason": "truncated", **flows}


def test_merge_adds_and_leaves_skipped_files_out() -> None:
    merged = merge("s", [chunk([(10, 5.0), (4, 2.0)]), chunk([(20, 6.0), (6, 3.0)]),
                         chunk([(0, 0.0), (0, 0.0)], "skipped")])  # fmt: skip
    assert [(step.raw, step.sum_w) for step in merged.steps] == [(30, 11.0), (10, 5.0)]
    assert merged.n_minus_one == merged.steps[1:]
    assert merged.skipped == (("f.root", "truncated"),)


def sample(label: str = "background") -> Sample:
    background = {"cross_section_pb": 2.0, "k_factor": 1.5}
    numbers = {"mass_gev": 1000} if label == "signal" else background
    return Sample(name="s", process="p", label=label, files=("f",), **numbers)


def test_weighted_yield_does_not_depend_on_the_number_of_files() -> None:
    one, two = [chunk([(10, 5.0), (4, 2.0)])], [chunk([(10, 5.0), (4, 2.0)])] * 2
    found = [normalise(sample(), merge("s", files), [], 0.5) for files in (one, two)]
    yields = [norm.steps[1].sum_w * norm.scale for norm in found]
    assert yields == pytest.approx([1000 * 2 * 1.5 * 0.4] * 2)


def test_signal_is_normalised_to_one_femtobarn() -> None:
    norm = normalise(sample("signal"), merge("s", [chunk([(10, 5.0)])]), [], 0.5)
    assert norm.scale * norm.steps[0].sum_w == pytest.approx(0.25)


def test_simulated_cross_section_is_the_mean_over_events() -> None:
    metadata = [
        {"cross_section_pb": s, "cross_section_error_pb": 0.3, "generated": {"events": n}}
        for s, n in ((2.0, 10), (4.0, 30))
    ]
    norm = normalise(sample(), merge("s", [chunk([(10, 5.0)])]), metadata, 0.5)
    assert norm.cross_section_pb == pytest.approx(3.5)
    assert norm.cross_section_error_pb == pytest.approx(0.3 * (0.25**2 + 0.75**2) ** 0.5)
    metadata[0]["cross_section_pb"] = metadata[1]["cross_section_pb"] = 0.0
    with pytest.raises(NormalisationError, match="sample s: its cross section is 0"):
        normalise(sample(), merge("s", [chunk([(10, 5.0)])]), metadata, 0.5)


def test_round_trip(tmp_path: Path) -> None:
    cutflow = merge("s", [chunk([(10, 5.0)]), chunk([(0, 0.0)], "skipped")])
    norm = normalise(sample(), cutflow, [], 0.5)
    path = tmp_path / "s.json"
    path.write_text(json.dumps(norm.to_json()))
    assert Normalisation.read(path) == norm


def test_the_sum_of_the_sample_counts() -> None:
    """A small file of an NLO generator may add up to less than nothing."""
    merged = merge("s", [chunk([(40, 12.0), (34, 10.0)]), chunk([(4, -2.0), (3, -1.0)])])
    assert merged.generated[1:3] == (44, 10.0)
    norm = normalise(sample(), merged, [], 0.5)
    assert norm.scale * 10.0 == pytest.approx(1000 * 2 * 1.5)
    zero = merge("s", [chunk([(4, 2.0)]), chunk([(4, 0.0)])])
    assert zero.generated.sum_w == 2.0
    with pytest.raises(NormalisationError, match="add up to -2 over all 2 files"):
        merge("s", [chunk([(3, 1.0)]), chunk([(3, -3.0)])])


def beginning(digest: str, file: str) -> dict[str, Any]:
    return chunk([(10, 5.0)]) | {"first_event": digest, "file": file}


def test_files_that_begin_with_the_same_event_are_refused() -> None:
    with pytest.raises(InputFileError, match=r"c\.root.*a\.root.*same generated event"):
        merge("s", [beginning("1", "a.root"), beginning("2", "b.root"), beginning("1", "c.root")])
    merged = merge("s", [beginning("1", "a.root"), beginning("2", "b.root"), beginning("", "c")])
    assert merged.first_events == (("1", "a.root"), ("2", "b.root"))
    merge("s", [beginning("", "a.root"), beginning("", "b.root")])  # no particles: not known


def test_samples_that_begin_with_the_same_event_are_refused() -> None:
    firsts = {"qcd": [("1", "a.root"), ("2", "b.root")], "ttbar": [("3", "c.root")]}
    require_distinct(firsts.items())
    firsts["signal"] = [("4", "d.root"), ("2", "e.root")]
    with pytest.raises(InputFileError, match=r"e\.root \(sample signal\) and b\.root \(sample qcd"):
        require_distinct(firsts.items())


def weighted(least: float, most: float, file: str) -> dict[str, Any]:
    return chunk([(10, 5.0)]) | {"weights": [least, most], "file": file}


@pytest.mark.parametrize(
    ("files", "factor"),
    [
        ([(7.0, 7.0), (7.2, 7.2)], ""),  # cross sections of two runs
        ([(7.0, 7.0), (7e-4, 7e-4)], "1e\\+04"),  # event_norm average and sum
        ([(1.0, 1.0), (350.0, 350.0)], "350"),  # unity and average
        ([(1e-5, 1.0), (1e-3, 1.0)], ""),  # biased phase space
        ([(1e-5, 1.0), (1e-2, 1000.0)], "1e\\+03"),
    ],
)
def test_weights_of_another_norm_are_remarked(
    files: list[tuple[float, float]], factor: str
) -> None:
    chunks = [weighted(*sizes, f"{n}.root") for n, sizes in enumerate(files)]
    remarks = merge("s", [*chunks, chunk([(1, 1.0)])]).remarks
    assert len(remarks) == bool(factor)
    if factor:
        assert re.search(rf"are {factor} times those of \d\.root.*event_norm", remarks[0])


def test_no_normalisation() -> None:
    with pytest.raises(EmptySampleError, match=r"all 1 files were skipped.*f\.root: truncated"):
        merge("s", [chunk([(0, 0.0)], "skipped")])
    with pytest.raises(NormalisationError, match="add up to -1"):
        merge("s", [chunk([(3, -1.0)])])
